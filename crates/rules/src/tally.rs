//! What a counter has seen under one key, within its window of event time.
//!
//! Counts and sums are kept in 64 buckets, so that a value takes in up to a 64th of the window more
//! than it should, and a tally never grows beyond some hundred bytes. Distinct values are kept one by
//! one while they are few, and then in a sliding `HyperLogLog`: each register remembers, for every rank
//! that may still become its maximum, when it was last seen.
//!
//! P. Flajolet, É. Fusy, O. Gandouet, F. Meunier, *`HyperLogLog`*, 2007; Y. Chabchoub, G. Hébrail,
//! *Sliding `HyperLogLog`*, 2010.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Buckets of a window.
const BUCKETS: i64 = 64;

/// Distinct values that are kept one by one.
const EXACT: usize = 256;

/// Bits of a hash that choose the register: 512 registers, a standard error of 4.6 %.
const REGISTER_BITS: u32 = 9;

/// What an event adds to a counter under one key.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Amount {
    /// One more.
    One,
    /// So much more.
    Sum(f64),
    /// A value, by its hash.
    Value(u64),
}

/// What was seen under one key. Times are microseconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    window: i64,
    /// The time of the latest event.
    latest: i64,
    seen: Seen,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Seen {
    /// By number of bucket: how much.
    Buckets(Vec<(i64, f64)>),
    /// By hash: when it was last seen.
    Values(Vec<(u64, i64)>),
    /// By register: ranks with the time when each was last seen, by rank.
    Registers(BTreeMap<u16, Vec<(u8, i64)>>),
}

impl Tally {
    /// Makes an empty tally for a window in microseconds.
    pub fn new(window: i64, amount: Amount) -> Self {
        Self {
            window: window.max(1),
            latest: i64::MIN,
            seen: match amount {
                Amount::One | Amount::Sum(_) => Seen::Buckets(Vec::new()),
                Amount::Value(_) => Seen::Values(Vec::new()),
            },
        }
    }

    /// Returns when nothing of it counts any more.
    pub fn ends(&self) -> i64 {
        self.latest
            .saturating_add(self.window)
            .saturating_add(self.width())
    }

    fn width(&self) -> i64 {
        (self.window / BUCKETS).max(1)
    }

    /// Adds an event; one that is older than the window of the latest one changes nothing.
    pub fn add(&mut self, at: i64, amount: Amount) {
        let oldest = self.latest.max(at).saturating_sub(self.window);
        self.latest = self.latest.max(at);
        let width = self.width();
        match (&mut self.seen, amount) {
            (Seen::Buckets(buckets), Amount::One | Amount::Sum(_)) => {
                let by = match amount {
                    Amount::Sum(by) => by,
                    _ => 1.0,
                };
                let bucket = at.div_euclid(width);
                buckets.retain(|(bucket, _)| *bucket >= oldest.div_euclid(width));
                if at < oldest {
                    return;
                }
                match buckets.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
                    Ok(place) => {
                        if let Some((_, sum)) = buckets.get_mut(place) {
                            *sum += by;
                        }
                    }
                    Err(place) => buckets.insert(place, (bucket, by)),
                }
            }
            (Seen::Values(values), Amount::Value(hash)) => {
                values.retain(|(_, seen)| *seen > oldest);
                if at <= oldest {
                    return;
                }
                match values.iter_mut().find(|(known, _)| *known == hash) {
                    Some((_, seen)) => *seen = at.max(*seen),
                    None => values.push((hash, at)),
                }
                if values.len() > EXACT {
                    let mut registers = BTreeMap::new();
                    for (hash, at) in values.iter() {
                        register(&mut registers, *hash, *at, oldest);
                    }
                    self.seen = Seen::Registers(registers);
                }
            }
            (Seen::Registers(registers), Amount::Value(hash)) if at > oldest => {
                register(registers, hash, at, oldest);
            }
            // A counter's kind is part of what tells it apart, so no other amount comes.
            _ => {}
        }
    }

    /// Returns the value at a time: a count, a sum or how many distinct values.
    pub fn value(&self, at: i64) -> f64 {
        let oldest = at.saturating_sub(self.window);
        match &self.seen {
            Seen::Buckets(buckets) => {
                let width = self.width();
                let within = oldest.div_euclid(width)..=at.div_euclid(width);
                let sums = buckets.iter().filter(|(bucket, _)| within.contains(bucket));
                sums.map(|(_, sum)| sum).sum()
            }
            Seen::Values(values) => {
                let within = values
                    .iter()
                    .filter(|(_, seen)| (oldest + 1..=at).contains(seen));
                count(within.count())
            }
            Seen::Registers(registers) => estimate(registers, oldest, at),
        }
    }
}

/// Notes a hash in its register, and drops the ranks that can't become its maximum any more.
fn register(registers: &mut BTreeMap<u16, Vec<(u8, i64)>>, hash: u64, at: i64, oldest: i64) {
    let number = u16::try_from(hash >> (64 - REGISTER_BITS)).unwrap_or_default();
    let rank = (hash << REGISTER_BITS)
        .leading_zeros()
        .min(64 - REGISTER_BITS)
        + 1;
    let rank = u8::try_from(rank).unwrap_or(u8::MAX);
    let ranks = registers.entry(number).or_default();
    if ranks
        .iter()
        .any(|(known, seen)| *known >= rank && *seen >= at)
    {
        return;
    }
    ranks.retain(|(known, seen)| *seen > oldest && (*known > rank || *seen > at));
    ranks.push((rank, at));
    ranks.sort_unstable();
}

/// The estimate of Flajolet and others, with linear counting while many registers are empty.
fn estimate(registers: &BTreeMap<u16, Vec<(u8, i64)>>, oldest: i64, at: i64) -> f64 {
    let m = f64::from(1_u32 << REGISTER_BITS);
    let mut sum = 0.0;
    let mut used = 0.0;
    for ranks in registers.values() {
        let within = ranks
            .iter()
            .filter(|(_, seen)| (oldest + 1..=at).contains(seen));
        if let Some(rank) = within.map(|(rank, _)| *rank).max() {
            sum += (-f64::from(rank)).exp2();
            used += 1.0;
        }
    }
    let empty = m - used;
    let alpha = 0.7213 / (1.0 + 1.079 / m);
    let raw = alpha * m * m / (sum + empty);
    if raw <= 2.5 * m && empty > 0.0 {
        m * (m / empty).ln()
    } else {
        raw
    }
}

#[expect(clippy::cast_precision_loss, reason = "some hundred at most")]
fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    const SECOND: i64 = 1_000_000;

    fn near(found: f64, expected: f64) -> bool {
        (found - expected).abs() < 1e-9
    }

    #[test]
    fn counts_within_the_window_alone() {
        let mut tally = Tally::new(600 * SECOND, Amount::One);
        for second in 0..1_200 {
            tally.add(second * SECOND, Amount::One);
        }
        let now = 1_200 * SECOND;
        let found = tally.value(now);
        assert!((600.0..=610.0).contains(&found), "{found}");
        assert!(near(tally.value(now + 700 * SECOND), 0.0));
        assert!(tally.ends() > now + 599 * SECOND);
    }

    #[test]
    fn late_events_count_at_their_time() {
        let mut tally = Tally::new(60 * SECOND, Amount::Sum(0.0));
        tally.add(100 * SECOND, Amount::Sum(2.5));
        tally.add(50 * SECOND, Amount::Sum(1.0));
        tally.add(10 * SECOND, Amount::Sum(100.0));
        assert!(near(tally.value(100 * SECOND), 3.5));
        assert!(near(tally.value(60 * SECOND), 1.0));
    }

    #[test]
    fn many_distinct_values_are_estimated_and_forgotten() {
        let mut tally = Tally::new(1_000 * SECOND, Amount::Value(0));
        for n in 0..20_000_u64 {
            let hash = xxh3_64(&n.to_le_bytes());
            let at = i64::try_from(n / 10).unwrap() * SECOND;
            tally.add(at, Amount::Value(hash));
            tally.add(at, Amount::Value(hash));
        }
        // Of 2 000 seconds the last 1 000 count: 10 000 values.
        let found = tally.value(1_999 * SECOND);
        assert!((8_500.0..11_500.0).contains(&found), "{found}");
        assert!(near(tally.value(4_000 * SECOND), 0.0));
        let bytes = postcard_like_size(&tally);
        assert!(bytes < 64 * 1024, "{bytes}");
    }

    fn postcard_like_size(tally: &Tally) -> usize {
        serde_json::to_vec(&(tally.window, tally.latest))
            .unwrap()
            .len()
            + match &tally.seen {
                Seen::Registers(registers) => {
                    registers.values().map(|ranks| 3 + ranks.len() * 9).sum()
                }
                _ => 0,
            }
    }

    proptest! {
        #[test]
        fn few_values_are_exact(events in proptest::collection::vec((0i64..200, 0u64..20), 1..120), at in 0i64..260) {
            let window = 64;
            let mut tally = Tally::new(window, Amount::Value(0));
            let mut ordered = events;
            ordered.sort_unstable();
            for (time, value) in &ordered {
                tally.add(*time, Amount::Value(xxh3_64(&value.to_le_bytes())));
            }
            let at = at.max(ordered.last().unwrap().0);
            let expected: std::collections::HashSet<u64> = ordered
                .iter()
                .filter(|(time, _)| *time > at - window && *time <= at)
                .map(|(_, value)| *value)
                .collect();
            prop_assert!(near(tally.value(at), count(expected.len())));
        }

        #[test]
        fn a_count_is_at_most_a_bucket_off(times in proptest::collection::vec(0i64..10_000, 1..200), at in 0i64..12_000) {
            let window = 6_400;
            let mut tally = Tally::new(window, Amount::One);
            let mut times = times;
            times.sort_unstable();
            for time in &times {
                tally.add(*time, Amount::One);
            }
            let at = at.max(*times.last().unwrap());
            let least = times.iter().filter(|time| **time > at - window).count();
            let most = times.iter().filter(|time| **time >= at - window - window / BUCKETS).count();
            let found = tally.value(at);
            prop_assert!((count(least)..=count(most)).contains(&found), "{} {} {}", least, found, most);
        }
    }
}
