//! Undoing a moderator's decision: what stood before stands again, by a decision of its own, and
//! the case is opened again.

use bytes::Bytes;
use stoa_proto::{By, Data, Decision, Time, ids};

use super::conclude::{self, CaseNews};
use super::review::Moderator;
use super::{Parts, UndoOutcome};
use crate::record::{Change, Reasons, Reviewed, Step, Stored, Undone};
use crate::view::rows::{CaseRow, CommentRow};
use crate::view::{DECISIONS, State, decision_key};

/// The field of events that names the appeals which are open again.
const REOPENS: &str = "reopens";

/// What a moderator asks for.
#[derive(Clone, Debug)]
pub(crate) struct Undoing {
    pub(crate) decision: String,
    pub(crate) moderator: Moderator,
}

/// Why a decision is not undone.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum UndoError {
    /// There is no such decision.
    #[error("no decision has this id")]
    NotFound,
    /// It is not a moderator's.
    #[error("rules made this decision: decide its case instead")]
    NotByModerator,
    /// Another moderator made it.
    #[error("{0} made this decision: let them undo it, or an admin")]
    Foreign(String),
    /// Another decision stands.
    #[error("this decision stands no longer, but {0}")]
    Superseded(String),
    /// The case has been opened again.
    #[error("the case has been opened again since: decide it")]
    Reopened,
    /// The author took the comment back.
    #[error("the author has taken the comment back since, so nobody need decide it again")]
    Withdrawn,
    /// The comment's words were erased.
    #[error("the comment was erased, so it can't be decided again")]
    Erased,
    /// It was made too long ago.
    #[error("a decision can be undone for {0}: that time is over")]
    Late(String),
    /// The configuration turns it off.
    #[error("decisions can't be undone here: `review.undo` of the configuration is 0")]
    Off,
}

/// An undoing that may be answered.
pub(super) enum Undo {
    /// It is to be written.
    New(Stored),
    /// It was made before.
    Same(Stored),
}

impl Parts {
    /// Undoes a decision, or finds the record of the same request before.
    pub(super) async fn undo(&self, undoing: Undoing) -> anyhow::Result<UndoOutcome> {
        let at = Time::from_timestamp(self.clock.now());
        let mut state = State::new(&self.index);
        let stored = match self.judge_undo(&mut state, &undoing, &at)? {
            Ok(Undo::New(stored)) => stored,
            Ok(Undo::Same(stored)) => return Ok(Ok(stored)),
            Err(error) => return Ok(Err(error)),
        };
        state.take(self.journal.next(), &stored)?;
        self.commit(vec![stored.entry()?], state).await?;
        self.metrics.open_cases(self.index.open_cases()?);
        self.count([&stored.change].into_iter(), &self.rules.live());
        Ok(Ok(stored))
    }

    /// Makes the record, or finds the one that the same request made before.
    pub(super) fn judge_undo(
        &self,
        state: &mut State<'_>,
        undoing: &Undoing,
        at: &Time,
    ) -> anyhow::Result<Result<Undo, UndoError>> {
        let Some(made) = self.decision(&undoing.decision)? else {
            return Ok(Err(UndoError::NotFound));
        };
        let Change::Reviewed(reviewed) = &made.change else {
            return Ok(Err(UndoError::NotByModerator));
        };
        let about = &reviewed.about;
        let Some(row) = state.comment(&about.site, &about.comment)? else {
            return Ok(Err(UndoError::NotFound));
        };
        if let Some(stored) = self.undone_before(&row, undoing)? {
            return Ok(Ok(Undo::Same(stored)));
        }
        let case = state.case(&reviewed.case)?;
        let case = match self.may_undo(undoing, reviewed, &row, case, at) {
            Ok(case) => case,
            Err(error) => return Ok(Err(error)),
        };
        let told = made.decision();
        let before = told.and_then(|told| told.supersedes);
        let before = match before {
            Some(before) => self.decision(&before)?,
            None => None,
        };
        let Some(before) = before.and_then(|stored| stored.decision()) else {
            return Ok(Err(UndoError::NotFound));
        };
        let mut reopens = Vec::new();
        for id in case.closed.iter().flat_map(|closed| &closed.settled) {
            reopens.extend(state.appeal(id)?.map(|row| row.name));
        }
        let undone = self.undone(undoing, reviewed, (&case, reopens), before, at);
        Ok(Ok(Undo::New(undone)))
    }

    /// Reads the record of a decision, if there is one by that id.
    pub(super) fn decision(&self, id: &str) -> anyhow::Result<Option<Stored>> {
        let Some(key) = decision_key(id) else {
            return Ok(None);
        };
        match self.index.view.get(&DECISIONS, &key)? {
            Some(seq) => self.stored(seq),
            None => Ok(None),
        }
    }

    /// Finds what the same moderator's request did, if that still stands.
    fn undone_before(&self, row: &CommentRow, undoing: &Undoing) -> anyhow::Result<Option<Stored>> {
        let stored = match row.reviewed_seq {
            Some(seq) => self.stored(seq)?,
            None => None,
        };
        Ok(stored.filter(|stored| {
            matches!(&stored.change, Change::Undone(undone)
                if undone.undoes == undoing.decision
                    && undone.moderator == undoing.moderator.name
                    && undone.decision == row.decision)
        }))
    }

    /// Returns the case that is to be opened again.
    fn may_undo(
        &self,
        undoing: &Undoing,
        reviewed: &Reviewed,
        row: &CommentRow,
        case: Option<CaseRow>,
        at: &Time,
    ) -> Result<CaseRow, UndoError> {
        let by = &undoing.moderator;
        let within = self.review.undo.get();
        if within.is_zero() {
            return Err(UndoError::Off);
        }
        if by.name != reviewed.moderator && !by.is_admin {
            return Err(UndoError::Foreign(reviewed.moderator.clone()));
        }
        if row.erased_seq.is_some() {
            return Err(UndoError::Erased);
        }
        if row.decision != reviewed.decision {
            return Err(UndoError::Superseded(row.decision.clone()));
        }
        let passed = at.micros().saturating_sub(reviewed.at);
        if i128::from(passed) > i128::try_from(within.as_micros()).unwrap_or(i128::MAX) {
            return Err(UndoError::Late(self.review.undo.to_string()));
        }
        if row.withdrawn_seq.is_some() {
            return Err(UndoError::Withdrawn);
        }
        let is_closed_by = |case: &CaseRow| {
            let closed = case.closed.as_ref();
            closed.is_some_and(|closed| closed.decision.as_ref() == Some(&reviewed.decision))
        };
        case.filter(is_closed_by).ok_or(UndoError::Reopened)
    }

    /// Makes the record: a decision as the one before, without the comment's words, and the news that
    /// the case is open.
    fn undone(
        &self,
        undoing: &Undoing,
        reviewed: &Reviewed,
        (case, reopens): (&CaseRow, Vec<String>),
        before: Decision,
        at: &Time,
    ) -> Stored {
        let about = &reviewed.about;
        let decision = ids::review_id(
            &about.site,
            &about.comment,
            reviewed.revision,
            &reviewed.case,
            case.version,
        );
        let verdict = before.verdict;
        let mut extra = before.extra;
        extra.insert("undoes".to_owned(), reviewed.decision.as_str().into());
        extra.insert("restores".to_owned(), before.decision.into());
        extra.remove(REOPENS);
        if !reopens.is_empty() {
            extra.insert(REOPENS.to_owned(), reopens.clone().into());
        }
        let told = Decision {
            decision: decision.clone(),
            by: By::Moderator {
                id: undoing.moderator.name.clone(),
            },
            // They quote the comment, and stay where the rules decided.
            rules: Vec::new(),
            statement: before.statement.map(|statement| {
                let subject = (about.site.as_str(), about.comment.as_str());
                let of = (decision.as_str(), at.micros());
                self.statements.restored(subject, of, statement)
            }),
            decided_at: at.clone(),
            supersedes: Some(reviewed.decision.clone()),
            extra,
            ..before
        };
        let reasons = told.statement.as_ref().map(Reasons::of);
        let step = Step::OpenBy {
            reason: case.reason,
            priority: case.priority,
            due: case.due,
        };
        let news = CaseNews {
            about,
            case: Some(case),
            revision: reviewed.revision,
            at,
        };
        let opened = news.of(step, Some(&decision)).map(|(id, mut data)| {
            if let (Data::CaseOpened(opened), false) = (&mut data, reopens.is_empty()) {
                opened.extra.insert(REOPENS.to_owned(), reopens.into());
            }
            (id, data)
        });
        let first = (format!("decided-{decision}"), Data::CommentDecided(told));
        let outputs = std::iter::once(first)
            .chain(opened)
            .map(|(id, data)| conclude::own(id, at, data).to_json())
            .collect();
        Stored {
            change: Change::Undone(Undone {
                about: about.clone(),
                case: reviewed.case.clone(),
                revision: reviewed.revision,
                undoes: reviewed.decision.clone(),
                decision,
                verdict,
                moderator: undoing.moderator.name.clone(),
                reason: case.reason,
                priority: case.priority,
                at: at.micros(),
            }),
            reasons,
            input: Bytes::new(),
            outputs,
        }
    }
}
