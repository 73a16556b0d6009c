//! Cases: events, one a line, each with what a rule set must make of it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use stoa_rules::{Outcome, RuleSet};

use super::event::Subject;
use crate::output;

/// Failures that are shown.
const SHOWN: usize = 200;

/// A line of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    event: Box<RawValue>,
    expect: Expected,
}

/// What must come of a comment; what is absent is not looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    verdict: String,
    /// All labels, in any order.
    labels: Option<BTreeSet<String>>,
    /// The ids of all rules that act, in any order.
    rules: Option<BTreeSet<String>>,
}

/// What came of the cases.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    /// How many were run.
    pub(super) run: usize,
    /// Those that did not come out as they should.
    pub(super) failures: Vec<Failure>,
}

/// A case that did not come out as it should.
#[derive(Debug, Serialize)]
pub(super) struct Failure {
    /// The line, from 1.
    pub(super) line: u64,
    /// The comment's id.
    pub(super) comment: String,
    /// `verdict`, `labels` or `rules`.
    pub(super) what: &'static str,
    /// What should have come of it.
    pub(super) expected: String,
    /// What did.
    pub(super) got: String,
}

/// Runs all cases of a file. The error is about a line that can't be read.
pub(super) fn run(set: &RuleSet, file: &Path) -> anyhow::Result<Report> {
    let name = file.display();
    let opened = std::fs::File::open(file).with_context(|| format!("can't read {name}"))?;
    let mut report = Report::default();
    for (line, number) in BufReader::new(opened).lines().zip(1u64..) {
        let line = line.with_context(|| format!("{name}:{number}: can't be read"))?;
        if line.trim().is_empty() {
            continue;
        }
        let case: Case = serde_json::from_str(&line).with_context(|| {
            format!("{name}:{number}: a case is {{\"event\": …, \"expect\": {{\"verdict\": …}}}}")
        })?;
        let known = ["approve", "hold", "reject"];
        if !known.contains(&case.expect.verdict.as_str()) {
            anyhow::bail!(
                "{name}:{number}: unknown verdict `{}`: use `approve`, `hold` or `reject`",
                case.expect.verdict
            );
        }
        let subject = Subject::read(case.event.get().as_bytes())
            .map_err(|error| anyhow::anyhow!("{name}:{number}: {error}"))?;
        let links = subject.links();
        let outcome = set.evaluate(&subject.input(&links));
        report.run += 1;
        compare(number, &subject, &case.expect, &outcome, &mut report);
    }
    Ok(report)
}

fn compare(
    line: u64,
    subject: &Subject,
    expected: &Expected,
    outcome: &Outcome,
    report: &mut Report,
) {
    let mut check = |what, expected: String, got: String| {
        if expected != got {
            report.failures.push(Failure {
                line,
                comment: subject.id().to_owned(),
                what,
                expected,
                got,
            });
        }
    };
    let got = outcome.verdict.as_str().to_owned();
    check("verdict", expected.verdict.clone(), got);
    if let Some(labels) = &expected.labels {
        let got: BTreeSet<String> = outcome.labels.iter().cloned().collect();
        check("labels", listed(labels), listed(&got));
    }
    if let Some(rules) = &expected.rules {
        let acted = outcome.fired.iter().filter(|fired| fired.acted);
        let got: BTreeSet<String> = acted.map(|fired| fired.rule.id.clone()).collect();
        check("rules", listed(rules), listed(&got));
    }
}

fn listed(names: &BTreeSet<String>) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().cloned().collect::<Vec<_>>().join(", ")
}

impl Report {
    /// Prints the failures and the count.
    pub(super) fn print(&self) {
        let failed: BTreeSet<u64> = self.failures.iter().map(|failure| failure.line).collect();
        if !self.failures.is_empty() {
            let rows: Vec<[String; 5]> = self
                .failures
                .iter()
                .take(SHOWN)
                .map(|failure| {
                    [
                        failure.line.to_string(),
                        failure.comment.clone(),
                        failure.what.to_owned(),
                        failure.expected.clone(),
                        failure.got.clone(),
                    ]
                })
                .collect();
            output::table(["line", "comment", "what", "expected", "got"], &rows);
        }
        output::line(&format!(
            "{} of {} cases pass",
            self.run - failed.len().min(self.run),
            self.run
        ));
    }
}
