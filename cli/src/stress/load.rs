//! The load: closed loop, where the next batch waits for an answer, or open, where it does not.

mod batch;
mod open;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use indicatif::ProgressBar;
use tokio::time::Instant;

use self::batch::Builder;
use super::run::Run;
use crate::client::Target;
use crate::output;

/// Events that are written before the first is sent: some 75 MB.
const AHEAD: u32 = 100_000;

/// How the load is sent.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// Events a second; as fast as they are taken without.
    pub(super) rate: Option<f64>,
    /// Whether the schedule holds whatever the answers do.
    pub(super) open: bool,
    /// When to stop, measured from the first sending.
    pub(super) duration: Option<Duration>,
    /// Batches in flight at a time.
    pub(super) concurrency: u16,
    /// Events in a batch, beside repeats.
    pub(super) batch: u16,
    /// How long a batch is sent again while its outcome is unknown.
    pub(super) patience: Duration,
}

/// Sends everything.
pub(super) async fn load(run: &Run, target: &Target, pace: &Pace) -> anyhow::Result<()> {
    let written = write_ahead(run, pace);
    // A run without an end of its own ends by the clock.
    let len = match pace.duration {
        Some(_) if run.corpus.len() == u32::MAX => 0,
        _ => run.corpus.len(),
    };
    let bar = output::progress(u64::from(len), "events");
    let load = Load {
        run,
        target,
        pace,
        written: &written,
        bar: &bar,
        started: Instant::now(),
    };
    let outcome = match pace.rate.filter(|_| pace.open) {
        Some(rate) => open::run(&load, rate).await,
        None => load.closed().await,
    };
    bar.finish_and_clear();
    outcome
}

/// Writes the first events before the clock runs, so that the machine is measured with the work of
/// the system, not with that of its load. A rate leaves time to write them as they are sent.
fn write_ahead(run: &Run, pace: &Pace) -> Vec<Bytes> {
    let n_ahead = match (pace.rate, pace.duration) {
        (None, None) => run.corpus.len().min(AHEAD),
        _ => 0,
    };
    (0..n_ahead)
        .filter_map(|n| Some(run.write(n, run.plan(n)?)))
        .collect()
}

/// What all that send have in common.
struct Load<'a> {
    run: &'a Run,
    target: &'a Target,
    pace: &'a Pace,
    written: &'a [Bytes],
    bar: &'a ProgressBar,
    started: Instant,
}

impl Load<'_> {
    /// Tells whether the time is over.
    fn is_over(&self) -> bool {
        let over = |duration| self.started.elapsed() >= duration;
        self.pace.duration.is_some_and(over)
    }

    /// Sends with so many batches in flight.
    ///
    /// A thread belongs to one lane, which sends one batch after another: so the events of a
    /// thread are sent in their order.
    async fn closed(&self) -> anyhow::Result<()> {
        let n_threads = self.run.corpus.n_threads();
        let n_lanes = n_threads.min(u32::from(self.pace.concurrency)).max(1);
        let sent = AtomicU32::new(0);
        let lanes = (0..n_lanes).map(|lane| self.lane(lane, n_lanes, &sent));
        try_join_all(lanes).await.map(|_| ())
    }

    async fn lane(&self, lane: u32, n_lanes: u32, sent: &AtomicU32) -> anyhow::Result<()> {
        let corpus = &self.run.corpus;
        let step = usize::try_from(n_lanes).unwrap_or(usize::MAX);
        let threads = || (lane..corpus.n_threads()).step_by(step);
        let mut numbers = (0..)
            .flat_map(|position| threads().map(move |thread| corpus.event_at(thread, position)))
            .map_while(|n| n.filter(|n| *n < corpus.len()));
        let mut builder = Builder::new(self.run, self.written);
        loop {
            if self.is_over() {
                break;
            }
            let new: Vec<u32> = numbers.by_ref().take(self.pace.batch.into()).collect();
            let n_new = u32::try_from(new.len()).unwrap_or(u32::MAX);
            if n_new == 0 {
                break;
            }
            let first = sent.fetch_add(n_new, Ordering::Relaxed);
            if let Some(rate) = self.pace.rate {
                let due = Duration::from_secs_f64(f64::from(first) / rate);
                tokio::time::sleep_until(self.started + due).await;
            }
            self.send(builder.build(new), None).await?;
        }
        while let Some(batch) = builder.rest(self.pace.batch) {
            self.send(batch, None).await?;
        }
        Ok(())
    }
}
