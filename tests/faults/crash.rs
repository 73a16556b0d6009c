//! Processes that end: by a kill, at named places, and in order.

use std::time::{Duration, Instant};

use serde_json::json;
use stoa_tests::{Load, eventually};

use crate::drill::{Drill, load};
use crate::erase::Erased;
use crate::report::Found;
use crate::{Case, Suite};

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "F01",
        title: "ingest is killed again and again",
        small: true,
        run: |suite, found| kills(suite, found, &["ingest"]),
    },
    Case {
        id: "F02",
        title: "moderation-rules is killed again and again",
        small: true,
        run: |suite, found| kills(suite, found, &["moderation-rules"]),
    },
    Case {
        id: "F03",
        title: "the archive is killed again and again",
        small: true,
        run: |suite, found| kills(suite, found, &["archive"]),
    },
    Case {
        id: "F04a",
        title: "all three roles are killed together",
        small: true,
        run: |suite, found| kills(suite, found, &["ingest", "moderation-rules", "archive"]),
    },
    Case {
        id: "F04b",
        title: "the one process without a broker is killed again and again",
        small: true,
        run: embedded,
    },
    Case {
        id: "F04c",
        title: "each role crashes at each place between store, publish, confirm and ack",
        small: true,
        run: crashes_amqp,
    },
    Case {
        id: "F04d",
        title: "the one process without a broker crashes at each such place",
        small: true,
        run: crashes_embedded,
    },
    Case {
        id: "F05",
        title: "each role is asked to stop under load, and ends within 30 s",
        small: true,
        run: stops,
    },
];

/// Kills these together, at even distances.
fn kills(suite: &Suite, found: &mut Found, names: &[&str]) {
    let n_kills = suite.pick(3, if names.len() > 1 { 20 } else { 50 });
    let mut drill = Drill::amqp(load(suite.pick(1_500, 20_000)), found);
    for kill in 1..=n_kills {
        drill.reaches(kill * 90 / n_kills);
        drill.kill(names);
    }
    drill.ends();
}

fn embedded(suite: &Suite, found: &mut Found) {
    let n_kills = suite.pick(3, 50);
    let mut drill = Drill::embedded(load(suite.pick(1_500, 20_000)), found);
    for kill in 1..=n_kills {
        drill.reaches(kill * 90 / n_kills);
        drill.kill(&["up"]);
    }
    drill.ends();
}

/// Places in the code, and the roles that come to each of them over a broker.
///
/// Between two of them there is no step whose effect outlives a crash.
const PLACES: [(&str, &[&str]); 26] = [
    (
        "journal_before_write",
        &["ingest", "moderation-rules", "archive"],
    ),
    (
        "journal_before_sync",
        &["ingest", "moderation-rules", "archive"],
    ),
    (
        "journal_after_sync",
        &["ingest", "moderation-rules", "archive"],
    ),
    (
        "view_half_written",
        &["ingest", "moderation-rules", "archive"],
    ),
    ("ingest_after_append", &["ingest"]),
    ("ingest_before_answer", &["ingest"]),
    ("moderation_after_append", &["moderation-rules"]),
    ("archive_after_append", &["archive"]),
    (
        "bus_before_handle",
        &["ingest", "moderation-rules", "archive"],
    ),
    (
        "bus_before_submit",
        &["ingest", "moderation-rules", "archive"],
    ),
    (
        "bus_before_settle",
        &["ingest", "moderation-rules", "archive"],
    ),
    (
        "bus_after_settle",
        &["ingest", "moderation-rules", "archive"],
    ),
    ("outbox_before_submit", &["ingest"]),
    ("outbox_after_confirm", &["ingest"]),
    ("cursor_before_sync", &["ingest"]),
    ("amqp_after_publish", &["ingest", "moderation-rules"]),
    ("amqp_after_confirm", &["ingest", "moderation-rules"]),
    (
        "amqp_before_ack",
        &["ingest", "moderation-rules", "archive"],
    ),
    ("embedded_before_confirm", &[]),
    ("archive_after_order", &["archive"]),
    ("archive_before_overwriting", &["archive"]),
    ("erase_before_journal", &["ingest", "moderation-rules"]),
    ("erase_before_record", &["ingest", "moderation-rules"]),
    ("erase_before_parked", &["ingest", "moderation-rules"]),
    ("erase_before_bus", &[]),
    ("erase_before_cursor", &["ingest", "moderation-rules"]),
];

/// Whether a role comes to a place only when words are to be erased.
fn is_of_erasure(place: &str) -> bool {
    let of_archive = ["archive_after_order", "archive_before_overwriting"];
    place.starts_with("erase_") || of_archive.contains(&place)
}

/// The places that the small profile takes.
const FEW: [&str; 7] = [
    "journal_before_sync",
    "bus_before_submit",
    "bus_before_settle",
    "outbox_after_confirm",
    "amqp_after_publish",
    "archive_before_overwriting",
    "erase_before_record",
];

fn crashes_amqp(suite: &Suite, found: &mut Found) {
    let places: Vec<(&str, &str)> = PLACES
        .iter()
        .filter(|(place, _)| suite.full || FEW.contains(place))
        .flat_map(|(place, names)| names.iter().map(move |name| (*place, *name)))
        .collect();
    let n_places = u32::try_from(places.len()).unwrap();
    let mut drill = Drill::amqp(long(n_places), found);
    let mut erased = Erased::default();
    for (n, (place, name)) in (0..).zip(&places) {
        drill.reaches(n * 95 / n_places);
        crash(suite, &mut drill, &mut erased, (name, place));
    }
    all_crashed(drill, n_places, &erased);
}

fn crashes_embedded(suite: &Suite, found: &mut Found) {
    let places: Vec<&str> = PLACES
        .iter()
        .map(|(place, _)| *place)
        .filter(|place| !place.starts_with("amqp"))
        .filter(|place| suite.full || FEW.contains(place))
        .collect();
    let n_places = u32::try_from(places.len()).unwrap();
    let mut drill = Drill::embedded(long(n_places), found);
    let mut erased = Erased::default();
    for (n, place) in (0..).zip(&places) {
        drill.reaches(n * 95 / n_places);
        crash(suite, &mut drill, &mut erased, ("up", place));
    }
    all_crashed(drill, n_places, &erased);
}

/// Makes a load that lasts until all these crashes are over.
fn long(n_crashes: u32) -> Load {
    Load {
        rate: 150,
        ..load(500 * n_crashes)
    }
}

/// Checks what all crashes left.
fn all_crashed(mut drill: Drill<'_>, n_places: u32, erased: &Erased) {
    drill.found.note(format!("crashed at {n_places} places"));
    drill.is_sound();
    erased.are_gone(&drill.stack);
    drill.ends();
}

/// Has a role run until it crashes at a place, and starts it again without.
fn crash(suite: &Suite, drill: &mut Drill<'_>, erased: &mut Erased, at: (&str, &str)) {
    let (name, place) = at;
    let is_of_erasure = is_of_erasure(place);
    if is_of_erasure {
        erased.plant(&drill.stack);
    }
    drill.stack.process(name).kill();
    // The third time: in the middle of work, not at its first step; erasing is done once.
    let at = format!("{place}:{}", if is_of_erasure { 1 } else { 3 });
    let binary = suite.failpoints.as_str();
    drill
        .stack
        .launch_as(binary.as_ref(), name, &[("STOA_CRASH_AT", &at)]);
    let mut is_asked = !is_of_erasure;
    eventually("the request for an erasure", || {
        // It may crash before it answers.
        is_asked = is_asked || erased.ask(&drill.stack);
        is_asked || !drill.stack.process(name).is_alive()
    });
    drill.stack.process(name).ended(Duration::from_secs(30));
    drill.found.kills += 2;
    drill.revive(&[name]);
    if is_of_erasure {
        eventually("the request", || is_asked || erased.ask(&drill.stack));
        erased.are_gone(&drill.stack);
    }
}

fn stops(suite: &Suite, found: &mut Found) {
    let rounds = suite.pick(1, 5);
    let mut drill = Drill::amqp(load(suite.pick(1_500, 6_000)), found);
    let names = drill.stack.names();
    let n_stops = rounds * u32::try_from(names.len()).unwrap();
    for (stop, name) in (1..=n_stops).zip(names.iter().cycle()) {
        drill.reaches(stop * 90 / n_stops);
        let asked = Instant::now();
        let code = drill.stack.process(name).stop();
        assert_eq!(json!(code), json!(0), "{name}");
        assert!(
            asked.elapsed() < Duration::from_secs(30),
            "{name} took {:?}",
            asked.elapsed()
        );
        drill.found.kills += 1;
        drill.revive(&[name]);
    }
    drill.ends();
}
