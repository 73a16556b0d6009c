//! Moderators' decisions: from a request to a record.

use stoa_proto::{By, Comment, Data, Decision, Statement, Time, Verdict, ids};

use super::conclude::{self, CaseNews};
use super::{Parts, appeal};
use crate::record::{Change, Closing, Reasons, Reviewed, Step, Stored};
use crate::statement::{ReviewReason, Subject};
use crate::view::State;
use crate::view::appeals::AppealRow;
use crate::view::rows::{CaseRow, ClaimRow, CommentRow};

/// What a moderator asks for.
#[derive(Clone, Debug)]
pub(crate) struct Review {
    pub(crate) case: String,
    /// `approve` or `reject`.
    pub(crate) verdict: Verdict,
    /// Absent in a rejection that confirms the one that stands.
    pub(crate) reason: Option<ReviewReason>,
    /// The version of the case that the moderator saw.
    pub(crate) version: Option<u64>,
    pub(crate) moderator: Moderator,
}

/// Who asks for something.
#[derive(Clone, Debug)]
pub(crate) struct Moderator {
    /// The token's name.
    pub(crate) name: String,
    /// Whether other moderators' claims and decisions are theirs, too.
    pub(crate) is_admin: bool,
}

impl Moderator {
    /// Refuses what is to be done at a case that somebody else works on.
    pub(crate) fn may_act(&self, case: &CaseRow, at: i64) -> Result<(), ReviewError> {
        match case.assignee(at) {
            Some(claim) if claim.moderator != self.name && !self.is_admin => {
                Err(ReviewError::Claimed(claim.clone()))
            }
            _ => Ok(()),
        }
    }
}

impl Review {
    /// Returns what tells whether a second request asks for the same as the first.
    fn fingerprint(&self) -> String {
        let reason = self.reason.as_ref();
        let reason = reason
            .and_then(|reason| serde_json::to_string(reason).ok())
            .unwrap_or_default();
        ids::derive(
            "r-",
            &[&self.moderator.name, self.verdict.as_str(), &reason],
        )
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
    /// Somebody else works on it.
    #[error("the case is claimed")]
    Claimed(ClaimRow),
    /// The decision that is appealed is the moderator's own.
    #[error("the decision that is appealed is the moderator's own")]
    SameModerator,
    /// It has as many notes as a case may have.
    #[error("the case has no room for another note")]
    Full,
}

impl ReviewError {
    /// The code by which programs tell it apart.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Closed(_) => "case_closed",
            Self::Version(_) => "version_conflict",
            Self::Erased => "erased",
            Self::Claimed(_) => "claimed",
            Self::SameModerator => "same_moderator",
            Self::Full => "too_many_notes",
        }
    }
}

/// A moderator's decision that may be answered.
pub(crate) enum Judged {
    /// It is to be written; these rules acted in the decision that it is about.
    New { stored: Stored, acted: Vec<String> },
    /// It was made before.
    Same(Stored),
}

impl Parts {
    /// Makes the record, or finds the one that the same request made before.
    pub(super) fn judge(
        &self,
        state: &mut State<'_>,
        review: &Review,
    ) -> anyhow::Result<Result<Judged, ReviewError>> {
        let Some(case) = state.case(&review.case)? else {
            return Ok(Err(ReviewError::NotFound));
        };
        let row = state.comment(&case.site, &case.comment)?;
        if row.as_ref().is_some_and(|row| row.erased_seq.is_some()) {
            return Ok(Err(ReviewError::Erased));
        }
        let fingerprint = review.fingerprint();
        if let Some(closed) = &case.closed {
            if closed.fingerprint.as_ref() == Some(&fingerprint)
                && let Some(stored) = self.stored(closed.seq)?
            {
                return Ok(Ok(Judged::Same(stored)));
            }
            return Ok(Err(ReviewError::Closed(Box::new(case))));
        }
        if review
            .version
            .is_some_and(|version| version != case.version)
        {
            return Ok(Err(ReviewError::Version(case.version)));
        }
        if let Err(error) = review.moderator.may_act(&case, self.clock.micros()) {
            return Ok(Err(error));
        }
        let appeals = appeal::open_appeals(state, &case)?;
        if self.is_own(&appeals, &review.moderator) {
            return Ok(Err(ReviewError::SameModerator));
        }
        let Some((stored, comment)) = self.comment(&case, row.as_ref())? else {
            return Ok(Err(ReviewError::Erased));
        };
        let at = Time::from_timestamp(self.clock.now());
        let stands = row.map(|row| row.decision);
        let read = (&stored, &comment);
        let decided = self.review_decision(state, review, &case, read, (&appeals, stands, &at))?;
        let decision = decided.decision.clone();
        let reasons = decided.statement.as_ref().map(Reasons::of);
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
        let resolved = appeals
            .iter()
            .map(|appeal| appeal::resolved(appeal, review.verdict.into(), &decision));
        let outputs = std::iter::once(first)
            .chain(closed)
            .chain(resolved)
            .map(|(id, data)| conclude::own(id, &at, data).to_json())
            .collect();
        let change = Change::Reviewed(Reviewed {
            about,
            case: review.case.clone(),
            revision: case.revision,
            verdict: review.verdict,
            decision,
            moderator: review.moderator.name.clone(),
            fingerprint,
            at: at.micros(),
        });
        let acted = stored.change.decided();
        let acted = acted
            .map(|decided| decided.rules.clone())
            .unwrap_or_default();
        let stored = Stored {
            change,
            reasons,
            input: bytes::Bytes::new(),
            outputs,
        };
        Ok(Ok(Judged::New { stored, acted }))
    }

    /// Makes the decision that a moderator asks for, about a case and what was read of it.
    fn review_decision(
        &self,
        state: &mut State<'_>,
        review: &Review,
        case: &CaseRow,
        (stored, comment): (&Stored, &Comment),
        (appeals, supersedes, at): (&[AppealRow], Option<String>, &Time),
    ) -> anyhow::Result<Decision> {
        let earlier = stored.decision().and_then(|decision| decision.statement);
        let decision = ids::review_id(
            &case.site,
            &case.comment,
            case.revision,
            &review.case,
            case.version,
        );
        let author = state.author(&case.site, &case.author)?;
        let subject = Subject {
            comment,
            author: author.language,
            decision: &decision,
            at: at.micros(),
            // Who answers an appeal against a rejection has the last word here.
            appealable: !appeals
                .iter()
                .any(|appeal| appeal.verdict == Some(Verdict::Reject)),
            is_reported: false,
        };
        let confirmed = match (&review.reason, review.verdict, &supersedes) {
            (None, Verdict::Reject, Some(stands)) => self.confirmed(stands, &subject)?,
            _ => None,
        };
        let (labels, statement) = confirmed.unwrap_or_else(|| {
            let statement = self.refusal(review, &subject, earlier.as_ref());
            let reason = review.reason.as_ref().filter(|_| statement.is_some());
            let labels = reason.map(|reason| reason.code.clone());
            (labels.into_iter().collect(), statement)
        });
        Ok(Decision {
            site: case.site.clone(),
            article: case.article.clone(),
            comment: case.comment.clone(),
            revision: case.revision,
            decision,
            verdict: review.verdict,
            labels,
            by: By::Moderator {
                id: review.moderator.name.clone(),
            },
            rules: Vec::new(),
            statement,
            decided_at: at.clone(),
            supersedes,
            partial: Vec::new(),
            extra: serde_json::Map::new(),
        })
    }

    /// Reads a record; none if it was erased.
    pub(super) fn stored(&self, seq: u64) -> anyhow::Result<Option<Stored>> {
        match self.journal.read_seq(seq)? {
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

    /// Returns the statement of reasons that a rejection needs.
    fn refusal(
        &self,
        review: &Review,
        subject: &Subject<'_>,
        earlier: Option<&Statement>,
    ) -> Option<Statement> {
        let reason = review.reason.as_ref();
        let reason = reason.filter(|_| review.verdict != Verdict::Approve)?;
        let listed = self.review.reason(&subject.comment.site, &reason.code);
        let statements = &self.statements;
        Some(statements.by_moderator(subject, reason, listed, earlier))
    }
}
