//! The compiled form of conditions, and what can be told of one without evaluating it.

use std::sync::Arc;

use jiff::tz::TimeZone;
use regex::Regex;

use super::members::Members;
use crate::counter::Counter;
use crate::schema::{FactInfo, Overload};
use crate::text::via::Via;

/// A compiled condition.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) root: Node,
    /// The macros that it names.
    pub(crate) uses: Vec<String>,
}

/// What lists are looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    Text,
    Name,
    Links,
}

/// A list in a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot {
    pub(crate) subject: Subject,
    pub(crate) list: u32,
    /// The transformations that a hit may have taken.
    pub(crate) via: Via,
}

/// What makes a rule fire that can be shown in the text.
#[derive(Clone, Debug)]
pub(crate) enum Evidence {
    List(Slot),
    RegexList(Subject, u32),
    Regex(Regex),
}

/// An operation, whose operands are of the right types.
#[derive(Debug)]
pub(crate) enum Node {
    Bool(bool),
    Int(i64),
    Double(f64),
    String(Box<str>),
    Duration(i64),
    Timestamp(i64),
    Fact(&'static FactInfo),
    Has(&'static FactInfo),
    Local(usize),
    /// A list of literals.
    List(Vec<Node>),
    /// A list of what its elements give.
    Build(Vec<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Choose(Box<[Node; 3]>),
    Compare(Comparison, Box<[Node; 2]>),
    Arithmetic(Arithmetic, Box<[Node; 2]>),
    /// The first in the second, which is a list.
    In(Box<[Node; 2]>),
    /// An element of a list.
    Index(Box<[Node; 2]>),
    Size(Box<Node>),
    Text(TextTest, Box<[Node; 2]>),
    Lower(Box<Node>),
    Regex(Box<Node>, Regex, bool),
    Hits(Slot),
    HitCount(Slot),
    RegexHits(Subject, u32),
    RegexCount(Subject, u32),
    /// Whether a text is a term of a list.
    InList(Box<Node>, Arc<Members>),
    Each(Box<Each>),
    Gather(Box<Gather>),
    /// A function of values.
    Call(&'static Overload, Box<[Node]>),
    /// The greatest (or else least) of numbers.
    Extreme(bool, Vec<Node>),
    /// A counter's value, times a factor, as an integer or not.
    Counter(Arc<Counter>, f64, bool),
    /// What a classifier outside says.
    Score(Arc<str>),
    TimePart(TimePart, Box<Node>),
    ZonedPart(TimePart, Box<Node>, TimeZone),
    /// An operation whose answer is noted when the condition is traced.
    Mark(u32, Box<Node>),
}

/// A question about the elements of a list; its variable is the innermost local.
#[derive(Debug)]
pub(crate) struct Each {
    pub(crate) quantifier: Quantifier,
    pub(crate) list: Node,
    pub(crate) condition: Node,
}

/// `map` and `filter`; the variable is the innermost local.
#[derive(Debug)]
pub(crate) struct Gather {
    pub(crate) list: Node,
    /// Which elements are kept; all if absent.
    pub(crate) keep: Option<Node>,
    /// What is made of each; itself if absent.
    pub(crate) make: Option<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextTest {
    Contains,
    StartsWith,
    EndsWith,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantifier {
    Any,
    All,
    One,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimePart {
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
    DayOfWeek,
    /// From 1.
    Date,
    /// From 0.
    DayOfMonth,
    /// From 0.
    DayOfYear,
    /// From 0.
    Month,
    FullYear,
}

impl TimePart {
    const ALL: [(&'static str, Self); 10] = [
        ("getHours", Self::Hours),
        ("getMinutes", Self::Minutes),
        ("getSeconds", Self::Seconds),
        ("getMilliseconds", Self::Milliseconds),
        ("getDayOfWeek", Self::DayOfWeek),
        ("getDate", Self::Date),
        ("getDayOfMonth", Self::DayOfMonth),
        ("getDayOfYear", Self::DayOfYear),
        ("getMonth", Self::Month),
        ("getFullYear", Self::FullYear),
    ];

    /// Finds a part by the name of its function.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let part = Self::ALL.iter().find(|(own, _)| *own == name);
        part.map(|(_, part)| *part)
    }

    /// Tells whether lengths of time have this part too.
    pub(crate) fn is_of_durations(self) -> bool {
        matches!(
            self,
            Self::Hours | Self::Minutes | Self::Seconds | Self::Milliseconds
        )
    }
}

impl Condition {
    pub(crate) fn new(root: Node, uses: Vec<String>) -> Self {
        Self { root, uses }
    }

    /// Returns what must hold for the condition to be true: of each inner list at least one slot
    /// must have a hit.
    pub(crate) fn required(&self) -> Vec<Vec<Slot>> {
        let mut clauses = Vec::new();
        require(&self.root, &mut clauses);
        clauses
    }

    /// Returns what can be shown of the condition when it is true.
    pub(crate) fn evidence(&self) -> Vec<Evidence> {
        let mut evidence = Vec::new();
        collect(&self.root, true, &mut evidence);
        evidence
    }
}

impl Node {
    /// Hands out the operands.
    pub(crate) fn operands<'n>(&'n self, add: &mut dyn FnMut(&'n Node)) {
        match self {
            Self::List(nodes)
            | Self::Build(nodes)
            | Self::And(nodes)
            | Self::Or(nodes)
            | Self::Extreme(_, nodes) => nodes.iter().for_each(add),
            Self::Call(_, nodes) => nodes.iter().for_each(add),
            Self::Choose(nodes) => nodes.iter().for_each(add),
            Self::Compare(_, nodes)
            | Self::Arithmetic(_, nodes)
            | Self::In(nodes)
            | Self::Index(nodes)
            | Self::Text(_, nodes) => nodes.iter().for_each(add),
            Self::Not(node)
            | Self::Negate(node)
            | Self::Size(node)
            | Self::Lower(node)
            | Self::Regex(node, ..)
            | Self::InList(node, _)
            | Self::TimePart(_, node)
            | Self::ZonedPart(_, node, _)
            | Self::Mark(_, node) => add(node),
            Self::Each(each) => {
                add(&each.list);
                add(&each.condition);
            }
            Self::Gather(gather) => {
                add(&gather.list);
                gather.keep.iter().for_each(&mut *add);
                gather.make.iter().for_each(add);
            }
            Self::Bool(_)
            | Self::Int(_)
            | Self::Double(_)
            | Self::String(_)
            | Self::Duration(_)
            | Self::Timestamp(_)
            | Self::Fact(_)
            | Self::Has(_)
            | Self::Local(_)
            | Self::Counter(..)
            | Self::Score(_)
            | Self::Hits(_)
            | Self::HitCount(_)
            | Self::RegexHits(..)
            | Self::RegexCount(..) => {}
        }
    }
}

fn require(node: &Node, clauses: &mut Vec<Vec<Slot>>) {
    match node {
        Node::And(operands) => operands
            .iter()
            .for_each(|operand| require(operand, clauses)),
        other => clauses.extend(any_of(other)),
    }
}

/// Returns the slots of which one must have a hit for the operation to be true, if that is known.
fn any_of(node: &Node) -> Option<Vec<Slot>> {
    match node {
        Node::Hits(slot) => Some(vec![*slot]),
        Node::Or(operands) => {
            let slots: Option<Vec<Vec<Slot>>> = operands.iter().map(any_of).collect();
            slots.map(|slots| slots.concat())
        }
        Node::And(operands) => operands.iter().find_map(any_of),
        Node::Compare(Comparison::Greater | Comparison::GreaterOrEqual, operands) => {
            match operands.as_ref() {
                [Node::HitCount(slot), Node::Int(least)] if *least > 0 => Some(vec![*slot]),
                [Node::HitCount(slot), Node::Int(0)]
                    if matches!(node, Node::Compare(Comparison::Greater, _)) =>
                {
                    Some(vec![*slot])
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn collect(node: &Node, positive: bool, evidence: &mut Vec<Evidence>) {
    match node {
        Node::Hits(slot) | Node::HitCount(slot) if positive => {
            evidence.push(Evidence::List(*slot));
        }
        Node::RegexHits(subject, list) | Node::RegexCount(subject, list) if positive => {
            evidence.push(Evidence::RegexList(*subject, *list));
        }
        Node::Regex(operand, regex, of_text) => {
            if positive && *of_text {
                evidence.push(Evidence::Regex(regex.clone()));
            }
            collect(operand, positive, evidence);
        }
        Node::Not(operand) => collect(operand, !positive, evidence),
        Node::And(operands) | Node::Or(operands) | Node::List(operands) => {
            for operand in operands {
                collect(operand, positive, evidence);
            }
        }
        Node::Choose(operands) => {
            for operand in operands.iter() {
                collect(operand, positive, evidence);
            }
        }
        Node::Compare(_, operands) | Node::Arithmetic(_, operands) => {
            for operand in operands.iter() {
                collect(operand, positive, evidence);
            }
        }
        _ => {}
    }
}
