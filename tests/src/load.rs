//! Load with a ledger: `stoa stress` as a process beside the test.

use std::cell::Cell;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::{Stack, TOKEN, binary, eventually};

/// What is sent, and how fast.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Events to send: an article for each thread, and what is in the threads.
    pub events: u32,
    /// Events a second, which leaves time for what is done meanwhile.
    pub rate: u32,
    /// Threads that the events are in.
    pub threads: u32,
    /// What the events are beside new comments, in percent.
    pub mix: &'static str,
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
    /// Bytes of the ledger that were read, and the answers in them.
    counted: Cell<(u64, usize)>,
}

impl Stress {
    /// Sends events to a target.
    pub fn start(stack: &Stack, to: &str, load: Load) -> Self {
        let Load {
            events,
            rate,
            threads,
            mix,
            seed,
        } = load;
        // A load that is sent again is in another ledger.
        let folder = stack.folder.path();
        let ledger = (0..100)
            .map(|run| folder.join(format!("ledger-{seed}-{run}")))
            .find(|path| !path.exists())
            .unwrap();
        // How long nothing may move before it is judged; shorter where something must be missing.
        let settle = std::env::var_os("STOA_TEST_SETTLE").unwrap_or_else(|| "30".into());
        let mut command = Command::new(binary());
        command
            .args(["stress", "--to", to, "--token", TOKEN, "--json"])
            .args(["--archive", &stack.archive()])
            .args(["--moderation", &stack.moderation()])
            .args(["--mix", mix])
            .args(["--events", &events.to_string()])
            .args(["--rate", &rate.to_string()])
            .args(["--threads", &threads.to_string()])
            .args(["--seed", &seed.to_string()])
            .args(["--batch", "8", "--concurrency", "4"])
            .args(["--patience", "120"])
            .arg("--settle")
            .arg(settle)
            .arg("--ledger")
            .arg(&ledger)
            .stdout(Stdio::piped());
        // Then its outbox must come to rest, which it does not beside another load.
        if mix.contains("poison") {
            command.args(["--ingest", &stack.ingest_admin()]);
        }
        Self {
            child: Some(command.spawn().unwrap()),
            ledger,
            events,
            counted: Cell::default(),
        }
    }

    /// Waits until so many events were answered, however long that takes while it goes on.
    pub fn reaches(&self, n_answered: usize) {
        let mut before = 0;
        while before < n_answered {
            let mut now = before;
            eventually(&format!("more than {before} answers"), || {
                now = self.answered();
                now > before
            });
            before = now;
        }
    }

    /// Counts the events that were answered; what was counted before is not read again.
    fn answered(&self) -> usize {
        let (mut read, mut count) = self.counted.get();
        let Ok(mut ledger) = File::open(&self.ledger) else {
            return count;
        };
        let mut new = Vec::new();
        ledger.seek(SeekFrom::Start(read)).unwrap();
        ledger.read_to_end(&mut new).unwrap();
        for line in new.split_inclusive(|byte| *byte == b'\n') {
            if line.ends_with(b"\n") {
                read += line.len() as u64;
                count += usize::from(line.starts_with(br#"{"answered""#));
            }
        }
        self.counted.set((read, count));
        count
    }

    /// Waits until every event was answered.
    pub fn is_sent(&self) {
        self.reaches(self.events as usize);
    }

    /// Waits for its end, and returns its report.
    pub fn ends(&mut self) -> Value {
        let output = self.child.take().unwrap().wait_with_output().unwrap();
        let report = serde_json::from_slice(&output.stdout);
        report.unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    /// Waits for its end; nothing may be lost or be there twice.
    pub fn ends_sound(mut self) {
        let events = self.events;
        let report = self.ends();
        assert_eq!(report["pass"], true, "{report:#}");
        // All was taken in the end, and all poison refused.
        let checked = &report["checked"];
        let n_poison = report["poison"].as_u64().unwrap();
        let n_sound = u64::from(events) - n_poison;
        let counters = [
            "attempted",
            "ok",
            "acknowledged",
            "archived",
            "refused",
            "reordered",
        ];
        let found = counters.map(|name| checked[name].clone());
        let expected = json!([events, n_sound, n_sound, n_sound, n_poison, 0]);
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
