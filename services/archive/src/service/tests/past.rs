//! What is shown as of a time is what was shown at that time.

use super::*;

const THREADS: [&str; 2] = ["a-1", "a-2"];
const COMMENTS: [&str; 4] = ["c-1", "c-2", "c-3", "o-1"];

fn events() -> Vec<Value> {
    let article_of = |thread: &str, comment: &str| {
        event(
            &format!("elsewhere-{comment}"),
            "comment.submitted",
            json!({"article": thread, "comment": comment, "author": {"id": "u"}, "body": "Elsewhere."}),
        )
    };
    vec![
        comment("c-2", Some("c-1"), 3),
        article("Title"),
        comment("c-1", None, 1),
        decision("d-1", "c-1", "approve"),
        comment("c-3", Some("o-1"), 2),
        article_of("a-2", "o-1"),
        revision("c-2", Some("c-1"), 9, 2),
        decision("d-2", "c-2", "approve"),
        decided(
            "d-22",
            "c-2",
            2,
            "reject",
            &json!({"kind": "moderator", "id": "m-1"}),
        ),
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
            "appeal",
            "appeal.resolved",
            json!({"comment": "c-2", "appeal": "ap", "outcome": "upheld", "decision": "d-22"}),
        ),
        event("withdrawn", "comment.withdrawn", json!({"comment": "c-1"})),
        event("removed", "article.removed", json!({})),
    ]
}

/// Everything that is answered about threads and comments, or that there is nothing.
async fn answers(archive: &Running, as_of: Option<&str>) -> Vec<(String, Value)> {
    let threads = THREADS.map(|thread| format!("/v1/sites/courrier/threads/{thread}"));
    let comments = COMMENTS.map(|comment| format!("/v1/sites/courrier/comments/{comment}"));
    let mut answers = Vec::new();
    for path in threads.into_iter().chain(comments) {
        let query = as_of.map_or_else(String::new, |as_of| format!("?as_of={as_of}"));
        let (status, mut answer) = archive.get(&format!("{path}{query}"), VIEWER).await;
        if let Some(answer) = answer.as_object_mut() {
            assert_eq!(
                answer.remove("as_of").is_some(),
                as_of.is_some() && status == 200 && path.contains("threads")
            );
        }
        let answer = if status == 200 { answer } else { Value::Null };
        answers.push((path, answer));
    }
    answers
}

#[tokio::test]
async fn as_of_a_time_shows_what_was_shown_then() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    let mut shown = Vec::new();
    for (n, event) in (1..).zip(events()) {
        archive.publish(&[event], n).await;
        let at = archive.context.clock.now().to_string();
        shown.push((at, answers(&archive, None).await));
        archive.context.clock.advance(Duration::from_mins(1));
    }
    for (at, then) in &shown {
        assert_eq!(answers(&archive, Some(at)).await, *then, "{at}");
    }
    let before = answers(&archive, Some("2020-01-01T00:00:00Z")).await;
    assert!(
        before.iter().all(|(_, answer)| answer.is_null()),
        "{before:?}"
    );
    let (_, last) = shown.last().unwrap();
    assert_eq!(answers(&archive, Some("2999-01-01T00:00:00Z")).await, *last);

    let page = archive
        .ok(
            "/sites/courrier/threads/a-1?as_of=2999-01-01T00:00:00Z",
            VIEWER,
        )
        .await;
    assert!(page.as_str().unwrap().contains("As of <time"), "{page}");
    archive.stop().await;
}

#[tokio::test]
async fn as_of_is_for_reviewers_and_a_time() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    archive
        .publish(
            &[
                article("Title"),
                comment("c-1", None, 1),
                decision("d-1", "c-1", "approve"),
            ],
            3,
        )
        .await;
    for path in [
        "/v1/sites/courrier/threads/a-1",
        "/v1/sites/courrier/comments/c-1",
        "/sites/courrier/threads/a-1",
    ] {
        assert_eq!(archive.get(path, "").await.0, StatusCode::OK, "{path}");
        for (query, token, expected) in [
            ("as_of=2026-11-24T12:00:00Z", "", StatusCode::FORBIDDEN),
            ("as_of=2026-11-24T12:00:00Z", VIEWER, StatusCode::OK),
            ("as_of=yesterday", VIEWER, StatusCode::BAD_REQUEST),
            ("as_of=", VIEWER, StatusCode::BAD_REQUEST),
        ] {
            let status = archive.get(&format!("{path}?{query}"), token).await.0;
            assert_eq!(status, expected, "{path}?{query}");
        }
    }
    archive.stop().await;
}
