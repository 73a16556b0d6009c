//! What is shown depends on what came, not on the order, on repeats, on restarts or on the view.

use super::*;

/// A thread with everything that can go wrong with parents.
fn events() -> Vec<Value> {
    vec![
        article("Title"),
        comment("c-1", None, 1),
        comment("c-2", Some("c-1"), 3),
        comment("c-3", Some("c-1"), 2),
        comment("c-4", Some("missing"), 4),
        comment("c-5", Some("c-5"), 5),
        comment("c-6", Some("c-7"), 6),
        comment("c-7", Some("c-6"), 7),
        comment("c-8", Some("o-1"), 8),
        revision("c-2", Some("c-1"), 9, 2),
        decision("d-1", "c-1", "approve"),
        decision("d-2", "c-2", "approve"),
        decided(
            "d-22",
            "c-2",
            2,
            "hold",
            &json!({"kind": "rules", "ruleset": "sha256:0"}),
        ),
        decided(
            "d-23",
            "c-2",
            2,
            "reject",
            &json!({"kind": "moderator", "id": "m-1"}),
        ),
        decision("d-3", "c-3", "approve"),
        event(
            "score",
            "comment.scored",
            json!({"comment": "c-1", "score": 12}),
        ),
        event(
            "report",
            "comment.reported",
            json!({"comment": "c-1", "report": "r-1", "reason": "spam"}),
        ),
        event(
            "other",
            "comment.submitted",
            json!({"article": "a-2", "comment": "o-1", "author": {"id": "u"}, "body": "Elsewhere."}),
        ),
        event(
            "sanction",
            "author.sanctioned",
            json!({"author": "u-7", "sanction": "warn"}),
        ),
        event(
            "appeal",
            "appeal.resolved",
            json!({"comment": "c-2", "appeal": "ap", "outcome": "upheld", "decision": "d-23"}),
        ),
    ]
}

const TREE: [&str; 9] = [
    "c-1 approved",
    " c-3 approved",
    " c-2 rejected",
    "missing not_captured",
    " c-4 pending",
    "c-5 pending !self",
    "c-6 pending !loop",
    " c-7 pending",
    "c-8 pending !other_article",
];

/// Everything that is answered about the thread.
async fn answers(archive: &Running) -> Vec<Value> {
    let mut answers = Vec::new();
    for path in [
        "/v1/sites",
        "/v1/sites/courrier/threads",
        "/v1/sites/courrier/threads/a-1",
        "/v1/sites/courrier/threads/a-1?shape=nested",
        "/v1/sites/courrier/threads/a-2",
        "/v1/sites/courrier/comments/c-1",
        "/v1/sites/courrier/comments/c-2",
        "/sites/courrier/threads/a-1",
    ] {
        answers.push(archive.ok(path, VIEWER).await);
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn order_repeats_restarts_and_a_new_view_change_nothing() {
    let events = events();
    let total = events.len() as u64;
    let forwards = Fixture::new();
    let archive = forwards.start().await;
    archive.publish(&events, total).await;
    let expected = answers(&archive).await;
    assert_eq!(archive.tree(VIEWER).await, TREE);

    // Repeats, in one batch and in batches of their own.
    archive
        .publish(&[events.clone(), events.clone()].concat(), total)
        .await;
    assert_eq!(answers(&archive).await, expected);
    archive.stop().await;

    // A restart, then one without a view, then a view that was built while stopped.
    let archive = forwards.start().await;
    assert_eq!(answers(&archive).await, expected);
    archive.publish(&events[..3], total).await;
    archive.stop().await;
    let view = forwards.config().data_dir.join("view");
    std::fs::remove_dir_all(&view).unwrap();
    let archive = forwards.start().await;
    assert_eq!(archive.index.applied(), total);
    assert_eq!(answers(&archive).await, expected);
    archive.publish(&events, total).await;
    archive.stop().await;
    let mut last = (0, 0);
    let rebuilt = crate::rebuild(&forwards.config().data_dir, &mut |_, done, all| {
        last = (done, all);
    });
    assert_eq!((rebuilt.unwrap().records, last), (total, (total, total)));
    let archive = forwards.start().await;
    assert_eq!(answers(&archive).await, expected);
    archive.stop().await;

    // Decisions before comments, replies before parents, one event at a time.
    let backwards = Fixture::new();
    let archive = backwards.start().await;
    let mut came = 0;
    for event in events.iter().rev() {
        came += 1;
        archive.publish(std::slice::from_ref(event), came).await;
    }
    let answers = answers(&archive).await;
    for (answer, expected) in answers.iter().zip(&expected) {
        // What else happened to a comment is listed in the order in which it came.
        let strip = |value: &Value| {
            let mut value = value.clone();
            if let Some(events) = value.get_mut("events").and_then(Value::as_array_mut) {
                events.sort_by_key(ToString::to_string);
            }
            value
        };
        assert_eq!(strip(answer), strip(expected));
    }
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_comes_late_adopts_its_replies() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    archive.publish(&[comment("c-2", Some("c-1"), 2)], 1).await;
    assert_eq!(
        archive.tree(VIEWER).await,
        ["c-1 not_captured", " c-2 pending"]
    );
    archive
        .publish(
            &[decision("d-9", "c-9", "reject"), comment("c-1", None, 3)],
            3,
        )
        .await;
    assert_eq!(archive.tree(VIEWER).await, ["c-1 pending", " c-2 pending"]);
    let (status, _) = archive.get("/v1/sites/courrier/comments/c-9", VIEWER).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "only a decision came");
    archive.publish(&[comment("c-9", None, 9)], 4).await;
    assert_eq!(
        archive.tree(VIEWER).await,
        ["c-1 pending", " c-2 pending", "c-9 rejected"]
    );
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_with_more_events_than_a_row_lists() {
    let scored = |n: u32| {
        event(
            &format!("s{n}"),
            "comment.scored",
            json!({"comment": "c-1", "score": n, "scored_at": format!("2026-11-03T10:{:02}:{:02}Z", n / 60, n % 60)}),
        )
    };
    let mut events: Vec<Value> = (0..1_000).map(scored).collect();
    events.push(comment("c-1", None, 1));
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    archive.publish(&events, 1_001).await;
    archive.publish(&events, 1_001).await;
    let history = archive.ok("/v1/sites/courrier/comments/c-1", VIEWER).await;
    assert_eq!(history["score"], 999);
    assert_eq!(history["events"].as_array().unwrap().len(), 1_000);
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other() {
    let mut events: Vec<Value> = (10..60)
        .map(|n| comment(&format!("c-{n}"), None, n))
        .collect();
    events.push(comment("c-99", Some("c-10"), 0));
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    archive.publish(&events, 51).await;
    let mut drawn = Vec::new();
    let mut path = "/v1/sites/courrier/threads/a-1?limit=7".to_owned();
    loop {
        let page = archive.ok(&path, VIEWER).await;
        assert_eq!(
            page["counts"],
            json!({"shown": 51, "held": 51, "platform": null})
        );
        drawn.extend(draw(&page));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/v1/sites/courrier/threads/a-1?limit=7&after={next}");
    }
    assert_eq!(drawn, archive.tree(VIEWER).await);
    assert_eq!((drawn.len(), drawn[1].as_str()), (51, " c-99 pending"));
    for (query, status) in [
        ("limit=0", StatusCode::BAD_REQUEST),
        ("limit=1001", StatusCode::BAD_REQUEST),
        ("limit=x", StatusCode::BAD_REQUEST),
        ("shape=round", StatusCode::BAD_REQUEST),
        ("after=nothing", StatusCode::NOT_FOUND),
    ] {
        let path = format!("/v1/sites/courrier/threads/a-1?{query}");
        assert_eq!(archive.get(&path, VIEWER).await.0, status, "{query}");
    }
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sites_and_threads_are_listed() {
    let mut events = Vec::new();
    for n in 0..30 {
        let mut one = comment(&format!("c-{n}"), None, 1);
        one["data"]["article"] = json!(format!("a-{n:02}"));
        events.push(one);
    }
    let mut other = comment("c-1", None, 1);
    other["data"]["site"] = json!("private");
    other["id"] = json!("private-1");
    events.push(other);
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    archive.publish(&events, 31).await;
    assert_eq!(
        archive.ok("/v1/sites", VIEWER).await,
        json!({"sites": ["courrier", "private"]})
    );
    assert_eq!(
        archive.ok("/v1/sites", "").await,
        json!({"sites": ["courrier"]})
    );
    let mut listed = Vec::new();
    let mut path = "/v1/sites/courrier/threads?limit=8".to_owned();
    loop {
        let page = archive.ok(&path, VIEWER).await;
        let threads = page["threads"].as_array().unwrap();
        // Nothing of them is for anyone, and the pages are the same.
        let public = archive.ok(&path, "").await;
        assert_eq!(
            (&public["threads"], &public["next"]),
            (&json!([]), &page["next"])
        );
        listed.extend(
            threads
                .iter()
                .map(|entry| entry["thread"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/v1/sites/courrier/threads?limit=8&after={next}");
    }
    let expected: Vec<String> = (0..30).map(|n| format!("a-{n:02}")).collect();
    assert_eq!(listed, expected);
    archive.stop().await;
}
