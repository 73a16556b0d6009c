//! What rules hit lately and rejected today, and their breakers.
//!
//! Hits are counted by slices of five minutes, so that a window slides without one row for each
//! comment. All of it follows from the journal: decisions name the rules that acted, and what
//! happens to a breaker is a record of its own.

use stoa_proto::Verdict;
use stoa_store::{Batch, Error};

use super::pending::Pending;
use super::rows::{BreakerRow, OpenedRow};
use super::state::State;
use super::{BREAKERS, Index, REJECTIONS, SLICES, TIDIED, TOTALS};
use crate::record::{Breaker, Decided, Switch};

/// The length of a slice, in microseconds.
const SLICE: i64 = 300 * 1_000_000;
const HOUR: i64 = 3_600 * 1_000_000;
const DAY: i64 = 24 * HOUR;
/// Slices that are kept: the longest window, and the slice that is going on.
const KEPT: i64 = DAY / SLICE + 1;

/// Returns the day of a time, counted from 1970 in UTC.
pub(crate) fn day(at: i64) -> i64 {
    at.div_euclid(DAY)
}

/// What a rule hit, of how many comments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hits {
    pub(crate) hits: u64,
    pub(crate) comments: u64,
}

/// Sums up the slices of a window that ends at a time, from where a breaker counts.
fn hits(
    rule: &str,
    row: &BreakerRow,
    window: i64,
    at: i64,
    mut slice: impl FnMut(&(i64, String)) -> Result<u64, Error>,
) -> Result<Hits, Error> {
    let last = at.div_euclid(SLICE);
    let began = row.from.div_euclid(SLICE);
    let oldest = at.saturating_sub(window).div_euclid(SLICE);
    let first = oldest.max(began).max(last - KEPT);
    let mut sum = Hits::default();
    for number in first..=last {
        sum.hits += slice(&(number, rule.to_owned()))?;
        sum.comments += slice(&(number, String::new()))?;
    }
    if first == began {
        sum.comments = sum.comments.saturating_sub(row.before);
    }
    Ok(sum)
}

/// The tables of limits, with changes over them that are not written yet.
pub(super) struct Limits {
    slices: Pending<(i64, String), u64>,
    breakers: Pending<String, BreakerRow>,
    rejections: Pending<(i64, String), u64>,
    totals: Pending<u8, u64>,
}

impl Limits {
    pub(super) fn new() -> Self {
        Self {
            slices: Pending::new(SLICES),
            breakers: Pending::new(BREAKERS),
            rejections: Pending::new(REJECTIONS),
            totals: Pending::new(TOTALS),
        }
    }

    pub(super) fn write(&self, batch: &mut Batch) {
        self.slices.write(batch);
        self.breakers.write(batch);
        self.rejections.write(batch);
        self.totals.write(batch);
    }

    /// Counts a decision of the rules.
    pub(super) fn decided(&mut self, index: &Index, decided: &Decided) -> Result<(), Error> {
        let slice = decided.at.div_euclid(SLICE);
        add(&mut self.slices, index, (slice, String::new()))?;
        for rule in &decided.rules {
            add(&mut self.slices, index, (slice, rule.clone()))?;
            if decided.verdict == Verdict::Reject {
                add(&mut self.rejections, index, (day(decided.at), rule.clone()))?;
            }
        }
        self.tidy(index, decided.at)
    }

    /// Applies what happened to a breaker.
    pub(super) fn breaker(&mut self, index: &Index, breaker: &Breaker) -> Result<(), Error> {
        let rule = &breaker.rule;
        let before = self.breakers.get(index, rule)?;
        let mut row = before
            .filter(|row| row.content == breaker.content)
            .unwrap_or_default();
        row.content.clone_from(&breaker.content);
        match &breaker.what {
            Switch::Opened { hits, comments } => {
                row.opened = Some(OpenedRow {
                    at: breaker.at,
                    hits: *hits,
                    comments: *comments,
                });
            }
            Switch::Watched => self.begin(index, &mut row, breaker)?,
            Switch::Reset { by } => {
                row.reset = Some((by.clone(), breaker.at));
                self.begin(index, &mut row, breaker)?;
            }
        }
        self.breakers.put(rule.clone(), row);
        Ok(())
    }

    /// Counts from here: what came earlier in the same slice is taken out.
    fn begin(&mut self, index: &Index, row: &mut BreakerRow, at: &Breaker) -> Result<(), Error> {
        let slice = at.at.div_euclid(SLICE);
        row.opened = None;
        row.from = at.at;
        let comments = self.slices.get(index, &(slice, String::new()))?;
        row.before = comments.unwrap_or_default();
        self.slices.set((slice, at.rule.clone()), None);
        Ok(())
    }

    /// Removes slices and days that nobody asks for any more, once an hour.
    fn tidy(&mut self, index: &Index, at: i64) -> Result<(), Error> {
        let hour = u64::try_from(at.div_euclid(HOUR)).unwrap_or_default();
        let last = self.totals.get(index, &TIDIED)?.unwrap_or_default();
        if hour <= last {
            return Ok(());
        }
        self.totals.put(TIDIED, hour);
        let oldest = at.div_euclid(SLICE) - KEPT;
        for entry in index.view.range(&SLICES, ..(oldest, String::new())) {
            self.slices.set(entry?.0, None);
        }
        let yesterday = day(at) - 1;
        for entry in index.view.range(&REJECTIONS, ..(yesterday, String::new())) {
            self.rejections.set(entry?.0, None);
        }
        Ok(())
    }
}

fn add(
    table: &mut Pending<(i64, String), u64>,
    index: &Index,
    key: (i64, String),
) -> Result<(), Error> {
    let count = table.get(index, &key)?.unwrap_or_default();
    table.put(key, count + 1);
    Ok(())
}

impl State<'_> {
    /// Looks up a rule's breaker.
    pub(crate) fn breaker(&mut self, rule: &str) -> Result<Option<BreakerRow>, Error> {
        self.limits.breakers.get(self.index, &rule.to_owned())
    }

    /// Counts what a rule hit in a window that ends at a time.
    pub(crate) fn hits(
        &mut self,
        rule: &str,
        row: &BreakerRow,
        window: i64,
        at: i64,
    ) -> Result<Hits, Error> {
        let (slices, index) = (&mut self.limits.slices, self.index);
        hits(rule, row, window, at, |key| {
            Ok(slices.get(index, key)?.unwrap_or_default())
        })
    }

    /// Counts the comments of a day in whose rejection a rule had a part.
    pub(crate) fn rejections(&mut self, rule: &str, at: i64) -> Result<u64, Error> {
        let key = (day(at), rule.to_owned());
        let count = self.limits.rejections.get(self.index, &key)?;
        Ok(count.unwrap_or_default())
    }
}

impl Index {
    /// Counts what a rule hit in a window that ends at a time.
    pub(crate) fn hits(
        &self,
        rule: &str,
        row: &BreakerRow,
        window: i64,
        at: i64,
    ) -> Result<Hits, Error> {
        hits(rule, row, window, at, |key| {
            Ok(self.view.get(&SLICES, key)?.unwrap_or_default())
        })
    }
}
