//! One rule set on its way through the events, with the history that follows from its verdicts.

use std::convert::Infallible;
use std::ops::Deref;
use std::sync::Arc;

use stoa_proto::{By, Comment, CommentReported, Data, Event, Time, Verdict};
use stoa_rules::{Outcome, Prepared, RuleSet};

use super::history::History;
use crate::engine::conclude::IMPORTED_BY;
use crate::engine::evaluate::{self, Subject, Tally};
use crate::engine::facts::Facts;
use crate::engine::waves::waves;
use crate::view::rows::ArticleRow;

/// Of so many comments one is measured.
const SAMPLE: u64 = 64;

/// An event and when it happened, in microseconds since 1970.
#[derive(Clone, Debug)]
pub(super) struct Happened {
    pub(super) event: Arc<Event>,
    pub(super) at: i64,
}

impl Deref for Happened {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.event
    }
}

impl Happened {
    /// Returns the comment that is to be judged, if it is one.
    pub(super) fn comment(&self) -> Option<&Comment> {
        match &self.event.data {
            Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => Some(comment),
            _ => None,
        }
    }

    /// Returns a reader's report.
    pub(super) fn report(&self) -> Option<&CommentReported> {
        match &self.event.data {
            Data::CommentReported(reported) => Some(reported),
            _ => None,
        }
    }

    /// Returns a moderator's decision: comment, revision and verdict.
    pub(super) fn review(&self) -> Option<Review<'_>> {
        match &self.event.data {
            // What an import took over says nothing about what a person here made of the words.
            Data::CommentDecided(decision) if matches!(&decision.by, By::Moderator { id } if !id.starts_with(IMPORTED_BY)) => {
                Some(Review {
                    site: &decision.site,
                    comment: &decision.comment,
                    revision: decision.revision,
                    verdict: decision.verdict,
                })
            }
            _ => None,
        }
    }
}

/// A moderator's decision.
#[derive(Clone, Copy, Debug)]
pub(super) struct Review<'e> {
    pub(super) site: &'e str,
    pub(super) comment: &'e str,
    pub(super) revision: u32,
    pub(super) verdict: Verdict,
}

/// Returns when an event happened, if it says so: never later than Stoa took it in, as live.
pub(super) fn time_of(event: &Event) -> Option<i64> {
    let said = match &event.data {
        Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => {
            comment.submitted_at.as_ref()
        }
        Data::CommentReported(reported) => reported.reported_at.as_ref(),
        _ => None,
    };
    let recorded = event.recordedtime.as_ref().map(Time::micros);
    let said = said.or(event.time.as_ref()).map(Time::micros);
    match (said, recorded) {
        (Some(said), Some(recorded)) => Some(said.min(recorded)),
        (said, recorded) => said.or(recorded),
    }
}

struct Job<'e> {
    index: usize,
    event: &'e Happened,
    comment: &'e Comment,
    facts: Facts,
    is_sample: bool,
}

/// A rule set and its history.
#[derive(Debug)]
pub(super) struct Lane<'s> {
    set: &'s RuleSet,
    history: History,
    trusted_after: u64,
    compares: bool,
    /// Whether comments are judged again when they are reported.
    rejudges: bool,
    threads: usize,
    judged: u64,
    /// What was evaluated, and what it took.
    pub(super) tally: Tally,
}

impl<'s> Lane<'s> {
    pub(super) fn new(set: &'s RuleSet, trusted_after: u64, threads: usize) -> Self {
        Self {
            set,
            history: History::default(),
            trusted_after,
            compares: set.compares_texts(),
            rejudges: set.reads_reports(),
            threads,
            judged: 0,
            tally: Tally::default(),
        }
    }

    /// Judges a batch's comments, and those that are reported where the rules read reports; none
    /// for other events and for repeats.
    pub(super) fn judge(
        &mut self,
        events: &[Happened],
        prepared: &[Prepared],
    ) -> Vec<Option<Outcome>> {
        let mut outcomes: Vec<Option<Outcome>> = Vec::new();
        outcomes.resize_with(events.len(), || None);
        let in_turn = self.threads == 1 || self.set.is_sequential();
        let rejudges = self.rejudges;
        // A moderator's decision changes the history of an author whom it does not name, and a
        // report leads to a look at one.
        let alone = |event: &Happened| {
            in_turn || event.review().is_some() || (rejudges && event.report().is_some())
        };
        for wave in waves(events, alone) {
            self.wave(events, prepared, &wave, &mut outcomes);
        }
        outcomes
    }

    /// Judges events that don't depend on each other.
    fn wave(
        &mut self,
        events: &[Happened],
        prepared: &[Prepared],
        wave: &[usize],
        outcomes: &mut [Option<Outcome>],
    ) {
        let mut jobs = Vec::with_capacity(wave.len());
        for index in wave.iter().copied() {
            let Some(event) = events.get(index) else {
                continue;
            };
            match (event.comment(), event.report()) {
                (Some(comment), _) => jobs.extend(self.prepare(index, event, comment)),
                (None, Some(report)) => {
                    if let Some(place) = outcomes.get_mut(index) {
                        *place = self.reported(event, report);
                    }
                }
                (None, None) => self.fact(event),
            }
        }
        let set = self.set;
        let counters = self.history.counters();
        let judge = |job: &Job<'_>| {
            let subject = Subject {
                comment: job.comment,
                facts: &job.facts,
                counters,
                scores: &[],
                prepared: prepared.get(job.index),
            };
            evaluate::judge(set, RuleSet::evaluate_observed, &subject, job.is_sample)
        };
        let judged = evaluate::map(&jobs, self.threads, judge);
        for (job, (outcome, counted, seen)) in jobs.iter().zip(judged) {
            self.tally.add(seen);
            let verdict = outcome.verdict;
            let kept = self.rejudges.then_some(job.event);
            self.history.decided(job.comment, &job.facts, verdict, kept);
            let added = counted.by(outcome.verdict);
            self.history.remember(job.comment, &job.facts, &added);
            if let Some(place) = outcomes.get_mut(job.index) {
                *place = Some(outcome);
            }
        }
    }

    fn prepare<'e>(
        &mut self,
        index: usize,
        event: &'e Happened,
        comment: &'e Comment,
    ) -> Option<Job<'e>> {
        if self.history.was_decided(comment) {
            return None;
        }
        self.judged += 1;
        let gathered = Facts::gather(
            &mut self.history,
            event,
            comment,
            event.at,
            self.trusted_after,
            self.compares,
        );
        let Ok::<_, Infallible>(facts) = gathered;
        Some(Job {
            index,
            event,
            comment,
            facts,
            is_sample: self.judged % SAMPLE == 1,
        })
    }

    /// Takes in a report, and judges the comment again by the rules that read reports if it stands
    /// approved; none if nothing comes of that.
    fn reported(&mut self, event: &Happened, report: &CommentReported) -> Option<Outcome> {
        if !self.rejudges || !self.history.reported(report) {
            return None;
        }
        let kept = self.history.approved(&report.site, &report.comment)?;
        let comment = kept.comment()?;
        let gathered = Facts::gather(
            &mut self.history,
            &kept,
            comment,
            event.at,
            self.trusted_after,
            self.compares,
        );
        let Ok::<_, Infallible>(facts) = gathered;
        let subject = Subject {
            comment,
            facts: &facts,
            counters: self.history.counters(),
            scores: &[],
            prepared: None,
        };
        let (outcome, seen) = evaluate::judge_again(self.set, RuleSet::evaluate_observed, &subject);
        self.tally.add(seen);
        let outcome = outcome?;
        if outcome.verdict > Verdict::Approve {
            self.history
                .rejudged(&report.site, &report.comment, outcome.verdict);
        }
        Some(outcome)
    }

    /// Takes in what is neither a comment nor a report. Appeals change cases alone, and no fact
    /// that rules read.
    fn fact(&mut self, event: &Happened) {
        if let Some(review) = event.review() {
            self.history
                .reviewed(review.site, review.comment, review.revision, review.verdict);
        } else if let Data::AuthorSanctioned(sanctioned) = &event.event.data {
            self.history.sanctioned(sanctioned, event.at);
        } else if let Data::CommentWithdrawn(withdrawn) = &event.event.data {
            if self.rejudges {
                self.history.withdrawn(&withdrawn.site, &withdrawn.comment);
            }
        } else if let Data::ArticlePublished(article) | Data::ArticleUpdated(article) =
            &event.event.data
        {
            // An article that is removed keeps its date.
            let row = ArticleRow {
                published_at: article.published_at.as_ref().map(Time::micros),
                removed: false,
                tags: article.tags.clone(),
                recorded: None,
            };
            self.history.article(&article.site, &article.article, row);
        }
    }
}
