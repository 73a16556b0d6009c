//! Messages taken apart into events that need not be readable as a whole.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Message, Mode, STRUCTURED, attribute};

/// What names a thread.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ThreadKey {
    /// The site's id.
    pub site: String,
    /// The thread's id, which is its article's.
    pub thread: String,
}

impl fmt::Display for ThreadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.site, self.thread)
    }
}

/// An event as a message of its own, with what names it as far as that can be told.
///
/// The event may be of a version that is not known, or be refused for another reason.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// The event alone.
    pub message: Message,
    /// Its thread; none for events about authors and for what can't be read.
    pub thread: Option<ThreadKey>,
    /// Its id.
    pub id: Option<String>,
    /// Its source; the id is unique for it.
    pub source: Option<String>,
    /// Its type.
    pub kind: Option<String>,
}

impl Part {
    /// Makes the one part of a message that is not taken apart.
    pub fn whole(message: Message) -> Self {
        Self {
            message,
            ..Self::default()
        }
    }
}

#[derive(Deserialize)]
struct Glance<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    source: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Place<'a> {
    #[serde(borrow)]
    site: Cow<'a, str>,
    #[serde(borrow)]
    article: Cow<'a, str>,
}

/// Takes a message apart into its events, in order; a batch that can't be split is one part.
pub fn split(message: &Message) -> Vec<Part> {
    let body = &message.body;
    match Mode::of(message) {
        Some(Mode::Batch) => {
            let Ok(events) = serde_json::from_slice::<Vec<&RawValue>>(body) else {
                return vec![Part::whole(message.clone())];
            };
            let alone = |event: &RawValue| Message {
                content_type: Some(STRUCTURED.to_owned()),
                body: body.slice_ref(event.get().as_bytes()),
                headers: message.headers.clone(),
                garbled: message.garbled.clone(),
            };
            events
                .into_iter()
                .map(|event| structured(alone(event)))
                .collect()
        }
        Some(Mode::Binary) => vec![binary(message.clone())],
        Some(Mode::Structured) | None => vec![structured(message.clone())],
    }
}

fn structured(message: Message) -> Part {
    let Ok(glance) = serde_json::from_slice::<Glance<'_>>(&message.body) else {
        return Part::whole(message);
    };
    let owned = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
    Part {
        thread: glance.data.and_then(|data| thread(data.get().as_bytes())),
        id: owned(glance.id),
        source: owned(glance.source),
        kind: owned(glance.kind),
        message,
    }
}

fn binary(message: Message) -> Part {
    let find = |wanted: &str| {
        let mut headers = message.headers.iter();
        headers.find_map(|(name, value)| {
            let name = attribute(name)?;
            name.eq_ignore_ascii_case(wanted).then(|| value.clone())
        })
    };
    Part {
        thread: thread(&message.body),
        id: find("id"),
        source: find("source"),
        kind: find("type"),
        message,
    }
}

/// Reads which thread an event's data is about.
fn thread(data: &[u8]) -> Option<ThreadKey> {
    let place: Place<'_> = serde_json::from_slice(data).ok()?;
    Some(ThreadKey {
        site: place.site.into_owned(),
        thread: place.article.into_owned(),
    })
}

/// Joins events that were taken apart to one message again.
pub fn join(parts: &[Part]) -> Message {
    let bodies: Vec<Bytes> = parts.iter().map(|part| part.message.body.clone()).collect();
    match parts {
        [one] => one.message.clone(),
        _ => Message {
            content_type: Some(super::BATCH.to_owned()),
            body: super::batch(&bodies),
            ..parts
                .first()
                .map(|part| part.message.clone())
                .unwrap_or_default()
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(part: &Part) -> [Option<String>; 4] {
        [
            part.id.clone(),
            part.source.clone(),
            part.kind.clone(),
            part.thread.as_ref().map(ToString::to_string),
        ]
    }

    fn message(content_type: &str, body: &str) -> Message {
        Message {
            content_type: Some(content_type.to_owned()),
            body: body.to_owned().into(),
            ..Message::default()
        }
    }

    fn some<const N: usize>(texts: [&str; N]) -> [Option<String>; N] {
        texts.map(|text| Some(text.to_owned()))
    }

    #[test]
    fn an_event_of_an_unknown_version_is_named() {
        let body = json!({
            "specversion": "1.0", "id": "e-1", "source": "/s", "type": "stoa.comment.submitted.v2",
            "data": {"article": "a-1", "new": {"deep": []}, "site": "courrier"},
        });
        let parts = split(&message(STRUCTURED, &body.to_string()));
        assert_eq!(parts.len(), 1);
        assert_eq!(
            named(&parts[0]),
            some(["e-1", "/s", "stoa.comment.submitted.v2", "courrier/a-1"])
        );
    }

    #[test]
    fn a_batch_is_taken_apart_byte_for_byte_and_joined_again() {
        let events = [
            r#"{ "id":"1","data":{"site":"s","article":"a"} }"#,
            r#"{"id":"2","data":{"site":"s","author":"u"}}"#,
            "17",
        ];
        let body = format!("[{}]", events.join(","));
        let parts = split(&message(super::super::BATCH, &body));
        let bodies: Vec<&[u8]> = parts.iter().map(|part| &*part.message.body).collect();
        assert_eq!(bodies, events.map(str::as_bytes));
        assert_eq!(parts[0].thread.as_ref().unwrap().to_string(), "s/a");
        assert_eq!(named(&parts[1])[3], None, "authors have no thread");
        assert_eq!(named(&parts[2]), [const { None }; 4]);
        assert_eq!(join(&parts).body, body);
        assert_eq!(Mode::of(&join(&parts)), Some(Mode::Batch));
        assert_eq!(join(&parts[..1]).body, events[0]);
    }

    #[test]
    fn attributes_in_headers_name_an_event() {
        let headers = [("ce-id", "e-1"), ("CE-Source", "/s"), ("ce_type", "t")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let parts = split(&Message {
            headers: headers.to_vec(),
            ..message("application/json", r#"{"site":"s","article":"a"}"#)
        });
        assert_eq!(named(&parts[0]), some(["e-1", "/s", "t", "s/a"]));
    }

    #[test]
    fn what_cannot_be_read_is_one_part_without_a_name() {
        for (content_type, body) in [
            (STRUCTURED, "{"),
            (super::super::BATCH, "[{]"),
            ("text/plain", "no event"),
            (STRUCTURED, r#"{"id":1,"data":{"site":"s","article":"a"}}"#),
        ] {
            let parts = split(&message(content_type, body));
            assert_eq!(parts.len(), 1, "{body}");
            assert_eq!(named(&parts[0]), [const { None }; 4], "{body}");
            assert_eq!(parts[0].message.body, body);
        }
    }

    #[test]
    fn the_thread_of_an_event_is_the_one_that_it_tells_itself() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/v1");
        let mut n_checked = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let body = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let Ok(event) = crate::Event::from_json(body.as_bytes()) else {
                continue;
            };
            let thread = event.thread().map(|thread| ThreadKey {
                site: event.site().to_owned(),
                thread: thread.to_owned(),
            });
            assert_eq!(
                split(&message(STRUCTURED, &body))[0].thread,
                thread,
                "{body}"
            );
            n_checked += 1;
        }
        assert!(n_checked >= 10, "{n_checked}");
    }
}
