//! What an event is known by: roles tell each other by it what they hold.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::{Data, Event, Kind};
use crate::{Code, Rejection, Shard, Time, limits};

/// An event without its words: its key, whom it is about, and what tells it from others about them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Reference<'a> {
    /// The event's source.
    #[serde(borrow)]
    pub source: Cow<'a, str>,
    /// The event's id.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// The event's type.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: Kind,
    /// The site; empty for events about Stoa itself.
    #[serde(borrow, default)]
    pub site: Cow<'a, str>,
    /// The thread, which is the article's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Cow<'a, str>>,
    /// The comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<Cow<'a, str>>,
    /// The revision of the comment, if the event is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// The author, of an event about an author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Cow<'a, str>>,
    /// The report's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Cow<'a, str>>,
    /// The appeal's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appeal: Option<Cow<'a, str>>,
    /// When Stoa recorded or made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
}

impl<'a> Reference<'a> {
    /// Returns what an event is known by.
    pub fn of(event: &'a Event) -> Self {
        let revision = match &event.data {
            Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => {
                Some(comment.revision)
            }
            Data::CommentDecided(decision) => Some(decision.revision),
            _ => None,
        };
        let author = match &event.data {
            Data::AuthorUpdated(updated) => Some(&updated.author.id),
            Data::AuthorErased(erased) => Some(&erased.author),
            Data::AuthorSanctioned(sanctioned) => Some(&sanctioned.author),
            _ => None,
        };
        let report = match &event.data {
            Data::CommentReported(reported) => Some(&reported.report),
            _ => None,
        };
        let appeal = match &event.data {
            Data::DecisionAppealed(appealed) => Some(&appealed.appeal),
            _ => None,
        };
        let borrowed = |text: Option<&'a String>| text.map(|text| Cow::Borrowed(text.as_str()));
        Self {
            source: Cow::Borrowed(&event.source),
            id: Cow::Borrowed(&event.id),
            kind: event.kind(),
            site: Cow::Borrowed(event.site()),
            thread: event.thread().map(Cow::Borrowed),
            comment: event.comment().map(Cow::Borrowed),
            revision,
            author: borrowed(author),
            report: borrowed(report),
            appeal: borrowed(appeal),
            time: event.recordedtime.clone().or_else(|| event.time.clone()),
        }
    }

    /// Returns the shard: that of the thread, or of the author, or of the comment, or of the
    /// event's own id.
    pub fn shard(&self) -> Shard {
        let whom = [&self.thread, &self.author, &self.comment];
        let key = whom.into_iter().find_map(Option::as_ref);
        Shard::of(&self.site, key.unwrap_or(&self.id))
    }
}

/// The events of a question: which of them does a role not hold?
#[derive(Debug, Deserialize, ToSchema)]
pub struct Question<'a> {
    /// What the events are known by.
    #[serde(borrow)]
    pub events: Vec<Reference<'a>>,
}

impl<'a> Question<'a> {
    /// Reads a question; what it says beside is passed over.
    pub fn read(json: &'a [u8]) -> Result<Self, Rejection> {
        let question: Self = serde_json::from_slice(json)
            .map_err(|error| Rejection::whole(Code::InvalidJson, error.to_string()))?;
        let n_events = question.events.len();
        if n_events > limits::REFERENCES {
            let limit = limits::REFERENCES;
            return Err(Rejection::too_large("events", n_events, limit, "events"));
        }
        Ok(question)
    }
}

/// What a role says to a question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Held {
    /// How many events were asked about.
    pub asked: usize,
    /// The places in the question, from 0, of the events that are not held.
    pub missing: Vec<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The golden examples of every type.
    fn examples() -> impl Iterator<Item = Event> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/v1");
        let files = std::fs::read_dir(folder).unwrap();
        files.map(|file| {
            let json = std::fs::read(file.unwrap().path()).unwrap();
            Event::from_json(&json).unwrap()
        })
    }

    #[test]
    fn it_comes_back_and_has_the_events_shard() {
        let mut kinds = std::collections::BTreeSet::new();
        for event in examples() {
            let reference = Reference::of(&event);
            let json = serde_json::to_string(&reference).unwrap();
            let read: Reference<'_> = serde_json::from_str(&json).unwrap();
            assert_eq!(read, reference, "{json}");
            assert_eq!(read.shard(), event.shard(), "{json}");
            assert!(matches!(read.source, Cow::Borrowed(_)), "{json}");
            kinds.insert(event.kind());
        }
        assert_eq!(kinds.len(), Kind::ALL.len());
    }

    #[test]
    fn it_holds_no_words() {
        for event in examples() {
            let Data::CommentSubmitted(comment) = &event.data else {
                continue;
            };
            let json = serde_json::to_string(&Reference::of(&event)).unwrap();
            assert!(!json.contains(comment.body.as_str()), "{json}");
        }
    }

    #[test]
    fn a_question_that_is_too_long_or_unreadable_is_refused() {
        let event = r#"{"seq": 7, "source": "s", "id": "i", "type": "stoa.comment.submitted.v1"}"#;
        let ask = |event: &str, n: usize| format!("{{\"events\": [{}]}}", vec![event; n].join(","));
        let code = |json: &str| {
            Question::read(json.as_bytes())
                .err()
                .map(|error| error.code)
        };
        assert_eq!(code(&ask(event, 0)), None);
        assert_eq!(code(&ask(event, limits::REFERENCES)), None);
        assert_eq!(
            code(&ask(event, limits::REFERENCES + 1)),
            Some(Code::TooLarge)
        );
        let unknown = event.replace("submitted", "liked");
        assert_eq!(code(&ask(&unknown, 1)), Some(Code::InvalidJson));
        assert_eq!(code("[]"), Some(Code::InvalidJson));
    }
}
