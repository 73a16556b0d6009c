//! Moderators' decisions: from a request to a record.

use stoa_proto::{By, Comment, Data, Decision, Time, Verdict, ids};

use super::conclude::{self, CaseNews};
use super::{Parts, Reviewed as Judgement};
use crate::record::{Change, Closing, Reviewed, Step, Stored};
use crate::statement::{self, ReviewReason};
use crate::view::State;
use crate::view::rows::{CaseRow, CommentRow};

/// What a moderator asks for.
#[derive(Clone, Debug)]
pub(crate) struct Review {
    pub(crate) case: String,
    /// `approve` or `reject`.
    pub(crate) verdict: Verdict,
    pub(crate) reason: Option<ReviewReason>,
    /// The version of the case that the moderator saw.
    pub(crate) version: Option<u64>,
    /// The name of the moderator's token.
    pub(crate) moderator: String,
}

impl Review {
    /// Returns what tells whether a second request asks for the same as the first.
    fn fingerprint(&self) -> String {
        let reason = self.reason.as_ref();
        let reason = reason
            .and_then(|reason| serde_json::to_string(reason).ok())
            .unwrap_or_default();
        ids::derive("r-", &[&self.moderator, self.verdict.as_str(), &reason])
    }
}

/// Why a moderator's decision is refused.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ReviewError {
    /// There is no such case.
    #[error("no case has this id")]
    NotFound,
    /// It was decided or closed before.
    #[error("the case is closed")]
    Closed(Box<CaseRow>),
    /// It has changed since the moderator read it.
    #[error("the case has changed")]
    Version(u64),
    /// The comment's words were erased.
    #[error("the comment was erased")]
    Erased,
}

/// Judges a moderator's decision.
pub(crate) struct Reviewing<'a> {
    parts: &'a Parts,
    state: State<'a>,
}

impl<'a> Reviewing<'a> {
    /// Begins with the view as it is.
    pub(crate) fn new(parts: &'a Parts) -> Self {
        Self {
            parts,
            state: State::new(&parts.index),
        }
    }

    /// Makes the record, or finds the one that the same request made before.
    pub(crate) fn judge(
        mut self,
        review: &Review,
    ) -> anyhow::Result<Result<Judgement, ReviewError>> {
        let Some(case) = self.state.case(&review.case)? else {
            return Ok(Err(ReviewError::NotFound));
        };
        let row = self.state.comment(&case.site, &case.comment)?;
        if row.as_ref().is_some_and(|row| row.erased_seq.is_some()) {
            return Ok(Err(ReviewError::Erased));
        }
        let fingerprint = review.fingerprint();
        if let Some(closed) = &case.closed {
            if closed.fingerprint.as_ref() == Some(&fingerprint)
                && let Some(stored) = self.stored(closed.seq)?
            {
                return Ok(Ok(Judgement::Same(stored)));
            }
            return Ok(Err(ReviewError::Closed(Box::new(case))));
        }
        if review
            .version
            .is_some_and(|version| version != case.version)
        {
            return Ok(Err(ReviewError::Version(case.version)));
        }
        let Some((stored, comment)) = self.comment(&case, row.as_ref())? else {
            return Ok(Err(ReviewError::Erased));
        };
        let supersedes = row.map(|row| row.decision);
        let earlier = stored.decision().and_then(|decision| decision.statement);
        let at = Time::from_timestamp(self.parts.clock.now());
        let decision = ids::review_id(
            &case.site,
            &case.comment,
            case.revision,
            &review.case,
            case.version,
        );
        let statement = review
            .reason
            .as_ref()
            .filter(|_| review.verdict != Verdict::Approve)
            .map(|reason| {
                statement::by_moderator(&self.parts.statement, &comment, reason, earlier.as_ref())
            });
        let labels = statement.iter().filter_map(|_| review.reason.as_ref());
        let decided = Decision {
            site: case.site.clone(),
            article: case.article.clone(),
            comment: case.comment.clone(),
            revision: case.revision,
            decision: decision.clone(),
            verdict: review.verdict,
            labels: labels.map(|reason| reason.code.clone()).collect(),
            by: By::Moderator {
                id: review.moderator.clone(),
            },
            rules: Vec::new(),
            statement,
            decided_at: at.clone(),
            supersedes,
            partial: Vec::new(),
            extra: serde_json::Map::new(),
        };
        let about = case.about();
        let news = CaseNews {
            about: &about,
            case: Some(&case),
            revision: case.revision,
            at: &at,
        };
        let closed = news.of(
            Step::Close {
                reason: Closing::Decided,
            },
            Some(&decision),
        );
        let first = (format!("decided-{decision}"), Data::CommentDecided(decided));
        let outputs = std::iter::once(first)
            .chain(closed)
            .map(|(id, data)| conclude::own(id, &at, data).to_json())
            .collect();
        let change = Change::Reviewed(Reviewed {
            about,
            case: review.case.clone(),
            revision: case.revision,
            verdict: review.verdict,
            decision,
            moderator: review.moderator.clone(),
            fingerprint,
            at: at.micros(),
        });
        let acted = stored.change.decided();
        let acted = acted
            .map(|decided| decided.rules.clone())
            .unwrap_or_default();
        let stored = Stored {
            change,
            input: bytes::Bytes::new(),
            outputs,
        };
        Ok(Ok(Judgement::New { stored, acted }))
    }

    fn stored(&self, seq: u64) -> anyhow::Result<Option<Stored>> {
        match self.parts.journal.read_seq(seq)? {
            Some(record) => Ok(Stored::read(&record)?),
            None => Ok(None),
        }
    }

    /// Reads the revision that the case is about, and the record of the rules' last decision.
    fn comment(
        &self,
        case: &CaseRow,
        row: Option<&CommentRow>,
    ) -> anyhow::Result<Option<(Stored, Comment)>> {
        let Some(stored) = self.stored(case.decided_seq)? else {
            return Ok(None);
        };
        let comment = stored.submission().and_then(|event| match event.data {
            Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => Some(comment),
            _ => None,
        });
        // They may have decided once more, because of a report.
        let again = match row.and_then(|row| row.rejudged_seq) {
            Some(seq) => self.stored(seq)?,
            None => None,
        };
        Ok(comment.map(|comment| (again.unwrap_or(stored), comment)))
    }
}
