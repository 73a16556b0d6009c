//! Judging a batch: what is new, what is a repeat, and what follows from each event.

use bytes::Bytes;
use stoa_proto::{Comment, Data, Event, Outgoing, Time};

use super::Parts;
use super::conclude::{self, Concluded};
use super::evaluate::{self, Job};
use super::facts::Facts;
use super::waves::waves;
use crate::live::Live;
use crate::metrics::Processed;
use crate::record::{About, Change, Stored, publish};
use crate::view::State;
use crate::view::rows::ArticleRow;

/// What an event is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// What follows from it.
    New,
    /// What followed from it before: these records' events.
    Again(Vec<u64>),
    /// Nothing: it changes nothing here.
    Ignored,
}

impl Answer {
    /// Returns what is counted.
    pub(crate) fn result(&self) -> Processed {
        match self {
            Self::New => Processed::Applied,
            Self::Again(_) => Processed::Duplicate,
            Self::Ignored => Processed::Ignored,
        }
    }
}

/// A record to be written, and what is published once it is.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) stored: Stored,
    pub(crate) outgoing: Vec<Outgoing>,
}

impl Item {
    /// Serialises what is to be written and published.
    fn new(event: &Event, concluded: Concluded) -> Self {
        let Concluded {
            change,
            outputs,
            keep_input,
        } = concluded;
        let mut outgoing = Vec::with_capacity(outputs.len() + 1);
        let mut bodies = Vec::with_capacity(outputs.len());
        for output in outputs {
            let body = output.to_json();
            outgoing.extend(publish(&output, &body));
            bodies.push(body);
        }
        let input = if keep_input {
            event.to_json()
        } else {
            Bytes::new()
        };
        Self {
            stored: Stored {
                change,
                input,
                outputs: bodies,
            },
            outgoing,
        }
    }
}

/// A batch that was judged.
#[derive(Debug)]
pub(crate) struct Judged {
    /// From here on numbers stand for events of this batch.
    base: u64,
    /// By event.
    pub(crate) items: Vec<Option<Item>>,
    answers: Vec<Answer>,
}

impl Judged {
    /// Returns what an event is answered with.
    pub(crate) fn answer(&self, index: usize) -> Answer {
        self.answers.get(index).cloned().unwrap_or(Answer::Ignored)
    }

    /// Returns what is published for a new event.
    pub(crate) fn outgoing(&self, index: usize) -> Vec<Outgoing> {
        let item = self.items.get(index).and_then(Option::as_ref);
        item.map(|item| item.outgoing.clone()).unwrap_or_default()
    }

    /// Returns what follows from an event of this batch, if the number stands for one.
    pub(crate) fn pending(&self, seq: u64) -> Option<Vec<Outgoing>> {
        let index = usize::try_from(seq.checked_sub(self.base)?).ok()?;
        Some(self.outgoing(index))
    }
}

/// Judges one batch.
pub(crate) struct Judge<'a> {
    parts: &'a Parts,
    live: std::sync::Arc<Live>,
    state: State<'a>,
    base: u64,
    at: Time,
    judged: Judged,
}

impl<'a> Judge<'a> {
    /// Begins with the view as it is and the rule set that is live.
    pub(crate) fn new(parts: &'a Parts) -> Self {
        // Only the engine appends, so numbers from here on are free to stand for this batch's
        // events until it is written.
        let base = parts.journal.next();
        Self {
            parts,
            live: parts.rules.live(),
            state: State::new(&parts.index),
            base,
            at: Time::from_timestamp(parts.clock.now()),
            judged: Judged {
                base,
                items: Vec::new(),
                answers: Vec::new(),
            },
        }
    }

    /// Judges the events, wave by wave.
    pub(crate) fn judge(mut self, events: &[Event]) -> anyhow::Result<Judged> {
        self.judged.items.resize_with(events.len(), || None);
        self.judged.answers.resize(events.len(), Answer::Ignored);
        for wave in waves(events) {
            let mut jobs = Vec::with_capacity(wave.len());
            for index in wave {
                let Some(event) = events.get(index) else {
                    continue;
                };
                match &event.data {
                    Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => {
                        jobs.extend(self.prepare(index, event, comment)?);
                    }
                    _ => self.fact(index, event)?,
                }
            }
            self.evaluate(&jobs)?;
        }
        Ok(self.judged)
    }

    /// Finds a repeat, or gathers what the rules need.
    fn prepare<'e>(
        &mut self,
        index: usize,
        event: &'e Event,
        comment: &'e Comment,
    ) -> anyhow::Result<Option<Job<'e>>> {
        let earlier = self
            .state
            .revision(&comment.site, &comment.comment, comment.revision)?;
        if let Some(seq) = earlier {
            // What a moderator decided since is sent again behind the rules' decision, so that
            // the last that a platform hears is what stands.
            let row = self.state.comment(&comment.site, &comment.comment)?;
            let since = row
                .filter(|row| row.decided_seq == seq)
                .and_then(|row| row.reviewed_seq);
            self.answer(
                index,
                Answer::Again([seq].into_iter().chain(since).collect()),
            );
            return Ok(None);
        }
        let trusted_after = self.parts.config.trusted_after;
        let now = self.parts.clock.micros();
        let facts = Facts::gather(&mut self.state, event, comment, now, trusted_after)?;
        let case = self.state.case_of(&comment.site, &comment.comment)?;
        Ok(Some(Job {
            index,
            event,
            comment,
            facts,
            case,
        }))
    }

    /// Judges comments that don't depend on each other, and writes down what follows.
    fn evaluate(&mut self, jobs: &[Job<'_>]) -> anyhow::Result<()> {
        let Parts {
            evaluate,
            config,
            metrics,
            statement,
            ..
        } = self.parts;
        let (set, at) = (&self.live.set, &self.at);
        let items = evaluate::map(jobs, config.threads, |job| {
            let timer = metrics.evaluation.start_timer();
            let outcome = evaluate::judge(set, *evaluate, job);
            timer.observe_duration();
            report_failures(job.comment, &outcome);
            let deciding = conclude::Deciding {
                job,
                outcome: &outcome,
                hash: set.hash(),
            };
            Item::new(job.event, deciding.conclude(statement, at))
        });
        for (job, item) in jobs.iter().zip(items) {
            self.keep(job.index, item)?;
        }
        Ok(())
    }

    /// Takes in an event that is not a comment.
    fn fact(&mut self, index: usize, event: &Event) -> anyhow::Result<()> {
        match &event.data {
            Data::ArticlePublished(article) | Data::ArticleUpdated(article) => {
                let published_at = article.published_at.as_ref().map(Time::micros);
                self.article(index, event, &article.article, published_at, false)
            }
            Data::ArticleRemoved(removed) => {
                let before = self.state.article(&removed.site, &removed.article)?;
                let published_at = before.and_then(|row| row.published_at);
                self.article(index, event, &removed.article, published_at, true)
            }
            Data::CommentWithdrawn(_) | Data::CommentReported(_) | Data::DecisionAppealed(_) => {
                self.about_comment(index, event)
            }
            // Votes and account data are not kept here; the other types are our own.
            _ => Ok(()),
        }
    }

    fn article(
        &mut self,
        index: usize,
        event: &Event,
        id: &str,
        published_at: Option<i64>,
        removed: bool,
    ) -> anyhow::Result<()> {
        let site = event.site();
        let row = ArticleRow {
            published_at,
            removed,
        };
        if self.state.article(site, id)?.as_ref() == Some(&row) {
            self.answer(index, Answer::Again(Vec::new()));
            return Ok(());
        }
        let change = Change::Article {
            site: site.to_owned(),
            article: id.to_owned(),
            published_at,
            removed,
        };
        let concluded = Concluded {
            change,
            outputs: Vec::new(),
            keep_input: false,
        };
        self.keep(index, Item::new(event, concluded))
    }

    fn about_comment(&mut self, index: usize, event: &Event) -> anyhow::Result<()> {
        let (Some(article), Some(comment)) = (event.thread(), event.comment()) else {
            return Ok(());
        };
        let about = About {
            site: event.site().to_owned(),
            article: article.to_owned(),
            comment: comment.to_owned(),
        };
        let row = self.state.comment(&about.site, &about.comment)?;
        let earlier = match &event.data {
            Data::CommentWithdrawn(_) => row.as_ref().and_then(|row| row.withdrawn_seq),
            Data::CommentReported(reported) => self.state.report(&about, &reported.report)?,
            Data::DecisionAppealed(appealed) => self.state.appeal(&about, &appealed.appeal)?,
            _ => None,
        };
        if let Some(seq) = earlier {
            self.answer(index, Answer::Again(vec![seq]));
            return Ok(());
        }
        let case = self.state.case_of(&about.site, &about.comment)?;
        let concluded =
            conclude::about_comment(event, about, row.as_ref(), case.as_ref(), &self.at);
        match concluded {
            Some(concluded) => self.keep(index, Item::new(event, concluded)),
            None => Ok(()),
        }
    }

    fn answer(&mut self, index: usize, answer: Answer) {
        if let Some(place) = self.judged.answers.get_mut(index) {
            *place = answer;
        }
    }

    /// Keeps a record for the journal, and lets what comes later in the batch see it.
    fn keep(&mut self, index: usize, item: Item) -> anyhow::Result<()> {
        self.state
            .apply(self.base + index as u64, &item.stored.change)?;
        if let Some(place) = self.judged.items.get_mut(index) {
            *place = Some(item);
        }
        self.answer(index, Answer::New);
        Ok(())
    }
}

fn report_failures(comment: &Comment, outcome: &stoa_rules::Outcome) {
    for failure in &outcome.failed {
        tracing::warn!(
            site.id = comment.site,
            comment.id = comment.comment,
            rule.id = failure.rule.id,
            acted = failure.acted,
            reason = failure.message,
            "a rule failed"
        );
    }
}
