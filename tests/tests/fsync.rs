//! A disk whose syncs fail stops a role before it acknowledges anything; one whose syncs are slow slows
//! it down, and nothing comes twice.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::time::Duration;

use serde_json::{Value, json};
use stoa_tests::{Bus, Fsync, ROLES, Stack, TOKEN, comment, eventually, sample, stoa};

const BATCH: &str = "application/cloudevents-batch+json";
const EVENT: &str = "application/cloudevents+json";

/// Starts `stoa up` with the syncs of one role's journal in the test's hand.
fn start(fsync: &Fsync, role: &str) -> Stack {
    let mut stack = Stack::prepare(Bus::Embedded, tempfile::tempdir().unwrap());
    fsync.preload(&mut stack, &format!("/{role}/journal/"));
    // Else a checkpoint is the first to find that syncs fail, and the process ends before the test's event is there.
    stack.set("STOA_ARCHIVE__TRANSPARENCY__CHECKPOINT_EVERY", "60s");
    stack.launch_all();
    stack
}

#[test]
fn a_failed_sync_stops_each_role_and_loses_nothing() {
    for role in ROLES {
        let fsync = Fsync::new();
        let mut stack = start(&fsync, role);
        let events = sample::thread("before", 20);
        assert_eq!(stack.post(BATCH, json!(events).to_string()).0, 202);
        stack.decided("journal", "before", 20);
        fsync.fail();
        let later = comment("after", "c-1", None, "bonjour").to_string();
        if role == "ingest" {
            let (status, answer) = stack.post(EVENT, later.clone());
            assert_eq!(status, 503, "nothing is acknowledged: {answer}");
        } else {
            assert_eq!(stack.post(EVENT, later.clone()).0, 202);
        }
        let process = stack.process("up");
        let code = process.ended(Duration::from_secs(30));
        let said = process.said();
        assert_eq!(code, Some(1), "{role}: {said}");
        assert!(said.contains("Input/output error"), "{role}: {said}");
        assert!(process.panics().is_empty(), "{role}: {said}");

        fsync.heal();
        stack.launch("up");
        stack.ready();
        stack.decided("journal", "before", 20);
        assert_eq!(stack.post(EVENT, later).0, 202);
        let thread = stack.decided("journal", "after", 1);
        assert_eq!(thread["comments"][0]["decisions"], 1, "{role}: {thread}");
        assert_eq!(stack.process("up").stop(), Some(0), "{role}");
    }
}

#[test]
fn slow_syncs_slow_everything_down_and_nothing_comes_twice() {
    for role in ROLES {
        let fsync = Fsync::new();
        let mut stack = start(&fsync, role);
        fsync.delay(200);
        let ledger = stack.folder.path().join("ledger");
        let stress = [
            "stress",
            "--to",
            &stack.ingest(),
            "--token",
            TOKEN,
            "--json",
            "--archive",
            &stack.archive(),
            "--moderation",
            &stack.moderation(),
            "--events",
            "400",
            "--batch",
            "4",
            "--concurrency",
            "8",
            "--mix",
            "duplicates=10",
            "--patience",
            "60",
            "--ledger",
            ledger.to_str().unwrap(),
        ];
        let output = stoa(&stress);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(output.status.success(), "{role}: {report:#}");
        let checked = &report["checked"];
        let found = ["ok", "lost", "duplicated", "unexpected"].map(|name| checked[name].clone());
        assert_eq!(json!(found), json!([400, 0, 0, 0]), "{role}: {report:#}");
        fsync.heal();
        eventually("everything is well", || stack.is_well());
        assert_eq!(stack.process("up").stop(), Some(0), "{role}");
    }
}
