//! The task that carries orders out.
//!
//! Its position says up to where the journal's orders are carried out. The engine tells it of new
//! ones, so that it reads nothing while nothing is to be erased; after a start it looks once.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fail::fail_point;
use stoa_bus::{Bus, CursorFile, Holds, OutboxHandle, Parking};
use stoa_daemon::Context;
use stoa_journal::{Journal, Record};
use stoa_proto::Data;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use crate::metrics::Metrics;
use crate::targets::{Before, Targets};

/// How often the position follows the journal while there are no orders, and how long until what
/// failed is tried again.
const PERIOD: Duration = Duration::from_secs(30);
/// How often it is looked whether everything is published.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Records that are read between two looks at what was found, and that are overwritten together.
const STEP: usize = 4_096;

/// What a role's journal holds.
pub trait Erasable: Send + Sync + 'static {
    /// Returns what a record says, if it is an order.
    fn order(&self, record: &Record) -> anyhow::Result<Option<Data>>;

    /// Whether a record holds words or names of what is to be erased.
    fn holds(&self, record: &Record, targets: &Targets) -> anyhow::Result<bool>;

    /// Keeps what has to be known of records when they are overwritten, durably.
    fn keep(&self, records: Vec<Record>) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// Tells the sweeper that there are orders; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Orders(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// Appends of orders that are under way.
    appending: AtomicU64,
    told: AtomicBool,
    notify: Notify,
}

/// An order is being appended; the sweeper hears of it when this goes.
#[derive(Debug)]
pub struct Appending(Arc<State>);

impl Orders {
    /// Says that an order is about to be appended.
    #[must_use = "what is appended must be durable when this goes"]
    pub fn appending(&self) -> Appending {
        self.0.appending.fetch_add(1, Ordering::SeqCst);
        Appending(Arc::clone(&self.0))
    }

    fn are_quiet(&self) -> bool {
        self.0.appending.load(Ordering::SeqCst) == 0 && !self.0.told.load(Ordering::SeqCst)
    }
}

impl Drop for Appending {
    fn drop(&mut self) {
        self.0.told.store(true, Ordering::SeqCst);
        self.0.appending.fetch_sub(1, Ordering::SeqCst);
        self.0.notify.notify_one();
    }
}

/// Carries the orders of a role's journal out.
#[derive(Debug)]
pub struct Sweeper<E> {
    journal: Journal,
    outbox: OutboxHandle,
    bus: Bus,
    parking: Parking,
    orders: Orders,
    erasable: Arc<E>,
    cursor: Arc<CursorFile>,
    metrics: Metrics,
}

impl<E: Erasable> Sweeper<E> {
    /// Opens the position, `erased.cursor` in the role's data folder.
    pub fn open(
        data_dir: &Path,
        erasable: E,
        outbox: OutboxHandle,
        (journal, parking, bus): (Journal, Parking, Bus),
        orders: Orders,
        context: &Context,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            journal,
            outbox,
            bus,
            parking,
            orders,
            erasable: Arc::new(erasable),
            cursor: Arc::new(CursorFile::open(&data_dir.join("erased.cursor"))?),
            metrics: Metrics::new(&context.registry)?,
        })
    }

    /// Works until shutdown; what was not finished is done again after the next start.
    pub async fn run(self, context: Context) -> anyhow::Result<()> {
        tokio::select! {
            biased;
            () = context.shutdown.cancelled() => Ok(()),
            ended = self.follow() => ended,
        }
    }

    async fn follow(&self) -> anyhow::Result<()> {
        let mut is_due = true;
        loop {
            let end = self.journal.next();
            if is_due || self.orders.0.told.swap(false, Ordering::SeqCst) {
                let swept = self.sweep().await;
                is_due = swept.is_err();
                if let Err(error) = swept {
                    if is_fatal(&error) {
                        return Err(error);
                    }
                    tracing::warn!(error = format!("{error:#}"), "an erasure is tried again");
                    tokio::time::sleep(PERIOD).await;
                }
                continue;
            }
            if self.orders.are_quiet() {
                self.save(end).await?;
            }
            tokio::select! {
                () = self.orders.0.notify.notified() => {}
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    /// Carries out all orders that the journal has now.
    async fn sweep(&self) -> anyhow::Result<()> {
        let started = Instant::now();
        let end = self.journal.next();
        let targets = Arc::new(self.gather(end).await?);
        if targets.is_empty() {
            return self.save(end).await;
        }
        let pending = i64::try_from(targets.len()).unwrap_or(i64::MAX);
        self.metrics.pending.set(pending);
        // What is not published yet is needed, and the readers must hear of the order.
        while self.outbox.next() < end {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        fail_point!("erase_before_journal");
        let mut erased = self.overwrite(&targets, end).await?;
        fail_point!("erase_before_parked");
        let holds = Arc::clone(&targets);
        let holds = Holds::new(move |body, time_us| holds.in_event(body, Before::Time(time_us)));
        erased += self.count(self.parking.erase(holds.clone()).await?);
        erased += self.count(self.bus.erase(holds).await?);
        fail_point!("erase_before_cursor");
        self.save(end).await?;
        self.metrics.pending.set(0);
        self.metrics.seconds.set(started.elapsed().as_secs_f64());
        tracing::info!(targets = pending, records = erased, "words were erased");
        Ok(())
    }

    async fn gather(&self, end: u64) -> anyhow::Result<Targets> {
        let (journal, erasable) = (self.journal.clone(), Arc::clone(&self.erasable));
        let from = self.cursor.position().min(end);
        let gather = move || {
            let mut targets = Targets::default();
            for record in journal.iter(from) {
                let record = record?;
                if record.seq >= end {
                    break;
                }
                if let Some(data) = erasable.order(&record)? {
                    targets.add(&data, record.seq, record.time_us);
                }
            }
            Ok(targets)
        };
        spawn_blocking(gather).await?
    }

    /// Overwrites records of the journal before an end.
    async fn overwrite(&self, targets: &Arc<Targets>, end: u64) -> anyhow::Result<u64> {
        let (mut next, mut erased) = (self.journal.first(), 0);
        while next < end {
            let (journal, erasable) = (self.journal.clone(), Arc::clone(&self.erasable));
            let targets = Arc::clone(targets);
            let step = move || step(&journal, &*erasable, &targets, next, end);
            let (records, reached) = spawn_blocking(step).await??;
            next = reached;
            let seqs: Vec<u64> = records.iter().map(|record| record.seq).collect();
            if !records.is_empty() {
                self.erasable.keep(records).await?;
            }
            for seq in seqs {
                fail_point!("erase_before_record");
                match self.journal.redact(seq).await {
                    Ok(()) => erased += self.count(1),
                    // It was dropped in this moment.
                    Err(stoa_journal::Error::Trimmed { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(erased)
    }

    fn count(&self, records: u64) -> u64 {
        self.metrics.records.inc_by(records);
        records
    }

    async fn save(&self, position: u64) -> anyhow::Result<()> {
        let cursor = Arc::clone(&self.cursor);
        Ok(spawn_blocking(move || cursor.save(position)).await??)
    }
}

/// Whether a journal is damaged or refuses to be written; a full disk passes.
fn is_fatal(error: &anyhow::Error) -> bool {
    let mut causes = error.chain();
    let cause = causes.find_map(|cause| cause.downcast_ref::<stoa_journal::Error>());
    cause.is_some_and(|cause| !matches!(cause, stoa_journal::Error::NoSpace { .. }))
}

/// Finds what is to be overwritten among some of the records from `next` to `end`, and where to go
/// on.
fn step(
    journal: &Journal,
    erasable: &impl Erasable,
    targets: &Targets,
    next: u64,
    end: u64,
) -> anyhow::Result<(Vec<Record>, u64)> {
    let mut found = Vec::new();
    for (n, record) in journal.iter(next).enumerate() {
        let record = record?;
        if record.seq >= end {
            break;
        }
        if n == STEP {
            return Ok((found, record.seq));
        }
        if !record.redacted && erasable.holds(&record, targets)? {
            found.push(record);
        }
    }
    Ok((found, end))
}
