//! Load with a ledger while roles and the broker are killed: nothing is lost, nothing is decided
//! twice.

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
