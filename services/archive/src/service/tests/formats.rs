//! What programs read: `ActivityStreams` and JSON-LD.

use super::feeds::{elements, texts};
use super::*;

const HOSTILE: &str = "</script><script>alert(1)</script><!-- ]]> & \"q\" 'x' \u{202e}\u{1}\u{b}\u{fffe}\u{0085}\u{2028}";

/// A thread with an approved comment, replies to it that are approved, pending, rejected and
/// erased, and an approved one below a rejected one.
pub(super) async fn thread() -> (Fixture, Running) {
    let fixture = Fixture::new();
    let mut config = fixture.config();
    config.http.public_url = "https://archive.example".to_owned();
    let archive = fixture.start_with(config).await;
    let mut first = comment("c-1", None, 1);
    first["data"]["language"] = json!("ar");
    first["data"]["format"] = json!("html");
    first["data"]["body"] = json!("<p>One &amp; <script>two</script></p>");
    first["data"]["normalized"] = json!({"text": "One & two <3"});
    let events = [
        article("Le titre"),
        first,
        comment("c-2", Some("c-1"), 2),
        comment("c-3", Some("c-1"), 3),
        comment("c-4", Some("c-1"), 4),
        comment("c-5", Some("c-1"), 5),
        comment("c-6", Some("c-4"), 6),
        revision("c-6", Some("c-4"), 8, 2),
        decision("d-1", "c-1", "approve"),
        decision("d-2", "c-2", "approve"),
        decision("d-3", "c-3", "hold"),
        decision("d-4", "c-4", "reject"),
        decision("d-5", "c-5", "approve"),
        decided(
            "d-6",
            "c-6",
            2,
            "approve",
            &json!({"kind": "moderator", "id": "m-secret"}),
        ),
    ];
    archive.publish(&events, 14).await;
    archive.erase("c-5").await;
    (fixture, archive)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_is_a_note() {
    let (_fixture, archive) = thread().await;
    let note = archive
        .ok("/v1/sites/courrier/comments/c-1/activity", "")
        .await;
    let content = "<p dir=\"auto\">One &amp; two &lt;3</p>";
    assert_eq!(
        note,
        json!({
            "@context": "https://www.w3.org/ns/activitystreams",
            "type": "Note",
            "id": "https://archive.example/sites/courrier/comments/c-1",
            "url": "https://archive.example/sites/courrier/comments/c-1",
            "attributedTo": [{
                "type": "Person",
                "id": "https://archive.example/sites/courrier#author-u-7",
                "name": "Constantin N.",
            }],
            "content": content,
            "contentMap": {"ar": content},
            "mediaType": "text/html",
            "source": {
                "content": "<p>One &amp; <script>two</script></p>",
                "mediaType": "text/html",
            },
            "published": "2026-11-02T09:01:00+01:00",
            "inReplyTo": "https://archive.example/v1/sites/courrier/threads/a-1/article",
            "context": "https://archive.example/sites/courrier/threads/a-1",
            "replies": "https://archive.example/v1/sites/courrier/comments/c-1/replies",
        })
    );
    let reply = archive
        .ok("/v1/sites/courrier/comments/c-6/activity", "")
        .await;
    assert_eq!(
        reply["inReplyTo"],
        "https://archive.example/sites/courrier/comments/c-4"
    );
    assert_eq!(
        (&reply["published"], &reply["updated"]),
        (
            &json!("2026-11-02T08:06:00Z"),
            &json!("2026-11-02T09:08:00+01:00")
        )
    );
    // What is erased counts among the replies; what may not be read does not.
    let replies = archive
        .ok("/v1/sites/courrier/comments/c-1/replies", "")
        .await;
    assert_eq!(replies["type"], "Collection");
    assert_eq!(
        replies["items"],
        json!([
            "https://archive.example/sites/courrier/comments/c-2",
            "https://archive.example/sites/courrier/comments/c-5",
        ])
    );
    let replies = archive
        .ok("/v1/sites/courrier/comments/c-1/replies", VIEWER)
        .await;
    assert_eq!(replies["totalItems"], 4);
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_comment_is_a_tombstone() {
    let (_fixture, archive) = thread().await;
    let gone = json!({
        "@context": "https://www.w3.org/ns/activitystreams",
        "type": "Tombstone",
        "id": "https://archive.example/sites/courrier/comments/c-5",
        "formerType": "Note",
        "inReplyTo": "https://archive.example/sites/courrier/comments/c-1",
        "context": "https://archive.example/sites/courrier/threads/a-1",
    });
    let (status, body) = archive
        .get("/v1/sites/courrier/comments/c-5/activity", "")
        .await;
    assert_eq!((status, &body), (StatusCode::GONE, &gone));
    let page = archive
        .ok("/v1/sites/courrier/threads/a-1/activity?page=true", "")
        .await;
    let items = page["orderedItems"].as_array().unwrap();
    let tombstone = items.iter().find(|item| item["type"] == "Tombstone");
    assert_eq!(tombstone.unwrap()["inReplyTo"], gone["inReplyTo"]);
    let unknown = archive
        .get("/v1/sites/courrier/comments/never/activity", "")
        .await;
    assert_eq!(unknown.0, StatusCode::NOT_FOUND);

    // For people it is a page that says so, and its place in the thread stays.
    let page = archive.get("/sites/courrier/comments/c-5", "").await;
    assert_eq!(page.0, StatusCode::GONE);
    let page = page.1.as_str().unwrap();
    assert!(page.contains("<h1>An erased comment</h1>"), "{page}");
    assert!(!page.contains("Constantin N.</bdi></h1>") && !page.contains("ld+json\">"));
    let thread = archive.ok("/sites/courrier/threads/a-1", "").await;
    let thread = thread.as_str().unwrap();
    assert!(
        thread.contains("<article id=\"c-c-5\">")
            && thread.contains("<h3><bdi>An erased comment</bdi></h3>")
    );
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_is_a_collection_in_pages() {
    let (_fixture, archive) = thread().await;
    let path = "/v1/sites/courrier/threads/a-1/activity";
    let thread = archive.ok(path, "").await;
    assert_eq!(
        thread,
        json!({
            "@context": "https://www.w3.org/ns/activitystreams",
            "id": "https://archive.example/sites/courrier/threads/a-1",
            "type": "OrderedCollection",
            "url": "https://archive.example/sites/courrier/threads/a-1",
            "name": "Le titre",
            "inReplyTo": "https://archive.example/v1/sites/courrier/threads/a-1/article",
            "totalItems": 4,
            "first": format!("https://archive.example{path}?page=true"),
        })
    );
    let mut seen = Vec::new();
    let mut next = Some(format!("{path}?page=true&limit=2"));
    while let Some(path) = next {
        let page = archive.ok(&path, "").await;
        assert_eq!(page["type"], "OrderedCollectionPage");
        assert_eq!(page["partOf"], thread["id"]);
        for item in page["orderedItems"].as_array().unwrap() {
            seen.push(
                item["id"]
                    .as_str()
                    .unwrap()
                    .rsplit('/')
                    .next()
                    .unwrap()
                    .to_owned(),
            );
        }
        next = page["next"].as_str().map(|next| {
            let path = next.strip_prefix("https://archive.example").unwrap();
            format!("{path}&limit=2")
        });
    }
    assert_eq!(seen, ["c-1", "c-2", "c-6", "c-5"]);

    let article = archive
        .ok("/v1/sites/courrier/threads/a-1/article", "")
        .await;
    let html = "<p dir=\"auto\">The first.</p><p dir=\"auto\">The second.</p>";
    assert_eq!(
        article,
        json!({
            "@context": "https://www.w3.org/ns/activitystreams",
            "type": "Article",
            "id": "https://archive.example/v1/sites/courrier/threads/a-1/article",
            "url": thread["id"],
            "name": "Le titre",
            "attributedTo": [{"type": "Person", "name": "Ada"}],
            "content": html,
            "contentMap": {"fr": html},
            "mediaType": "text/html",
            "source": {"content": "The first.\n\nThe second.", "mediaType": "text/plain"},
            "published": "2026-11-01T08:00:00+01:00",
            "context": thread["id"],
            "replies": thread["id"],
        })
    );
    let removed = event("removed", "article.removed", json!({}));
    archive.publish(&[removed], 15).await;
    let (status, gone) = archive
        .get("/v1/sites/courrier/threads/a-1/article", "")
        .await;
    let tombstone = json!({
        "@context": "https://www.w3.org/ns/activitystreams",
        "type": "Tombstone",
        "id": article["id"],
        "formerType": "Article",
        "context": thread["id"],
    });
    assert_eq!((status, &gone), (StatusCode::GONE, &tombstone));
    // Its comments stay what they are, and so does what they answer.
    let note = archive
        .ok("/v1/sites/courrier/comments/c-1/activity", "")
        .await;
    assert_eq!(note["inReplyTo"], article["id"]);
    let shown = archive
        .ok("/v1/sites/courrier/threads/a-1/article", VIEWER)
        .await;
    assert_eq!(shown, article, "who reviews reads on");
    for (query, expected) in [
        ("limit=0", StatusCode::BAD_REQUEST),
        ("limit=201", StatusCode::BAD_REQUEST),
        ("page=perhaps", StatusCode::BAD_REQUEST),
        ("as_of=2026-11-24T12:00:00Z", StatusCode::BAD_REQUEST),
        ("after=never", StatusCode::NOT_FOUND),
    ] {
        let (status, _) = archive.get(&format!("{path}?{query}"), "").await;
        assert_eq!(status, expected, "{query}");
    }
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_the_objects_that_are_served() {
    for is_removed in [false, true] {
        let (fixture, archive) = thread().await;
        if is_removed {
            let removed = event("removed", "article.removed", json!({}));
            archive.publish(&[removed], 15).await;
        }
        let thread = "/v1/sites/courrier/threads/a-1";
        let (status, article) = archive.get(&format!("{thread}/article"), "").await;
        assert_eq!(status == StatusCode::GONE, is_removed);
        let page = archive
            .ok(&format!("{thread}/activity?page=true"), "")
            .await;
        let mut served = vec![article.clone()];
        for item in page["orderedItems"].as_array().unwrap() {
            let mut item = item.clone();
            item["@context"] = article["@context"].clone();
            served.push(item);
        }
        archive.stop().await;

        let dir = fixture.dir.path().join("archive");
        let export = crate::export::Export::open(&dir, &mut |_, _| {}).unwrap();
        let mut exported: Vec<Value> = Vec::new();
        let mut put = |object: &str| {
            exported.push(serde_json::from_str(object)?);
            Ok(())
        };
        let base = "https://archive.example";
        let written = export.activity("courrier", base, &mut put).unwrap();
        assert_eq!(exported, served);
        assert_eq!(written.tombstones, 1 + u64::from(is_removed));
        assert_eq!(written.objects + written.tombstones, 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_address_serves_programs_and_people() {
    let (_fixture, archive) = thread().await;
    for (path, kind) in [
        ("/sites/courrier/comments/c-1", "Note"),
        ("/sites/courrier/threads/a-1", "OrderedCollection"),
    ] {
        for accept in [
            "application/activity+json",
            "application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\"",
        ] {
            let (status, headers, body) = request_with(&archive, path, &[("accept", accept)]).await;
            assert_eq!(
                (status, headers["content-type"].as_bytes()),
                (StatusCode::OK, accept.as_bytes())
            );
            let body: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(body["type"], kind);
            assert_eq!(body["id"], format!("https://archive.example{path}"));
            assert!(headers["vary"].to_str().unwrap().contains("Accept"));
        }
        let (_, headers, _) = request_with(&archive, path, &[("accept", "text/html,*/*")]).await;
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        assert!(headers["vary"].to_str().unwrap().contains("Accept"));
    }
    archive.stop().await;
}

/// Reads the JSON-LD of a page.
fn data(page: &str) -> Option<Value> {
    let (_, rest) = page.split_once("<script type=\"application/ld+json\">")?;
    let (data, rest) = rest.split_once("</script>").unwrap();
    assert!(!rest.contains("<script"), "{rest}");
    Some(serde_json::from_str(data).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_say_in_json_ld_what_anyone_may_read() {
    let (_fixture, archive) = thread().await;
    for token in ["", VIEWER] {
        let page = archive.ok("/sites/courrier/threads/a-1", token).await;
        let data = data(page.as_str().unwrap()).unwrap();
        assert_eq!(
            (&data["@context"], &data["@type"], &data["headline"]),
            (
                &json!("https://schema.org"),
                &json!("DiscussionForumPosting"),
                &json!("Le titre")
            )
        );
        assert_eq!(data["datePublished"], "2026-11-01T08:00:00+01:00");
        let comments = data["comment"].as_array().unwrap();
        let ids: Vec<&str> = comments
            .iter()
            .map(|comment| comment["url"].as_str().unwrap())
            .collect();
        assert_eq!(
            ids,
            ["c-1", "c-2", "c-6"]
                .map(|id| format!("https://archive.example/sites/courrier/comments/{id}"))
        );
        assert_eq!(comments[0]["@type"], "Comment");
        assert_eq!(
            comments[0]["author"],
            json!({"@type": "Person", "name": "Constantin N."})
        );
        assert_eq!(
            comments[1]["parentItem"],
            json!({"@id": comments[0]["@id"]})
        );
    }
    let page = archive.ok("/sites/courrier/comments/c-2", "").await;
    let alone = data(page.as_str().unwrap()).unwrap();
    assert_eq!(
        (&alone["@type"], &alone["about"]["headline"]),
        (&json!("Comment"), &json!("Le titre"))
    );
    let page = archive.ok("/sites/courrier/comments/c-3", VIEWER).await;
    assert_eq!(data(page.as_str().unwrap()), None, "it is pending");
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_ld_is_bounded() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    let mut events = Vec::new();
    for n in 0..120 {
        let mut one = comment(&format!("c-{n}"), None, 1);
        one["data"]["body"] = json!("é".repeat(3_000));
        events.push(one);
        events.push(decision(&format!("d-{n}"), &format!("c-{n}"), "approve"));
    }
    archive.publish(&events, 240).await;
    let page = archive.ok("/sites/courrier/threads/a-1", "").await;
    let data = data(page.as_str().unwrap()).unwrap();
    let comments = data["comment"].as_array().unwrap();
    assert_eq!((comments.len(), &data["commentCount"]), (100, &json!(120)));
    assert_eq!(comments[0]["text"].as_str().unwrap().chars().count(), 2_000);
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_words_stay_words_in_every_format() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    let long = "w".repeat(64 * 1024);
    let id = "<c>&\"'";
    let mut hostile = comment(id, Some("</script>"), 1);
    hostile["data"]["body"] = json!(format!("{HOSTILE}\n\n{long}"));
    hostile["data"]["language"] = json!("\"><x");
    hostile["data"]["url"] = json!("javascript:alert(1)");
    hostile["data"]["author"] = json!({"id": "</name>", "display_name": HOSTILE});
    let mut article = article(HOSTILE);
    article["data"]["body"] = json!(HOSTILE);
    article["data"]["url"] = json!("javascript:alert(1)");
    archive
        .publish(&[article, hostile, decision("d-1", id, "approve")], 3)
        .await;
    let escaped = "%3Cc%3E%26%22%27";
    for path in [
        "/sites/courrier/feed.atom",
        "/sites/courrier/threads/a-1/feed.atom",
    ] {
        let (status, _, body) = request(archive.public.clone(), path, "").await;
        assert_eq!(status, StatusCode::OK);
        let elements = elements(&body);
        let content = &texts(&elements, "content")[0];
        assert!(
            content.starts_with("<p dir=\"auto\">&lt;/script&gt;&lt;script&gt;"),
            "{body}"
        );
        assert!(content.contains(&long));
        for title in texts(&elements, "title")
            .iter()
            .chain(&texts(&elements, "name"))
        {
            assert!(!title.contains('\u{202e}'), "{title}");
        }
        let entry = elements.iter().find(|element| element.name == "entry");
        assert_eq!(entry.unwrap().attribute("xml:lang"), "");
    }
    for path in [
        format!("/sites/courrier/comments/{escaped}"),
        "/sites/courrier/threads/a-1".to_owned(),
    ] {
        let (status, headers, body) = request(archive.public.clone(), &path, "").await;
        assert_eq!(status, StatusCode::OK, "{path}");
        let data = data(&body).unwrap();
        assert!(
            data.to_string().contains("</script><script>alert(1)"),
            "{data}"
        );
        assert_eq!(body.matches("<script").count(), 1, "{path}");
        for never in ["<!--", "href=\"javascript", "<x", "\u{1}"] {
            assert!(!body.contains(never), "{path}: {never}");
        }
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'self';"));
    }
    let note = archive
        .ok(
            &format!("/v1/sites/courrier/comments/{escaped}/activity"),
            "",
        )
        .await;
    let content = note["content"].as_str().unwrap();
    assert!(
        content.contains("&lt;script&gt;") && !content.contains("<script"),
        "{content}"
    );
    assert!(
        note["url"]
            .as_str()
            .unwrap()
            .starts_with("http://localhost:8083/sites/")
    );
    assert_eq!(note.get("contentMap"), None);
    archive.stop().await;
}
