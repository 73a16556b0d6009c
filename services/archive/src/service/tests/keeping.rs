//! How answers may be kept, what is public, and what absolute links begin with.

use super::*;

/// Every form in which a thread or a comment of a site is shown.
fn forms(site: &str, thread: &str, comment: &str) -> Vec<String> {
    let mut forms = vec![
        format!("/v1/sites/{site}/threads"),
        format!("/sites/{site}"),
    ];
    forms.push(format!("/sites/{site}/feed.atom"));
    for form in [
        "",
        "/activity",
        "/activity?page=true",
        "/article",
        "?shape=nested",
    ] {
        forms.push(format!("/v1/sites/{site}/threads/{thread}{form}"));
    }
    for form in ["", "/activity", "/replies"] {
        forms.push(format!("/v1/sites/{site}/comments/{comment}{form}"));
    }
    for form in ["", "/feed.atom"] {
        forms.push(format!("/sites/{site}/threads/{thread}{form}"));
    }
    forms.push(format!("/sites/{site}/comments/{comment}"));
    forms
}

async fn archive() -> (Fixture, Running) {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    let mut private = [
        article("Private title"),
        comment("p-1", None, 1),
        decision("d-p", "p-1", "approve"),
    ];
    for event in &mut private {
        event["id"] = json!(format!("private-{}", event["id"].as_str().unwrap()));
        event["data"]["site"] = json!("private");
    }
    let events = [
        article("Title"),
        comment("c-1", None, 1),
        decision("d-1", "c-1", "approve"),
        comment("c-2", None, 2),
    ];
    archive.publish(&events, 4).await;
    archive.publish(&private, 7).await;
    (fixture, archive)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_change_is_not_sent_again() {
    let (_fixture, archive) = archive().await;
    let forms = forms("courrier", "a-1", "c-1");
    let mut tags = Vec::new();
    for path in &forms {
        let (status, headers, body) = request_with(&archive, path, &[]).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert_eq!(headers["cache-control"], "public, max-age=60", "{path}");
        assert_eq!(headers["vary"], "Accept, Authorization, Cookie", "{path}");
        let tag = headers["etag"].to_str().unwrap().to_owned();
        let strong = tag.strip_prefix("W/").unwrap();
        for known in [tag.clone(), strong.to_owned(), format!("\"x\", {tag}")] {
            let (status, headers, rest) =
                request_with(&archive, path, &[("if-none-match", &known)]).await;
            assert_eq!(
                (status, rest.as_str()),
                (StatusCode::NOT_MODIFIED, ""),
                "{path}"
            );
            assert_eq!(headers["etag"], tag.as_str());
            assert_eq!(headers["cache-control"], "public, max-age=60", "{path}");
        }
        // The words of a reviewer are not those of everyone, nor are they kept.
        let known = [
            ("if-none-match", tag.as_str()),
            ("authorization", &bearer(VIEWER)),
        ];
        let (status, headers, _) = request_with(&archive, path, &known).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert_eq!(headers["cache-control"], "private, no-store", "{path}");

        let head = Request::head(path).header("host", HOST);
        let head = head.body(Body::empty()).unwrap();
        let answer = archive.public.clone().oneshot(head).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(answer.headers()["etag"], tag.as_str(), "{path}");
        assert_eq!(
            answer.headers()["content-length"],
            body.len().to_string().as_str(),
            "{path}"
        );
        let empty = to_bytes(answer.into_body(), 1 << 26).await.unwrap();
        assert!(empty.is_empty(), "{path}");
        tags.push(tag);
    }
    // What happens elsewhere changes nothing.
    let mut elsewhere = comment("e-1", None, 1);
    elsewhere["data"]["site"] = json!("elsewhere");
    archive.publish(&[elsewhere], 8).await;
    for (path, tag) in forms.iter().zip(&tags) {
        let known = [("if-none-match", tag.as_str())];
        let (status, ..) = request_with(&archive, path, &known).await;
        assert_eq!(status, StatusCode::NOT_MODIFIED, "{path}");
    }
    // What happens to the comment does.
    archive
        .publish(
            &[
                revision("c-1", None, 9, 2),
                decided(
                    "d-12",
                    "c-1",
                    2,
                    "approve",
                    &json!({"kind": "moderator", "id": "m"}),
                ),
            ],
            10,
        )
        .await;
    for (path, tag) in forms.iter().zip(&tags) {
        let about_others = path.ends_with("/replies");
        let known = [("if-none-match", tag.as_str())];
        let (status, ..) = request_with(&archive, path, &known).await;
        let expected = if about_others {
            StatusCode::NOT_MODIFIED
        } else {
            StatusCode::OK
        };
        assert_eq!(status, expected, "{path}");
    }
    archive.stop().await;
}

/// Returns the forms with the tags of their answers.
async fn tags(archive: &Running) -> Vec<(String, String)> {
    let mut tags = Vec::new();
    for path in forms("courrier", "a-1", "c-1") {
        let (_, headers, _) = request_with(archive, &path, &[]).await;
        tags.push((path, headers["etag"].to_str().unwrap().to_owned()));
    }
    tags
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_changes_no_answer() {
    let (fixture, archive) = archive().await;
    let tags = tags(&archive).await;
    archive.stop().await;
    for rebuilds in [false, true] {
        if rebuilds {
            std::fs::remove_dir_all(fixture.dir.path().join("archive/view")).unwrap();
        }
        let archive = fixture.start().await;
        for (path, tag) in &tags {
            let known = [("if-none-match", tag.as_str())];
            let (status, ..) = request_with(&archive, path, &known).await;
            assert_eq!(status, StatusCode::NOT_MODIFIED, "{path} {rebuilds}");
        }
        archive.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_changes_every_answer_that_shows_the_comment() {
    let (fixture, archive) = archive().await;
    let before = tags(&archive).await;
    let order = event(
        "order",
        "comment.erased",
        json!({"comment": "c-1", "scope": "content", "redaction": "r-1"}),
    );
    archive.publish(&[order], 8).await;
    let overwritten = async {
        while archive
            .get("/v1/sites/courrier/comments/c-1/activity", "")
            .await
            .0
            != StatusCode::GONE
        {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), overwritten)
        .await
        .unwrap();
    assert_changed(&archive, &before).await;
    archive.stop().await;
    let archive = fixture.start().await;
    assert_changed(&archive, &before).await;
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_a_crash_left_have_another_tag_than_their_absence() {
    let (_fixture, archive) = archive().await;
    let key = (
        stoa_proto::Shard::of("courrier", "a-1").index(),
        "courrier".to_owned(),
        "a-1".to_owned(),
        "c-1".to_owned(),
    );
    // The view knows the order, and nothing was overwritten yet.
    let mut row = archive
        .index
        .comment("courrier", "a-1", "c-1")
        .unwrap()
        .unwrap();
    row.erased = Some(crate::redaction::Erased {
        redaction: "r-1".to_owned(),
        scope: stoa_proto::ErasureScope::Content,
        at: 0,
    });
    let mut batch = archive.index.tables().batch();
    batch.put(&crate::view::COMMENTS, &key, &row);
    let next = archive.index.applied();
    archive.index.tables().commit(batch, next).unwrap();
    let before = tags(&archive).await;
    for applied in &row.log.events {
        archive.journal.redact(applied.place.seq).await.unwrap();
    }
    assert_changed(&archive, &before).await;
    archive.stop().await;
}

async fn assert_changed(archive: &Running, before: &[(String, String)]) {
    for (path, tag) in before {
        let known = [("if-none-match", tag.as_str())];
        let (status, headers, body) = request_with(archive, path, &known).await;
        // Lists have no words of comments.
        let lists = ["/threads", "/sites/courrier", "/replies"];
        let is_list = lists.iter().any(|list| path.ends_with(list));
        assert_eq!(status == StatusCode::NOT_MODIFIED, is_list, "{path}");
        assert!(!body.contains("The words of c-1"), "{path}");
        if status == StatusCode::GONE {
            assert!(!headers.contains_key("etag"), "{path}");
            assert!(
                !headers.contains_key("cache-control"),
                "the listener's no-store"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_site_leaks_nothing() {
    let (_fixture, archive) = archive().await;
    let forms = forms("private", "a-1", "p-1");
    for path in &forms {
        let (status, headers, _) =
            request_with(&archive, path, &[("authorization", &bearer(VIEWER))]).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert_eq!(headers["cache-control"], "private, no-store", "{path}");
        let tag = headers["etag"].to_str().unwrap().to_owned();
        for (token, expected) in [
            ("", StatusCode::UNAUTHORIZED),
            ("nonsense", StatusCode::UNAUTHORIZED),
            (FOREIGN, StatusCode::FORBIDDEN),
        ] {
            let bearer = bearer(token);
            let mut sent = vec![("if-none-match", tag.as_str())];
            if !token.is_empty() {
                sent.push(("authorization", &bearer));
            }
            for accept in ["text/html", "application/activity+json"] {
                let mut sent = sent.clone();
                sent.push(("accept", accept));
                let (status, headers, body) = request_with(&archive, path, &sent).await;
                assert_eq!(status, expected, "{path}");
                assert!(!headers.contains_key("etag"), "{path}");
                assert!(
                    !body.contains("p-1") && !body.contains("Private title"),
                    "{path}"
                );
            }
        }
    }
    for path in ["/sitemap.xml", "/robots.txt", "/sites/courrier/sitemap.xml"] {
        let (status, _, body) = request_with(&archive, path, &[]).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(!body.contains("private"), "{path}: {body}");
    }
    for token in ["", VIEWER] {
        let path = "/sites/private/sitemap.xml";
        let (status, ..) = request(archive.public.clone(), path, token).await;
        assert_eq!(
            status,
            StatusCode::NOT_FOUND,
            "a sitemap is for search engines alone"
        );
    }
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_approved_is_in_no_public_form() {
    let (_fixture, archive) = archive().await;
    for path in forms("courrier", "a-1", "c-2") {
        let (status, _, body) = request_with(&archive, &path, &[]).await;
        let about_it = path.contains("/comments/");
        let expected = if about_it {
            StatusCode::NOT_FOUND
        } else {
            StatusCode::OK
        };
        assert_eq!(status, expected, "{path}");
        assert!(
            !body.contains("words of c-2") && !body.contains("\"c-2\""),
            "{path}"
        );
    }
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sitemap_has_the_threads_of_public_sites() {
    let (_fixture, archive) = archive().await;
    let removed = [
        event(
            "gone",
            "article.published",
            json!({"article": "a 2", "title": "Gone", "body": "b"}),
        ),
        event("removed", "article.removed", json!({"article": "a 2"})),
        event(
            "here",
            "article.published",
            json!({"article": "a&3", "title": "T", "body": "b"}),
        ),
    ];
    archive.publish(&removed, 10).await;
    let (_, headers, index) = request_with(&archive, "/sitemap.xml", &[]).await;
    assert_eq!(headers["content-type"], "application/xml; charset=utf-8");
    assert_eq!(headers["cache-control"], "public, max-age=60");
    assert!(
        index.contains(
            "<sitemap><loc>http://localhost:8083/sites/courrier/sitemap.xml</loc></sitemap>"
        ),
        "{index}"
    );
    let (_, _, part) = request_with(&archive, "/sites/courrier/sitemap.xml", &[]).await;
    let urls = "<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\
        <url><loc>http://localhost:8083/sites/courrier/threads/a%263</loc></url>\
        <url><loc>http://localhost:8083/sites/courrier/threads/a-1</loc>\
        <lastmod>2026-11-02T08:02:00Z</lastmod></url></urlset>";
    assert!(part.ends_with(urls), "{part}");
    let (_, _, rest) = request_with(&archive, "/sites/courrier/sitemap.xml?after=a%263", &[]).await;
    assert_eq!(rest.matches("<url>").count(), 1, "{rest}");
    let (_, _, robots) = request_with(&archive, "/robots.txt", &[]).await;
    assert!(
        robots.contains("\nSitemap: http://localhost:8083/sitemap.xml\n"),
        "{robots}"
    );
    archive.stop().await;

    let fixture = Fixture::new();
    let mut config = fixture.config();
    config.sites.clear();
    let archive = fixture.start_with(config).await;
    let (status, ..) = request_with(&archive, "/sitemap.xml", &[]).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (_, _, robots) = request_with(&archive, "/robots.txt", &[]).await;
    assert_eq!(robots, "User-agent: *\nDisallow: /\n");
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn absolute_links_begin_with_the_host_or_the_setting() {
    let (fixture, archive) = archive().await;
    let path = "/v1/sites/courrier/comments/c-1/activity";
    let forwarded = [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "host=evil.example"),
    ];
    let (_, _, body) = request_with(&archive, path, &forwarded).await;
    let note: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        note["id"],
        "http://localhost:8083/sites/courrier/comments/c-1"
    );
    for host in ["", "a/b", "a\"b", "user@a", "a b", "a:b", "<script>"] {
        let request = Request::get(path).header("host", host);
        let request = request.body(Body::empty()).unwrap();
        let answer = archive.public.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{host}");
    }
    archive.stop().await;

    let mut config = fixture.config();
    config.http.public_url = "https://archive.example".to_owned();
    let archive = fixture.start_with(config).await;
    let (_, _, body) = request_with(&archive, path, &forwarded).await;
    let note: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        note["id"],
        "https://archive.example/sites/courrier/comments/c-1"
    );
    let (_, _, page) = request_with(&archive, "/sites/courrier/comments/c-1?x=y", &[]).await;
    let canonical =
        "<link rel=\"canonical\" href=\"https://archive.example/sites/courrier/comments/c-1\">";
    assert!(page.contains(canonical), "{page}");
    archive.stop().await;
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}
