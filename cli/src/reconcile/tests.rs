use std::collections::VecDeque;

use serde_json::{Value, json};

use super::*;
use crate::client::testing::{Server, answer, serve};

fn fine(body: &Value) -> String {
    answer("200 OK", "", &body.to_string())
}

fn event(seq: u64) -> Value {
    json!({"seq": seq, "source": "s", "id": format!("e-{seq}"), "site": "courrier",
        "type": "stoa.comment.submitted.v1", "thread": "a-1", "comment": format!("c-{seq}")})
}

fn page(events: &[Value], next: Option<u64>) -> String {
    fine(&json!({"events": events, "next": next, "from": 5, "end": 9}))
}

fn held(missing: &[usize]) -> String {
    fine(&json!({"asked": 2, "missing": missing}))
}

/// The three roles, as far as they are asked.
struct Roles {
    ingest: Server,
    moderation: Server,
    archive: Server,
}

impl Roles {
    async fn new(ingest: Vec<String>, moderation: Vec<String>, archive: Vec<String>) -> Self {
        Self {
            ingest: serve(ingest).await,
            moderation: serve(moderation).await,
            archive: serve(archive).await,
        }
    }

    fn args(&self) -> ReconcileArgs {
        ReconcileArgs {
            ingest: self.ingest.url.clone(),
            moderation: self.moderation.url.clone(),
            archive: self.archive.url.clone(),
            token: TokenArgs {
                token: Some("secret".to_owned()),
                token_file: None,
            },
            since: Some(Time::parse("2026-11-24T13:00:00+01:00").unwrap()),
            settle: 30,
            wait: 0,
            dry_run: false,
            decisions: false,
            json: true,
        }
    }
}

/// The requests to a role: the first line and the body.
fn asked(server: &Server) -> VecDeque<(String, String)> {
    let requests = server.requests.lock().unwrap();
    let first = |head: &str| head.lines().next().unwrap().replace(" HTTP/1.1", "");
    requests
        .iter()
        .map(|(head, body)| (first(head), body.clone()))
        .collect()
}

fn check(report: &Report, expected: ExitCode) -> Value {
    let exit = report.print(true).unwrap();
    assert_eq!(format!("{exit:?}"), format!("{expected:?}"));
    serde_json::to_value(report).unwrap()
}

#[tokio::test]
async fn what_is_missing_is_sent_again_and_waited_for() {
    let events = [event(5), event(7)];
    let roles = Roles::new(
        vec![
            page(&events, None),
            fine(&json!({"resent": [7], "gone": []})),
        ],
        vec![held(&[]), page(&[], None)],
        vec![held(&[1]), held(&[])],
    )
    .await;
    let report = reconcile(roles.args()).await.unwrap();
    let report = check(&report, ExitCode::SUCCESS);
    assert_eq!(
        report["compared"],
        json!([
            {"journal": "ingest", "looked_at": 2, "resent": 1, "readers": [
                {"reader": "moderation-rules", "missing": 0, "arrived": 0},
                {"reader": "archive", "missing": 1, "arrived": 1}]},
            {"journal": "moderation-rules", "looked_at": 0, "resent": 0, "readers": [
                {"reader": "archive", "missing": 0, "arrived": 0}]},
        ])
    );
    assert_eq!(report["missing"][0]["id"], "e-7");
    let of = |line: &str, body: Value| (line.to_owned(), body);
    let parsed = |(line, body): (String, String)| {
        let body = serde_json::from_str(&body).unwrap_or_default();
        (line, body)
    };
    let ingest: Vec<_> = asked(&roles.ingest).into_iter().map(parsed).collect();
    let first = "GET /admin/published?limit=2000&settle=30&since=2026-11-24T12:00:00Z";
    assert_eq!(
        ingest,
        [
            of(first, Value::Null),
            of("POST /admin/published/resend", json!({"seqs": [7]})),
        ]
    );
    let archive: Vec<_> = asked(&roles.archive).into_iter().map(parsed).collect();
    assert_eq!(
        archive,
        [
            of("POST /admin/held", json!({"events": events})),
            of("POST /admin/held", json!({"events": [events[1]]})),
        ]
    );
    let requests = roles.archive.requests.lock().unwrap();
    assert!(requests.iter().all(|(head, _)| {
        let head = head.to_lowercase();
        head.contains("authorization: bearer secret")
    }));
}

#[tokio::test]
async fn a_dry_run_goes_to_the_end_and_sends_nothing() {
    let roles = Roles::new(
        vec![page(&[event(5)], Some(6)), page(&[event(7)], Some(9))],
        vec![held(&[0]), held(&[]), page(&[event(3)], None)],
        vec![held(&[0]), held(&[]), held(&[0])],
    )
    .await;
    let args = ReconcileArgs {
        dry_run: true,
        ..roles.args()
    };
    let report = check(&reconcile(args).await.unwrap(), ExitCode::FAILURE);
    let named = report["missing"].as_array().unwrap().iter();
    let named: Vec<_> = named
        .map(|missing| json!([missing["reader"], missing["journal"], missing["seq"]]))
        .collect();
    assert_eq!(
        json!(named),
        json!([
            ["moderation-rules", "ingest", 5],
            ["archive", "ingest", 5],
            ["archive", "moderation-rules", 3],
        ])
    );
    // The journal is compared as far as it went at the beginning.
    let lines: Vec<_> = asked(&roles.ingest)
        .into_iter()
        .map(|asked| asked.0)
        .collect();
    assert_eq!(
        lines[1..],
        ["GET /admin/published?limit=2000&settle=30&from=6"]
    );
}

#[tokio::test]
async fn what_does_not_arrive_or_is_gone_is_still_missing() {
    let events = [event(5), event(7)];
    let roles = Roles::new(
        vec![
            page(&events, Some(8)),
            page(&[], None),
            fine(&json!({"resent": [7], "gone": [5]})),
        ],
        vec![held(&[])],
        vec![held(&[0, 1]), held(&[0])],
    )
    .await;
    let report = check(&reconcile(roles.args()).await.unwrap(), ExitCode::FAILURE);
    assert_eq!(report["compared"][0]["readers"][1]["missing"], 2);
    assert_eq!(report["compared"][0]["readers"][1]["arrived"], 0);
    assert_eq!(report["compared"].as_array().unwrap().len(), 1);
    let error = report["error"].as_str().unwrap();
    assert!(error.starts_with("1 of 1 events"), "{error}");
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    for (status, expected) in [
        ("403 Forbidden", "--token with the role admin"),
        ("404 Not Found", "is it the admin address of archive?"),
        ("400 Bad Request", "answers 400"),
    ] {
        let problem = answer(status, "", r#"{"detail": "no such thing"}"#);
        let roles = Roles::new(
            vec![page(&[event(5)], None)],
            vec![held(&[])],
            vec![problem],
        )
        .await;
        let error = reconcile(roles.args()).await.err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(error.contains("no such thing"), "{error}");
    }
}
