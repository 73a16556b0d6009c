//! From a place in an expression to the place in the YAML file that the expression stands in.

use crate::document::Placed;
use crate::source::Source;

/// Returns the line and column in the file of a character of a YAML text value.
///
/// The value and its source are read side by side: quotes, escapes, indentation and folded line
/// ends are in the source alone. Where they can't be brought together, the place is the value's.
pub(crate) fn in_file(source: &Source, value: &Placed<String>, at: usize) -> (u32, u32) {
    let found = value.bytes().and_then(|(start, _)| {
        let raw = source.text.get(start..)?;
        offset(raw, &value.value, at).map(|offset| source.place(start + offset))
    });
    found.unwrap_or_else(|| value.place())
}

/// Returns the byte offset in the source text of a value's character.
fn offset(raw: &str, value: &str, at: usize) -> Option<usize> {
    let style = raw.chars().next()?;
    let mut rest = raw.char_indices().peekable();
    match style {
        '"' | '\'' => {
            rest.next();
        }
        // A block: its header ends with the line.
        '|' | '>' => while rest.next().is_some_and(|(_, c)| c != '\n') {},
        _ => {}
    }
    let mut last = None;
    for wanted in value.chars().take(at + 1) {
        let offset = loop {
            let (offset, c) = *rest.peek()?;
            if c == wanted && !(c == '\\' && style == '"') {
                rest.next();
                // A quote inside single quotes is written twice.
                if c == '\'' && style == '\'' {
                    rest.next();
                }
                break offset;
            }
            if c == '\\' && style == '"' {
                rest.next();
                rest.next();
                break offset;
            }
            if !c.is_whitespace() {
                return None;
            }
            rest.next();
            // A folded line end stands for a space.
            if c == '\n' && wanted == ' ' {
                break offset;
            }
        };
        last = Some(offset);
    }
    match (last, value.chars().nth(at)) {
        (Some(offset), Some(_)) => Some(offset),
        // Past the end: the place after the last character.
        (Some(offset), None) => {
            Some(offset + raw.get(offset..)?.chars().next().map_or(0, char::len_utf8))
        }
        (None, _) => None,
    }
}
