//! Load with a ledger while roles and the broker are killed: nothing is lost, nothing is decided
//! twice.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::path::Path;

use stoa_tests::{Bus, Load, Node, Stack, Stress, Vhost};

/// What is sent while things are killed.
const LOAD: Load = Load {
    events: 6_000,
    rate: 400,
    threads: 64,
    mix: "edits=8,replies=30,reports=2,withdrawals=2,duplicates=10,disorder=4,poison=2",
    seed: 1,
};

fn kills_each_role(bus: Bus, to: impl Fn(&Stack) -> String) {
    let mut stack = Stack::start(bus);
    let stress = Stress::start(&stack, &to(&stack), LOAD);
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
    let node = Node::start();
    let mut stack = Stack::start(Bus::Amqp(node.url()));
    // Over HTTP, ingest keeps what comes while there is no broker.
    let stress = Stress::start(&stack, &stack.ingest(), LOAD);
    for round in 1..=3 {
        stress.reaches(round * 1_200);
        node.run("crash");
        // Longer than a blink: roles notice, and wait for it.
        stress.reaches(round * 1_200 + 400);
        node.run("start");
    }
    stress.ends_sound();
    stack.ready();
    for name in stack.names() {
        assert_eq!(stack.process(name).stop(), Some(0), "{name}");
    }
}

/// Places in the code that the suite does not crash at: an event is parked only where a role refuses
/// it, and one of them is no crash.
const NOT_CRASHED_AT: [&str; 3] = ["bus_after_park", "bus_after_retry", "moderation_poison"];

/// A place that is named in the fault suite and nowhere in the code is never come to; and one that is in
/// the code alone is never crashed at.
#[test]
fn every_place_in_the_code_is_crashed_at_and_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut code = String::new();
    for folder in ["crates", "services"] {
        read_rust(&root.join(folder), &mut code);
    }
    let places = include_str!("../faults/crash.rs");
    let (_, places) = places.split_once("const PLACES").unwrap();
    let (places, _) = places.split_once("];").unwrap();
    let name = regex::Regex::new(r#"\(\s*"(\w+)",\s*&\["#).unwrap();
    let mut names: Vec<&str> = name
        .captures_iter(places)
        .map(|found| found.get(1).unwrap().as_str())
        .collect();
    let place = regex::Regex::new(r#"fail_point!\(\s*"(\w+)""#).unwrap();
    let places = place.captures_iter(&code);
    let mut places: Vec<&str> = places.map(|found| found.get(1).unwrap().as_str()).collect();
    places.retain(|place| !NOT_CRASHED_AT.contains(place));
    places.sort_unstable();
    names.sort_unstable();
    assert!(names.len() > 15, "{names:?}");
    assert_eq!(names, places);
}

/// Reads all Rust code below a folder.
fn read_rust(folder: &Path, code: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_rust(&path, code);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            code.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}
