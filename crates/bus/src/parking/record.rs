//! What the journal of parked messages holds; `docs/journal-format.md` describes it.
//!
//! A shape never changes: what is to be different gets another kind.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stoa_journal::{Entry, Record};
use stoa_proto::codec::{Message, Part, ThreadKey};

use crate::Error;
use crate::handler::Incoming;

/// A message was parked: a head as JSON on one line, then the body as it came.
const PARKED: u8 = 1;
/// A retry of it failed.
const FAILED: u8 = 2;
/// It is done with.
const DONE: u8 = 3;

/// What is kept of a parked message besides its body.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) thread: Option<ThreadKey>,
    pub(super) id: Option<String>,
    pub(super) source: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    /// Why it was refused; none if it waits behind another.
    pub(super) reason: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) garbled: Vec<String>,
    pub(super) user_id: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Failed {
    pub(super) parked: u64,
    pub(super) reason: String,
}

/// How a parked message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum End {
    /// A retry handled it.
    Handled,
    /// Somebody dropped it.
    Dropped,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Done {
    pub(super) parked: u64,
    pub(super) end: End,
    /// Who dropped it.
    pub(super) by: Option<String>,
    /// Why it was dropped.
    pub(super) reason: Option<String>,
}

/// A record as it was read.
pub(super) enum Stored {
    Parked(Box<Head>, Bytes),
    Failed(Failed),
    Done(Done),
    /// It held words that were to be erased.
    Erased,
}

impl Head {
    pub(super) fn new(part: &Part, user_id: Option<String>, reason: Option<String>) -> Self {
        let message = &part.message;
        Self {
            thread: part.thread.clone(),
            id: part.id.clone(),
            source: part.source.clone(),
            kind: part.kind.clone(),
            reason,
            content_type: message.content_type.clone(),
            headers: message.headers.clone(),
            garbled: message.garbled.clone(),
            user_id,
        }
    }

    pub(super) fn entry(&self, body: &[u8]) -> Entry {
        let mut payload = json(self);
        payload.push(b'\n');
        payload.extend_from_slice(body);
        Entry {
            kind: PARKED,
            payload: payload.into(),
        }
    }

    /// Returns the message as its handler is given it again.
    pub(super) fn incoming(self, body: Bytes) -> Incoming {
        Incoming {
            message: Message {
                content_type: self.content_type,
                headers: self.headers,
                garbled: self.garbled,
                body,
            },
            redelivered: true,
            user_id: self.user_id,
        }
    }
}

impl Failed {
    pub(super) fn entry(&self) -> Entry {
        Entry {
            kind: FAILED,
            payload: json(self).into(),
        }
    }
}

impl Done {
    pub(super) fn entry(&self) -> Entry {
        Entry {
            kind: DONE,
            payload: json(self).into(),
        }
    }
}

impl Stored {
    pub(super) fn read(record: &Record) -> Result<Self, Error> {
        if record.redacted {
            return Ok(Self::Erased);
        }
        let payload = &record.payload;
        let wrong = |what: &str| Error::Parked {
            seq: record.seq,
            reason: what.to_owned(),
        };
        match record.kind {
            PARKED => {
                let mut parts = payload.splitn(2, |byte| *byte == b'\n');
                let (Some(head), Some(body)) = (parts.next(), parts.next()) else {
                    return Err(wrong("it has no head"));
                };
                let head = Box::new(parse(head, wrong)?);
                Ok(Self::Parked(head, payload.slice_ref(body)))
            }
            FAILED => parse(payload, wrong).map(Self::Failed),
            DONE => parse(payload, wrong).map(Self::Done),
            _ => Err(wrong("its kind is of a newer version")),
        }
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    // Only a map with keys that are not strings, or a failing writer, can make this fail; there
    // are neither.
    serde_json::to_vec(value).unwrap_or_default()
}

fn parse<T: DeserializeOwned>(json: &[u8], wrong: impl FnOnce(&str) -> Error) -> Result<T, Error> {
    serde_json::from_slice(json).map_err(|error| wrong(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(entry: Entry) -> Record {
        Record {
            seq: 7,
            time_us: 0,
            kind: entry.kind,
            length: u32::try_from(entry.payload.len()).unwrap(),
            payload: entry.payload,
            position: stoa_journal::Position { seq: 7, offset: 0 },
            redacted: false,
            salt: [0; 16],
            commitment: [0; 32],
        }
    }

    #[test]
    fn a_message_comes_back_byte_for_byte() {
        let body = b"\xff\n{\"two\": \"lines\"}\n\0";
        let part = Part {
            message: Message {
                content_type: Some("text/plain".to_owned()),
                headers: vec![("ce-id".to_owned(), "e\n1".to_owned())],
                garbled: vec!["ce-source".to_owned()],
                body: Bytes::from_static(body),
            },
            thread: Some(ThreadKey {
                site: "s".to_owned(),
                thread: "a".to_owned(),
            }),
            id: Some("e\n1".to_owned()),
            ..Part::default()
        };
        let head = Head::new(&part, Some("stoa-ingest".to_owned()), Some("no".to_owned()));
        let Stored::Parked(head, read) = Stored::read(&record(head.entry(body))).unwrap() else {
            panic!("another kind");
        };
        assert_eq!(
            (head.thread.clone(), head.id.clone()),
            (part.thread, part.id)
        );
        assert_eq!(head.reason.as_deref(), Some("no"));
        let incoming = head.incoming(read);
        assert_eq!(incoming.message.body, part.message.body);
        assert_eq!(incoming.message.headers, part.message.headers);
        assert_eq!(incoming.message.garbled, part.message.garbled);
        assert_eq!(incoming.user_id.as_deref(), Some("stoa-ingest"));
    }

    /// What version 1 wrote is read for ever: `docs/journal-format.md` has these lines.
    #[test]
    fn records_that_were_written_before_are_read() {
        let read = |kind, payload: &'static str| {
            Stored::read(&record(Entry {
                kind,
                payload: Bytes::from_static(payload.as_bytes()),
            }))
        };
        let parked = concat!(
            r#"{"thread":{"site":"courrier","thread":"a-1"},"id":"e-1","source":"/s","#,
            r#""type":"stoa.comment.submitted.v2","reason":"unsupported_version: no","#,
            r#""content_type":"application/cloudevents+json","headers":[],"garbled":[],"#,
            r#""user_id":null}"#,
            "\n{}"
        );
        let Ok(Stored::Parked(head, body)) = read(1, parked) else {
            panic!("not read");
        };
        assert_eq!(head.kind.as_deref(), Some("stoa.comment.submitted.v2"));
        assert_eq!(body, "{}");
        let Ok(Stored::Failed(failed)) = read(2, r#"{"parked":3,"reason":"no"}"#) else {
            panic!("not read");
        };
        assert_eq!((failed.parked, failed.reason.as_str()), (3, "no"));
        let done = r#"{"parked":3,"end":"dropped","by":"ada","reason":"spam"}"#;
        let Ok(Stored::Done(done)) = read(3, done) else {
            panic!("not read");
        };
        assert_eq!((done.parked, done.end), (3, End::Dropped));
        for (kind, payload) in [(1, "{}"), (2, "{}"), (3, "x"), (4, "{}")] {
            assert!(read(kind, payload).is_err(), "{kind} {payload}");
        }
    }
}
