//! What is asked, and what comes back.

use proptest::prelude::*;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_has_what_a_reader_needs() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    let hostile = "<script>alert('x')</script> les modérateurs & \u{202e}Cie";
    let events = [
        article("Le titre"),
        says("c-1", 1, "fr", hostile),
        decision("d-1", "c-1", "approve"),
    ];
    archive.publish_and_index(&events, 3).await;
    let body = archive
        .ok(&format!("/v1/search?{}", q("modérateur")), "")
        .await;
    assert_eq!(body["total"], 1);
    assert_eq!(body["next"], Value::Null);
    assert_eq!(body["catching_up"], false);
    assert_eq!(body["sort"], "relevance");
    let hit = &body["hits"][0];
    assert_eq!(hit["type"], "comment");
    assert_eq!(hit["title"], "Le titre");
    assert_eq!(hit["permalink"], "/sites/courrier/comments/c-1");
    assert_eq!(hit["author"]["display_name"], "Constantin N.");
    assert_eq!(hit["decision"]["verdict"], "approve");
    assert_eq!(hit["at"], "2026-11-02T09:01:00+01:00");
    let snippet = &hit["snippet"];
    assert_eq!(snippet["text"], hostile);
    let range = &snippet["ranges"][0];
    let place = |name: &str| usize::try_from(range[name].as_u64().unwrap()).unwrap();
    let marked: String = hostile
        .chars()
        .skip(place("start"))
        .take(place("end") - place("start"))
        .collect();
    assert_eq!(marked, "modérateurs");
    let html = snippet["html"].as_str().unwrap();
    assert!(html.contains("<mark>modérateurs</mark> &amp;"), "{html}");
    assert!(html.starts_with("&lt;script&gt;"), "{html}");

    let by_title = archive.ok(&format!("/v1/search?{}", q("titre")), "").await;
    let hit = &by_title["hits"][0];
    assert_eq!(hit["type"], "article");
    assert_eq!(hit["permalink"], "/sites/courrier/threads/a-1");
    assert_eq!(hit["snippet"]["html"], "Le <mark>titre</mark>");
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_and_a_decision_are_followed() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    archive
        .publish_and_index(&[comment("c-1", None, 1)], 1)
        .await;
    let events = [
        revision("c-1", None, 1, 2),
        decided(
            "d",
            "c-1",
            2,
            "approve",
            &json!({"kind": "rules", "ruleset": "r"}),
        ),
    ];
    archive.publish_and_index(&events, 3).await;
    assert_eq!(archive.found(&q("\"revision 2\""), "").await, ["c-1"]);
    assert!(archive.found(&q("\"revision 1\""), VIEWER).await.is_empty());
    let withdrawn = event("w", "comment.withdrawn", json!({"comment": "c-1"}));
    archive.publish_and_index(&[withdrawn], 4).await;
    assert!(archive.found(&q("revision"), VIEWER).await.is_empty());
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_while_comments_come() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    let some = |from: u32| -> Vec<Value> {
        (from..from + 25)
            .map(|n| says(&format!("c-{n:03}"), n % 60, "en", "a word or two"))
            .collect()
    };
    archive.publish_and_index(&some(0), 25).await;
    let mut total = 25;
    for sort in ["relevance", "newest", "oldest"] {
        let before = archive
            .found(&format!("{}&sort={sort}&limit=100", q("word")), VIEWER)
            .await;
        let mut during = Vec::new();
        let mut path = format!("/v1/search?{}&sort={sort}&limit=10", q("word"));
        let base = path.clone();
        loop {
            let body = archive.ok(&path, VIEWER).await;
            during.extend(body["hits"].as_array().unwrap().iter().map(id_of));
            let Some(next) = body["next"].as_str() else {
                break;
            };
            path = format!("{base}&after={next}");
            if total < 100 {
                total += 25;
                let events = some(u32::try_from(total).unwrap() - 25);
                archive.publish_and_index(&events, total).await;
            }
        }
        let mut known = during.clone();
        known.retain(|id| before.contains(id));
        assert_eq!(known, before, "{sort}");
    }
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    for (query, field, part) in [
        (
            q("\"never closed"),
            "q",
            "character 1: the quotation mark is never closed",
        ),
        (q("a OR"), "q", "character 3: OR needs"),
        (q(&"(".repeat(10_000)), "q", "1000 is the limit"),
        (q(&"a OR ".repeat(1_000)), "q", "1000 is the limit"),
        (q(&"a OR ".repeat(150)), "q", "64 words are the limit"),
        (
            "site=courrier&sort=best".to_owned(),
            "sort",
            "relevance, newest, oldest",
        ),
        (
            "site=courrier&status=new".to_owned(),
            "status",
            "approved, pending",
        ),
        (
            "site=courrier&verdict=yes".to_owned(),
            "verdict",
            "approve, hold, reject",
        ),
        (
            "site=courrier&type=author".to_owned(),
            "type",
            "comment, article",
        ),
        (
            "site=courrier&from=yesterday".to_owned(),
            "from",
            "2026-11-24",
        ),
        (
            "site=courrier&limit=101".to_owned(),
            "limit",
            "out of range",
        ),
        (
            "site=courrier&after=AAAA".to_owned(),
            "after",
            "begin again",
        ),
    ] {
        let (status, body) = archive.get(&format!("/v1/search?{query}"), "").await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(body["field"], field, "{body}");
        assert!(body["detail"].as_str().unwrap().contains(part), "{body}");
    }
    let unknown = archive.get("/v1/search?site=courrier&offset=7", "").await;
    assert_eq!(unknown.0, StatusCode::BAD_REQUEST);
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_has_a_form_and_hits_and_no_hole() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    let hostile = "<script>alert(1)</script>\" onmouseover='x' word";
    let mut events = vec![article(hostile)];
    for n in 0..25 {
        events.push(says(&format!("c-{n}"), n, "en", hostile));
    }
    archive.publish_and_index(&events, 26).await;
    let (status, headers, body) = request(archive.public.clone(), "/search", "").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        body.contains("<form class=\"search\" role=\"search\" action=\"/search\">"),
        "{body}"
    );
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self'"));

    let path = format!("/search?{}&author=%22%3E%3Cscript%3E", q("word"));
    let (_, _, none) = request(archive.public.clone(), &path, VIEWER).await;
    assert!(
        none.contains("0 hits") && !none.contains("<script"),
        "{none}"
    );
    let path = format!("/search?{}&type=comment", q("word"));
    let (_, _, body) = request(archive.public.clone(), &path, VIEWER).await;
    for never in ["<script", "='x'"] {
        assert!(!body.contains(never), "{never}: {body}");
    }
    assert!(
        body.contains("<mark>word</mark>") && body.contains("25 hits"),
        "{body}"
    );
    assert!(
        body.contains("<a href=\"/sites/courrier/comments/c-"),
        "{body}"
    );
    let next = body.split("<a href=\"/search?").nth(1).unwrap();
    let next = next.split('"').next().unwrap().replace("&amp;", "&");
    let (_, _, body) = request(archive.public.clone(), &format!("/search?{next}"), VIEWER).await;
    assert_eq!(body.matches("<article>").count(), 5, "{body}");

    let (status, _, body) =
        request(archive.public.clone(), &format!("/search?{}", q("\"a")), "").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        body.contains("never closed") && body.contains("value=\"&quot;a\""),
        "{body}"
    );
    archive.stop().await;
}

#[test]
fn whatever_is_asked_is_answered_or_refused() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let (_fixture, archive) = runtime.block_on(async {
        let fixture = Fixture::new();
        let archive = fixture.start().await;
        let events = [
            article("a title"),
            says("c-1", 1, "en", "a b c d"),
            says("c-2", 2, "fr", "l'été, 東京 (c) -d"),
        ];
        archive.publish_and_index(&events, 3).await;
        (fixture, archive)
    });
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(300));
    let text = "\\PC{0,60}|[ \"'*()OR«»:^~\\[\\]{}\u{0}\u{202E}a-d\\-%&]{0,80}";
    let outcome = runner.run(&(text, "\\PC{0,20}"), |(text, other)| {
        let other = http::links::escape(&other);
        let path = format!("/v1/search?{}&label={other}", q(&text));
        let page = format!("/search?{}&language={other}", q(&text));
        for path in [path, page] {
            let (status, body) = runtime.block_on(archive.get(&path, VIEWER));
            let expected = status == StatusCode::OK || status == StatusCode::BAD_REQUEST;
            prop_assert!(expected, "{} {}: {}", status, path, body);
        }
        Ok(())
    });
    outcome.unwrap();
    runtime.block_on(archive.stop());
}
