//! Who finds what.

use super::*;

/// An archive with comments of every status, on a public and a private site.
async fn archive() -> (Fixture, Running) {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    let mut private = says("p-1", 1, "fr", "le mot de passe privé");
    private["data"]["site"] = json!("private");
    let mut private_decided = decision("d-p", "p-1", "approve");
    private_decided["data"]["site"] = json!("private");
    let events = [
        article("Le mot du jour"),
        says("approved", 1, "fr", "un mot approuvé"),
        says("rejected", 2, "fr", "un mot rejeté"),
        says("held", 3, "fr", "un mot retenu"),
        says("waiting", 4, "fr", "un mot qui attend"),
        says("withdrawn", 5, "fr", "un mot retiré"),
        decision("d-1", "approved", "approve"),
        decision("d-2", "rejected", "reject"),
        decision("d-3", "held", "hold"),
        decision("d-5", "withdrawn", "approve"),
        event("w", "comment.withdrawn", json!({"comment": "withdrawn"})),
        private,
        private_decided,
    ];
    archive.publish_and_index(&events, 13).await;
    (fixture, archive)
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_finds_what_is_approved_on_public_sites() {
    let (_fixture, archive) = archive().await;
    assert_eq!(
        archive
            .found(&format!("{}&sort=oldest", q("mot")), "")
            .await,
        ["a-1", "approved"]
    );
    let body = archive.ok(&format!("/v1/search?{}", q("mot")), "").await;
    assert_eq!(body["total"], 2, "{body}");
    let text = body.to_string();
    for never in ["rejet", "retenu", "attend", "retir", "priv"] {
        assert!(!text.contains(never), "{never}: {text}");
    }
    // Neither by asking for it, nor by a filter that tells it apart.
    for status in ["pending", "rejected", "removed"] {
        let path = format!("/v1/search?{}&status={status}", q("mot"));
        assert_eq!(
            archive.get(&path, "").await.0,
            StatusCode::FORBIDDEN,
            "{status}"
        );
    }
    for query in ["rejeté", "retenu", "attend", "retiré"] {
        let body = archive.ok(&format!("/v1/search?{}", q(query)), "").await;
        assert_eq!(
            (&body["total"], &body["hits"]),
            (&json!(0), &json!([])),
            "{query}"
        );
    }
    let held = archive
        .ok("/v1/search?site=courrier&verdict=hold", "")
        .await;
    assert_eq!(held["total"], 0);
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reviewers_find_everything_of_their_sites() {
    let (_fixture, archive) = archive().await;
    let all = archive
        .found(&format!("{}&sort=oldest", q("mot")), VIEWER)
        .await;
    assert_eq!(all, ["a-1", "approved", "rejected", "held", "waiting"]);
    for (filter, expected) in [
        ("status=pending", &["held", "waiting"][..]),
        ("verdict=hold", &["held"]),
        ("status=rejected", &["rejected"]),
        ("type=article", &["a-1"]),
        ("label=a-label&status=approved", &["approved"]),
        ("author=u-7&type=comment&status=approved", &["approved"]),
        ("author=u-8", &[]),
        ("article=a-2", &[]),
        ("language=en", &[]),
        (
            "from=2026-11-02T08:02:00Z&to=2026-11-02T08:04:00Z",
            &["rejected", "held"],
        ),
        (
            "from=2026-11-02&to=2026-11-02",
            &["approved", "rejected", "held", "waiting"],
        ),
        ("from=2026-11-03", &[]),
    ] {
        let found = archive
            .found(&format!("site=courrier&sort=oldest&{filter}"), VIEWER)
            .await;
        assert_eq!(found, expected, "{filter}");
    }
    // Of all sites at once, with a token for all of them.
    let everywhere = archive.found("q=mot&sort=oldest", VIEWER).await;
    assert_eq!(everywhere.len(), 6, "{everywhere:?}");
    let admin = archive.found("site=courrier&q=mot", LOCAL_ADMIN).await;
    assert_eq!(admin.len(), 5);
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_site_leaks_into_another() {
    let (_fixture, archive) = archive().await;
    for (path, token, status) in [
        ("/v1/search?q=mot", "", StatusCode::BAD_REQUEST),
        ("/v1/search?q=mot", FOREIGN, StatusCode::BAD_REQUEST),
        ("/v1/search?q=mot", LOCAL_ADMIN, StatusCode::BAD_REQUEST),
        (
            "/v1/search?q=mot&site=private",
            "",
            StatusCode::UNAUTHORIZED,
        ),
        (
            "/v1/search?q=mot&site=unheard-of",
            "",
            StatusCode::UNAUTHORIZED,
        ),
        (
            "/v1/search?q=mot&site=private",
            FOREIGN,
            StatusCode::FORBIDDEN,
        ),
        (
            "/v1/search?q=mot&site=private",
            LOCAL_ADMIN,
            StatusCode::FORBIDDEN,
        ),
        ("/search?q=mot&site=private", "", StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(archive.get(path, token).await.0, status, "{path}");
    }
    // A cursor of one site is none of another, and neither of another reader's.
    let path = "/v1/search?site=courrier&sort=oldest&limit=1";
    let reviewed = archive.ok(path, VIEWER).await;
    let next = reviewed["next"].as_str().unwrap();
    let (status, _) = archive.get(&format!("{path}&after={next}"), "").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let foreign = format!("/v1/search?site=private&sort=oldest&limit=1&after={next}");
    assert_eq!(
        archive.get(&foreign, VIEWER).await.0,
        StatusCode::BAD_REQUEST
    );
    let own = archive.found("site=private&q=mot", VIEWER).await;
    assert_eq!(own, ["p-1"]);
    // A publisher has no role that reviews.
    assert_eq!(
        archive.found("site=private&q=mot", PUBLISHER).await,
        ["p-1"]
    );
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_since_it_was_indexed_is_not_shown() {
    let (_fixture, archive) = archive().await;
    let by = json!({"kind": "moderator", "id": "m"});
    let reject = decided("d-9", "approved", 1, "reject", &by);
    archive.publish(&[reject], 14).await;
    // Whether it was indexed again or not.
    for _ in 0..50 {
        let found = archive.found(&q("approuvé"), "").await;
        assert!(found.is_empty(), "{found:?}");
    }
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_mode_finds_what_is_approved_on_all_sites() {
    let fixture = Fixture::new();
    let mut config = fixture.config();
    config.open = true;
    config.sites.clear();
    let archive = fixture.start_with(config).await;
    let events = [
        says("c-1", 1, "en", "some words"),
        says("c-2", 2, "en", "more words"),
        decision("d-1", "c-1", "approve"),
    ];
    archive.publish_and_index(&events, 3).await;
    assert_eq!(archive.found("q=word", "").await, ["c-1"]);
    assert_eq!(
        archive.found("q=word&sort=newest", VIEWER).await,
        ["c-2", "c-1"]
    );
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_article_that_was_taken_down_is_found_by_reviewers() {
    let (_fixture, archive) = archive().await;
    let removed = json!({"removed_at": "2026-11-20T00:00:00Z", "reason": "an error"});
    archive
        .publish_and_index(&[event("removed", "article.removed", removed)], 14)
        .await;
    assert!(
        archive
            .found("site=courrier&type=article", "")
            .await
            .is_empty()
    );
    let found = archive.found("site=courrier&status=removed", VIEWER).await;
    assert_eq!(found, ["a-1"]);
    // Its title is not told beside its comments either.
    let body = archive
        .ok(&format!("/v1/search?{}", q("approuvé")), "")
        .await;
    assert_eq!(body["hits"][0]["title"], Value::Null);
    archive.stop().await;
}
