//! Values, how they compare and how they are shown.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::rc::Rc;

use super::eval::Fault;
use super::node::{Comparison, Node};
use crate::text::links::Found;

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Value<'v> {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Cow<'v, str>),
    /// Microseconds.
    Duration(i64),
    /// Microseconds since 1970, UTC.
    Timestamp(i64),
    Urls(&'v [Found<'v>]),
    Hosts(&'v [Found<'v>]),
    /// The elements of a list of literals.
    Nodes(&'v [Node]),
    /// A list that an expression made.
    List(Rc<[Value<'v>]>),
}

impl<'v> Value<'v> {
    /// Makes a text.
    pub(crate) fn text(text: &'v str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// Makes a list.
    pub(crate) fn list(elements: Vec<Self>) -> Self {
        Self::List(elements.into())
    }

    /// Returns how many elements a list has.
    pub(crate) fn len(&self) -> Option<usize> {
        match self {
            Self::Urls(links) | Self::Hosts(links) => Some(links.len()),
            Self::Nodes(nodes) => Some(nodes.len()),
            Self::List(elements) => Some(elements.len()),
            _ => None,
        }
    }

    /// Returns an element of a list; nothing past its end or of what is no list.
    pub(crate) fn element(&self, index: usize) -> Option<Self> {
        match self {
            Self::Urls(links) => links
                .get(index)
                .map(|link| Self::Text(Cow::Borrowed(&*link.url))),
            Self::Hosts(links) => links
                .get(index)
                .map(|link| Self::Text(Cow::Borrowed(link.host.as_str()))),
            Self::Nodes(nodes) => nodes.get(index).and_then(literal),
            Self::List(elements) => elements.get(index).cloned(),
            _ => None,
        }
    }

    /// Goes through the elements of a list.
    pub(crate) fn elements(&self) -> impl Iterator<Item = Self> + '_ {
        (0..).map_while(|index| self.element(index))
    }
}

/// Returns the value of a literal.
pub(crate) fn literal(node: &Node) -> Option<Value<'_>> {
    Some(match node {
        Node::Bool(value) => Value::Bool(*value),
        Node::Int(value) => Value::Int(*value),
        Node::Double(value) => Value::Double(*value),
        Node::String(value) => Value::text(value),
        Node::Duration(value) => Value::Duration(*value),
        Node::Timestamp(value) => Value::Timestamp(*value),
        _ => return None,
    })
}

/// Compares two values of types that the checker lets be compared.
///
/// Lists are compared element by element; every element costs what `spend` takes for it.
pub(crate) fn compare(
    comparison: Comparison,
    left: &Value<'_>,
    right: &Value<'_>,
    spend: &mut dyn FnMut(usize) -> Result<(), Fault>,
) -> Result<bool, Fault> {
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
        _ => {
            let equal = equal_lists(left, right, spend)?;
            return match comparison {
                Comparison::Equal => Ok(equal),
                Comparison::NotEqual => Ok(!equal),
                _ => Err(Fault::Type),
            };
        }
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

fn equal_lists(
    left: &Value<'_>,
    right: &Value<'_>,
    spend: &mut dyn FnMut(usize) -> Result<(), Fault>,
) -> Result<bool, Fault> {
    let (Some(a), Some(b)) = (left.len(), right.len()) else {
        return Err(Fault::Type);
    };
    if a != b {
        return Ok(false);
    }
    for (left, right) in left.elements().zip(right.elements()) {
        spend(1)?;
        if !compare(Comparison::Equal, &left, &right, spend)? {
            return Ok(false);
        }
    }
    Ok(true)
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
pub(crate) fn to_double(value: i64) -> f64 {
    value as f64
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the range is checked, the fraction is to go"
)]
pub(crate) fn whole(value: f64) -> Result<i64, Fault> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&value) {
        Ok(value as i64)
    } else {
        Err(Fault::Overflow)
    }
}

/// Writes a length of time as the language does: seconds, with a fraction if there is one.
pub(crate) fn duration_text(micros: i64) -> String {
    let (sign, size) = if micros < 0 {
        ("-", micros.unsigned_abs())
    } else {
        ("", micros.unsigned_abs())
    };
    let (seconds, fraction) = (size / 1_000_000, size % 1_000_000);
    if fraction == 0 {
        format!("{sign}{seconds}s")
    } else {
        let fraction = format!("{fraction:06}");
        format!("{sign}{seconds}.{}s", fraction.trim_end_matches('0'))
    }
}

/// Writes a point in time as RFC 3339; nothing outside of the years that it can write.
pub(crate) fn timestamp_text(micros: i64) -> Option<String> {
    jiff::Timestamp::from_microsecond(micros)
        .ok()
        .map(|time| time.to_string())
}
