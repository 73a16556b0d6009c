//! An event that a role can't take parks its thread, and the command line sees to it.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use std::sync::Arc;

use serde_json::{Value, json};
use stoa_journal::{Entry, Journal};
use stoa_proto::Shard;
use stoa_tests::broker::{Platform, queues};
use stoa_tests::{Bus, Stack, TOKEN, Vhost, comment, eventually, stoa};

const EVENT: &str = "application/cloudevents+json";
const THREAD: &str = "poisoned";

/// An event of a version that is still to come.
fn poison() -> String {
    let mut event = comment(THREAD, "c-new", None, "bonjour");
    event["type"] = json!("stoa.comment.submitted.v2");
    event["data"]["body"] = json!({"html": "bonjour"});
    event.to_string()
}

/// Runs `stoa parked` at an admin listener; returns whether it succeeded and what it says.
fn parked(to: &str, args: &[&str]) -> (bool, String) {
    let target = ["--to", to, "--token", TOKEN];
    let output = stoa(&[&["parked"], args, &target].concat());
    assert!(output.stderr.is_empty(), "{output:?}");
    (
        output.status.success(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

fn list(to: &str) -> Vec<Value> {
    let (succeeded, text) = parked(to, &["list", "--json"]);
    assert!(succeeded, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The poison is in `stoa.content`: both readers park it, with what comes behind it.
fn is_listed_shown_and_dropped(stack: &mut Stack) {
    let roles = [stack.moderation(), stack.archive_admin()];
    for role in &roles {
        eventually("the poison is parked", || list(role).len() == 1);
    }
    let (status, answer) = stack.post(EVENT, comment(THREAD, "c-1", None, "bonjour").to_string());
    assert_eq!(status, 202, "{answer}");
    stack.post(EVENT, comment("other", "c-2", None, "bonjour").to_string());
    stack.decided("journal", "other", 1);
    for role in &roles {
        eventually("the comment is behind it", || list(role).len() == 2);
    }
    assert!(stack.is_well(), "parked threads make nobody unready");

    for role in &roles {
        let all = list(role);
        let (first, second) = (&all[0], &all[1]);
        let id = first["id"].to_string();
        assert_eq!(first["type"], "stoa.comment.submitted.v2");
        assert_eq!(
            (&first["site"], &first["thread"]),
            (&json!("journal"), &json!(THREAD))
        );
        assert_eq!(
            (&second["state"], &second["behind"]),
            (&json!("waiting"), &first["id"])
        );
        let (_, table) = parked(role, &["list", "--thread", THREAD]);
        assert!(table.lines().count() >= 3, "{table}");
        assert!(table.contains(&format!("behind {id}")), "{table}");
        let (_, shown) = parked(role, &["show", &id]);
        assert!(shown.contains("unsupported_version"), "{shown}");
        let (_, shown) = parked(role, &["show", &id, "--json"]);
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["body"], poison());
        let (succeeded, came) = parked(role, &["retry", "--all", "--json"]);
        let came: Value = serde_json::from_str(&came).unwrap();
        assert!(!succeeded && came[0]["result"] == "parked", "{came}");
        assert_eq!(
            list(role)[0]["attempts"],
            json!(first["attempts"].as_u64().unwrap() + 1)
        );
        let (succeeded, said) = parked(role, &["drop", &id, "--reason", "nobody's"]);
        assert!(succeeded && said.contains("is dropped"), "{said}");
        eventually("nothing is parked", || list(role).is_empty());
        assert_eq!(parked(role, &["list"]).1, "Nothing is parked.\n");
        assert_eq!(
            parked(role, &["retry", "--all"]),
            (true, "Nothing is parked.\n".to_owned())
        );
        let metrics = stack.get_text(&format!("{role}/metrics"), false).1;
        for line in [
            "stoa_parked_messages 0",
            "stoa_parked_threads 0",
            "stoa_parked_bytes 0",
        ] {
            assert!(metrics.lines().any(|found| found == line), "{metrics}");
        }
    }
    let thread = stack.decided("journal", THREAD, 1);
    assert_eq!(thread["comments"].as_array().unwrap().len(), 1);
    let gone = stoa(&["parked", "show", "0", "--to", &roles[0], "--token", TOKEN]);
    assert_eq!(gone.status.code(), Some(1));
    let said = String::from_utf8(gone.stderr).unwrap();
    assert!(said.contains("GET /admin/parked"), "{said}");
}

#[test]
fn embedded_a_poison_is_listed_shown_and_dropped() {
    let mut stack = Stack::start(Bus::Embedded);
    assert_eq!(stack.process("up").stop(), Some(0));
    // Nobody can publish it, so it is written where it would be.
    let content = stack.folder.path().join("bus/stoa.content");
    let opened = Journal::open(&content, stoa_journal::Options::default(), Arc::new(|| 0));
    let entry = Entry {
        kind: 1,
        payload: poison().into(),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let journal = opened.unwrap().journal;
    runtime.block_on(journal.append(vec![entry])).unwrap();
    runtime.block_on(journal.close());
    stack.launch("up");
    stack.ready();
    is_listed_shown_and_dropped(&mut stack);
}

#[test]
fn amqp_a_poison_is_listed_shown_and_dropped() {
    let vhost = Vhost::new();
    let mut stack = Stack::start(Bus::Amqp(vhost.url.clone()));
    let platform = Platform::listening_to(&vhost, "stoa.rejected");
    let key = Shard::of("journal", THREAD).routing_key();
    platform.publish_to("stoa.content", &key, EVENT, &[], poison().as_bytes());
    is_listed_shown_and_dropped(&mut stack);
    let waiting = || queues(&vhost).into_iter().filter(|(_, n)| *n > 0).count();
    eventually("empty queues", || waiting() == 0);
}
