//! A system under load, to which something is done.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stoa_tests::{Bus, Load, ROLES, Stack, Stress, Vhost, stoa};

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
    /// Where the load is sent.
    to: String,
    /// What came of it, once it has ended.
    report: Option<Value>,
    pub(crate) found: &'f mut Found,
    /// Last, since the roles are to be gone before it.
    vhost: Option<Vhost>,
}

impl<'f> Drill<'f> {
    /// Loads `stoa up` over HTTP.
    pub(crate) fn embedded(load: Load, found: &'f mut Found) -> Self {
        let stack = Stack::start_with(Bus::Embedded, at_once());
        let to = stack.ingest();
        Self::with(stack, &to, load, found, None)
    }

    /// Loads three roles over the broker.
    pub(crate) fn amqp(load: Load, found: &'f mut Found) -> Self {
        let vhost = Vhost::new();
        let stack = Stack::start_with(Bus::Amqp(vhost.url.clone()), at_once());
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
            to: to.to_owned(),
            report: None,
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

    /// Waits until all is ready again, which may take so long at most, and notes how long it took.
    pub(crate) fn is_ready_within(&mut self, limit: Duration) {
        let started = Instant::now();
        self.stack.ready();
        let took = started.elapsed();
        assert!(took < limit, "ready again only after {took:?}");
        let took = took.as_secs_f64();
        self.found.note(format!("ready again after {took:.1} s"));
    }

    /// Waits for the end of the load, and checks what came of it.
    pub(crate) fn is_sound(&mut self) -> Value {
        if let Some(report) = &self.report {
            return report.clone();
        }
        let report = self.stress.ends();
        self.found.count(&report);
        assert_eq!(report["pass"], true, "{report:#}");
        assert_eq!(report["attempted"], json!(self.load.events), "{report:#}");
        self.report = Some(report.clone());
        report
    }

    /// The same, and sends the load once more: all of it is repeats.
    pub(crate) fn again(&mut self) {
        self.is_sound();
        self.stress = Stress::start(&self.stack, &self.to, self.load);
        self.report = None;
    }

    /// Waits for the end of the load, checks everything, and returns the report of the load.
    pub(crate) fn ends(mut self) -> Value {
        let report = self.is_sound();
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
        report
    }
}

/// Has redactions wait for nothing.
fn at_once() -> Vec<(&'static str, String)> {
    vec![("STOA_ARCHIVE__REDACTION__GRACE", "0s".to_owned())]
}

/// Names the variable of a role's setting.
pub(crate) fn variable(role: &str, setting: &str) -> String {
    let role = role.replace('-', "_").to_uppercase();
    format!("STOA_{role}__{setting}")
}

/// Starts a system whose roles all have these settings.
pub(crate) fn stack_with(bus: Bus, settings: &[(&str, &str)]) -> Stack {
    let mut stack = Stack::prepare(bus, tempfile::tempdir().unwrap());
    for role in ROLES {
        for (setting, value) in settings {
            stack.set(&variable(role, setting), value);
        }
    }
    stack.launch_all();
    stack
}

/// Makes a program of a shell script, which is to put itself in the place of the real one.
pub(crate) fn program(folder: &Path, script: &str) -> PathBuf {
    let path = folder.join("stoa");
    std::fs::write(&path, format!("#!/bin/sh\nset -e\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

/// Waits, as the fault must last.
pub(crate) fn lasts(time: Duration) {
    std::thread::sleep(time);
}
