//! Texts, by the semantics of CEL's strings extension: positions count code points.

use std::borrow::Cow;

use super::{INT as I, STRING as S, STRINGS, method};
use crate::expr::eval::{Evaluation, Fault};
use crate::expr::value::Value;
use crate::schema::Overload;

type Answer<'v> = Result<Value<'v>, Fault>;

pub(crate) static UPPER: &[Overload] = &[method(&[S], S, upper)];
pub(crate) static LOWER_ASCII: &[Overload] = &[method(&[S], S, lower_ascii)];
pub(crate) static UPPER_ASCII: &[Overload] = &[method(&[S], S, upper_ascii)];
pub(crate) static TRIM: &[Overload] = &[method(&[S], S, trim)];
pub(crate) static REVERSE: &[Overload] = &[method(&[S], S, reverse)];
pub(crate) static CHAR_AT: &[Overload] = &[method(&[S, I], S, char_at)];
pub(crate) static REPLACE: &[Overload] = &[
    method(&[S, S, S], S, replace),
    method(&[S, S, S, I], S, replace),
];
pub(crate) static SPLIT: &[Overload] = &[
    method(&[S, S], STRINGS, split),
    method(&[S, S, I], STRINGS, split),
];
pub(crate) static JOIN: &[Overload] =
    &[method(&[STRINGS], S, join), method(&[STRINGS, S], S, join)];
pub(crate) static SUBSTRING: &[Overload] = &[
    method(&[S, I], S, substring),
    method(&[S, I, I], S, substring),
];
pub(crate) static INDEX_OF: &[Overload] = &[
    method(&[S, S], I, index_of),
    method(&[S, S, I], I, index_of),
];
pub(crate) static LAST_INDEX_OF: &[Overload] = &[
    method(&[S, S], I, last_index_of),
    method(&[S, S, I], I, last_index_of),
];

/// Returns an argument that is a text.
fn text<'e>(arguments: &'e [Value<'_>], index: usize) -> Result<&'e str, Fault> {
    match arguments.get(index) {
        Some(Value::Text(text)) => Ok(text),
        _ => Err(Fault::Type),
    }
}

/// Returns an argument that is an int, if it is there.
fn int(arguments: &[Value<'_>], index: usize) -> Result<Option<i64>, Fault> {
    match arguments.get(index) {
        Some(Value::Int(value)) => Ok(Some(*value)),
        None => Ok(None),
        _ => Err(Fault::Type),
    }
}

fn owned<'v>(text: impl Into<String>) -> Value<'v> {
    Value::Text(Cow::Owned(text.into()))
}

/// Returns the byte offset of a position, which may be the one behind the last character.
fn offset(text: &str, position: i64) -> Result<usize, Fault> {
    let position = usize::try_from(position).map_err(|_| Fault::Index)?;
    text.char_indices()
        .map(|(at, _)| at)
        .chain([text.len()])
        .nth(position)
        .ok_or(Fault::Index)
}

/// Returns the position of a byte offset.
fn position<'v>(text: &str, offset: usize) -> Answer<'v> {
    let before = text.get(..offset).ok_or(Fault::Index)?.chars().count();
    i64::try_from(before)
        .map(Value::Int)
        .map_err(|_| Fault::Overflow)
}

fn upper<'v>(run: &mut Evaluation<'v, '_>, arguments: &[Value<'v>]) -> Answer<'v> {
    let text = text(arguments, 0)?;
    run.make_text(text.len())?;
    Ok(owned(text.to_uppercase()))
}

fn lower_ascii<'v>(run: &mut Evaluation<'v, '_>, arguments: &[Value<'v>]) -> Answer<'v> {
    let text = text(arguments, 0)?;
    run.make_text(text.len())?;
    Ok(owned(text.to_ascii_lowercase()))
}

fn upper_ascii<'v>(run: &mut Evaluation<'v, '_>, arguments: &[Value<'v>]) -> Answer<'v> {
    let text = text(arguments, 0)?;
    run.make_text(text.len())?;
    Ok(owned(text.to_ascii_uppercase()))
}

fn trim<'v>(run: &mut Evaluation<'v, '_>, arguments: &[Value<'v>]) -> Answer<'v> {
    let text = text(arguments, 0)?;
    run.make_text(text.len())?;
    Ok(owned(text.trim()))
}

fn reverse<'v>(run: &mut Evaluation<'v, '_>, arguments: &[Value<'v>]) -> Answer<'v> {
    let text = text(arguments, 0)?;
    run.make_text(text.len())?;
    Ok(owned(text.chars().rev().collect::<String>()))
}

fn char_at<'v>(run: &mut Evaluation<'v, '_>, arguments: &[Value<'v>]) -> Answer<'v> {
    let text = text(arguments, 0)?;
    run.spend(text.len() / 64)?;
    let at = offset(text, int(arguments, 1)?.ok_or(Fault::Type)?)?;
    let rest = text.get(at..).ok_or(Fault::Index)?;
    Ok(owned(rest.chars().take(1).collect::<String>()))
}

fn replace<'v>(run: &mut Evaluation<'v, '_>, arguments: &[Value<'v>]) -> Answer<'v> {
    let (whole, old, new) = (
        text(arguments, 0)?,
        text(arguments, 1)?,
        text(arguments, 2)?,
    );
    // A negative number stands for all.
    let limit = int(arguments, 3)?
        .and_then(|times| usize::try_from(times).ok())
        .unwrap_or(usize::MAX);
    run.spend(whole.len() / 16)?;
    let times = whole.matches(old).take(limit).count();
    let longer = new.len().saturating_sub(old.len()).saturating_mul(times);
    run.make_text(whole.len().saturating_add(longer))?;
    Ok(owned(whole.replacen(old, new, times)))
}

fn split<'v>(run: &mut Evaluation<'v, '_>, arguments: &[Value<'v>]) -> Answer<'v> {
    let (whole, separator) = (text(arguments, 0)?, text(arguments, 1)?);
    let limit = int(arguments, 2)?
        .and_then(|parts| usize::try_from(parts).ok())
        .unwrap_or(usize::MAX);
    run.spend(whole.len() / 16)?;
    if limit == 0 {
        return Ok(Value::list(Vec::new()));
    }
    let mut parts = Vec::new();
    let mut rest = whole;
    while parts.len() + 1 < limit {
        // Between the characters, as the language demands, and not before the first one.
        let next = if separator.is_empty() {
            let width = rest.chars().next().map_or(0, char::len_utf8);
            (width < rest.len())
                .then(|| rest.split_at_checked(width))
                .flatten()
        } else {
            rest.split_once(separator)
        };
        let Some((part, after)) = next else {
            break;
        };
        run.spend(1)?;
        parts.push(owned(part));
        rest = after;
    }
    if !(separator.is_empty() && whole.is_empty()) {
        parts.push(owned(rest));
    }
    Ok(Value::list(parts))
}

fn join<'v>(run: &mut Evaluation<'v, '_>, arguments: &[Value<'v>]) -> Answer<'v> {
    let list = arguments.first().ok_or(Fault::Type)?;
    let separator = if arguments.len() > 1 {
        text(arguments, 1)?
    } else {
        ""
    };
    let mut made = String::new();
    for (index, element) in list.elements().enumerate() {
        let Value::Text(part) = &element else {
            return Err(Fault::Type);
        };
        run.spend(1)?;
        let separator = if index > 0 { separator } else { "" };
        run.make_text(separator.len() + part.len())?;
        made.push_str(separator);
        made.push_str(part);
        if made.len() > crate::expr::eval::TEXT {
            return Err(Fault::Text);
        }
    }
    Ok(owned(made))
}

fn substring<'v>(run: &mut Evaluation<'v, '_>, arguments: &[Value<'v>]) -> Answer<'v> {
    let text = text(arguments, 0)?;
    run.make_text(text.len())?;
    let start = offset(text, int(arguments, 1)?.ok_or(Fault::Type)?)?;
    let end = match int(arguments, 2)? {
        Some(end) => offset(text, end)?,
        None => text.len(),
    };
    text.get(start..end).map(owned).ok_or(Fault::Index)
}

fn index_of<'v>(run: &mut Evaluation<'v, '_>, arguments: &[Value<'v>]) -> Answer<'v> {
    let (whole, part) = (text(arguments, 0)?, text(arguments, 1)?);
    run.spend((whole.len() + part.len()) / 16)?;
    let from = int(arguments, 2)?.unwrap_or(0);
    // An empty text is found wherever it is looked for.
    if part.is_empty() && from >= 0 {
        return Ok(Value::Int(from));
    }
    let start = offset(whole, from)?;
    match whole.get(start..).and_then(|rest| rest.find(part)) {
        Some(at) => position(whole, start + at),
        None => Ok(Value::Int(-1)),
    }
}

fn last_index_of<'v>(run: &mut Evaluation<'v, '_>, arguments: &[Value<'v>]) -> Answer<'v> {
    let (whole, part) = (text(arguments, 0)?, text(arguments, 1)?);
    run.spend((whole.len() + part.len()) / 16)?;
    let from = int(arguments, 2)?;
    if part.is_empty()
        && let Some(from) = from.filter(|from| *from >= 0)
    {
        return Ok(Value::Int(from));
    }
    let last = match from {
        Some(from) => offset(whole, from)?,
        None => whole.len(),
    };
    // It begins at `last` or before.
    let end = whole.len().min(last.saturating_add(part.len()));
    let end = (0..=end)
        .rev()
        .find(|end| whole.is_char_boundary(*end))
        .unwrap_or(0);
    match whole.get(..end).and_then(|rest| rest.rfind(part)) {
        Some(at) => position(whole, at),
        None => Ok(Value::Int(-1)),
    }
}
