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
    for path in ["/sites/courrier/threads/a-1", "/sites/courrier", "/"] {
        let (status, headers, body) = page(&archive, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
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

    let (status, headers, _) = page(&archive, "/sites/courrier/comments/c%2040%2F%C3%A9").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(
        headers["location"],
        "/sites/courrier/threads/a-1#c-c%2040%2F%C3%A9"
    );
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permalink_finds_its_page() {
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
        let path = format!("/sites/courrier/comments/{comment}");
        let (_, headers, _) = page(&archive, &path).await;
        assert_eq!(headers["location"], location);
    }
    let (_, _, body) = page(&archive, "/sites/courrier/threads/a-1").await;
    assert!(body.contains("<a href=\"/sites/courrier/threads/a-1?after=c-0999\">Next page</a>"));
    let (_, _, body) = page(&archive, "/sites/courrier/threads/a-1?after=c-0999").await;
    assert!(body.contains("id=\"c-c-1004\"") && !body.contains("Next page"));
    archive.stop().await;
}
