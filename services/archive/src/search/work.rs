//! The index's thread: opens the index, follows the journal, and starts over when it fails.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rustix::process::{getpriority_process, setpriority_process};
use stoa_daemon::Context;
use stoa_search::{Found, Key, Opened, Options};
use tokio::sync::oneshot;

use super::feed::Feed;
use super::{Failure, Shared, State, lock};
use crate::engine::chain;
use crate::read::Reader;

/// How long a failed index is left alone, at first and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// Records behind the view that count as catching up.
const MUCH: u64 = 10_000;

/// How much the index's threads stand back behind the others: about a third of their share of a
/// processor that all of them want.
const NICENESS: i32 = 5;
/// The niceness beyond which there is none.
const LAST: i32 = 19;

/// What the thread is asked for.
pub(crate) enum Command {
    /// To forget documents.
    Forget {
        /// Whose.
        keys: Vec<Key>,
        /// What became of it.
        reply: oneshot::Sender<Result<(), Failure>>,
    },
    /// To end.
    Stop,
}

/// The thread's part.
pub(crate) struct Worker {
    pub(crate) dir: PathBuf,
    pub(crate) memory: u64,
    pub(crate) interval: Duration,
    pub(crate) reader: Reader,
    pub(crate) shared: Arc<Shared>,
    pub(crate) commands: Receiver<Command>,
    pub(crate) context: Context,
}

impl Worker {
    /// Works until shutdown.
    pub(crate) fn run(self) {
        if let Err(error) = stand_back() {
            tracing::debug!(%error, "the search index's thread has the priority of the others");
        }
        let mut wait = RETRY.0;
        loop {
            let started = Instant::now();
            // The index is another's program, and its files may be damaged in any way.
            let ended = catch_unwind(AssertUnwindSafe(|| self.follow()));
            let Err(failure) = ended.unwrap_or(Err(Failure::Panicked)) else {
                return;
            };
            if started.elapsed() > RETRY.1 {
                wait = RETRY.0;
            }
            self.fail(&failure);
            if !self.pause(wait) {
                return;
            }
            wait = (wait * 2).min(RETRY.1);
        }
    }

    /// Says that searching does not work, and why.
    fn fail(&self, failure: &Failure) {
        let reason = chain(failure);
        tracing::warn!(
            search.dir = %self.dir.display(),
            reason,
            "the search index failed; the archive goes on without it, and it is opened again"
        );
        lock(&self.shared.searcher).take();
        self.set(State::Failed { reason });
    }

    fn set(&self, state: State) {
        let is_up = matches!(state, State::Following | State::CatchingUp);
        self.shared.metrics.up.set(i64::from(is_up));
        let mut now = lock(&self.shared.state);
        if *now != state {
            tracing::info!(state = ?state, "search index");
            *now = state;
        }
    }

    /// Waits while there is no index; false when the process stops.
    fn pause(&self, wait: Duration) -> bool {
        let until = Instant::now() + wait;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.commands.recv_timeout(left) {
                Ok(Command::Forget { reply, .. }) => {
                    // Whoever asked may have gone.
                    reply.send(Err(Failure::Closed)).ok();
                }
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) => return true,
            }
        }
    }

    fn open(&self) -> Result<Opened, Failure> {
        let options = Options {
            threads: 1,
            memory: self.memory,
            next: self.reader.journal.next(),
        };
        let opened = stoa_search::open(&self.dir, options)?;
        if let Found::SetAside { reason, path } = &opened.found {
            self.shared.metrics.set_aside.inc();
            tracing::warn!(
                reason,
                set_aside = %path.display(),
                "the search index could not be used and was set aside: it is built again from the journal"
            );
        }
        Ok(opened)
    }

    /// Opens the index and follows until shutdown.
    fn follow(&self) -> Result<(), Failure> {
        self.shared.suspect.store(false, Ordering::Release);
        let mut opened = self.open()?;
        *lock(&self.shared.searcher) = Some(opened.searcher.clone());
        let mut feed = Feed::new(self.reader.clone(), opened.writer.applied());
        while !self.context.shutdown.is_cancelled() {
            if self.shared.suspect.load(Ordering::Acquire) {
                return Err(Failure::Panicked);
            }
            let started = Instant::now();
            self.step(&mut feed, &mut opened)?;
            let wait = if feed.lag() > MUCH {
                Duration::ZERO
            } else {
                self.interval.saturating_sub(started.elapsed())
            };
            match self.commands.recv_timeout(wait) {
                Ok(Command::Forget { keys, reply }) => {
                    let forgotten = opened.writer.forget(&keys, &opened.searcher);
                    let reason = forgotten.as_ref().err().map(|error| chain(error));
                    let told = reason.map_or(Ok(()), |reason| Err(Failure::Kept { reason }));
                    reply.send(told).ok();
                    forgotten?;
                }
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        Ok(())
    }

    /// Follows what the view has applied, if there is room for it.
    fn step(&self, feed: &mut Feed, opened: &mut Opened) -> Result<(), Failure> {
        let metrics = &self.shared.metrics;
        let gauge = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        metrics.lag.set(gauge(feed.lag()));
        if let Err(full) = self.reader.journal.room() {
            self.set(State::Paused {
                reason: full.to_string(),
            });
        } else {
            self.set(if feed.lag() > MUCH {
                State::CatchingUp
            } else {
                State::Following
            });
            let started = Instant::now();
            let n_records = feed.step(&mut opened.writer)?;
            if n_records > 0 {
                opened.searcher.reload()?;
                metrics.records.inc_by(n_records);
                metrics.commit.observe(started.elapsed().as_secs_f64());
            }
        }
        metrics.documents.set(gauge(opened.searcher.documents()));
        metrics.lag.set(gauge(feed.lag()));
        let applied = opened.writer.applied();
        self.shared.applied.store(applied, Ordering::Release);
        Ok(())
    }
}

/// Lowers the priority of this thread and of those that it starts, as Linux has it.
fn stand_back() -> rustix::io::Result<()> {
    let now = getpriority_process(None)?;
    setpriority_process(None, now.saturating_add(NICENESS).min(LAST))
}
