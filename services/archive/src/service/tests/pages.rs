//! The pages for people.

use super::*;

const HOSTILE: &str = "<script>alert(1)</script>\" onmouseover='x' & \u{202e}\u{0007}";

async fn page(archive: &Running, path: &str) -> (StatusCode, axum::http::HeaderMap, String) {
    request(archive.public.clone(), path, VIEWER).await
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_strings_stay_text_wherever_they_stand() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    let mut article = article(HOSTILE);
    for key in ["body", "url", "language"] {
        article["data"][key] = json!(HOSTILE);
    }
    article["data"]["authors"] = json!([HOSTILE]);
    article["data"]["media_credits"] = json!([HOSTILE]);
    article["data"]["attribution"] =
        json!([{"name": HOSTILE, "title": HOSTILE, "url": format!("javascript:{HOSTILE}")}]);
    let mut hostile = comment("<img src=x>\"", Some("'><script>"), 1);
    hostile["data"]["body"] = json!(HOSTILE);
    hostile["data"]["language"] = json!(HOSTILE);
    hostile["data"]["author"] =
        json!({"id": HOSTILE, "display_name": HOSTILE, "name": format!("{HOSTILE}2")});
    let mut decided = decision("d-1", "<img src=x>\"", "reject");
    decided["data"]["labels"] = json!([HOSTILE]);
    decided["data"]["by"] = json!({"kind": "moderator", "id": HOSTILE});
    archive.publish(&[article, hostile, decided], 3).await;
    for path in [
        "/sites/courrier/threads/a-1",
        "/sites/courrier/comments/%3Cimg%20src%3Dx%3E%22",
        "/sites/courrier",
        "/",
    ] {
        let (status, headers, body) = page(&archive, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        // The one block of data has them, too, and nothing that could end it.
        let body = match body.split_once("<script type=\"application/ld+json\">") {
            Some((head, rest)) => format!("{head}{}", rest.split_once("</script>").unwrap().1),
            None => body,
        };
        for never in ["<script", "<img", "='x'", "href=\"javascript", "\u{7}"] {
            assert!(!body.contains(never), "{path}: {never}: {body}");
        }
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self';"),
            "{policy}"
        );
    }
    let (_, _, body) = page(&archive, "/sites/courrier/threads/a-1").await;
    assert!(
        body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
        "{body}"
    );
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_its_landmarks() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    let mut events = vec![article("Le titre"), decision("d-0", "c-0", "approve")];
    events.push(comment("c-0", None, 0));
    for n in 1..40 {
        events.push(comment(&format!("c-{n}"), Some(&format!("c-{}", n - 1)), n));
    }
    events.push(comment("c 40/é", Some("gone"), 41));
    archive.publish(&events, 43).await;
    let (_, headers, body) = page(&archive, "/sites/courrier/threads/a-1").await;
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    for part in [
        "<h1 dir=\"auto\" lang=\"fr\">Le titre</h1>",
        "<p dir=\"auto\">The second.</p>",
        "<article id=\"c-c-0\">",
        "<article id=\"c-c%2040%2F%C3%A9\">",
        "<time datetime=\"2026-11-02T09:05:00+01:00\">2026-11-02 09:05 (UTC+01:00)</time>",
        "41 archived",
        "7 according to the platform",
        "A comment that was not captured",
        "<span class=\"status approved\">approved</span> by rules",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    // Lists are closed, and stop nesting before a browser would.
    assert_eq!(body.matches("<ol").count(), body.matches("</ol>").count());
    assert_eq!(body.matches("<li>").count(), body.matches("</li>").count());
    assert!(body.matches("<ol").count() <= 10, "{body}");
    let (status, headers, css) = page(&archive, "/assets/thread.css").await;
    assert_eq!(
        (status, headers["content-type"].to_str().unwrap()),
        (StatusCode::OK, "text/css; charset=utf-8")
    );
    assert!(css.contains("prefers-color-scheme: dark") && css.contains("@media print"));

    let (status, headers, _) =
        page(&archive, "/sites/courrier/comments/c%2040%2F%C3%A9/thread").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(
        headers["location"],
        "/sites/courrier/threads/a-1#c-c%2040%2F%C3%A9"
    );
    archive.stop().await;
}

/// A comment below others with three revisions, of which the second was rejected.
async fn discussion() -> (Fixture, Running) {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    let by = json!({"kind": "moderator", "id": "m-secret"});
    let mut rejected = decided("d-2", "c-4", 2, "reject", &by);
    rejected["data"]["statement"] = json!({"ground": "terms", "reference": "§ 4",
        "facts": "It insults someone.", "automated_detection": true,
        "automated_decision": "AUTOMATED_DECISION_NOT_AUTOMATED"});
    rejected["data"]["reason"] = json!("an insult");
    let report = json!({"comment": "c-4", "report": "r-1", "reason": "spam"});
    let events = [
        article("Le titre"),
        comment("c-1", None, 1),
        comment("c-2", Some("c-1"), 2),
        comment("c-3", Some("c-2"), 3),
        comment("c-4", Some("c-3"), 4),
        revision("c-4", Some("c-3"), 5, 2),
        revision("c-4", Some("c-3"), 6, 3),
        decision("d-3", "c-3", "approve"),
        decision("d-1", "c-4", "approve"),
        rejected,
        decided("d-4", "c-4", 3, "approve", &by),
        event("report", "comment.reported", report),
        comment("c-5", Some("gone"), 7),
        decision("d-5", "c-5", "approve"),
    ];
    archive.publish(&events, 14).await;
    (fixture, archive)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permalink_shows_a_comment_with_its_history() {
    let (_fixture, archive) = discussion().await;
    let path = "/sites/courrier/comments/c-4";
    let (status, _, reviewed) = page(&archive, path).await;
    assert_eq!(status, StatusCode::OK);
    for part in [
        "<h1><bdi>Constantin N.</bdi></h1>",
        "<a href=\"/sites/courrier/comments/c-4/thread\">In its thread</a>",
        "<a href=\"/sites/courrier/threads/a-1\">Le titre</a>",
        "<p dir=\"auto\">The words of c-1, revision 1.</p>",
        "revision <del>1.</del><ins>2.</ins>",
        "revision <del>2.</del><ins>3.</ins>",
        "What was decided, and why",
        "by moderator <bdi>m-secret</bdi>",
        "Rule <bdi><code>r</code></bdi> <mark><bdi>The</bdi></mark>",
        "<dt>Facts</dt><dd dir=\"auto\">It insults someone.</dd>",
        "<bdi>reason</bdi>: <bdi>an insult</bdi>",
        "<li>stoa.comment.reported.v1",
    ] {
        assert!(reviewed.contains(part), "{part}: {reviewed}");
    }
    let (status, _, public) = request(archive.public.clone(), path, "").await;
    assert_eq!(status, StatusCode::OK);
    for part in [
        "A comment that is not shown.",
        "<p dir=\"auto\">The words of c-3, revision 1.</p>",
        "compared with revision 1",
        "revision <del>1.</del><ins>3.</ins>",
        "by a moderator",
    ] {
        assert!(public.contains(part), "{part}: {public}");
    }
    for never in [
        "m-secret",
        "revision 2.",
        "insult",
        "<code>r",
        "What else",
        "words of c-1",
    ] {
        assert!(!public.contains(never), "{never}: {public}");
    }
    let (_, _, orphan) = request(archive.public.clone(), "/sites/courrier/comments/c-5", "").await;
    assert!(
        orphan.contains("A comment that was not captured."),
        "{orphan}"
    );
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_can_be_read_without_sight_and_in_every_script() {
    let (_fixture, archive) = discussion().await;
    for path in [
        "/",
        "/search",
        "/sites/courrier",
        "/sites/courrier/threads/a-1",
        "/sites/courrier/threads/a-1?after=c-1",
        "/sites/courrier/comments/c-4",
    ] {
        let (status, _, body) = page(&archive, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert_eq!(body.matches("<h1").count(), 1, "{path}");
        assert_eq!(body.matches("<main id=\"main\">").count(), 1, "{path}");
        assert!(body.contains("<html lang=\"en\">"), "{path}");
        let first = body.split_once("<body>").unwrap().1;
        assert!(
            first.starts_with("<a class=\"skip\" href=\"#main\">"),
            "{path}"
        );
        assert!(!body.contains("<nav>"), "{path}: each has a name");
        // No heading is more than one level below the one before it.
        let levels: Vec<u8> = body
            .match_indices("<h")
            .filter_map(|(at, _)| body.as_bytes().get(at + 2).copied())
            .filter(u8::is_ascii_digit)
            .collect();
        assert!(
            levels.windows(2).all(|pair| pair[1] <= pair[0] + 1),
            "{path}: {levels:?}"
        );
    }
    let (_, _, body) = page(&archive, "/sites/courrier/threads/a-1?after=c-1").await;
    assert!(body.contains("<a href=\"/sites/courrier/threads/a-1\">First page</a>"));
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_is_found_on_its_page_of_the_thread() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    let events: Vec<Value> = (0..1_005)
        .map(|n| {
            let mut one = comment(&format!("c-{n:04}"), None, 0);
            one["data"]["submitted_at"] = json!("2026-11-02T09:00:00Z");
            one
        })
        .collect();
    archive.publish(&events, 1_005).await;
    for (comment, location) in [
        ("c-0999", "/sites/courrier/threads/a-1#c-c-0999"),
        (
            "c-1000",
            "/sites/courrier/threads/a-1?after=c-0999#c-c-1000",
        ),
    ] {
        let path = format!("/sites/courrier/comments/{comment}/thread");
        let (_, headers, _) = page(&archive, &path).await;
        assert_eq!(headers["location"], location);
    }
    let (_, _, body) = page(&archive, "/sites/courrier/threads/a-1").await;
    assert!(body.contains("<a href=\"/sites/courrier/threads/a-1?after=c-0999\">Next page</a>"));
    let (_, _, body) = page(&archive, "/sites/courrier/threads/a-1?after=c-0999").await;
    assert!(body.contains("id=\"c-c-1004\"") && !body.contains("Next page"));
    archive.stop().await;
}
