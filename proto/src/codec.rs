//! From messages to events and back.
//!
//! Three modes are read, as in the `CloudEvents` JSON format and the AMQP and HTTP bindings:
//! structured (one event as JSON), batch (an array of them) and binary (the body is `data`, every
//! other attribute a header with the prefix `cloudEvents_`, `cloudEvents:` or `ce-`).

mod classify;
mod split;
mod strict;

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::data::Extra;
use crate::event::{Data, Envelope, Event, Kind};
use crate::trace::{TRACEPARENT, is_traceparent};
use crate::{Code, Received, Rejection, Time, limits, validate};

pub use split::{Part, ThreadKey, join as join_parts, split};

/// The content type of one event.
pub const STRUCTURED: &str = "application/cloudevents+json";

/// The content type of an array of events.
pub const BATCH: &str = "application/cloudevents-batch+json";

/// A message as a transport delivers it.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// The media type of the body, with or without parameters.
    pub content_type: Option<String>,
    /// Headers as text; names in binary mode begin with `cloudEvents_`, `cloudEvents:` or `ce-`.
    pub headers: Vec<(String, String)>,
    /// The names of headers whose bytes are not UTF-8; their text has replacement characters.
    pub garbled: Vec<String>,
    /// The bytes.
    pub body: Bytes,
}

/// An event that was refused, with what could still be read of it.
#[derive(Clone, Debug)]
pub struct Undecodable {
    /// Why.
    pub rejection: Rejection,
    /// Its id, if it could be read.
    pub id: Option<String>,
    /// Its source, if it could be read.
    pub source: Option<String>,
    /// Its type, if it could be read.
    pub kind: Option<String>,
    /// Its bytes as they came; of a batch, those of this event alone where it could be split.
    pub original: Bytes,
}

/// How a message holds events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One event as JSON.
    Structured,
    /// An array of events.
    Batch,
    /// The body is `data`, the attributes are headers.
    Binary,
}

impl Mode {
    /// Finds the mode: by content type; without one, headers with a prefix mean binary.
    pub fn of(message: &Message) -> Option<Self> {
        let media = message.content_type.as_deref().map(|text| {
            text.split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase()
        });
        match media.as_deref() {
            Some(BATCH) => Some(Self::Batch),
            Some(STRUCTURED) => Some(Self::Structured),
            Some("application/json" | "") | None => {
                let binary = message
                    .headers
                    .iter()
                    .any(|(name, _)| attribute(name).is_some());
                Some(if binary {
                    Self::Binary
                } else {
                    Self::Structured
                })
            }
            Some(_) => None,
        }
    }
}

/// Returns the attribute's name of a header in binary mode.
fn attribute(header: &str) -> Option<&str> {
    ["cloudEvents_", "cloudEvents:", "ce-", "ce_"]
        .iter()
        .find_map(|prefix| {
            let (head, name) = header.split_at_checked(prefix.len())?;
            head.eq_ignore_ascii_case(prefix).then_some(name)
        })
}

/// Reads what a platform sent: strictly, with every limit checked.
///
/// A batch is judged event by event. A batch that can't be split into events is one refusal.
///
/// An event without `traceparent` has that of the message's own header, if it is a valid one.
pub fn decode(message: &Message) -> Vec<Result<Event, Undecodable>> {
    let mut events = decode_body(message);
    let mut headers = message.headers.iter();
    let header = headers.find(|(name, _)| name.eq_ignore_ascii_case(TRACEPARENT));
    if let Some((_, traceparent)) = header.filter(|(_, text)| is_traceparent(text)) {
        for event in events.iter_mut().flatten() {
            event.traceparent.get_or_insert_with(|| traceparent.clone());
        }
    }
    events
}

fn decode_body(message: &Message) -> Vec<Result<Event, Undecodable>> {
    match Mode::of(message) {
        Some(Mode::Structured) => vec![decode_structured(&message.body)],
        Some(Mode::Batch) => decode_batch(&message.body),
        Some(Mode::Binary) => vec![decode_binary(message)],
        None => vec![Err(undecodable(
            &message.body,
            Rejection::field(
                Code::InvalidEnvelope,
                "content_type",
                format!("the content type is none of {STRUCTURED}, {BATCH}, application/json"),
            ),
        ))],
    }
}

fn undecodable(body: &Bytes, rejection: Rejection) -> Undecodable {
    Undecodable {
        rejection,
        id: None,
        source: None,
        kind: None,
        original: body.clone(),
    }
}

fn utf8(body: &[u8]) -> Result<&str, Rejection> {
    let text = std::str::from_utf8(body).map_err(|error| {
        Rejection::whole(
            Code::InvalidEncoding,
            format!(
                "the message is not UTF-8 from byte {} on",
                error.valid_up_to()
            ),
        )
    })?;
    if text.starts_with('\u{feff}') {
        return Err(Rejection::whole(
            Code::InvalidEncoding,
            "the message begins with a byte order mark, which JSON does not allow",
        ));
    }
    Ok(text)
}

fn event_size(n_bytes: usize) -> Result<(), Rejection> {
    if n_bytes > limits::EVENT_BYTES {
        return Err(Rejection {
            code: Code::TooLarge,
            field: None,
            message: format!(
                "the event has {n_bytes} bytes, the limit is {}",
                limits::EVENT_BYTES
            ),
            limit: Some(format!("{} bytes", limits::EVENT_BYTES)),
        });
    }
    Ok(())
}

fn decode_structured(body: &Bytes) -> Result<Event, Undecodable> {
    let text = event_size(body.len())
        .and_then(|()| utf8(body))
        .map_err(|rejection| undecodable(body, rejection))?;
    structured(text, body)
}

/// Reads one event; `text` is the event's part of `body`.
fn structured(text: &str, body: &Bytes) -> Result<Event, Undecodable> {
    let fail = |rejection| Undecodable {
        rejection,
        id: None,
        source: None,
        kind: None,
        original: body.slice_ref(text.as_bytes()),
    };
    event_size(text.len()).map_err(fail)?;
    let envelope = match strict::check(text).and_then(|()| {
        serde_json::from_str::<Envelope<'_>>(text)
            .map_err(|error| classify::envelope(text.as_bytes(), &error))
    }) {
        Ok(envelope) => envelope,
        Err(mut rejection) => {
            // A number or an array in the place of the event is an envelope's fault.
            if rejection.code == Code::InvalidField && rejection.field.is_none() {
                rejection.code = Code::InvalidEnvelope;
            }
            let (id, source, kind) = classify::peek(text);
            return Err(Undecodable {
                id,
                source,
                kind,
                ..fail(rejection)
            });
        }
    };
    let (id, source, kind) = (
        envelope.id.clone(),
        envelope.source.clone(),
        envelope.kind.clone(),
    );
    validate::envelope(envelope).map_err(|rejection| Undecodable {
        id,
        source,
        kind,
        ..fail(rejection)
    })
}

fn decode_batch(body: &Bytes) -> Vec<Result<Event, Undecodable>> {
    let whole = |rejection| vec![Err(undecodable(body, rejection))];
    if body.len() > limits::BATCH_BYTES {
        return whole(Rejection {
            code: Code::TooLarge,
            field: None,
            message: format!(
                "the batch has {} bytes, the limit is {}",
                body.len(),
                limits::BATCH_BYTES
            ),
            limit: Some(format!("{} bytes", limits::BATCH_BYTES)),
        });
    }
    let text = match utf8(body) {
        Ok(text) => text,
        Err(rejection) => return whole(rejection),
    };
    let events: Vec<&RawValue> = match serde_json::from_str(text) {
        Ok(events) => events,
        Err(error) => return whole(classify::syntax(&error, &[])),
    };
    if events.len() > limits::BATCH_EVENTS {
        return whole(Rejection {
            code: Code::TooLarge,
            field: None,
            message: format!(
                "the batch has {} events, the limit is {}",
                events.len(),
                limits::BATCH_EVENTS
            ),
            limit: Some(format!("{} events", limits::BATCH_EVENTS)),
        });
    }
    events
        .into_iter()
        .map(|event| structured(event.get(), body))
        .collect()
}

/// Refuses in attributes what is refused in a body.
fn check_attributes(message: &Message) -> Result<(), Rejection> {
    let refuse = |name: &str, fault: &str| {
        let name = name.to_ascii_lowercase();
        let message = format!("`{name}` {fault}");
        Err(Rejection::field(Code::InvalidEncoding, name, message))
    };
    if let Some(name) = message.garbled.iter().find_map(|name| attribute(name)) {
        return refuse(name, "is not UTF-8; send every attribute as UTF-8");
    }
    let mut attributes = message
        .headers
        .iter()
        .filter_map(|(name, value)| Some((attribute(name)?, value)));
    match attributes.find(|(_, value)| value.contains('\0')) {
        Some((name, _)) => refuse(name, "holds a NUL character; remove it"),
        None => Ok(()),
    }
}

fn decode_binary(message: &Message) -> Result<Event, Undecodable> {
    let body = &message.body;
    let find = |wanted: &str| {
        message.headers.iter().find_map(|(name, value)| {
            attribute(name)
                .filter(|name| name.eq_ignore_ascii_case(wanted))
                .map(|_| value.clone())
        })
    };
    let (id, source, kind) = (find("id"), find("source"), find("type"));
    let read = || -> Result<Event, Rejection> {
        event_size(body.len())?;
        check_attributes(message)?;
        let text = utf8(body)?;
        strict::check(text).map_err(|mut rejection| {
            rejection.field = Some(match rejection.field {
                Some(field) => format!("data.{field}"),
                None => "data".to_owned(),
            });
            rejection
        })?;
        let time = |name: &str| -> Result<Option<Time>, Rejection> {
            find(name)
                .map(|text| {
                    Time::parse(&text).map_err(|_| {
                        Rejection::field(
                            Code::InvalidEnvelope,
                            name,
                            format!("`{name}` is not an RFC 3339 date and time"),
                        )
                    })
                })
                .transpose()
        };
        let data: &RawValue =
            serde_json::from_str(text).map_err(|error| classify::syntax(&error, &[]))?;
        let mut extensions = Extra::new();
        for (name, value) in &message.headers {
            if let Some(name) = attribute(name)
                && !KNOWN.contains(&name.to_ascii_lowercase().as_str())
            {
                extensions.insert(name.to_ascii_lowercase(), value.clone().into());
            }
        }
        validate::envelope(Envelope {
            specversion: find("specversion"),
            id: id.clone(),
            source: source.clone(),
            kind: kind.clone(),
            time: time("time")?,
            subject: find("subject"),
            datacontenttype: find("datacontenttype"),
            traceparent: find("traceparent"),
            recordedtime: None,
            data: Some(data),
            extensions,
        })
    };
    read().map_err(|rejection| Undecodable {
        rejection,
        id: id.clone(),
        source: source.clone(),
        kind: kind.clone(),
        original: body.clone(),
    })
}

const KNOWN: [&str; 9] = [
    "specversion",
    "id",
    "source",
    "type",
    "time",
    "subject",
    "datacontenttype",
    "traceparent",
    "recordedtime",
];

/// Reads a message that another of Stoa's services wrote: without the checks of [`decode`].
pub fn decode_trusted(message: &Message) -> Result<Vec<Received>, Rejection> {
    let body = &message.body;
    let read = |json: Bytes| Ok(Received::new(read_trusted(&json)?, json));
    match Mode::of(message) {
        Some(Mode::Batch) => {
            let events: Vec<&RawValue> =
                serde_json::from_slice(body).map_err(|error| classify::syntax(&error, &[]))?;
            events
                .into_iter()
                .map(|event| read(body.slice_ref(event.get().as_bytes())))
                .collect()
        }
        _ => Ok(vec![read(body.clone())?]),
    }
}

/// Reads one event without the checks of [`decode`].
pub(crate) fn read_trusted(json: &[u8]) -> Result<Event, Rejection> {
    let envelope: Envelope<'_> =
        serde_json::from_slice(json).map_err(|error| classify::envelope(json, &error))?;
    validate::assemble(envelope, validate::Trust::Validated)
}

/// Joins serialised events to a batch.
pub fn batch<'a>(events: impl IntoIterator<Item = &'a Bytes>) -> Bytes {
    let mut body = vec![b'['];
    for (index, event) in events.into_iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(event);
    }
    body.push(b']');
    Bytes::from(body)
}

/// Reads a payload and names the field of what is wrong.
pub(crate) fn read_data(kind: Kind, data: &RawValue) -> Result<Data, Rejection> {
    Data::read(kind, data.get()).map_err(|_| match Data::locate(kind, data.get()) {
        Err(error) => {
            let path = error.path().to_string();
            classify::data(&path, error.inner())
        }
        Ok(()) => Rejection::field(Code::InvalidField, "data", "`data` can't be read"),
    })
}

/// Joins a path and a field's name.
pub(crate) fn join(path: &str, field: &str) -> String {
    let path: Cow<'_, str> = if path == "." {
        Cow::Borrowed("")
    } else {
        Cow::Borrowed(path)
    };
    match (path.is_empty(), field.is_empty()) {
        (true, _) => field.to_owned(),
        (_, true) => path.into_owned(),
        _ => format!("{path}.{field}"),
    }
}

#[cfg(test)]
mod tests;
