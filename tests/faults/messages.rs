//! Messages that a role can't take, that come again and again, out of order, or all at once.

use std::time::{Duration, Instant};

use stoa_proto::Shard;
use stoa_tests::{Load, Stack, Stress, TOKEN, comment, decided, eventually, stoa};

use crate::drill::{Drill, load, program};
use crate::memory::Group;
use crate::report::Found;
use crate::{Case, Suite};

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "B07",
        title: "an event makes moderation-rules panic: its thread is parked, and healed by a good build",
        small: true,
        run: |suite, found| poison(suite, found, 1, 1),
    },
    Case {
        id: "B08",
        title: "a thousand such events in one shard",
        small: false,
        run: |suite, found| poison(suite, found, 100, 10),
    },
    Case {
        id: "B09",
        title: "every event comes five times, over two restarts of everything",
        small: false,
        run: repeats,
    },
    Case {
        id: "B10",
        title: "most events come in the wrong order",
        small: true,
        run: disorder,
    },
    Case {
        id: "B16",
        title: "one thread has as many events as all others together",
        small: false,
        run: hot,
    },
    Case {
        id: "B17",
        title: "the archive is away while events come; it catches up, and its memory stays small",
        small: false,
        run: |suite, found| backlog(suite, found, None),
    },
    Case {
        id: "F18",
        title: "the same, with 128 MiB of memory for the archive",
        small: false,
        run: |suite, found| backlog(suite, found, Some(Group::new(128))),
    },
];

/// The longest that one poisoned event may hold up its neighbours.
const HELD_UP: Duration = Duration::from_secs(5);

/// Names threads that are all in the shard of the first.
fn threads_of_a_shard() -> impl Iterator<Item = String> {
    let shard = |thread: &String| Shard::of("journal", thread);
    let names = || (0..).map(|n| format!("poison-{n}"));
    let first = names().map(|name| shard(&name)).next();
    names().filter(move |name| Some(shard(name)) == first)
}

/// Sends a comment of its own, beside the load.
fn send(stack: &Stack, thread: &str, id: u32, text: &str) {
    let event = comment(thread, &format!("{thread}-{id}"), None, text);
    let (status, answer) = stack.post("application/cloudevents+json", event.to_string());
    assert_eq!(status, 202, "{answer}");
}

/// Poisons some threads of a shard with some events each, while a build runs that panics over them.
fn poison(suite: &Suite, found: &mut Found, n_threads: usize, per_thread: u32) {
    let mut drill = Drill::amqp(load(suite.pick(4_000, 20_000)), found);
    drill.stack.process("moderation-rules").kill();
    let panics = ("FAILPOINTS", "moderation_poison=panic");
    let build = suite.failpoints.as_ref();
    drill.stack.launch_as(build, "moderation-rules", &[panics]);
    drill.stack.ready();
    drill.found.kills += 1;

    let mut threads = threads_of_a_shard();
    let poisoned: Vec<String> = threads.by_ref().take(n_threads).collect();
    let neighbour = threads.next().unwrap();
    for id in 0..per_thread {
        for thread in &poisoned {
            send(&drill.stack, thread, id, "stoa-poison");
        }
    }
    let began = Instant::now();
    send(&drill.stack, &neighbour, 0, "bonjour");
    drill.stack.decided("journal", &neighbour, 1);
    let took = began.elapsed();
    let all = n_threads * per_thread as usize;
    drill.found.note(format!(
        "a neighbour was decided {took:.1?} after {all} poisoned events"
    ));
    if all == 1 {
        assert!(took < HELD_UP, "a neighbour waited for {took:?}");
    }
    let moderation = drill.stack.moderation();
    let metric = |name: &str| drill.stack.metric_of(&moderation, name, "");
    eventually("every poisoned event is parked", || {
        metric("stoa_parked_messages ").to_string() == all.to_string()
    });
    assert!(metric("stoa_consumer_panics_total") >= 2.0);
    assert!(drill.stack.is_well(), "a role is not ready");

    drill.kill(&["moderation-rules"]);
    let retry = ["parked", "retry", "--all", "--to", &moderation, "--token"];
    let retried = stoa(&[&retry[..], &[TOKEN]].concat());
    assert!(retried.status.success(), "{retried:?}");
    let per_thread = per_thread as usize;
    for thread in &poisoned {
        let healed = drill.stack.decided("journal", thread, per_thread);
        assert_eq!(decided(&healed), per_thread, "{healed:#}");
    }
    drill.ends();
}

fn repeats(_: &Suite, found: &mut Found) {
    let mut drill = Drill::amqp(load(6_000), found);
    let names = drill.stack.names();
    for time in 2..=5 {
        drill.again();
        if time % 2 == 0 {
            drill.reaches(50);
            drill.kill(&names);
        }
    }
    drill.ends();
}

fn disorder(suite: &Suite, found: &mut Found) {
    let load = Load {
        mix: "edits=15,replies=50,reports=5,withdrawals=5,duplicates=5,disorder=60",
        ..load(suite.pick(4_000, 30_000))
    };
    let drill = Drill::amqp(load, found);
    drill.ends();
}

fn hot(_: &Suite, found: &mut Found) {
    let mut drill = Drill::amqp(load(30_000), found);
    let hot = Load {
        threads: 1,
        seed: 2,
        ..load(30_000)
    };
    let to = drill.stack.ingest();
    let mut hot = Stress::start(&drill.stack, &to, hot);
    let report = hot.ends();
    assert_eq!(report["pass"], true, "{report:#}");
    drill.found.count(&report);
    drill.is_sound();
    for role in drill.stack.names() {
        let memory = drill.stack.process(role).memory();
        drill.found.note(format!("{role} has {memory} MiB"));
        assert!(memory < MEMORY, "{role} has {memory} MiB");
    }
    let latency = drill.is_sound()["latency_ms"]["decide"]["p99"].clone();
    drill.found.note(format!(
        "in the other threads 99 % were decided within {latency} ms"
    ));
    drill.ends();
}

/// The most that a role may have resident, in MiB.
const MEMORY: u64 = 300;

/// Lets events pile up before the archive, in a group with little memory if one is given.
fn backlog(suite: &Suite, found: &mut Found, group: Option<Group>) {
    let n_events = suite.pick(20_000, if group.is_some() { 200_000 } else { 1_000_000 });
    let load = Load {
        rate: 20_000,
        ..load(n_events)
    };
    let mut drill = Drill::amqp(load, found);
    drill.reaches(2);
    drill.stack.process("archive").kill();
    drill.found.kills += 1;
    drill.reaches(97);
    let began = Instant::now();
    match &group {
        Some(group) => {
            let folder = tempfile::tempdir().unwrap();
            let real = stoa_tests::binary();
            let script = format!("{}exec {} \"$@\"", group.enter(), real.display());
            let inside = program(folder.path(), &script);
            // What deploy/README.md says for so little memory.
            let small = [
                ("STOA_ARCHIVE__VIEW__CACHE", "4 MiB"),
                ("STOA_ARCHIVE__BUS__PREFETCH", "64"),
            ];
            drill.stack.launch_as(&inside, "archive", &small);
            drill.stack.ready();
        }
        None => drill.revive(&["archive"]),
    }
    let admin = drill.stack.archive_admin();
    let applied = |drill: &Drill<'_>| {
        let taken = drill
            .stack
            .metric_of(&admin, "stoa_archive_events_total", "applied");
        taken >= f64::from(n_events) * 0.9
    };
    let mut most = 0;
    while !applied(&drill) {
        most = most.max(drill.stack.process("archive").memory());
        assert!(most < MEMORY, "the archive has {most} MiB");
        assert!(
            began.elapsed() < Duration::from_mins(30),
            "it never catches up"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    let rate = f64::from(n_events) * 0.9 / began.elapsed().as_secs_f64();
    drill.found.note(format!(
        "the archive caught up at {rate:.0} events a second, with {most} MiB at most"
    ));
    drill.is_sound();
    if let Some(group) = &group {
        assert_eq!(group.kills(), 0, "a process was killed");
        let most = group.most();
        assert!(
            most > 32,
            "the archive was not in its group, which had {most} MiB"
        );
        drill
            .found
            .note(format!("its group had {most} MiB at most"));
    }
    drill.ends();
    drop(group);
}
