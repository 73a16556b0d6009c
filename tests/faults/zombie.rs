//! Two instances of a role: one stands still, another takes over, and the first goes on.

use std::time::Duration;

use stoa_tests::role::Role;
use stoa_tests::{Bus, Stack, TOKEN, Vhost, eventually};

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

/// Starts another instance, with a folder of its own.
fn another(vhost: &Vhost) -> Role {
    let url = &vhost.url;
    let config = format!(
        "open = true\n[bus]\nurl = {url:?}\nprovision = true\nheartbeat = {HEARTBEAT}\n\
         [[tokens]]\nname = \"test\"\nrole = \"admin\"\nsecret = {TOKEN:?}\nsites = [\"*\"]\n"
    );
    let role = Role::start("moderation-rules", &config, &[]);
    role.is_ready();
    role
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
    let load = load(suite.pick(5_000, 30_000));
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
