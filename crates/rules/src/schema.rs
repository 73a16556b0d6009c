//! What conditions can read and call: the declared facts and functions.
//!
//! A fact is one entry in [`FACTS`] with the function that reads it; a function whose arguments are
//! all evaluated before it is one entry in [`FUNCTIONS`] with its overloads. Nothing else names
//! them. The tables of `docs/rules.md` are held to these by a test.

mod facts;
mod functions;

use std::fmt;

use crate::expr::eval::{Evaluation, Fault};
use crate::expr::value::Value;
use crate::facts::Facts;

pub use facts::FACTS;
pub(crate) use facts::OF_REPORTS;
pub use functions::FUNCTIONS;

/// The type of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A 64-bit integer.
    Int,
    /// A 64-bit floating point number.
    Double,
    /// Text.
    String,
    /// A length of time.
    Duration,
    /// A point in time.
    Timestamp,
    /// A list whose elements have one type.
    List(Box<Type>),
    /// The type of the elements of `[]`.
    Any,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Double => f.write_str("double"),
            Self::String => f.write_str("string"),
            Self::Duration => f.write_str("duration"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::List(element) => write!(f, "list({element})"),
            Self::Any => f.write_str("any"),
        }
    }
}

impl Type {
    /// Returns the type that values of either type have, if there is one: `[]` fits every list.
    pub(crate) fn join(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Any, ty) | (ty, Self::Any) => Some(ty.clone()),
            (Self::List(a), Self::List(b)) => Some(Self::List(Box::new(a.join(b)?))),
            (a, b) => (a == b).then(|| a.clone()),
        }
    }
}

/// One fact that conditions can read.
#[derive(Clone, Debug)]
pub struct FactInfo {
    /// The name, such as `comment.length`.
    pub name: &'static str,
    pub(crate) of: Scalar,
    pub(crate) list: bool,
    /// Whether the fact may be missing, so that `has()` should be asked first.
    pub optional: bool,
    /// The unit, or empty.
    pub unit: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Reads it; nothing if it is missing.
    pub(crate) read: Read,
}

/// Reads a fact of a comment.
pub(crate) type Read = for<'v, 'a> fn(&'v Facts<'a>) -> Option<Value<'v>>;

/// The types of which facts are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Bool,
    Int,
    Double,
    String,
    Duration,
    Timestamp,
}

impl From<Scalar> for Type {
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Bool => Self::Bool,
            Scalar::Int => Self::Int,
            Scalar::Double => Self::Double,
            Scalar::String => Self::String,
            Scalar::Duration => Self::Duration,
            Scalar::Timestamp => Self::Timestamp,
        }
    }
}

impl FactInfo {
    /// Returns the fact's type.
    pub fn ty(&self) -> Type {
        if self.list {
            Type::List(Box::new(self.of.into()))
        } else {
            self.of.into()
        }
    }
}

/// Finds a fact by its name.
pub(crate) fn find(name: &str) -> Option<&'static FactInfo> {
    FACTS.iter().find(|info| info.name == name)
}

/// One function that conditions can call.
#[derive(Clone, Debug)]
pub struct FunctionInfo {
    /// The name.
    pub name: &'static str,
    /// How it is called, with types.
    pub signature: &'static str,
    /// What it answers.
    pub doc: &'static str,
    /// The types that it takes, if these alone decide how it is compiled.
    pub(crate) overloads: &'static [Overload],
}

/// One way to call a function whose arguments are all evaluated before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Overload {
    /// Whether the first argument stands before the name, as in `text.trim()`.
    pub(crate) method: bool,
    pub(crate) takes: &'static [Kind],
    pub(crate) gives: Kind,
    pub(crate) run: Run,
}

/// Calls a function with its evaluated arguments.
pub(crate) type Run =
    for<'e, 'v, 'a> fn(&'e mut Evaluation<'v, 'a>, &'e [Value<'v>]) -> Result<Value<'v>, Fault>;

/// The types of arguments and results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    One(Scalar),
    List(Scalar),
}

impl From<Kind> for Type {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::One(scalar) => scalar.into(),
            Kind::List(scalar) => Self::List(Box::new(scalar.into())),
        }
    }
}
