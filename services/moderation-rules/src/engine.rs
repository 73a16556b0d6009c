//! The engine: the one writer of the journal and the view.
//!
//! Work comes from the bus, in batches of events, and from moderators, one decision, sanction or
//! act at a time.
//! A batch is judged over the view and over what came earlier in the same batch ([`batch`]),
//! appended with one durable write, applied to the view, and answered with the events that follow.
//!
//! **Invariant:** nothing is answered before the append that holds it is durable; a repeat is
//! answered with what the journal holds, letter for letter.
//!
//! Judging changes nothing, so a panic in it is passed on to whoever asked, and the engine goes on.

mod appeal;
pub(crate) mod batch;
pub(crate) mod bulk;
pub(crate) mod conclude;
pub(crate) mod desk;
pub(crate) mod erase;
pub(crate) mod evaluate;
pub(crate) mod facts;
mod import;
pub(crate) mod limits;
mod reach;
mod report;
pub(crate) mod review;
pub(crate) mod sanction;
pub(crate) mod texts;
pub(crate) mod trial;
mod undo;
mod urgency;
pub(crate) mod waves;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use fail::fail_point;
use stoa_daemon::Clock;
use stoa_erase::Orders;
use stoa_journal::{Journal, Record};
use stoa_proto::{Kind, Outgoing, Received, Verdict};
use tokio::sync::{mpsc, oneshot};

use self::batch::{Answer, Judge};
use self::bulk::{Bulk, BulkUndone};
use self::desk::Acting;
pub(crate) use self::evaluate::Evaluate;
use self::review::{Judged, Moderator, Review, ReviewError};
use self::sanction::{NothingOpen, Sanctioning};
use self::texts::{Stale, Texting};
pub(crate) use self::undo::{UndoError, Undoing};
use crate::config::{BreakerConfig, EngineConfig, ReviewConfig};
use crate::live::{Live, Rules};
use crate::metrics::Metrics;
use crate::record::{Bulked, Change, Reviewed, Stored, Undone, Webhooked};
use crate::scorers::Scores;
use crate::statement::Statements;
use crate::view::{CASES, Index, State};

/// The engine can't write: the disk is full, or the process stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("moderation-rules can't write its journal")]
pub(crate) struct Stopped;

/// What a moderator's decision came to.
pub(crate) type ReviewOutcome = Result<Stored, ReviewError>;

/// What undoing a moderator's decision came to.
pub(crate) type UndoOutcome = Result<Stored, UndoError>;

/// What a moderator's act at a case came to: the record of it, if there is one.
pub(crate) type DeskOutcome = Result<Option<u64>, ReviewError>;

/// What a moderator's sanction came to.
pub(crate) type SanctionOutcome = Result<Stored, NothingOpen>;

/// Events with what was found out about them before.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) events: Vec<Received>,
    /// What classifiers outside say, by event; empty where none was asked.
    pub(crate) scores: Vec<Scores>,
    /// Whether nobody else publishes what follows: a request over HTTP asked for it, so it is
    /// published from the journal.
    pub(crate) asked: bool,
}

impl Batch {
    /// Takes the first events off.
    fn take(&mut self, events: usize) -> Self {
        let rest = self.events.split_off(events.min(self.events.len()));
        let scores = self.scores.split_off(events.min(self.scores.len()));
        Self {
            events: std::mem::replace(&mut self.events, rest),
            scores: std::mem::replace(&mut self.scores, scores),
            asked: self.asked,
        }
    }
}

/// What follows from each event of a batch, or the panic of judging it.
type Judgement = std::thread::Result<Vec<Vec<Outgoing>>>;

enum Work {
    Events {
        batch: Batch,
        reply: oneshot::Sender<Judgement>,
    },
    Review {
        review: Box<Review>,
        reply: oneshot::Sender<ReviewOutcome>,
    },
    Act {
        acting: Box<Acting>,
        reply: oneshot::Sender<DeskOutcome>,
    },
    Undo {
        undoing: Undoing,
        reply: oneshot::Sender<UndoOutcome>,
    },
    Bulk {
        bulk: Bulk,
        reply: oneshot::Sender<Bulked>,
    },
    UndoBulk {
        id: String,
        moderator: Moderator,
        reply: oneshot::Sender<Option<Vec<BulkUndone>>>,
    },
    Sanction {
        asked: Box<Sanctioning>,
        reply: oneshot::Sender<SanctionOutcome>,
    },
    Reset {
        rule: String,
        by: String,
        reply: oneshot::Sender<bool>,
    },
    Texts {
        texting: Texting,
        reply: oneshot::Sender<Result<u64, Stale>>,
    },
    Webhook {
        webhooked: Webhooked,
        reply: oneshot::Sender<()>,
    },
    Keep {
        records: Vec<Record>,
        reply: oneshot::Sender<()>,
    },
}

/// The way to the engine; clones share it, and the engine ends when all are gone.
#[derive(Clone, Debug)]
pub(crate) struct Handle(mpsc::Sender<Work>);

impl Handle {
    /// Hands events over of which nothing was found out before.
    #[cfg(test)]
    pub(crate) async fn events(
        &self,
        events: Vec<Received>,
    ) -> Result<Vec<Vec<Outgoing>>, Stopped> {
        self.batch(Batch {
            events,
            ..Batch::default()
        })
        .await
    }

    /// Hands events over with what was found out about them, and returns what follows from each
    /// once that is durable. Panics if judging them does.
    pub(crate) async fn batch(&self, batch: Batch) -> Result<Vec<Vec<Outgoing>>, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.0
            .send(Work::Events { batch, reply })
            .await
            .map_err(|_| Stopped)?;
        let judgement = answer.await.map_err(|_| Stopped)?;
        Ok(judgement.unwrap_or_else(|panic| resume_unwind(panic)))
    }

    /// Hands a moderator's decision over, and returns its record once that is durable.
    pub(crate) async fn review(&self, review: Review) -> Result<ReviewOutcome, Stopped> {
        let (reply, answer) = oneshot::channel();
        let work = Work::Review {
            review: Box::new(review),
            reply,
        };
        self.0.send(work).await.map_err(|_| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }

    /// Hands over what a moderator does at a case, and returns once that is durable.
    pub(crate) async fn act(&self, acting: Acting) -> Result<DeskOutcome, Stopped> {
        let (reply, answer) = oneshot::channel();
        let work = Work::Act {
            acting: Box::new(acting),
            reply,
        };
        self.0.send(work).await.map_err(|_| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }

    /// Has a moderator's decision undone, and returns the record once that is durable.
    pub(crate) async fn undo(&self, undoing: Undoing) -> Result<UndoOutcome, Stopped> {
        let (reply, answer) = oneshot::channel();
        let work = Work::Undo { undoing, reply };
        self.0.send(work).await.map_err(|_| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }

    /// Has many cases decided in one go, and returns what became of each once that is durable.
    pub(crate) async fn bulk(&self, bulk: Bulk) -> Result<Bulked, Stopped> {
        let (reply, answer) = oneshot::channel();
        let work = Work::Bulk { bulk, reply };
        self.0.send(work).await.map_err(|_| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }

    /// Has the decisions of a bulk undone, and returns what became of each once that is durable;
    /// none if there is no such bulk.
    pub(crate) async fn undo_bulk(
        &self,
        id: String,
        moderator: Moderator,
    ) -> Result<Option<Vec<BulkUndone>>, Stopped> {
        let (reply, answer) = oneshot::channel();
        let work = Work::UndoBulk {
            id,
            moderator,
            reply,
        };
        self.0.send(work).await.map_err(|_| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }

    /// Hands a moderator's sanction over, and returns its record once that is durable.
    pub(crate) async fn sanction(&self, asked: Sanctioning) -> Result<SanctionOutcome, Stopped> {
        let (reply, answer) = oneshot::channel();
        let work = Work::Sanction {
            asked: Box::new(asked),
            reply,
        };
        self.0.send(work).await.map_err(|_| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }

    /// Has the texts of statements changed, and returns their version once that is durable.
    pub(crate) async fn texts(&self, texting: Texting) -> Result<Result<u64, Stale>, Stopped> {
        let (reply, answer) = oneshot::channel();
        let work = Work::Texts { texting, reply };
        self.0.send(work).await.map_err(|_| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }

    /// Resets a rule's breaker, and returns whether it was open once that is durable.
    pub(crate) async fn reset(&self, rule: String, by: String) -> Result<bool, Stopped> {
        let (reply, answer) = oneshot::channel();
        let work = Work::Reset { rule, by, reply };
        self.0.send(work).await.map_err(|_| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }

    /// Writes down what was done with an endpoint of webhooks; it is durable when this returns.
    pub(crate) async fn webhook(&self, webhooked: Webhooked) -> Result<(), Stopped> {
        let (reply, answer) = oneshot::channel();
        let work = Work::Webhook { webhooked, reply };
        self.0.send(work).await.map_err(|_| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }

    /// Writes down what records change that are to be overwritten; it is durable when this returns.
    pub(crate) async fn keep(&self, records: Vec<Record>) -> Result<(), Stopped> {
        let (reply, answer) = oneshot::channel();
        let work = Work::Keep { records, reply };
        self.0.send(work).await.map_err(|_| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }
}

/// What the engine works with.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) journal: Journal,
    pub(crate) index: Arc<Index>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Clock,
    pub(crate) config: EngineConfig,
    pub(crate) review: Arc<ReviewConfig>,
    pub(crate) breaker: BreakerConfig,
    pub(crate) statements: Arc<Statements>,
    /// Whom to tell that words are to be erased.
    pub(crate) orders: Orders,
    /// How a comment is judged; tests put a rule set that panics in its place.
    pub(crate) evaluate: Evaluate,
    /// The hash of the rule set whose new rules are being watched.
    pub(crate) watching: Mutex<String>,
    /// Counts comments, to choose those that are timed.
    pub(crate) samples: AtomicU64,
}

/// The one writer.
#[derive(Debug)]
pub(crate) struct Engine {
    parts: Arc<Parts>,
    work: mpsc::Receiver<Work>,
}

impl Engine {
    /// Makes the engine and the way to it.
    pub(crate) fn new(parts: Arc<Parts>) -> (Self, Handle) {
        let (sender, work) = mpsc::channel(parts.config.queue);
        (Self { parts, work }, Handle(sender))
    }

    /// Works until every handle is gone, or until a write fails.
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        while let Some(work) = self.work.recv().await {
            match work {
                Work::Events { batch, reply } => answer(self.parts.events(batch).await, reply),
                Work::Review { review, reply } => answer(self.parts.review(*review).await, reply),
                Work::Act { acting, reply } => answer(self.parts.act(*acting).await, reply),
                Work::Undo { undoing, reply } => answer(self.parts.undo(undoing).await, reply),
                Work::Bulk { bulk, reply } => answer(self.parts.bulk(bulk).await, reply),
                Work::UndoBulk {
                    id,
                    moderator,
                    reply,
                } => answer(self.parts.undo_bulk(&id, moderator).await, reply),
                Work::Sanction { asked, reply } => answer(self.parts.sanction(*asked).await, reply),
                Work::Reset { rule, by, reply } => {
                    answer(self.parts.reset(&rule, &by).await, reply)
                }
                Work::Texts { texting, reply } => {
                    answer(self.parts.write_texts(texting).await, reply)
                }
                Work::Webhook { webhooked, reply } => {
                    answer(self.parts.webhook(webhooked).await, reply)
                }
                Work::Keep { records, reply } => answer(self.parts.keep(records).await, reply),
            }
            .inspect_err(|error| tracing::warn!(error = format!("{error:#}"), "not written"))
            .or_else(|error| self.parts.waits(error))?;
        }
        Ok(())
    }
}

/// Answers whoever asked, if there is an answer; they may be gone, and what was decided stays decided.
fn answer<T>(outcome: anyhow::Result<T>, reply: oneshot::Sender<T>) -> anyhow::Result<()> {
    reply.send(outcome?).ok();
    Ok(())
}

impl Parts {
    /// Passes over a full disk: nothing has happened, and whoever asked hears that and may ask again.
    fn waits(&self, error: anyhow::Error) -> anyhow::Result<()> {
        let cause = error.downcast_ref::<stoa_journal::Error>();
        if !matches!(cause, Some(stoa_journal::Error::NoSpace { .. })) {
            return Err(error);
        }
        self.watch_anew();
        Ok(())
    }

    /// Forgets which rules are watched: what was not written may have held the news that they are
    /// another set.
    fn watch_anew(&self) {
        let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        watching.clear();
    }

    async fn events(&self, mut batch: Batch) -> anyhow::Result<Judgement> {
        let mut all = Vec::with_capacity(batch.events.len());
        while !batch.events.is_empty() {
            let first = batch.take(self.config.batch_events);
            match self.batch(&first).await? {
                Ok(outgoing) => all.extend(outgoing),
                panic => return Ok(panic),
            }
        }
        Ok(Ok(all))
    }

    async fn batch(&self, batch: &Batch) -> anyhow::Result<Judgement> {
        let started = Instant::now();
        let events = &batch.events;
        let judging = || catch_unwind(AssertUnwindSafe(|| Judge::new(self).judge(batch)));
        let (judged, state) = match offload(judging) {
            Ok(judged) => judged?,
            Err(panic) => {
                self.watch_anew();
                return Ok(Err(panic));
            }
        };
        let mut changes = stored_changes(&judged);
        let is_order =
            |change: &Change| matches!(change, Change::Erased { .. } | Change::Forgotten { .. });
        let appending = changes.any(is_order).then(|| self.orders.appending());
        let entries = judged.items.iter().map(|item| item.stored.entry());
        self.commit(entries.collect::<Result<_, _>>()?, state)
            .await?;
        drop(appending);
        self.metrics.batch(events.len(), started.elapsed());
        let decided_at = self.clock.micros();
        let mut outgoing = Vec::with_capacity(events.len());
        for (index, event) in events.iter().enumerate() {
            let answer = judged.answer(index);
            if matches!(answer, Answer::New(_))
                && matches!(event.kind(), Kind::CommentSubmitted | Kind::CommentEdited)
                && let Some(recorded) = &event.recordedtime
            {
                self.metrics.decided_after(recorded.micros(), decided_at);
            }
            self.metrics.processed(event.kind(), answer.result());
            outgoing.push(match answer {
                Answer::New(seq) => self.led_to(&judged, &[seq])?,
                Answer::Again(seqs) => self.led_to(&judged, &seqs)?,
                Answer::Ignored => Vec::new(),
            });
        }
        self.metrics.open_cases(self.index.open_cases()?);
        self.count(stored_changes(&judged), &judged.live);
        judged.tally.count(&judged.live.metrics);
        for (rule, limit) in &judged.limited {
            judged.live.metrics.limited(rule, *limit);
        }
        if judged.switched {
            let open = limits::open(&self.index, &judged.live)?;
            judged.live.metrics.breakers(&open);
        }
        Ok(Ok(outgoing))
    }

    /// Returns what records led to: those of this batch, or earlier ones of the journal.
    fn led_to(&self, judged: &batch::Judged, seqs: &[u64]) -> anyhow::Result<Vec<Outgoing>> {
        let mut outgoing = Vec::new();
        for seq in seqs {
            if let Some(pending) = judged.outgoing(*seq) {
                outgoing.extend(pending);
            } else if let Some(record) = self.journal.read_seq(*seq)?
                && let Some(stored) = Stored::read(&record)?
            {
                outgoing.extend(stored.outgoing());
            }
        }
        Ok(outgoing)
    }

    async fn review(&self, review: Review) -> anyhow::Result<ReviewOutcome> {
        let mut state = State::new(&self.index);
        let (stored, acted) = match self.judge(&mut state, &review)? {
            Ok(Judged::New { stored, acted }) => (stored, acted),
            Ok(Judged::Same(stored)) => return Ok(Ok(stored)),
            Err(error) => return Ok(Err(error)),
        };
        state.take(self.journal.next(), &stored)?;
        self.commit(vec![stored.entry()?], state).await?;
        self.metrics.open_cases(self.index.open_cases()?);
        let live = self.rules.live();
        self.count([&stored.change].into_iter(), &live);
        let overrides = overridden(&live, &acted, review.verdict);
        self.reviewed(&review.case, overrides)?;
        Ok(Ok(stored))
    }

    /// Counts a moderator's decision, once its case is closed.
    fn reviewed(&self, case: &str, overrides: bool) -> anyhow::Result<()> {
        let row = self.index.view.get(&CASES, &case.to_owned())?;
        if let Some(row) = row
            && let Some(closed) = &row.closed
        {
            let open = closed.at.saturating_sub(row.opened_at);
            self.metrics.review.decided(open, overrides);
        }
        Ok(())
    }

    async fn webhook(&self, webhooked: Webhooked) -> anyhow::Result<()> {
        let stored = Stored::of(Change::Webhook(webhooked));
        let mut state = State::new(&self.index);
        state.take(self.journal.next(), &stored)?;
        self.commit(vec![stored.entry()?], state).await
    }

    /// Appends, and applies once the records are durable: the state has their changes already,
    /// under the sequences that the journal gives them.
    async fn commit(
        &self,
        entries: Vec<stoa_journal::Entry>,
        state: State<'_>,
    ) -> anyhow::Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let expected = self.journal.next();
        let positions = self.journal.append(entries).await?;
        fail_point!("moderation_after_append");
        let first = positions.first().map(|position| position.seq);
        anyhow::ensure!(
            first == Some(expected),
            "somebody else writes the journal: {first:?} instead of {expected}"
        );
        let next = expected + positions.len() as u64;
        offload(|| state.commit(next))?;
        Ok(())
    }

    fn count<'a>(&self, changes: impl Iterator<Item = &'a Change>, live: &Live) {
        self.rules.count(|rules| {
            for change in changes {
                if let Some(decided) = change.decided() {
                    let source = match change {
                        Change::Imported(_) => "import",
                        _ => "rules",
                    };
                    self.metrics.decided(decided.verdict, source);
                    for rule in &decided.rules {
                        let row = rules.entry(rule.clone()).or_default();
                        row.acted(decided.verdict);
                        live.metrics.hit(rule, true);
                    }
                }
                for rule in change.shadow() {
                    rules.entry(rule.clone()).or_default().shadow_hits += 1;
                    live.metrics.hit(rule, false);
                }
                match change {
                    Change::Reviewed(Reviewed { verdict, .. })
                    | Change::Undone(Undone { verdict, .. }) => {
                        self.metrics.decided(*verdict, "moderator");
                    }
                    _ => {}
                }
            }
        });
    }
}

fn stored_changes(judged: &batch::Judged) -> impl Iterator<Item = &Change> {
    judged.items.iter().map(|item| &item.stored.change)
}

/// Counts the rules that acted and that a moderator's verdict overrides, and returns whether there
/// are any.
fn overridden(live: &Live, acted: &[String], verdict: Verdict) -> bool {
    let mut any = false;
    for rule in live.set.rules().filter(|rule| acted.contains(&rule.id)) {
        // A rule that asked for a person is confirmed by a rejection.
        let approved = verdict == Verdict::Approve;
        if approved != (rule.verdict == Verdict::Approve) {
            live.metrics.overridden(&rule.id);
            any = true;
        }
    }
    any
}

/// Runs what takes long without holding up the runtime's other tasks, where the runtime can.
fn offload<T>(work: impl FnOnce() -> T) -> T {
    let flavor = tokio::runtime::Handle::current().runtime_flavor();
    if flavor == tokio::runtime::RuntimeFlavor::MultiThread {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}
