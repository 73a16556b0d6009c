//! A filter in memory of what was seen, so that what is new need not be looked up.
//!
//! Most events are new, and to find that out in a tree costs a walk to a random leaf. The filter says
//! of a key that it was never seen, or that it may have been. It is a split block Bloom filter
//! (Putze, Sanders and Singler, *Cache-, Hash- and Space-Efficient Bloom Filters*, 2007), made of
//! generations that fill up one after the other and go when all that they hold is forgotten.
//!
//! The keys are parts of SHA-256 digests, so their bits are taken as they are.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Keys in one generation; with 16 bits for each, one of some thousand new keys is looked up for
/// nothing.
const GENERATION_KEYS: usize = 1 << 20;
/// 32 bytes, which lie in one line of the processor's cache.
type Block = [u32; 8];
/// Blocks in one generation: 2 MiB.
const BLOCKS: usize = GENERATION_KEYS * 16 / 256;
/// More would take more memory than they spare time.
const MAX_GENERATIONS: usize = 24;
/// Odd numbers that spread one hash over a block's words; those of Apache Parquet's format.
const SALT: Block = [
    0x47b6_137b,
    0x4497_4d91,
    0x8824_ad5b,
    0xa2b7_289d,
    0x7054_95c7,
    0x2df1_424b,
    0x9efc_4947,
    0x5c6b_fb31,
];

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Filter(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    generations: Vec<Generation>,
    /// Whether everything that was seen is in it.
    complete: bool,
    /// Whether there was more than it can hold.
    overflowed: bool,
}

#[derive(Debug)]
struct Generation {
    blocks: Vec<Block>,
    keys: usize,
    /// The latest record that one of its keys is from.
    newest: u64,
}

impl Filter {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds keys with the records that they are from.
    pub(crate) fn insert(&self, keys: impl IntoIterator<Item = (u64, u64)>) {
        let mut state = self.state();
        for (key, seq) in keys {
            state.insert(key, seq);
        }
    }

    /// Says that everything that was seen before has been added.
    pub(crate) fn complete(&self) {
        let mut state = self.state();
        state.complete = !state.overflowed;
    }

    /// Drops the generations that hold nothing but records up to one.
    pub(crate) fn forget(&self, up_to: u64) {
        self.state()
            .generations
            .retain(|generation| generation.newest > up_to);
    }

    /// Whether a key may have been added; `false` is certain.
    pub(crate) fn may_have(&self, key: u64) -> bool {
        let state = self.state();
        !state.complete
            || state
                .generations
                .iter()
                .rev()
                .any(|generation| generation.may_have(key))
    }
}

impl State {
    fn insert(&mut self, key: u64, seq: u64) {
        if self.overflowed {
            return;
        }
        let full = |generation: &Generation| generation.keys >= GENERATION_KEYS;
        if self.generations.last().is_none_or(full) {
            if self.generations.len() >= MAX_GENERATIONS {
                tracing::info!(
                    "there are more events than the filter holds: every new one is looked up"
                );
                *self = Self {
                    overflowed: true,
                    ..Self::default()
                };
                return;
            }
            self.generations.push(Generation {
                blocks: vec![[0; 8]; BLOCKS],
                keys: 0,
                newest: 0,
            });
        }
        if let Some(generation) = self.generations.last_mut() {
            generation.insert(key, seq);
        }
    }
}

impl Generation {
    fn insert(&mut self, key: u64, seq: u64) {
        self.keys += 1;
        self.newest = self.newest.max(seq);
        if let Some(block) = self.blocks.get_mut(place(key)) {
            for (word, mask) in block.iter_mut().zip(mask(key)) {
                *word |= mask;
            }
        }
    }

    fn may_have(&self, key: u64) -> bool {
        let block = self.blocks.get(place(key));
        block.is_some_and(|block| {
            let mut words = block.iter().zip(mask(key));
            words.all(|(word, mask)| word & mask != 0)
        })
    }
}

/// The block of a key: its upper half, scaled to their number.
fn place(key: u64) -> usize {
    let scaled = (u128::from(key) * BLOCKS as u128) >> 64;
    usize::try_from(scaled).unwrap_or_default()
}

/// One bit for each word of the key's block, from its lower half.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
fn mask(key: u64) -> Block {
    SALT.map(|salt| 1 << ((key as u32).wrapping_mul(salt) >> 27))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u64) -> u64 {
        u64::from_be_bytes(
            *crate::digest::of(&[&n.to_be_bytes()])
                .first_chunk()
                .unwrap(),
        )
    }

    #[test]
    fn what_was_added_may_be_there_and_hardly_anything_else() {
        let filter = Filter::default();
        let n = GENERATION_KEYS as u64 + 1_000;
        filter.insert((0..n).map(|seq| (key(seq), seq)));
        assert!(
            filter.may_have(key(n)),
            "nothing is certain before it is complete"
        );
        filter.complete();
        assert!((0..n).all(|seq| filter.may_have(key(seq))));
        let wrong = (n..n + 100_000)
            .filter(|n| filter.may_have(key(*n)))
            .count();
        assert!(wrong < 200, "{wrong} of 100 000");
    }

    #[test]
    fn a_generation_goes_when_all_of_it_is_forgotten() {
        let filter = Filter::default();
        let n = GENERATION_KEYS as u64 + 1_000;
        filter.insert((0..n).map(|seq| (key(seq), seq)));
        filter.complete();
        filter.forget(GENERATION_KEYS as u64 - 2);
        assert!(
            filter.may_have(key(5)),
            "one of its generation is remembered"
        );
        filter.forget(GENERATION_KEYS as u64 - 1);
        assert!(!filter.may_have(key(5)));
        assert!(filter.may_have(key(n - 1)));
    }

    #[test]
    fn more_than_it_holds_is_looked_up() {
        let filter = Filter::default();
        filter.complete();
        assert!(!filter.may_have(key(7)));
        for generation in 0..=MAX_GENERATIONS as u64 {
            filter.insert([(key(generation), generation)]);
            if let Some(last) = filter.state().generations.last_mut() {
                last.keys = GENERATION_KEYS;
            }
        }
        assert!(filter.may_have(key(1_000_000)));
        filter.complete();
        assert!(
            filter.may_have(key(1_000_000)),
            "it can't become complete any more"
        );
    }
}
