//! What was compared, what was missing, and what has arrived since.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::role::Role;
use crate::output;

/// Missing events that a report names.
const NAMED: usize = 1_000;
/// Missing events that a table shows.
const SHOWN: usize = 50;

/// What came of one journal.
#[derive(Debug, Serialize)]
pub(super) struct Compared {
    /// The role whose journal it is.
    journal: &'static str,
    /// Events that were compared.
    pub(super) looked_at: u64,
    /// Records whose events were sent again.
    pub(super) resent: u64,
    /// Its readers.
    readers: Vec<Found>,
}

/// What came of one reader.
#[derive(Debug, Serialize)]
struct Found {
    reader: &'static str,
    /// Events that it did not hold.
    missing: usize,
    /// Those of them that it holds now.
    arrived: usize,
}

impl Compared {
    pub(super) fn new(journal: &'static str, readers: &[&Role]) -> Self {
        let found = |reader: &&Role| Found {
            reader: reader.name,
            missing: 0,
            arrived: 0,
        };
        Self {
            journal,
            looked_at: 0,
            resent: 0,
            readers: readers.iter().map(found).collect(),
        }
    }

    fn found(&mut self, reader: &str) -> Option<&mut Found> {
        self.readers.iter_mut().find(|found| found.reader == reader)
    }

    /// Counts what a reader does not hold.
    pub(super) fn missing(&mut self, reader: &str, n_events: usize) {
        if let Some(found) = self.found(reader) {
            found.missing += n_events;
        }
    }

    /// Counts what a reader holds since it was sent again.
    pub(super) fn arrived(&mut self, reader: &str, n_events: usize) {
        if let Some(found) = self.found(reader) {
            found.arrived += n_events;
        }
    }
}

/// A missing event, by what it is known by.
#[derive(Debug, Serialize)]
struct Missing {
    /// The role that misses it.
    reader: &'static str,
    /// The role whose journal has it.
    journal: &'static str,
    #[serde(flatten)]
    event: Named,
}

/// What is said of an event.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Named {
    seq: u64,
    #[serde(rename = "type")]
    kind: String,
    source: String,
    id: String,
    #[serde(default)]
    site: String,
    #[serde(default)]
    thread: Option<String>,
    #[serde(default)]
    comment: Option<String>,
    #[serde(default)]
    revision: Option<u32>,
}

/// What came of everything.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    dry_run: bool,
    /// Seconds before the comparison that were left out.
    settle: u32,
    pub(super) compared: Vec<Compared>,
    /// The first events that were missing.
    missing: Vec<Missing>,
    pub(super) seconds: f64,
    /// Why it ended early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

impl Report {
    pub(super) fn new(dry_run: bool, settle: u32) -> Self {
        Self {
            dry_run,
            settle,
            compared: Vec::new(),
            missing: Vec::new(),
            seconds: 0.0,
            error: None,
        }
    }

    /// Names a missing event, if there is room.
    pub(super) fn name(
        &mut self,
        journal: &'static str,
        reader: &'static str,
        event: &RawValue,
    ) -> anyhow::Result<()> {
        if self.missing.len() < NAMED {
            self.missing.push(Missing {
                reader,
                journal,
                event: serde_json::from_str(event.get())?,
            });
        }
        Ok(())
    }

    /// Counts what is missing now.
    fn still_missing(&self) -> usize {
        let found = self.compared.iter().flat_map(|compared| &compared.readers);
        found.map(|found| found.missing - found.arrived).sum()
    }

    /// Prints the report and returns the exit code: 0 only if nothing is missing at the end.
    pub(super) fn print(&self, json: bool) -> anyhow::Result<ExitCode> {
        if json {
            output::json(self)?;
        } else {
            self.print_tables();
        }
        Ok(if self.still_missing() == 0 && self.error.is_none() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn print_tables(&self) {
        let row = |Missing {
                       reader,
                       journal,
                       event,
                   }: &Missing| {
            [
                (*reader).to_owned(),
                format!("{journal} {}", event.seq),
                event.kind.clone(),
                event.site.clone(),
                event.thread.clone().unwrap_or_default(),
                event.comment.clone().unwrap_or_default(),
                event.id.clone(),
            ]
        };
        let missing: Vec<_> = self.missing.iter().take(SHOWN).map(row).collect();
        if !missing.is_empty() {
            let header = [
                "missing in",
                "record",
                "type",
                "site",
                "thread",
                "comment",
                "id",
            ];
            output::table(header, &missing);
        }
        let total: usize = self
            .compared
            .iter()
            .flat_map(|compared| &compared.readers)
            .map(|found| found.missing)
            .sum();
        if total > missing.len() {
            output::line(&format!("… and {} more", total - missing.len()));
        }
        let rows: Vec<_> = self
            .compared
            .iter()
            .flat_map(|compared| {
                compared.readers.iter().map(|found| {
                    [
                        compared.journal.to_owned(),
                        found.reader.to_owned(),
                        compared.looked_at.to_string(),
                        found.missing.to_string(),
                        compared.resent.to_string(),
                        found.arrived.to_string(),
                    ]
                })
            })
            .collect();
        let header = [
            "journal",
            "reader",
            "looked at",
            "missing",
            "records re-sent",
            "arrived",
        ];
        output::table(header, &rows);
        output::line(&format!(
            "Compared in {:.1} s; what was recorded within the last {} s was left out, since it may be on its way.",
            self.seconds, self.settle
        ));
        if let Some(error) = &self.error {
            output::note(&format!("error: {error}"));
        } else if self.dry_run && total > 0 {
            output::line("Nothing was sent: start without --dry-run.");
        }
    }
}
