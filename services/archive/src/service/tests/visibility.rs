//! Who sees what.

use super::*;

async fn thread() -> (Fixture, Running) {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    let by = json!({"kind": "moderator", "id": "m-secret"});
    let mut private = comment("p-1", None, 1);
    private["data"]["site"] = json!("private");
    let events = [
        article("Title"),
        comment("c-1", None, 1),
        comment("c-2", Some("c-1"), 2),
        comment("c-3", Some("c-2"), 3),
        comment("c-4", Some("c-3"), 4),
        comment("c-5", Some("gone"), 5),
        comment("c-6", None, 6),
        revision("c-6", None, 6, 2),
        decision("d-1", "c-1", "reject"),
        decided("d-2", "c-2", 1, "approve", &by),
        decision("d-3", "c-3", "hold"),
        decision("d-61", "c-6", "approve"),
        event("withdrawn", "comment.withdrawn", json!({"comment": "c-4"})),
        private,
    ];
    archive.publish(&events, 14).await;
    (fixture, archive)
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_sees_approved_comments_and_what_leads_to_them() {
    let (_fixture, archive) = thread().await;
    assert_eq!(archive.tree("").await, ["c-1 hidden", " c-2 approved"]);
    let body = archive.ok("/v1/sites/courrier/threads/a-1", "").await;
    assert_eq!(
        body["counts"],
        json!({"shown": 1, "held": 6, "platform": 7})
    );
    let text = body.to_string();
    for id in ["c-1", "c-3", "c-4", "c-5", "c-6"] {
        assert!(!text.contains(&format!("words of {id}")), "{id}");
        let path = format!("/v1/sites/courrier/comments/{id}");
        assert_eq!(
            archive.get(&path, "").await.0,
            StatusCode::NOT_FOUND,
            "{id}"
        );
    }
    assert_eq!(
        body["comments"][0],
        json!({"comment": "c-1", "parent": null, "depth": 0, "status": "hidden"})
    );
    assert_eq!(
        body["comments"][1]["decision"]["by"],
        json!({"kind": "moderator"})
    );
    let history = archive.ok("/v1/sites/courrier/comments/c-2", "").await;
    assert!(!history.to_string().contains("m-secret"), "{history}");
    assert!(history.get("events").is_none() && history["decisions"][0].get("rules").is_none());
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_sees_everything() {
    let (_fixture, archive) = thread().await;
    let tree = archive.tree(VIEWER).await;
    assert_eq!(
        tree,
        [
            "c-1 rejected",
            " c-2 approved",
            "  c-3 pending",
            "   c-4 withdrawn",
            "gone not_captured",
            " c-5 pending",
            "c-6 pending",
        ]
    );
    let history = archive.ok("/v1/sites/courrier/comments/c-6", VIEWER).await;
    assert_eq!(history["status"], "pending");
    assert_eq!(history["text"], "The words of c-6, revision 2.");
    let statuses: Vec<&Value> = history["revisions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| &r["status"])
        .collect();
    assert_eq!(statuses, ["approved", "pending"]);
    assert_eq!(history["decisions"][0]["effective"], true);
    assert_eq!(history["decisions"][0]["rules"][0]["id"], "r");
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_is_private_unless_it_is_public() {
    let (_fixture, archive) = thread().await;
    for path in [
        "/v1/sites/private/threads/a-1",
        "/v1/sites/private/threads",
        "/v1/sites/private/comments/p-1",
        "/v1/sites/unheard-of/threads",
        "/sites/private/threads/a-1",
        "/sites/private",
        "/sites/private/comments/p-1",
    ] {
        assert_eq!(
            archive.get(path, "").await.0,
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
        assert_eq!(
            archive.get(path, FOREIGN).await.0,
            StatusCode::FORBIDDEN,
            "{path}"
        );
        assert_eq!(
            archive.get(path, "nonsense").await.0,
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
    }
    assert_eq!(
        archive
            .get("/v1/sites/private/threads/a-1", PUBLISHER)
            .await
            .0,
        StatusCode::NOT_FOUND,
        "a publisher has no role that reviews, and nothing was approved"
    );
    let reviewed = archive.ok("/v1/sites/private/threads/a-1", VIEWER).await;
    assert_eq!(reviewed["comments"][0]["comment"], "p-1");
    assert_eq!(
        archive.get("/v1/sites/courrier/threads/x", "").await.0,
        StatusCode::NOT_FOUND
    );
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_mode_shows_what_is_approved() {
    let fixture = Fixture::new();
    let mut config = fixture.config();
    config.open = true;
    config.sites.clear();
    let archive = fixture.start_with(config).await;
    let events = [
        comment("c-1", None, 1),
        comment("c-2", None, 2),
        decision("d-1", "c-1", "approve"),
    ];
    archive.publish(&events, 3).await;
    assert_eq!(archive.tree("").await, ["c-1 approved"]);
    assert_eq!(archive.tree(VIEWER).await, ["c-1 approved", "c-2 pending"]);
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_article_that_was_taken_down() {
    let (_fixture, archive) = thread().await;
    let removed = json!({"removed_at": "2026-11-20T00:00:00Z", "reason": "an error"});
    archive
        .publish(&[event("removed", "article.removed", removed)], 15)
        .await;
    let body = archive.ok("/v1/sites/courrier/threads/a-1", "").await;
    assert_eq!(body["article"], json!({"article": "a-1", "removed": true}));
    let body = archive.ok("/v1/sites/courrier/threads/a-1", VIEWER).await;
    assert_eq!(body["article"]["title"], "Title");
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_status_needs_a_role() {
    let (_fixture, archive) = thread().await;
    let status = async |token: &str| request(archive.admin.clone(), "/admin/status", token).await;
    assert_eq!(status("").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(status(PUBLISHER).await.0, StatusCode::FORBIDDEN);
    let (code, _, body) = status(VIEWER).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(code, StatusCode::OK);
    assert_eq!(body["journal"]["next"], 14);
    assert_eq!(body["view"], json!({"applied": 14, "lag": 0}));
    assert!(
        archive.context.ready.is_ready(),
        "{:?}",
        archive.context.ready.report()
    );
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_comment_that_was_imported_keeps_its_place_without_words() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    let by = json!({"kind": "moderator", "id": "import:disqus"});
    let mut deleted = comment("c-1", None, 1);
    deleted["data"]["body"] = json!("");
    deleted["data"]["imported"] = json!({"from": "disqus", "state": "deleted"});
    let mut verdict = decided("d-1", "c-1", 1, "reject", &by);
    verdict["data"]["labels"] = json!(["deleted"]);
    let events = [
        deleted,
        verdict,
        comment("c-2", Some("c-1"), 2),
        decided("d-2", "c-2", 1, "approve", &by),
    ];
    archive.publish(&events, 4).await;
    assert_eq!(archive.tree("").await, ["c-1 hidden", " c-2 approved"]);
    assert_eq!(
        archive.tree(VIEWER).await,
        ["c-1 rejected", " c-2 approved"]
    );
    let history = archive.ok("/v1/sites/courrier/comments/c-1", VIEWER).await;
    assert_eq!(
        (&history["text"], &history["decision"]["labels"]),
        (&json!(""), &json!(["deleted"]))
    );
    let page = archive.get("/sites/courrier/threads/a-1", "").await;
    assert_eq!(page.0, StatusCode::OK);
    assert!(page.1.as_str().unwrap().contains("The words of c-2"));
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_without_anything_for_anyone_is_not_told_of() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    let mut held = comment("c-held", None, 1);
    held["data"]["article"] = json!("blog.example/secret");
    archive.publish(&[held], 1).await;
    let thread = "/v1/sites/courrier/threads/blog.example%2Fsecret";
    let lists = [
        "/v1/sites/courrier/threads",
        "/sites/courrier",
        "/sites/courrier/sitemap.xml",
        "/sites/courrier/feed.atom",
    ];
    for path in lists {
        let (status, _, body) = request(archive.public.clone(), path, "").await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(!body.contains("secret"), "{path}: {body}");
    }
    for form in ["", "/activity", "/article"] {
        let (status, _) = archive.get(&format!("{thread}{form}"), "").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{form}");
    }
    let reviewed = archive.ok("/v1/sites/courrier/threads", VIEWER).await;
    assert_eq!(reviewed["threads"][0]["thread"], "blog.example/secret");
    archive.ok(thread, VIEWER).await;

    // Once something of it may be read, it is there.
    let mut approved = decision("d-held", "c-held", "approve");
    approved["data"]["article"] = json!("blog.example/secret");
    archive.publish(&[approved], 2).await;
    for path in lists {
        let (_, _, body) = request(archive.public.clone(), path, "").await;
        assert!(body.contains("secret"), "{path}: {body}");
    }
    archive.ok(thread, "").await;
    archive.stop().await;
}
