//! A broker of three nodes: some end, or lose sight of each other.

use std::process::Command;
use std::time::{Duration, Instant};

use stoa_tests::{Bus, Load, Node, Stack, eventually};

use crate::drill::{Drill, lasts, load, stack_with};
use crate::link::{Namespace, address, ip};
use crate::report::Found;
use crate::{Case, Suite};

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "F11",
        title: "of three nodes of the broker one ends, then another",
        small: false,
        run: ends,
    },
    Case {
        id: "N05",
        title: "nodes of the broker lose sight of each other",
        small: false,
        run: partitions,
    },
];

const NODES: u8 = 3;
/// The longest that decisions may wait while one node is gone.
const STALL: Duration = Duration::from_secs(10);

/// Three nodes, each in a namespace of its own, joined by a bridge in another one.
///
/// The bridge is not among the machine's own devices, whose firewall may look at what it passes.
struct Cluster {
    /// First, since they are to be stopped while their namespaces are there.
    nodes: Vec<Node>,
    spaces: Vec<Namespace>,
    /// The device by which the roles reach them.
    own: String,
    _switch: Namespace,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // By itself it would go some time after the bridge, and be in the way of the next one.
        ip(&format!("link del {}", self.own));
    }
}

/// The address of a node.
fn host(node: u8) -> String {
    address(10 + node)
}

impl Cluster {
    fn new() -> Self {
        let switch = Namespace::new(0);
        let bridge = switch.name.clone();
        ip(&format!("-n {bridge} link add switch type bridge"));
        ip(&format!("-n {bridge} link set switch up"));
        let plug = |device: &str, port: &str| {
            ip(&format!(
                "link add {device} type veth peer name {port} netns {bridge}"
            ));
            ip(&format!("-n {bridge} link set {port} master switch up"));
        };
        let device = |n: u8| format!("stoa{}v{n}", std::process::id());
        let own = device(NODES);
        plug(&own, "own");
        ip(&format!("addr add {}/24 dev {own}", address(1)));
        ip(&format!("link set {own} up"));
        let mut cluster = Self {
            nodes: Vec::new(),
            spaces: Vec::new(),
            own,
            _switch: switch,
        };
        for n in 0..NODES {
            let space = Namespace::new(n + 1);
            let (device, name) = (device(n), &space.name);
            plug(&device, &format!("node{n}"));
            ip(&format!("link set {device} netns {name}"));
            ip(&format!("-n {name} link set {device} name eth0"));
            ip(&format!("-n {name} addr add {}/24 dev eth0", host(n)));
            ip(&format!("-n {name} link set eth0 up"));
            cluster.spaces.push(space);
        }
        // They start at the same time, and then join the first.
        cluster.nodes = std::thread::scope(|scope| {
            let start = |n: usize| Node::within(&cluster.spaces[n].name, prepare(n));
            let starting: Vec<_> = (0..NODES.into())
                .map(|n| scope.spawn(move || start(n)))
                .collect();
            let nodes = starting.into_iter().map(|node| node.join().unwrap());
            nodes.collect()
        });
        for node in &cluster.nodes[1..] {
            node.control(&["stop_app"]);
            node.control(&["join_cluster", &format!("stoa-5672@{}", host(0))]);
            node.control(&["start_app"]);
        }
        cluster
    }

    /// Starts the roles, which know all nodes.
    fn stack(&self) -> Stack {
        let nodes = [1, 2].map(|n| format!("\"{}:5672\"", host(n))).join(",");
        let nodes = format!("[{nodes}]");
        let settings = [("BUS__NODES", nodes.as_str()), ("BUS__HEARTBEAT", "5")];
        let stack = stack_with(Bus::Amqp(self.nodes[0].url()), &settings);
        let queues = self.nodes[0].control(&["-q", "list_queues", "members"]);
        let all = |line: &&str| (0..NODES).all(|n| line.contains(&host(n)));
        // Those of the roles: a shard's queue has a member on each node.
        let n_whole = queues.lines().filter(all).count();
        assert!(n_whole >= 16, "{queues}");
        stack
    }

    /// Whether two nodes see each other.
    fn sight(&self, one: u8, other: u8, there: bool) {
        for (from, to) in [(one, other), (other, one)] {
            let space = &self.spaces[usize::from(from)].name;
            let to = host(to);
            if there {
                ip(&format!("-n {space} neigh del {to} dev eth0"));
            } else {
                // Packets go to a device that nobody has.
                ip(&format!(
                    "-n {space} neigh replace {to} lladdr 02:00:00:00:00:ff nud permanent dev eth0"
                ));
            }
        }
        assert_eq!(self.reaches(one, other), there, "from {one} to {other}");
    }

    /// Whether a node's network reaches another node.
    fn reaches(&self, from: u8, to: u8) -> bool {
        let space = &self.spaces[usize::from(from)].name;
        // The mapper of node names listens whatever the node does.
        let dial = format!("exec 3<>/dev/tcp/{}/4369", host(to));
        let mut command = Command::new("ip");
        command.args(["netns", "exec", space, "timeout", "3", "bash", "-c", &dial]);
        command.output().unwrap().status.success()
    }
}

/// Makes the files of a node of the cluster.
fn prepare(n: usize) -> impl FnOnce(&std::path::Path) {
    move |folder| {
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        write("host", &host(u8::try_from(n).unwrap()));
        // A node that is silent for ten seconds is gone, and one that sees no majority stops.
        let conf = "loopback_users = none\nnet_ticktime = 10\n\
                    cluster_partition_handling = pause_minority\n";
        write("extra.conf", conf);
        // What lets the nodes speak to each other; it must be nobody else's to read.
        write(".erlang.cookie", "stoa-faults");
        let cookie = folder.join(".erlang.cookie");
        let only_mine = std::os::unix::fs::PermissionsExt::from_mode(0o400);
        std::fs::set_permissions(cookie, only_mine).unwrap();
    }
}

/// Decisions so far.
fn decisions(drill: &Drill<'_>) -> f64 {
    let moderation = drill.stack.moderation();
    drill
        .stack
        .metric_of(&moderation, "stoa_decisions_total", "rules")
}

/// Watches decisions for a while; returns the longest time without one.
fn stall(drill: &Drill<'_>, time: Duration) -> Duration {
    let began = Instant::now();
    let (mut last, mut longest) = (began, Duration::ZERO);
    let mut before = decisions(drill);
    while began.elapsed() < time {
        lasts(Duration::from_millis(100));
        let now = decisions(drill);
        longest = longest.max(last.elapsed());
        if now > before {
            (before, last) = (now, Instant::now());
        }
    }
    longest
}

fn ends(_: &Suite, found: &mut Found) {
    let cluster = Cluster::new();
    let stack = cluster.stack();
    let to = stack.ingest();
    let load = Load {
        rate: 150,
        // Enough for all rounds.
        ..load(27_000)
    };
    let mut drill = Drill::with(stack, &to, load, found, None);
    drill.reaches(5);
    for round in 0..3 {
        let order = [0, 1, 2].map(|n| &cluster.nodes[(n + round) % 3]);
        order[0].run("crash");
        let longest = stall(&drill, Duration::from_secs(15));
        assert!(longest < STALL, "no decision for {longest:?}");
        let text = format!("with two nodes of three no decision for {longest:.1?} at most");
        drill.found.note(text);
        order[1].run("crash");
        drill.found.kills += 2;
        // One node alone confirms nothing and hands nothing out.
        lasts(Duration::from_secs(7));
        let before = decisions(&drill);
        lasts(Duration::from_secs(3));
        let since = decisions(&drill) - before;
        assert!(since < 1.0, "{since} decisions with one node of three");
        order[1].run("start");
        order[0].run("start");
        drill.is_ready_within(Duration::from_mins(1));
        // What came meanwhile waits in ingest.
        eventually("decisions go on", || decisions(&drill) > before);
    }
    drill.ends();
}

fn partitions(_: &Suite, found: &mut Found) {
    let cluster = Cluster::new();
    let stack = cluster.stack();
    let to = stack.ingest();
    let load = Load {
        rate: 100,
        ..load(36_000)
    };
    let mut drill = Drill::with(stack, &to, load, found, None);
    drill.reaches(2);
    // Each is alone once, and then one cannot see another, and both see the third.
    let shapes: [&[(u8, u8)]; 4] = [
        &[(0, 1), (0, 2)],
        &[(1, 0), (1, 2)],
        &[(2, 0), (2, 1)],
        &[(0, 1)],
    ];
    for (cut, seconds) in shapes.iter().flat_map(|cut| [(cut, 10), (cut, 30)]) {
        for (one, other) in *cut {
            cluster.sight(*one, *other, false);
        }
        lasts(Duration::from_secs(seconds));
        for (one, other) in *cut {
            cluster.sight(*one, *other, true);
        }
        drill.is_ready_within(Duration::from_mins(1));
        let before = decisions(&drill);
        eventually("decisions go on", || decisions(&drill) > before);
    }
    drill.ends();
}
