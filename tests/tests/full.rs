//! A disk that fills up and has room again, and a broker that is away for too long: ingest refuses in
//! time, nothing is lost, nothing panics, and nobody has to start anything anew.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use serde_json::json;
use stoa_tests::{Bus, SmallDisk, Stack, TOKEN, Vhost, eventually, sample, stoa};

/// Nobody is there.
const NO_BROKER: &str = "amqp://127.0.0.1:1/%2f";
const BATCH: &str = "application/cloudevents-batch+json";
const MIB: u64 = 1024 * 1024;

/// What roles say about a full disk.
const FULL: &str = "free some disk space";

/// What ingest leaves free; the other roles go on down to half of it.
const RESERVE_MIB: u64 = 6;

/// Checks that a thread is refused for now, and that whoever sent it hears when to come again.
fn refused(stack: &Stack) {
    let answer = reqwest::blocking::Client::new()
        .post(format!("{}/v1/events", stack.ingest()))
        .bearer_auth(TOKEN)
        .header("content-type", BATCH)
        .body(json!(sample::thread("refused", 1)).to_string())
        .send()
        .unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "10");
}

/// Sends threads until one is refused; returns how many were accepted.
fn until_refused(stack: &Stack, first: usize) -> usize {
    for number in first..first + 2_000 {
        let events = sample::thread(&format!("f-{number}"), 50);
        let (status, answer) = stack.post(BATCH, json!(events).to_string());
        if status == 503 {
            return number - first;
        }
        assert_eq!((status, &answer["accepted"]), (202, &json!(51)), "{answer}");
    }
    unreachable!("the disk is never full");
}

/// Waits until a role says that it is not ready, and why.
fn unready(admin: &str, stack: &Stack, why: &str) {
    eventually(why, || {
        let (status, reasons) = stack.get_text(&format!("{admin}/readyz"), false);
        status == 503 && reasons.contains(why)
    });
}

fn fills_up_and_goes_on(bus: Bus) {
    let disk = SmallDisk::new(24);
    let mut stack = Stack::prepare(bus, tempfile::tempdir().unwrap());
    stack.data = disk.path().to_owned();
    stack.set(
        "STOA_INGEST__BUDGET__RESERVE",
        &format!("{RESERVE_MIB} MiB"),
    );
    for role in ["MODERATION_RULES", "ARCHIVE"] {
        let half = format!("{} MiB", RESERVE_MIB / 2);
        stack.set(&format!("STOA_{role}__JOURNAL__RESERVE"), &half);
    }
    let ballast = disk.fill("ballast", 8 * MIB);
    stack.launch_all();

    let accepted = until_refused(&stack, 0);
    assert!(accepted > 0);
    assert!(disk.free() > 0, "the reserve is there");
    // What was accepted is worked off within what ingest leaves.
    stack.decided("journal", "f-0", 50);
    unready(&stack.ingest_admin(), &stack, FULL);
    let (_, metrics) = stack.get_text(&format!("{}/metrics", stack.ingest_admin()), false);
    assert!(metrics.contains("stoa_ingest_refusing 1"), "{metrics}");

    // Somebody else takes the rest, to the last byte.
    let rest = disk.fill("rest", u64::MAX);
    assert_eq!(disk.free(), 0);
    for _ in 0..20 {
        refused(&stack);
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    stack.decided("journal", "f-0", 50);
    unready(&stack.moderation(), &stack, FULL);
    unready(&stack.archive_admin(), &stack, FULL);

    std::fs::remove_file(rest).unwrap();
    std::fs::remove_file(ballast).unwrap();
    stack.ready();
    eventually("a thread is accepted again", || {
        let events = sample::thread("after", 50);
        stack.post(BATCH, json!(events).to_string()).0 == 202
    });
    for number in 0..accepted {
        stack.decided("journal", &format!("f-{number}"), 50);
    }
    stack.decided("journal", "after", 50);
    for name in stack.names() {
        let panics = stack.process(name).panics();
        assert!(panics.is_empty(), "{name}: {panics:?}");
        assert_eq!(stack.process(name).stop(), Some(0), "{name}");
    }
    let data = disk.path().join("archive");
    let verify = stoa(&["archive", "verify", "--data", data.to_str().unwrap()]);
    assert!(verify.status.success(), "{verify:?}");
}

#[test]
fn embedded_disk_fills_up_and_has_room_again() {
    fills_up_and_goes_on(Bus::Embedded);
}

#[test]
fn amqp_disk_fills_up_and_has_room_again() {
    let vhost = Vhost::new();
    fills_up_and_goes_on(Bus::Amqp(vhost.url.clone()));
}

/// Starts ingest alone, with nobody to publish to, until a budget is spent; then everything else, which
/// gets all that was accepted.
fn spends_a_budget(budget: &str, value: &str) {
    let vhost = Vhost::new();
    let mut alone = Stack::prepare(
        Bus::Amqp(NO_BROKER.to_owned()),
        tempfile::tempdir().unwrap(),
    );
    alone.set(&format!("STOA_INGEST__BUDGET__{budget}"), value);
    alone.launch("ingest");
    eventually("ingest answers", || {
        std::net::TcpStream::connect(("127.0.0.1", alone.port)).is_ok()
    });
    let accepted = until_refused(&alone, 0);
    assert!(accepted > 0, "the budget is there to be spent");
    refused(&alone);
    unready(&alone.ingest_admin(), &alone, "the budget is");
    assert_eq!(alone.process("ingest").stop(), Some(0));

    let mut stack = Stack::prepare(Bus::Amqp(vhost.url.clone()), tempfile::tempdir().unwrap());
    stack.data = alone.data.clone();
    stack.launch_all();
    for number in 0..accepted {
        stack.decided("journal", &format!("f-{number}"), 50);
    }
    eventually("a thread is accepted again", || {
        let events = sample::thread("after", 50);
        stack.post(BATCH, json!(events).to_string()).0 == 202
    });
    stack.decided("journal", "after", 50);
    for name in stack.names() {
        assert_eq!(stack.process(name).stop(), Some(0), "{name}");
    }
}

#[test]
fn amqp_too_many_bytes_wait_for_the_broker() {
    spends_a_budget("BYTES", "1 MiB");
}

#[test]
fn amqp_an_event_waits_too_long_for_the_broker() {
    spends_a_budget("AGE", "2s");
}
