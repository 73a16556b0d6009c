//! What a run knows of each comment: when it was sent, acknowledged and decided.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::corpus::Corpus;
use super::ledger::Ledger;

/// Microseconds that stand for "not yet".
const NEVER: u64 = u64::MAX;

/// The state of a run, shared by all its tasks.
pub(super) struct Run {
    pub(super) corpus: Corpus,
    pub(super) ledger: Option<Ledger>,
    started: Instant,
    comments: Vec<Comment>,
    /// Microseconds at which the first and the last batch were sent and acknowledged.
    first_sent: AtomicU64,
    last_acked: AtomicU64,
    settled: AtomicU64,
    pub(super) n_attempted: AtomicU64,
    pub(super) n_acknowledged: AtomicU64,
    pub(super) n_decided: AtomicU64,
    /// Answers "taken before": repeats that we sent, and those of a run with the same seed.
    pub(super) n_duplicate: AtomicU64,
    /// Events that were refused; a sound run has none.
    pub(super) n_refused: AtomicU64,
    /// Batches that were sent again since their outcome was unknown.
    pub(super) n_retries: AtomicU64,
    /// Decisions by rules of comments that had one.
    pub(super) n_decided_again: AtomicU64,
}

struct Comment {
    /// When it was sent first.
    attempted: AtomicU64,
    acknowledged: AtomicU64,
    /// From the sending that was answered to its answer.
    accept: AtomicU32,
    decided: AtomicU64,
}

impl Run {
    pub(super) fn new(corpus: Corpus, ledger: Option<Ledger>) -> Self {
        let comments = (0..corpus.len())
            .map(|_| Comment {
                attempted: AtomicU64::new(NEVER),
                acknowledged: AtomicU64::new(NEVER),
                accept: AtomicU32::new(0),
                decided: AtomicU64::new(NEVER),
            })
            .collect();
        Self {
            corpus,
            ledger,
            started: Instant::now(),
            comments,
            first_sent: AtomicU64::new(NEVER),
            last_acked: AtomicU64::new(0),
            settled: AtomicU64::new(NEVER),
            n_attempted: AtomicU64::new(0),
            n_acknowledged: AtomicU64::new(0),
            n_decided: AtomicU64::new(0),
            n_duplicate: AtomicU64::new(0),
            n_refused: AtomicU64::new(0),
            n_retries: AtomicU64::new(0),
            n_decided_again: AtomicU64::new(0),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(NEVER - 1)
    }

    fn comment(&self, n: u32) -> Option<&Comment> {
        self.comments.get(usize::try_from(n).ok()?)
    }

    /// Notes that a comment is about to be sent.
    pub(super) fn attempt(&self, n: u32) {
        let now = self.now();
        self.first_sent.fetch_min(now, Ordering::Relaxed);
        if let Some(comment) = self.comment(n)
            && comment.attempted.fetch_min(now, Ordering::Relaxed) == NEVER
        {
            self.n_attempted.fetch_add(1, Ordering::Relaxed);
            if let Some(ledger) = &self.ledger {
                ledger.attempted(&self.corpus.event_id(n));
            }
        }
    }

    /// Notes that a comment was acknowledged, `took` after it was sent the last time.
    pub(super) fn acknowledge(&self, n: u32, took: Duration) {
        let now = self.now();
        self.last_acked.fetch_max(now, Ordering::Relaxed);
        if let Some(comment) = self.comment(n)
            && comment.acknowledged.fetch_min(now, Ordering::Relaxed) == NEVER
        {
            let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
            comment.accept.store(micros, Ordering::Relaxed);
            self.n_acknowledged.fetch_add(1, Ordering::Relaxed);
            if let Some(ledger) = &self.ledger {
                ledger.acknowledged(&self.corpus.event_id(n));
            }
        }
    }

    /// Notes that a decision of a comment was seen.
    pub(super) fn decide(&self, n: u32) {
        let now = self.now();
        let Some(comment) = self.comment(n) else {
            return;
        };
        let first = comment.decided.fetch_min(now, Ordering::Relaxed) == NEVER;
        let counter = if first {
            &self.n_decided
        } else {
            &self.n_decided_again
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that all is decided and archived.
    pub(super) fn settle(&self) {
        self.settled.fetch_min(self.now(), Ordering::Relaxed);
    }

    /// Tells whether a comment was sent.
    pub(super) fn is_attempted(&self, n: u32) -> bool {
        self.comment(n)
            .is_some_and(|comment| comment.attempted.load(Ordering::Relaxed) != NEVER)
    }

    /// Tells whether a comment was acknowledged.
    pub(super) fn is_acknowledged(&self, n: u32) -> bool {
        self.comment(n)
            .is_some_and(|comment| comment.acknowledged.load(Ordering::Relaxed) != NEVER)
    }

    /// Returns the microseconds from sending to acknowledgement, sorted.
    pub(super) fn accept_micros(&self) -> Vec<u64> {
        let known = self
            .comments
            .iter()
            .filter(|c| c.acknowledged.load(Ordering::Relaxed) != NEVER);
        let mut all: Vec<u64> = known
            .map(|comment| u64::from(comment.accept.load(Ordering::Relaxed)))
            .collect();
        all.sort_unstable();
        all
    }

    /// Returns the microseconds from acknowledgement to the arrival of the decision, sorted; 0
    /// where the decision was there first.
    pub(super) fn decide_micros(&self) -> Vec<u64> {
        let mut all: Vec<u64> = self
            .comments
            .iter()
            .filter_map(|comment| {
                let decided = comment.decided.load(Ordering::Relaxed);
                let acknowledged = comment.acknowledged.load(Ordering::Relaxed);
                (decided != NEVER && acknowledged != NEVER)
                    .then(|| decided.saturating_sub(acknowledged))
            })
            .collect();
        all.sort_unstable();
        all
    }

    /// Returns the seconds from the first sending to the last acknowledgement.
    pub(super) fn accept_seconds(&self) -> Option<f64> {
        self.seconds_until(self.last_acked.load(Ordering::Relaxed))
    }

    /// Returns the seconds from the first sending until all was decided and archived.
    pub(super) fn total_seconds(&self) -> Option<f64> {
        self.seconds_until(self.settled.load(Ordering::Relaxed))
    }

    fn seconds_until(&self, end: u64) -> Option<f64> {
        let start = self.first_sent.load(Ordering::Relaxed);
        (end != NEVER && end > start).then(|| Duration::from_micros(end - start).as_secs_f64())
    }
}
