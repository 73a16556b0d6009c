//! Judging a batch: what is new, what is a repeat, and what follows from each event.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use fail::fail_point;
use stoa_proto::{Comment, Data, Outgoing, Received, Time};
use stoa_rules::Counted;
use stoa_rules::Outcome;

use super::conclude::{self, Concluded, Source};
use super::evaluate::{self, Job, Tally};
use super::facts::Facts;
use super::limits::{self, Limiter};
use super::waves::waves;
use super::{Batch, Parts};
use crate::live::Live;
use crate::metrics::{Limit, Processed, SAMPLE};
use crate::record::{About, Breaker, Change, Closing, Reasons, Stored, publish};
use crate::view::rows::{ArticleRow, CommentRow};
use crate::view::{State, appeal_id};

/// What an event is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// What follows from it: the events of its record.
    New(u64),
    /// What followed from it before: these records' events.
    Again(Vec<u64>),
    /// Nothing: it changes nothing here.
    Ignored,
}

impl Answer {
    /// Returns what is counted.
    pub(crate) fn result(&self) -> Processed {
        match self {
            Self::New(_) => Processed::Applied,
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
    pub(super) fn new(event: &Received, concluded: Concluded) -> Self {
        let Concluded {
            change,
            outputs,
            keep_input,
        } = concluded;
        let mut outgoing = Vec::with_capacity(outputs.len() + 1);
        let mut bodies = Vec::with_capacity(outputs.len());
        let mut reasons = None;
        for output in outputs {
            if let Data::CommentDecided(decision) = &output.data {
                reasons = decision.statement.as_ref().map(Reasons::of);
            }
            let body = output.to_json();
            outgoing.extend(publish(&output, &body));
            bodies.push(body);
        }
        let input = if keep_input {
            event.json().clone()
        } else {
            Bytes::new()
        };
        Self {
            stored: Stored {
                change,
                reasons,
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
    /// The sequence of the first record.
    base: u64,
    /// The records, in the order in which they were judged and are written.
    pub(crate) items: Vec<Item>,
    /// By event.
    answers: Vec<Answer>,
    /// The rule set that judged, and what it evaluated.
    pub(crate) live: Arc<Live>,
    pub(crate) tally: Tally,
    /// Rejections that became holds, by rule.
    pub(crate) limited: Vec<(String, Limit)>,
    /// Whether something happened to a breaker.
    pub(crate) switched: bool,
}

impl Judged {
    /// Returns what an event is answered with.
    pub(crate) fn answer(&self, index: usize) -> Answer {
        self.answers.get(index).cloned().unwrap_or(Answer::Ignored)
    }

    /// Returns what is published for a record of this batch, if the number is that of one.
    pub(crate) fn outgoing(&self, seq: u64) -> Option<Vec<Outgoing>> {
        Some(self.item(seq)?.outgoing.clone())
    }

    /// Returns a record of this batch, if the number is that of one.
    pub(super) fn item(&self, seq: u64) -> Option<&Item> {
        let place = usize::try_from(seq.checked_sub(self.base)?).ok()?;
        self.items.get(place)
    }
}

/// Judges one batch.
pub(crate) struct Judge<'a> {
    pub(super) parts: &'a Parts,
    pub(super) state: State<'a>,
    pub(super) limiter: Limiter,
    pub(super) at: Time,
    /// Whether what follows is published from the journal.
    asked: bool,
    pub(super) judged: Judged,
}

/// A comment that was evaluated and limited.
struct Settled<'j> {
    job: &'j Job<'j>,
    outcome: Outcome,
    counted: Counted,
    limited: Vec<(usize, Limit)>,
}

impl<'a> Judge<'a> {
    /// Begins with the view as it is and the rule set that is live.
    pub(crate) fn new(parts: &'a Parts) -> Self {
        // Only the engine appends, so these are the sequences that the records will get.
        let base = parts.journal.next();
        let live = parts.rules.live();
        let at = Time::from_timestamp(parts.clock.now());
        Self {
            parts,
            state: State::new(&parts.index),
            limiter: Limiter::new(parts, Arc::clone(&live), at.micros()),
            at,
            asked: false,
            judged: Judged {
                base,
                items: Vec::new(),
                answers: Vec::new(),
                live,
                tally: Tally::default(),
                limited: Vec::new(),
                switched: false,
            },
        }
    }

    /// Judges the events, wave by wave; the state is to be committed once the records are durable.
    pub(crate) fn judge(mut self, batch: &Batch) -> anyhow::Result<(Judged, State<'a>)> {
        let events = batch.events.as_slice();
        self.asked = batch.asked;
        self.judged.answers.resize(events.len(), Answer::Ignored);
        let set = &self.judged.live.set;
        let (in_turn, rejudges) = (set.is_sequential(), set.reads_reports());
        // A report leads to a look at an author, a parent and an article that it does not name.
        let alone = |event: &Received| {
            in_turn || (rejudges && matches!(event.data, Data::CommentReported(_)))
        };
        let waves = waves(events, alone);
        for wave in waves {
            let mut jobs = Vec::with_capacity(wave.len());
            for index in wave {
                let Some(event) = events.get(index) else {
                    continue;
                };
                match &event.data {
                    Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => {
                        let scores = batch.scores.get(index).map_or(&[][..], Vec::as_slice);
                        match (
                            self.prepare(index, event, comment, scores)?,
                            &comment.imported,
                        ) {
                            (Some(job), Some(imported)) => self.take_over(&job, imported)?,
                            (job, _) => jobs.extend(job),
                        }
                    }
                    _ => self.fact(index, event)?,
                }
            }
            self.evaluate(&jobs)?;
        }
        Ok((self.judged, self.state))
    }

    /// Finds a repeat, or gathers what the rules need.
    fn prepare<'e>(
        &mut self,
        index: usize,
        event: &'e Received,
        comment: &'e Comment,
        scores: &'e [(Arc<str>, f64)],
    ) -> anyhow::Result<Option<Job<'e>>> {
        fail_point!(
            "moderation_poison",
            comment.body.contains("stoa-poison"),
            |_| Ok(None)
        );
        if self.is_erased(&comment.site, &comment.comment)? {
            return Ok(None);
        }
        let earlier = self
            .state
            .revision(&comment.site, &comment.comment, comment.revision)?;
        if let Some(seq) = earlier {
            // What was decided since is sent again behind the rules' decision, so that the last
            // that a platform hears is what stands.
            let row = self.state.comment(&comment.site, &comment.comment)?;
            let since = row.filter(|row| row.decided_seq == seq);
            let seqs = since.map_or_else(|| vec![seq], |row| row.decisions());
            self.answer(index, Answer::Again(seqs));
            return Ok(None);
        }
        let trusted_after = self.parts.config.trusted_after;
        let now = self.parts.clock.micros();
        let set = &self.judged.live.set;
        let compares = set.compares_texts();
        let facts = Facts::gather(
            &mut self.state,
            event,
            comment,
            now,
            trusted_after,
            compares,
        )?;
        // A case is opened about a comment that is known, and most comments are new.
        let case = match &facts.before {
            Some(_) => self.state.case_of(&comment.site, &comment.comment)?,
            None => None,
        };
        Ok(Some(Job {
            index,
            event,
            comment,
            facts,
            case,
            scores,
        }))
    }

    /// Judges comments that don't depend on each other, and writes down what follows.
    fn evaluate(&mut self, jobs: &[Job<'_>]) -> anyhow::Result<()> {
        if jobs.is_empty() {
            return Ok(());
        }
        self.watch()?;
        let Parts {
            evaluate,
            config,
            metrics,
            statements,
            review,
            samples,
            ..
        } = self.parts;
        let live = Arc::clone(&self.judged.live);
        let counters = self.state.counters();
        let outcomes = evaluate::map(jobs, config.threads, |job| {
            let is_sample = samples.fetch_add(1, Ordering::Relaxed) % SAMPLE == 0;
            let timer = metrics.evaluation.start_timer();
            let subject = evaluate::Subject {
                comment: job.comment,
                facts: &job.facts,
                counters: &counters,
                scores: job.scores,
                prepared: None,
            };
            let judged = evaluate::judge(&live.set, *evaluate, &subject, is_sample);
            timer.observe_duration();
            report_failures(job.comment, &judged.0);
            judged
        });
        let mut opened = Vec::new();
        let mut settled = Vec::with_capacity(jobs.len());
        for (job, (mut outcome, counted, seen)) in jobs.iter().zip(outcomes) {
            self.judged.tally.add(seen);
            let limited = self.limit(&mut outcome, &mut opened)?;
            settled.push(Settled {
                job,
                outcome,
                counted,
                limited,
            });
        }
        let (at, asked) = (&self.at, self.asked);
        let items = evaluate::map(&settled, config.threads, |settled| {
            let deciding = conclude::Deciding {
                job: settled.job,
                outcome: &settled.outcome,
                limited: &settled.limited,
                counted: &settled.counted,
                print: settled.job.facts.print,
                source: Source::Rules(live.set.hash()),
                asked,
            };
            Item::new(settled.job.event, deciding.conclude(statements, review, at))
        });
        for (job, item) in jobs.iter().zip(items) {
            self.keep(job.index, item)?;
        }
        self.limiter.applied();
        opened.into_iter().try_for_each(|breaker| {
            limits::report(&breaker);
            self.switch(breaker)
        })
    }

    /// Turns rejections into holds where a limit is reached, and counts them.
    pub(super) fn limit(
        &mut self,
        outcome: &mut Outcome,
        opened: &mut Vec<Breaker>,
    ) -> anyhow::Result<Vec<(usize, Limit)>> {
        let limited = self.limiter.limit(&mut self.state, outcome, opened)?;
        let names = limited.iter().filter_map(|(place, limit)| {
            let fired = outcome.fired.get(*place)?;
            Some((fired.rule.id.clone(), *limit))
        });
        self.judged.limited.extend(names);
        Ok(limited)
    }

    /// Begins to watch the rules that are new, when the rule set is.
    pub(super) fn watch(&mut self) -> anyhow::Result<()> {
        let hash = self.judged.live.set.hash();
        let mut watching = self
            .parts
            .watching
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if *watching == hash {
            return Ok(());
        }
        hash.clone_into(&mut watching);
        drop(watching);
        self.judged.switched = true;
        let begins = self.limiter.begin(&mut self.state)?;
        begins
            .into_iter()
            .try_for_each(|breaker| self.switch(breaker))
    }

    /// Keeps a record of what happened to a breaker.
    pub(super) fn switch(&mut self, breaker: Breaker) -> anyhow::Result<()> {
        self.judged.switched = true;
        let stored = limits::stored(breaker);
        let seq = self.judged.base + self.judged.items.len() as u64;
        self.state.take(seq, &stored)?;
        self.judged.items.push(Item {
            stored,
            outgoing: Vec::new(),
        });
        Ok(())
    }

    /// Takes in an event that is not a comment.
    fn fact(&mut self, index: usize, event: &Received) -> anyhow::Result<()> {
        match &event.data {
            Data::ArticlePublished(article) | Data::ArticleUpdated(article) => {
                let row = ArticleRow {
                    published_at: article.published_at.as_ref().map(Time::micros),
                    removed: false,
                    tags: article.tags.clone(),
                    recorded: None,
                };
                self.article(index, event, &article.article, row)
            }
            Data::ArticleRemoved(removed) => {
                let before = self.state.article(&removed.site, &removed.article)?;
                let row = ArticleRow {
                    removed: true,
                    ..before.unwrap_or_default()
                };
                self.article(index, event, &removed.article, row)
            }
            Data::CommentWithdrawn(_) | Data::CommentReported(_) | Data::DecisionAppealed(_) => {
                self.about_comment(index, event)
            }
            Data::CommentScored(scored) => self.voted(index, event, scored),
            Data::CommentErased(_) | Data::AuthorErased(_) if event.is_order() => {
                self.erased(index, event)
            }
            // Account data is not kept here; the other types are our own.
            _ => Ok(()),
        }
    }

    fn article(
        &mut self,
        index: usize,
        event: &Received,
        id: &str,
        row: ArticleRow,
    ) -> anyhow::Result<()> {
        let site = event.site();
        let before = self.state.article(site, id)?;
        let known = before.as_ref().and_then(|before| before.recorded);
        let recorded = event.recordedtime.as_ref().map(Time::micros);
        let row = ArticleRow {
            recorded: recorded.max(known),
            ..row
        };
        // An event that comes again must not undo what came after it the first time.
        let is_late = recorded.is_some() && recorded < known;
        if is_late || before.as_ref() == Some(&row) {
            self.answer(index, Answer::Again(Vec::new()));
            return Ok(());
        }
        let change = Change::Version {
            site: site.to_owned(),
            article: id.to_owned(),
            published_at: row.published_at,
            removed: row.removed,
            tags: row.tags,
            recorded: row.recorded,
        };
        let concluded = Concluded {
            change,
            outputs: Vec::new(),
            keep_input: false,
        };
        self.keep(index, Item::new(event, concluded))
    }

    fn about_comment(&mut self, index: usize, event: &Received) -> anyhow::Result<()> {
        let (Some(article), Some(comment)) = (event.thread(), event.comment()) else {
            return Ok(());
        };
        let about = About {
            site: event.site().to_owned(),
            article: article.to_owned(),
            comment: comment.to_owned(),
        };
        let row = self.state.comment(&about.site, &about.comment)?;
        let has_words = !matches!(event.data, Data::CommentWithdrawn(_));
        if has_words && self.is_erased(&about.site, &about.comment)? {
            return Ok(());
        }
        let earlier = match &event.data {
            Data::CommentWithdrawn(_) => row.as_ref().and_then(|row| row.withdrawn_seq),
            Data::CommentReported(reported) => self.state.report(&about, &reported.report)?,
            Data::DecisionAppealed(appealed) => {
                let id = appeal_id(&about.site, &about.comment, &appealed.appeal);
                self.state.appeal(&id)?.map(|known| known.seq)
            }
            _ => None,
        };
        if let Some(seq) = earlier {
            self.answer(index, Answer::Again(vec![seq]));
            return Ok(());
        }
        if let Data::CommentReported(reported) = &event.data {
            return self.reported(index, event, reported, about, row);
        }
        if let Data::DecisionAppealed(appealed) = &event.data {
            return self.appealed(index, event, appealed, about, row);
        }
        if self.is_taken_back(event, row.as_ref())? {
            self.answer(index, Answer::Again(Vec::new()));
            return Ok(());
        }
        let case = self.state.case_of(&about.site, &about.comment)?;
        let moot = self.moot(case.as_ref(), row.as_ref(), Closing::Withdrawn)?;
        let mut concluded =
            conclude::withdrawn(event, about, row.as_ref(), case.as_ref(), &self.at);
        let moot = moot.into_iter();
        let moot = moot.map(|(id, data)| conclude::follow(event, id, &self.at, data));
        concluded.outputs.extend(moot);
        self.keep(index, Item::new(event, concluded))
    }

    /// Whether a withdrawal comes again that the newest revision took back.
    fn is_taken_back(&self, event: &Received, row: Option<&CommentRow>) -> anyhow::Result<bool> {
        let recorded = event.recordedtime.as_ref().map(Time::micros);
        let (Data::CommentWithdrawn(_), Some(recorded), Some(row)) = (&event.data, recorded, row)
        else {
            return Ok(false);
        };
        if row.revision == 0 {
            return Ok(false);
        }
        let place = row.decided_seq.checked_sub(self.judged.base);
        let decided = match place.and_then(|place| usize::try_from(place).ok()) {
            Some(place) => {
                let item = self.judged.items.get(place);
                item.and_then(|item| item.stored.recorded())
            }
            None => row.recorded(&self.parts.journal)?,
        };
        Ok(decided.is_some_and(|decided| decided > recorded))
    }

    pub(super) fn answer(&mut self, index: usize, answer: Answer) {
        if let Some(place) = self.judged.answers.get_mut(index) {
            *place = answer;
        }
    }

    /// Keeps a record for the journal, and lets what comes later in the batch see it.
    pub(super) fn keep(&mut self, index: usize, item: Item) -> anyhow::Result<()> {
        let seq = self.judged.base + self.judged.items.len() as u64;
        self.state.take(seq, &item.stored)?;
        self.judged.items.push(item);
        self.answer(index, Answer::New(seq));
        Ok(())
    }
}

/// Tells in the log which rules failed.
pub(super) fn report_failures(comment: &Comment, outcome: &Outcome) {
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
