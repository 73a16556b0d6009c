//! A disk that fills up, and has room again: nothing is lost, nothing panics, nobody starts anything anew.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use serde_json::json;
use stoa_tests::{Bus, SmallDisk, Stack, Vhost, eventually, sample, stoa};

const BATCH: &str = "application/cloudevents-batch+json";
const MIB: u64 = 1024 * 1024;

/// What ingest leaves free; the other roles go on down to half of it.
const RESERVE_MIB: u64 = 6;

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

/// Waits until a role says that it is not ready because of the disk.
fn unready(admin: &str, stack: &Stack) {
    eventually("a role says that the disk is full", || {
        let (status, reasons) = stack.get_text(&format!("{admin}/readyz"), false);
        status == 503 && reasons.contains("free some disk space")
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
    unready(&stack.ingest_admin(), &stack);
    let (_, metrics) = stack.get_text(&format!("{}/metrics", stack.ingest_admin()), false);
    assert!(metrics.contains("stoa_ingest_refusing 1"), "{metrics}");

    // Somebody else takes the rest, to the last byte.
    let rest = disk.fill("rest", u64::MAX);
    assert_eq!(disk.free(), 0);
    for _ in 0..20 {
        let events = sample::thread("refused", 1);
        assert_eq!(stack.post(BATCH, json!(events).to_string()).0, 503);
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    stack.decided("journal", "f-0", 50);
    unready(&stack.archive_admin(), &stack);

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
        let log = std::fs::read_to_string(&stack.process(name).log).unwrap();
        assert!(!log.contains("panicked"), "{log}");
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
