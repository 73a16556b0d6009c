//! Which of the fixed virtual shards an event takes.

use xxhash_rust::xxh3::Xxh3;

/// The number of virtual shards. It never changes in place: queues are bound by these numbers.
pub const SHARDS: u8 = 64;

/// The number of queues per reader over which the shards are spread.
pub const GROUPS: u8 = 8;

/// A virtual shard, 0 to 63.
///
/// All events of one thread have the same shard, and one queue's events are handled in order, so
/// a thread's events are handled in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shard(u8);

/// Computes `xxh3_64(site ‖ 0x00 ‖ thread)`, which tells a thread from others.
pub fn hash(site: &str, thread: &str) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(site.as_bytes());
    hasher.update(&[0]);
    hasher.update(thread.as_bytes());
    hasher.digest()
}

impl Shard {
    /// Computes `xxh3_64(site ‖ 0x00 ‖ thread) mod 64`.
    ///
    /// The zero byte can't be part of an id, so no two pairs are written alike.
    pub fn of(site: &str, thread: &str) -> Self {
        Self::of_hash(hash(site, thread))
    }

    /// Makes the shard of a thread's [`hash`].
    pub fn of_hash(hash: u64) -> Self {
        Self(u8::try_from(hash % u64::from(SHARDS)).unwrap_or_default())
    }

    /// Makes the shard of a number, if it is one.
    pub fn from_index(index: u8) -> Option<Self> {
        (index < SHARDS).then_some(Self(index))
    }

    /// Returns the number, 0 to 63.
    pub fn index(self) -> u8 {
        self.0
    }

    /// Returns the number of the queue, 0 to 7.
    pub fn group(self) -> u8 {
        self.0 % GROUPS
    }

    /// Returns the routing key, `s.00` to `s.63`.
    pub fn routing_key(self) -> String {
        format!("s.{:02}", self.0)
    }
}
