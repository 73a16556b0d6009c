//! `stoa stress` as it is used: a full mix on both transports, thresholds, and a check after a kill.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use stoa_tests::{Bus, Stack, TOKEN, Vhost, binary, broker, eventually, stoa};

const MIX: &str = "edits=10,replies=30,reports=3,withdrawals=3,duplicates=10,disorder=6,poison=5";

/// Makes the command with everybody whom the checker can ask.
fn command(stack: &Stack) -> Command {
    let mut command = Command::new(binary());
    command
        .args(["stress", "--token", TOKEN, "--json"])
        .args(["--archive", &stack.archive()])
        .args(["--moderation", &stack.moderation()])
        .args(["--ingest", &stack.ingest_admin()]);
    command
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let said = String::from_utf8_lossy(&output.stderr);
        panic!("{error}: {said}")
    })
}

/// Checks that everything was taken, decided and archived, and all poison refused.
#[track_caller]
fn check(output: &Output, n_events: u64) -> Value {
    let report = report(output);
    assert!(output.status.success(), "{report:#}");
    let (checked, n_poison) = (&report["checked"], report["poison"].as_u64().unwrap());
    let counters = ["attempted", "acknowledged", "refused"].map(|name| checked[name].clone());
    let expected = json!([n_events, n_events - n_poison, n_poison]);
    assert_eq!(json!(counters), expected, "{report:#}");
    // A report of a comment that never comes is archived where nobody can see it.
    let seen = ["ok", "hidden"].map(|name| checked[name].as_u64().unwrap());
    assert_eq!(seen.iter().sum::<u64>(), n_events - n_poison, "{report:#}");
    assert_eq!(report["queues"], json!([]), "{report:#}");
    report
}

fn full_mix(bus: Bus, to: impl Fn(&Stack) -> String) {
    let mut stack = Stack::start(bus);
    let to = to(&stack);
    let run = |pace: &[&str]| {
        let mut command = command(&stack);
        command.args(["--to", &to, "--mix", MIX]).args(pace);
        command.output().unwrap()
    };
    let closed = ["--events", "1500", "--batch", "16"];
    let first = check(&run(&closed), 1_500);
    for kind in ["accept", "decide", "archive"] {
        let latency = &first["latency_ms"][kind];
        assert!(latency["count"].as_u64().unwrap() > 0, "{kind}: {first:#}");
        assert!(
            latency["p50"].as_f64() <= latency["max"].as_f64(),
            "{first:#}"
        );
    }
    // The same again is all repeats, and has no second effect.
    check(&run(&closed), 1_500);
    let open = ["--seed", "2", "--open", "--rate", "300", "--batch", "1"];
    let lasting = [&open[..], &["--duration", "3", "--require", "late<=900"]].concat();
    let output = run(&lasting);
    let n_sent = report(&output)["attempted"].as_u64().unwrap();
    let unsent = check(&output, n_sent)["unsent"].as_u64().unwrap();
    assert_eq!(n_sent + unsent, 900);
    for name in stack.names() {
        assert_eq!(stack.process(name).stop(), Some(0), "{name}");
    }
    let data = stack.folder.path().join("archive");
    let verify = stoa(&["archive", "verify", "--data", data.to_str().unwrap()]);
    assert!(verify.status.success(), "{verify:?}");
}

#[test]
fn embedded_full_mix() {
    full_mix(Bus::Embedded, Stack::ingest);
}

#[test]
fn amqp_full_mix() {
    let vhost = Vhost::new();
    full_mix(Bus::Amqp(vhost.url.clone()), |_| vhost.url.clone());
    // Poison is refused, not parked. The broker counts the messages of its queues every few seconds.
    eventually("every queue empty", || {
        let waiting = broker::queues(&vhost);
        let is_there = waiting.iter().any(|(name, _)| name == "stoa.parked");
        is_there && waiting.iter().all(|(_, messages)| *messages == 0)
    });
}

#[test]
fn what_is_required_and_not_met_is_a_failure_and_what_is_not_known_a_usage_error() {
    let stack = Stack::start(Bus::Embedded);
    let run = |condition: &str| {
        let mut command = command(&stack);
        command.args(["--to", &stack.ingest(), "--events", "200"]);
        command.args(["--require", "lost==0", "--require", condition]);
        command.output().unwrap()
    };
    let failed = run("rate>=100000000");
    assert_eq!(failed.status.code(), Some(1));
    let report = report(&failed);
    let requirements = report["requirements"].as_array().unwrap();
    let met: Vec<_> = requirements.iter().map(|judged| &judged["met"]).collect();
    assert_eq!(met, [&json!(true), &json!(false)], "{report:#}");
    assert_eq!(report["pass"], false);
    let unknown = run("rates>=1");
    assert_eq!(unknown.status.code(), Some(2));
    let said = String::from_utf8_lossy(&unknown.stderr);
    assert!(
        said.contains("`rates`") && said.contains("end_to_end_rate"),
        "{said}"
    );
}

#[test]
fn a_ledger_outlives_its_run() {
    let stack = Stack::start(Bus::Embedded);
    let ledger = stack.folder.path().join("ledger");
    let mut run = command(&stack)
        .args(["--to", &stack.ingest(), "--mix", MIX])
        .args(["--events", "100000", "--rate", "500", "--ledger"])
        .arg(&ledger)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    eventually("500 answers in the ledger", || {
        let text = std::fs::read_to_string(&ledger).unwrap_or_default();
        text.lines()
            .filter(|line| line.starts_with(r#"{"answered""#))
            .count()
            >= 500
    });
    run.kill().unwrap();
    run.wait().unwrap();
    let output = command(&stack)
        .arg("--check")
        .arg(&ledger)
        .output()
        .unwrap();
    let report = report(&output);
    assert!(output.status.success(), "{report:#}");
    let checked = &report["checked"];
    assert!(checked["ok"].as_u64().unwrap() >= 450, "{report:#}");
    assert_eq!(checked["lost"], 0);
}
