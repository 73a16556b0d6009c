//! Bad input as data: each message with the code and the field that the contract gives it.
//!
//! [`cases`] is the table, [`naughty`] the strings; the tests send both over every way in.

mod cases;
pub mod check;
mod envelopes;
mod fields;
mod naughty;

pub use cases::{cases, oversize};
pub use naughty::{blank, normal, visible};

use serde_json::{Value, json};

/// The media type of one event.
pub const EVENT: &str = "application/cloudevents+json";
/// The media type of an array of events.
pub const BATCH: &str = "application/cloudevents-batch+json";
/// The media type of a body whose envelope is in headers.
pub const BINARY: &str = "application/json";
/// The site of every event of the table.
pub const SITE: &str = "journal";
/// The thread of every event of the table.
pub const THREAD: &str = "hostile";
/// Stands in every body and every name, and must not stand in a log.
pub const CANARY: &str = "kanarienvogel";

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Every event of it is accepted.
    Accepted,
    /// It is refused.
    Refused {
        /// The code of the contract.
        code: &'static str,
        /// The field that is named.
        field: Option<String>,
        /// The status over HTTP: 202 where the event could be told apart, else 400 or 413.
        status: u16,
    },
}

/// A message and what becomes of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is wrong with it, in a word or two.
    pub name: String,
    /// Its media type.
    pub content_type: &'static str,
    /// The envelope of binary mode, without prefixes.
    pub attributes: Vec<(&'static str, String)>,
    /// Whether it says that its body is compressed.
    pub gzip: bool,
    /// Its bytes.
    pub body: Vec<u8>,
    /// What becomes of it.
    pub expected: Expected,
}

impl Case {
    /// Makes a message that is accepted.
    pub fn good(name: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            content_type: EVENT,
            attributes: Vec::new(),
            gzip: false,
            body: body.into(),
            expected: Expected::Accepted,
        }
    }

    /// Makes a message of which the event is refused.
    pub fn bad(
        name: impl Into<String>,
        body: impl Into<Vec<u8>>,
        code: &'static str,
        field: &str,
    ) -> Self {
        let field = (!field.is_empty()).then(|| field.to_owned());
        let status = 202;
        Self {
            expected: Expected::Refused {
                code,
                field,
                status,
            },
            ..Self::good(name, body)
        }
    }

    /// Makes a message that no event can be told in.
    pub fn unreadable(
        name: impl Into<String>,
        body: impl Into<Vec<u8>>,
        code: &'static str,
        field: &str,
    ) -> Self {
        Self::bad(name, body, code, field).with_status(400)
    }

    /// Gives it another status over HTTP.
    #[must_use]
    pub fn with_status(mut self, wanted: u16) -> Self {
        if let Expected::Refused { status, .. } = &mut self.expected {
            *status = wanted;
        }
        self
    }

    /// Gives it another media type.
    #[must_use]
    pub fn with_type(self, content_type: &'static str) -> Self {
        Self {
            content_type,
            ..self
        }
    }

    /// Moves an envelope to the headers.
    #[must_use]
    pub fn with_attributes(self, attributes: &[(&'static str, &str)]) -> Self {
        let owned = |(name, value): &(&'static str, &str)| (*name, (*value).to_owned());
        Self {
            attributes: attributes.iter().map(owned).collect(),
            ..self.with_type(BINARY)
        }
    }
}

/// Makes a good event whose id, comment and body follow from a name.
pub fn event(name: &str) -> Value {
    let mut event = crate::comment(THREAD, name, None, &format!("bonjour {name} {CANARY}"));
    event["data"]["author"]["display_name"] = json!(format!("Ada {CANARY}"));
    event
}

/// Makes an event and puts a value at a place of it.
pub fn with(name: &str, pointer: &str, value: Value) -> Vec<u8> {
    put(event(name), pointer, value)
}

/// Puts a value at a place of an event.
pub fn put(mut event: Value, pointer: &str, value: Value) -> Vec<u8> {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap()[key] = value;
    event.to_string().into_bytes()
}

/// Takes a field out of an event.
pub fn without(mut event: Value, pointer: &str) -> Vec<u8> {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let object = event.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    object.remove(key).unwrap();
    event.to_string().into_bytes()
}

/// Makes an event and replaces its body, quotes included, by JSON text that no serialiser writes.
pub fn raw(name: &str, json: &str) -> Vec<u8> {
    let event = with(name, "/data/body", json!("BODY"));
    String::from_utf8(event)
        .unwrap()
        .replace("\"BODY\"", json)
        .into_bytes()
}

/// Writes a pointer as the contract names a field: `/data/body` is `data.body`.
pub fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}
