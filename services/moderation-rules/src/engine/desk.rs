//! What moderators do at a case without deciding it: claims, notes and escalations, from a request
//! to a record.

use bytes::Bytes;
use stoa_proto::ids;

use super::review::{Moderator, ReviewError};
use super::{DeskOutcome, Parts};
use crate::record::{Change, Handled, Handling, NoteWords, Stored};
use crate::view::State;
use crate::view::rows::CaseRow;

/// Notes of a case.
pub(crate) const MAX_NOTES: usize = 200;

/// What a moderator wants to do.
#[derive(Clone, Debug)]
pub(crate) struct Acting {
    pub(crate) case: String,
    pub(crate) moderator: Moderator,
    pub(crate) act: Act,
    /// What the request calls itself, so that two notes alike can be told apart.
    pub(crate) key: Option<String>,
}

/// What is done at a case.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Works on it alone for so many microseconds.
    Claim { lease: i64 },
    /// Gives it back.
    Release,
    /// Writes a note.
    Note(String),
    /// Has it looked at before others, with a note or without.
    Escalate(Option<String>),
    /// Ends that.
    Calm,
}

/// What comes of it.
enum Judgement {
    New(Handling, Option<String>),
    /// The case is as it is to be; a note that was written before has a record.
    Same(Option<u64>),
}

impl Parts {
    /// Writes down what a moderator does at a case, and returns the record, if there is one.
    pub(super) async fn act(&self, acting: Acting) -> anyhow::Result<DeskOutcome> {
        let mut state = State::new(&self.index);
        let Some(case) = state.case(&acting.case)? else {
            return Ok(Err(ReviewError::NotFound));
        };
        let at = self.clock.micros();
        let row = state.comment(&case.site, &case.comment)?;
        if row.is_some_and(|row| row.erased_seq.is_some()) {
            return Ok(Err(ReviewError::Erased));
        }
        let (what, text) = match self.consider(&acting, &case, at)? {
            Ok(Judgement::New(what, text)) => (what, text),
            Ok(Judgement::Same(seq)) => return Ok(Ok(seq)),
            Err(error) => return Ok(Err(error)),
        };
        let words = text.map(|text| NoteWords {
            site: case.site.clone(),
            comment: case.comment.clone(),
            author: case.author.clone(),
            text,
        });
        let words = words.as_ref().map(serde_json::to_vec).transpose()?;
        let stored = Stored {
            change: Change::Handled(Handled {
                about: case.about(),
                case: acting.case,
                moderator: acting.moderator.name,
                what,
                at,
            }),
            reasons: None,
            input: words.map(Bytes::from).unwrap_or_default(),
            outputs: Vec::new(),
        };
        let seq = self.journal.next();
        state.take(seq, &stored)?;
        self.commit(vec![stored.entry()?], state).await?;
        Ok(Ok(Some(seq)))
    }

    fn consider(
        &self,
        acting: &Acting,
        case: &CaseRow,
        at: i64,
    ) -> anyhow::Result<Result<Judgement, ReviewError>> {
        let is_new = |what| Ok(Judgement::New(what, None));
        let same = Ok(Judgement::Same(None));
        let closed = case.closed.is_some();
        let refused = || Err(ReviewError::Closed(Box::new(case.clone())));
        Ok(match &acting.act {
            Act::Claim { .. } | Act::Escalate(_) if closed => refused(),
            Act::Claim { lease } => acting.moderator.may_act(case, at).and_then(|()| {
                is_new(Handling::Claimed {
                    until: at.saturating_add(*lease),
                })
            }),
            Act::Release => match case.assignee(at) {
                None => same,
                Some(_) => acting
                    .moderator
                    .may_act(case, at)
                    .and_then(|()| is_new(Handling::Released)),
            },
            Act::Note(text) => self.note(acting, text)?.map(|note| match note {
                Note::New(fingerprint) => {
                    Judgement::New(Handling::Noted { fingerprint }, Some(text.clone()))
                }
                Note::Same(seq) => Judgement::Same(Some(seq)),
            }),
            Act::Escalate(None) if case.escalated.is_some() => same,
            Act::Escalate(None) => is_new(Handling::Escalated { note: None }),
            Act::Escalate(Some(text)) => self.note(acting, text)?.map(|note| match note {
                Note::Same(seq) if case.escalated.is_some() => Judgement::Same(Some(seq)),
                Note::Same(_) => Judgement::New(Handling::Escalated { note: None }, None),
                Note::New(fingerprint) if case.escalated.is_some() => {
                    Judgement::New(Handling::Noted { fingerprint }, Some(text.clone()))
                }
                Note::New(fingerprint) => {
                    let note = Some(fingerprint);
                    Judgement::New(Handling::Escalated { note }, Some(text.clone()))
                }
            }),
            Act::Calm if case.escalated.is_none() => same,
            Act::Calm => is_new(Handling::Calmed),
        })
    }

    /// Finds the note that the same request wrote before: the last one, or the one that the
    /// request calls by its key.
    fn note(&self, acting: &Acting, text: &str) -> anyhow::Result<Result<Note, ReviewError>> {
        let key = acting.key.as_deref().unwrap_or_default();
        let fingerprint = ids::derive("n-", &[&acting.moderator.name, text, key]);
        let notes = self.index.notes(&acting.case)?;
        let looked = if key.is_empty() { 1 } else { MAX_NOTES };
        let mut last = notes.iter().rev().take(looked);
        if let Some((seq, _)) = last.find(|(_, known)| *known == fingerprint) {
            return Ok(Ok(Note::Same(*seq)));
        }
        if notes.len() >= MAX_NOTES {
            return Ok(Err(ReviewError::Full));
        }
        Ok(Ok(Note::New(fingerprint)))
    }
}

/// A note that is to be written, or the record of the one that was.
enum Note {
    New(String),
    Same(u64),
}
