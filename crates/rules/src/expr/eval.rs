//! Evaluation of compiled conditions within a budget of steps.
//!
//! An operation costs one step, looking through text one more per 64 bytes.
//! As the language demands, `&&` and `||` need no error-free operands where one operand decides:
//! `false && error` is `false`.

pub(crate) mod times;

use std::borrow::Cow;
use std::sync::Arc;

use super::node::{Arithmetic, Comparison, Each, Gather, Node, Quantifier, Slot, TextTest};
use super::trace::Log;
use super::value::{Value, compare};
use crate::facts::{Facts, lower};
use crate::list::List;
use crate::text::matcher::HITS;

/// Steps of one rule: some milliseconds at the worst.
pub(crate) const STEPS: u32 = 100_000;

/// Bytes of a text that an expression makes.
pub(crate) const TEXT: usize = 256 * 1024;

/// Arguments of one function.
const ARGUMENTS: usize = 4;

/// Why an evaluation ended without an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("`{0}` is missing; ask has({0}) first")]
    Missing(&'static str),
    #[error("the score `{0}` is missing")]
    Score(Arc<str>),
    #[error("more than {STEPS} steps")]
    Budget,
    #[error("a number overflowed")]
    Overflow,
    #[error("division by zero")]
    DivisionByZero,
    #[error("an index is outside of its list or text")]
    Index,
    #[error("a text is not {0}")]
    Convert(&'static str),
    #[error("a time is outside of the years 1 to 9999")]
    Range,
    #[error("a text is larger than {} KiB", TEXT / 1024)]
    Text,
    #[error("there is no greatest or least of nothing")]
    Empty,
    /// The checker lets no such expression pass.
    #[error("values of the wrong types")]
    Type,
}

impl Fault {
    /// Returns what a decision calls that which was missing, if that was the fault.
    pub(crate) fn missing(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Missing(fact) => Some(Cow::Borrowed(fact)),
            Self::Score(name) => Some(Cow::Owned(format!("score:{name}"))),
            _ => None,
        }
    }
}

type Evaluated<'v> = Result<Value<'v>, Fault>;

/// One evaluation.
pub(crate) struct Evaluation<'v, 'a> {
    facts: &'v Facts<'a>,
    lists: &'v [List],
    locals: Vec<Value<'v>>,
    steps: u32,
    /// What marked operations answered; only conditions that are compiled to be traced have any.
    log: Option<Log>,
}

impl<'v, 'a: 'v> Evaluation<'v, 'a> {
    pub(crate) fn new(facts: &'v Facts<'a>, lists: &'v [List]) -> Self {
        Self {
            facts,
            lists,
            locals: Vec::new(),
            steps: STEPS,
            log: None,
        }
    }

    /// Notes what marked operations answer from now on.
    pub(crate) fn trace(&mut self, marks: usize) {
        self.log = Some(Log::new(marks));
    }

    /// Returns what was noted.
    pub(crate) fn traced(&mut self) -> Option<Log> {
        self.log.take()
    }

    /// Returns the facts of the comment that is judged.
    #[expect(dead_code, reason = "for functions that read the comment's context")]
    pub(crate) fn facts(&self) -> &'v Facts<'a> {
        self.facts
    }

    /// Evaluates a condition.
    pub(crate) fn holds(&mut self, node: &'v Node) -> Result<bool, Fault> {
        match self.value(node)? {
            Value::Bool(value) => Ok(value),
            _ => Err(Fault::Type),
        }
    }

    pub(crate) fn spend(&mut self, steps: usize) -> Result<(), Fault> {
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
            Node::Fact(info) => (info.read)(self.facts).ok_or(Fault::Missing(info.name))?,
            Node::Has(info) => Value::Bool((info.read)(self.facts).is_some()),
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
                Value::Bool(compare(*comparison, &left, &right, &mut |n| self.spend(n))?)
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
                list.element(index).ok_or(Fault::Index)?
            }
            Node::Size(operand) => {
                let size = match self.value(operand)? {
                    Value::Text(text) => {
                        self.spend(text.len() / 64)?;
                        text.chars().count()
                    }
                    list => list.len().ok_or(Fault::Type)?,
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
            Node::Counter(counter, factor, whole) => {
                self.spend(16)?;
                let value = counter
                    .value(self.facts)
                    .ok_or(Fault::Missing("counters"))?
                    * factor;
                if *whole {
                    Value::Int(super::value::whole(value.round())?)
                } else {
                    Value::Double(value)
                }
            }
            Node::Score(name) => {
                let mut scores = self.facts.input.scores.iter();
                let found = scores.find(|(own, _)| *own == name.as_ref());
                let (_, value) = found.ok_or_else(|| Fault::Score(Arc::clone(name)))?;
                Value::Double(*value)
            }
            Node::Hits(slot) => Value::Bool(self.hits(*slot)),
            Node::HitCount(slot) => Value::Int(i64::from(
                self.facts.hits(slot.subject).count(slot.list, slot.via),
            )),
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
            Node::Each(each) => Value::Bool(self.each(each)?),
            Node::Gather(gather) => self.gather(gather)?,
            Node::Build(nodes) => {
                let elements: Result<Vec<Value<'v>>, Fault> =
                    nodes.iter().map(|node| self.value(node)).collect();
                Value::list(elements?)
            }
            Node::Call(overload, operands) => return self.call(overload.run, operands),
            Node::Extreme(greatest, operands) => return self.extreme(*greatest, operands),
            Node::InList(operand, members) => {
                let text = self.text(operand)?;
                self.spend(text.len() / 64)?;
                Value::Bool(members.has(&text))
            }
            Node::TimePart(part, operand) => Value::Int(times::part(*part, &self.value(operand)?)?),
            Node::ZonedPart(part, operand, zone) => {
                self.spend(8)?;
                Value::Int(times::zoned(*part, &self.value(operand)?, zone)?)
            }
            Node::Mark(mark, operand) => {
                // A mark costs nothing, so that a traced evaluation ends as the plain one does.
                self.steps = self.steps.saturating_add(1);
                let answer = self.value(operand);
                if let Some(log) = &mut self.log {
                    log.note(*mark, &answer);
                }
                return answer;
            }
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
        self.facts.hits(slot.subject).has_by(slot.list, slot.via)
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

    fn each(&mut self, each: &'v Each) -> Result<bool, Fault> {
        let list = self.value(&each.list)?;
        let mut fault = None;
        let mut found = 0_usize;
        for index in 0.. {
            let Some(element) = list.element(index) else {
                break;
            };
            self.locals.push(element);
            let holds = self.holds(&each.condition);
            self.locals.pop();
            match (each.quantifier, holds) {
                (_, Err(Fault::Budget)) => return Err(Fault::Budget),
                (Quantifier::Any, Ok(true)) => return Ok(true),
                (Quantifier::All, Ok(false)) => return Ok(false),
                (Quantifier::One, Err(error)) => return Err(error),
                (_, Ok(holds)) => found += usize::from(holds),
                (_, Err(error)) => fault = fault.or(Some(error)),
            }
        }
        match (each.quantifier, fault) {
            (_, Some(fault)) => Err(fault),
            (Quantifier::Any, None) => Ok(false),
            (Quantifier::All, None) => Ok(true),
            (Quantifier::One, None) => Ok(found == 1),
        }
    }

    /// Makes a list of those elements that are kept, or of what is made of them.
    fn gather(&mut self, gather: &'v Gather) -> Evaluated<'v> {
        let list = self.value(&gather.list)?;
        let mut made = Vec::new();
        for index in 0.. {
            let Some(element) = list.element(index) else {
                break;
            };
            self.spend(1)?;
            self.locals.push(element);
            let element = self.gathered(gather);
            self.locals.pop();
            made.extend(element?);
        }
        Ok(Value::list(made))
    }

    fn gathered(&mut self, gather: &'v Gather) -> Result<Option<Value<'v>>, Fault> {
        if let Some(keep) = &gather.keep
            && !self.holds(keep)?
        {
            return Ok(None);
        }
        match &gather.make {
            Some(make) => self.value(make).map(Some),
            None => Ok(self.locals.last().cloned()),
        }
    }

    fn call(&mut self, run: crate::schema::Run, operands: &'v [Node]) -> Evaluated<'v> {
        let mut arguments = [const { Value::Bool(false) }; ARGUMENTS];
        for (argument, operand) in arguments.iter_mut().zip(operands) {
            *argument = self.value(operand)?;
        }
        run(self, arguments.get(..operands.len()).ok_or(Fault::Type)?)
    }

    fn extreme(&mut self, greatest: bool, operands: &'v [Node]) -> Evaluated<'v> {
        let mut values = Vec::with_capacity(operands.len());
        for operand in operands {
            let value = self.value(operand)?;
            self.spend(value.len().unwrap_or(1))?;
            match value.len() {
                Some(_) => values.extend(value.elements()),
                None => values.push(value),
            }
        }
        let wanted = if greatest {
            Comparison::Greater
        } else {
            Comparison::Less
        };
        let mut best: Option<Value<'v>> = None;
        for value in values {
            let better = match &best {
                None => true,
                Some(best) => compare(wanted, &value, best, &mut |n| self.spend(n))?,
            };
            if better {
                best = Some(value);
            }
        }
        best.ok_or(Fault::Empty)
    }

    fn within(&mut self, item: &Value<'v>, list: &Value<'v>) -> Result<bool, Fault> {
        for index in 0.. {
            let Some(element) = list.element(index) else {
                break;
            };
            self.spend(1)?;
            if compare(Comparison::Equal, item, &element, &mut |n| self.spend(n))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Pays for a text that is about to be made, and refuses one that is too large.
    pub(crate) fn make_text(&mut self, bytes: usize) -> Result<(), Fault> {
        self.spend(bytes / 16)?;
        if bytes > TEXT {
            return Err(Fault::Text);
        }
        Ok(())
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
                self.make_text(a.len() + b.len())?;
                Text(Cow::Owned(a.into_owned() + b.as_ref()))
            }
            (Duration(a), Duration(b)) | (Timestamp(a), Timestamp(b)) => {
                Duration(times::length(whole_numbers(operation, a, b)?)?)
            }
            (Timestamp(a), Duration(b)) | (Duration(b), Timestamp(a)) => {
                Timestamp(times::instant(whole_numbers(operation, a, b)?)?)
            }
            (a, b) if let (Some(before), Some(after)) = (a.len(), b.len()) => {
                self.spend(before + after)?;
                Value::list(a.elements().chain(b.elements()).collect())
            }
            _ => return Err(Fault::Type),
        })
    }
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
