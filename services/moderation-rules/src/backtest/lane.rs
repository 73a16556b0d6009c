//! One rule set on its way through the events, with the history that follows from its verdicts.

use std::convert::Infallible;
use std::ops::Deref;

use stoa_proto::{By, Comment, Data, Event, Time, Verdict};
use stoa_rules::{Outcome, RuleSet};

use super::history::History;
use crate::engine::evaluate::{self, Tally};
use crate::engine::facts::Facts;
use crate::engine::waves::waves;
use crate::view::rows::ArticleRow;

/// Of so many comments one is measured.
const SAMPLE: u64 = 64;

/// An event and when it happened, in microseconds since 1970.
#[derive(Debug)]
pub(super) struct Happened {
    pub(super) event: Event,
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

    /// Returns a moderator's decision: comment, revision and verdict.
    pub(super) fn review(&self) -> Option<Review<'_>> {
        match &self.event.data {
            Data::CommentDecided(decision) if matches!(decision.by, By::Moderator { .. }) => {
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
            threads,
            judged: 0,
            tally: Tally::default(),
        }
    }

    /// Judges a batch's comments; none for other events and for repeats.
    pub(super) fn judge(&mut self, events: &[Happened]) -> Vec<Option<Outcome>> {
        let mut outcomes: Vec<Option<Outcome>> = Vec::new();
        outcomes.resize_with(events.len(), || None);
        if self.threads == 1 {
            for index in 0..events.len() {
                self.wave(events, &[index], 0, &mut outcomes);
            }
            return outcomes;
        }
        // A moderator's decision changes the history of an author whom it does not name, so
        // nothing is judged across it.
        let mut start = 0;
        for run in events.split_inclusive(|event| event.review().is_some()) {
            let (last, before) = match run.split_last() {
                Some((last, before)) if last.review().is_some() => (Some(last), before),
                _ => (None, run),
            };
            let waves = if self.set.is_sequential() {
                (0..before.len()).map(|index| vec![index]).collect()
            } else {
                waves(before)
            };
            for wave in waves {
                self.wave(events, &wave, start, &mut outcomes);
            }
            if let Some(review) = last {
                self.fact(review);
            }
            start += run.len();
        }
        outcomes
    }

    /// Judges events that don't depend on each other.
    fn wave(
        &mut self,
        events: &[Happened],
        wave: &[usize],
        start: usize,
        outcomes: &mut [Option<Outcome>],
    ) {
        let mut jobs = Vec::with_capacity(wave.len());
        for index in wave.iter().map(|index| start + index) {
            let Some(event) = events.get(index) else {
                continue;
            };
            match event.comment() {
                Some(comment) => jobs.extend(self.prepare(index, event, comment)),
                None => self.fact(event),
            }
        }
        let set = self.set;
        let counters = self.history.counters();
        let judge = |job: &Job<'_>| {
            let evaluate = RuleSet::evaluate_observed;
            evaluate::judge(
                set,
                evaluate,
                job.comment,
                &job.facts,
                counters,
                &[],
                job.is_sample,
            )
        };
        let judged = evaluate::map(&jobs, self.threads, judge);
        for (job, (outcome, counted, seen)) in jobs.iter().zip(judged) {
            self.tally.add(seen);
            self.history
                .decided(job.comment, &job.facts, outcome.verdict);
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
            comment,
            facts,
            is_sample: self.judged % SAMPLE == 1,
        })
    }

    /// Takes in what is not a comment. Withdrawals, reports and appeals change cases alone, and
    /// no fact that rules read.
    fn fact(&mut self, event: &Happened) {
        if let Some(review) = event.review() {
            self.history
                .reviewed(review.site, review.comment, review.revision, review.verdict);
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
