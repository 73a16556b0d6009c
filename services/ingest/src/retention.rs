//! Forgetting: what is older than the duplicate window and published leaves view and journal.
//!
//! The view forgets first and the journal drops its segments after, so that a crash between the
//! two leaves records that nobody remembers, never a memory without its record.

use std::time::Duration;

use stoa_bus::OutboxHandle;
use stoa_daemon::Context;
use stoa_journal::Journal;
use tokio::task::spawn_blocking;

use crate::engine::Handle;
use crate::view::Change;

/// How often old records are looked for.
const PERIOD: Duration = Duration::from_mins(10);

/// Records that are forgotten in one go, so that the engine is never held up for long.
const STEP: usize = 2_048;

/// Drops old records.
#[derive(Debug)]
pub(crate) struct Retention {
    journal: Journal,
    outbox: OutboxHandle,
    engine: Handle,
    window: Duration,
    /// Everything before is forgotten already; its segment may hold younger records.
    forgotten: u64,
}

impl Retention {
    pub(crate) fn new(
        journal: Journal,
        outbox: OutboxHandle,
        engine: Handle,
        window: Duration,
    ) -> Self {
        Self {
            journal,
            outbox,
            engine,
            window,
            forgotten: 0,
        }
    }

    /// Looks for old records now and then until shutdown.
    pub(crate) async fn run(mut self, context: Context) -> anyhow::Result<()> {
        let mut ticks = tokio::time::interval(PERIOD);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.sweep(context.clock.micros()).await?,
                () = context.shutdown.cancelled() => return Ok(()),
            }
        }
    }

    /// Forgets what is older than the window at `now`, in microseconds.
    pub(crate) async fn sweep(&mut self, now: i64) -> anyhow::Result<()> {
        let window = i64::try_from(self.window.as_micros()).unwrap_or(i64::MAX);
        let cutoff = now.saturating_sub(window);
        let limit = self.outbox.next();
        // Reading waits for the disk, so it is done off the runtime's threads.
        let journal = self.journal.clone();
        let end = spawn_blocking(move || journal.first_since(cutoff)).await??;
        // What is not published yet stays, however old.
        let end = end.min(limit);
        let mut next = self.forgotten.max(self.journal.first());
        while next < end {
            let journal = self.journal.clone();
            let (changes, reached) = spawn_blocking(move || step(&journal, next, end)).await??;
            self.engine.forget(changes).await?;
            next = reached;
            self.forgotten = reached;
        }
        let before = self.journal.first();
        let first = self.journal.trim(end)?;
        if first > before {
            tracing::info!(from = before, to = first, "old records were dropped");
        }
        Ok(())
    }
}

/// Reads what some of the records from `next` to `end` say, and where to go on.
fn step(journal: &Journal, next: u64, end: u64) -> anyhow::Result<(Vec<(u64, Change)>, u64)> {
    let mut changes = Vec::with_capacity(STEP);
    let mut reached = end;
    for (n, record) in journal.iter(next).enumerate() {
        let record = record?;
        if record.seq >= end {
            break;
        }
        if n == STEP {
            reached = record.seq;
            break;
        }
        if let Some(change) = Change::of(&record)? {
            changes.push((record.seq, change));
        }
    }
    Ok((changes, reached))
}
