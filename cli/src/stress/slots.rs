//! What a run knows of each event: 48 bytes of it, made when the first of 65 536 is sent.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use super::plan::Planned;

/// The number that stands for "not yet".
pub(super) const NEVER: u64 = u64::MAX;

/// Events whose slots are made together.
const CHUNK: usize = 1 << 16;

/// What is known of one event.
#[derive(Debug)]
pub(super) struct Slot {
    /// What it is.
    pub(super) planned: OnceLock<Planned>,
    /// When it was sent first, in microseconds; of a ledger, the line.
    pub(super) sent: AtomicU64,
    /// When it was answered for good.
    pub(super) answered: AtomicU64,
    /// The batch that it was in first.
    pub(super) batch: AtomicU32,
    /// Its place among the decisions that were seen, from 1.
    pub(super) decided: AtomicU32,
    marks: AtomicU8,
}

/// Something that became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Mark {
    /// It was acknowledged.
    Acknowledged = 1,
    /// It was refused with the code that was expected.
    Refused = 2,
    /// It was refused and should not have been, or with another code.
    RefusedWrongly = 4,
    /// It should have been refused and was taken.
    GotThrough = 8,
    /// It was known before this run sent it.
    Known = 16,
    /// The rules decided it more than once.
    DecidedAgain = 32,
    /// Of a comment: a revision of it was acknowledged.
    Awaited = 64,
    /// The time until its decision was counted.
    Timed = 128,
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            planned: OnceLock::new(),
            sent: AtomicU64::new(NEVER),
            answered: AtomicU64::new(NEVER),
            batch: AtomicU32::new(0),
            decided: AtomicU32::new(0),
            marks: AtomicU8::new(0),
        }
    }
}

impl Slot {
    /// Sets a mark; tells whether it is new.
    pub(super) fn mark(&self, mark: Mark) -> bool {
        self.marks.fetch_or(mark as u8, Ordering::Relaxed) & mark as u8 == 0
    }

    /// Tells whether a mark is set.
    pub(super) fn has(&self, mark: Mark) -> bool {
        self.marks.load(Ordering::Relaxed) & mark as u8 != 0
    }

    /// Tells whether it was sent.
    pub(super) fn is_sent(&self) -> bool {
        self.sent.load(Ordering::Relaxed) != NEVER
    }
}

/// The slots of a run.
#[derive(Debug)]
pub(super) struct Slots(Vec<OnceLock<Box<[Slot]>>>);

impl Default for Slots {
    fn default() -> Self {
        Self((0..CHUNK).map(|_| OnceLock::new()).collect())
    }
}

impl Slots {
    /// Returns an event's slot; there is one for every number.
    pub(super) fn get(&self, n: u32) -> Option<&Slot> {
        let n = usize::try_from(n).ok()?;
        let chunk = self.0.get(n / CHUNK)?;
        let slots = chunk.get_or_init(|| (0..CHUNK).map(|_| Slot::default()).collect());
        slots.get(n % CHUNK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_as_small_as_it_says() {
        assert_eq!(size_of::<Slot>(), 48);
        let slots = Slots::default();
        for n in [0, 65_535, 65_536, u32::MAX] {
            let slot = slots.get(n).unwrap();
            assert!(slot.mark(Mark::Refused) && !slot.mark(Mark::Refused));
            assert!(slot.has(Mark::Refused) && !slot.has(Mark::Known));
        }
    }
}
