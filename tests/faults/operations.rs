//! What operators do: accounts, rebuilt views, starts in any order, and weeks of running.

use std::time::Duration;

use stoa_tests::{Bus, Node, ROLES, Stack, Vhost, rabbitmqctl, stoa};

use crate::drill::{Drill, lasts, load, variable};
use crate::report::Found;
use crate::{Case, Suite};

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "O01",
        title: "the roles get another account at the broker one by one, and the old one is deleted",
        small: false,
        run: accounts,
    },
    Case {
        id: "O05",
        title: "the archive's view is built anew and shows the same, byte for byte",
        small: true,
        run: rebuilt,
    },
    Case {
        id: "O06",
        title: "everything starts again and again, in every order, and the broker comes late",
        small: false,
        run: cold,
    },
    Case {
        id: "O08",
        title: "memory, open files and disk stay within bounds under a load that goes on",
        small: false,
        run: soak,
    },
];

/// An account at the suite's broker, deleted when it goes out of scope.
struct Account {
    name: String,
    vhost: String,
    url: String,
}

impl Account {
    /// Makes one that may do everything in a virtual host.
    fn new(number: u32, vhost: &Vhost) -> Self {
        let name = format!("stoa-{}-{number}", std::process::id());
        let (front, vhost) = vhost.url.rsplit_once('/').unwrap();
        let (_, broker) = front.split_once('@').unwrap();
        let account = Self {
            url: format!("amqp://{name}:secret-{number}@{broker}/{vhost}"),
            name,
            vhost: vhost.to_owned(),
        };
        rabbitmqctl(&["add_user", &account.name, &format!("secret-{number}")]);
        let all = ["set_permissions", "-p", &account.vhost, &account.name];
        rabbitmqctl(&[&all[..], &[".*", ".*", ".*"]].concat());
        account
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        rabbitmqctl(&["delete_user", &self.name]);
    }
}

fn accounts(_: &Suite, found: &mut Found) {
    let vhost = Vhost::new();
    let mut account = Account::new(0, &vhost);
    let stack = Stack::start(Bus::Amqp(account.url.clone()));
    let to = stack.ingest();
    let mut drill = Drill::with(stack, &to, load(15_000), found, None);
    for number in 1..=3 {
        let next = Account::new(number, &vhost);
        drill.reaches(number * 25);
        for role in ROLES {
            assert_eq!(drill.stack.process(role).stop(), Some(0), "{role}");
            drill.stack.set(&variable(role, "BUS__URL"), &next.url);
            drill.revive(&[role]);
        }
        // The broker ends what connections it still has.
        drop(std::mem::replace(&mut account, next));
        lasts(Duration::from_secs(2));
        assert!(drill.stack.is_well(), "a role still had the old account");
    }
    drill.found.note("3 accounts in turn");
    drill.ends();
    drop(account);
}

/// Reads what the archive shows of all threads, as it is sent.
fn shown(stack: &Stack, n_threads: u32) -> Vec<Vec<u8>> {
    let site = format!("{}/v1/sites/stress/threads", stack.archive());
    let threads = (0..n_threads).map(|n| format!("{site}/s1-t{n}?limit=500"));
    let all = threads.chain([site.clone()]);
    all.map(|url| {
        let (status, bytes) = stack.get_bytes(&url);
        assert_eq!(status, 200, "{url}");
        bytes
    })
    .collect()
}

fn rebuilt(suite: &Suite, found: &mut Found) {
    let load = load(suite.pick(3_000, 15_000));
    let mut drill = Drill::amqp(load, found);
    drill.is_sound();
    let before = shown(&drill.stack, load.threads);
    drill.stack.process("archive").stop();
    let folder = drill.stack.folder.path().join("archive");
    let rebuilding = ["archive", "rebuild", "--data", folder.to_str().unwrap()];
    let rebuilt = stoa(&rebuilding);
    assert!(rebuilt.status.success(), "{rebuilt:?}");
    drill.revive(&["archive"]);
    let after = shown(&drill.stack, load.threads);
    let same = before
        .iter()
        .zip(&after)
        .filter(|(one, other)| one == other);
    assert_eq!(
        same.count(),
        before.len(),
        "of all answers, so many are the same"
    );
    let bytes: usize = before.iter().map(Vec::len).sum();
    drill
        .found
        .note(format!("{bytes} bytes of JSON are the same"));
    drill.ends();
}

/// Every order of the roles.
const ORDERS: [[usize; 3]; 6] = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
];

fn cold(_: &Suite, found: &mut Found) {
    let node = Node::start();
    let stack = Stack::start(Bus::Amqp(node.url()));
    let to = stack.ingest();
    let mut drill = Drill::with(stack, &to, load(10_000), found, None);
    let n_starts = 20;
    for (start, order) in (1..=n_starts).zip(ORDERS.iter().cycle()) {
        drill.reaches(start * 90 / n_starts);
        for role in ROLES {
            assert_eq!(drill.stack.process(role).stop(), Some(0), "{role}");
        }
        node.run("stop");
        for role in order {
            drill.stack.launch(ROLES[*role]);
            lasts(Duration::from_millis(500));
        }
        node.run("start");
        drill.found.kills += 4;
        drill.is_ready_within(Duration::from_secs(30));
    }
    drill.ends();
}

/// What a role uses at a time.
#[derive(Clone, Copy)]
struct Use {
    mib: u64,
    files: u64,
}

fn soak(suite: &Suite, found: &mut Found) {
    let seconds = suite.pick(60, 20 * 60);
    let mut drill = Drill::amqp(load(500 * seconds), found);
    let measured = |drill: &mut Drill<'_>| {
        ROLES.map(|role| {
            let process = drill.stack.process(role);
            let (mib, files) = (process.memory(), process.open_files());
            Use { mib, files }
        })
    };
    let (mut early, mut late) = (Vec::new(), Vec::new());
    let mut disk = Vec::new();
    for step in 1..=20 {
        drill.reaches(step * 5);
        disk.push(size(&drill.stack.data));
        let now = measured(&mut drill);
        // The first quarter is for caches to fill.
        match step {
            6..=10 => early.push(now),
            16..=20 => late.push(now),
            _ => {}
        }
    }
    for (place, role) in ROLES.iter().enumerate() {
        let most = |uses: &[[Use; 3]], of: fn(&Use) -> u64| {
            uses.iter().map(|all| of(&all[place])).max().unwrap()
        };
        let mib = [&early, &late].map(|uses| most(uses, |used| used.mib));
        let files = [&early, &late].map(|uses| most(uses, |used| used.files));
        drill.found.note(format!(
            "{role}: from {} to {} MiB, from {} to {} open files",
            mib[0], mib[1], files[0], files[1]
        ));
        assert!(mib[1] <= mib[0] + mib[0] / 4 + 16, "{role}'s memory grows");
        assert!(files[1] <= files[0] + 16, "{role}'s open files grow");
    }
    let per_event = (disk[19] - disk[9]) / u64::from(250 * seconds);
    drill
        .found
        .note(format!("{per_event} bytes of disk an event"));
    assert!(per_event < 16 * 1024, "{per_event} bytes of disk an event");
    drill.ends();
}

/// Sums the sizes of all files in a folder.
fn size(folder: &std::path::Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    // What is gone in the meantime counts nothing.
    let of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(about) if about.is_dir() => size(&entry.path()),
        Ok(about) => about.len(),
        Err(_) => 0,
    };
    entries.filter_map(Result::ok).map(of).sum()
}
