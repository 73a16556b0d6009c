//! A process of the system.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that is killed when it goes out of scope.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// The name of the role, or `up`.
    pub name: String,
    /// Where its log is.
    pub log: PathBuf,
}

impl Process {
    pub(crate) fn start(name: &str, log: &Path, command: &mut Command) -> Self {
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Self {
            child,
            name: name.to_owned(),
            log: log.to_owned(),
        }
    }

    /// Returns whether it runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|end| end.is_none())
    }

    /// Sends it a signal, by its name.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success(), "{name}");
    }

    /// Waits until it ends by itself; returns its exit code.
    pub fn ended(&mut self, within: Duration) -> Option<i32> {
        let start = Instant::now();
        while self.is_alive() {
            assert!(start.elapsed() < within, "{} goes on", self.name);
            std::thread::sleep(Duration::from_millis(5));
        }
        self.child.wait().unwrap().code()
    }

    /// Returns the MiB of memory that it has resident.
    pub fn memory(&self) -> u64 {
        let status = self.of_system("status");
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.unwrap().trim().trim_end_matches(" kB");
        kib.parse::<u64>().unwrap() / 1024
    }

    /// Returns how many files and sockets it has open.
    pub fn open_files(&self) -> u64 {
        let files = std::fs::read_dir(self.of_system("fd")).unwrap();
        files.count() as u64
    }

    /// Returns where the system tells something about it.
    fn of_system(&self, what: &str) -> PathBuf {
        format!("/proc/{}/{what}", self.child.id()).into()
    }

    /// Returns what it has written to its log so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Returns the lines of its log that tell of a panic, as the panic hook and the bus write them.
    ///
    /// The search index says of a writer of its own that it "panicked", when the disk was full to it.
    pub fn panics(&self) -> Vec<String> {
        let is_panic = |line: &&str| {
            line.contains("a handler panicked")
                || line.contains("\"target\":\"stoa_daemon::telemetry\"")
                    && line.contains("\"location\":")
        };
        let said = self.said();
        said.lines().filter(is_panic).map(str::to_owned).collect()
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end; returns its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.child.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.is_alive() {
            self.kill();
        }
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("--- {}\n{}\n", self.name, tail.join("\n")).as_bytes(),
            )
            .unwrap();
        }
    }
}
