//! A thread goes in, decisions come out, the thread is archived: on both transports.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use std::process::Command;

use serde_json::{Value, json};
use stoa_tests::{Bus, Stack, TOKEN, Vhost, comment, eventually, needed, sample, stoa};

const BATCH: &str = "application/cloudevents-batch+json";
const EVENT: &str = "application/cloudevents+json";

/// The parts of a thread that must not depend on the transport or on the order of arrival.
fn tree(thread: &Value) -> Vec<Value> {
    let comments = thread["comments"].as_array().cloned().unwrap_or_default();
    let shape = |c: &Value| {
        json!([
            c["comment"],
            c["parent"],
            c["depth"],
            c["text"],
            c["status"],
            c["decision"]["verdict"]
        ])
    };
    comments.iter().map(shape).collect()
}

fn publishes_and_archives(bus: Bus) -> Vec<Value> {
    let stack = Stack::start(bus);
    let events = sample::thread("a-1", 120);
    let file = stack.folder.path().join("thread.jsonl");
    std::fs::write(&file, sample::jsonl(&events)).unwrap();
    let file = file.to_str().unwrap();
    let publish = [
        "publish",
        file,
        "--to",
        &stack.ingest(),
        "--token",
        TOKEN,
        "--json",
    ];

    let first = stoa(&publish);
    assert!(first.status.success(), "{first:?}");
    let report: Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!(
        (&report["accepted"], &report["duplicate"]),
        (&json!(121), &json!(0)),
        "{report}"
    );
    let thread = stack.decided("journal", "a-1", 120);
    assert_eq!(thread["article"]["title"], "Le tramway");
    assert_eq!(thread["comments"].as_array().unwrap().len(), 120);

    let again: Value = serde_json::from_slice(&stoa(&publish).stdout).unwrap();
    assert_eq!(
        (&again["accepted"], &again["duplicate"]),
        (&json!(0), &json!(121)),
        "{again}"
    );
    assert_eq!(
        stack.thread("journal", "a-1"),
        thread,
        "a repeat changes nothing"
    );
    tree(&thread)
}

#[test]
fn embedded_publishes_and_archives() {
    publishes_and_archives(Bus::Embedded);
}

#[test]
fn amqp_publishes_and_archives_the_same() {
    let vhost = Vhost::new();
    let over_broker = publishes_and_archives(Bus::Amqp(vhost.url.clone()));
    assert_eq!(over_broker, publishes_and_archives(Bus::Embedded));
}

#[test]
fn amqp_takes_what_pika_publishes_in_every_mode() {
    let vhost = Vhost::new();
    let stack = Stack::start(Bus::Amqp(vhost.url.clone()));
    for (mode, id) in [("structured", "p-1"), ("binary", "p-2"), ("batch", "p-3")] {
        let file = stack.folder.path().join(format!("{mode}.jsonl"));
        std::fs::write(&file, sample::jsonl(&sample::thread(id, 60))).unwrap();
        let output = Command::new(needed("STOA_TEST_PYTHON"))
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/pika/publish.py"))
            .args([vhost.url.as_str(), file.to_str().unwrap(), mode])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        stack.decided("journal", id, 60);
    }
}

fn survives_kills(bus: Bus) {
    let mut stack = Stack::start(bus);
    let mut n_sent = 0;
    for round in 0..3 {
        for name in stack.names() {
            let id = format!("k-{round}-{name}");
            let events = sample::thread(&id, 200);
            let (status, answer) = stack.post(BATCH, json!(events).to_string());
            assert_eq!(
                (status, &answer["accepted"]),
                (202, &json!(201)),
                "{answer}"
            );
            stack.process(name).kill();
            stack.launch(name);
            stack.ready();
            n_sent += 1;
            let thread = stack.decided("journal", &id, 200);
            for comment in thread["comments"].as_array().unwrap() {
                assert_eq!(comment["decisions"], 1, "{comment}");
            }
        }
    }
    assert!(n_sent >= 3);
    for name in stack.names() {
        assert_eq!(
            stack.process(name).stop(),
            Some(0),
            "{name} stops in good order"
        );
    }
    let data = stack.folder.path().join("archive");
    let verify = stoa(&["archive", "verify", "--data", data.to_str().unwrap()]);
    assert!(verify.status.success(), "{verify:?}");
}

#[test]
fn embedded_survives_kill_9() {
    survives_kills(Bus::Embedded);
}

#[test]
fn amqp_survives_kill_9_of_each_role() {
    let vhost = Vhost::new();
    survives_kills(Bus::Amqp(vhost.url.clone()));
}

#[test]
fn a_moderator_decides_and_the_archive_shows_it() {
    let stack = Stack::start(Bus::Embedded);
    // Hundreds of links: held by the starter rule set.
    let body = (0..30)
        .map(|n| format!("https://s{n}.example/ "))
        .collect::<String>();
    let (status, _) = stack.post(EVENT, comment("m-1", "c-1", None, &body).to_string());
    assert_eq!(status, 202);
    let thread = stack.decided("journal", "m-1", 1);
    assert_eq!(thread["comments"][0]["status"], "pending", "{thread}");
    let url = format!("{}/v1/sites/journal/threads/m-1", stack.archive());
    let (_, seen) = stack.get_text(&url, false);
    assert!(
        !seen.contains("s7.example"),
        "what is pending is not shown to everyone"
    );

    let cases = stack.get(&format!("{}/admin/cases", stack.moderation()));
    let case = cases["cases"][0]["case"].as_str().unwrap().to_owned();
    let url = format!("{}/admin/cases/{case}/decision", stack.moderation());
    let verdict = json!({"verdict": "approve"});
    let (status, answer) = stack.post_json(&url, &verdict);
    assert_eq!(status, 200, "{answer}");
    eventually("the approved comment in the archive", || {
        stack.thread("journal", "m-1")["comments"][0]["status"] == "approved"
    });
    let shown = &stack.thread("journal", "m-1")["comments"][0];
    assert_eq!(shown["decisions"], 2);
    let (status, _) = stack.post_json(
        &url,
        &json!({"verdict": "reject", "reason": {"code": "spam"}}),
    );
    assert_eq!(status, 409, "a case is decided once");

    let url = format!("{}/admin/authors/journal/u-1", stack.moderation());
    let ban = json!({"sanction": "ban", "reason": "advertising"});
    let (status, answer) = stack.post_json(&format!("{url}/sanctions"), &ban);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(stack.get(&url)["sanction"], answer);
    let (status, _) = stack.post(EVENT, comment("m-1", "c-2", None, "Fine.").to_string());
    assert_eq!(status, 202);
    let thread = stack.decided("journal", "m-1", 2);
    let comments = thread["comments"].as_array().unwrap();
    let refused = comments.iter().find(|one| one["comment"] == "c-2").unwrap();
    assert_eq!(refused["status"], "rejected", "{thread}");
}

#[test]
fn garbage_is_refused_by_name_and_kept() {
    let stack = Stack::start(Bus::Embedded);
    let cases: [(&[u8], &str, Value); 5] = [
        (b"\xff\xfe", "invalid_encoding", Value::Null),
        (b"hello", "invalid_json", Value::Null),
        (b"{}", "missing_field", json!("specversion")),
        (br#"{"specversion":"1.0","id":"1","source":"s","type":"x","data":{}}"#, "unknown_type", json!("type")),
        (
            br#"{"specversion":"1.0","id":"2","source":"s","type":"stoa.comment.submitted.v1","data":{"site":"s","article":"a","comment":"c","author":{"id":"u"},"body":1e400}}"#,
            "invalid_field",
            json!("data.body"),
        ),
    ];
    for (body, code, field) in &cases {
        let (status, answer) = stack.post(EVENT, *body);
        let refused = if status == 202 {
            &answer["rejected"][0]
        } else {
            &answer
        };
        assert_eq!(
            (&refused["code"], &refused["field"]),
            (&json!(code), field),
            "{answer}"
        );
    }
    let url = format!("{}/admin/rejections", stack.ingest_admin());
    let kept = stack.get(&url);
    assert_eq!(
        kept["rejections"].as_array().map(Vec::len),
        Some(cases.len()),
        "{kept}"
    );
    stack.post(EVENT, comment("g-1", "c-1", None, "bonjour").to_string());
    stack.decided("journal", "g-1", 1);
}

#[test]
fn a_rule_set_that_does_not_load_is_a_configuration_that_does_not_work() {
    let folder = tempfile::tempdir().unwrap();
    let rules =
        "rules:\n  - id: a\n    when: comment.txt.size() > 3\n    then: { verdict: hold }\n";
    std::fs::write(folder.path().join("stoa.yaml"), rules).unwrap();
    let (path, data) = (folder.path().to_str().unwrap(), folder.path().join("data"));
    let port = stoa_tests::ports().to_string();
    let up = [
        "up",
        "--rules",
        path,
        "--port",
        &port,
        "--data",
        data.to_str().unwrap(),
    ];
    for command in [&["rules", "check", path][..], &up] {
        let output = stoa(command);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{command:?}: {output:?}");
        for part in [
            "stoa.yaml:3:11",
            "unknown fact `comment.txt`",
            "did you mean `comment.text`?",
        ] {
            assert!(said.contains(part), "{command:?}: {said}");
        }
        assert!(
            !String::from_utf8_lossy(&output.stdout).contains("is up"),
            "{output:?}"
        );
    }
}
