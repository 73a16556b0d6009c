//! Words that are ordered to be erased are in no file of ingest, moderation-rules and the bus.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use stoa_journal::{Entry, Journal, Options};
use stoa_proto::Exchange;
use stoa_tests::{Bus, Stack, comment, eventually, files};

const EVENT: &str = "application/cloudevents+json";

/// What no file may hold any more, as it is and as JSON may write it.
const PLANTED: [&str; 8] = [
    "zwirbeltrauf",
    "Quästenbörl",
    "Qu\\u00e4stenb\\u00f6rl",
    "nebelkropf",
    "dromelschwank",
    "kluppenrast",
    "fuselknirps",
    "humpelwicht",
];

/// The folders that are searched; the archive's is not among them.
const FOLDERS: [&str; 3] = ["ingest", "moderation-rules", "bus"];

fn event(id: &str, kind: &str, mut data: Value) -> Value {
    data["site"] = json!("journal");
    data["article"] = json!("a-1");
    json!({"specversion": "1.0", "id": id, "source": "https://journal.example/comments",
        "type": format!("stoa.{kind}.v1"), "data": data})
}

/// Everything that can hold words of the comment `c-1`, and what is to become of it.
fn events() -> Vec<(&'static str, String)> {
    let mut named = comment(
        "a-1",
        "c-1",
        None,
        "You idiot zwirbeltrauf, https://nebelkropf.example",
    );
    named["data"]["author"]["display_name"] = json!("Quästenbörl");
    let mut conflict = named.clone();
    conflict["data"]["body"] = json!("ein dromelschwank");
    let mut stale = conflict.clone();
    stale["id"] = json!("e-stale");
    let mut invalid = conflict.clone();
    invalid["id"] = json!("e-invalid");
    invalid["data"]["score"] = json!("humpelwicht");
    let escaped = invalid.to_string().replace("e-invalid", "e-escaped");
    let escaped = escaped.replace("Quästenbörl", "Qu\\u00e4stenb\\u00f6rl");
    let report =
        json!({"comment": "c-1", "report": "r-1", "reason": "spam", "text": "kluppenrast"});
    let appeal =
        json!({"comment": "c-1", "decision": "d-1", "appeal": "ap-1", "text": "fuselknirps"});
    vec![
        ("accepted", named.to_string()),
        (
            "accepted",
            comment("a-1", "c-2", None, "Das bleibt.").to_string(),
        ),
        ("rejected", conflict.to_string()),
        ("rejected", stale.to_string()),
        ("rejected", invalid.to_string()),
        ("rejected", escaped),
        (
            "accepted",
            event("e-r", "comment.reported", report).to_string(),
        ),
        (
            "accepted",
            event("e-a", "decision.appealed", appeal).to_string(),
        ),
    ]
}

/// Returns which of the words are in the files below the roles' folders.
fn found(data: &Path, words: &[&'static str]) -> Vec<&'static str> {
    let has = |word: &&'static str| {
        let mut folders = FOLDERS.iter();
        folders.any(|folder| !files::with_words(&data.join(folder), &[*word]).is_empty())
    };
    let mut found: Vec<_> = words.iter().copied().filter(has).collect();
    found.sort_unstable();
    found
}

/// Puts an event into the inbox of a bus that no process uses, as the archive does.
fn send(data: &Path, event: &Value) {
    let dir = data.join("bus").join(Exchange::Inbox.name());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let opened = Journal::open(&dir, Options::default(), Arc::new(|| 1)).unwrap();
    let entry = Entry {
        kind: 1,
        payload: event.to_string().into(),
    };
    runtime
        .block_on(opened.journal.append(vec![entry]))
        .unwrap();
    runtime.block_on(opened.journal.close());
}

#[test]
fn embedded_erases_what_was_ordered_through_kills() {
    let mut stack = Stack::start(Bus::Embedded);
    for (expected, event) in events() {
        let (status, answer) = stack.post(EVENT, event);
        assert_eq!(status, 202, "{answer}");
        let became = if expected == "rejected" {
            answer["rejected"].as_array().map_or(0, Vec::len)
        } else {
            usize::from(answer[expected] == 1)
        };
        assert_eq!(became, 1, "{expected}: {answer}");
    }
    stack.decided("journal", "a-1", 2);
    let data = stack.data.clone();
    let all = found(&data, &PLANTED);
    assert_eq!(
        all.len(),
        PLANTED.len(),
        "the search finds what is there: {all:?}"
    );

    assert_eq!(stack.process("up").stop(), Some(0));
    let order = json!({"comment": "c-1", "redaction": "r-1"});
    let mut order = event("order-1", "comment.erased", order);
    order["source"] = json!("stoa/archive");
    send(&data, &order);
    // Killed on its way again and again, it goes on where it was.
    for pause in [300, 600, 900, 1_200] {
        stack.launch("up");
        std::thread::sleep(Duration::from_millis(pause));
        stack.process("up").kill();
    }
    stack.launch("up");
    stack.ready();
    eventually("no word is left", || found(&data, &PLANTED).is_empty());
    eventually("nothing is pending", || {
        stack.metric("stoa_erasure_pending") == Some(0.0)
    });
    assert_eq!(found(&data, &["Das bleibt"]), ["Das bleibt"]);

    // Sent again, they stay away; the others go on.
    let (_, answer) = stack.post(EVENT, events().swap_remove(0).1);
    assert_eq!(answer["duplicate"], 1, "{answer}");
    let (_, answer) = stack.post(EVENT, comment("a-1", "c-3", None, "Neu.").to_string());
    assert_eq!(answer["accepted"], 1, "{answer}");
    stack.decided("journal", "a-1", 2);
    assert_eq!(found(&data, &PLANTED), [""; 0]);
    assert_eq!(stack.process("up").stop(), Some(0));
    for role in ["ingest", "moderation-rules"] {
        stoa_journal::verify(&data.join(role).join("journal"), &mut |_| {}).unwrap();
    }
}
