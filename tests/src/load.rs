//! Load with a ledger: `stoa stress` as a process beside the test.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::{Stack, TOKEN, binary, eventually};

/// What is sent, and how fast.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Comments to send.
    pub events: u32,
    /// Comments a second, which leaves time for what is done meanwhile.
    pub rate: u32,
    /// Threads that the comments are in.
    pub threads: u32,
    /// Decides what is written, and begins every id.
    pub seed: u32,
}

/// A run of `stoa stress`, killed when it goes out of scope.
#[derive(Debug)]
pub struct Stress {
    /// Taken by whoever waits for its end.
    child: Option<Child>,
    ledger: PathBuf,
    events: u32,
}

impl Stress {
    /// Sends comments to a target.
    pub fn start(stack: &Stack, to: &str, load: Load) -> Self {
        let Load {
            events,
            rate,
            threads,
            seed,
        } = load;
        let ledger = stack.folder.path().join(format!("ledger-{seed}"));
        let mut command = Command::new(binary());
        command
            .args(["stress", "--to", to, "--token", TOKEN, "--json"])
            .args(["--archive", &stack.archive()])
            .args(["--moderation", &stack.moderation()])
            .args(["--events", &events.to_string()])
            .args(["--rate", &rate.to_string()])
            .args(["--threads", &threads.to_string()])
            .args(["--seed", &seed.to_string()])
            .args(["--batch", "8", "--concurrency", "4", "--duplicates", "10"])
            .args(["--patience", "120", "--ledger"])
            .arg(&ledger)
            .stdout(Stdio::piped());
        Self {
            child: Some(command.spawn().unwrap()),
            ledger,
            events,
        }
    }

    /// Waits until so many comments were acknowledged.
    pub fn reaches(&self, n_acknowledged: usize) {
        eventually(&format!("{n_acknowledged} acknowledgements"), || {
            let ledger = std::fs::read_to_string(&self.ledger).unwrap_or_default();
            ledger.lines().filter(|line| line.starts_with("k ")).count() >= n_acknowledged
        });
    }

    /// Waits until every comment was acknowledged.
    pub fn is_sent(&self) {
        self.reaches(self.events as usize);
    }

    /// Waits for its end; nothing may be lost or be there twice.
    pub fn ends_sound(mut self) {
        let output = self.child.take().unwrap().wait_with_output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(output.status.success(), "{report:#}");
        let counters = ["attempted", "ok", "lost", "duplicated", "unexpected"];
        let found = counters.map(|name| report["checked"][name].clone());
        let expected = json!([self.events, self.events, 0, 0, 0]);
        assert_eq!(json!(found), expected, "{report:#}");
    }
}

impl Drop for Stress {
    fn drop(&mut self) {
        // A test that failed leaves no load behind.
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}
