//! A record as bytes, and the events in it.

use bytes::{BufMut as _, Bytes, BytesMut};
use serde::Deserialize;
use stoa_journal::{Entry, Record};
use stoa_proto::{AuthorSanctioned, Data, Event, Exchange, Kind, Outgoing, Time};

use super::{Change, ERASURE, NoteWords, Reasons, Stated};
use crate::scorers::Scores;
use crate::statement::texts::Written;

/// The rules decided, or what another system had decided was taken over.
pub(crate) const DECIDED: u8 = 1;
/// A moderator decided.
pub(crate) const REVIEWED: u8 = 2;
/// Something else became known: an article, a withdrawal, a report, an appeal.
pub(crate) const FACT: u8 = 3;
/// A rule is watched, its breaker opened, or was reset.
pub(crate) const BREAKER: u8 = 4;

/// The rules decided because a request over HTTP asked them to.
pub(crate) const ANSWERED: u8 = 5;
/// A moderator sanctioned an author, or lifted a sanction.
pub(crate) const SANCTIONED: u8 = 6;
/// A moderator did something at a case without deciding it, or decided many in one go.
pub(crate) const HANDLED: u8 = 8;
/// A moderator's decision was undone.
pub(crate) const UNDONE: u8 = 9;

/// A record that this version can't read.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "record {seq} of kind {kind} can't be read: it was written by a newer version, use that one"
)]
pub(crate) struct Unreadable {
    seq: u64,
    kind: u8,
}

impl Unreadable {
    pub(super) fn new(record: &Record) -> Self {
        Self {
            seq: record.seq,
            kind: record.kind,
        }
    }
}

/// A record, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// What it changes.
    pub(crate) change: Change,
    /// What the statement of reasons rests on, if it restricts somebody.
    pub(crate) reasons: Option<Reasons>,
    /// The event that led to it, as it came; empty for a moderator's action.
    pub(crate) input: Bytes,
    /// The events that follow from it.
    pub(crate) outputs: Vec<Bytes>,
}

impl Stored {
    /// Makes the record of a change that no event led to, and from which none follows.
    pub(crate) fn of(change: Change) -> Self {
        let (change, reasons) = match change {
            Change::Stated(stated) => (stated.change, Some(stated.reasons)),
            change => (change, None),
        };
        Self {
            change,
            reasons,
            input: Bytes::new(),
            outputs: Vec::new(),
        }
    }

    /// Returns the journal entry.
    pub(crate) fn entry(&self) -> Result<Entry, postcard::Error> {
        let change = match &self.reasons {
            None => postcard::to_stdvec(&self.change)?,
            Some(reasons) => {
                let (change, reasons) = (self.change.clone(), reasons.clone());
                postcard::to_stdvec(&Change::Stated(Box::new(Stated { change, reasons })))?
            }
        };
        let outputs: usize = self.outputs.iter().map(|body| body.len() + 4).sum();
        let mut payload = BytesMut::with_capacity(change.len() + self.input.len() + outputs + 8);
        for part in [change.as_slice(), &self.input]
            .into_iter()
            .chain(self.outputs.iter().map(|body| &body[..]))
        {
            payload.put_u32_le(u32::try_from(part.len()).unwrap_or(u32::MAX));
            payload.put_slice(part);
        }
        let kind = match &self.change {
            Change::Answered(_) => ANSWERED,
            Change::Spoken(spoken) if spoken.asked => ANSWERED,
            Change::Decided(_)
            | Change::Remembered(_)
            | Change::Imported(_)
            | Change::Spoken(_) => DECIDED,
            Change::ReportedFor(report) if report.decided.is_some() => DECIDED,
            Change::Reviewed(_) => REVIEWED,
            Change::Sanctioned(_) => SANCTIONED,
            Change::Handled(_) | Change::Bulked(_) => HANDLED,
            Change::Undone(_) => UNDONE,
            Change::Breaker(_) => BREAKER,
            _ => FACT,
        };
        Ok(Entry {
            kind,
            payload: payload.freeze(),
        })
    }

    /// Reads a record; `None` if it was redacted, or keeps what others changed that were.
    pub(crate) fn read(record: &Record) -> Result<Option<Self>, Unreadable> {
        if record.redacted || record.kind == ERASURE {
            return Ok(None);
        }
        let unreadable = || Unreadable::new(record);
        if !matches!(record.kind, DECIDED..=SANCTIONED | HANDLED | UNDONE) {
            return Err(unreadable());
        }
        let mut rest = record.payload.clone();
        let mut parts = Vec::with_capacity(4);
        while !rest.is_empty() {
            parts.push(take_part(&mut rest).ok_or_else(unreadable)?);
        }
        let mut parts = parts.into_iter();
        let change = parts.next().ok_or_else(unreadable)?;
        let change = postcard::from_bytes(&change).map_err(|_| unreadable())?;
        Ok(Some(Self {
            input: parts.next().unwrap_or_default(),
            outputs: parts.collect(),
            ..Self::of(change)
        }))
    }

    /// Returns the event that brought the comment, if the record is that of a decision about one.
    pub(crate) fn submission(&self) -> Option<Event> {
        let event = Event::from_json(&self.input).ok()?;
        matches!(
            event.data,
            Data::CommentSubmitted(_) | Data::CommentEdited(_)
        )
        .then_some(event)
    }

    /// Returns when ingest recorded the event that led to it, in microseconds since 1970.
    pub(crate) fn recorded(&self) -> Option<i64> {
        let event = Event::from_json(&self.input).ok()?;
        event.recordedtime.as_ref().map(Time::micros)
    }

    /// Returns the scores that the decision among the outputs rests on.
    pub(crate) fn scores(&self) -> Scores {
        let decision = self.decision();
        let scores = decision
            .as_ref()
            .and_then(|decision| decision.extra.get("scores"));
        let scores = scores.and_then(serde_json::Value::as_object);
        scores
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.as_str().into(), value.as_f64()?)))
            .collect()
    }

    /// Returns what an author was put under, among the outputs.
    pub(crate) fn sanctioned(&self) -> Option<AuthorSanctioned> {
        self.outputs
            .iter()
            .find_map(|body| match Event::from_json(body).ok()?.data {
                Data::AuthorSanctioned(sanctioned) => Some(sanctioned),
                _ => None,
            })
    }

    /// Returns the words of the note that led to it, if one did.
    pub(crate) fn note(&self) -> Option<NoteWords> {
        matches!(self.change, Change::Handled(_))
            .then(|| serde_json::from_slice(&self.input).ok())
            .flatten()
    }

    /// Returns the texts of statements that it holds, if it holds some.
    pub(crate) fn texts(&self) -> Option<Written> {
        matches!(self.change, Change::Texted(_))
            .then(|| serde_json::from_slice(&self.input).ok())
            .flatten()
    }

    /// Returns the events that follow from the record, ready to publish.
    pub(crate) fn outgoing(&self) -> Vec<Outgoing> {
        self.outputs.iter().flat_map(outgoing).collect()
    }

    /// Returns the decision among the outputs as it was written: a JSON object.
    pub(crate) fn decision_json(&self) -> Option<&str> {
        self.outputs.iter().find_map(|body| decision_data(body))
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

pub(super) fn take_part(rest: &mut Bytes) -> Option<Bytes> {
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

/// Returns where an event of ours goes: decisions, sanctions and what became of appeals to the
/// archive and to platforms, cases to the archive.
fn exchanges(kind: Kind) -> &'static [Exchange] {
    match kind {
        Kind::CommentDecided | Kind::AuthorSanctioned | Kind::AppealResolved => {
            &[Exchange::Outcomes, Exchange::Decisions]
        }
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
            reasons: None,
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
