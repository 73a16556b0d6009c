//! Start and stop, with a real process and real signals.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what fails here fails the test"
)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

struct Process {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Process {
    fn start(mode: &str) -> Self {
        // Cargo builds examples beside the folder of the test executables.
        let tests = std::env::current_exe().unwrap();
        let target = tests.parent().and_then(|deps| deps.parent()).unwrap();
        let example: PathBuf = target.join("examples/lifecycle");
        let mut child = Command::new(&example)
            .arg(mode)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", example.display()));
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    /// Waits for a line.
    fn expect(&mut self, word: &str) {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), word);
    }

    fn signal(&self, name: &str) {
        // The shell's own `kill`: not every machine has the program.
        let script = format!("kill -s {name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &script]).status();
        assert!(status.unwrap().success());
    }

    /// Waits for the end: exit code, the rest of the output, and the log.
    fn end(mut self) -> (Option<i32>, String, String) {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if started.elapsed() > Duration::from_secs(30) {
                self.child.kill().unwrap();
                panic!("the process did not end");
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let (mut rest, mut log) = (String::new(), String::new());
        self.out.read_to_string(&mut rest).unwrap();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut log)
            .unwrap();
        (status.code(), rest, log)
    }
}

#[test]
fn the_first_signal_stops_in_good_order() {
    for signal in ["TERM", "INT"] {
        let mut process = Process::start("orderly");
        process.expect("started");
        process.signal(signal);
        let (code, rest, log) = process.end();
        assert_eq!(code, Some(0), "{log}");
        assert_eq!(rest, "stopping\nflushed\n");
        assert!(
            log.contains(&format!("\"signal\":\"SIG{signal}\"")),
            "{log}"
        );
    }
}

#[test]
fn the_second_signal_stops_at_once() {
    let mut process = Process::start("hangs");
    process.expect("started");
    process.signal("TERM");
    process.expect("stopping");
    process.signal("INT");
    let (code, _, log) = process.end();
    assert_eq!(code, Some(1));
    assert!(log.contains("stopping at once"), "{log}");
}

#[test]
fn the_grace_period_ends() {
    let mut process = Process::start("stuck");
    process.expect("started");
    process.signal("TERM");
    let (code, _, log) = process.end();
    assert_eq!(code, Some(1));
    assert!(log.contains("not stopped within the grace period"), "{log}");
}

#[test]
fn a_task_that_ends_early_or_panics_stops_the_process() {
    for (mode, reason) in [
        ("early", "task writer ended early"),
        ("panic", "task writer panicked"),
    ] {
        let (code, rest, log) = Process::start(mode).end();
        assert_eq!(code, Some(1), "{mode}: {log}");
        assert!(rest.ends_with("stopping\n"), "{mode}: {rest}");
        assert!(log.contains(reason), "{mode}: {log}");
        assert!(!log.contains("a comment"), "{mode}: {log}");
    }
}

#[test]
fn the_result_is_the_exit_code() {
    for (mode, expected, said) in [
        ("main-ends", 0, "stopped"),
        ("main-fails", 1, "the disk is full"),
        ("main-panic", 1, "a bug that quotes"),
        ("config", 78, "http.listen: is taken"),
    ] {
        let (code, _, log) = Process::start(mode).end();
        assert_eq!(code, Some(expected), "{mode}: {log}");
        assert!(log.contains(said), "{mode}: {log}");
        for line in log.lines() {
            assert!(
                line.starts_with('{') && line.ends_with('}'),
                "not JSON: {line}"
            );
        }
    }
}
