//! What a broker has confirmed and lost is named, and sent again from the journals.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use std::time::Duration;

use serde_json::{Value, json};
use stoa_tests::broker::{Platform, purge, queues};
use stoa_tests::{Bus, Node, Stack, TOKEN, Vhost, eventually, sample, stoa};

/// Runs `stoa reconcile` without leaving anything out; returns its exit code and its report.
fn reconcile(stack: &Stack, more: &[&str]) -> (i32, Value) {
    let addresses = [
        stack.ingest_admin(),
        stack.moderation(),
        stack.archive_admin(),
    ];
    let mut args = vec!["reconcile", "--token", TOKEN, "--json", "--settle", "0"];
    for (role, address) in ["--ingest", "--moderation", "--archive"]
        .iter()
        .zip(&addresses)
    {
        args.extend([*role, address]);
    }
    args.extend(more);
    let output = stoa(&args);
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    assert!(report != Value::Null, "{output:?}");
    (output.status.code().unwrap(), report)
}

/// How many events of ingest's journal were missing in moderation-rules and in the archive.
fn missing(report: &Value) -> [u64; 2] {
    let readers = &report["compared"][0]["readers"];
    [0, 1].map(|reader| readers[reader]["missing"].as_u64().unwrap())
}

/// How many records were sent again.
fn resent(report: &Value) -> u64 {
    let compared = report["compared"].as_array().unwrap().iter();
    compared
        .map(|compared| compared["resent"].as_u64().unwrap())
        .sum()
}

/// Publishes events over HTTP, and waits until ingest has got rid of them.
fn publish(stack: &Stack, events: &[Value]) {
    let batch = json!(events).to_string();
    let (status, answer) = stack.post("application/cloudevents-batch+json", batch);
    assert_eq!(
        (status, &answer["accepted"]),
        (202, &json!(events.len())),
        "{answer}"
    );
    let status = format!("{}/admin/status", stack.ingest_admin());
    eventually("an empty outbox", || {
        stack.get(&status)["waiting"]["records"] == 0
    });
}

/// An article with comments, a report and a withdrawal: 43 events.
fn thread(id: &str) -> Vec<Value> {
    let mut events = sample::thread(id, 40);
    for (kind, comment, report) in [("reported", 3, json!("r-1")), ("withdrawn", 4, Value::Null)] {
        let mut event = json!({
            "specversion": "1.0", "id": format!("{kind}-{id}"),
            "source": "https://journal.example/comments",
            "type": format!("stoa.comment.{kind}.v1"),
            "data": {"site": "journal", "article": id, "comment": format!("{id}-{comment}")},
        });
        if report != Value::Null {
            event["data"]["report"] = report;
            event["data"]["reason"] = json!("spam");
        }
        events.push(event);
    }
    events
}

fn stop(stack: &mut Stack, names: &[&str]) {
    for name in names {
        assert_eq!(stack.process(name).stop(), Some(0), "{name}");
    }
}

fn launch(stack: &mut Stack, names: &[&str]) {
    for name in names {
        stack.launch(name);
    }
    stack.ready();
}

/// Asks for what is missing, heals it, and finds nothing a second time.
fn heals(stack: &Stack, id: &str) {
    let (exit, report) = reconcile(stack, &["--dry-run"]);
    assert_eq!(
        (exit, missing(&report), resent(&report)),
        (1, [43, 43], 0),
        "{report:#}"
    );
    let mut named: Vec<_> = report["missing"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|missing| missing["reader"] == "archive" && missing["journal"] == "ingest")
        .map(|missing| missing["id"].as_str().unwrap().to_owned())
        .collect();
    let mut lost: Vec<_> = thread(id)
        .iter()
        .map(|event| event["id"].as_str().unwrap().to_owned())
        .collect();
    named.sort();
    lost.sort();
    assert_eq!(named, lost);
    assert_eq!(stack.thread("journal", id), Value::Null, "nothing was sent");

    let (exit, report) = reconcile(stack, &[]);
    assert_eq!((exit, missing(&report)), (0, [43, 43]), "{report:#}");
    let healed = stack.decided("journal", id, 40);
    let withdrawn = &healed["comments"].as_array().unwrap().iter();
    let n_withdrawn = withdrawn
        .clone()
        .filter(|comment| comment["status"] == "withdrawn");
    assert_eq!(n_withdrawn.count(), 1);
    finds_nothing(stack);
}

/// Finds nothing once everything has come to rest, and sends nothing then.
fn finds_nothing(stack: &Stack) {
    eventually("a comparison that finds nothing", || {
        reconcile(stack, &["--dry-run"]).0 == 0
    });
    let (exit, report) = reconcile(stack, &[]);
    assert_eq!(
        (exit, missing(&report), resent(&report)),
        (0, [0, 0], 0),
        "{report:#}"
    );
}

#[test]
fn amqp_purged_queues() {
    let vhost = Vhost::new();
    let mut stack = Stack::start(Bus::Amqp(vhost.url.clone()));
    publish(&stack, &thread("a-0"));
    stack.decided("journal", "a-0", 40);

    stop(&mut stack, &["moderation-rules", "archive"]);
    publish(&stack, &thread("a-1"));
    purge(&vhost);
    launch(&mut stack, &["moderation-rules", "archive"]);
    heals(&stack, "a-1");

    // What the archive alone has lost: moderation's outcomes, too.
    stop(&mut stack, &["archive"]);
    publish(&stack, &thread("a-2"));
    eventually("decisions about every comment", || {
        let moderation = queues(&vhost);
        let mut waiting = moderation
            .iter()
            .filter(|(name, _)| name.starts_with("moderation."));
        waiting.all(|(_, messages)| *messages == 0)
    });
    purge(&vhost);
    launch(&mut stack, &["archive"]);
    let (exit, report) = reconcile(&stack, &["--dry-run"]);
    assert_eq!((exit, missing(&report)), (1, [0, 43]), "{report:#}");
    let outcomes = &report["compared"][1]["readers"][0]["missing"];
    assert!(outcomes.as_u64().unwrap() >= 40, "{report:#}");
    assert_eq!(reconcile(&stack, &[]).0, 0);
    stack.decided("journal", "a-2", 40);
}

#[test]
fn amqp_decisions_go_to_platforms_again_only_when_asked() {
    let vhost = Vhost::new();
    let stack = Stack::start(Bus::Amqp(vhost.url.clone()));
    publish(&stack, &thread("a-1"));
    stack.decided("journal", "a-1", 40);
    let published = format!("{}/admin/published", stack.moderation());
    let mut page = Value::Null;
    eventually("what moderation published", || {
        page = stack.get(&published);
        page["events"]
            .as_array()
            .is_some_and(|events| events.len() >= 40)
    });
    let mut events = page["events"].as_array().unwrap().iter();
    let decided = events
        .rfind(|event| event["type"] == "stoa.comment.decided.v1")
        .unwrap();
    let mut platform = Platform::listening_to(&vhost, "stoa.decisions");
    let again = format!("{published}/resend");
    let seqs = json!([decided["seq"]]);
    let (status, answer) = stack.post_json(&again, &json!({"seqs": seqs}));
    assert_eq!((status, &answer["resent"]), (200, &seqs));
    let (status, answer) = stack.post_json(&again, &json!({"seqs": seqs, "decisions": true}));
    assert_eq!((status, &answer["resent"]), (200, &seqs));
    assert_eq!(platform.hear()["id"], decided["id"]);
    assert_eq!(
        platform.within(Duration::from_millis(500)),
        None,
        "the first was not sent"
    );
}

#[test]
fn amqp_a_broker_that_lost_everything() {
    let node = Node::start();
    let mut stack = Stack::start(Bus::Amqp(node.url()));
    publish(&stack, &thread("a-0"));
    stack.decided("journal", "a-0", 40);
    stop(&mut stack, &["moderation-rules", "archive"]);
    publish(&stack, &thread("a-1"));
    node.wipe();
    launch(&mut stack, &["moderation-rules", "archive"]);
    heals(&stack, "a-1");
    publish(&stack, &thread("a-2"));
    stack.decided("journal", "a-2", 40);
}

#[test]
fn embedded_a_bus_and_an_archive_that_are_gone() {
    let mut stack = Stack::start(Bus::Embedded);
    publish(&stack, &thread("a-1"));
    let before = stack.decided("journal", "a-1", 40);
    stop(&mut stack, &["up"]);
    for lost in ["bus", "archive"] {
        std::fs::remove_dir_all(stack.folder.path().join(lost)).unwrap();
    }
    launch(&mut stack, &["up"]);
    assert_eq!(stack.thread("journal", "a-1"), Value::Null);
    let (exit, report) = reconcile(&stack, &[]);
    assert_eq!((exit, missing(&report)), (0, [0, 43]), "{report:#}");
    let shape = |thread: &Value| {
        let comments = thread["comments"].as_array().unwrap().iter();
        let comments = comments.map(|c| json!([c["comment"], c["depth"], c["status"], c["text"]]));
        comments.collect::<Vec<_>>()
    };
    assert_eq!(shape(&stack.decided("journal", "a-1", 40)), shape(&before));
    finds_nothing(&stack);
}
