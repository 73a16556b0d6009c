//! Tracing: what every part of a condition answered.
//!
//! A condition that is to be traced is compiled once more with marks around its operations
//! ([`Marks`]), and the one evaluator notes what marked operations answer ([`Log`]). So a trace
//! can't differ from what happens, and conditions that judge comments have no marks.

use super::eval::Fault;
use super::functions::numbers::double_text;
use super::value::{Value, duration_text, timestamp_text};

/// Answers that are kept of one operation: in a loop it has many.
const KEPT: usize = 8;

/// Characters of a text that are shown.
const CHARS: usize = 120;

/// Elements of a list that are shown.
const ELEMENTS: usize = 20;

/// What a mark stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// How many marked operations are around it.
    pub(crate) depth: usize,
    /// Its source.
    pub(crate) source: String,
    /// The macro whose use it is.
    pub(crate) is_macro: bool,
}

/// The marks of a condition, each before those inside of it.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    pub(crate) all: Vec<Mark>,
    pub(crate) depth: usize,
}

/// What marked operations answered.
#[derive(Debug)]
pub(crate) struct Log(pub(crate) Vec<Seen>);

/// What one operation answered; nothing if it was not evaluated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The first answers, a fault as its message.
    pub(crate) answers: Vec<Result<String, String>>,
    /// How often it was evaluated.
    pub(crate) times: usize,
}

impl Log {
    pub(crate) fn new(marks: usize) -> Self {
        Self(vec![Seen::default(); marks])
    }

    pub(crate) fn note(&mut self, mark: u32, answer: &Result<Value<'_>, Fault>) {
        if let Some(seen) = self.0.get_mut(mark as usize) {
            seen.times += 1;
            if seen.answers.len() < KEPT {
                seen.answers.push(match answer {
                    Ok(value) => Ok(show(value)),
                    Err(fault) => Err(fault.to_string()),
                });
            }
        }
    }
}

/// Writes a value as the language would, shortened.
pub(crate) fn show(value: &Value<'_>) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Double(value) => {
            let text = double_text(*value);
            if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
                text + ".0"
            } else {
                text
            }
        }
        Value::Text(text) => {
            let mut shown: String = text.chars().take(CHARS).collect();
            if shown.len() < text.len() {
                shown.push('…');
            }
            format!("{shown:?}")
        }
        Value::Duration(length) => format!("duration(\"{}\")", duration_text(*length)),
        Value::Timestamp(at) => timestamp_text(*at).map_or_else(
            || format!("{at} µs since 1970"),
            |text| format!("timestamp(\"{text}\")"),
        ),
        list => {
            let mut shown: Vec<String> = list
                .elements()
                .take(ELEMENTS)
                .map(|element| show(&element))
                .collect();
            if list.len().is_some_and(|n| n > ELEMENTS) {
                shown.push("…".to_owned());
            }
            format!("[{}]", shown.join(", "))
        }
    }
}
