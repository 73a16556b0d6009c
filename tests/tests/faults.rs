//! Load with a ledger while roles and the broker are killed: nothing is lost, nothing is decided
//! twice.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use stoa_tests::{Bus, Node, Stack, TOKEN, Vhost, binary, eventually};

/// Comments that are sent while things are killed.
const EVENTS: u32 = 6_000;

/// A run of `stoa stress`.
struct Stress {
    /// Taken by whoever waits for its end.
    child: Option<Child>,
    ledger: PathBuf,
}

impl Stress {
    /// Sends comments to a target, at a rate that leaves time for what is done meanwhile.
    fn start(stack: &Stack, to: &str) -> Self {
        let ledger = stack.folder.path().join("ledger");
        let mut command = Command::new(binary());
        command
            .args(["stress", "--to", to, "--token", TOKEN, "--json"])
            .args(["--archive", &stack.archive()])
            .args(["--moderation", &stack.moderation()])
            .args(["--events", &EVENTS.to_string(), "--rate", "400"])
            .args(["--batch", "8", "--concurrency", "4", "--duplicates", "10"])
            .args(["--patience", "120", "--ledger"])
            .arg(&ledger)
            .stdout(Stdio::piped());
        let child = Some(command.spawn().unwrap());
        Self { child, ledger }
    }

    /// Waits until so many comments were acknowledged.
    fn reaches(&self, n_acknowledged: usize) {
        eventually(&format!("{n_acknowledged} acknowledgements"), || {
            let ledger = std::fs::read_to_string(&self.ledger).unwrap_or_default();
            ledger.lines().filter(|line| line.starts_with("k ")).count() >= n_acknowledged
        });
    }

    /// Waits for its end; nothing may be lost or be there twice.
    fn ends_sound(mut self) {
        let output = self.child.take().unwrap().wait_with_output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(output.status.success(), "{report:#}");
        let counters = ["attempted", "ok", "lost", "duplicated", "unexpected"];
        let found = counters.map(|name| report["checked"][name].clone());
        assert_eq!(json!(found), json!([EVENTS, EVENTS, 0, 0, 0]), "{report:#}");
    }
}

impl Drop for Stress {
    fn drop(&mut self) {
        // A test that failed leaves no load behind.
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

fn kills_each_role(bus: Bus, to: impl Fn(&Stack) -> String) {
    let mut stack = Stack::start(bus);
    let stress = Stress::start(&stack, &to(&stack));
    let names = stack.names();
    for (round, name) in names.iter().cycle().take(6).enumerate() {
        stress.reaches((round + 1) * 600);
        stack.process(name).kill();
        stack.launch(name);
    }
    stress.ends_sound();
    for name in names {
        assert_eq!(stack.process(name).stop(), Some(0), "{name}");
    }
}

#[test]
fn embedded_kill_9_under_load() {
    kills_each_role(Bus::Embedded, Stack::ingest);
}

#[test]
fn amqp_kill_9_of_each_role_under_load() {
    let vhost = Vhost::new();
    kills_each_role(Bus::Amqp(vhost.url.clone()), |_| vhost.url.clone());
}

#[test]
fn amqp_kill_9_of_the_broker_under_load() {
    let broker = Node::start();
    let mut stack = Stack::start(Bus::Amqp(broker.url()));
    // Over HTTP, ingest keeps what comes while there is no broker.
    let stress = Stress::start(&stack, &stack.ingest());
    for round in 1..=3 {
        stress.reaches(round * 1_200);
        broker.run("crash");
        // Longer than a blink: roles notice, and wait for it.
        stress.reaches(round * 1_200 + 400);
        broker.run("start");
    }
    stress.ends_sound();
    stack.ready();
    for name in stack.names() {
        assert_eq!(stack.process(name).stop(), Some(0), "{name}");
    }
}
