//! What editors and whoever plans their work ask of the past: cases opened and closed, what rules hit
//! and how often moderators thought otherwise, how long people waited.
//!
//! Counts are kept by day for 400 days and by hour for eight, in UTC, by site. All of them follow
//! from the journal, at the times of its records, so that a view that is built again has the same.

use serde::{Deserialize, Serialize};
use stoa_proto::Verdict;
use stoa_store::{Batch, Error};

use super::pending::Pending;
use super::rows::{CaseRow, ClosedRow, CommentRow};
use super::{
    Index, MODERATOR_TALLIES, OPEN_BY_SITE, RULE_TALLIES, TALLIED, TALLIES, TOTALS, WAITING,
};
use crate::record::{Closing, Decided, Opening};

const HOUR: i64 = 3_600 * 1_000_000;

/// How finely is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grain {
    Day,
    Hour,
}

impl Grain {
    pub(crate) const ALL: [Self; 2] = [Self::Day, Self::Hour];

    /// The number that keys begin with.
    pub(crate) fn key(self) -> u8 {
        match self {
            Self::Day => 0,
            Self::Hour => 1,
        }
    }

    /// How long a slot is, in microseconds.
    pub(crate) fn length(self) -> i64 {
        match self {
            Self::Day => 24 * HOUR,
            Self::Hour => HOUR,
        }
    }

    /// How many slots are kept: those before are removed.
    pub(crate) fn kept(self) -> i64 {
        match self {
            Self::Day => 400,
            Self::Hour => 8 * 24,
        }
    }

    /// Returns the slot of a time, counted from 1970 in UTC.
    pub(crate) fn slot(self, at: i64) -> i64 {
        at.div_euclid(self.length())
    }
}

/// The upper bounds of what deciding took, in seconds; what took longer is in one more bucket.
pub(crate) const BOUNDS: [i64; 14] = [
    10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400, 259_200, 604_800,
];

/// Cases by how long it took to decide them, by [`BOUNDS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Histogram([u64; BOUNDS.len() + 1]);

impl Histogram {
    fn bucket(&mut self, micros: i64) -> Option<&mut u64> {
        let place = BOUNDS.partition_point(|bound| bound.saturating_mul(1_000_000) < micros);
        self.0.get_mut(place)
    }

    /// Adds another one.
    pub(crate) fn join(&mut self, other: &Self) {
        for (own, other) in self.0.iter_mut().zip(other.0) {
            *own += other;
        }
    }

    /// Returns the cases in each bucket.
    pub(crate) fn buckets(&self) -> &[u64] {
        &self.0
    }

    /// Counts the cases.
    pub(crate) fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Estimates the seconds within which a share of the cases was decided: within a bucket they
    /// are taken to be spread evenly, and those of the last one to have taken as long as its lower
    /// bound.
    #[expect(
        clippy::cast_precision_loss,
        reason = "an estimate between two bounds, of seconds of at most a week"
    )]
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        let count = self.count();
        let wanted = share * count as f64;
        let (mut before, mut low) = (0.0, 0.0);
        for (number, high) in self.0.iter().zip(BOUNDS) {
            let (number, high) = (*number as f64, high as f64);
            if number > 0.0 && before + number >= wanted {
                return Some(low + (high - low) * (wanted - before) / number);
            }
            (before, low) = (before + number, high);
        }
        (count > 0).then_some(low)
    }
}

/// Comments by the verdict about them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InsightsVerdicts)]
pub(crate) struct Verdicts {
    pub(crate) approve: u64,
    pub(crate) hold: u64,
    pub(crate) reject: u64,
}

impl Verdicts {
    /// Returns the count of a verdict.
    pub(crate) fn of(&mut self, verdict: Verdict) -> &mut u64 {
        match verdict {
            Verdict::Approve => &mut self.approve,
            Verdict::Hold => &mut self.hold,
            Verdict::Reject => &mut self.reject,
        }
    }

    /// Adds others.
    pub(crate) fn join(&mut self, other: Self) {
        self.approve += other.approve;
        self.hold += other.hold;
        self.reject += other.reject;
    }
}

/// Cases by why they were opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InsightsOpened)]
pub(crate) struct Opened {
    pub(crate) rules: u64,
    pub(crate) reported: u64,
    pub(crate) appeal: u64,
}

impl Opened {
    fn of(&mut self, reason: Opening) -> &mut u64 {
        match reason {
            Opening::Rules => &mut self.rules,
            Opening::Reported => &mut self.reported,
            Opening::Appeal => &mut self.appeal,
        }
    }

    /// Adds others.
    pub(crate) fn join(&mut self, other: Self) {
        self.rules += other.rules;
        self.reported += other.reported;
        self.appeal += other.appeal;
    }
}

/// Cases by how they ended; those whose decision was undone are not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InsightsClosed)]
pub(crate) struct Ended {
    pub(crate) approved: u64,
    pub(crate) rejected: u64,
    pub(crate) withdrawn: u64,
    pub(crate) superseded: u64,
    pub(crate) erased: u64,
}

impl Ended {
    fn of(&mut self, closed: &ClosedRow) -> &mut u64 {
        match (closed.reason, closed.verdict) {
            (Closing::Decided, Some(Verdict::Approve)) => &mut self.approved,
            (Closing::Decided, _) => &mut self.rejected,
            (Closing::Withdrawn, _) => &mut self.withdrawn,
            (Closing::Superseded, _) => &mut self.superseded,
            (Closing::Erased, _) => &mut self.erased,
        }
    }

    /// Adds others.
    pub(crate) fn join(&mut self, other: Self) {
        self.approved += other.approved;
        self.rejected += other.rejected;
        self.withdrawn += other.withdrawn;
        self.superseded += other.superseded;
        self.erased += other.erased;
    }
}

/// What happened at a site in a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TallyRow {
    pub(crate) opened: Opened,
    pub(crate) closed: Ended,
    /// Decisions that were undone, counted when that happened.
    pub(crate) undone: u64,
    /// The rules' decisions.
    pub(crate) verdicts: Verdicts,
    /// How long cases waited for moderators' decisions.
    pub(crate) took: Histogram,
}

/// What a rule did at a site in a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RuleTally {
    /// Decisions in which it acted, by their verdict.
    pub(crate) acted: Verdicts,
    /// Those in which it fired without acting.
    pub(crate) shadow: Verdicts,
    /// Moderators' decisions about the former, and about the latter: never a hold.
    pub(crate) judged: Verdicts,
    pub(crate) shadow_judged: Verdicts,
}

impl RuleTally {
    /// Adds another one.
    pub(crate) fn join(&mut self, other: &Self) {
        self.acted.join(other.acted);
        self.shadow.join(other.shadow);
        self.judged.join(other.judged);
        self.shadow_judged.join(other.shadow_judged);
    }
}

/// What a moderator decided at a site on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ModeratorTally {
    pub(crate) approved: u64,
    pub(crate) rejected: u64,
    /// Of their decisions of that day, those that were undone and are not counted any more.
    pub(crate) undone: u64,
}

/// The tables of tallies, with changes over them that are not written yet.
pub(super) struct Tallies {
    sites: Pending<(u8, i64, String), TallyRow>,
    rules: Pending<(u8, i64, String, String), RuleTally>,
    moderators: Pending<(i64, String, String), ModeratorTally>,
    waiting: Pending<(String, i64, u64), ()>,
    open: Pending<String, u64>,
    totals: Pending<u8, u64>,
}

impl Tallies {
    pub(super) fn new() -> Self {
        Self {
            sites: Pending::new(TALLIES),
            rules: Pending::new(RULE_TALLIES),
            moderators: Pending::new(MODERATOR_TALLIES),
            waiting: Pending::new(WAITING),
            open: Pending::new(OPEN_BY_SITE),
            totals: Pending::new(TOTALS),
        }
    }

    pub(super) fn write(&self, batch: &mut Batch) {
        self.sites.write(batch);
        self.rules.write(batch);
        self.moderators.write(batch);
        self.waiting.write(batch);
        self.open.write(batch);
        self.totals.write(batch);
    }

    fn of_site(
        &mut self,
        index: &Index,
        site: &str,
        at: i64,
        change: impl Fn(&mut TallyRow),
    ) -> Result<(), Error> {
        self.tidy(index, at)?;
        for grain in Grain::ALL {
            let key = (grain.key(), grain.slot(at), site.to_owned());
            let mut row = self.sites.get(index, &key)?.unwrap_or_default();
            change(&mut row);
            self.sites.put(key, row);
        }
        Ok(())
    }

    fn of_rules(
        &mut self,
        index: &Index,
        (site, at): (&str, i64),
        rules: &[String],
        change: impl Fn(&mut RuleTally),
    ) -> Result<(), Error> {
        for rule in rules {
            for grain in Grain::ALL {
                let key = (grain.key(), grain.slot(at), site.to_owned(), rule.clone());
                let mut row = self.rules.get(index, &key)?.unwrap_or_default();
                change(&mut row);
                self.rules.put(key, row);
            }
        }
        Ok(())
    }

    /// Counts a decision of the rules.
    pub(super) fn decided(&mut self, index: &Index, decided: &Decided) -> Result<(), Error> {
        let (site, at, verdict) = (decided.about.site.as_str(), decided.at, decided.verdict);
        self.of_site(index, site, at, |row| *row.verdicts.of(verdict) += 1)?;
        self.of_rules(index, (site, at), &decided.rules, |row| {
            *row.acted.of(verdict) += 1;
        })?;
        self.shadow(index, (site, at), &decided.shadow, verdict)
    }

    /// Counts rules that fired without acting, by the verdict that stood.
    pub(super) fn shadow(
        &mut self,
        index: &Index,
        place: (&str, i64),
        rules: &[String],
        verdict: Verdict,
    ) -> Result<(), Error> {
        self.of_rules(index, place, rules, |row| *row.shadow.of(verdict) += 1)
    }

    /// Counts a case that is opened.
    pub(super) fn opened(
        &mut self,
        index: &Index,
        site: &str,
        reason: Opening,
        at: i64,
    ) -> Result<(), Error> {
        self.of_site(index, site, at, |row| *row.opened.of(reason) += 1)
    }

    /// Notes that a case waits, or waits no more.
    pub(super) fn waits(
        &mut self,
        index: &Index,
        case: &CaseRow,
        waits: bool,
    ) -> Result<(), Error> {
        let key = (case.site.clone(), case.opened_at, case.opened_seq);
        self.waiting.set(key, waits.then_some(()));
        let open = self.open.get(index, &case.site)?.unwrap_or_default();
        let open = open.saturating_add_signed(if waits { 1 } else { -1 });
        self.open.put(case.site.clone(), open);
        Ok(())
    }

    /// Counts a case that is closed.
    pub(super) fn closed(
        &mut self,
        index: &Index,
        case: &CaseRow,
        closed: &ClosedRow,
    ) -> Result<(), Error> {
        self.waits(index, case, false)?;
        self.ended(index, case, closed, 1)
    }

    /// Counts how a case ended, or takes it back with -1.
    fn ended(
        &mut self,
        index: &Index,
        case: &CaseRow,
        closed: &ClosedRow,
        by: i64,
    ) -> Result<(), Error> {
        let took = closed.at.saturating_sub(case.opened_at);
        let is_decided = closed.moderator.is_some();
        self.of_site(index, &case.site, closed.at, |row| {
            add(row.closed.of(closed), by);
            if let Some(bucket) = row.took.bucket(took).filter(|_| is_decided) {
                add(bucket, by);
            }
        })?;
        let Some(moderator) = closed.moderator.clone() else {
            return Ok(());
        };
        let key = (Grain::Day.slot(closed.at), case.site.clone(), moderator);
        let mut row = self.moderators.get(index, &key)?.unwrap_or_default();
        match closed.verdict {
            Some(Verdict::Approve) => add(&mut row.approved, by),
            _ => add(&mut row.rejected, by),
        }
        row.undone += u64::from(by < 0);
        self.moderators.put(key, row);
        Ok(())
    }

    /// Counts a moderator's verdict for the rules that fired on a comment, or takes it back with -1.
    pub(super) fn judged(
        &mut self,
        index: &Index,
        place: (&str, i64),
        comment: &CommentRow,
        verdict: Verdict,
        by: i64,
    ) -> Result<(), Error> {
        self.of_rules(index, place, &comment.acted, |row| {
            add(row.judged.of(verdict), by);
        })?;
        self.of_rules(index, place, &comment.shadowed, |row| {
            add(row.shadow_judged.of(verdict), by);
        })
    }

    /// Takes a moderator's decision back, in the slots in which it was made.
    pub(super) fn undone(
        &mut self,
        index: &Index,
        case: &CaseRow,
        comment: &CommentRow,
        at: i64,
    ) -> Result<(), Error> {
        let site = case.site.as_str();
        self.of_site(index, site, at, |row| row.undone += 1)?;
        let Some(closed) = &case.closed else {
            return Ok(());
        };
        self.ended(index, case, closed, -1)?;
        match closed.verdict {
            Some(verdict) => self.judged(index, (site, closed.at), comment, verdict, -1),
            None => Ok(()),
        }
    }

    /// Removes slots that are not kept any more, once an hour.
    fn tidy(&mut self, index: &Index, at: i64) -> Result<(), Error> {
        let hour = u64::try_from(Grain::Hour.slot(at)).unwrap_or_default();
        let last = self.totals.get(index, &TALLIED)?.unwrap_or_default();
        if hour <= last {
            return Ok(());
        }
        self.totals.put(TALLIED, hour);
        for grain in Grain::ALL {
            let (key, oldest) = (grain.key(), grain.slot(at) - grain.kept());
            let first = (key, i64::MIN, String::new());
            let range = first..(key, oldest, String::new());
            self.sites
                .remove(index, |row| range.contains(row), range.clone())?;
            let first = (key, i64::MIN, String::new(), String::new());
            let range = first..(key, oldest, String::new(), String::new());
            self.rules
                .remove(index, |row| range.contains(row), range.clone())?;
        }
        let oldest = Grain::Day.slot(at) - Grain::Day.kept();
        let range = ..(oldest, String::new(), String::new());
        self.moderators
            .remove(index, |row| range.contains(row), range.clone())
    }
}

fn add(count: &mut u64, by: i64) {
    *count = count.saturating_add_signed(by);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_between_the_bounds_of_its_bucket() {
        let second = 1_000_000;
        let mut took = Histogram::default();
        assert_eq!(took.quantile(0.5), None);
        for seconds in [0, 5, 10, 11, 40, 59, 60, 61] {
            *took.bucket(seconds * second).unwrap() += 1;
        }
        assert_eq!(took.buckets().get(..4), Some(&[3, 1, 3, 1][..]));
        assert_eq!(took.quantile(0.5), Some(30.0));
        assert_eq!(took.quantile(0.875), Some(60.0));
        assert_eq!(took.quantile(1.0), Some(120.0));
        let mut late = Histogram::default();
        *late.bucket(i64::MAX).unwrap() += 1;
        assert_eq!(late.quantile(0.9), Some(604_800.0));
        took.join(&late);
        assert_eq!(took.count(), 9);
    }
}
