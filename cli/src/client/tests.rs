use super::testing::{answer, serve};
use super::*;

const TAKEN: &str = r#"{"accepted":1,"duplicate":0,"rejected":[]}"#;
const AGAIN: &str = r#"{"accepted":0,"duplicate":1,"duplicates":[0],"rejected":[]}"#;

fn events(n: usize) -> Vec<Bytes> {
    (0..n)
        .map(|n| Bytes::from(format!("{{\"id\":\"e-{n}\"}}")))
        .collect()
}

#[tokio::test]
async fn comes_back_when_told_and_when_nobody_answers() {
    let server = serve(vec![
        answer("503 Service Unavailable", "retry-after: 0\r\n", "{}"),
        String::new(),
        answer("202 Accepted", "", TAKEN),
    ])
    .await;
    let target = Target::new(&server.url, Some("secret".into())).unwrap();
    let taken = target
        .deliver(&events(1), Duration::from_secs(10))
        .await
        .unwrap();
    assert_eq!(taken.accepted, 1);
    let requests = server.requests.lock().unwrap();
    assert_eq!(requests.len(), 3);
    for (head, body) in requests.iter() {
        assert!(head.starts_with("POST /v1/events "), "{head}");
        assert!(
            head.to_lowercase().contains("authorization: bearer secret"),
            "{head}"
        );
        assert!(
            head.to_lowercase()
                .contains("content-type: application/cloudevents+json"),
            "{head}"
        );
        assert_eq!(body, r#"{"id":"e-0"}"#);
    }
}

#[tokio::test]
async fn gives_up_at_once_where_waiting_does_not_help() {
    let problem = r#"{"detail":"the token is unknown"}"#;
    let server = serve(vec![answer("401 Unauthorized", "", problem)]).await;
    let target = Target::new(&server.url, None).unwrap();
    let failure = target
        .deliver(&events(1), Duration::from_secs(10))
        .await
        .unwrap_err();
    assert!(matches!(&failure, Failure::Never(text) if text.contains("the token is unknown")));
    assert_eq!(server.requests.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn halves_a_batch_until_the_spoiling_event_is_found() {
    let refusal = answer(
        "400 Bad Request",
        "",
        r#"{"code":"invalid_json","detail":"no"}"#,
    );
    let server = serve(vec![
        refusal.clone(),
        answer("202 Accepted", "", TAKEN),
        refusal.clone(),
        refusal,
        answer("202 Accepted", "", AGAIN),
    ])
    .await;
    let target = Target::new(&server.url, None).unwrap();
    let total = target
        .deliver(&events(3), Duration::from_secs(10))
        .await
        .unwrap();
    assert_eq!((total.accepted, total.duplicate), (1, 1));
    assert_eq!(total.duplicates, [2]);
    assert_eq!(
        total
            .rejected
            .iter()
            .map(|refused| refused.index)
            .collect::<Vec<_>>(),
        [1]
    );
}

#[test]
fn knows_its_schemes() {
    for url in ["ftp://x", "localhost:8081", ""] {
        assert!(Target::new(url, None).is_err(), "{url}");
    }
    assert!(matches!(
        Target::new("AMQP://localhost", None),
        Ok(Target::Amqp(_))
    ));
}
