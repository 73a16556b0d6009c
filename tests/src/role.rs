//! One role with a configuration of its own.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{PATIENCE, Process, binary, eventually, ports, sum};

/// A role that runs.
#[derive(Debug)]
pub struct Role {
    /// First, since what goes first ends first: its log is in the folder.
    process: Process,
    /// Its public port; that of the admin listener is 1 000 above.
    pub port: u16,
    _folder: tempfile::TempDir,
    client: reqwest::blocking::Client,
}

impl Role {
    /// Starts a role with a configuration; its data and its listeners are where the test wants
    /// them.
    pub fn start(name: &str, config: &str, environment: &[(&str, &Path)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = ports();
        let mut command = command(name, config, folder.path(), port);
        command.envs(environment.iter().copied());
        let role = Self {
            process: Process::start(name, &folder.path().join("log"), &mut command),
            port,
            _folder: folder,
            client: reqwest::blocking::Client::new(),
        };
        // Whoever looks for ports next must find these taken.
        role.until("an answer", |readiness| !readiness.is_null());
        role
    }

    /// Waits until it is ready.
    #[track_caller]
    pub fn is_ready(&self) {
        let ready = json!({"ready": true, "reasons": []});
        self.until("ready", |readiness| *readiness == ready);
    }

    /// Waits until it is not ready and says why, in these words among others.
    #[track_caller]
    pub fn is_unready(&self, words: &[&str]) {
        self.until(&format!("{words:?}"), |readiness| {
            let reasons = readiness["reasons"].to_string();
            readiness["ready"] == false && words.iter().all(|word| reasons.contains(word))
        });
    }

    #[track_caller]
    fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) {
        let start = Instant::now();
        loop {
            let url = format!("http://127.0.0.1:{}/readyz", self.port + 1_000);
            let answer = self.client.get(url).send();
            let readiness = answer.and_then(reqwest::blocking::Response::json);
            let readiness = readiness.unwrap_or(Value::Null);
            if holds(&readiness) {
                return;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "never {what}, but {readiness:#}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Sums a metric over its lines with a label.
    pub fn metric(&self, name: &str, label: &str) -> f64 {
        let url = format!("http://127.0.0.1:{}/metrics", self.port + 1_000);
        let text = self.client.get(url).send().unwrap().text().unwrap();
        sum(&text, name, label)
    }

    /// Waits until it has logged these words.
    #[track_caller]
    pub fn logs(&self, words: &str) {
        eventually(words, || self.n_logged(&[words]) > 0);
    }

    /// Counts the lines of its log with these words.
    pub fn n_logged(&self, words: &[&str]) -> usize {
        let log = std::fs::read_to_string(&self.process.log).unwrap();
        let has_all = |line: &&str| words.iter().all(|word| line.contains(word));
        log.lines().filter(has_all).count()
    }

    /// Asks it to end; returns its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        self.process.stop()
    }
}

/// Runs a role whose configuration is wrong to its end.
pub fn refused(name: &str, config: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    command(name, config, folder.path(), ports())
        .output()
        .unwrap()
}

fn command(name: &str, config: &str, folder: &Path, port: u16) -> Command {
    let file = folder.join("config.toml");
    std::fs::write(&file, config).unwrap();
    let prefix = format!("STOA_{}", name.replace('-', "_").to_uppercase());
    let mut command = Command::new(binary());
    command
        .args(["serve", name, "--config"])
        .arg(file)
        .env(format!("{prefix}__DATA_DIR"), folder.join("data"))
        .env(
            format!("{prefix}__HTTP__LISTEN"),
            format!("127.0.0.1:{port}"),
        )
        .env(
            format!("{prefix}__ADMIN__LISTEN"),
            format!("127.0.0.1:{}", port + 1_000),
        );
    command
}
