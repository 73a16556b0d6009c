//! What values may be when several comparisons hold together.

use std::collections::{BTreeMap, BTreeSet};

use super::dead::called;
use crate::expr::node::{Comparison, Node};
use crate::expr::trace::show;
use crate::expr::value::{Value, literal, to_double};
use crate::schema::{FactInfo, Scalar};

/// What is known of the values that conditions compare, by what they print.
#[derive(Default)]
pub(super) struct Bounds {
    values: BTreeMap<String, Bound>,
    /// What must hold, and what must not.
    truths: BTreeMap<String, bool>,
}

/// What is known of one value.
#[derive(Clone, Default)]
struct Bound {
    /// The least, whether it is left out, and how it was written.
    low: Option<(f64, bool, String)>,
    high: Option<(f64, bool, String)>,
    /// What it may be, if that is a closed set.
    allowed: Option<BTreeSet<String>>,
    banned: BTreeSet<String>,
}

impl Bounds {
    /// Limits a fact to a set of texts.
    pub(super) fn allow(&mut self, fact: &str, texts: BTreeSet<String>) {
        self.values.entry(fact.to_owned()).or_default().allowed = Some(texts);
    }

    /// Returns the set that a fact is limited to.
    pub(super) fn allowed(&self, fact: &str) -> Option<&BTreeSet<String>> {
        self.values.get(fact)?.allowed.as_ref()
    }

    /// Adds an operation that holds (or else does not); the error says why it can't.
    pub(super) fn add(&mut self, node: &Node, holds: bool) -> Result<(), String> {
        match node {
            Node::Not(operand) => self.add(operand, !holds),
            Node::And(operands) if holds => operands
                .iter()
                .try_for_each(|operand| self.add(operand, true)),
            Node::Or(operands) if !holds => operands
                .iter()
                .try_for_each(|operand| self.add(operand, false)),
            Node::Compare(comparison, operands) => {
                let [left, right] = operands.as_ref();
                let comparison = if holds {
                    *comparison
                } else {
                    opposite(*comparison)
                };
                match (literal(left), literal(right)) {
                    (None, Some(value)) => self.compare(left, comparison, &value),
                    (Some(value), None) => self.compare(right, mirrored(comparison), &value),
                    _ => Ok(()),
                }
            }
            Node::In(operands) => {
                let [item, list] = operands.as_ref();
                let Node::List(elements) = list else {
                    return Ok(());
                };
                let texts: Option<BTreeSet<String>> = elements.iter().map(text_of).collect();
                match texts {
                    Some(texts) => self.within(item, texts, holds),
                    None => Ok(()),
                }
            }
            other => self.truth(other, holds),
        }
    }

    fn truth(&mut self, node: &Node, holds: bool) -> Result<(), String> {
        let before = self.truths.insert(format!("{node:?}"), holds);
        if before.is_some_and(|before| before != holds) {
            return Err(match node {
                Node::Fact(info) => format!("`{}` can't hold and not hold", info.name),
                _ => "a part must hold and must not".to_owned(),
            });
        }
        Ok(())
    }

    fn bound(&mut self, node: &Node) -> &mut Bound {
        let key = match node {
            Node::Fact(info) => info.name.to_owned(),
            other => format!("{other:?}"),
        };
        self.values.entry(key).or_insert_with(|| natural(node))
    }

    fn within(&mut self, node: &Node, texts: BTreeSet<String>, holds: bool) -> Result<(), String> {
        let bound = self.bound(node);
        if holds {
            bound.allowed = Some(match bound.allowed.take() {
                Some(allowed) => allowed.intersection(&texts).cloned().collect(),
                None => texts,
            });
        } else {
            bound.banned.extend(texts);
        }
        bound.check(node)
    }

    fn compare(
        &mut self,
        node: &Node,
        comparison: Comparison,
        value: &Value<'_>,
    ) -> Result<(), String> {
        let written = show(value);
        match comparison {
            Comparison::Equal | Comparison::NotEqual => {
                let text = match value {
                    Value::Text(text) => text.clone().into_owned(),
                    _ => written.clone(),
                };
                if let (Some(number), Comparison::Equal) = (number(value), comparison) {
                    self.bound(node).raise(number, false, &written);
                    self.bound(node).lower(number, false, &written);
                }
                // Numbers that are equal may be written in two ways.
                if number(value).is_none() || comparison == Comparison::NotEqual {
                    let equal = comparison == Comparison::Equal;
                    return self.within(node, BTreeSet::from([text]), equal);
                }
            }
            _ => {
                let Some(number) = number(value) else {
                    return Ok(());
                };
                // Over 3 is 4 or more where there is nothing between them.
                let whole = is_whole(node) && matches!(value, Value::Int(_));
                let bound = self.bound(node);
                match comparison {
                    Comparison::Greater if whole => bound.raise(number + 1.0, false, &written),
                    Comparison::Less if whole => bound.lower(number - 1.0, false, &written),
                    Comparison::Greater => bound.raise(number, true, &written),
                    Comparison::Less => bound.lower(number, true, &written),
                    Comparison::GreaterOrEqual => bound.raise(number, false, &written),
                    _ => bound.lower(number, false, &written),
                }
            }
        }
        self.bound(node).check(node)
    }
}

impl Bound {
    fn raise(&mut self, number: f64, open: bool, written: &str) {
        let higher = self
            .low
            .as_ref()
            .is_none_or(|(low, low_open, _)| (*low, *low_open) < (number, open));
        if higher {
            self.low = Some((number, open, written.to_owned()));
        }
    }

    fn lower(&mut self, number: f64, open: bool, written: &str) {
        let lower = self
            .high
            .as_ref()
            .is_none_or(|(high, high_open, _)| (number, !open) < (*high, !*high_open));
        if lower {
            self.high = Some((number, open, written.to_owned()));
        }
    }

    fn check(&self, node: &Node) -> Result<(), String> {
        if let (Some((low, low_open, from)), Some((high, high_open, to))) = (&self.low, &self.high)
        {
            let reversed = low > high;
            let touching = low.total_cmp(high).is_eq();
            if reversed || touching && (*low_open || *high_open) {
                let called = called(node);
                return Err(match (from.as_str(), to.as_str()) {
                    ("", to) => format!("{called} is never below {to}"),
                    (from, "") => format!("{called} is never above {from}"),
                    (from, to) => format!("no {called} is both above {from} and below {to}"),
                });
            }
            let only = touching
                .then_some(from)
                .filter(|from| self.banned.contains(*from));
            if let Some(only) = only {
                return Err(format!("{} can't be {only} and not be it", called(node)));
            }
        }
        if let Some(allowed) = &self.allowed
            && allowed.is_subset(&self.banned)
        {
            return Err(format!("no {} is left that is allowed", called(node)));
        }
        Ok(())
    }
}

/// Returns what a value can be at all.
fn natural(node: &Node) -> Bound {
    let mut bound = Bound::default();
    let zero = Some((0.0, false, String::new()));
    match node {
        Node::Size(_) | Node::HitCount(_) | Node::RegexCount(..) => bound.low = zero,
        Node::Fact(FactInfo { list: false, .. }) if is_counted(node) => bound.low = zero,
        _ => {}
    }
    if let Node::Fact(info) = node {
        if info.unit == "0 to 1" {
            bound.high = Some((1.0, false, String::new()));
        }
        if info.name == "author.role" {
            bound.allowed = Some(["moderator", "reader", "staff"].map(str::to_owned).into());
        }
    }
    bound
}

/// Tells whether a fact is a count, a share or a length of time, which are never negative.
fn is_counted(node: &Node) -> bool {
    matches!(node, Node::Fact(info) if matches!(info.of, Scalar::Int | Scalar::Double | Scalar::Duration))
}

fn is_whole(node: &Node) -> bool {
    match node {
        Node::Fact(info) => info.of == Scalar::Int && !info.list,
        Node::Size(_) | Node::HitCount(_) | Node::RegexCount(..) | Node::TimePart(..) => true,
        _ => false,
    }
}

fn number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Int(value) | Value::Duration(value) | Value::Timestamp(value) => {
            Some(to_double(*value))
        }
        Value::Double(value) if !value.is_nan() => Some(*value),
        _ => None,
    }
}

/// Returns a literal as sets have it: texts as they are, other values as they are written.
pub(super) fn text_of(node: &Node) -> Option<String> {
    match literal(node)? {
        Value::Text(text) => Some(text.into_owned()),
        value => Some(show(&value)),
    }
}

fn opposite(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Equal => Comparison::NotEqual,
        Comparison::NotEqual => Comparison::Equal,
        Comparison::Less => Comparison::GreaterOrEqual,
        Comparison::LessOrEqual => Comparison::Greater,
        Comparison::Greater => Comparison::LessOrEqual,
        Comparison::GreaterOrEqual => Comparison::Less,
    }
}

fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        same => same,
    }
}
