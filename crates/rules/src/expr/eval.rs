//! Evaluation of compiled conditions within a budget of steps.
//!
//! An operation costs one step, looking through text one more per 64 bytes.
//! As the language demands, `&&` and `||` need no error-free operands where one operand decides:
//! `false && error` is `false`.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::node::{Arithmetic, Comparison, Node, Quantifier, Slot, TextTest, TimePart};
use crate::facts::{Facts, count, lower, seconds};
use crate::list::List;
use crate::schema::Fact;
use crate::text::links::Found;
use crate::text::matcher::HITS;

/// Steps of one rule: some milliseconds at the worst.
pub(crate) const STEPS: u32 = 100_000;

/// Why an evaluation ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("`{0}` is missing; ask has({0}) first")]
    Missing(&'static str),
    #[error("more than {STEPS} steps")]
    Budget,
    #[error("a number overflowed")]
    Overflow,
    #[error("division by zero")]
    DivisionByZero,
    #[error("an index is outside of its list")]
    Index,
    /// The checker lets no such expression pass.
    #[error("values of the wrong types")]
    Type,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Value<'v> {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Cow<'v, str>),
    Duration(i64),
    Timestamp(i64),
    Urls(&'v [Found<'v>]),
    Hosts(&'v [Found<'v>]),
    /// The elements of a list literal, not evaluated yet.
    Nodes(&'v [Node]),
}

type Evaluated<'v> = Result<Value<'v>, Fault>;

/// One evaluation.
pub(crate) struct Evaluation<'v, 'a> {
    facts: &'v Facts<'a>,
    lists: &'v [List],
    locals: Vec<Value<'v>>,
    steps: u32,
}

impl<'v, 'a: 'v> Evaluation<'v, 'a> {
    pub(crate) fn new(facts: &'v Facts<'a>, lists: &'v [List]) -> Self {
        Self {
            facts,
            lists,
            locals: Vec::new(),
            steps: STEPS,
        }
    }

    /// Evaluates a condition.
    pub(crate) fn holds(&mut self, node: &'v Node) -> Result<bool, Fault> {
        match self.value(node)? {
            Value::Bool(value) => Ok(value),
            _ => Err(Fault::Type),
        }
    }

    fn spend(&mut self, steps: usize) -> Result<(), Fault> {
        let steps = u32::try_from(steps).map_err(|_| Fault::Budget)?;
        self.steps = self.steps.checked_sub(steps).ok_or(Fault::Budget)?;
        Ok(())
    }

    fn value(&mut self, node: &'v Node) -> Evaluated<'v> {
        self.spend(1)?;
        Ok(match node {
            Node::Bool(value) => Value::Bool(*value),
            Node::Int(value) => Value::Int(*value),
            Node::Double(value) => Value::Double(*value),
            Node::String(value) => Value::Text(Cow::Borrowed(value)),
            Node::Duration(value) => Value::Duration(*value),
            Node::Timestamp(value) => Value::Timestamp(*value),
            Node::Fact(fact, name) => return self.fact(*fact, name),
            Node::Has(fact) => Value::Bool(self.fact(*fact, "").is_ok()),
            Node::Local(index) => self.locals.get(*index).cloned().ok_or(Fault::Type)?,
            Node::List(nodes) => Value::Nodes(nodes),
            Node::Not(operand) => Value::Bool(!self.holds(operand)?),
            Node::Negate(operand) => match self.value(operand)? {
                Value::Int(value) => Value::Int(value.checked_neg().ok_or(Fault::Overflow)?),
                Value::Double(value) => Value::Double(-value),
                _ => return Err(Fault::Type),
            },
            Node::And(operands) => Value::Bool(!self.decided(operands, false)?),
            Node::Or(operands) => Value::Bool(self.decided(operands, true)?),
            Node::Choose(operands) => {
                let [test, yes, no] = operands.as_ref();
                let chosen = if self.holds(test)? { yes } else { no };
                return self.value(chosen);
            }
            Node::Compare(comparison, operands) => {
                let [left, right] = operands.as_ref();
                let (left, right) = (self.value(left)?, self.value(right)?);
                Value::Bool(compare(*comparison, &left, &right)?)
            }
            Node::Arithmetic(operation, operands) => {
                let [left, right] = operands.as_ref();
                let (left, right) = (self.value(left)?, self.value(right)?);
                return self.arithmetic(*operation, left, right);
            }
            Node::In(operands) => {
                let [item, list] = operands.as_ref();
                let (item, list) = (self.value(item)?, self.value(list)?);
                Value::Bool(self.within(&item, &list)?)
            }
            Node::Index(operands) => {
                let [list, index] = operands.as_ref();
                let (list, index) = (self.value(list)?, self.value(index)?);
                let Value::Int(index) = index else {
                    return Err(Fault::Type);
                };
                let index = usize::try_from(index).map_err(|_| Fault::Index)?;
                return self.element(&list, index)?.ok_or(Fault::Index);
            }
            Node::Size(operand) => {
                let size = match self.value(operand)? {
                    Value::Text(text) => {
                        self.spend(text.len() / 64)?;
                        text.chars().count()
                    }
                    Value::Urls(links) | Value::Hosts(links) => links.len(),
                    Value::Nodes(nodes) => nodes.len(),
                    _ => return Err(Fault::Type),
                };
                Value::Int(i64::try_from(size).map_err(|_| Fault::Overflow)?)
            }
            _ => return self.function(node),
        })
    }

    fn function(&mut self, node: &'v Node) -> Evaluated<'v> {
        Ok(match node {
            Node::Text(test, operands) => {
                let [whole, part] = operands.as_ref();
                let (whole, part) = (self.text(whole)?, self.text(part)?);
                Value::Bool(match test {
                    TextTest::Contains => {
                        self.spend((whole.len() + part.len()) / 64)?;
                        whole.contains(part.as_ref())
                    }
                    TextTest::StartsWith => whole.starts_with(part.as_ref()),
                    TextTest::EndsWith => whole.ends_with(part.as_ref()),
                })
            }
            Node::Lower(operand) => {
                let text = self.text(operand)?;
                self.spend(text.len() / 64)?;
                Value::Text(lower(text))
            }
            Node::Regex(operand, regex, _) => {
                let text = self.text(operand)?;
                self.spend(text.len() / 64)?;
                Value::Bool(regex.is_match(&text))
            }
            Node::Hits(slot) => Value::Bool(self.hits(*slot)),
            Node::HitCount(slot) => {
                Value::Int(i64::from(self.facts.hits(slot.subject).count(slot.list)))
            }
            Node::RegexHits(subject, list) => {
                let text = self.facts.subject(*subject);
                let regexes = self.regexes(*list);
                self.spend(regexes.len() * (1 + text.len() / 256))?;
                Value::Bool(regexes.iter().any(|regex| regex.is_match(text)))
            }
            Node::RegexCount(subject, list) => {
                let text = self.facts.subject(*subject);
                let regexes = self.regexes(*list);
                self.spend(regexes.len() * (1 + text.len() / 256))?;
                let mut count = 0;
                for _ in regexes.iter().flat_map(|regex| regex.find_iter(text)) {
                    count += 1;
                    if count >= i64::from(HITS) {
                        break;
                    }
                }
                Value::Int(count)
            }
            Node::Each(quantifier, operands) => {
                let [list, condition] = operands.as_ref();
                Value::Bool(self.each(*quantifier, list, condition)?)
            }
            Node::ToInt(operand) => match self.value(operand)? {
                Value::Int(value) => Value::Int(value),
                Value::Double(value) => Value::Int(whole(value)?),
                _ => return Err(Fault::Type),
            },
            Node::ToDouble(operand) => match self.value(operand)? {
                Value::Int(value) => Value::Double(to_double(value)),
                Value::Double(value) => Value::Double(value),
                _ => return Err(Fault::Type),
            },
            Node::ToText(operand) => match self.value(operand)? {
                Value::Int(value) => Value::Text(Cow::Owned(value.to_string())),
                Value::Bool(value) => {
                    Value::Text(Cow::Borrowed(if value { "true" } else { "false" }))
                }
                value @ Value::Text(_) => value,
                _ => return Err(Fault::Type),
            },
            Node::TimePart(part, operand) => Value::Int(time_part(*part, &self.value(operand)?)?),
            _ => return Err(Fault::Type),
        })
    }

    fn text(&mut self, node: &'v Node) -> Result<Cow<'v, str>, Fault> {
        match self.value(node)? {
            Value::Text(text) => Ok(text),
            _ => Err(Fault::Type),
        }
    }

    fn hits(&self, slot: Slot) -> bool {
        self.facts.hits(slot.subject).has(slot.list)
    }

    fn regexes(&self, list: u32) -> &'v [regex::Regex] {
        self.lists
            .get(list as usize)
            .map_or(&[], |list| list.regexes.as_slice())
    }

    /// Tells whether one of the operands has the deciding value; an error counts only if none has.
    fn decided(&mut self, operands: &'v [Node], deciding: bool) -> Result<bool, Fault> {
        let mut fault = None;
        for operand in operands {
            match self.holds(operand) {
                Ok(value) if value == deciding => return Ok(true),
                Ok(_) => {}
                Err(Fault::Budget) => return Err(Fault::Budget),
                Err(error) => fault = fault.or(Some(error)),
            }
        }
        fault.map_or(Ok(false), Err)
    }

    fn each(
        &mut self,
        quantifier: Quantifier,
        list: &'v Node,
        condition: &'v Node,
    ) -> Result<bool, Fault> {
        let list = self.value(list)?;
        let mut fault = None;
        let mut found = 0_usize;
        let mut index = 0;
        while let Some(element) = self.element(&list, index)? {
            index += 1;
            self.locals.push(element);
            let holds = self.holds(condition);
            self.locals.pop();
            match (quantifier, holds) {
                (_, Err(Fault::Budget)) => return Err(Fault::Budget),
                (Quantifier::Any, Ok(true)) => return Ok(true),
                (Quantifier::All, Ok(false)) => return Ok(false),
                (Quantifier::One, Err(error)) => return Err(error),
                (_, Ok(holds)) => found += usize::from(holds),
                (_, Err(error)) => fault = fault.or(Some(error)),
            }
        }
        match (quantifier, fault) {
            (_, Some(fault)) => Err(fault),
            (Quantifier::Any, None) => Ok(false),
            (Quantifier::All, None) => Ok(true),
            (Quantifier::One, None) => Ok(found == 1),
        }
    }

    fn element(&mut self, list: &Value<'v>, index: usize) -> Result<Option<Value<'v>>, Fault> {
        match list {
            Value::Urls(links) => Ok(links
                .get(index)
                .map(|link| Value::Text(Cow::Borrowed(&*link.url)))),
            Value::Hosts(links) => Ok(links
                .get(index)
                .map(|link| Value::Text(Cow::Borrowed(link.host.as_str())))),
            Value::Nodes(nodes) => nodes.get(index).map(|node| self.value(node)).transpose(),
            _ => Err(Fault::Type),
        }
    }

    fn within(&mut self, item: &Value<'v>, list: &Value<'v>) -> Result<bool, Fault> {
        let mut index = 0;
        while let Some(element) = self.element(list, index)? {
            self.spend(1)?;
            if compare(Comparison::Equal, item, &element)? {
                return Ok(true);
            }
            index += 1;
        }
        Ok(false)
    }

    fn fact(&mut self, fact: Fact, name: &'static str) -> Evaluated<'v> {
        let facts = self.facts;
        let input = facts.input;
        let text = |text: &'v str| Value::Text(Cow::Borrowed(text));
        Ok(match fact {
            Fact::Text => text(input.text),
            Fact::Length => Value::Int(facts.stats().length),
            Fact::Words => Value::Int(facts.stats().words),
            Fact::Capitals => Value::Double(facts.stats().capitals()),
            Fact::Emoji => Value::Int(facts.stats().emoji),
            Fact::Links => Value::Urls(facts.links()),
            Fact::LinksCount => Value::Int(count(facts.links().len() as u64)),
            Fact::LinkDomains => Value::Hosts(facts.links()),
            Fact::Html => Value::Bool(input.html),
            Fact::Language => text(input.language.unwrap_or_default()),
            Fact::LanguageConfidence => Value::Double(facts.language_confidence()),
            Fact::Depth if input.depth_known => Value::Int(i64::from(input.depth)),
            Fact::Depth => return Err(Fault::Missing(name)),
            Fact::IsReply => Value::Bool(input.parent.is_some()),
            Fact::Parent => text(input.parent.ok_or(Fault::Missing(name))?),
            Fact::Revision => Value::Int(i64::from(input.revision)),
            Fact::CommentId => text(input.comment),
            Fact::SubmittedAt => Value::Timestamp(input.submitted_at),
            Fact::AuthorId => text(input.author.id),
            Fact::AuthorName => text(facts.name()),
            Fact::AuthorRole => text(facts.role()),
            Fact::AuthorTrusted => Value::Bool(input.author.trusted),
            Fact::AuthorApproved => Value::Int(count(input.author.approved)),
            Fact::AuthorHeld => Value::Int(count(input.author.held)),
            Fact::AuthorRejected => Value::Int(count(input.author.rejected)),
            Fact::AuthorRecent => Value::Int(count(input.author.recent)),
            Fact::AuthorAge => Value::Duration(facts.author_age()),
            Fact::AuthorNew => Value::Bool(input.author.approved == 0),
            Fact::ArticleId => text(input.article),
            Fact::ArticleAge => Value::Duration(facts.article_age().ok_or(Fault::Missing(name))?),
            Fact::SiteId => text(input.site),
            Fact::Now => Value::Timestamp(input.now),
        })
    }

    fn arithmetic(
        &mut self,
        operation: Arithmetic,
        left: Value<'v>,
        right: Value<'v>,
    ) -> Evaluated<'v> {
        use Value::{Double, Duration, Int, Text, Timestamp};
        Ok(match (left, right) {
            (Int(a), Int(b)) => Int(whole_numbers(operation, a, b)?),
            (Double(a), Double(b)) => Double(match operation {
                Arithmetic::Add => a + b,
                Arithmetic::Subtract => a - b,
                Arithmetic::Multiply => a * b,
                Arithmetic::Divide => a / b,
                Arithmetic::Remainder => return Err(Fault::Type),
            }),
            (Text(a), Text(b)) => {
                self.spend((a.len() + b.len()) / 16)?;
                Text(Cow::Owned(a.into_owned() + b.as_ref()))
            }
            (Duration(a), Duration(b)) | (Timestamp(a), Timestamp(b)) => {
                Duration(whole_numbers(operation, a, b)?)
            }
            (Timestamp(a), Duration(b)) | (Duration(b), Timestamp(a)) => {
                Timestamp(whole_numbers(operation, a, b)?)
            }
            _ => return Err(Fault::Type),
        })
    }
}

fn time_part(part: TimePart, value: &Value<'_>) -> Result<i64, Fault> {
    Ok(match (part, value) {
        (TimePart::Hours, Value::Timestamp(at)) => seconds(*at).div_euclid(3_600).rem_euclid(24),
        (TimePart::Minutes, Value::Timestamp(at)) => seconds(*at).div_euclid(60).rem_euclid(60),
        (TimePart::Seconds, Value::Timestamp(at)) => seconds(*at).rem_euclid(60),
        // The first of January 1970 was a Thursday.
        (TimePart::DayOfWeek, Value::Timestamp(at)) => {
            (seconds(*at).div_euclid(86_400) + 4).rem_euclid(7)
        }
        (TimePart::Hours, Value::Duration(length)) => length / 3_600_000_000,
        (TimePart::Minutes, Value::Duration(length)) => length / 60_000_000,
        (TimePart::Seconds, Value::Duration(length)) => length / 1_000_000,
        _ => return Err(Fault::Type),
    })
}

fn whole_numbers(operation: Arithmetic, a: i64, b: i64) -> Result<i64, Fault> {
    let result = match operation {
        Arithmetic::Add => a.checked_add(b),
        Arithmetic::Subtract => a.checked_sub(b),
        Arithmetic::Multiply => a.checked_mul(b),
        Arithmetic::Divide | Arithmetic::Remainder if b == 0 => return Err(Fault::DivisionByZero),
        Arithmetic::Divide => a.checked_div(b),
        Arithmetic::Remainder => a.checked_rem(b),
    };
    result.ok_or(Fault::Overflow)
}

fn compare(comparison: Comparison, left: &Value<'_>, right: &Value<'_>) -> Result<bool, Fault> {
    use Value::{Bool, Double, Duration, Int, Text, Timestamp};
    let order = match (left, right) {
        (Int(a), Int(b)) | (Duration(a), Duration(b)) | (Timestamp(a), Timestamp(b)) => {
            Some(a.cmp(b))
        }
        (Double(a), Double(b)) => a.partial_cmp(b),
        (Int(a), Double(b)) => compare_mixed(*a, *b),
        (Double(a), Int(b)) => compare_mixed(*b, *a).map(Ordering::reverse),
        (Text(a), Text(b)) => Some(a.cmp(b)),
        (Bool(a), Bool(b)) => Some(a.cmp(b)),
        _ => return Err(Fault::Type),
    };
    // What has no order (NaN) is not equal, and nothing else holds.
    Ok(match comparison {
        Comparison::Equal => order == Some(Ordering::Equal),
        Comparison::NotEqual => order != Some(Ordering::Equal),
        Comparison::Less => order == Some(Ordering::Less),
        Comparison::LessOrEqual => order.is_some_and(Ordering::is_le),
        Comparison::Greater => order == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
    })
}

/// Compares exactly, also where the integer has no double of its own.
fn compare_mixed(a: i64, b: f64) -> Option<Ordering> {
    if b.is_nan() {
        return None;
    }
    match whole(b) {
        Ok(floor) => {
            let fraction = b - to_double(floor);
            Some(
                a.cmp(&floor)
                    .then_with(|| 0.0_f64.total_cmp(&(fraction + 0.0))),
            )
        }
        Err(_) => Some(if b > 0.0 {
            Ordering::Less
        } else {
            Ordering::Greater
        }),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the language defines it as the nearest double"
)]
fn to_double(value: i64) -> f64 {
    value as f64
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the range is checked, the fraction is to go"
)]
fn whole(value: f64) -> Result<i64, Fault> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&value) {
        Ok(value as i64)
    } else {
        Err(Fault::Overflow)
    }
}
