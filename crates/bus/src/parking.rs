//! Where a reader puts what it refuses, with all that comes later in the same thread.
//!
//! **Constraints.** A message is acknowledged only once its record is durable here; a thread's
//! messages are handled again in the order in which they came, and until none is left, what comes
//! in goes behind them. Other threads are not held up.
//!
//! **Layout.** A journal ([`record`]) and what is still parked in memory, without bodies
//! ([`index`]). Below the oldest message that is still parked the journal is dropped, segment by
//! segment. What holds words that are to be erased is dropped and overwritten ([`Parking::erase`]).
//!
//! **Recovery.** The memory is rebuilt from the journal. A message that the broker repeats because
//! a crash came between record and acknowledgement is known again and not parked twice.

mod aside;
mod erase;
mod index;
mod metrics;
mod record;
mod shown;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use prometheus::Registry;
use stoa_journal::{Entry, Options, Position};
use stoa_proto::Reader;
use stoa_proto::codec::{Message, ThreadKey};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use self::aside::{record_bytes, sizes};
use self::index::{Index, Sizes};
use self::metrics::Metrics;
use self::record::{Done, End, Failed, Head, Stored};
use crate::Error;
use crate::handler::Incoming;
use crate::health::Health;
use crate::room::append_when_room;
use crate::seam::{Journal, blocking};

pub(crate) use self::aside::{Aside, Batch};
pub use self::shown::{Attempt, Filter, Page, Parked, Retried, Unanswered};

/// The longest record: the largest message that an old broker takes has 128 MiB.
const MAX_RECORD_BYTES: u32 = 160 * 1024 * 1024;
/// Smaller than usual, so that what is done with is soon dropped.
const SEGMENT_BYTES: u64 = 16 * 1024 * 1024;
/// Messages of a thread that are handled again together, behind one that passed alone.
const TOGETHER: usize = 64;
/// Bytes of these.
const TOGETHER_BYTES: u64 = 4 * 1024 * 1024;

/// Where parked messages are kept, and how many.
#[derive(Clone, Debug)]
pub struct ParkingConfig {
    /// The folder of the journal; one process at a time may use it.
    pub dir: PathBuf,
    /// Who parks.
    pub reader: Reader,
    /// The most bytes, from the oldest message that is still parked on.
    pub max_bytes: u64,
    /// What is left free of the disk.
    pub reserve_bytes: u64,
}

/// What a reader has parked; clones share it.
#[derive(Clone)]
pub struct Parking(Arc<Inner>);

struct Inner {
    reader: Reader,
    journal: Journal,
    index: Mutex<Index>,
    /// Whether anything is parked: all that a reader asks while nothing is.
    any: AtomicBool,
    max_bytes: u64,
    clock: stoa_journal::Clock,
    metrics: Metrics,
    requests: mpsc::UnboundedSender<Request>,
    /// Set by the loop that owns the handler: whom to tell of a full disk, and until when to wait.
    reader_life: OnceLock<(Arc<Health>, CancellationToken)>,
    /// Taken by the loop that owns the handler.
    asked: Mutex<Option<mpsc::UnboundedReceiver<Request>>>,
}

/// What the loop that owns the handler is asked to do.
#[derive(Debug)]
pub(crate) enum Request {
    /// Handle the thread of a message again.
    Retry {
        id: u64,
        reply: oneshot::Sender<Result<Retried, Unanswered>>,
    },
    /// Forget a message.
    Drop {
        id: u64,
        by: String,
        reason: String,
        reply: oneshot::Sender<Result<u64, Unanswered>>,
    },
}

/// What is handled in order: a thread, or a message without one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Lane {
    Thread(Arc<ThreadKey>),
    Alone(u64),
}

impl Parking {
    /// Opens the store, or makes it. This blocks on the disk.
    pub fn open(
        config: &ParkingConfig,
        registry: &Registry,
        clock: stoa_journal::Clock,
    ) -> Result<Self, Error> {
        let journal = open_journal(config, Arc::clone(&clock))?;
        Self::over(journal, config, registry, clock)
    }

    /// Rebuilds the memory from the journal.
    pub(crate) fn over(
        journal: Journal,
        config: &ParkingConfig,
        registry: &Registry,
        clock: stoa_journal::Clock,
    ) -> Result<Self, Error> {
        let mut index = Index::default();
        for record in journal.iter(journal.first()) {
            let record = record?;
            let bytes = record_bytes(record.length as usize);
            index.grow(bytes);
            match Stored::read(&record)? {
                Stored::Parked(head, body) => {
                    let sizes = sizes(&index, &head, &body, bytes);
                    index.insert(record.position, record.time_us, *head, sizes);
                }
                Stored::Failed(failed) => {
                    index.fail(failed.parked, record.time_us, failed.reason);
                }
                Stored::Done(done) => index.remove(done.parked),
                Stored::Erased => {}
            }
        }
        let (requests, asked) = mpsc::unbounded_channel();
        let parking = Self(Arc::new(Inner {
            reader: config.reader,
            journal,
            any: AtomicBool::new(false),
            index: Mutex::new(index),
            max_bytes: config.max_bytes,
            clock,
            metrics: Metrics::new(registry, config.reader.name())?,
            requests,
            reader_life: OnceLock::new(),
            asked: Mutex::new(Some(asked)),
        }));
        parking.show(&parking.index());
        Ok(parking)
    }

    /// Returns the messages behind a number.
    pub fn page(&self, filter: &Filter, after: Option<u64>, limit: usize) -> Page {
        self.index().page(filter, after, limit)
    }

    /// Returns a message as it came, with what is known of it. This blocks on the disk.
    pub fn message(&self, id: u64) -> Result<Option<(Parked, Message)>, Error> {
        let (parked, position) = {
            let index = self.index();
            let Some(waiting) = index.get(id) else {
                return Ok(None);
            };
            (index.shown(id, waiting), waiting.position)
        };
        let record = match self.0.journal.read(position) {
            // It was done with in this moment.
            Err(stoa_journal::Error::Trimmed { .. }) => return Ok(None),
            record => record?,
        };
        Ok(match Stored::read(&record)? {
            Stored::Parked(head, body) => Some((parked, head.incoming(body).message)),
            Stored::Failed(_) | Stored::Done(_) | Stored::Erased => None,
        })
    }

    /// Returns what is known of a message.
    pub fn find(&self, id: u64) -> Option<Parked> {
        let index = self.index();
        index.get(id).map(|waiting| index.shown(id, waiting))
    }

    /// Has the thread of a message handled again from its first on; returns at the first that is
    /// refused, or when none is left.
    pub async fn retry(&self, id: u64) -> Result<Retried, Unanswered> {
        self.ask(|reply| Request::Retry { id, reply }).await
    }

    /// Forgets a message for good, by whom and why; the others of its thread are then retried.
    /// Returns how many these are, once it is durable.
    pub async fn drop_message(
        &self,
        id: u64,
        by: String,
        reason: String,
    ) -> Result<u64, Unanswered> {
        let request = |reply| Request::Drop {
            id,
            by,
            reason,
            reply,
        };
        self.ask(request).await
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, Unanswered>>) -> Request,
    ) -> Result<T, Unanswered> {
        let (reply, answer) = oneshot::channel();
        let request = request(reply);
        self.0
            .requests
            .send(request)
            .map_err(|_| Unanswered::Stopped)?;
        answer.await.unwrap_or(Err(Unanswered::Stopped))
    }

    /// Takes what is asked of the one loop; a second loop is asked nothing.
    pub(crate) fn attach(
        &self,
        health: &Arc<Health>,
        shutdown: &CancellationToken,
    ) -> Option<mpsc::UnboundedReceiver<Request>> {
        let asked = lock(&self.0.asked).take()?;
        let life = (Arc::clone(health), shutdown.clone());
        self.0.reader_life.set(life).ok();
        Some(asked)
    }

    /// Whether anything is parked.
    pub(crate) fn is_any(&self) -> bool {
        self.0.any.load(Ordering::Acquire)
    }

    /// Whether a thread is parked.
    pub(crate) fn has(&self, thread: &ThreadKey) -> bool {
        self.index().has_thread(thread)
    }

    /// Adds messages to a batch, without those that are parked already; without room for all of
    /// them nothing is added, and it says so.
    pub(crate) fn stage(&self, batch: &mut Batch, asides: Vec<Aside>) -> Result<(), String> {
        let index = self.index();
        let mut staged = Vec::with_capacity(asides.len());
        let mut bytes = 0;
        for aside in asides {
            let Aside { head, body, .. } = &aside;
            let entry = head.entry(body);
            let sizes = sizes(&index, head, body, record_bytes(entry.payload.len()));
            // What has no id is told from its like only by the broker's word.
            let tells = head.id.is_some() || aside.redelivered;
            let known = |(_, other, _): &(Head, Sizes, Entry)| other.digest == sizes.digest;
            let again = index.knows(sizes.digest) || batch.parked.iter().chain(&staged).any(known);
            if !(tells && again) {
                bytes += sizes.record;
                staged.push((aside.head, sizes, entry));
            }
        }
        if index.held() + batch.bytes + bytes > self.0.max_bytes {
            return Err(format!(
                "the store of parked messages is full ({} bytes, `bus.parked_bytes`): retry or \
                 drop the oldest, see `stoa parked list`, or raise the limit",
                self.0.max_bytes
            ));
        }
        batch.bytes += bytes;
        batch.parked.append(&mut staged);
        Ok(())
    }

    /// Makes a batch durable, and returns what is parked by it.
    pub(crate) async fn park(&self, batch: Batch) -> Result<Vec<Lane>, Error> {
        if batch.parked.is_empty() {
            return Ok(Vec::new());
        }
        let (kept, entries): (Vec<_>, Vec<_>) = batch
            .parked
            .into_iter()
            .map(|(head, sizes, entry)| ((head, sizes), entry))
            .unzip();
        let positions = self.write(entries).await?;
        let at = (self.0.clock)();
        let mut lanes = Vec::new();
        let mut index = self.index();
        for ((head, sizes), position) in kept.into_iter().zip(positions) {
            if let Some(reason) = &head.reason {
                let reader = self.0.reader.name();
                self.0.metrics.parked.with_label_values(&[reader]).inc();
                tracing::warn!(
                    queue.reader = reader,
                    parked.id = position.seq,
                    event.id = head.id,
                    event.kind = head.kind,
                    thread.id = head.thread.as_ref().map(|thread| thread.thread.as_str()),
                    bytes = sizes.body,
                    reason,
                    "a message is parked"
                );
            }
            index.grow(sizes.record);
            index.insert(position, at, head, sizes);
            lanes.extend(index.lane(position.seq));
        }
        self.show(&index);
        lanes.dedup();
        Ok(lanes)
    }

    /// Returns all that is parked.
    pub(crate) fn lanes(&self) -> Vec<Lane> {
        self.index().lanes()
    }

    pub(crate) fn lane(&self, id: u64) -> Option<Lane> {
        self.index().lane(id)
    }

    /// Counts what is parked in a lane.
    pub(crate) fn left(&self, lane: &Lane) -> u64 {
        self.index().n_of_lane(lane)
    }

    /// Reads the first messages of a lane: one, if it failed before or is to be alone, and
    /// otherwise some.
    pub(crate) async fn first(
        &self,
        lane: &Lane,
        alone: bool,
    ) -> Result<Vec<(u64, Incoming)>, Error> {
        let mut positions = Vec::new();
        let mut bytes = 0;
        for (seq, waiting) in self.index().of_lane(lane) {
            let failed = Index::has_failed(waiting);
            if positions.is_empty() || !failed {
                positions.push((seq, waiting.position));
                bytes += waiting.body_bytes;
            }
            if alone || failed || positions.len() >= TOGETHER || bytes >= TOGETHER_BYTES {
                break;
            }
        }
        let journal = self.0.journal.clone();
        let read = move || {
            let mut read = Vec::with_capacity(positions.len());
            for (seq, position) in positions {
                if let Stored::Parked(head, body) = Stored::read(&journal.read(position)?)? {
                    read.push((seq, head.incoming(body)));
                }
            }
            Ok(read)
        };
        blocking(read).await?
    }

    /// Notes attempts that failed.
    pub(crate) async fn failed(&self, failed: Vec<(u64, String)>) -> Result<(), Error> {
        let failed: Vec<Failed> = failed
            .into_iter()
            .map(|(parked, reason)| Failed { parked, reason })
            .collect();
        self.append(failed.iter().map(Failed::entry).collect())
            .await?;
        let at = (self.0.clock)();
        let mut index = self.index();
        for Failed { parked, reason } in failed {
            index.fail(parked, at, reason);
        }
        Ok(())
    }

    /// Notes that messages were handled.
    pub(crate) async fn handled(&self, seqs: Vec<u64>) -> Result<(), Error> {
        let done = |parked| Done {
            parked,
            end: End::Handled,
            by: None,
            reason: None,
        };
        self.done(seqs.into_iter().map(done).collect()).await
    }

    /// Notes that a message was dropped.
    pub(crate) async fn dropped(
        &self,
        parked: u64,
        by: String,
        reason: String,
    ) -> Result<(), Error> {
        tracing::warn!(
            queue.reader = self.0.reader.name(),
            parked.id = parked,
            by,
            reason,
            "a parked message is dropped"
        );
        let done = Done {
            parked,
            end: End::Dropped,
            by: Some(by),
            reason: Some(reason),
        };
        self.done(vec![done]).await
    }

    async fn done(&self, done: Vec<Done>) -> Result<(), Error> {
        self.append(done.iter().map(Done::entry).collect()).await?;
        let oldest = {
            let mut index = self.index();
            for done in done {
                index.remove(done.parked);
            }
            self.show(&index);
            index.oldest()
        };
        let journal = self.0.journal.clone();
        let trim = move || journal.trim(oldest.unwrap_or(journal.next()));
        blocking(trim).await??;
        Ok(())
    }

    /// Appends records that are not messages.
    async fn append(&self, entries: Vec<Entry>) -> Result<(), Error> {
        let bytes = entries
            .iter()
            .map(|entry| record_bytes(entry.payload.len()))
            .sum();
        self.write(entries).await?;
        self.index().grow(bytes);
        Ok(())
    }

    async fn write(&self, entries: Vec<Entry>) -> Result<Vec<Position>, stoa_journal::Error> {
        let append = || self.0.journal.append(entries.clone());
        match self.0.reader_life.get() {
            Some((health, shutdown)) => append_when_room(append, health, shutdown).await,
            None => append().await,
        }
    }

    /// Closes the journal; what is parked can still be read.
    pub(crate) async fn close(&self) {
        self.0.journal.clone().close().await;
    }

    fn show(&self, index: &Index) {
        self.0.any.store(!index.is_empty(), Ordering::Release);
        self.0.metrics.show(index);
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        lock(&self.0.index)
    }
}

impl std::fmt::Debug for Parking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parking")
            .field("journal", &self.0.journal)
            .finish_non_exhaustive()
    }
}

fn open_journal(config: &ParkingConfig, clock: stoa_journal::Clock) -> Result<Journal, Error> {
    let dir = &config.dir;
    std::fs::create_dir_all(dir).map_err(|source| Error::File {
        action: "make the folder",
        path: dir.clone(),
        source,
    })?;
    let options = Options {
        segment_bytes: SEGMENT_BYTES,
        max_record_bytes: MAX_RECORD_BYTES,
        reserve_bytes: config.reserve_bytes,
    };
    let opened = Journal::open(dir, options, clock)?;
    if let Some(torn) = &opened.report.torn {
        tracing::warn!(
            segment = %torn.segment.display(),
            bytes = torn.bytes,
            "an unfinished record of a parked message was cut: the message comes again"
        );
    }
    Ok(opened.journal)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
