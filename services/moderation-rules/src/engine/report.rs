//! A reader's report: what the rules that read reports make of the comment now, and its case.
//!
//! The comment is judged as it stands: its newest revision, in the words of the record that decided
//! it. It is not judged if it is held or rejected already, was taken back, or its words were erased;
//! nor without a rule that reads reports. Then the report opens a case, or raises the priority of
//! the one that is open.
//!
//! | case before | no decision, or `hold` | `reject` |
//! |---|---|---|
//! | none, or closed | opened, `reported` | stays closed |
//! | open | stays open, higher | the same: a rejection by rules does not answer the readers |

use std::sync::Arc;

use stoa_proto::{Comment, CommentReported, Data, Event, Received, Verdict, ids};
use stoa_rules::{Counted, Outcome};

use super::batch::{Item, Judge, report_failures};
use super::conclude::{self, CaseNews, Concluded, Deciding, Source};
use super::evaluate::{self, Job, Subject};
use super::facts::Facts;
use super::limits;
use super::urgency::rounded;
use crate::config::ReviewConfig;
use crate::metrics::Limit;
use crate::record::{About, Breaker, Change, Opening, Report, Step, Stored};
use crate::scorers::Scores;
use crate::view::reports::Reports;
use crate::view::rows::{AuthorRow, CaseRow, CommentRow};

/// What the rules made of a reported comment.
struct Judged {
    /// The event that brought the comment.
    submission: Event,
    facts: Facts,
    scores: Scores,
    outcome: Outcome,
    limited: Vec<(usize, Limit)>,
    opened: Vec<Breaker>,
}

impl Judged {
    fn comment(&self) -> Option<&Comment> {
        comment_of(&self.submission)
    }

    /// Tells whether something follows for the comment.
    fn acted(&self) -> bool {
        self.outcome.verdict > Verdict::Approve
    }
}

impl Judge<'_> {
    /// Takes in a report that is new.
    pub(super) fn reported(
        &mut self,
        index: usize,
        event: &Received,
        reported: &CommentReported,
        about: About,
        row: Option<CommentRow>,
    ) -> anyhow::Result<()> {
        let reader = reported.reporter.as_ref().map(|reporter| &reporter.id);
        let record = match reader {
            Some(id) => self.state.author(&about.site, id)?,
            None => AuthorRow::default(),
        };
        let row = row.unwrap_or_default();
        let before = row.open_reports();
        let mut reports = before.clone();
        let weight = record.weight();
        reports.add(reader.map(String::as_str), Some(reported.reason), weight);
        let judged = self.judge_reported(&row, &reports)?;
        let acted = judged.as_ref().filter(|judged| judged.acted());
        let case = self.state.case_of(&about.site, &about.comment)?;
        let verdict = acted.map_or(row.verdict, |judged| judged.outcome.verdict);
        let weighed = Weighed {
            review: &self.parts.review,
            before: &before,
            reports: &reports,
            reach: self.reach(&about, &row)?,
            at: self.at.micros(),
        };
        let labels = acted.map(|judged| judged.outcome.labels.as_slice());
        let step = weighed.step(&row, verdict, case.as_ref(), labels);
        let hash = self.judged.live.set.hash();
        let decision = acted.and_then(|judged| {
            let job = Job {
                index,
                event,
                comment: judged.comment()?,
                facts: judged.facts.clone(),
                case: case.clone(),
                scores: &judged.scores,
            };
            let deciding = Deciding {
                job: &job,
                outcome: &judged.outcome,
                limited: &judged.limited,
                counted: &Counted::default(),
                print: None,
                source: Source::Rules(hash),
                asked: false,
            };
            let id = ids::report_decision_id(
                &about.site,
                &about.comment,
                row.revision,
                hash,
                &reported.report,
            );
            let supersedes = Some(row.decision.clone());
            Some(deciding.decide(id, supersedes, step, &self.parts.statements, &self.at))
        });
        let (told, decided) = decision.unzip();
        let news = CaseNews {
            about: &about,
            case: case.as_ref(),
            revision: row.revision,
            at: &self.at,
        };
        let id = decided.as_ref().map(|decided| decided.decision.as_str());
        let opened = news.of(step, id);
        let opened = opened.map(|(id, data)| conclude::follow(event, id, &self.at, data));
        let shadow = judged.as_ref().filter(|judged| !judged.acted());
        let report = Report {
            id: reported.report.clone(),
            reporter: reader.cloned(),
            reason: reported.reason,
            weight,
            case: step,
            at: self.at.micros(),
            decided,
            shadow: shadow
                .map(|judged| conclude::names(&judged.outcome, false))
                .unwrap_or_default(),
            about,
        };
        let concluded = Concluded {
            change: Change::ReportedFor(Box::new(report)),
            outputs: told.into_iter().chain(opened).collect(),
            // The reader's words are read with the case.
            keep_input: true,
        };
        self.keep(index, Item::new(event, concluded))?;
        self.limiter.applied();
        for breaker in judged.into_iter().flat_map(|judged| judged.opened) {
            limits::report(&breaker);
            self.switch(breaker)?;
        }
        Ok(())
    }

    /// Judges a comment again, with a report that it does not have yet; none if there is nothing to
    /// judge it by, or nothing to judge.
    fn judge_reported(
        &mut self,
        row: &CommentRow,
        reports: &Reports,
    ) -> anyhow::Result<Option<Judged>> {
        let live = Arc::clone(&self.judged.live);
        let stands = row.revision > 0 && row.verdict == Verdict::Approve;
        if !live.set.reads_reports() || !stands || row.withdrawn_seq.is_some() {
            return Ok(None);
        }
        let Some(stored) = self.stored(row.decided_seq)? else {
            return Ok(None);
        };
        let Some(submission) = stored.submission() else {
            return Ok(None);
        };
        let Some(comment) = comment_of(&submission) else {
            return Ok(None);
        };
        self.watch()?;
        let facts = Facts::gather(
            &mut self.state,
            &submission,
            comment,
            self.parts.clock.micros(),
            self.parts.config.trusted_after,
            live.set.compares_texts(),
        )?;
        let facts = Facts {
            reports: reports.clone(),
            ..facts
        };
        let scores = if live.set.reads_scores() {
            stored.scores()
        } else {
            Scores::default()
        };
        let subject = Subject {
            comment,
            facts: &facts,
            counters: &self.state.counters(),
            scores: &scores,
            prepared: None,
        };
        let (outcome, seen) = evaluate::judge_again(&live.set, self.parts.evaluate, &subject);
        self.judged.tally.add(seen);
        let Some(mut outcome) = outcome else {
            return Ok(None);
        };
        report_failures(comment, &outcome);
        let (mut limited, mut opened) = (Vec::new(), Vec::new());
        if outcome.verdict > Verdict::Approve {
            limited = self.limit(&mut outcome, &mut opened)?;
        }
        Ok(Some(Judged {
            submission,
            facts,
            scores,
            outcome,
            limited,
            opened,
        }))
    }

    /// Reads a record: of the journal, or of this batch.
    pub(super) fn stored(&self, seq: u64) -> anyhow::Result<Option<Stored>> {
        if let Some(item) = self.judged.item(seq) {
            return Ok(Some(item.stored.clone()));
        }
        match self.parts.journal.read_seq(seq)? {
            Some(record) => Ok(Stored::read(&record)?),
            None => Ok(None),
        }
    }
}

fn comment_of(event: &Event) -> Option<&Comment> {
    match &event.data {
        Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => Some(comment),
        _ => None,
    }
}

/// What a report changes of a case's urgency.
struct Weighed<'a> {
    review: &'a ReviewConfig,
    /// The reports before it, and with it.
    before: &'a Reports,
    reports: &'a Reports,
    reach: u64,
    at: i64,
}

impl Weighed<'_> {
    /// Decides what becomes of the case.
    fn step(
        &self,
        row: &CommentRow,
        verdict: Verdict,
        case: Option<&CaseRow>,
        labels: Option<&[String]>,
    ) -> Step {
        let known = case.map(|case| case.labels.as_slice());
        let labels = labels.or(known).unwrap_or_default();
        let review = self.review;
        let least = review.priority(Opening::Reported, labels, self.reports, self.reach);
        let by_rules = row.verdict == Verdict::Approve && verdict == Verdict::Reject;
        match conclude::open(case) {
            Some(case) => {
                let more = rounded(self.reports) - rounded(self.before);
                review.keep(case, case.priority.saturating_add(more).max(least))
            }
            // A report that comes before its comment opens the case when the comment comes.
            None if row.revision == 0 || row.withdrawn_seq.is_some() || by_rules => Step::None,
            None => review.open(Opening::Reported, least, self.at),
        }
    }
}
