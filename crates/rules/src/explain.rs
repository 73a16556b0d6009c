//! Explaining: of one comment, why every rule fired or did not.
//!
//! It takes milliseconds where judging takes microseconds: conditions are compiled once more, with
//! marks, and rules that judging sets aside are looked at too.

use std::sync::Arc;

use stoa_proto::Span;

use crate::evaluate::{self, Outcome};
use crate::expr::eval::{Evaluation, Fault};
use crate::expr::macros::Macros;
use crate::expr::node::Node;
use crate::expr::trace::{Marks, Seen};
use crate::expr::{self, Env, on_large_stack};
use crate::facts::Facts;
use crate::input::Input;
use crate::list::List;
use crate::load::RuleSet;
use crate::rule::{OnMissing, Rule, RuleInfo};

/// Why a comment was judged as it was.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// What the rules make of the comment.
    pub outcome: Outcome,
    /// Every rule, in the order of the files.
    pub rules: Vec<RuleExplanation>,
}

/// What one rule made of a comment.
#[derive(Clone, Debug)]
pub struct RuleExplanation {
    /// The rule.
    pub rule: Arc<RuleInfo>,
    /// What became of it.
    pub fate: Fate,
    /// The condition and its parts, each before its own.
    pub when: Vec<Part>,
    /// The exception and its parts; empty if the rule has none.
    pub unless: Vec<Part>,
    /// Where it matched, if it fired.
    pub spans: Vec<Span>,
}

/// What became of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// It fired and acted.
    Acted,
    /// It fired and did not act: it is in shadow, or the thread is outside of its share.
    Recorded,
    /// Its condition does not hold.
    Condition,
    /// Its condition holds, and so does its exception.
    Exception,
    /// It is for other sites.
    Site,
    /// It is for other languages.
    Language,
    /// It has expired.
    Expired,
    /// A fact is missing, and it skips such comments. The message says which.
    Skipped(String),
    /// It could not be evaluated. The message says why.
    Failed(String),
}

impl Fate {
    /// Returns one word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Acted => "acted",
            Self::Recorded => "recorded",
            Self::Condition => "condition",
            Self::Exception => "exception",
            Self::Site => "site",
            Self::Language => "language",
            Self::Expired => "expired",
            Self::Skipped(_) => "skipped",
            Self::Failed(_) => "failed",
        }
    }
}

/// A part of a condition and what it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// How many parts are around it.
    pub depth: usize,
    /// Its source.
    pub source: String,
    /// Whether it is the name of a macro; the macro's parts follow.
    pub is_macro: bool,
    /// Its values as the language writes them, a failure as its message: the first ones in a loop,
    /// none if it was not evaluated.
    pub answers: Vec<Result<String, String>>,
    /// How often it was evaluated.
    pub times: usize,
}

/// The conditions of a rule, compiled to be traced.
struct Traced {
    when: (Node, Marks),
    unless: Option<(Node, Marks)>,
}

impl RuleSet {
    /// Judges a comment, and explains for every rule why it fired or did not.
    pub fn explain(&self, input: &Input<'_>) -> Explanation {
        let outcome = self.evaluate(input);
        let rules = on_large_stack(|| {
            let texts: Vec<(String, String)> = self
                .macros
                .iter()
                .map(|one| (one.name.clone(), one.text.clone()))
                .collect();
            // They were compiled before: nothing is wrong with them.
            let macros = Macros::new(&texts, &self.lists, &self.counters, &mut Vec::new());
            let env = Env::new(&self.lists, &self.counters, &macros);
            let facts = Facts::new(input, &self.matcher);
            self.rules
                .iter()
                .filter_map(|rule| {
                    let traced = Traced::compile(rule, &env)?;
                    Some(self.explain_rule(rule, &traced, &facts))
                })
                .collect()
        });
        Explanation {
            outcome,
            rules: rules.unwrap_or_default(),
        }
    }

    fn explain_rule(&self, rule: &Rule, traced: &Traced, facts: &Facts<'_>) -> RuleExplanation {
        let input = facts.input;
        let (answer, when, unless) = traced.run(facts, &self.lists);
        let info = &rule.info;
        let fate = if !info.is_for_site(input.site) {
            Fate::Site
        } else if !info.is_for_language(input) {
            Fate::Language
        } else if info.is_expired(input.now) {
            Fate::Expired
        } else {
            match &answer {
                Ok(None) if info.mode.acts(&info.id, input.site, input.article) => Fate::Acted,
                Ok(None) => Fate::Recorded,
                Ok(Some(fate)) => fate.clone(),
                Err(fault) if fault.missing().is_some() && info.on_missing == OnMissing::Skip => {
                    Fate::Skipped(fault.to_string())
                }
                Err(fault) => Fate::Failed(fault.to_string()),
            }
        };
        let spans = if matches!(fate, Fate::Acted | Fate::Recorded) {
            evaluate::spans_of(rule, facts, &self.lists)
        } else {
            Vec::new()
        };
        RuleExplanation {
            rule: Arc::clone(info),
            fate,
            when,
            unless,
            spans,
        }
    }
}

impl Traced {
    fn compile(rule: &Rule, env: &Env<'_>) -> Option<Self> {
        let compile = |text: &str| expr::compile_to_trace(text, env).ok();
        Some(Self {
            when: compile(&rule.texts.when)?,
            unless: match &rule.texts.unless {
                Some(text) => Some(compile(text)?),
                None => None,
            },
        })
    }

    /// Evaluates both conditions on one budget, as judging does. The answer is nothing if the rule
    /// fires, or why it does not.
    fn run<'v>(
        &'v self,
        facts: &'v Facts<'_>,
        lists: &'v [List],
    ) -> (Result<Option<Fate>, Fault>, Vec<Part>, Vec<Part>) {
        let mut evaluation = Evaluation::new(facts, lists);
        let (holds, when) = traced(&mut evaluation, &self.when);
        let (excepted, unless) = match &self.unless {
            Some(unless) if holds == Ok(true) => traced(&mut evaluation, unless),
            Some((_, marks)) => (Ok(false), parts(marks, &[])),
            None => (Ok(false), Vec::new()),
        };
        let answer = match (holds, excepted) {
            (Err(fault), _) | (Ok(true), Err(fault)) => Err(fault),
            (Ok(false), _) => Ok(Some(Fate::Condition)),
            (Ok(true), Ok(true)) => Ok(Some(Fate::Exception)),
            (Ok(true), Ok(false)) => Ok(None),
        };
        (answer, when, unless)
    }
}

/// Evaluates a condition and says what its parts answered.
fn traced<'v, 'a: 'v>(
    evaluation: &mut Evaluation<'v, 'a>,
    (node, marks): &'v (Node, Marks),
) -> (Result<bool, Fault>, Vec<Part>) {
    evaluation.trace(marks.all.len());
    let answer = evaluation.holds(node);
    let log = evaluation.traced();
    let parts = parts(marks, log.as_ref().map_or(&[], |log| log.0.as_slice()));
    (answer, parts)
}

fn parts(marks: &Marks, seen: &[Seen]) -> Vec<Part> {
    marks
        .all
        .iter()
        .enumerate()
        .map(|(number, mark)| {
            let seen = seen.get(number).cloned().unwrap_or_default();
            Part {
                depth: mark.depth,
                source: mark.source.clone(),
                is_macro: mark.is_macro,
                answers: seen.answers,
                times: seen.times,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
