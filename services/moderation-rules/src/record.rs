//! The records of the journal.
//!
//! A record has three parts, each with its length before it (`u32`, little endian): what it changes
//! ([`Change`], postcard), the event that led to it (JSON; empty for a moderator's action), and the
//! events that follow from it (JSON, any number).
//! The change alone rebuilds the view; the events are what is read and published again, letter for
//! letter.
//!
//! **Invariant:** a change holds ids, times, counts and labels, and no words; so the events can be
//! erased and the change kept, in a record without events.
//! Fields of a change are never added or moved within one record kind: another shape is another
//! kind.

use bytes::{BufMut as _, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use stoa_journal::{Entry, Record};
use stoa_proto::{Data, Event, Exchange, Kind, Outgoing, Time, Verdict};

/// The rules decided.
pub(crate) const DECIDED: u8 = 1;
/// A moderator decided.
pub(crate) const REVIEWED: u8 = 2;
/// Something else became known: an article, a withdrawal, a report, an appeal.
pub(crate) const FACT: u8 = 3;
/// A rule is watched, its breaker opened, or was reset.
pub(crate) const BREAKER: u8 = 4;

/// The rules decided because a request over HTTP asked them to.
pub(crate) const ANSWERED: u8 = 5;

/// A record that this version can't read.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "record {seq} of kind {kind} can't be read: it was written by a newer version, use that one"
)]
pub(crate) struct Unreadable {
    seq: u64,
    kind: u8,
}

/// What a record changes in the view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Change {
    /// The rules decided one revision of a comment.
    Decided(Decided),
    /// A moderator decided a case.
    Reviewed(Reviewed),
    /// An article is known, changed or gone, as earlier versions wrote it.
    Article {
        site: String,
        article: String,
        published_at: Option<i64>,
        removed: bool,
    },
    /// The author took a comment back.
    Withdrawn { about: About, at: i64, case: Step },
    /// A reader reported a comment.
    Reported {
        about: About,
        report: String,
        at: i64,
        case: Step,
    },
    /// The author appealed.
    Appealed {
        about: About,
        appeal: String,
        at: i64,
        case: Step,
    },
    /// Something happened to a rule's breaker.
    Breaker(Breaker),
    /// The rules decided, and something of the comment is remembered for the next ones.
    Remembered(Box<Remembered>),
    /// An article with tags is known, changed or gone, as earlier versions wrote it.
    Tagged {
        site: String,
        article: String,
        published_at: Option<i64>,
        removed: bool,
        tags: Vec<String>,
    },
    /// The rules decided because a request over HTTP asked them to: what follows is published from
    /// here.
    Answered(Box<Remembered>),
    /// An article is known, changed or gone; what ingest recorded earlier changes it no more.
    Version {
        site: String,
        article: String,
        published_at: Option<i64>,
        removed: bool,
        tags: Vec<String>,
        recorded: Option<i64>,
    },
}

impl Change {
    /// Returns what the rules decided, if it is a decision of theirs.
    pub(crate) fn decided(&self) -> Option<&Decided> {
        match self {
            Self::Decided(decided) => Some(decided),
            Self::Remembered(remembered) | Self::Answered(remembered) => Some(&remembered.decided),
            _ => None,
        }
    }

    /// Returns the site that it is about; a rule is of all sites, and has none.
    pub(crate) fn site(&self) -> &str {
        match self {
            Self::Decided(decided) => &decided.about.site,
            Self::Reviewed(reviewed) => &reviewed.about.site,
            Self::Remembered(remembered) | Self::Answered(remembered) => {
                &remembered.decided.about.site
            }
            Self::Article { site, .. } | Self::Tagged { site, .. } | Self::Version { site, .. } => {
                site
            }
            Self::Breaker(_) => "",
            Self::Withdrawn { about, .. }
            | Self::Reported { about, .. }
            | Self::Appealed { about, .. } => &about.site,
        }
    }
}

/// What the rules decided, and what the next comments are judged with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    pub(crate) decided: Decided,
    /// What it adds to the rule set's counters.
    pub(crate) counters: Vec<stoa_rules::Update>,
    /// What its text is compared by.
    pub(crate) print: Option<stoa_rules::Print>,
}

/// The comment that a change is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) site: String,
    pub(crate) article: String,
    pub(crate) comment: String,
}

/// What the rules decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decided {
    pub(crate) about: About,
    pub(crate) author: String,
    pub(crate) parent: Option<String>,
    pub(crate) depth: Option<u32>,
    pub(crate) revision: u32,
    pub(crate) submitted_at: i64,
    pub(crate) verdict: Verdict,
    pub(crate) decision: String,
    pub(crate) labels: Vec<String>,
    /// The rules that fired and acted.
    pub(crate) rules: Vec<String>,
    /// The rules that fired without acting.
    pub(crate) shadow: Vec<String>,
    pub(crate) case: Step,
    pub(crate) at: i64,
}

/// Something happened to a rule's breaker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Breaker {
    pub(crate) rule: String,
    /// The hash of the rule's content: another one is another rule.
    pub(crate) content: String,
    pub(crate) what: Switch,
    pub(crate) at: i64,
}

/// What happened to a rule's breaker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Switch {
    /// The rule is new or changed: its hits are counted from here.
    Watched,
    /// It hit too much: its rejections become holds.
    Opened { hits: u64, comments: u64 },
    /// Somebody looked, and it rejects again: its hits are counted from here.
    Reset { by: String },
}

/// What a moderator decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reviewed {
    pub(crate) about: About,
    pub(crate) case: String,
    pub(crate) revision: u32,
    pub(crate) verdict: Verdict,
    pub(crate) decision: String,
    pub(crate) moderator: String,
    /// Tells whether a second request asks for the same.
    pub(crate) fingerprint: String,
    pub(crate) at: i64,
}

/// What happens to the comment's case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Step {
    /// Nothing.
    None,
    /// It is opened, or opened again.
    Open { reason: Opening, priority: i64 },
    /// It stays open, at another priority or about a newer revision.
    Keep { priority: i64 },
    /// It is closed without a moderator.
    Close { reason: Closing },
}

/// Why a case is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Opening {
    /// The rules held the comment.
    Rules,
    /// A reader reported it.
    Reported,
    /// The author appealed.
    Appeal,
}

impl Opening {
    /// Returns the name that events use.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Reported => "reported",
            Self::Appeal => "appeal",
        }
    }

    /// Returns the priority that a case begins with.
    pub(crate) fn priority(self) -> i64 {
        match self {
            Self::Rules => 10,
            Self::Reported => 20,
            Self::Appeal => 30,
        }
    }
}

/// Why a case is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Closing {
    /// A moderator decided.
    Decided,
    /// The author took the comment back.
    Withdrawn,
    /// A newer revision needs nobody.
    Superseded,
}

impl Closing {
    /// Returns the name that events use.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Decided => "decided",
            Self::Withdrawn => "withdrawn",
            Self::Superseded => "superseded",
        }
    }
}

/// A record, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// What it changes.
    pub(crate) change: Change,
    /// The event that led to it, as it came; empty for a moderator's action.
    pub(crate) input: Bytes,
    /// The events that follow from it.
    pub(crate) outputs: Vec<Bytes>,
}

impl Stored {
    /// Returns the journal entry.
    pub(crate) fn entry(&self) -> Result<Entry, postcard::Error> {
        let change = postcard::to_stdvec(&self.change)?;
        let outputs: usize = self.outputs.iter().map(|body| body.len() + 4).sum();
        let mut payload = BytesMut::with_capacity(change.len() + self.input.len() + outputs + 8);
        for part in [change.as_slice(), &self.input]
            .into_iter()
            .chain(self.outputs.iter().map(|body| &body[..]))
        {
            payload.put_u32_le(u32::try_from(part.len()).unwrap_or(u32::MAX));
            payload.put_slice(part);
        }
        let kind = match self.change {
            Change::Decided(_) | Change::Remembered(_) => DECIDED,
            Change::Answered(_) => ANSWERED,
            Change::Reviewed(_) => REVIEWED,
            Change::Breaker(_) => BREAKER,
            _ => FACT,
        };
        Ok(Entry {
            kind,
            payload: payload.freeze(),
        })
    }

    /// Reads a record; `None` if it was redacted.
    pub(crate) fn read(record: &Record) -> Result<Option<Self>, Unreadable> {
        if record.redacted {
            return Ok(None);
        }
        let unreadable = || Unreadable {
            seq: record.seq,
            kind: record.kind,
        };
        if !matches!(record.kind, DECIDED | REVIEWED | FACT | BREAKER | ANSWERED) {
            return Err(unreadable());
        }
        let mut rest = record.payload.clone();
        let mut parts = Vec::with_capacity(4);
        while !rest.is_empty() {
            parts.push(take_part(&mut rest).ok_or_else(unreadable)?);
        }
        let mut parts = parts.into_iter();
        let change = parts.next().ok_or_else(unreadable)?;
        Ok(Some(Self {
            change: postcard::from_bytes(&change).map_err(|_| unreadable())?,
            input: parts.next().unwrap_or_default(),
            outputs: parts.collect(),
        }))
    }

    /// Returns the events that follow from the record, ready to publish.
    pub(crate) fn outgoing(&self) -> Vec<Outgoing> {
        self.outputs.iter().flat_map(outgoing).collect()
    }

    /// Returns the decision among the outputs as it was written: a JSON object.
    pub(crate) fn decision_json(&self) -> Option<&str> {
        self.outputs.iter().find_map(|body| decision_data(body))
    }

    /// Returns when ingest recorded the event that led to it, in microseconds since 1970.
    pub(crate) fn recorded(&self) -> Option<i64> {
        let event = Event::from_json(&self.input).ok()?;
        event.recordedtime.as_ref().map(Time::micros)
    }

    /// Returns the decision among the outputs.
    pub(crate) fn decision(&self) -> Option<stoa_proto::Decision> {
        self.outputs
            .iter()
            .find_map(|body| match Event::from_json(body).ok()?.data {
                Data::CommentDecided(decision) => Some(decision),
                _ => None,
            })
    }
}

/// Returns the payload of an event that Stoa wrote, if it is a decision.
fn decision_data(body: &[u8]) -> Option<&str> {
    #[derive(Deserialize)]
    struct Written<'a> {
        r#type: &'a str,
        #[serde(borrow)]
        data: &'a serde_json::value::RawValue,
    }
    let written: Written<'_> = serde_json::from_slice(body).ok()?;
    (written.r#type == Kind::CommentDecided.as_str()).then(|| written.data.get())
}

fn take_part(rest: &mut Bytes) -> Option<Bytes> {
    let length = rest
        .first_chunk::<4>()
        .map(|bytes| u32::from_le_bytes(*bytes))?;
    let end = usize::try_from(length).ok()?.checked_add(4)?;
    if end > rest.len() {
        return None;
    }
    let part = rest.slice(4..end);
    *rest = rest.slice(end..);
    Some(part)
}

/// Returns where an event of ours goes: decisions to the archive and to platforms, cases to the
/// archive.
fn exchanges(kind: Kind) -> &'static [Exchange] {
    match kind {
        Kind::CommentDecided => &[Exchange::Outcomes, Exchange::Decisions],
        _ => &[Exchange::Outcomes],
    }
}

/// Returns an event that was written before, ready to publish.
fn outgoing(body: &Bytes) -> Vec<Outgoing> {
    match Event::from_json(body) {
        Ok(event) => publish(&event, body),
        Err(error) => {
            tracing::error!(
                code = error.code.as_str(),
                "an event of the journal can't be read"
            );
            Vec::new()
        }
    }
}

/// Returns an event with its serialised form, ready to publish.
pub(crate) fn publish(event: &Event, body: &Bytes) -> Vec<Outgoing> {
    exchanges(event.kind())
        .iter()
        .map(|exchange| Outgoing::with_body(*exchange, event, body.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_and_a_cut_one_does_not() {
        let stored = Stored {
            change: Change::Article {
                site: "courrier".into(),
                article: "a-1".into(),
                published_at: Some(-5),
                removed: false,
            },
            input: Bytes::from_static(b"{}"),
            outputs: vec![Bytes::from_static(b"one"), Bytes::new()],
        };
        let entry = stored.entry().unwrap();
        let parts = |payload: Bytes| {
            let mut rest = payload;
            let mut parts = Vec::new();
            while !rest.is_empty() {
                parts.push(take_part(&mut rest)?);
            }
            Some(parts)
        };
        let read = parts(entry.payload.clone()).unwrap();
        assert_eq!(
            postcard::from_bytes::<Change>(&read[0]).unwrap(),
            stored.change
        );
        assert_eq!(read[1], stored.input);
        assert_eq!(read[2..], stored.outputs);
        let cut = entry.payload.slice(..entry.payload.len() - 5);
        assert!(parts(cut).is_none());
    }
}
