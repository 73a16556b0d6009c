//! The engine: the one writer of ingest's journal and view.
//!
//! Work comes from HTTP requests and from the inbox, already decoded and normalised.
//! The engine takes what has piled up, checks it for repeats and conflicts, appends everything
//! with one durable write, applies it to the view and answers; so batches grow under load.
//!
//! **Invariant:** nothing is answered before the append that holds it is durable, a repeat within
//! the same batch included.
//!
//! What counts as what:
//!
//! - A repeat has the `(source, id)` of an earlier event and the same type and data. White space,
//!   the order of keys and the other attributes of the envelope may differ, as they do when a
//!   publisher builds the message anew.
//! - The same `(source, id)` with another type or other data is an `id_conflict`; the first stays.
//! - An event under a new id that claims a revision of a comment that came before is a repeat if
//!   article, parent, author, format and body are the same, else a `stale_revision`.
//! - A lower revision that comes late and never came before is accepted.
//! - What may hold words of a comment that was ordered to be erased is a repeat: its words are
//!   written nowhere any more.
//! - Bytes that were refused before are refused again and recorded once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use fail::fail_point;
use stoa_erase::Orders;
use stoa_journal::{Entry, Journal};
use stoa_proto::{Code, Rejection};
use tokio::sync::{mpsc, oneshot};

use crate::digest::Digest;
use crate::intake::{Item, Prepared};
use crate::metrics::Metrics;
use crate::record::{ACCEPTED, Claim, ERASED, REJECTED, Rejected};
use crate::view::{Change, Index, code_number};

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is in the journal and will be published.
    Accepted,
    /// It came before, with the same content.
    Duplicate,
    /// It is kept among the rejections.
    Rejected {
        /// The event's id, if it could be read.
        id: Option<String>,
        /// Why.
        rejection: Rejection,
    },
}

/// The engine can't write: the disk is full, or the process stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ingest can't write its journal")]
pub(crate) struct Stopped;

enum Work {
    Submit {
        items: Vec<Item>,
        reply: oneshot::Sender<Vec<Outcome>>,
    },
    Forget {
        changes: Vec<(u64, Change)>,
        reply: oneshot::Sender<()>,
    },
}

/// The way to the engine; clones share it, and the engine ends when all are gone.
#[derive(Clone, Debug)]
pub(crate) struct Handle(mpsc::Sender<Work>);

impl Handle {
    /// Hands events over, and returns what became of each, in order, once that is durable.
    pub(crate) async fn submit(&self, items: Vec<Item>) -> Result<Vec<Outcome>, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.0
            .send(Work::Submit { items, reply })
            .await
            .map_err(|_| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }

    /// Takes records out of the view.
    pub(crate) async fn forget(&self, changes: Vec<(u64, Change)>) -> Result<(), Stopped> {
        let (reply, answer) = oneshot::channel();
        self.0
            .send(Work::Forget { changes, reply })
            .await
            .map_err(|_| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }
}

/// The one writer.
#[derive(Debug)]
pub(crate) struct Engine {
    journal: Journal,
    index: Arc<Index>,
    metrics: Metrics,
    batch_events: usize,
    orders: Orders,
    work: mpsc::Receiver<Work>,
}

impl Engine {
    /// Makes the engine and the way to it.
    pub(crate) fn new(
        journal: Journal,
        index: Arc<Index>,
        metrics: Metrics,
        config: &crate::config::EngineConfig,
        orders: Orders,
    ) -> (Self, Handle) {
        let (sender, work) = mpsc::channel(config.queue);
        let batch_events = config.batch_events;
        (
            Self {
                journal,
                index,
                metrics,
                batch_events,
                orders,
                work,
            },
            Handle(sender),
        )
    }

    /// Works until every handle is gone, or until a write fails.
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        while let Some(first) = self.work.recv().await {
            let mut batch = Batch::default();
            let mut next = Some(first);
            while let Some(work) = next.take() {
                match work {
                    Work::Submit { items, reply } => {
                        let outcomes = self.judge(items, &mut batch)?;
                        batch.replies.push((outcomes, reply));
                    }
                    Work::Forget { changes, reply } => {
                        self.index.forget(&changes)?;
                        self.metrics.forgotten.inc_by(changes.len() as u64);
                        // Whoever asked may be gone, which changes nothing.
                        reply.send(()).ok();
                    }
                }
                if batch.events < self.batch_events {
                    next = self.work.try_recv().ok();
                }
            }
            self.commit(batch).await?;
        }
        Ok(())
    }

    async fn commit(&self, batch: Batch) -> anyhow::Result<()> {
        let Batch {
            entries,
            changes,
            replies,
            events,
            started,
            has_orders,
            ..
        } = batch;
        let _appending = has_orders.then(|| self.orders.appending());
        if !entries.is_empty() {
            let positions = match self.journal.append(entries).await {
                Ok(positions) => positions,
                // Nothing has happened: whoever asked hears that, and may ask again.
                Err(full @ stoa_journal::Error::NoSpace { .. }) => {
                    tracing::warn!(%full, "a batch could not be written");
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            };
            fail_point!("ingest_after_append");
            let changes: Vec<(u64, Change)> = positions
                .iter()
                .map(|position| position.seq)
                .zip(changes)
                .collect();
            if let Some((last, _)) = changes.last() {
                self.index.apply(&changes, last + 1)?;
            }
        }
        if events > 0 {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a batch has some hundred events"
            )]
            self.metrics.batch.observe(events as f64);
            self.metrics.commit.observe(started.elapsed().as_secs_f64());
        }
        fail_point!("ingest_before_answer");
        for (outcomes, reply) in replies {
            // A client that went away gets no answer; its events are kept all the same.
            reply.send(outcomes).ok();
        }
        Ok(())
    }

    fn judge(&self, items: Vec<Item>, batch: &mut Batch) -> anyhow::Result<Vec<Outcome>> {
        batch.events += items.len();
        let mut outcomes = Vec::with_capacity(items.len());
        for item in items {
            outcomes.push(match item {
                Item::Event(event) => self.judge_event(*event, batch)?,
                Item::Refused(rejected) => self.refuse(*rejected, batch)?,
            });
        }
        Ok(outcomes)
    }

    fn judge_event(&self, event: Prepared, batch: &mut Batch) -> anyhow::Result<Outcome> {
        let mark = event.mark;
        if let Some(comment) = event.worded
            && self.is_erased(comment, batch)?
        {
            self.metrics.duplicate(event.kind);
            return Ok(Outcome::Duplicate);
        }
        let earlier = match batch.seen.get(&mark.key) {
            Some(content) => Some(*content),
            None => self.index.event(&mark.key)?.map(|seen| seen.content),
        };
        if let Some(content) = earlier {
            if content == mark.content {
                self.metrics.duplicate(event.kind);
                return Ok(Outcome::Duplicate);
            }
            let rejection = Rejection::field(
                Code::IdConflict,
                "id",
                "an event with this `source` and `id` came before with other content: give every event its own `id`",
            );
            return self.refuse(event.refuse(rejection), batch);
        }
        if event.is_order {
            batch.has_orders = true;
            let erased = mark.revision.map(|claim| (claim.comment, ERASED));
            batch.claimed.extend(erased.map(|key| (key, mark.content)));
        } else if let Some(claim) = &mark.revision {
            let key = (claim.comment, claim.revision);
            let earlier = match batch.claimed.get(&key) {
                Some(content) => Some(*content),
                None => self.index.revision(claim)?.map(|seen| seen.content),
            };
            if let Some(content) = earlier {
                if content == claim.content {
                    self.metrics.duplicate(event.kind);
                    return Ok(Outcome::Duplicate);
                }
                let rejection = Rejection::field(
                    Code::StaleRevision,
                    "data.revision",
                    "this revision of the comment came before with other content: raise `data.revision` with every change",
                );
                return self.refuse(event.refuse(rejection), batch);
            }
            batch.claimed.insert(key, claim.content);
        }
        batch.seen.insert(mark.key, mark.content);
        batch.entries.push(Entry {
            kind: ACCEPTED,
            payload: event.payload,
        });
        batch.changes.push(Change::Accepted(mark));
        self.metrics.accepted(event.kind);
        Ok(Outcome::Accepted)
    }

    /// Whether a comment was ordered to be erased.
    fn is_erased(&self, comment: Digest, batch: &Batch) -> anyhow::Result<bool> {
        let claim = Claim {
            comment,
            revision: ERASED,
            content: Digest::default(),
        };
        Ok(
            batch.claimed.contains_key(&(comment, ERASED))
                || self.index.revision(&claim)?.is_some(),
        )
    }

    fn refuse(&self, rejected: Rejected, batch: &mut Batch) -> anyhow::Result<Outcome> {
        let key = rejected.key();
        let code = rejected.refusal.rejection.code;
        self.metrics
            .rejected(rejected.refusal.kind.as_deref(), code);
        if !batch.refused.contains(&key) && self.index.refused(&key)?.is_none() {
            batch.refused.insert(key);
            batch.entries.push(Entry {
                kind: REJECTED,
                payload: rejected.encode(),
            });
            batch.changes.push(Change::Rejected(key, code_number(code)));
        }
        let crate::record::Refusal { id, rejection, .. } = rejected.refusal;
        Ok(Outcome::Rejected { id, rejection })
    }
}

/// What is written together.
struct Batch {
    started: Instant,
    events: usize,
    entries: Vec<Entry>,
    /// One for each entry.
    changes: Vec<Change>,
    replies: Vec<(Vec<Outcome>, oneshot::Sender<Vec<Outcome>>)>,
    seen: HashMap<Digest, Digest>,
    claimed: HashMap<(Digest, u32), Digest>,
    refused: HashSet<Digest>,
    has_orders: bool,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            events: 0,
            entries: Vec::new(),
            changes: Vec::new(),
            replies: Vec::new(),
            seen: HashMap::new(),
            claimed: HashMap::new(),
            refused: HashSet::new(),
            has_orders: false,
        }
    }
}
