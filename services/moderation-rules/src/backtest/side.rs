//! What one of the two sets did, in numbers.

use std::collections::HashMap;
use std::sync::Arc;

use stoa_proto::Verdict;
use stoa_rules::{Outcome, RuleInfo, RuleSet};

use super::report::{Overlap, RuleReport, RuleScore, Score, SetReport, VERDICTS, share};
use crate::engine::evaluate::Tally;

/// Pairs of rules that are reported.
const PAIRS: usize = 20;

/// What one set did so far.
#[derive(Debug, Default)]
pub(super) struct Side {
    places: HashMap<String, u16>,
    rules: Vec<RuleReport>,
    pub(super) scores: Vec<RuleScore>,
    verdicts: [u64; 3],
    partial: u64,
    pairs: HashMap<(u16, u16), u64>,
    pub(super) broad: Score,
    pub(super) strict: Score,
}

impl Side {
    pub(super) fn new(set: &RuleSet) -> Self {
        let rules: Vec<RuleReport> = set.rules().map(report).collect();
        let places = rules.iter().zip(0_u16..);
        Self {
            places: places.map(|(rule, at)| (rule.id.clone(), at)).collect(),
            scores: vec![RuleScore::default(); rules.len()],
            rules,
            ..Self::default()
        }
    }

    /// Counts a comment, or takes it back with -1.
    pub(super) fn add(&mut self, outcome: &Outcome, by: i64) {
        let count = self.verdicts.get_mut(place(outcome.verdict));
        if let Some(count) = count {
            bump(count, by);
        }
        bump(
            &mut self.partial,
            by * i64::from(!outcome.partial.is_empty()),
        );
        let mut fired = Vec::with_capacity(outcome.fired.len());
        for rule in &outcome.fired {
            let Some(at) = self.places.get(&rule.rule.id).copied() else {
                continue;
            };
            fired.push(at);
            if let Some(row) = self.rules.get_mut(usize::from(at)) {
                bump(&mut row.hits, by);
                bump(&mut row.acted, by * i64::from(rule.acted));
            }
        }
        for failure in &outcome.failed {
            let at = self.places.get(&failure.rule.id).copied();
            if let Some(row) = at.and_then(|at| self.rules.get_mut(usize::from(at))) {
                bump(&mut row.failures, by);
            }
        }
        fired.sort_unstable();
        let mut rest = fired.as_slice();
        while let Some((a, others)) = rest.split_first() {
            for b in others {
                bump(self.pairs.entry((*a, *b)).or_default(), by);
            }
            rest = others;
        }
    }

    /// Returns the rules that acted.
    pub(super) fn acted(&self, outcome: &Outcome) -> Vec<u16> {
        let acted = outcome.fired.iter().filter(|fired| fired.acted);
        acted
            .filter_map(|fired| self.places.get(&fired.rule.id).copied())
            .collect()
    }

    /// Makes the report.
    pub(super) fn finish(
        mut self,
        set: &RuleSet,
        tally: &Tally,
        positive: Option<u64>,
    ) -> SetReport {
        let mut took = vec![(0_u64, 0_u128); self.rules.len()];
        for (place, time) in &tally.took {
            if let Some((times, nanos)) = took.get_mut(*place) {
                *times += 1;
                *nanos += time.as_nanos();
            }
        }
        for ((place, row), score) in self.rules.iter_mut().enumerate().zip(&self.scores) {
            row.evaluations = tally.evaluations.get(place).copied().unwrap_or_default();
            let (times, nanos) = took.get(place).copied().unwrap_or_default();
            row.measured = times;
            row.mean_ns = u64::try_from(nanos / u128::from(times.max(1))).unwrap_or(u64::MAX);
            row.scores = positive.map(|positive| RuleScore {
                precision: share(score.true_positives, score.labelled),
                recall: share(score.true_positives, positive),
                ..*score
            });
        }
        let hits = |at: u16| self.rules.get(usize::from(at));
        let mut overlap: Vec<Overlap> = self
            .pairs
            .iter()
            .filter(|(_, both)| **both > 0)
            .filter_map(|((a, b), both)| {
                let (a, b) = (hits(*a)?, hits(*b)?);
                Some(Overlap {
                    a: a.id.clone(),
                    b: b.id.clone(),
                    both: *both,
                    share: share(*both, (a.hits + b.hits).saturating_sub(*both))?,
                })
            })
            .collect();
        overlap.sort_by(|x, y| (y.both, &x.a, &x.b).cmp(&(x.both, &y.a, &y.b)));
        overlap.truncate(PAIRS);
        SetReport {
            hash: set.hash().to_owned(),
            verdicts: VERDICTS
                .iter()
                .map(|verdict| verdict.as_str())
                .zip(self.verdicts)
                .collect(),
            partial: self.partial,
            rules: self.rules,
            overlap,
            scores: positive.map(|_| self.broad.finished()),
            strict_scores: positive.map(|_| self.strict.finished()),
        }
    }
}

fn report(rule: &Arc<RuleInfo>) -> RuleReport {
    RuleReport {
        id: rule.id.clone(),
        mode: rule.mode.to_string(),
        verdict: rule.verdict.as_str(),
        ..RuleReport::default()
    }
}

/// Returns the place of a verdict in the matrix.
pub(super) fn place(verdict: Verdict) -> usize {
    match verdict {
        Verdict::Approve => 0,
        Verdict::Hold => 1,
        Verdict::Reject => 2,
    }
}

/// Adds to a count, or takes back from it what was added before.
pub(super) fn bump(count: &mut u64, by: i64) {
    *count = count.wrapping_add_signed(by);
}
