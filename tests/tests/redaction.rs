//! The redaction drill: somebody asks to be forgotten, and no file of any role has a word of it.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use std::path::Path;

use serde_json::{Value, json};
use stoa_tests::{Bus, Stack, TOKEN, Vhost, comment, eventually, files, stoa};

const EVENT: &str = "application/cloudevents+json";

/// What no file may hold any more: of the words, the name, the report and the appeal.
const PLANTED: [&str; 4] = ["zwirbeltrauf", "knäuelbart", "kluppenrast", "fuselknirps"];

fn event(id: &str, kind: &str, mut data: Value) -> Value {
    data["site"] = json!("journal");
    data["article"] = json!("a-1");
    json!({"specversion": "1.0", "id": id, "source": "https://journal.example/comments",
        "type": format!("stoa.{kind}.v1"), "data": data})
}

/// What becomes of a comment whose author is to be forgotten: held by a rule, edited, reported,
/// appealed, and refused under another id.
fn story(id: &str, author: &str) -> Vec<Value> {
    let mut first = comment("a-1", id, None, "You idiot zwirbeltrauf");
    first["data"]["author"] = json!({"id": author, "display_name": "knäuelbart"});
    let mut edited = first.clone();
    edited["id"] = json!(format!("{id}-edited"));
    edited["type"] = json!("stoa.comment.edited.v1");
    edited["data"]["revision"] = json!(2);
    edited["data"]["body"] = json!("An idiot, that zwirbeltrauf");
    let mut conflict = first.clone();
    conflict["data"]["body"] = json!("Another zwirbeltrauf under the same id");
    vec![
        first,
        edited,
        conflict,
        event(
            &format!("{id}-report"),
            "comment.reported",
            json!({"comment": id, "report": format!("{id}-r"), "reason": "spam",
                "text": "kluppenrast"}),
        ),
        event(
            &format!("{id}-appeal"),
            "decision.appealed",
            json!({"comment": id, "decision": "d-1", "appeal": format!("{id}-a"),
                "text": "fuselknirps"}),
        ),
    ]
}

/// Lists what is planted and the files that have it.
fn found(dir: &Path) -> Vec<String> {
    files::with_words(dir, &PLANTED)
}

fn redact(stack: &Stack, args: &[&str]) -> Value {
    let admin = stack.archive_admin();
    let site = [
        "--site", "journal", "--to", &admin, "--token", TOKEN, "--json",
    ];
    let output = stoa(&[&["redact"], args, &site].concat());
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn forgets(bus: Bus) {
    let mut stack = Stack::prepare(bus, tempfile::tempdir().unwrap());
    stack.set("STOA_ARCHIVE__REDACTION__GRACE", "0s");
    stack.set("STOA_ARCHIVE__TRANSPARENCY__CHECKPOINT_EVERY", "200ms");
    stack.launch_all();
    let mut events = story("c-1", "u-9");
    events.extend(story("c-2", "u-9"));
    events.extend(story("c-3", "u-8"));
    for event in &events {
        assert_eq!(stack.post(EVENT, event.to_string()).0, 202);
    }
    let other = comment("a-1", "c-4", Some("c-1"), "A harmless answer");
    assert_eq!(stack.post(EVENT, other.to_string()).0, 202);
    stack.decided("journal", "a-1", 4);
    assert!(!found(&stack.data).is_empty());

    // One by the platform, and one by an admin.
    let erased = json!({"specversion": "1.0", "id": "erase-u-9",
        "source": "https://journal.example/comments", "type": "stoa.author.erased.v1",
        "data": {"site": "journal", "author": "u-9", "scope": "all"}});
    assert_eq!(stack.post(EVENT, erased.to_string()).0, 202);
    let asked = redact(&stack, &["request", "--comment", "c-3"]);
    assert_eq!(asked["comment"], "c-3", "{asked}");
    eventually("both redactions are done", || {
        let all = redact(&stack, &["list"]);
        let all = all.as_array().unwrap();
        all.len() == 2 && all.iter().all(|one| one["state"] == "completed")
    });
    eventually("no file has a word of it", || found(&stack.data).is_empty());

    let shown = |stack: &Stack| {
        let thread = stack.thread("journal", "a-1");
        let comments = thread["comments"].as_array().cloned().unwrap_or_default();
        let shape = |one: &Value| {
            (
                one["comment"].as_str().unwrap().to_owned(),
                one["depth"].as_u64(),
                one["text"].as_str().map(str::to_owned),
                one["erased_at"].is_string(),
            )
        };
        comments.iter().map(shape).collect::<Vec<_>>()
    };
    let before = shown(&stack);
    let gone = |id: &str| (id.to_owned(), Some(0), None, true);
    let answer = Some("A harmless answer".to_owned());
    assert_eq!(
        before,
        [
            gone("c-1"),
            ("c-4".to_owned(), Some(1), answer, false),
            gone("c-2"),
            gone("c-3")
        ]
    );

    // What the platform sends again is kept nowhere.
    for event in &events {
        stack.post(EVENT, event.to_string());
    }
    for name in stack.names() {
        stack.process(name).kill();
        stack.launch(name);
    }
    stack.ready();
    eventually("nor after a repeat and a kill", || {
        found(&stack.data).is_empty() && shown(&stack) == before
    });

    // A proof of another comment, and the whole archive, verify.
    let data = [stack.data.clone(), stack.data.join("archive")]
        .into_iter()
        .find(|dir| dir.join("journal").is_dir() || dir.join("archive").is_dir())
        .unwrap();
    let data = data.display().to_string();
    let out = stack.folder.path().join("proof").display().to_string();
    let key = stoa(&["archive", "key", "--data", &data]);
    let key = String::from_utf8(key.stdout).unwrap();
    eventually("a proof", || {
        let prove = ["archive", "prove", "--data", &data, "--site", "journal"];
        stoa(&[&prove[..], &["--comment", "c-4", "--out", &out]].concat())
            .status
            .success()
    });
    let proven = stoa(&["archive", "verify-proof", &out, "--key", key.trim()]);
    assert!(proven.status.success(), "{proven:?}");
    let verified = stoa(&["archive", "verify", "--data", &data]);
    assert!(verified.status.success(), "{verified:?}");
}

#[test]
fn embedded_a_person_is_forgotten() {
    forgets(Bus::Embedded);
}

#[test]
fn amqp_a_person_is_forgotten() {
    let vhost = Vhost::new();
    forgets(Bus::Amqp(vhost.url.clone()));
}
