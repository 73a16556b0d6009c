//! What comes after the first decision about a comment: moderators' decisions, about it and about
//! its author, and reports, with what the rules decide because of them.

use stoa_proto::Verdict;
use stoa_store::Error;

use super::case::Open;
use super::{State, key, triple};
use crate::record::{About, Closing, Decided, Report, Reviewed, Sanctioned, Step, Undone};
use crate::view::decision_key;
use crate::view::rows::{AuthorRow, ClosedRow, CommentRow};

impl State<'_> {
    /// Applies a moderator's decision, which answers the reports since the one before.
    pub(super) fn reviewed(&mut self, seq: u64, reviewed: &Reviewed) -> Result<(), Error> {
        let about = &reviewed.about;
        let mut answered = None;
        if let Some(mut comment) = self.comment(&about.site, &about.comment)? {
            self.stands(
                seq,
                about,
                &mut comment,
                &reviewed.decision,
                reviewed.verdict,
            )?;
            if let Some(earlier) = comment.reviewed_seq.replace(seq) {
                self.set_aside(about, earlier);
            }
            let place = (about.site.as_str(), reviewed.at);
            self.tallies
                .judged(self.index, place, &comment, reviewed.verdict, 1)?;
            answered = comment.reports.take();
            if let Some(reports) = &answered {
                self.count_answer(&about.site, reviewed.at, reviewed.verdict, reports, 1);
            }
            for reporter in answered.iter().flat_map(|reports| reports.reporters()) {
                let mut author = self.author(&about.site, reporter)?;
                author.answered(reviewed.verdict);
                self.authors.put(key(&about.site, reporter), author);
            }
            self.comments.put(key(&about.site, &about.comment), comment);
        }
        let closed = ClosedRow {
            seq,
            at: reviewed.at,
            reason: Closing::Decided,
            decision: Some(reviewed.decision.clone()),
            verdict: Some(reviewed.verdict),
            moderator: Some(reviewed.moderator.clone()),
            fingerprint: Some(reviewed.fingerprint.clone()),
            answered,
            settled: Vec::new(),
        };
        self.close(&reviewed.case, closed)
    }

    /// Applies that a moderator's decision was undone: what stood before stands again, and the
    /// reports that it answered wait again.
    pub(super) fn undone(&mut self, seq: u64, undone: &Undone) -> Result<(), Error> {
        let about = &undone.about;
        let Some(mut comment) = self.comment(&about.site, &about.comment)? else {
            return Ok(());
        };
        let case = self.case(&undone.case)?;
        let due = case.as_ref().map_or(undone.at, |case| case.due);
        if let Some(case) = &case {
            self.tallies.undone(self.index, case, &comment, undone.at)?;
        }
        let closed = case.and_then(|case| case.closed);
        let closed_at = closed.as_ref().map(|closed| closed.at);
        let (verdict, answered, settled) = closed
            .map(|closed| (closed.verdict, closed.answered, closed.settled))
            .unwrap_or_default();
        if let (Some(verdict), Some(reports)) = (verdict, answered) {
            for reporter in reports.reporters() {
                let mut author = self.author(&about.site, reporter)?;
                author.unanswered(verdict);
                self.authors.put(key(&about.site, reporter), author);
            }
            let at = closed_at.unwrap_or(undone.at);
            self.count_answer(&about.site, at, verdict, &reports, -1);
            // None came since: a report would have opened the case.
            comment.reports = Some(reports);
        }
        self.stands(seq, about, &mut comment, &undone.decision, undone.verdict)?;
        if let Some(earlier) = comment.reviewed_seq.replace(seq) {
            self.set_aside(about, earlier);
        }
        // It was counted when it was opened the first time.
        let open = Open {
            reason: undone.reason,
            priority: undone.priority,
            due,
        };
        self.open_case(seq, about, &comment, open, undone.at, None)?;
        self.reopen_appeals(&undone.case, &settled)?;
        self.comments.put(key(&about.site, &about.comment), comment);
        Ok(())
    }

    /// Applies the order to erase a comment's words.
    pub(super) fn erased(
        &mut self,
        seq: u64,
        about: &About,
        at: i64,
        case: Step,
    ) -> Result<(), Error> {
        let mut comment = self.comment_or_new(about)?;
        comment.erased_seq = Some(seq);
        self.step(seq, about, &comment, case, at, None)?;
        self.comments.put(key(&about.site, &about.comment), comment);
        Ok(())
    }

    /// Applies what a moderator put an author under.
    pub(super) fn sanctioned(&mut self, seq: u64, sanctioned: &Sanctioned) -> Result<(), Error> {
        let (site, id) = (&sanctioned.site, &sanctioned.author);
        let mut author = self.author(site, id)?;
        author.sanctioned(sanctioned.sanction, sanctioned.until, sanctioned.at, seq);
        self.authors.put(key(site, id), author);
        self.sanctions.put((site.clone(), id.clone(), seq), ());
        Ok(())
    }

    /// Applies a report of which nothing else was kept.
    pub(super) fn reported_by_somebody(
        &mut self,
        seq: u64,
        about: &About,
        report: &str,
        at: i64,
        case: Step,
    ) -> Result<(), Error> {
        let mut comment = self.comment_or_new(about)?;
        self.count_report(seq, about, report, &mut comment);
        let weight = AuthorRow::default().weight();
        let reports = comment.reports.get_or_insert_default();
        reports.since.get_or_insert(at);
        reports.add(None, None, weight);
        self.step(seq, about, &comment, case, at, None)?;
        self.comments.put(key(&about.site, &about.comment), comment);
        Ok(())
    }

    /// Applies a report, with what the rules decided because of it.
    pub(super) fn reported(&mut self, seq: u64, report: &Report) -> Result<(), Error> {
        let about = &report.about;
        let mut comment = self.comment_or_new(about)?;
        self.count_report(seq, about, &report.id, &mut comment);
        let reports = comment.reports.get_or_insert_default();
        reports.since.get_or_insert(report.at);
        reports.add(
            report.reporter.as_deref(),
            Some(report.reason),
            report.weight,
        );
        self.count_shadow(&report.shadow)?;
        let place = (about.site.as_str(), report.at);
        self.tallies
            .shadow(self.index, place, &report.shadow, comment.verdict)?;
        also(&mut comment.shadowed, &report.shadow);
        if let Some(decided) = &report.decided {
            self.rejudged(seq, decided, &mut comment)?;
        }
        let decided = report.decided.as_ref();
        self.step(seq, about, &comment, report.case, report.at, decided)?;
        self.comments.put(key(&about.site, &about.comment), comment);
        Ok(())
    }

    fn rejudged(
        &mut self,
        seq: u64,
        decided: &Decided,
        comment: &mut CommentRow,
    ) -> Result<(), Error> {
        let about = &decided.about;
        self.judged_by_rules(decided)?;
        comment.acted.clone_from(&decided.rules);
        also(&mut comment.shadowed, &decided.shadow);
        self.count_rules(decided)?;
        self.count_shadow(&decided.shadow)?;
        self.stands(seq, about, comment, &decided.decision, decided.verdict)?;
        if let Some(earlier) = comment.rejudged_seq.replace(seq) {
            self.set_aside(about, earlier);
        }
        Ok(())
    }

    /// Lets another decision stand about a comment, which counts by it from here.
    fn stands(
        &mut self,
        seq: u64,
        about: &About,
        comment: &mut CommentRow,
        decision: &str,
        verdict: Verdict,
    ) -> Result<(), Error> {
        if let Some(key) = decision_key(decision) {
            self.decisions.put(key, seq);
        }
        let mut author = self.author(&about.site, &comment.author)?;
        let count = author.count(comment.verdict);
        *count = count.saturating_sub(1);
        *author.count(verdict) += 1;
        self.authors.put(key(&about.site, &comment.author), author);
        comment.verdict = verdict;
        decision.clone_into(&mut comment.decision);
        Ok(())
    }

    /// Notes where a decision is that the comment's row no longer names.
    fn set_aside(&mut self, about: &About, seq: u64) {
        let key = (about.site.clone(), about.comment.clone(), seq);
        self.decisions_of.put(key, ());
    }

    /// Counts a report, and notes where it is.
    pub(super) fn count_report(
        &mut self,
        seq: u64,
        about: &About,
        report: &str,
        comment: &mut CommentRow,
    ) {
        comment.n_reports = comment.n_reports.saturating_add(1);
        self.reports.put(triple(about, report), seq);
    }
}

/// Adds what is not there yet.
fn also(names: &mut Vec<String>, more: &[String]) {
    for name in more {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
}
