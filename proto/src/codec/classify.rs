//! From the JSON parser's errors to codes, fields and messages.
//!
//! The parser's own words are used only where they can't repeat a value: a value may be a
//! person's words.

use serde::Deserialize;
use serde_json::Error;
use serde_json::value::RawValue;

use crate::codec::join;
use crate::event::Envelope;
use crate::{Code, Rejection, limits};

/// Classifies an error of syntax at a path.
pub(super) fn syntax(error: &Error, path: &[String]) -> Rejection {
    let text = error.to_string();
    let field = (!path.is_empty()).then(|| path.join("."));
    let place = match &field {
        // A path into thousands of brackets helps nobody.
        Some(field) if field.len() <= 256 => format!("`{field}`"),
        _ => format!(
            "the text at line {} column {}",
            error.line(),
            error.column()
        ),
    };
    let field = field.filter(|field| field.len() <= 256);
    if text.starts_with("recursion limit exceeded") {
        return Rejection {
            code: Code::TooDeep,
            field: None,
            message: format!(
                "arrays and objects are nested deeper than {} levels",
                limits::DEPTH
            ),
            limit: Some(format!("{} levels", limits::DEPTH)),
        };
    }
    let of_encoding = ["surrogate", "hex escape", "unicode code point"];
    let (code, message) = if of_encoding.iter().any(|part| text.contains(part)) {
        (
            Code::InvalidEncoding,
            format!("{place} has an escape that is no Unicode character"),
        )
    } else if text.starts_with("number out of range") {
        (
            Code::InvalidField,
            format!("{place} is a number beyond what 64 bits can hold"),
        )
    } else if text.starts_with("invalid type") {
        return Rejection::whole(Code::InvalidJson, "an array of events is expected");
    } else {
        let (line, column) = (error.line(), error.column());
        let what = text.split(" at line ").next().unwrap_or_default();
        (
            Code::InvalidJson,
            format!("not JSON at line {line} column {column}: {what}"),
        )
    };
    Rejection {
        code,
        field,
        message,
        limit: None,
    }
}

/// Classifies an error of an envelope's attribute; the text is read once more to find which.
pub(super) fn envelope(text: &[u8], error: &Error) -> Rejection {
    if !error.is_data() {
        return syntax(error, &[]);
    }
    let expected = expectation(error);
    let mut reader = serde_json::Deserializer::from_slice(text);
    let found = serde_path_to_error::deserialize::<_, Envelope<'_>>(&mut reader);
    let path = found.err().map(|error| error.path().to_string());
    match path.filter(|path| !path.is_empty() && path != ".") {
        Some(path) => {
            let message = format!("`{path}` has the wrong type or value: {expected}");
            Rejection::field(Code::InvalidEnvelope, path, message)
        }
        None => Rejection::whole(
            Code::InvalidEnvelope,
            format!("the envelope has the wrong type: {expected}"),
        ),
    }
}

/// Classifies an error of the payload at a path below `data`.
pub(super) fn data(path: &str, error: &Error) -> Rejection {
    let text = error.to_string();
    let named = |text: &str| text.split('`').nth(1).unwrap_or_default().to_owned();
    if text.starts_with("missing field") {
        return Rejection::missing(join("data", &join(path, &named(&text))));
    }
    let field = join("data", path);
    let message = if text.starts_with("unknown variant") {
        let allowed = text.split("expected ").nth(1).unwrap_or_default();
        let allowed = allowed.split(" at line ").next().unwrap_or_default();
        format!("`{field}` is not allowed; it must be {allowed}")
    } else {
        format!(
            "`{field}` has the wrong type or value: {}",
            expectation(error)
        )
    };
    Rejection::field(Code::InvalidField, field, message)
}

/// Returns the part of the parser's message that says what is expected.
fn expectation(error: &Error) -> String {
    let text = error.to_string();
    match text.split(", expected ").nth(1) {
        Some(rest) => format!(
            "expected {}",
            rest.split(" at line ").next().unwrap_or_default()
        ),
        None => "see the schema of this type".to_owned(),
    }
}

/// Reads id, source and type of a broken event as far as they can be read.
pub(super) fn peek(text: &str) -> (Option<String>, Option<String>, Option<String>) {
    #[derive(Deserialize)]
    struct Peek<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
        #[serde(borrow)]
        source: Option<&'a RawValue>,
        #[serde(borrow, rename = "type")]
        kind: Option<&'a RawValue>,
    }
    let Ok(peek) = serde_json::from_str::<Peek<'_>>(text) else {
        return (None, None, None);
    };
    let read = |raw: Option<&RawValue>| {
        raw.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok())
            .filter(|text| text.len() <= limits::URI_BYTES)
    };
    (read(peek.id), read(peek.source), read(peek.kind))
}
