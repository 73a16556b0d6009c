//! The root of a tree that only grows, without the tree.

use crate::hash::{Hash, empty, node};

/// The roots of the complete subtrees that a tree consists of, the largest first.
#[derive(Clone, Debug, Default)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// Returns the number of entries.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds the hash of an entry.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// Returns the root.
    pub fn root(&self) -> Hash {
        let peaks = self.peaks.iter().rev().copied();
        peaks
            .reduce(|right, left| node(&left, &right))
            .unwrap_or_else(empty)
    }
}
