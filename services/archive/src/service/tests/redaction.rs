//! Words that are erased: on request, by author, by policy, and for good.

mod desk;
mod reports;

use std::path::Path;

use axum::http::Method;
use stoa_bus::{EventHandler, HandlerError, Outcome};
use stoa_proto::{Received, Time};

use super::*;
use crate::config::RetentionConfig;

/// Passes orders on as ingest does.
struct Relay;

impl EventHandler for Relay {
    async fn handle(&mut self, events: Vec<Received>) -> Vec<Outcome> {
        let passed = |event: &Received| {
            let mut event = event.event().clone();
            event.recordedtime = Some(Time::parse("2026-11-24T12:00:00Z").unwrap());
            Ok::<_, HandlerError>(vec![Outgoing::new(Exchange::Content, &event)])
        };
        events.iter().map(passed).collect()
    }
}

impl Fixture {
    /// The configuration of a desk that waits for nothing.
    fn at_once(&self) -> Config {
        let mut config = self.config();
        config.redaction.grace = "0s".parse().unwrap();
        config
    }
}

impl Running {
    /// Runs what stands for ingest.
    async fn relay(&self, fixture: &Fixture) {
        let bus = self.bus.clone();
        let parking = stoa_parked::open(
            QueueReader::Ingest,
            &fixture.dir.path().join("ingest"),
            &fixture.config().bus,
            0,
            &Context::new("ingest", Clock::system()),
        )
        .await
        .unwrap();
        let limits = BatchLimits {
            max_messages: 100,
            max_bytes: BATCH_BYTES,
        };
        self.context.tasks.spawn(async move {
            bus.run(QueueReader::Ingest, Events(Relay), limits, parking)
                .await
                .unwrap();
        });
    }

    async fn admin(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let response = self.admin.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn ask(&self, body: Value) -> String {
        let (status, shown) = self
            .admin(Method::POST, "/admin/redactions", ADMIN, body)
            .await;
        assert_eq!(status, StatusCode::ACCEPTED, "{shown}");
        shown["redaction"].as_str().unwrap().to_owned()
    }

    async fn redaction(&self, id: &str) -> Value {
        let path = format!("/admin/redactions/courrier/{id}");
        let (status, shown) = self.admin(Method::GET, &path, ADMIN, Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{shown}");
        shown
    }

    /// Waits until a redaction is done, and returns it.
    async fn completed(&self, id: &str) -> Value {
        let done = async {
            loop {
                let shown = self.redaction(id).await;
                if shown["state"] == "completed" {
                    return shown;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), done)
            .await
            .unwrap()
    }
}

/// Lists the files under a folder that have a word, as it is or as JSON writes it.
fn files_with(dir: &Path, word: &str) -> Vec<String> {
    let escaped = word.chars().fold(String::new(), |escaped, one| {
        if one.is_ascii() {
            escaped + &one.to_string()
        } else {
            format!("{escaped}\\u{:04x}", u32::from(one))
        }
    });
    let mut found = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let has = |word: &str| {
                bytes
                    .windows(word.len())
                    .any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
            };
            if has(word) || has(&escaped) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

const WORD: &str = "quetschmühle";
const NAME: &str = "Xaverlinde";

/// A comment with its report, its appeal, its decision and a newer revision, all with the word.
fn story(id: &str, author: &str) -> Vec<Value> {
    let mut first = revision(id, None, 3, 1);
    let mut second = revision(id, None, 4, 2);
    for event in [&mut first, &mut second] {
        event["data"]["body"] = json!(format!("A {WORD} of {id}."));
        event["data"]["author"] = json!({"id": author, "display_name": NAME});
    }
    let mut decision = decided(
        &format!("{id}-d"),
        id,
        2,
        "approve",
        &json!({"kind": "rules", "ruleset": "sha256:0"}),
    );
    decision["data"]["rules"] = json!([{"id": "r", "mode": "live", "spans":
        [{"start": 0, "end": 1, "text": WORD}]}]);
    vec![
        first,
        second,
        decision,
        event(
            &format!("{id}-report"),
            "comment.reported",
            json!({"comment": id, "report": "r-1", "reason": "other", "text": format!("{WORD}!")}),
        ),
        event(
            &format!("{id}-appeal"),
            "decision.appealed",
            json!({"comment": id, "decision": "d", "appeal": "ap-1", "text": format!("Why {WORD}?")}),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_is_erased_and_keeps_its_place() {
    let fixture = Fixture::new();
    let archive = fixture.start_with(fixture.at_once()).await;
    archive.relay(&fixture).await;
    let mut events = vec![article("A")];
    events.extend(story("c-1", "u-1"));
    events.push(comment("c-2", Some("c-1"), 9));
    events.push(decision("d-2", "c-2", "approve"));
    archive.publish(&events, 8).await;
    archive.stop().await;
    assert!(!files_with(fixture.dir.path(), WORD).is_empty());
    // The bus is the business of those who read from it.
    std::fs::remove_dir_all(fixture.dir.path().join("bus")).unwrap();

    let archive = fixture.start_with(fixture.at_once()).await;
    archive.relay(&fixture).await;
    let id = archive
        .ask(json!({"site": "courrier", "comment": "c-1", "legal_basis": "GDPR Art. 17"}))
        .await;
    let shown = archive.completed(&id).await;
    assert_eq!(
        (&shown["comments"], &shown["records"]),
        (&json!(1), &json!(5))
    );
    assert_eq!(shown["requested_by"], "admin");
    assert_eq!(files_with(fixture.dir.path(), WORD), [""; 0]);
    assert_eq!(files_with(fixture.dir.path(), NAME), [""; 0]);

    let before = archive.ok("/v1/sites/courrier/threads/a-1", "").await;
    assert_eq!(draw(&before), ["c-1 approved", " c-2 approved"]);
    let erased = &before["comments"][0];
    assert!(
        erased["erased_at"].is_string() && erased["text"].is_null(),
        "{erased}"
    );
    assert!(before["comments"][1]["text"].is_string());
    assert_eq!(
        before["counts"],
        json!({"shown": 2, "held": 2, "platform": 7})
    );

    // What was erased is not taken again, whoever sends it.
    let mut edit = revision("c-1", None, 5, 3);
    edit["data"]["body"] = json!(format!("Again {WORD}."));
    let mut again = events.clone();
    again.push(edit);
    let next = archive.journal.next();
    archive.publish(&again, next).await;
    archive.stop().await;
    std::fs::remove_dir_all(fixture.dir.path().join("bus")).unwrap();
    assert_eq!(files_with(fixture.dir.path(), WORD), [""; 0]);

    // The tombstone is in the journal.
    std::fs::remove_dir_all(fixture.config().data_dir.join("view")).unwrap();
    let archive = fixture.start_with(fixture.at_once()).await;
    let after = archive.ok("/v1/sites/courrier/threads/a-1", "").await;
    assert_eq!(after, before);
    archive.publish(&again, next).await;
    archive.stop().await;
    let journal = fixture.config().data_dir.join("journal");
    let report = stoa_journal::verify(&journal, &mut |_| ()).unwrap();
    assert_eq!(report.redacted, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_author_is_forgotten() {
    for (scope, words_stay) in [("content", false), ("all", false), ("identity", true)] {
        let fixture = Fixture::new();
        let archive = fixture.start_with(fixture.at_once()).await;
        archive.relay(&fixture).await;
        let mut events = vec![article("A")];
        events.extend(story("c-1", "u-1"));
        events.extend(story("c-3", "u-1"));
        events.push(comment("c-2", Some("c-1"), 9));
        events.push(event(
            "profile",
            "author.updated",
            json!({"author": {"id": "u-1", "display_name": NAME}}),
        ));
        archive.publish(&events, 13).await;
        let erased = event(
            "erase-u-1",
            "author.erased",
            json!({"author": "u-1", "scope": scope, "legal_basis": "GDPR Art. 17"}),
        );
        let id = stoa_proto::ids::redaction_id("https://courrier.example/", "erase-u-1");
        archive
            .bus
            .publisher()
            .publish(vec![Outgoing::new(
                Exchange::Content,
                &Event::from_json(erased.to_string().as_bytes()).unwrap(),
            )])
            .await
            .unwrap();
        let waiting = async {
            while archive.index.redaction("courrier", &id).unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), waiting)
            .await
            .unwrap();
        let shown = archive.completed(&id).await;
        assert_eq!(shown["comments"], 2);
        assert!(shown["author"].is_null());
        let thread = archive.ok("/v1/sites/courrier/threads/a-1", VIEWER).await;
        let all = thread["comments"].as_array().unwrap();
        for comment in all.iter().filter(|comment| comment["comment"] != "c-2") {
            assert_eq!(
                comment["text"].is_string(),
                words_stay,
                "{scope}: {comment}"
            );
            assert!(comment["erased_at"].is_string());
            assert_eq!(comment["status"], "approved");
        }
        let found = format!("/v1/search?site=courrier&q={}", "quetschm%C3%BChle");
        let hits = archive.ok(&found, VIEWER).await;
        assert_eq!(
            hits["hits"].as_array().unwrap().len(),
            if words_stay { 2 } else { 0 },
            "{hits}"
        );
        archive.stop().await;
        std::fs::remove_dir_all(fixture.dir.path().join("bus")).unwrap();
        assert_eq!(files_with(fixture.dir.path(), NAME), [""; 0], "{scope}");
        let files = files_with(fixture.dir.path(), WORD);
        assert_eq!(!files.is_empty(), words_stay, "{scope}: {files:?}");

        std::fs::remove_dir_all(fixture.config().data_dir.join("view")).unwrap();
        let archive = fixture.start_with(fixture.at_once()).await;
        let after = archive.ok("/v1/sites/courrier/threads/a-1", VIEWER).await;
        assert_eq!(after, thread, "{scope}");
        archive.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redaction_waits_can_be_called_off_and_needs_two() {
    let fixture = Fixture::new();
    let mut config = fixture.config();
    config.redaction.confirm = true;
    config.tokens.push(token(
        "second",
        Role::Admin,
        "second-admin-of-the-tests",
        "*",
    ));
    let archive = fixture.start_with(config).await;
    archive.relay(&fixture).await;
    archive
        .publish(&[comment("c-1", None, 1), comment("c-2", None, 2)], 2)
        .await;
    let one = archive
        .ask(json!({"site": "courrier", "comment": "c-1"}))
        .await;
    let other = archive
        .ask(json!({"site": "courrier", "comment": "c-2"}))
        .await;
    let post = |id: &str, what: &str, token: &'static str| {
        let path = format!("/admin/redactions/courrier/{id}/{what}");
        let archive = &archive;
        async move { archive.admin(Method::POST, &path, token, Value::Null).await }
    };
    let (status, body) = post(&one, "confirm", ADMIN).await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::CONFLICT, &json!("same_person"))
    );
    let (status, body) = post(&one, "confirm", VIEWER).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{body}");
    let (status, body) = post(&other, "cancel", ADMIN).await;
    assert_eq!(
        (status, &body["state"]),
        (StatusCode::OK, &json!("cancelled"))
    );
    let (status, body) = post(&one, "confirm", "second-admin-of-the-tests").await;
    assert_eq!(
        (status, &body["state"]),
        (StatusCode::OK, &json!("waiting"))
    );
    let (status, body) = post(&other, "confirm", "second-admin-of-the-tests").await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::CONFLICT, &json!("closed"))
    );

    archive.context.clock.advance(Duration::from_hours(73));
    archive.completed(&one).await;
    assert_eq!(archive.redaction(&other).await["state"], "cancelled");
    let (status, body) = post(&one, "cancel", ADMIN).await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::CONFLICT, &json!("closed"))
    );
    let thread = archive.ok("/v1/sites/courrier/threads/a-1", VIEWER).await;
    assert!(thread["comments"][0]["text"].is_null() && thread["comments"][1]["text"].is_string());
    let open = "/admin/redactions?site=courrier&open=true";
    let (_, open) = archive.admin(Method::GET, open, ADMIN, Value::Null).await;
    assert_eq!(open["redactions"], json!([]));
    let (_, all) = archive
        .admin(
            Method::GET,
            "/admin/redactions?site=courrier",
            ADMIN,
            Value::Null,
        )
        .await;
    assert_eq!(all["redactions"].as_array().unwrap().len(), 2);
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_is_checked() {
    let fixture = Fixture::new();
    let archive = fixture.start_with(fixture.at_once()).await;
    let long = "x".repeat(300);
    for (token, body, status) in [
        (
            VIEWER,
            json!({"site": "courrier", "comment": "c-1"}),
            StatusCode::FORBIDDEN,
        ),
        (
            LOCAL_ADMIN,
            json!({"site": "elsewhere", "comment": "c-1"}),
            StatusCode::FORBIDDEN,
        ),
        (ADMIN, json!({"site": "courrier"}), StatusCode::BAD_REQUEST),
        (
            ADMIN,
            json!({"site": "courrier", "comment": "c-1", "author": "u-1"}),
            StatusCode::BAD_REQUEST,
        ),
        (
            ADMIN,
            json!({"site": "courrier", "author": "u-1", "scope": "everything"}),
            StatusCode::BAD_REQUEST,
        ),
        (
            ADMIN,
            json!({"site": "courrier", "comment": "unknown"}),
            StatusCode::NOT_FOUND,
        ),
        (
            ADMIN,
            json!({"site": "courrier", "author": long}),
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let (answered, shown) = archive
            .admin(Method::POST, "/admin/redactions", token, body.clone())
            .await;
        assert_eq!(answered, status, "{body}: {shown}");
    }
    assert_eq!(archive.journal.next(), 0);
    archive.stop().await;
}
