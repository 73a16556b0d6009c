//! Answers that are remembered: the least recently used goes first, and none stays for too long.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// SHA-256 of what was asked.
pub(super) type Key = [u8; 32];

/// Scores by name.
pub(super) type Found = Arc<[(Arc<str>, f64)]>;

#[derive(Debug)]
struct Entry {
    found: Found,
    until: Instant,
    used: u64,
}

/// What a scorer said.
#[derive(Debug)]
pub(super) struct Cache {
    capacity: usize,
    ttl: Duration,
    entries: HashMap<Key, Entry>,
    /// The keys by when they were last used.
    order: BTreeMap<u64, Key>,
    uses: u64,
}

impl Cache {
    pub(super) fn new(capacity: usize, ttl: Duration) -> Self {
        Self {
            capacity,
            ttl,
            entries: HashMap::new(),
            order: BTreeMap::new(),
            uses: 0,
        }
    }

    /// Looks an answer up.
    pub(super) fn get(&mut self, key: &Key, now: Instant) -> Option<Found> {
        let entry = self.entries.get_mut(key)?;
        self.order.remove(&entry.used);
        if entry.until <= now {
            self.entries.remove(key);
            return None;
        }
        self.uses += 1;
        entry.used = self.uses;
        self.order.insert(self.uses, *key);
        Some(Arc::clone(&entry.found))
    }

    /// Remembers an answer.
    pub(super) fn put(&mut self, key: Key, found: Found, now: Instant) {
        if self.capacity == 0 {
            return;
        }
        self.uses += 1;
        let entry = Entry {
            found,
            until: now + self.ttl,
            used: self.uses,
        };
        if let Some(before) = self.entries.insert(key, entry) {
            self.order.remove(&before.used);
        }
        self.order.insert(self.uses, key);
        while self.entries.len() > self.capacity {
            let Some((_, oldest)) = self.order.pop_first() else {
                return;
            };
            self.entries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_and_the_old_are_forgotten() {
        let now = Instant::now();
        let ttl = Duration::from_secs(10);
        let mut cache = Cache::new(2, ttl);
        let found: Found = Arc::from([(Arc::from("toxicity"), 0.5)]);
        cache.put([1; 32], Arc::clone(&found), now);
        cache.put([2; 32], Arc::clone(&found), now);
        assert!(cache.get(&[1; 32], now).is_some());
        cache.put([3; 32], Arc::clone(&found), now);
        let known = |cache: &mut Cache, now| [1, 2, 3].map(|n| cache.get(&[n; 32], now).is_some());
        assert_eq!(known(&mut cache, now), [true, false, true]);
        cache.put([1; 32], found, now + ttl);
        assert_eq!(known(&mut cache, now + ttl), [true, false, false]);
        assert_eq!((cache.entries.len(), cache.order.len()), (1, 1));
        let mut none = Cache::new(0, ttl);
        none.put([1; 32], Arc::from([]), now);
        assert!(none.get(&[1; 32], now).is_none());
    }
}
