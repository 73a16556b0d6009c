//! Which events are held, by their keys alone.

use stoa_proto::{Reference, limits};

use super::*;

/// An event of every kind of subject.
fn events() -> Vec<Value> {
    vec![
        article("Title"),
        comment("c-1", None, 1),
        revision("c-1", None, 2, 2),
        decision("d-1", "c-1", "approve"),
        event(
            "r",
            "comment.reported",
            json!({"comment": "c-1", "report": "r", "reason": "spam"}),
        ),
        event("w", "comment.withdrawn", json!({"comment": "c-1"})),
        event("u", "author.updated", json!({"author": {"id": "u-7"}})),
        event(
            "resolved",
            "appeal.resolved",
            json!({"comment": "c-1", "appeal": "a", "outcome": "upheld", "decision": "d-1"}),
        ),
    ]
}

/// Asks about events as a page of what was published names them.
fn question(events: &[Value]) -> Value {
    let named = events.iter().map(|event| {
        let event = Event::from_json(event.to_string().as_bytes()).unwrap();
        let mut named = serde_json::to_value(Reference::of(&event)).unwrap();
        named["seq"] = json!(1);
        named
    });
    json!({"events": named.collect::<Vec<_>>()})
}

async fn ask(archive: &Running, token: &str, body: String) -> (StatusCode, Value) {
    let request = Request::post("/admin/held")
        .header("authorization", format!("Bearer {token}"))
        .body(Body::from(body))
        .unwrap();
    let response = archive.admin.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

/// The places of the events that are missing.
async fn missing(archive: &Running, events: &[Value]) -> Vec<u64> {
    let (status, answer) = ask(archive, ADMIN, question(events).to_string()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["asked"], events.len());
    serde_json::from_value(answer["missing"].clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_is_missing_until_it_came() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    let events = events();
    assert_eq!(missing(&archive, &events).await, [0, 1, 2, 3, 4, 5, 6, 7]);
    for (place, event) in events.iter().enumerate() {
        archive
            .publish(std::slice::from_ref(event), place as u64 + 1)
            .await;
        let place = place as u64;
        assert_eq!(
            missing(&archive, &events).await,
            (place + 1..8).collect::<Vec<_>>()
        );
    }
    let mut other = comment("c-1", None, 1);
    other["source"] = json!("https://elsewhere.example/");
    assert_eq!(missing(&archive, &[other, events[1].clone()]).await, [0]);
    archive.stop().await;
    let archive = fixture.start().await;
    assert_eq!(missing(&archive, &events).await, [0; 0]);
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_row_had_no_room_for_is_held_too() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    let score = |n: u32| {
        let data = json!({"comment": "c-1", "score": n});
        event(&format!("score-{n}"), "comment.scored", data)
    };
    let scores: Vec<Value> = (0..600).map(score).collect();
    archive.publish(&scores, 600).await;
    assert_eq!(missing(&archive, &scores).await, [0; 0]);
    assert_eq!(missing(&archive, &[score(600)]).await, [0]);
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_counts_as_held() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    archive.publish(&[comment("c-1", None, 1)], 1).await;
    archive.journal.redact(0).await.unwrap();
    assert_eq!(missing(&archive, &[comment("c-1", None, 1)]).await, [0; 0]);
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_admin_of_all_sites_may_ask_and_only_so_much() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    for (token, expected) in [
        ("nobody-knows-this-token", StatusCode::UNAUTHORIZED),
        (VIEWER, StatusCode::FORBIDDEN),
        (LOCAL_ADMIN, StatusCode::FORBIDDEN),
        (ADMIN, StatusCode::OK),
    ] {
        let (status, answer) = ask(&archive, token, question(&[]).to_string()).await;
        assert_eq!(status, expected, "{answer}");
    }
    let many = vec![comment("c-1", None, 1); limits::REFERENCES + 1];
    let (status, problem) = ask(&archive, ADMIN, question(&many).to_string()).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(problem["limit"], "4000 events");
    let (status, problem) = ask(&archive, ADMIN, " ".repeat(17 * 1024 * 1024)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(problem["limit"], "16777216 bytes");
    let (status, problem) = ask(&archive, ADMIN, "{}".to_owned()).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::BAD_REQUEST, &json!("invalid_json"))
    );
    archive.stop().await;
}
