//! Load with a ledger while roles and the broker are killed: nothing is lost, nothing is decided
//! twice.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use stoa_tests::{Bus, Stack, TOKEN, Vhost, binary, eventually};

/// Events that are sent while things are killed.
const EVENTS: u32 = 6_000;

/// What they are beside new comments, in percent.
const MIX: &str = "edits=8,replies=30,reports=2,withdrawals=2,duplicates=10,disorder=4,poison=2";

/// A broker of one's own, which may be killed.
struct Broker(tempfile::TempDir);

impl Broker {
    fn start() -> Self {
        let broker = Self(tempfile::tempdir().unwrap());
        broker.run("start");
        broker
    }

    /// Runs `scripts/rabbitmq-node`; returns what it says.
    fn run(&self, command: &str) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/rabbitmq-node");
        let output = Command::new(script)
            .arg(command)
            .arg(self.0.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn url(&self) -> String {
        let exports = std::fs::read_to_string(self.0.path().join("env")).unwrap();
        let line = exports
            .lines()
            .find_map(|line| line.strip_prefix("export STOA_TEST_AMQP_URL='"));
        line.unwrap().trim_end_matches('\'').to_owned()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.run("stop");
    }
}

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
            .args(["--ingest", &stack.ingest_admin(), "--mix", MIX])
            .args(["--events", &EVENTS.to_string(), "--rate", "400"])
            .args(["--batch", "8", "--concurrency", "4"])
            .args(["--patience", "120", "--ledger"])
            .arg(&ledger)
            .stdout(Stdio::piped());
        let child = Some(command.spawn().unwrap());
        Self { child, ledger }
    }

    /// Waits until so many events were answered.
    fn reaches(&self, n_answered: usize) {
        eventually(&format!("{n_answered} answers"), || {
            let ledger = std::fs::read_to_string(&self.ledger).unwrap_or_default();
            let answers = ledger
                .lines()
                .filter(|line| line.starts_with(r#"{"answered""#));
            answers.count() >= n_answered
        });
    }

    /// Waits for its end; nothing may be lost or be there twice.
    fn ends_sound(mut self) {
        let output = self.child.take().unwrap().wait_with_output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(output.status.success(), "{report:#}");
        let checked = &report["checked"];
        assert_eq!(checked["attempted"], json!(EVENTS), "{report:#}");
        // All was taken in the end, and all poison refused.
        let n_poison = report["poison"].as_u64().unwrap();
        assert!(n_poison > 0, "{report:#}");
        let counters = ["ok", "acknowledged", "archived", "refused", "reordered"];
        let found = counters.map(|name| checked[name].clone());
        let n_sound = u64::from(EVENTS) - n_poison;
        let expected = json!([n_sound, n_sound, n_sound, n_poison, 0]);
        assert_eq!(json!(found), expected, "{report:#}");
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
    let broker = Broker::start();
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
