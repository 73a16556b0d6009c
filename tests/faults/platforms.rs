//! Platforms with clients that are not ours, through a restart of the broker.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use stoa_tests::{Bus, Node, Stack, eventually, needed};

use crate::report::Found;
use crate::{Case, Suite};

pub(crate) const CASES: &[Case] = &[Case {
    id: "F06b",
    title: "a producer with pika and a consumer with amqplib go through restarts of the broker",
    small: false,
    run: platforms,
}];

/// A process that is not ours, ended when it goes out of scope.
struct Client(Child);

impl Client {
    fn start(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::piped()).spawn().unwrap())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("faults")
        .join(name)
}

/// Reads the decisions that came, by comment.
fn decisions(file: &Path) -> BTreeMap<String, Vec<Value>> {
    let mut decisions: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in std::fs::read_to_string(file).unwrap_or_default().lines() {
        // The last line may be half written.
        let Ok(event) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        if event["type"] == "stoa.comment.decided.v1" {
            let comment = event["data"]["comment"].as_str().unwrap().to_owned();
            decisions.entry(comment).or_default().push(event);
        }
    }
    decisions
}

fn platforms(suite: &Suite, found: &mut Found) {
    const COUNT: usize = 3_000;
    let node = Node::start();
    let mut stack = Stack::start(Bus::Amqp(node.url()));
    let file = stack.folder.path().join("decisions.jsonl");
    let mut consumer = Client::start(
        Command::new("node")
            .arg(script("consumer.mjs"))
            .args([&node.url(), file.to_str().unwrap()])
            .env("AMQPLIB", needed("STOA_TEST_AMQPLIB")),
    );
    // What is decided before its queue is there is none of its business.
    let mut said = String::new();
    let stdout = consumer.0.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut said).unwrap();
    assert_eq!(said, "listening\n");
    let mut producer = Client::start(
        Command::new(needed("STOA_TEST_PYTHON"))
            .arg(script("producer.py"))
            .args([&node.url(), &COUNT.to_string(), "150"]),
    );
    let n_restarts = suite.pick(1, 3);
    for restart in 1..=n_restarts {
        eventually("decisions before the restart", || {
            decisions(&file).len() > COUNT * restart / (n_restarts + 1) - 200
        });
        // One as a crash would, the next as somebody would who looks after it.
        node.run(if restart % 2 == 1 { "crash" } else { "stop" });
        found.kills += 1;
        node.run("start");
    }
    assert!(producer.0.wait().unwrap().success());
    eventually("every decision", || decisions(&file).len() == COUNT);
    drop(consumer);
    let (mut repeats, mut differ) = (0, Vec::new());
    for (comment, events) in decisions(&file) {
        repeats += events.len() - 1;
        if events.iter().any(|event| *event != events[0]) {
            differ.push(comment);
        }
    }
    assert!(differ.is_empty(), "decided in two ways: {differ:?}");
    stack.ready();
    let archived: u64 = (0..20)
        .map(|n| stack.thread("platform", &format!("a-{n}")))
        .map(|thread| thread["comments"].as_array().unwrap().len() as u64)
        .sum();
    assert_eq!(archived, COUNT as u64);
    found.counters[0] += COUNT as u64;
    found.counters[1] += archived;
    found.note(format!(
        "{COUNT} comments, each decided; {repeats} decisions came twice, letter for letter"
    ));
    for name in stack.names() {
        assert_eq!(json!(stack.process(name).stop()), json!(0), "{name}");
    }
}
