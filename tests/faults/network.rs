//! The network between the roles and the broker: it is cut, loses what goes one way, is slow.

use std::time::{Duration, Instant};

use stoa_tests::{Bus, Load, Node, ROLES, Stack, eventually};

use crate::drill::{Drill, lasts, load, program, stack_with};
use crate::link::{CUT, Link, Namespace, Weather};
use crate::report::Found;
use crate::{Case, Suite};

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "N01",
        title: "a role and the broker are cut off from each other; the role notices in time",
        small: true,
        run: cut_off,
    },
    Case {
        id: "N02",
        title: "what the broker sends a role is lost, confirms among it",
        small: true,
        run: one_way,
    },
    Case {
        id: "N03",
        title: "packets are slow, lost and overtaken by others",
        small: true,
        run: slow,
    },
    Case {
        id: "N06",
        title: "the broker moves, and its name has another address",
        small: false,
        run: moved,
    },
];

/// A peer that is silent for twice this is gone, in seconds.
const HEARTBEAT: u64 = 4;
/// The longest that a role may take to notice: the client looks twice in a heartbeat.
const NOTICED: Duration = Duration::from_millis(2_500 * HEARTBEAT + 2_000);
/// The longest from a network that works to connections that do.
const BACK: Duration = Duration::from_secs(20);

/// A broker in a namespace of its own, with a link for each role.
struct Network {
    /// First, since it is to be stopped while its namespace is there.
    _node: Node,
    /// In the order of the roles.
    links: [Link; 3],
    _namespace: Namespace,
}

impl Network {
    fn new() -> Self {
        let namespace = Namespace::new(0);
        let links = [0, 1, 2].map(|number| Link::new(&namespace, number));
        let node = Node::within(&namespace.name, |folder| {
            let conf = "listeners.tcp.2 = 0.0.0.0:5672\nloopback_users = none\n";
            std::fs::write(folder.join("extra.conf"), conf).unwrap();
        });
        Self {
            _node: node,
            links,
            _namespace: namespace,
        }
    }

    /// Starts the roles, each over its link.
    fn stack(&self) -> Stack {
        let urls = self.links.each_ref().map(|link| {
            let broker = &link.far;
            format!("amqp://guest:guest@{broker}:5672/%2f")
        });
        let heartbeat = HEARTBEAT.to_string();
        stack_with(Bus::Links(urls), &[("BUS__HEARTBEAT", &heartbeat)])
    }
}

/// A time without packets: of which role, which way, and how long.
struct Outage {
    role: usize,
    there: Weather,
    seconds: u64,
}

fn cut_off(suite: &Suite, found: &mut Found) {
    let outages = suite.pick(vec![(0, 15)], {
        let roles = 0..ROLES.len();
        roles
            .flat_map(|role| [10, 30, 120].map(|seconds| (role, seconds)))
            .collect()
    });
    let outages = outages.into_iter().map(|(role, seconds)| Outage {
        role,
        there: CUT,
        seconds,
    });
    outages_under_load(outages.collect(), found);
}

fn one_way(suite: &Suite, found: &mut Found) {
    let outages = suite.pick(vec![(1, 15)], vec![(0, 15), (1, 15), (2, 15), (0, 40)]);
    let outages = outages.into_iter().map(|(role, seconds)| Outage {
        role,
        there: Weather::default(),
        seconds,
    });
    outages_under_load(outages.collect(), found);
}

/// Loses for a while what the broker sends, and what goes there as the outage says.
fn outages_under_load(outages: Vec<Outage>, found: &mut Found) {
    let network = Network::new();
    let stack = network.stack();
    let to = stack.ingest();
    // Enough for all outages, and for the time between them.
    let seconds: u64 = outages.iter().map(|outage| outage.seconds + 10).sum();
    let load = Load {
        rate: 150,
        ..load(150 * u32::try_from(seconds).unwrap())
    };
    let drill = Drill::with(stack, &to, load, found, None);
    drill.reaches(1);
    for outage in outages {
        let link = &network.links[outage.role];
        let admin = admin(&drill.stack, outage.role);
        link.set(outage.there, CUT);
        let began = Instant::now();
        if Duration::from_secs(outage.seconds) > NOTICED {
            eventually("the role notices", || up(&drill, &admin) < 1.0);
            let took = began.elapsed();
            let name = ROLES[outage.role];
            assert!(took < NOTICED, "{name} noticed only after {took:?}");
            let took = took.as_secs_f64();
            drill
                .found
                .note(format!("{name} noticed after {took:.1} s"));
        }
        lasts(Duration::from_secs(outage.seconds).saturating_sub(began.elapsed()));
        link.set(Weather::default(), Weather::default());
        let healed = Instant::now();
        eventually("both connections", || up(&drill, &admin) > 1.0);
        let took = healed.elapsed();
        assert!(took < BACK, "connected again only after {took:?}");
        let took = took.as_secs_f64();
        drill
            .found
            .note(format!("connected again after {took:.1} s"));
    }
    drill.ends();
}

/// The admin address of a role, by its place among the roles.
fn admin(stack: &Stack, role: usize) -> String {
    match role {
        0 => stack.ingest_admin(),
        1 => stack.moderation(),
        _ => stack.archive_admin(),
    }
}

/// How many connections to the broker a role has: one to publish and one to consume.
fn up(drill: &Drill<'_>, admin: &str) -> f64 {
    drill.stack.metric_of(admin, "stoa_amqp_connection_up", "")
}

fn slow(suite: &Suite, found: &mut Found) {
    let network = Network::new();
    let stack = network.stack();
    let to = stack.ingest();
    let weather = Weather {
        lost: 5,
        delay: Duration::from_millis(100),
        overtaken: 10,
    };
    let load = Load {
        rate: 40,
        ..load(suite.pick(600, 6_000))
    };
    let drill = Drill::with(stack, &to, load, found, None);
    for link in &network.links {
        link.set(weather, weather);
    }
    drill.reaches(100);
    drill.ends();
}

fn moved(_: &Suite, found: &mut Found) {
    let node = Node::start();
    let (old, new) = ("127.0.0.1", "127.0.0.2");
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts");
    let name = "broker.stoa.test";
    std::fs::write(&hosts, format!("{old} {name}\n")).unwrap();
    // Each role sees this file of hosts in place of the machine's.
    let (real, own) = (stoa_tests::binary(), hosts.display());
    let script = format!(
        "exec unshare --mount sh -ec 'mount --bind \"$0\" /etc/hosts; exec \"$@\"' {own} {} \"$@\"",
        real.display()
    );
    let binary = program(folder.path(), &script);
    let url = node.url().replace(old, name);
    let mut stack = Stack::prepare(Bus::Amqp(url), tempfile::tempdir().unwrap());
    for role in ROLES {
        stack.launch_as(&binary, role, &[]);
    }
    stack.ready();
    let to = stack.ingest();
    let mut drill = Drill::with(stack, &to, load(10_000), found, None);
    drill.reaches(30);
    node.run("crash");
    drill.found.kills += 1;
    let config = node.folder().join("rabbitmq.conf");
    let lines = std::fs::read_to_string(&config).unwrap();
    let lines = lines.replace(&format!("= {old}:"), &format!("= {new}:"));
    std::fs::write(&config, lines).unwrap();
    node.run("start");
    // In place: the roles look at this very file.
    std::fs::write(&hosts, format!("{new} {name}\n")).unwrap();
    drill.is_ready_within(BACK);
    drill.ends();
}
