//! Authors' appeals: how they come, how they end, and how they are open again.

use stoa_proto::Verdict;
use stoa_store::Error;

use super::State;
use crate::record::{About, Appeal, Closing, Intake, Refusal, Step};
use crate::view::appeals::{AppealRow, EndedRow, Status};
use crate::view::rows::{CaseRow, ClosedRow};
use crate::view::{appeal_id, decision_key};

impl State<'_> {
    /// Looks up an appeal by the id by which it is known here.
    pub(crate) fn appeal(&mut self, id: &str) -> Result<Option<AppealRow>, Error> {
        self.appeals.get(self.index, &id.to_owned())
    }

    /// Looks up the appeal against a decision.
    pub(crate) fn appeal_against(&mut self, decision: &str) -> Result<Option<String>, Error> {
        match decision_key(decision) {
            Some(key) => self.appealed.get(self.index, &key),
            None => Ok(None),
        }
    }

    /// Looks up the record of a decision.
    pub(crate) fn decision(&mut self, id: &str) -> Result<Option<u64>, Error> {
        match decision_key(id) {
            Some(key) => self.decisions.get(self.index, &key),
            None => Ok(None),
        }
    }

    /// Looks up the appeals that a case had or has.
    pub(crate) fn appeals_of(&mut self, case: &CaseRow) -> Result<Vec<AppealRow>, Error> {
        let mut rows = Vec::with_capacity(case.appeals.len());
        for id in &case.appeals {
            rows.extend(self.appeal(id)?);
        }
        Ok(rows)
    }

    /// Makes what is known of an appeal that an earlier version took in.
    pub(super) fn earlier_appeal(
        &mut self,
        about: &About,
        appeal: &str,
        case: Step,
        at: i64,
    ) -> Result<Appeal, Error> {
        let comment = self.comment_or_new(about)?;
        Ok(Appeal {
            about: about.clone(),
            name: appeal.to_owned(),
            decision: String::new(),
            verdict: None,
            revision: comment.revision,
            moderators: Vec::new(),
            author: comment.author,
            appealed_at: at,
            at,
            intake: match case {
                Step::None => Intake::Refused(Refusal::Withdrawn),
                _ => Intake::Open,
            },
            case,
        })
    }

    /// Applies an appeal.
    pub(super) fn appeal_came(&mut self, seq: u64, appeal: &Appeal) -> Result<(), Error> {
        let about = &appeal.about;
        let id = appeal_id(&about.site, &about.comment, &appeal.name);
        let (status, ended) = match &appeal.intake {
            Intake::Open => (Status::Open, None),
            Intake::Reversed { decision } => (Status::Reversed, Some(decision.clone())),
            Intake::Refused(refusal) => (Status::Refused(*refusal), None),
        };
        let row = AppealRow {
            about: about.clone(),
            name: appeal.name.clone(),
            decision: appeal.decision.clone(),
            verdict: appeal.verdict,
            revision: appeal.revision,
            moderators: appeal.moderators.clone(),
            author: appeal.author.clone(),
            appealed_at: appeal.appealed_at,
            at: appeal.at,
            seq,
            status,
            ended: (status != Status::Open).then_some(EndedRow {
                at: appeal.at,
                decision: ended,
                moderator: None,
            }),
        };
        self.all_appeals.put(seq, id.clone());
        if let (Some(key), Intake::Open | Intake::Reversed { .. }) =
            (decision_key(&appeal.decision), &appeal.intake)
        {
            self.appealed.put(key, id.clone());
        }
        let is_open = row.is_open();
        self.appeals.put(id.clone(), row);
        let comment = self.comment_or_new(about)?;
        self.step(seq, about, &comment, appeal.case, appeal.at, None)?;
        let case = stoa_proto::ids::case_id(&about.site, &about.comment);
        if let (true, Some(mut case_row)) = (is_open, self.case(&case)?) {
            self.open_appeals.put(seq, id.clone());
            case_row.appeals.push(id);
            case_row.appealed = true;
            if matches!(appeal.case, Step::Keep { .. } | Step::KeepBy { .. }) {
                // Whoever read the case before has not read the appeal.
                case_row.version += 1;
            }
            self.cases.put(case, case_row);
        }
        Ok(())
    }

    /// Ends the open appeals of a case that is closed, and returns them.
    pub(super) fn settle(
        &mut self,
        case: &CaseRow,
        closed: &ClosedRow,
    ) -> Result<Vec<String>, Error> {
        let status = match (closed.reason, closed.verdict) {
            (Closing::Decided, Some(Verdict::Approve)) => Status::Reversed,
            (Closing::Decided, _) => Status::Upheld,
            (other, _) => Status::Moot(other),
        };
        let mut settled = Vec::new();
        for id in &case.appeals {
            let Some(mut row) = self.appeal(id)?.filter(AppealRow::is_open) else {
                continue;
            };
            row.status = status;
            row.ended = Some(EndedRow {
                at: closed.at,
                decision: closed.decision.clone(),
                moderator: closed.moderator.clone(),
            });
            self.count_outcome(&row, 1);
            self.open_appeals.set(row.seq, None);
            self.appeals.put(id.clone(), row);
            settled.push(id.clone());
        }
        Ok(settled)
    }

    /// Opens appeals again that a decision had settled which was undone.
    pub(super) fn reopen_appeals(&mut self, case: &str, settled: &[String]) -> Result<(), Error> {
        if let (false, Some(mut row)) = (settled.is_empty(), self.case(case)?) {
            row.appealed = true;
            self.cases.put(case.to_owned(), row);
        }
        for id in settled {
            let Some(mut row) = self.appeal(id)? else {
                continue;
            };
            self.count_outcome(&row, -1);
            (row.status, row.ended) = (Status::Open, None);
            self.open_appeals.put(row.seq, id.clone());
            self.appeals.put(id.clone(), row);
        }
        Ok(())
    }
}
