//! What is counted by day and site for transparency reports.
//!
//! A name is a path: `verdict/rules/reject`, `category/STATEMENT_CATEGORY_VIOLENCE`,
//! `appeal/upheld`. Times are kept by classes, four to each doubling, so that a median is known to
//! an eighth of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The microseconds of a day.
pub(crate) const DAY: i64 = 86_400 * 1_000_000;

/// The counts of a day on a site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    counts: BTreeMap<String, i64>,
    times: BTreeMap<String, BTreeMap<u16, i64>>,
}

impl Tally {
    /// Adds to a count.
    pub(crate) fn count(&mut self, name: &str, by: i64) {
        match self.counts.get_mut(name) {
            Some(count) => *count += by,
            None => {
                self.counts.insert(name.to_owned(), by);
            }
        }
    }

    /// Adds to the times that something took, in microseconds.
    pub(crate) fn took(&mut self, name: &str, micros: i64, by: i64) {
        let times = self.times.entry(name.to_owned()).or_default();
        *times.entry(class(micros)).or_default() += by;
    }

    /// Adds the counts of another day or site.
    pub(crate) fn add(&mut self, other: &Self) {
        for (name, by) in &other.counts {
            self.count(name, *by);
        }
        for (name, classes) in &other.times {
            let times = self.times.entry(name.clone()).or_default();
            for (class, by) in classes {
                *times.entry(*class).or_default() += by;
            }
        }
    }

    /// Returns a count.
    pub(crate) fn get(&self, name: &str) -> i64 {
        self.counts.get(name).copied().unwrap_or_default()
    }

    /// Returns the counts below a name, by the rest of their own.
    pub(crate) fn below<'t>(&'t self, name: &'t str) -> impl Iterator<Item = (&'t str, i64)> {
        let counts = self.counts.iter().filter(|(_, count)| **count != 0);
        counts.filter_map(move |(path, count)| {
            let rest = path.strip_prefix(name)?.strip_prefix('/')?;
            Some((rest, *count))
        })
    }

    /// Returns the median of times, in seconds: the middle of the class in which it is.
    pub(crate) fn median(&self, name: &str) -> Option<u64> {
        let times = self.times.get(name)?;
        let total: i64 = times.values().sum();
        let mut before = 0;
        for (class, count) in times {
            before += count;
            if total > 0 && before * 2 >= total {
                let (from, to) = bounds(*class);
                return Some(from.midpoint(to));
            }
        }
        None
    }
}

/// Returns the class of a time: the power of two in seconds, and the quarter above it.
fn class(micros: i64) -> u16 {
    let seconds = u64::try_from(micros / 1_000_000).unwrap_or_default().max(4);
    let power = seconds.ilog2();
    let quarter = (seconds >> (power - 2)) & 3;
    u16::try_from(power * 4 + u32::try_from(quarter).unwrap_or_default()).unwrap_or(u16::MAX)
}

/// Returns the seconds between which a class is.
fn bounds(class: u16) -> (u64, u64) {
    let (power, quarter) = (u32::from(class / 4), u64::from(class % 4));
    let step = 1_u64 << power.saturating_sub(2);
    ((4 + quarter) * step, (5 + quarter) * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_known_to_an_eighth() {
        for seconds in [4_u64, 5, 7, 60, 61, 3_600, 86_399, 15_811_200, 100_000_000] {
            let (from, to) = bounds(class(i64::try_from(seconds).unwrap() * 1_000_000));
            assert!((from..to).contains(&seconds), "{seconds}: {from} to {to}");
            let middle = from.midpoint(to);
            assert!(
                middle.abs_diff(seconds) * 8 <= seconds + 7,
                "{seconds}: {middle}"
            );
        }
        let mut tally = Tally::default();
        assert_eq!(tally.median("appeal"), None);
        for minutes in [1, 60, 60, 60, 100_000] {
            tally.took("appeal", minutes * 60_000_000, 1);
        }
        assert_eq!(tally.median("appeal"), Some(3_840));
        tally.took("appeal", -5, 1);
        tally.took("appeal", -5, -1);
        assert_eq!(tally.median("appeal"), Some(3_840));
    }

    #[test]
    fn counts_add_up_and_are_found_below_a_name() {
        let mut tally = Tally::default();
        tally.count("verdict/rules/hold", 2);
        tally.count("verdicts", 5);
        let mut more = Tally::default();
        more.count("verdict/rules/hold", 1);
        more.count("verdict/rules/reject", 1);
        more.count("verdict/rules/gone", 1);
        tally.count("verdict/rules/gone", -1);
        tally.add(&more);
        let below: Vec<_> = tally.below("verdict/rules").collect();
        assert_eq!(below, [("hold", 3), ("reject", 1)]);
        assert_eq!((tally.get("verdicts"), tally.get("lost")), (5, 0));
    }
}
