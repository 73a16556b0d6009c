//! What became of each item, and of all of them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use serde::Serialize;
use stoa_proto::ImportedState;

use super::Ended;
use crate::output;

/// Rows of problems that a table shows.
const SHOWN: usize = 20;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Article,
    Comment(ImportedState),
    Skipped,
    Malformed,
}

impl What {
    fn as_str(self) -> &'static str {
        match self {
            Self::Article => "article",
            Self::Comment(_) => "comment",
            Self::Skipped => "skipped",
            Self::Malformed => "malformed",
        }
    }
}

/// What became of an event; over AMQP the broker has it, and refusals come at `stoa.rejected`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Result {
    Imported,
    Duplicate,
    Sent,
    Refused,
    Undelivered,
}

/// What is wrong with an item, or why it is passed over.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Problem {
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
}

impl Problem {
    pub(super) fn of(code: &str, field: Option<String>, message: String) -> Self {
        Self {
            code: code.to_owned(),
            field,
            message,
        }
    }
}

/// One item.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) what: What,
    pub(super) at: String,
    pub(super) id: Option<String>,
    /// Whether a comment has no date.
    pub(super) undated: bool,
    pub(super) result: Option<Result>,
    pub(super) problem: Option<Problem>,
}

impl Entry {
    pub(super) fn new(what: What, at: String, id: Option<String>) -> Self {
        Self {
            what,
            at,
            id,
            undated: false,
            result: None,
            problem: None,
        }
    }
}

/// An item as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    item: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    at: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<ImportedState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Result>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<&'a str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    problem: Option<&'a Problem>,
}

/// What became of the events of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    pub(super) read: u64,
    pub(super) imported: u64,
    pub(super) duplicate: u64,
    pub(super) sent: u64,
    pub(super) refused: u64,
    pub(super) undelivered: u64,
}

/// What became of all.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Totals {
    /// By `articles`, or the comments' state.
    pub(super) events: BTreeMap<&'static str, Counts>,
    /// What is no comment, by what it is.
    pub(super) skipped: BTreeMap<String, u64>,
    pub(super) malformed: u64,
    /// Comments that answer one that is in none of the files.
    pub(super) orphans: u64,
    /// Answers of which that is not known.
    pub(super) unchecked: u64,
    /// Comments without a date.
    pub(super) undated: u64,
    /// Why it is not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

/// Gathers what becomes of items.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) totals: Totals,
    problems: Vec<[String; 4]>,
    more_problems: u64,
    json: bool,
    file: Option<BufWriter<File>>,
}

impl Report {
    /// Begins; the file is made anew.
    pub(super) fn new(json: bool, file: Option<&Path>) -> anyhow::Result<Self> {
        let file = file
            .map(|path| {
                File::create(path)
                    .map(BufWriter::new)
                    .with_context(|| format!("{} can't be written", path.display()))
            })
            .transpose()?;
        Ok(Self {
            totals: Totals::default(),
            problems: Vec::new(),
            more_problems: 0,
            json,
            file,
        })
    }

    /// Counts an item.
    pub(super) fn add(&mut self, entry: &Entry) -> anyhow::Result<()> {
        let totals = &mut self.totals;
        let (key, state) = match entry.what {
            What::Article => ("articles", None),
            What::Comment(state) => (state.as_str(), Some(state)),
            What::Skipped => {
                let why = entry.problem.as_ref().map(|problem| problem.code.clone());
                *totals.skipped.entry(why.unwrap_or_default()).or_default() += 1;
                ("", None)
            }
            What::Malformed => {
                totals.malformed += 1;
                ("", None)
            }
        };
        if !key.is_empty() {
            let counts = totals.events.entry(key).or_default();
            counts.read += 1;
            match entry.result {
                Some(Result::Imported) => counts.imported += 1,
                Some(Result::Duplicate) => counts.duplicate += 1,
                Some(Result::Sent) => counts.sent += 1,
                Some(Result::Refused) => counts.refused += 1,
                Some(Result::Undelivered) => counts.undelivered += 1,
                None => {}
            }
            totals.undated += u64::from(entry.undated);
        }
        if let Some(problem) = &entry.problem
            && entry.what != What::Skipped
        {
            let field = problem.field.as_ref().map(|field| format!("{field}: "));
            self.problem([
                entry.at.clone(),
                entry.id.clone().unwrap_or_default(),
                problem.code.clone(),
                format!("{}{}", field.unwrap_or_default(), problem.message),
            ]);
        }
        self.write(&Line {
            item: entry.what.as_str(),
            at: &entry.at,
            id: entry.id.as_deref(),
            state,
            result: entry.result,
            parent: None,
            problem: entry.problem.as_ref(),
        })
    }

    /// Notes why there is no more.
    pub(super) fn fail(&mut self, error: String) {
        self.totals.error.get_or_insert(error);
    }

    /// Notes how reading came to its end.
    pub(super) fn ended(&mut self, ended: &Ended) -> anyhow::Result<()> {
        self.totals.orphans = ended.orphans.len() as u64;
        self.totals.unchecked = ended.unchecked;
        for orphan in &ended.orphans {
            self.problem([
                orphan.at.clone(),
                orphan.id.clone(),
                "orphan".to_owned(),
                format!("answers {}, which is not there", orphan.parent),
            ]);
            self.write(&Line {
                item: "orphan",
                at: &orphan.at,
                id: Some(&orphan.id),
                state: None,
                result: None,
                parent: Some(&orphan.parent),
                problem: None,
            })?;
        }
        if let Some(error) = &ended.error {
            self.fail(error.clone());
        }
        Ok(())
    }

    /// Prints the report and returns the exit code: 0 only if every event was taken, now or before.
    pub(super) fn print(mut self) -> anyhow::Result<ExitCode> {
        let totals = self.totals.clone();
        self.write(&totals)?;
        if let Some(file) = &mut self.file {
            file.flush().context("the report can't be written")?;
        }
        if !self.json {
            self.tables();
        }
        let sum = |pick: fn(&Counts) -> u64| totals.events.values().map(pick).sum::<u64>();
        let lost = sum(|counts| counts.refused + counts.undelivered);
        let fine = totals.malformed == 0 && lost == 0 && totals.error.is_none();
        Ok(if fine {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn tables(&self) {
        let totals = &self.totals;
        if !self.problems.is_empty() {
            output::table(["at", "id", "problem", "message"], &self.problems);
        }
        if self.more_problems > 0 {
            output::line(&format!("… and {} more problems", self.more_problems));
        }
        let rows: Vec<[String; 7]> = totals
            .events
            .iter()
            .map(|(what, counts)| {
                [
                    (*what).to_owned(),
                    counts.read.to_string(),
                    counts.imported.to_string(),
                    counts.duplicate.to_string(),
                    counts.sent.to_string(),
                    counts.refused.to_string(),
                    counts.undelivered.to_string(),
                ]
            })
            .collect();
        let header = [
            "",
            "read",
            "imported",
            "duplicate",
            "sent",
            "refused",
            "undelivered",
        ];
        output::table(header, &rows);
        let mut others: Vec<[String; 2]> = totals
            .skipped
            .iter()
            .map(|(what, n)| [format!("skipped: {what}"), n.to_string()])
            .collect();
        for (what, n) in [
            ("malformed", totals.malformed),
            ("orphans", totals.orphans),
            ("answers not looked at for orphans", totals.unchecked),
            ("without a date", totals.undated),
        ] {
            if n > 0 {
                others.push([what.to_owned(), n.to_string()]);
            }
        }
        if !others.is_empty() {
            output::table(["others", "items"], &others);
        }
        if let Some(error) = &totals.error {
            // It may quote the file.
            output::note(&format!("error: {}", output::printable(error)));
        }
    }

    fn problem(&mut self, row: [String; 4]) {
        if self.problems.len() < SHOWN {
            self.problems.push(row);
        } else {
            self.more_problems += 1;
        }
    }

    fn write(&mut self, line: &impl Serialize) -> anyhow::Result<()> {
        if self.json {
            output::json(line)?;
        }
        if let Some(file) = &mut self.file {
            serde_json::to_writer(&mut *file, line)
                .map_err(std::io::Error::from)
                .and_then(|()| file.write_all(b"\n"))
                .context("the report can't be written")?;
        }
        Ok(())
    }
}
