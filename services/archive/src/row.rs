//! The rows of the view: ids, status, times, counts and journal positions. No words.
//!
//! Each row lists the events that were applied to it, with a short digest of each event's id, so
//! that a repeat is found without another table.
//! A list that grows over [`SPILL`] moves to rows of its own.

use serde::{Deserialize, Serialize};
use stoa_proto::Kind;

use crate::fact::{Digest, Effect, Fact, Rank};
use crate::place::Place;
use crate::record;
use crate::redaction::{Erased, Order};
use crate::standing::{Standing, Status, effective};

/// The events that a row lists itself; more are moved to a row of their own.
pub(crate) const SPILL: usize = 256;

/// An event that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Applied {
    /// Where the event is.
    pub(crate) place: Place,
    /// The event's type, as the journal numbers it.
    pub(crate) kind: u8,
    /// The revision that it is about; 0 for none.
    pub(crate) revision: u32,
    /// Digest of `(source, id)`.
    pub(crate) event: Digest,
}

impl Applied {
    /// Returns the event's type.
    pub(crate) fn kind(&self) -> Option<Kind> {
        record::kind(self.kind)
    }
}

/// The events that were applied to a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Log {
    /// The latest, in the order of the journal.
    pub(crate) events: Vec<Applied>,
    /// How many rows of [`SPILL`] earlier ones there are.
    pub(crate) spilled: u32,
}

impl Log {
    /// Whether an event is among those that the row lists itself.
    pub(crate) fn lists(&self, event: Digest) -> bool {
        self.events.iter().any(|applied| applied.event == event)
    }

    /// Returns the first record that the list is known to begin with; 0 where earlier events are in
    /// rows of their own.
    pub(crate) fn first(&self) -> u64 {
        let first = self.events.first().filter(|_| self.spilled == 0);
        first.map_or(0, |applied| applied.place.seq)
    }

    /// Adds an event, and returns what is to be moved to a row of its own, with its number.
    fn push(&mut self, fact: &Fact, place: Place) -> Option<(u32, Vec<Applied>)> {
        let (kind, revision, event) = (record::byte(fact.kind), fact.revision, fact.event);
        self.add(Applied {
            place,
            kind,
            revision,
            event,
        })
    }

    fn add(&mut self, applied: Applied) -> Option<(u32, Vec<Applied>)> {
        let moved = (self.events.len() >= SPILL).then(|| {
            let number = self.spilled;
            self.spilled += 1;
            (number, std::mem::take(&mut self.events))
        });
        self.events.push(applied);
        moved
    }
}

/// The latest revision of a comment that was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    /// The revision.
    pub(crate) revision: u32,
    /// Which event has it.
    pub(crate) event: Digest,
    /// Where it is.
    pub(crate) place: Place,
    /// Digest of the author's id.
    pub(crate) author: Digest,
    /// Whether it stands in for a revision whose author was forgotten.
    #[serde(default)]
    pub(crate) restated: bool,
}

/// A comment.
///
/// The journal has it as JSON where the words were erased: fields may be added, with a default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CommentRow {
    /// The latest revision; absent while only events about the comment came.
    pub(crate) content: Option<Content>,
    /// The parent that the earliest revision with a parent names.
    pub(crate) parent: Option<(u32, Digest, String)>,
    /// When the earliest revision with a time was written, in microseconds since 1970.
    pub(crate) submitted: Option<(u32, i64)>,
    /// The decisions about the latest revision, and about those that may still come.
    pub(crate) decisions: Vec<Standing>,
    /// Whether its author took it back.
    pub(crate) withdrawn: bool,
    /// When votes were last counted, by which event, and their sum.
    pub(crate) score: Option<(i64, Digest, i64)>,
    /// Decisions about any revision.
    pub(crate) n_decisions: u32,
    /// Reports by readers.
    pub(crate) n_reports: u32,
    /// When the latest revision by its own time was written, in microseconds since 1970.
    pub(crate) revised: Option<i64>,
    /// What was erased of it.
    pub(crate) erased: Option<Erased>,
    /// What was applied.
    pub(crate) log: Log,
}

impl CommentRow {
    /// Returns the decision about the latest revision that stands.
    pub(crate) fn decision(&self) -> Option<&Standing> {
        effective(&self.decisions, self.content?.revision)
    }

    /// Returns what the comment is.
    pub(crate) fn status(&self) -> Status {
        if self.content.is_none() {
            return Status::Unknown;
        }
        if self.withdrawn {
            return Status::Withdrawn;
        }
        Status::of(self.decision().map(|decision| decision.verdict))
    }

    /// Returns by which time the comment is sorted; one without any comes last.
    pub(crate) fn at(&self) -> i64 {
        self.submitted.map_or(i64::MAX, |(_, at)| at)
    }

    /// Applies an event, and returns what is to be moved to a row of its own.
    pub(crate) fn apply(&mut self, fact: &Fact, place: Place) -> Option<(u32, Vec<Applied>)> {
        match &fact.effect {
            Effect::Content {
                parent,
                submitted_at,
                author,
                restated,
            } => {
                let content = Content {
                    revision: fact.revision,
                    event: fact.event,
                    place,
                    author: *author,
                    restated: *restated,
                };
                self.capture(content, parent.as_deref(), *submitted_at);
            }
            Effect::Ordered(order) => self.erase(order),
            Effect::Withdrawn => self.withdrawn = true,
            Effect::Scored { at, score } => {
                let counted = (*at, fact.event, *score);
                self.score = Some(self.score.map_or(counted, |known| known.max(counted)));
            }
            Effect::Decided(decided) => {
                self.n_decisions = self.n_decisions.saturating_add(1);
                self.decisions.push(Standing {
                    revision: fact.revision,
                    verdict: decided.verdict,
                    moderator: decided.moderator,
                    decided_at: decided.at,
                    id: decided.id,
                    supersedes: decided.supersedes,
                    place,
                });
                self.forget_old_decisions();
            }
            Effect::Reported(_) => self.n_reports = self.n_reports.saturating_add(1),
            Effect::Listed
            | Effect::Version(_)
            | Effect::Removed(_)
            | Effect::Requested(_)
            | Effect::Agreed(_)
            | Effect::Completed(_) => {}
        }
        self.log.push(fact, place)
    }

    /// Takes a report in whose record has lost its words, if it is not there; returns what is to be
    /// moved to a row of its own.
    pub(crate) fn recount(&mut self, report: Applied) -> Option<(u32, Vec<Applied>)> {
        self.n_reports = self.n_reports.saturating_add(1);
        self.log.add(report)
    }

    /// Notes that words go; built anew from a journal without them, the row is what it was then.
    fn erase(&mut self, order: &Order) {
        let kept = order.kept.as_ref();
        if let Some(row) = kept.and_then(|kept| kept.comment.as_ref()) {
            self.clone_from(row);
        }
        self.erased = Some(Erased {
            redaction: order.redaction.clone(),
            scope: order.scope,
            at: order.at,
        });
    }

    fn capture(&mut self, content: Content, parent: Option<&str>, submitted_at: Option<i64>) {
        let (revision, event) = (content.revision, content.event);
        let rank = |content: &Content| (content.revision, content.restated, content.event);
        if self
            .content
            .as_ref()
            .is_none_or(|known| rank(known) < rank(&content))
        {
            self.content = Some(content);
            self.forget_old_decisions();
        }
        if let Some(parent) = parent {
            let named = (revision, event, parent.to_owned());
            if self.parent.as_ref().is_none_or(|known| named < *known) {
                self.parent = Some(named);
            }
        }
        if let Some(at) = submitted_at {
            let written = (revision, at);
            self.revised = self.revised.max(Some(at));
            self.submitted = Some(self.submitted.map_or(written, |known| known.min(written)));
        }
    }

    /// Drops decisions about revisions that a later one has replaced; the journal has them.
    fn forget_old_decisions(&mut self) {
        let latest = self.content.map_or(0, |content| content.revision);
        self.decisions
            .retain(|decision| decision.revision >= latest);
    }
}

/// An article and its thread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ArticleRow {
    /// The latest version, and where it is.
    pub(crate) latest: Option<(Rank, Place)>,
    /// When it was last taken down, in microseconds since 1970.
    pub(crate) removed: Option<i64>,
    /// Comments that were captured.
    pub(crate) n_comments: u64,
    /// When the latest revision of a comment was written, in microseconds since 1970.
    pub(crate) last_activity: Option<i64>,
    /// What was applied.
    pub(crate) log: Log,
}

impl ArticleRow {
    /// Whether the article was taken down and not published again since.
    pub(crate) fn is_removed(&self) -> bool {
        self.removed
            .is_some_and(|at| self.latest.is_none_or(|(rank, _)| at >= rank.at))
    }

    /// Whether there is anything to show.
    pub(crate) fn is_known(&self) -> bool {
        self.latest.is_some() || self.n_comments > 0
    }

    /// Applies an event, and returns what is to be moved to a row of its own.
    pub(crate) fn apply(&mut self, fact: &Fact, place: Place) -> Option<(u32, Vec<Applied>)> {
        match fact.effect {
            Effect::Version(rank) if self.latest.is_none_or(|(known, _)| known < rank) => {
                self.latest = Some((rank, place));
            }
            Effect::Removed(at) => {
                self.removed = Some(self.removed.map_or(at, |known| known.max(at)));
            }
            _ => {}
        }
        self.log.push(fact, place)
    }

    /// Notes a revision of a comment, and counts the comment at its first.
    pub(crate) fn revised(&mut self, first: bool, at: Option<i64>) {
        self.n_comments = self.n_comments.saturating_add(u64::from(first));
        self.last_activity = self.last_activity.max(at);
    }
}

/// Anyone else whose events are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OtherRow {
    /// What was applied.
    pub(crate) log: Log,
}

impl OtherRow {
    /// Applies an event, and returns what is to be moved to a row of its own.
    pub(crate) fn apply(&mut self, fact: &Fact, place: Place) -> Option<(u32, Vec<Applied>)> {
        if let Effect::Ordered(order) = &fact.effect
            && let Some(row) = order.kept.as_ref().and_then(|kept| kept.other.as_ref())
        {
            self.clone_from(row);
        }
        self.log.push(fact, place)
    }
}

#[cfg(test)]
mod tests;
