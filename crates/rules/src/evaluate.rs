//! Judging a comment: which rules are looked at, what fired, and what comes of it.

pub(crate) mod index;
mod spans;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use stoa_proto::{FiredRule, Span, Verdict};

use crate::expr::eval::{Evaluation, Fault};
use crate::expr::node::Subject;
use crate::facts::Facts;
use crate::input::Input;
use crate::list::List;
use crate::load::RuleSet;
use crate::rule::{Mode, OnMissing, Reason, Rule, RuleInfo};

/// What the rules make of a comment.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The strictest verdict of the rules that acted; `approve` if none did.
    pub verdict: Verdict,
    /// The labels of the rules that acted, sorted, each once.
    pub labels: Vec<String>,
    /// The rules that fired, in the order of the files, with those that did not act.
    pub fired: Vec<Fired>,
    /// What was missing: `rule:<id>` of each rule that failed, the names of the facts that were not
    /// there, and `text` or `author.name` if it was not looked at for terms to its end. The verdict is at least `hold` unless this is empty.
    pub partial: Vec<String>,
    /// The rules that failed.
    pub failed: Vec<Failure>,
    /// The reason of the deciding rule: of the strictest that acted the one with the highest
    /// priority, and of these the first.
    pub reason: Option<Reason>,
    /// The id of the deciding rule.
    pub decided_by: Option<Arc<RuleInfo>>,
    /// How many rules were evaluated.
    pub evaluated: u32,
    /// How many rules could be set aside, because a list that they need had no hit, because they
    /// are for other sites or languages, or because they have expired.
    pub skipped: u32,
}

/// A rule that fired.
#[derive(Clone, Debug)]
pub struct Fired {
    /// The rule.
    pub rule: Arc<RuleInfo>,
    /// Its mode.
    pub mode: Mode,
    /// Whether it acted: not so in shadow, nor in the threads outside of its share.
    pub acted: bool,
    /// Its verdict.
    pub verdict: Verdict,
    /// Where it matched, in the order of the text.
    pub spans: Vec<Span>,
}

impl Fired {
    /// Returns the entry for the decision's event.
    pub fn record(&self) -> FiredRule {
        let mut record = FiredRule {
            id: self.rule.id.clone(),
            mode: self.mode.to_string(),
            explain: self.rule.explain.clone(),
            spans: self.spans.clone(),
            ..FiredRule::default()
        };
        // The other modes say so themselves.
        if matches!(self.mode, Mode::Percent { .. }) && !self.acted {
            record.extra.insert("acted".to_owned(), false.into());
        }
        record
    }
}

/// A rule that could not be evaluated.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The rule.
    pub rule: Arc<RuleInfo>,
    /// Whether the comment is held for it: not so in shadow, nor where the rule skips comments
    /// whose facts are missing.
    pub acted: bool,
    /// What happened, without any of the comment's text.
    pub message: String,
}

impl RuleSet {
    /// Judges a comment. The same input always has the same outcome.
    pub fn evaluate(&self, input: &Input<'_>) -> Outcome {
        self.evaluate_observed(input, &mut |_| {})
    }

    /// Judges a comment, and calls `begins` with each rule's place in [`RuleSet::rules`] just
    /// before the rule is evaluated, so that a caller who knows the time can tell what each takes.
    pub fn evaluate_observed(&self, input: &Input<'_>, begins: &mut dyn FnMut(usize)) -> Outcome {
        let facts = Facts::new(input, &self.matcher);
        let mut outcome = Outcome::default();
        let mut labels = BTreeSet::new();
        let mut partial = BTreeSet::new();
        for (place, rule) in self.index.candidates(&self.rules, &facts) {
            if !rule.is_for(input) || !index::is_possible(rule, &facts) {
                continue;
            }
            begins(place);
            outcome.evaluated += 1;
            let answer = self.fires(rule, &facts);
            if answer == Ok(false) {
                continue;
            }
            let info = &rule.info;
            let acted = info.mode.acts(&info.id, input.site, input.article);
            match answer {
                Ok(_) => {
                    if acted {
                        labels.extend(info.labels.iter().cloned());
                        let decides = outcome.decided_by.as_ref().is_none_or(|by| {
                            (by.verdict, by.priority) < (info.verdict, info.priority)
                        });
                        if decides {
                            outcome.decided_by = Some(Arc::clone(info));
                        }
                    }
                    outcome.fired.push(Fired {
                        rule: Arc::clone(info),
                        mode: info.mode,
                        acted,
                        verdict: info.verdict,
                        spans: spans::of(rule, &facts, &self.lists),
                    });
                }
                Err(fault) => {
                    // A fact that is missing says nothing about the comment to a rule that skips.
                    let missing = fault.missing();
                    let skips = missing.is_some() && info.on_missing == OnMissing::Skip;
                    let acted = acted && !skips;
                    if acted {
                        partial.insert(format!("rule:{}", info.id));
                        partial.extend(missing.map(Cow::into_owned));
                    }
                    let message = fault.to_string();
                    outcome.failed.push(Failure {
                        rule: Arc::clone(info),
                        acted,
                        message,
                    });
                }
            }
        }
        self.note_cut(input, &facts, &mut partial);
        outcome.skipped = u32::try_from(self.rules.len()).unwrap_or(u32::MAX) - outcome.evaluated;
        outcome.labels = labels.into_iter().collect();
        outcome.partial = partial.into_iter().collect();
        outcome.verdict = outcome
            .decided_by
            .as_ref()
            .map_or(Verdict::Approve, |rule| rule.verdict);
        if !outcome.partial.is_empty() {
            outcome.verdict = outcome.verdict.max(Verdict::Hold);
        }
        outcome.reason = outcome
            .decided_by
            .as_ref()
            .and_then(|rule| rule.reason.clone());
        outcome
    }

    /// Notes the texts that were looked at for terms, and have so much to look at that not all of it
    /// was: a rule that did not fire might have. Where all rules are shadows, nothing is held.
    fn note_cut(&self, input: &Input<'_>, facts: &Facts<'_>, partial: &mut BTreeSet<String>) {
        for (subject, name) in [(Subject::Text, "text"), (Subject::Name, "author.name")] {
            if !facts.is_cut(subject) {
                continue;
            }
            let matters = self.rules.iter().any(|rule| {
                let info = &rule.info;
                rule.is_for(input) && info.mode.acts(&info.id, input.site, input.article)
            });
            if matters {
                partial.insert(name.to_owned());
            }
        }
    }

    /// Evaluates one rule's conditions.
    pub(crate) fn fires(&self, rule: &Rule, facts: &Facts<'_>) -> Result<bool, Fault> {
        let mut evaluation = Evaluation::new(facts, &self.lists);
        if !evaluation.holds(&rule.when.root)? {
            return Ok(false);
        }
        match &rule.unless {
            Some(unless) => Ok(!evaluation.holds(&unless.root)?),
            None => Ok(true),
        }
    }
}

/// Returns where a rule that fired matched.
pub(crate) fn spans_of(rule: &Rule, facts: &Facts<'_>, lists: &[List]) -> Vec<Span> {
    spans::of(rule, facts, lists)
}
