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

/// An example and what its rule made of it.
#[derive(Clone, Debug)]
pub struct ExampleResult {
    /// The rule.
    pub rule: Arc<RuleInfo>,
    /// The line, from 1, in the rule's file.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// The example's text.
    pub text: String,
    /// Whether the rule should fire.
    pub should_fire: bool,
    /// Whether it fires, or why it can't be evaluated.
    pub answer: Result<bool, String>,
}

impl ExampleResult {
    /// Tells whether the rule does what it should.
    pub fn passes(&self) -> bool {
        self.answer == Ok(self.should_fire)
    }
}

/// Runs all examples of a rule set, in the order of the files.
pub(crate) fn results(set: &RuleSet) -> impl Iterator<Item = ExampleResult> + '_ {
    set.rules.iter().flat_map(move |rule| {
        rule.examples.iter().map(move |example| ExampleResult {
            rule: Arc::clone(&rule.info),
            line: example.place.0,
            column: example.place.1,
            text: example.entry.0.text.clone(),
            should_fire: example.fires,
            answer: judge(set, rule, &example.entry.0),
        })
    })
}

/// Runs all examples of a rule set, and reports those that fail.
pub(crate) fn run(set: &RuleSet) -> ExampleReport {
    let mut report = ExampleReport::default();
    let without = set.rules.iter().filter(|rule| rule.examples.is_empty());
    report.without = without.map(|rule| Arc::clone(&rule.info)).collect();
    for result in results(set) {
        report.run += 1;
        if !result.passes() {
            report.failures.push(ExampleFailure {
                file: result.rule.file.clone(),
                rule: result.rule,
                line: result.line,
                column: result.column,
                text: result.text,
                should_fire: result.should_fire,
                fault: result.answer.err(),
            });
        }
    }
    report
}

fn judge(set: &RuleSet, rule: &Rule, example: &ExampleFacts) -> Result<bool, String> {
    let site = rule.info.sites.first().map_or("example", String::as_str);
    let fires = with_input(set, example, site, |input| {
        // An example that sets no time is not to fail on the day when its rule expires.
        let expired = example.now.is_some() && rule.info.is_expired(input.now);
        if expired || !rule.info.is_for_site(input.site) || !rule.info.is_for_language(input) {
            return Ok(false);
        }
        set.fires(rule, &Facts::new(input, &set.matcher))
            .map_err(|fault| fault.to_string())
    });
    fires?
}

/// Makes what the engine is told of an example's facts; `site` is that of an example that names
/// none.
pub(crate) fn with_input<T>(
    set: &RuleSet,
    example: &ExampleFacts,
    site: &str,
    use_it: impl FnOnce(&Input<'_>) -> T,
) -> Result<T, String> {
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
    Ok(use_it(&input))
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
