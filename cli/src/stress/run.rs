//! What a run knows of its events: when each was sent, answered and decided.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use stoa_proto::Code;
use tokio::time::Instant;

use super::corpus::Corpus;
use super::latency::Stage;
use super::ledger::Ledger;
use super::plan::{Kind, Planned, Planner};
use super::sample::Sampler;
use super::slots::{Mark, NEVER, Slot, Slots};
use super::{events, ledger};

/// How an event was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum How {
    /// It is new.
    Accepted,
    /// It had been taken before.
    Duplicate,
    /// One or the other: the answer was about a batch.
    Taken,
    /// The broker has it; what becomes of it is not said.
    Confirmed,
}

/// The state of a run, shared by all its tasks.
pub(super) struct Run {
    pub(super) corpus: Corpus,
    pub(super) ledger: Option<Ledger>,
    pub(super) sampler: Option<Sampler>,
    slots: Slots,
    planner: Mutex<Planner>,
    revisions: Mutex<Revisions>,
    started: Instant,
    /// Microseconds at which the first batch was sent and the last was answered.
    first_sent: AtomicU64,
    last_answered: AtomicU64,
    settled: AtomicU64,
    /// One more than the highest number that was sent.
    end: AtomicU32,
    batches: AtomicU32,
    decisions: AtomicU32,
    /// From sending to the answer; in the open loop from when it was to be sent.
    pub(super) accept: Stage,
    /// From the answer to the arrival of the decision.
    pub(super) decide: Stage,
    /// From the answer until the archive shows it, of a sample.
    pub(super) archive: Stage,
    pub(super) counts: Counts,
}

/// Counts that the answers alone give.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) attempted: AtomicU64,
    /// Poison among what was attempted.
    pub(super) poison: AtomicU64,
    pub(super) acknowledged: AtomicU64,
    /// Comments of which a revision was acknowledged.
    pub(super) comments: AtomicU64,
    /// Revisions that were acknowledged: each is to be decided.
    pub(super) revisions: AtomicU64,
    pub(super) decided: AtomicU64,
    /// Poison that was refused as it must be.
    pub(super) refused: AtomicU64,
    /// Answers "taken before": repeats that we sent, and those of a run with the same seed.
    pub(super) duplicates: AtomicU64,
    /// Batches that were sent again since their outcome was unknown.
    pub(super) retries: AtomicU64,
    /// Events that left late, in the open loop.
    pub(super) late: AtomicU64,
    /// Microseconds by which the latest left late.
    pub(super) latest: AtomicU64,
    /// Events that were due before the end and were not sent.
    pub(super) unsent: AtomicU64,
}

/// Which event has a later revision of a comment.
#[derive(Default)]
struct Revisions {
    events: HashMap<(u32, u32), u32>,
    /// Decisions of what is not planned yet: those of an earlier run with the same seed. Their
    /// first places, and how many there are.
    early: HashMap<(u32, u32), (u32, u32)>,
}

impl Run {
    pub(super) fn new(
        corpus: Corpus,
        ledger: Option<Ledger>,
        sampler: Option<Sampler>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            planner: Mutex::new(Planner::new(&corpus)),
            corpus,
            ledger,
            sampler,
            slots: Slots::default(),
            revisions: Mutex::default(),
            started: Instant::now(),
            first_sent: AtomicU64::new(NEVER),
            last_answered: AtomicU64::new(0),
            settled: AtomicU64::new(NEVER),
            end: AtomicU32::new(0),
            batches: AtomicU32::new(0),
            decisions: AtomicU32::new(0),
            accept: Stage::new()?,
            decide: Stage::new()?,
            archive: Stage::new()?,
            counts: Counts::default(),
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(NEVER - 1)
    }

    /// Plans an event; those before it in its thread were planned before it.
    pub(super) fn plan(&self, n: u32) -> Option<Planned> {
        let planned = self
            .planner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .plan(n, &self.corpus, &self.slots)?;
        if let Kind::Edit { comment, revision } = planned.kind {
            let mut revisions = self.revisions();
            revisions.events.insert((comment, revision), n);
            let early = revisions.early.remove(&(comment, revision));
            drop(revisions);
            for _ in 0..early.map_or(0, |(_, times)| times) {
                self.decided(n, early.map_or(0, |(place, _)| place));
            }
        }
        Some(planned)
    }

    /// Writes an event that was planned.
    pub(super) fn write(&self, n: u32, planned: Planned) -> Bytes {
        events::write(n, planned.kind, &self.corpus, &self.slots)
    }

    fn revisions(&self) -> std::sync::MutexGuard<'_, Revisions> {
        self.revisions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what is known of an event.
    pub(super) fn slot(&self, n: u32) -> Option<&Slot> {
        self.slots.get(n)
    }

    /// Returns what an event is, if it was planned.
    pub(super) fn kind(&self, n: u32) -> Option<Kind> {
        Some(self.slot(n)?.planned.get()?.kind)
    }

    /// Returns one more than the highest number that was sent.
    pub(super) fn end(&self) -> u32 {
        self.end.load(Ordering::Relaxed)
    }

    /// Returns the number of a new batch, from 1.
    pub(super) fn batch(&self) -> u32 {
        self.batches.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Notes that events are about to be sent together.
    pub(super) fn attempt(&self, numbers: &[u32], batch: u32) {
        let now = self.now();
        self.first_sent.fetch_min(now, Ordering::Relaxed);
        for n in numbers {
            if self.attempt_at(*n, batch, now)
                && let (Some(ledger), Some(kind)) = (&self.ledger, self.kind(*n))
            {
                ledger.write(&ledger::Line::attempted(*n, batch, kind, &self.corpus));
            }
        }
        if let Some(ledger) = &self.ledger {
            ledger.flush();
        }
    }

    /// Notes when an event was first sent; tells whether this is the first time.
    pub(super) fn attempt_at(&self, n: u32, batch: u32, at: u64) -> bool {
        let Some(slot) = self.slot(n) else {
            return false;
        };
        if slot.sent.fetch_min(at, Ordering::Relaxed) != NEVER {
            return false;
        }
        slot.batch.store(batch, Ordering::Relaxed);
        self.end.fetch_max(n + 1, Ordering::Relaxed);
        self.counts.attempted.fetch_add(1, Ordering::Relaxed);
        if matches!(self.kind(n), Some(Kind::Poison { .. })) {
            self.counts.poison.fetch_add(1, Ordering::Relaxed);
        }
        true
    }

    /// Notes that an event was taken; `again` if its batch was sent more than once.
    pub(super) fn acknowledge(&self, n: u32, how: How, again: bool) {
        let now = self.now();
        self.last_answered.fetch_max(now, Ordering::Relaxed);
        if !self.acknowledge_at(n, how, again, now) {
            return;
        }
        if let Some(ledger) = &self.ledger {
            ledger.write(&ledger::Line::taken(n, how));
        }
        if let Some(slot) = self.slot(n) {
            self.time(slot);
        }
        if matches!(how, How::Accepted | How::Confirmed)
            && let (Some(sampler), Some(Kind::Comment { .. })) = (&self.sampler, self.kind(n))
        {
            sampler.offer(n);
        }
    }

    /// Notes when and how an event was taken; tells whether this is its first answer.
    pub(super) fn acknowledge_at(&self, n: u32, how: How, again: bool, at: u64) -> bool {
        let (Some(slot), Some(kind)) = (self.slot(n), self.kind(n)) else {
            return false;
        };
        if slot.answered.fetch_min(at, Ordering::Relaxed) != NEVER {
            return false;
        }
        if how != How::Accepted && how != How::Confirmed && !again {
            slot.mark(Mark::Known);
        }
        if matches!(kind, Kind::Poison { .. }) {
            if how != How::Confirmed {
                slot.mark(Mark::GotThrough);
            }
            return true;
        }
        slot.mark(Mark::Acknowledged);
        self.counts.acknowledged.fetch_add(1, Ordering::Relaxed);
        if let Some((comment, _)) = kind.revision(n) {
            self.counts.revisions.fetch_add(1, Ordering::Relaxed);
            if self
                .slot(comment)
                .is_some_and(|slot| slot.mark(Mark::Awaited))
            {
                self.counts.comments.fetch_add(1, Ordering::Relaxed);
            }
        }
        true
    }

    /// Notes that an event was refused.
    pub(super) fn refuse(&self, n: u32, code: &str) {
        let now = self.now();
        self.last_answered.fetch_max(now, Ordering::Relaxed);
        if self.refuse_at(n, code, now)
            && let Some(ledger) = &self.ledger
        {
            ledger.write(&ledger::Line::refused(n, code));
        }
    }

    /// Notes when and why an event was refused; tells whether that is new.
    pub(super) fn refuse_at(&self, n: u32, code: &str, at: u64) -> bool {
        let (Some(slot), Some(kind)) = (self.slot(n), self.kind(n)) else {
            return false;
        };
        slot.answered.fetch_min(at, Ordering::Relaxed);
        let expected =
            matches!(kind, Kind::Poison { poison, .. } if poison.code().as_str() == code);
        if expected {
            let new = slot.mark(Mark::Refused);
            self.counts
                .refused
                .fetch_add(u64::from(new), Ordering::Relaxed);
            return new;
        }
        slot.mark(Mark::RefusedWrongly)
    }

    /// Notes that a decision of a revision was seen.
    pub(super) fn decide(&self, comment: u32, revision: u32) {
        let place = self.decisions.fetch_add(1, Ordering::Relaxed) + 1;
        if revision == 1 {
            self.decided(comment, place);
            return;
        }
        let mut revisions = self.revisions();
        if let Some(n) = revisions.events.get(&(comment, revision)).copied() {
            drop(revisions);
            self.decided(n, place);
        } else {
            let early = revisions.early.entry((comment, revision));
            early.or_insert((place, 0)).1 += 1;
        }
    }

    fn decided(&self, n: u32, place: u32) {
        let Some(slot) = self.slot(n) else { return };
        let first = slot
            .decided
            .compare_exchange(0, place, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok();
        if !first {
            slot.mark(Mark::DecidedAgain);
            return;
        }
        self.counts.decided.fetch_add(1, Ordering::Relaxed);
        self.time(slot);
    }

    /// Counts the time from the answer to the decision once both were seen, in whichever order: a
    /// decision that is there before the answer took no time.
    fn time(&self, slot: &Slot) {
        let answered = slot.answered.load(Ordering::Relaxed);
        let is_decided = slot.decided.load(Ordering::Relaxed) > 0;
        if answered != NEVER && is_decided && !slot.has(Mark::Known) && slot.mark(Mark::Timed) {
            self.decide.record(self.now().saturating_sub(answered));
        }
    }

    /// Returns the comments and revisions that were decided and are no event's.
    pub(super) fn strange_decisions(&self) -> Vec<(u32, u32)> {
        self.revisions().early.keys().copied().collect()
    }

    /// Notes that all is decided and archived.
    pub(super) fn settle(&self) {
        self.settled.fetch_min(self.now(), Ordering::Relaxed);
    }

    /// Tells whether an event was taken before another one was sent: whether they have an order.
    pub(super) fn is_before(&self, first: u32, second: u32) -> bool {
        let (Some(one), Some(other)) = (self.slot(first), self.slot(second)) else {
            return false;
        };
        // What another run sent came in its order, not in ours.
        if other.has(Mark::Known) || !one.is_sent() || !other.is_sent() {
            return false;
        }
        let same = one.batch.load(Ordering::Relaxed) == other.batch.load(Ordering::Relaxed);
        let answered = one.answered.load(Ordering::Relaxed);
        (same && first < second) || answered < other.sent.load(Ordering::Relaxed)
    }

    /// Returns the seconds from the first sending to the last answer.
    pub(super) fn accept_seconds(&self) -> Option<f64> {
        self.seconds_until(self.last_answered.load(Ordering::Relaxed))
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

/// Returns the code by which an event must be refused, if it must.
pub(super) fn expected_code(kind: Kind) -> Option<Code> {
    match kind {
        Kind::Poison { poison, .. } => Some(poison.code()),
        _ => None,
    }
}
