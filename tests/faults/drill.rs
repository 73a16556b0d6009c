//! A system under load, to which something is done.

use std::time::{Duration, Instant};

use serde_json::json;
use stoa_tests::{Bus, Load, Stack, Stress, Vhost, stoa};

use crate::report::Found;

/// What the events are beside new comments, in percent.
pub(crate) const MIX: &str =
    "edits=8,replies=30,reports=2,withdrawals=2,duplicates=10,disorder=4,poison=2";

/// Makes a load of so many events, some hundred a second.
pub(crate) fn load(events: u32) -> Load {
    Load {
        events,
        rate: 500,
        threads: 48,
        mix: MIX,
        seed: 1,
    }
}

/// A running system, its load, and what is found.
pub(crate) struct Drill<'f> {
    pub(crate) stack: Stack,
    stress: Stress,
    load: Load,
    pub(crate) found: &'f mut Found,
    /// Last, since the roles are to be gone before it.
    vhost: Option<Vhost>,
}

impl<'f> Drill<'f> {
    /// Loads `stoa up` over HTTP.
    pub(crate) fn embedded(load: Load, found: &'f mut Found) -> Self {
        let stack = Stack::start(Bus::Embedded);
        let to = stack.ingest();
        Self::with(stack, &to, load, found, None)
    }

    /// Loads three roles over the broker.
    pub(crate) fn amqp(load: Load, found: &'f mut Found) -> Self {
        let vhost = Vhost::new();
        let stack = Stack::start(Bus::Amqp(vhost.url.clone()));
        let to = vhost.url.clone();
        Self::with(stack, &to, load, found, Some(vhost))
    }

    /// Loads three roles over HTTP, so that the load goes on when the broker does not.
    pub(crate) fn http(load: Load, found: &'f mut Found) -> Self {
        let vhost = Vhost::new();
        let stack = Stack::start(Bus::Amqp(vhost.url.clone()));
        let to = stack.ingest();
        Self::with(stack, &to, load, found, Some(vhost))
    }

    /// Loads a system.
    pub(crate) fn with(
        stack: Stack,
        to: &str,
        load: Load,
        found: &'f mut Found,
        vhost: Option<Vhost>,
    ) -> Self {
        let stress = Stress::start(&stack, to, load);
        Self {
            stack,
            stress,
            load,
            found,
            vhost,
        }
    }

    /// Waits until this share of the events, in percent, was answered.
    pub(crate) fn reaches(&self, percent: u32) {
        self.stress
            .reaches((self.load.events * percent / 100) as usize);
    }

    /// Ends processes as a power cut would, and starts them again.
    pub(crate) fn kill(&mut self, names: &[&str]) {
        for name in names {
            self.stack.process(name).kill();
            self.found.kills += 1;
        }
        self.revive(names);
    }

    /// Starts processes that ended, and notes how long it took until all is ready.
    pub(crate) fn revive(&mut self, names: &[&str]) {
        let started = Instant::now();
        for name in names {
            self.stack.launch(name);
        }
        self.stack.ready();
        let took = u64::try_from(started.elapsed().as_millis()).unwrap();
        self.found.slowest_start_ms = self.found.slowest_start_ms.max(took);
    }

    /// Waits for the end of the load, and checks everything.
    pub(crate) fn ends(mut self) {
        let report = self.stress.ends();
        self.found.count(&report);
        assert_eq!(report["pass"], true, "{report:#}");
        assert_eq!(report["attempted"], json!(self.load.events), "{report:#}");
        assert!(self.stack.is_well(), "a role is not ready");
        let admins = [
            self.stack.ingest_admin(),
            self.stack.moderation(),
            self.stack.archive_admin(),
        ];
        for admin in admins {
            let parked = self.stack.get(&format!("{admin}/admin/parked"));
            assert_eq!(parked["parked"], json!([]), "{admin}: {parked:#}");
        }
        for name in self.stack.names() {
            assert_eq!(self.stack.process(name).stop(), Some(0), "{name}");
        }
        let archive = self.stack.folder.path().join("archive");
        let verified = stoa(&["archive", "verify", "--data", archive.to_str().unwrap()]);
        assert!(verified.status.success(), "{verified:?}");
        drop(self.stack);
        drop(self.vhost);
    }
}

/// Waits, as the fault must last.
pub(crate) fn lasts(time: Duration) {
    std::thread::sleep(time);
}
