//! What the cases found.

use std::fmt;
use std::process::{Command, ExitCode};

use serde_json::{Value, json};

/// The counters of `stoa stress`, in its order.
pub(crate) const COUNTERS: [&str; 7] = [
    "acknowledged",
    "archived",
    "lost",
    "duplicated",
    "reordered",
    "unexpected",
    "undecided",
];

/// What a case did and found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) counters: [u64; 7],
    /// Processes that were ended or stopped from outside.
    pub(crate) kills: u64,
    /// From a start to ready, at most.
    pub(crate) slowest_start_ms: u64,
    /// What else is worth knowing.
    pub(crate) notes: Vec<String>,
}

impl Found {
    /// Adds what a run of the checker counted.
    pub(crate) fn count(&mut self, report: &Value) {
        for (counter, name) in self.counters.iter_mut().zip(COUNTERS) {
            *counter += report["checked"][name].as_u64().unwrap_or_default();
        }
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

/// A case that ran.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) passed: bool,
    pub(crate) seconds: f64,
    pub(crate) found: Found,
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed { "PASS" } else { "FAIL" };
        write!(f, "      {verdict} in {:.0} s: ", self.seconds)?;
        write!(f, "{}", line(&self.found.counters))?;
        if self.found.kills > 0 {
            write!(f, " kills={}", self.found.kills)?;
        }
        for note in &self.found.notes {
            write!(f, "\n      {note}")?;
        }
        Ok(())
    }
}

fn line(counters: &[u64; 7]) -> String {
    let pairs = COUNTERS.iter().zip(counters);
    let words: Vec<String> = pairs
        .map(|(name, count)| format!("{name}={count}"))
        .collect();
    words.join(" ")
}

/// All cases that ran.
#[derive(Debug)]
pub(crate) struct Report {
    full: bool,
    ran: Vec<Ran>,
}

impl Report {
    pub(crate) fn new(full: bool) -> Self {
        Self {
            full,
            ran: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, ran: Ran) {
        self.ran.push(ran);
    }

    /// Writes the report and prints the counters of all cases as the last line.
    pub(crate) fn finish(&self, to: Option<&str>) -> ExitCode {
        let mut counters = [0; 7];
        for ran in &self.ran {
            for (sum, count) in counters.iter_mut().zip(ran.found.counters) {
                *sum += count;
            }
        }
        if let Some(path) = to {
            let mut text = format!("{:#}", self.json(&counters));
            text.push('\n');
            std::fs::write(path, text).unwrap();
        }
        let failed: Vec<_> = self.ran.iter().filter(|ran| !ran.passed).collect();
        for ran in &failed {
            println!("FAILED: {} {}", ran.id, ran.title);
        }
        let passed = failed.is_empty() && !self.ran.is_empty();
        let verdict = if passed { "PASS" } else { "FAIL" };
        println!("{} {verdict}", line(&counters));
        if passed {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    fn json(&self, counters: &[u64; 7]) -> Value {
        let named = |counters: &[u64; 7]| -> Value {
            let pairs = COUNTERS.iter().zip(counters);
            pairs
                .map(|(name, count)| ((*name).to_owned(), json!(count)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        let cases: Vec<Value> = self
            .ran
            .iter()
            .map(|ran| {
                json!({
                    "id": ran.id,
                    "title": ran.title,
                    "passed": ran.passed,
                    "seconds": (ran.seconds * 10.0).round() / 10.0,
                    "counters": named(&ran.found.counters),
                    "kills": ran.found.kills,
                    "slowest_start_ms": ran.found.slowest_start_ms,
                    "notes": ran.found.notes,
                })
            })
            .collect();
        let said = |program: &str, args: &[&str]| {
            let output = Command::new(program).args(args).output().unwrap();
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        };
        json!({
            "profile": if self.full { "full" } else { "small" },
            "date": said("date", &["-u", "+%Y-%m-%d"]),
            "processors": std::thread::available_parallelism().unwrap().get(),
            "kernel": said("uname", &["-sr"]),
            "rabbitmq": stoa_tests::rabbitmqctl(&["-q", "version"]).trim(),
            "counters": named(counters),
            "cases": cases,
        })
    }
}
