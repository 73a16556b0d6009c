//! Counters: state that a rule set declares, over windows of event time.
//!
//! The engine keeps no state. It says what a comment adds to which counter under which key
//! ([`RuleSet::count`]), and asks its caller for the values ([`Counters`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stoa_proto::Verdict;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::document::{CounterEntry, Placed};
use crate::expr::check::parse_duration;
use crate::expr::node::Node;
use crate::expr::value::Value;
use crate::facts::Facts;
use crate::input::Input;
use crate::load::RuleSet;
use crate::rule::Rule;
use crate::schema::{self, FACTS, FactInfo, OF_REPORTS, Scalar};
use crate::source::Source;
use crate::tally::Amount;

/// Counters of one rule set.
const COUNTERS: usize = 200;

/// Facts that a counter's key is made of.
const PARTS: usize = 4;

/// Keys that one comment adds to: one for each element of a list, of its first ones.
const KEYS: usize = 16;

/// The shortest and the longest window, in microseconds: a second and 90 days.
const WINDOWS: std::ops::RangeInclusive<i64> = 1_000_000..=90 * 86_400 * 1_000_000;

/// What a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    Submitted,
    Edited,
    Decided(Verdict),
}

const ON: [(&str, On); 5] = [
    ("comment.submitted", On::Submitted),
    ("comment.edited", On::Edited),
    ("comment.approved", On::Decided(Verdict::Approve)),
    ("comment.held", On::Decided(Verdict::Hold)),
    ("comment.rejected", On::Decided(Verdict::Reject)),
];

/// How a counter's value comes about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Count(On),
    Sum(&'static FactInfo),
    Distinct(&'static FactInfo),
}

/// A counter that a rule set declares.
#[derive(Debug)]
pub(crate) struct Counter {
    pub(crate) name: String,
    /// Tells it apart from every counter that counts something else.
    pub(crate) id: u64,
    pub(crate) kind: Kind,
    per: Vec<&'static FactInfo>,
    pub(crate) window: i64,
}

/// Where the values of counters come from.
pub trait Counters: std::fmt::Debug + Sync {
    /// Returns a counter's value under a key at a time in microseconds since 1970, before the comment
    /// that is judged; `None` if it can't be read.
    fn value(&self, counter: u64, key: u64, at: i64) -> Option<f64>;
}

/// What a comment adds to a counter under a key.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// The counter.
    pub counter: u64,
    /// The key.
    pub key: u64,
    /// The counter's window, in microseconds.
    pub window: i64,
    /// When, in microseconds since 1970.
    pub at: i64,
    /// How much.
    pub amount: Amount,
}

/// A counter, as tools show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterInfo {
    /// The name that conditions use.
    pub name: String,
    /// The facts that make its key.
    pub per: Vec<&'static str>,
    /// Its window in seconds.
    pub seconds: i64,
}

impl Counter {
    /// Returns the keys of a comment; several if one of the parts is a list.
    fn keys(&self, facts: &Facts<'_>) -> Vec<u64> {
        let mut keys = vec![Xxh3::new()];
        for part in &self.per {
            let Some(value) = (part.read)(facts) else {
                return Vec::new();
            };
            let elements: Vec<Value<'_>> = match value.len() {
                Some(_) => value.elements().take(KEYS).collect(),
                None => vec![value],
            };
            keys = keys
                .iter()
                .flat_map(|key| {
                    elements.iter().map(|element| {
                        let mut key = key.clone();
                        digest(element, &mut key);
                        key
                    })
                })
                .take(KEYS)
                .collect();
        }
        let mut keys: Vec<u64> = keys.iter().map(Xxh3::digest).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Returns the value for a comment: the greatest, if it has several keys; `None` if it can't be
    /// read.
    pub(crate) fn value(&self, facts: &Facts<'_>) -> Option<f64> {
        let Some(counters) = facts.input.counters else {
            return Some(0.0);
        };
        let at = facts.input.submitted_at;
        self.keys(facts).into_iter().try_fold(0.0_f64, |most, key| {
            Some(most.max(counters.value(self.id, key, at)?))
        })
    }

    /// What a comment adds under each of its keys, and the verdict under which it does, if it takes
    /// one.
    fn amount(&self, facts: &Facts<'_>) -> Option<(Option<Verdict>, Amount)> {
        let first = facts.input.revision <= 1;
        let amount = match self.kind {
            Kind::Count(On::Decided(verdict)) => return Some((Some(verdict), Amount::One)),
            Kind::Count(On::Submitted) if first => Amount::One,
            Kind::Count(On::Edited) if !first => Amount::One,
            Kind::Sum(fact) if first => match (fact.read)(facts)? {
                #[expect(clippy::cast_precision_loss, reason = "sums are floating point")]
                Value::Int(value) => Amount::Sum(value as f64),
                Value::Double(value) if value.is_finite() => Amount::Sum(value),
                _ => return None,
            },
            Kind::Distinct(fact) if first => {
                let mut hash = Xxh3::new();
                digest(&(fact.read)(facts)?, &mut hash);
                Amount::Value(hash.digest())
            }
            Kind::Count(_) | Kind::Sum(_) | Kind::Distinct(_) => return None,
        };
        Some((None, amount))
    }
}

/// What a comment adds to the counters.
#[derive(Clone, Debug, Default)]
pub struct Counted(Vec<(Option<Verdict>, Update)>);

impl Counted {
    /// Returns what it adds once its verdict is known.
    pub fn by(self, verdict: Verdict) -> Vec<Update> {
        self.0
            .into_iter()
            .filter(|(on, _)| on.is_none_or(|on| on == verdict))
            .map(|(_, update)| update)
            .collect()
    }
}

/// Takes a value into a hash, with its length, so that no two rows of values are hashed alike.
fn digest(value: &Value<'_>, hash: &mut Xxh3) {
    let text = match value {
        Value::Text(text) => text.as_ref().to_owned(),
        Value::Int(number) | Value::Duration(number) | Value::Timestamp(number) => {
            number.to_string()
        }
        Value::Double(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => String::new(),
    };
    hash.update(&(text.len() as u64).to_le_bytes());
    hash.update(text.as_bytes());
}

impl RuleSet {
    /// Returns what a comment adds to the counters. [`RuleSet::evaluate`] sees the values before it.
    pub fn count(&self, input: &Input<'_>) -> Counted {
        if self.counters.is_empty() {
            return Counted::default();
        }
        let facts = Facts::new(input, &self.matcher);
        let mut counted = Vec::new();
        for counter in &self.counters {
            let Some((on, amount)) = counter.amount(&facts) else {
                continue;
            };
            for key in counter.keys(&facts) {
                let update = Update {
                    counter: counter.id,
                    key,
                    window: counter.window,
                    at: input.submitted_at,
                    amount,
                };
                counted.push((on, update));
            }
        }
        Counted(counted)
    }

    /// Tells whether comments of different authors can change what the rules say of each other, so
    /// that they have to be judged one after the other.
    pub fn is_sequential(&self) -> bool {
        let shared =
            |counter: &Arc<Counter>| counter.per.iter().all(|fact| fact.name != "author.id");
        self.counters.iter().any(shared) || self.reads("comment.similar_in_thread")
    }

    /// Tells whether the rules compare a comment's text with earlier ones.
    pub fn compares_texts(&self) -> bool {
        self.reads("comment.similar_by_author") || self.reads("comment.similar_in_thread")
    }

    /// Tells whether the rules read what a report of a comment changes.
    pub fn reads_reports(&self) -> bool {
        OF_REPORTS.iter().any(|fact| self.reads(fact))
    }

    /// Tells whether a condition or a counter reads a fact.
    pub fn reads(&self, fact: &str) -> bool {
        self.read.contains(fact)
    }

    /// Returns the counters that are declared.
    pub fn counters(&self) -> impl Iterator<Item = CounterInfo> + '_ {
        self.counters.iter().map(|counter| CounterInfo {
            name: counter.name.clone(),
            per: counter.per.iter().map(|fact| fact.name).collect(),
            seconds: counter.window / 1_000_000,
        })
    }
}

/// Collects the facts that conditions and counters read.
pub(crate) fn facts_read(rules: &[Rule], counters: &[Arc<Counter>]) -> BTreeSet<&'static str> {
    let mut read = BTreeSet::new();
    for counter in counters {
        read.extend(counter.per.iter().map(|fact| fact.name));
        if let Kind::Sum(fact) | Kind::Distinct(fact) = counter.kind {
            read.insert(fact.name);
        }
    }
    for rule in rules {
        rule.nodes(&mut |node| {
            if let Node::Fact(fact) | Node::Has(fact) = node {
                read.insert(fact.name);
            }
        });
    }
    read
}

/// Reads the counters of a document; what is wrong goes to `errors`.
pub(crate) fn read(
    entries: &BTreeMap<String, Placed<CounterEntry>>,
    source: &Arc<Source>,
    counters: &mut Vec<Arc<Counter>>,
    errors: &mut Vec<Diagnostic>,
) {
    for (name, entry) in entries {
        if counters.iter().any(|counter| counter.name == *name) {
            let message = format!("there is already a counter `{name}`");
            errors.push(source.error(entry.place(), message, Some("give it another name".into())));
            continue;
        }
        if counters.len() >= COUNTERS {
            let message = format!("more than {COUNTERS} counters");
            errors.push(source.error(entry.place(), message, None));
            return;
        }
        match one(name, entry, source) {
            Ok(counter) => counters.push(Arc::new(counter)),
            Err(error) => errors.push(error),
        }
    }
}

fn one(
    name: &str,
    placed: &Placed<CounterEntry>,
    source: &Arc<Source>,
) -> Result<Counter, Diagnostic> {
    let entry = &placed.value;
    let kind = match (&entry.count, &entry.sum, &entry.distinct) {
        (Some(on), None, None) => {
            let found = ON.iter().find(|(known, _)| *known == on.value);
            let on = found.map(|(_, on)| *on).ok_or_else(|| {
                let names = ON.map(|(name, _)| name);
                let help = did_you_mean(&on.value, names)
                    .unwrap_or_else(|| format!("count one of {}", names.join(", ")));
                source.error(
                    on.place(),
                    format!("`{}` can't be counted", on.value),
                    Some(help),
                )
            })?;
            Kind::Count(on)
        }
        (None, Some(fact), None) => {
            let numbers = [Scalar::Int, Scalar::Double];
            Kind::Sum(scalar(fact, source, |info| numbers.contains(&info.of))?)
        }
        (None, None, Some(fact)) => Kind::Distinct(scalar(fact, source, |_| true)?),
        _ => {
            let message =
                format!("counter `{name}` must have one of `count`, `sum` and `distinct`");
            let help = "such as `{ count: comment.submitted, per: [author.id], window: 10m }`";
            return Err(source.error(placed.place(), message, Some(help.into())));
        }
    };
    let window = parse_duration(&entry.window.value)
        .filter(|window| WINDOWS.contains(window))
        .ok_or_else(|| {
            let message = format!("`{}` is no window", entry.window.value);
            let help = "write a length of time from `1s` to `90d`, such as `10m`".to_owned();
            source.error(entry.window.place(), message, Some(help))
        })?;
    if entry.per.len() > PARTS {
        let message = format!("a key of more than {PARTS} facts");
        return Err(source.error(placed.place(), message, None));
    }
    let per = entry
        .per
        .iter()
        .map(|part| {
            let text = |info: &&'static FactInfo| info.of == Scalar::String;
            fact(part, source, text, "texts")
        })
        .collect::<Result<Vec<_>, _>>()?;
    let identity = format!(
        "{:?} {:?} {window}",
        match kind {
            Kind::Count(on) => format!("count {on:?}"),
            Kind::Sum(fact) => format!("sum {}", fact.name),
            Kind::Distinct(fact) => format!("distinct {}", fact.name),
        },
        per.iter().map(|fact| fact.name).collect::<Vec<_>>(),
    );
    Ok(Counter {
        name: name.to_owned(),
        id: xxh3_64(identity.as_bytes()),
        kind,
        per,
        window,
    })
}

fn scalar(
    name: &Placed<String>,
    source: &Arc<Source>,
    fits: impl Fn(&&'static FactInfo) -> bool,
) -> Result<&'static FactInfo, Diagnostic> {
    fact(
        name,
        source,
        |info| !info.list && fits(info),
        "single values",
    )
}

fn fact(
    name: &Placed<String>,
    source: &Arc<Source>,
    fits: impl Fn(&&'static FactInfo) -> bool,
    wanted: &str,
) -> Result<&'static FactInfo, Diagnostic> {
    let Some(info) = schema::find(&name.value) else {
        let help = did_you_mean(&name.value, FACTS.iter().map(|info| info.name));
        return Err(source.error(name.place(), format!("unknown fact `{}`", name.value), help));
    };
    Some(info).filter(fits).ok_or_else(|| {
        let message = format!(
            "`{}` is of type {}, which does not fit here",
            name.value,
            info.ty()
        );
        source.error(
            name.place(),
            message,
            Some(format!("name a fact that has {wanted}")),
        )
    })
}
