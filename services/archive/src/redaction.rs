//! Redactions: words are forgotten on request, and what is left still proves itself.
//!
//! A request (`comment.erased`, `author.erased`) waits for its grace period, and for a second person
//! where that is asked for. Then the archive sends orders to every role by way of ingest, the same
//! events with the redaction's id: one for each comment, and one for an author (`desk`).
//! The engine answers an order by keeping the row as it is, without words, in the order's record, and
//! by overwriting the records that have words (`carry`). When nothing is left, a receipt is archived.
//! An older backup learns of all of it from a list (`list`).
//!
//! **Invariant:** an order's record alone shows the tombstone after the view is built anew; so it
//! does not matter which of the comment's records are still there.

pub(crate) mod carry;
pub(crate) mod desk;
mod hold;
pub(crate) mod list;

use serde::{Deserialize, Serialize};
use stoa_journal::Journal;
use stoa_proto::{Data, ErasureScope, Event, Kind, RedactionDecision, Shard, Time, ids};

use crate::fact::{CommentKey, Effect, Subject};
use crate::place::Place;
use crate::row::{Applied, CommentRow, Content, OtherRow};

/// The source of what the archive says itself.
pub(crate) const SOURCE: &str = "stoa/archive";
/// The source of revisions that stand in for those whose author was forgotten.
pub(crate) const RESTATED: &str = "stoa/archive/restated";
/// The attribute of an order's record that keeps the row as it was.
const KEPT: &str = "erasedrow";

/// A request for a redaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    /// The redaction's id.
    pub(crate) id: String,
    /// Whose words.
    pub(crate) target: Target,
    /// What goes.
    pub(crate) scope: ErasureScope,
    /// When it was recorded, in microseconds since 1970: the grace period begins.
    pub(crate) at: i64,
    /// Who asked: a token's name, or the platform.
    pub(crate) by: String,
}

/// Whose words are to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Target {
    /// A comment's.
    Comment {
        /// The article's id.
        article: String,
        /// The comment's id.
        comment: String,
    },
    /// An author's.
    Author {
        /// The author's id.
        author: String,
    },
}

/// A redaction that is carried out on one comment, or on an author's own record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// The redaction's id.
    pub(crate) redaction: String,
    /// What goes.
    pub(crate) scope: ErasureScope,
    /// When the order was recorded, in microseconds since 1970.
    pub(crate) at: i64,
    /// The row as it was; it is there once the archive has written the order.
    pub(crate) kept: Option<Kept>,
}

/// A row as it was when its words went.
///
/// It is written as JSON: fields may be added, with a default, and keep their meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The row of a comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<CommentRow>,
    /// The row of an author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) other: Option<OtherRow>,
    /// The events that the row's list had no room for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) earlier: Vec<Vec<Applied>>,
    /// Of an author: what they reported, for the rows of those comments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) reports: Vec<KeptReport>,
}

/// A report whose words go, though the comment that it is about stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptReport {
    /// The comment's article.
    pub(crate) article: String,
    /// The comment.
    pub(crate) comment: String,
    /// The report.
    pub(crate) applied: Applied,
}

impl KeptReport {
    /// Returns the key of the comment on a site.
    pub(crate) fn comment_key(&self, site: &str) -> CommentKey {
        (
            Shard::of(site, &self.article).index(),
            site.to_owned(),
            self.article.clone(),
            self.comment.clone(),
        )
    }
}

impl Kept {
    /// Finds the events where a journal has them that was restored from lines, or repaired: they may
    /// be elsewhere in its files.
    pub(crate) fn find(&mut self, journal: &Journal) -> Result<(), stoa_journal::Error> {
        for place in self.places() {
            if journal.read((*place).into()).is_err()
                && let Some(record) = journal.read_seq(place.seq)?
            {
                *place = record.position.into();
            }
        }
        Ok(())
    }

    fn places(&mut self) -> impl Iterator<Item = &mut Place> {
        let comment = self.comment.iter_mut().flat_map(|row| {
            let content = row.content.iter_mut().map(|content| &mut content.place);
            let decisions = row.decisions.iter_mut().map(|standing| &mut standing.place);
            let events = row.log.events.iter_mut().map(|applied| &mut applied.place);
            content.chain(decisions).chain(events)
        });
        let other = self.other.iter_mut().flat_map(|row| &mut row.log.events);
        let reports = self.reports.iter_mut().map(|report| &mut report.applied);
        let earlier = self
            .earlier
            .iter_mut()
            .flatten()
            .chain(other)
            .chain(reports);
        comment.chain(earlier.map(|applied| &mut applied.place))
    }

    /// Lists the events whose records have words that go.
    pub(crate) fn words(&self, scope: ErasureScope) -> impl Iterator<Item = &Applied> {
        let logs = [
            self.comment.as_ref().map(|row| &row.log),
            self.other.as_ref().map(|row| &row.log),
        ];
        let latest = logs.into_iter().flatten().flat_map(|log| &log.events);
        let content = self.comment.as_ref().and_then(|row| row.content);
        self.earlier
            .iter()
            .flatten()
            .chain(latest)
            .filter(move |applied| {
                applied.kind().is_some_and(|kind| goes(kind, scope))
                    && !stands_in(content, applied.place, scope)
            })
    }
}

/// Whether a record stands in for one whose author goes.
fn stands_in(content: Option<Content>, place: Place, scope: ErasureScope) -> bool {
    scope == ErasureScope::Identity
        && content.is_some_and(|content| content.restated && content.place == place)
}

impl CommentRow {
    /// Returns which of the records that are shown is overwritten last, if words were ordered to be
    /// erased.
    pub(crate) fn last_to_erase(&self) -> Option<Place> {
        let scope = self.erased.as_ref()?.scope;
        let content = self.content.iter().map(|content| content.place);
        let decisions = self.decisions.iter().map(|decision| decision.place);
        let decisions = decisions.filter(|_| goes(Kind::CommentDecided, scope));
        let listed = self.log.events.iter();
        let listed = listed.filter(|applied| applied.kind().is_some_and(|kind| goes(kind, scope)));
        content
            .chain(decisions)
            .chain(listed.map(|applied| applied.place))
            .filter(|place| !stands_in(self.content, *place, scope))
            .max()
    }
}

/// Whether records of a type have words, or names, that go.
fn goes(kind: Kind, scope: ErasureScope) -> bool {
    match kind {
        Kind::CommentSubmitted | Kind::CommentEdited | Kind::AuthorUpdated => true,
        // Decisions and cases quote, and so do those who report and appeal.
        Kind::CommentDecided
        | Kind::CommentReported
        | Kind::DecisionAppealed
        | Kind::CaseOpened
        | Kind::CaseClosed
        | Kind::AuthorSanctioned => scope != ErasureScope::Identity,
        _ => false,
    }
}

/// What the row of a comment says of its erasure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Erased {
    /// By which redaction.
    pub(crate) redaction: String,
    /// What went.
    pub(crate) scope: ErasureScope,
    /// When, in microseconds since 1970.
    pub(crate) at: i64,
}

impl Erased {
    /// Whether nothing more goes with a redaction of this scope.
    pub(crate) fn covers(&self, scope: ErasureScope) -> bool {
        self.scope != ErasureScope::Identity || scope == ErasureScope::Identity
    }

    /// Whether an event of this type comes too late: what it says is not to be kept any more.
    pub(crate) fn shuts_out(&self, kind: Kind) -> bool {
        goes(kind, self.scope)
    }
}

/// Somebody decided about a redaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Agreed {
    /// The redaction's id.
    pub(crate) redaction: String,
    /// What they decided.
    pub(crate) decision: RedactionDecision,
    /// Who.
    pub(crate) by: String,
}

/// What became of a redaction so far; a row of the view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RedactionRow {
    /// The request; it may come after what was decided about it.
    pub(crate) request: Option<Request>,
    /// Where the request is.
    pub(crate) place: Option<Place>,
    /// Who confirmed it.
    pub(crate) confirmed: Option<String>,
    /// Who called it off.
    pub(crate) cancelled: Option<String>,
    /// Whether the order about the author's own record came.
    pub(crate) ordered: bool,
    /// The comments that were erased by it.
    pub(crate) comments: u64,
    /// The records whose words went.
    pub(crate) records: u64,
    /// Whether it is done, with its receipt archived.
    pub(crate) completed: bool,
}

impl RedactionRow {
    /// Applies what became of it.
    pub(crate) fn apply(&mut self, effect: &Effect, subject: &Subject, place: Place) {
        match effect {
            Effect::Requested(request) => {
                self.request = Some(request.clone());
                self.place = Some(place);
            }
            Effect::Agreed(agreed) => {
                let whose = match agreed.decision {
                    RedactionDecision::Confirmed => &mut self.confirmed,
                    RedactionDecision::Cancelled => &mut self.cancelled,
                };
                whose.get_or_insert_with(|| agreed.by.clone());
            }
            Effect::Ordered(order) => {
                match subject {
                    Subject::Comment(_) => self.comments = self.comments.saturating_add(1),
                    _ => self.ordered = true,
                }
                let records = order.kept.iter().flat_map(|kept| kept.words(order.scope));
                self.records = self.records.saturating_add(records.count() as u64);
            }
            Effect::Completed(_) => self.completed = true,
            _ => {}
        }
    }

    /// Whether there is something left to do.
    pub(crate) fn is_open(&self) -> bool {
        self.request.is_some() && self.cancelled.is_none() && !self.completed
    }
}

/// Reads what an event about a redaction changes.
pub(crate) fn effect(event: &Event) -> Effect {
    let at = event.recordedtime.as_ref().or(event.time.as_ref());
    let at = at.map_or(0, Time::micros);
    let (target, scope, redaction, extra) = match &event.data {
        Data::CommentErased(erased) => {
            let target = Target::Comment {
                article: erased.article.clone(),
                comment: erased.comment.clone(),
            };
            (target, erased.scope, &erased.redaction, &erased.extra)
        }
        Data::AuthorErased(erased) => {
            let author = erased.author.clone();
            let target = Target::Author { author };
            (target, erased.scope, &erased.redaction, &erased.extra)
        }
        Data::RedactionDecided(decided) => {
            return Effect::Agreed(Agreed {
                redaction: decided.redaction.clone(),
                decision: decided.decision,
                by: decided.by.clone(),
            });
        }
        Data::RedactionCompleted(completed) => {
            return Effect::Completed(completed.redaction.clone());
        }
        _ => return Effect::Listed,
    };
    if let Some(redaction) = redaction {
        let kept = event.extensions.get(KEPT).and_then(|kept| kept.as_str());
        return Effect::Ordered(Box::new(Order {
            redaction: redaction.clone(),
            scope,
            at,
            kept: kept.and_then(|kept| serde_json::from_str(kept).ok()),
        }));
    }
    let by = extra.get("by").and_then(|by| by.as_str());
    Effect::Requested(Request {
        id: ids::redaction_id(&event.source, &event.id),
        target,
        scope,
        at,
        by: by.unwrap_or(&event.source).to_owned(),
    })
}
