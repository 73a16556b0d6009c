//! One comment with its history, as one audience may see it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stoa_proto::{Data, Event, Kind, Time};
use utoipa::ToSchema;

use super::version::{Read, Version};
use super::words::{Dates, DecisionDetail, DecisionInHistory, ShownDecision, StoredComment, Words};
use super::{Audience, Reader};
use crate::fact::{Effect, Fact, Subject};
use crate::place::Place;
use crate::row::{Applied, CommentRow};
use crate::standing::{Standing, Status, effective};
use crate::view::Error;

/// A comment with its history.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Comment)]
pub(crate) struct History {
    pub(crate) site: String,
    pub(crate) thread: String,
    pub(crate) comment: String,
    pub(crate) parent: Option<String>,
    /// The page's path.
    pub(crate) permalink: String,
    /// `approved`, `pending`, `rejected`, `withdrawn` or `erased`.
    pub(crate) status: &'static str,
    pub(crate) score: Option<i64>,
    /// The latest revision.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) words: Option<Words>,
    /// When the words, or the author's name, were erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) erased_at: Option<Time>,
    pub(crate) decision: Option<ShownDecision>,
    /// All revisions that may be read, the earliest first.
    pub(crate) revisions: Vec<Revision>,
    /// All decisions, the earliest first.
    pub(crate) decisions: Vec<DecisionInHistory>,
    /// Reports, cases, appeals and their outcomes, for reviewers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) events: Option<Vec<OtherEvent>>,
    #[serde(skip)]
    pub(crate) dates: Dates,
}

/// A comment that may be read, before its words are.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) site: String,
    pub(super) thread: String,
    pub(super) comment: String,
    pub(super) row: CommentRow,
    appeals: Vec<Applied>,
}

/// A revision of a comment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Revision {
    #[serde(flatten)]
    pub(crate) words: Words,
    pub(crate) status: &'static str,
    pub(crate) captured_at: Option<Time>,
}

/// Something else that happened to a comment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct OtherEvent {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) captured_at: Option<Time>,
    pub(crate) data: Value,
}

/// A payload that is shown as it came.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Verbatim(Value);

impl Reader {
    /// Finds the thread and row of a comment that this audience may read.
    pub(crate) fn find(
        &self,
        site: &str,
        comment: &str,
        audience: Audience,
    ) -> Result<Option<(String, CommentRow)>, Error> {
        for thread in self.index.locate(site, comment)? {
            if let Some(row) = self.index.comment(site, &thread, comment)?
                && let row = self.comment_row(site, &thread, comment, row)?
                && audience.may_read(&row)
            {
                return Ok(Some((thread, row)));
            }
        }
        Ok(None)
    }

    /// Reads a comment with its history; `None` when it is unknown or not for this audience.
    ///
    /// No words are read where `has` says that the sender has what a version decides.
    pub(crate) fn history(
        &self,
        site: &str,
        comment: &str,
        audience: Audience,
        has: impl FnOnce(&Version) -> bool,
    ) -> Result<Option<Read<History>>, Error> {
        let mut version = Version::default();
        let Some(found) = self.found(site, comment, audience, &mut version)? else {
            return Ok(None);
        };
        if has(&version) {
            return Ok(Some(Read::Unchanged(version)));
        }
        let history = self.history_of(found, audience)?;
        Ok(Some(Read::New(version, history)))
    }

    /// Finds a comment that this audience may read, and adds what decides its history.
    pub(super) fn found(
        &self,
        site: &str,
        comment: &str,
        audience: Audience,
        version: &mut Version,
    ) -> Result<Option<Found>, Error> {
        let Some((thread, row)) = self.find(site, comment, audience)? else {
            return Ok(None);
        };
        version.text(&thread);
        version.comment(self, comment, &row);
        let appeals = self.index.appeals(site, comment)?;
        version.events(&appeals);
        Ok(Some(Found {
            site: site.to_owned(),
            thread,
            comment: comment.to_owned(),
            row,
            appeals,
        }))
    }

    /// Reads the history of a comment.
    pub(super) fn history_of(&self, found: Found, audience: Audience) -> Result<History, Error> {
        let Found {
            site,
            thread,
            comment,
            row,
            appeals,
        } = found;
        let shard = stoa_proto::Shard::of(&site, &thread).index();
        let key = (shard, site.clone(), thread.clone(), comment.clone());
        let mut events = self.index.events(&Subject::Comment(key), &row.log)?;
        events.extend(appeals);
        events.retain(|applied| self.sees(applied));

        let (decisions, standings) = self.decisions(&events, audience)?;
        let revisions = self.revisions(&events, &standings, audience)?;
        let shown = self.shown(&row, audience)?;
        let events = match audience {
            Audience::Public => None,
            Audience::Reviewer => Some(self.others(&events)?),
        };
        Ok(History {
            parent: row.parent.as_ref().map(|(.., parent)| parent.clone()),
            permalink: crate::http::links::comment(&site, &comment),
            site,
            thread,
            comment,
            status: row.status().as_str(),
            score: shown.score,
            words: shown.words,
            erased_at: shown.erased_at,
            decision: shown.decision,
            revisions,
            decisions,
            events,
            dates: shown.dates,
        })
    }

    /// Reads all decisions, by time, and what the choice among them needs.
    fn decisions(
        &self,
        events: &[Applied],
        audience: Audience,
    ) -> Result<(Vec<DecisionInHistory>, Vec<Standing>), Error> {
        let mut history = Vec::new();
        for applied in events
            .iter()
            .filter(|applied| applied.kind() == Some(Kind::CommentDecided))
        {
            let Some(event) = self.event(applied.place)? else {
                continue;
            };
            let Effect::Decided(decided) = Fact::of(&event).effect else {
                continue;
            };
            let Data::CommentDecided(decision) = event.data else {
                continue;
            };
            let standing = Standing {
                revision: decision.revision,
                verdict: decided.verdict,
                moderator: decided.moderator,
                decided_at: decided.at,
                id: decided.id,
                supersedes: decided.supersedes,
                place: applied.place,
            };
            let by = super::words::ShownBy::from(decision.by);
            let reviewer = audience == Audience::Reviewer;
            let shown = ShownDecision {
                decision: decision.decision,
                revision: decision.revision,
                verdict: decision.verdict,
                labels: decision.labels,
                by: if reviewer { by } else { by.without_person() },
                decided_at: decision.decided_at,
            };
            let detail = reviewer.then_some(DecisionDetail {
                rules: decision.rules,
                statement: decision.statement,
                partial: decision.partial,
                extra: decision.extra,
            });
            let supersedes = decision.supersedes;
            history.push((
                standing,
                DecisionInHistory {
                    shown,
                    effective: false,
                    supersedes,
                    detail,
                },
            ));
        }
        history.sort_by(|(left, one), (right, other)| {
            (left.revision, left.decided_at, &one.shown.decision).cmp(&(
                right.revision,
                right.decided_at,
                &other.shown.decision,
            ))
        });
        let (standings, mut decisions): (Vec<Standing>, Vec<DecisionInHistory>) =
            history.into_iter().unzip();
        for (standing, decision) in standings.iter().zip(&mut decisions) {
            let stands = effective(&standings, standing.revision);
            decision.effective = stands.is_some_and(|stands| stands.place == standing.place);
        }
        Ok((decisions, standings))
    }

    /// Reads the revisions that may be read, by number.
    fn revisions(
        &self,
        events: &[Applied],
        standings: &[Standing],
        audience: Audience,
    ) -> Result<Vec<Revision>, Error> {
        let is_content = |applied: &&Applied| {
            matches!(
                applied.kind(),
                Some(Kind::CommentSubmitted | Kind::CommentEdited)
            )
        };
        let mut content: Vec<&Applied> = events.iter().filter(is_content).collect();
        content.sort_by_key(|applied| (applied.revision, applied.event));
        let mut revisions = Vec::new();
        for applied in content {
            let status =
                Status::of(effective(standings, applied.revision).map(|decision| decision.verdict));
            if audience == Audience::Public && status != Status::Approved {
                continue;
            }
            if let Some(stored) = self.load::<StoredComment>(applied.place)? {
                revisions.push(Revision {
                    words: stored.data.into(),
                    status: status.as_str(),
                    captured_at: stored.recordedtime,
                });
            }
        }
        Ok(revisions)
    }

    /// Reads what else happened.
    fn others(&self, events: &[Applied]) -> Result<Vec<OtherEvent>, Error> {
        let mut others = Vec::new();
        for applied in events {
            let Some(kind) = applied.kind() else { continue };
            if matches!(
                kind,
                Kind::CommentSubmitted | Kind::CommentEdited | Kind::CommentDecided
            ) {
                continue;
            }
            if let Some(stored) = self.load::<Verbatim>(applied.place)? {
                others.push(OtherEvent {
                    kind: kind.as_str(),
                    captured_at: stored.recordedtime,
                    data: stored.data.0,
                });
            }
        }
        Ok(others)
    }

    /// Reads an event; `None` when it was redacted.
    pub(super) fn event(&self, place: Place) -> Result<Option<Event>, Error> {
        let record = self.journal.read(place.into())?;
        if record.redacted {
            return Ok(None);
        }
        Event::from_json(&record.payload)
            .map(Some)
            .map_err(|source| Error::Unreadable {
                seq: place.seq,
                source,
            })
    }
}
