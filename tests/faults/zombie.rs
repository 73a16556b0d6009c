//! Two instances of a role: one ends or stands still, another takes over.

use std::path::Path;
use std::time::{Duration, Instant};

use stoa_tests::role::Role;
use stoa_tests::{Bus, Load, Stack, TOKEN, Vhost, binary, eventually};

use crate::drill::{Drill, lasts, load};
use crate::report::Found;
use crate::{Case, Suite};

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "F19",
        title: "moderation-rules stands still, another instance takes over, and it goes on",
        small: true,
        run: zombie,
    },
    Case {
        id: "F19b",
        title: "each role has an instance that stands by on its folder, and takes over when it is killed",
        small: true,
        run: standby,
    },
    Case {
        id: "O07",
        title: "instances of moderation-rules come and go under load",
        small: false,
        run: scale,
    },
];

/// The broker notices a peer that stands still after twice this, in seconds.
const HEARTBEAT: u32 = 2;

fn stack(vhost: &Vhost) -> Stack {
    let heartbeat = HEARTBEAT.to_string();
    Stack::start_with(
        Bus::Amqp(vhost.url.clone()),
        vec![("STOA_MODERATION_RULES__BUS__HEARTBEAT", heartbeat)],
    )
}

fn config(vhost: &Vhost) -> String {
    let url = &vhost.url;
    format!(
        "open = true\n[bus]\nurl = {url:?}\nprovision = true\nheartbeat = {HEARTBEAT}\n\
         [[tokens]]\nname = \"test\"\nrole = \"admin\"\nsecret = {TOKEN:?}\nsites = [\"*\"]\n"
    )
}

/// Starts another instance, with a folder of its own.
fn another(vhost: &Vhost) -> Role {
    let role = Role::start("moderation-rules", &config(vhost), &[]);
    role.is_ready();
    role
}

/// Starts another instance of a role on the same folder, which stands by.
fn beside(drill: &Drill<'_>, vhost: &str, name: &str) -> Role {
    let data = drill.stack.data.join(name);
    let variable = |key: &str| format!("STOA_{}__{key}", name.replace('-', "_").to_uppercase());
    let (folder, standby) = (variable("DATA_DIR"), variable("STANDBY"));
    let role = Role::start(
        name,
        vhost,
        &[(&folder, &data), (&standby, Path::new("true"))],
    );
    role.is_unready(&["another instance has the data folder"]);
    role
}

fn standby(suite: &Suite, found: &mut Found) {
    let vhost = Vhost::new();
    let (stack, config, url) = (stack(&vhost), config(&vhost), vhost.url.clone());
    let rounds = suite.pick(1, 4);
    let load = load(suite.pick(4_000, 20_000));
    let mut drill = Drill::with(stack, &url, load, found, Some(vhost));
    let names = drill.stack.names();
    let n_steps = rounds * u32::try_from(names.len()).unwrap();
    let (mut step, mut slowest) = (0, Duration::ZERO);
    for _ in 0..rounds {
        for name in &names {
            step += 1;
            let second = beside(&drill, &config, name);
            drill.reaches(step * 85 / n_steps);
            drill.stack.process(name).kill();
            let started = Instant::now();
            second.is_ready();
            slowest = slowest.max(started.elapsed());
            // And back, since the checker knows the first one's address.
            let again = [(
                format!("STOA_{}__STANDBY", name.replace('-', "_").to_uppercase()),
                "true",
            )];
            let again = again
                .each_ref()
                .map(|(name, value)| (name.as_str(), *value));
            drill.stack.launch_as(&binary(), name, &again);
            drill.reaches(step * 85 / n_steps + 2);
            drop(second);
            drill.stack.ready();
            drill.found.kills += 2;
        }
    }
    drill
        .found
        .note(format!("taken over within {} ms", slowest.as_millis()));
    drill.ends();
}

/// Counts what an instance decided.
fn decided(role: &Role) -> f64 {
    role.metric("stoa_decisions_total", "rules")
}

fn zombie(suite: &Suite, found: &mut Found) {
    let vhost = Vhost::new();
    let stack = stack(&vhost);
    let (second, url) = (another(&vhost), vhost.url.clone());
    let rounds = suite.pick(1, 5);
    // It lasts longer than all rounds: in each there must be something to decide.
    let load = Load {
        rate: suite.pick(500, 150),
        ..load(suite.pick(5_000, 36_000))
    };
    let mut drill = Drill::with(stack, &url, load, found, Some(vhost));
    for round in 1..=rounds {
        drill.reaches(round * 60 / rounds);
        let before = decided(&second);
        drill.stack.process("moderation-rules").signal("STOP");
        drill.found.kills += 1;
        eventually("the other instance decides", || decided(&second) > before);
        lasts(Duration::from_secs(suite.pick(1, 20)));
        drill.stack.process("moderation-rules").signal("CONT");
    }
    drill.found.note(format!(
        "{} decided by the second instance",
        decided(&second)
    ));
    drill.ends();
    drop(second);
}

fn scale(_: &Suite, found: &mut Found) {
    let vhost = Vhost::new();
    let stack = stack(&vhost);
    let url = vhost.url.clone();
    let mut drill = Drill::with(stack, &url, load(20_000), found, None);
    for round in 1..=4 {
        let second = another(&vhost);
        drill.reaches(round * 20);
        // The first hands its shards over, and gets them back when the second is gone.
        drill.kill(&["moderation-rules"]);
        drill.reaches(round * 20 + 5);
        drop(second);
    }
    drill.ends();
}
