//! The broker ends, is away for long, or takes nothing.

use std::time::Duration;

use stoa_tests::{Bus, Load, Node, Stack, eventually, rabbitmqctl};

use crate::drill::{Drill, lasts, load};
use crate::report::Found;
use crate::{Case, Suite};

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "F06",
        title: "the broker is killed again and again",
        small: true,
        run: kills,
    },
    Case {
        id: "F07",
        title: "the broker is away for long; ingest goes on taking events over HTTP",
        small: false,
        run: away,
    },
    Case {
        id: "F12",
        title: "the broker's memory alarm blocks publishers; what was sent is read all the same",
        small: true,
        run: |suite, found| {
            let quiet = ["set_vm_memory_high_watermark", "0.4"];
            alarm(
                suite,
                found,
                &["set_vm_memory_high_watermark", "0.0001"],
                &quiet,
            );
        },
    },
    Case {
        id: "F13",
        title: "the broker's disk alarm blocks publishers; what was sent is read all the same",
        small: false,
        run: |suite, found| {
            let quiet = ["set_disk_free_limit", "100MB"];
            alarm(suite, found, &["set_disk_free_limit", "100000GB"], &quiet);
        },
    },
];

fn kills(suite: &Suite, found: &mut Found) {
    let node = Node::start();
    let stack = Stack::start(Bus::Amqp(node.url()));
    let to = stack.ingest();
    let n_kills = suite.pick(2, 20);
    let load = load(suite.pick(2_500, 20_000));
    let drill = Drill::with(stack, &to, load, found, None);
    for kill in 1..=n_kills {
        drill.reaches(kill * 80 / n_kills);
        node.run("crash");
        drill.found.kills += 1;
        node.run("start");
        let started = std::time::Instant::now();
        drill.stack.ready();
        let took = started.elapsed();
        assert!(
            took < Duration::from_secs(15),
            "ready again only after {took:?}"
        );
    }
    drill.ends();
}

fn away(_: &Suite, found: &mut Found) {
    let node = Node::start();
    let stack = Stack::start(Bus::Amqp(node.url()));
    let to = stack.ingest();
    let drill = Drill::with(stack, &to, load(60_000), found, None);
    drill.reaches(5);
    node.run("crash");
    drill.found.kills += 1;
    // Most of the load is taken while there is no broker.
    drill.reaches(95);
    node.run("start");
    drill.found.note("two minutes without a broker");
    drill.ends();
}

fn alarm(suite: &Suite, found: &mut Found, raise: &[&str], clear: &[&str]) {
    // It lasts longer than the alarm, so that the checker never waits for what can't come.
    let load = Load {
        // The alarm is raised by a program that takes seconds to start.
        rate: suite.pick(200, 120),
        ..load(suite.pick(3_000, 20_000))
    };
    let drill = Drill::http(load, found);
    drill.reaches(20);
    rabbitmqctl(raise);
    let cleared = Cleared(clear);
    eventually("publishing is blocked", || blocked(&drill) > 0.0);
    lasts(Duration::from_secs(suite.pick(3, 120)));
    // Taken while nothing could be published.
    drill.reaches(60);
    drop(cleared);
    eventually("publishing goes on", || blocked(&drill) < 1.0);
    drill.ends();
}

/// Whether the broker takes nothing from ingest.
fn blocked(drill: &Drill<'_>) -> f64 {
    let ingest = drill.stack.ingest_admin();
    drill
        .stack
        .metric_of(&ingest, "stoa_amqp_connection_blocked", "publish")
}

/// Clears an alarm, also of a case that failed.
struct Cleared<'c>(&'c [&'c str]);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        rabbitmqctl(self.0);
    }
}
