//! The examples in rules, which are tests.
//!
//! An example is judged by its own rule alone, whatever the rule's mode.
//! The facts that it doesn't set are neutral: a comment at top level by a reader of a year's
//! standing with ten approved comments, under an article of the day before.

use std::collections::BTreeMap;
use std::sync::Arc;

use stoa_proto::{ReportReason, Sanction};

use crate::counter::Counters;
use crate::diagnostic::Diagnostic;
use crate::document::ExampleFacts;
use crate::expr::check::parse_duration;
use crate::facts::Facts;
use crate::input::{AuthorFacts, Input, Link, ReportFacts};
use crate::load::RuleSet;
use crate::rule::{Rule, RuleInfo};
use crate::source::Source;

/// The time of judging, unless the example sets it: 2026-01-01T12:00:00Z, a Thursday.
const NOW: i64 = 1_767_268_800_000_000;

/// Microseconds.
const DAY: i64 = 86_400_000_000;

/// What came of the examples.
#[derive(Clone, Debug, Default)]
pub struct ExampleReport {
    /// How many were run.
    pub run: usize,
    /// Those that did not do what they should.
    pub failures: Vec<ExampleFailure>,
    /// The rules without any example.
    pub without: Vec<Arc<RuleInfo>>,
}

/// An example that did not do what it should.
#[derive(Clone, Debug)]
pub struct ExampleFailure {
    /// The rule.
    pub rule: Arc<RuleInfo>,
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// The example's text.
    pub text: String,
    /// Whether the rule should have fired.
    pub should_fire: bool,
    /// Why it could not be evaluated, if it could not.
    pub fault: Option<String>,
}

impl ExampleFailure {
    pub(crate) fn diagnostic(&self, source: Option<&Arc<Source>>) -> Diagnostic {
        let id = &self.rule.id;
        let (message, help) = match (&self.fault, self.should_fire) {
            (Some(fault), _) => (format!("rule `{id}` fails on this example: {fault}"), None),
            (None, true) => (
                format!("rule `{id}` does not fire on this example"),
                Some("correct the rule, or move the example to `pass`"),
            ),
            (None, false) => (
                format!("rule `{id}` fires on this example"),
                Some("correct the rule, or move the example to `match`"),
            ),
        };
        let help = help.map(str::to_owned);
        match source {
            Some(source) => source.error((self.line, self.column), message, help),
            None => Diagnostic {
                file: self.file.clone(),
                line: self.line,
                column: self.column,
                message,
                help,
                snippet: None,
            },
        }
    }
}

/// Runs all examples of a rule set.
pub(crate) fn run(set: &RuleSet) -> ExampleReport {
    let mut report = ExampleReport::default();
    for rule in &set.rules {
        if rule.examples.is_empty() {
            report.without.push(Arc::clone(&rule.info));
        }
        for example in &rule.examples {
            report.run += 1;
            let answer = judge(set, rule, &example.entry.0);
            if answer != Ok(example.fires) {
                report.failures.push(ExampleFailure {
                    rule: Arc::clone(&rule.info),
                    file: rule.info.file.clone(),
                    line: example.place.0,
                    column: example.place.1,
                    text: example.entry.0.text.clone(),
                    should_fire: example.fires,
                    fault: answer.err(),
                });
            }
        }
    }
    report
}

fn judge(set: &RuleSet, rule: &Rule, example: &ExampleFacts) -> Result<bool, String> {
    let length = |text: &Option<String>, default: i64| match text {
        None => Ok(default),
        Some(text) => {
            parse_duration(text).ok_or_else(|| format!("`{text}` is not a length of time"))
        }
    };
    let now = match &example.now {
        None => NOW,
        Some(text) => text
            .parse::<jiff::Timestamp>()
            .map_err(|_| format!("`{text}` is not a time"))?
            .as_microsecond(),
    };
    let site = rule.info.sites.first().map_or("example", String::as_str);
    let links: Vec<Link<'_>> = example
        .links
        .iter()
        .map(|link| Link {
            url: &link.url,
            text: link.text.as_deref(),
        })
        .collect();
    let tags: Vec<&str> = example.article_tags.iter().map(String::as_str).collect();
    let counters = Stated::new(set, &example.counters)?;
    let scores: Vec<(&str, f64)> = example
        .scores
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    let stated = &example.reports;
    let mut reasons = ReportReason::ALL.to_vec();
    reasons.retain(|reason| stated.reasons.contains(reason));
    let author = &example.author;
    if author.sanction == Some(Sanction::Lift) {
        return Err("nobody is under `lift`: leave `sanction` out".to_owned());
    }
    let since = now.saturating_sub(length(&author.age, 365 * DAY)?);
    let neutral = Input::neutral(&example.text, now);
    let input = Input {
        site: example.site.as_deref().unwrap_or(site),
        html: example.html,
        links: &links,
        language: example.language.as_deref(),
        language_confidence: example.language_confidence.unwrap_or(1.0),
        author: AuthorFacts {
            id: author.id.as_deref().unwrap_or(neutral.author.id),
            display_name: author.name.as_deref(),
            role: author.role.unwrap_or_default(),
            joined_at: Some(since),
            first_seen: Some(since),
            approved: author.approved.unwrap_or(neutral.author.approved),
            held: author.held,
            rejected: author.rejected,
            recent: author.recent,
            trusted: author.trusted,
            sanction: author.sanction,
        },
        parent: example.parent.as_deref(),
        depth: example
            .depth
            .unwrap_or_else(|| u32::from(example.parent.is_some())),
        revision: example.revision.unwrap_or(1),
        parent_author: example.parent_author.as_deref(),
        article_tags: &tags,
        counters: Some(&counters),
        scores: &scores,
        reports: ReportFacts {
            reporters: stated.reporters.into(),
            weight: stated.weight.unwrap_or(stated.reporters.into()),
            reasons: &reasons,
        },
        article_published_at: Some(now.saturating_sub(length(&example.article_age, DAY)?)),
        ..neutral
    };
    // An example that sets no time is not to fail on the day when its rule expires.
    let expired = example.now.is_some() && rule.info.is_expired(now);
    if expired || !rule.info.is_for_site(input.site) || !rule.info.is_for_language(&input) {
        return Ok(false);
    }
    set.fires(rule, &Facts::new(&input, &set.matcher))
        .map_err(|fault| fault.to_string())
}

/// The values of counters that an example states; the others are 0.
#[derive(Debug)]
struct Stated(Vec<(u64, f64)>);

impl Stated {
    fn new(set: &RuleSet, values: &BTreeMap<String, f64>) -> Result<Self, String> {
        let of = |(name, value): (&String, &f64)| {
            let counter = set.counters.iter().find(|counter| counter.name == *name);
            let counter = counter.ok_or_else(|| format!("there is no counter `{name}`"))?;
            Ok((counter.id, *value))
        };
        values.iter().map(of).collect::<Result<_, _>>().map(Self)
    }
}

impl Counters for Stated {
    fn value(&self, counter: u64, _key: u64, _at: i64) -> Option<f64> {
        let found = self.0.iter().find(|(id, _)| *id == counter);
        Some(found.map_or(0.0, |(_, value)| *value))
    }
}
