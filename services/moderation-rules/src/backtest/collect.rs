//! Comparing the two sets' outcomes, comment by comment.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use stoa_proto::{Comment, Verdict};
use stoa_rules::{Outcome, RuleInfo, RuleSet};

use super::history::digest;
use super::labels::Labels;
use super::lane::{Happened, Review};
use super::report::{
    Bucket, InputReport, LabelReport, Overlap, Report, RuleFlips, RuleReport, RuleScore, Score,
    SetReport, VERDICTS, share,
};
use super::sample::Samples;
use super::{Options, Sets};
use crate::engine::evaluate::Tally;

/// Pairs of rules that are reported.
const PAIRS: usize = 20;
/// Microseconds of a day.
const DAY: i64 = 86_400 * 1_000_000;

/// What one set did so far.
#[derive(Debug, Default)]
struct Side {
    places: HashMap<String, u16>,
    rules: Vec<RuleReport>,
    scores: Vec<RuleScore>,
    verdicts: [u64; 3],
    partial: u64,
    pairs: HashMap<(u16, u16), u64>,
    broad: Score,
    strict: Score,
}

/// What is kept of a comment until a moderator decides about it.
#[derive(Debug)]
struct Judged {
    revision: u32,
    verdicts: [Verdict; 2],
    /// The rules that acted, by set; `None` where none did.
    acted: Option<Box<[Vec<u16>; 2]>>,
}

/// Adds everything up.
#[derive(Debug)]
pub(super) struct Collector<'a> {
    options: &'a Options,
    /// The live set and the draft.
    sides: [Side; 2],
    matrix: [[u64; 3]; 3],
    input: InputReport,
    seen: Option<(i64, i64)>,
    rules: BTreeMap<String, RuleFlips>,
    sites: HashMap<String, Bucket>,
    days: BTreeMap<i64, Bucket>,
    samples: Samples,
    labels: Option<Labels>,
    labelled: u64,
    judged: HashMap<u64, Judged>,
    report: LabelReport,
}

impl<'a> Collector<'a> {
    pub(super) fn new(sets: Sets<'_>, options: &'a Options, labels: Option<Labels>) -> Self {
        let report = LabelReport {
            source: if labels.is_some() {
                "file"
            } else {
                "moderators"
            },
            vocabulary: labels
                .as_ref()
                .map(|labels| labels.rows.clone())
                .unwrap_or_default(),
            ..LabelReport::default()
        };
        Self {
            options,
            sides: [Side::new(sets.live), Side::new(sets.draft)],
            matrix: [[0; 3]; 3],
            input: InputReport::default(),
            seen: None,
            rules: BTreeMap::new(),
            sites: HashMap::new(),
            days: BTreeMap::new(),
            samples: Samples::new(options.samples),
            labels,
            labelled: 0,
            judged: HashMap::new(),
            report,
        }
    }

    /// Takes in an event with what the live set and the draft made of it.
    pub(super) fn add(&mut self, event: &Happened, outcomes: [Option<Outcome>; 2]) {
        self.input.events += 1;
        if let Some(review) = event.review() {
            self.input.moderator_decisions += 1;
            self.reviewed(review);
            return;
        }
        let Some(comment) = event.comment() else {
            return;
        };
        let [Some(live), Some(draft)] = outcomes else {
            self.input.repeats += 1;
            return;
        };
        if self.options.since.is_some_and(|since| event.at < since) {
            self.input.before += 1;
            return;
        }
        self.compare(comment, event.at, &[live, draft]);
    }

    /// Counts an event behind the range.
    pub(super) fn after(&mut self) {
        self.input.after += 1;
    }

    fn compare(&mut self, comment: &Comment, at: i64, outcomes: &[Outcome; 2]) {
        let [live, draft] = outcomes;
        self.input.comments += 1;
        self.seen = Some(
            self.seen
                .map_or((at, at), |(first, last)| (first.min(at), last.max(at))),
        );
        let cell = self
            .matrix
            .get_mut(place(live.verdict))
            .and_then(|row| row.get_mut(place(draft.verdict)));
        if let Some(cell) = cell {
            *cell += 1;
        }
        for (side, outcome) in self.sides.iter_mut().zip(outcomes) {
            side.add(outcome);
        }
        if !self.sites.contains_key(&comment.site) {
            let bucket = Bucket {
                name: comment.site.clone(),
                ..Bucket::default()
            };
            self.sites.insert(comment.site.clone(), bucket);
        }
        let site = self.sites.get_mut(&comment.site);
        let day = self.days.entry(at.div_euclid(DAY)).or_default();
        for bucket in site.into_iter().chain([day]) {
            bucket.add(live.verdict, draft.verdict);
        }
        if live.verdict != draft.verdict {
            self.blame(live, draft);
            self.samples.offer(comment, at, live, draft);
        }
        self.label(comment, outcomes);
    }

    /// Finds the rules behind a flip.
    fn blame(&mut self, live: &Outcome, draft: &Outcome) {
        let stricter = draft.verdict > live.verdict;
        let (strict, mild) = if stricter {
            (draft, live)
        } else {
            (live, draft)
        };
        let decided = strict
            .decided_by
            .as_ref()
            .filter(|rule| rule.verdict == strict.verdict)
            .map(|rule| rule.id.clone())
            // Nothing but what was missing can make a verdict stricter than its rules.
            .or_else(|| {
                strict
                    .partial
                    .iter()
                    .find(|what| !mild.partial.contains(what))
                    .cloned()
            })
            .unwrap_or_else(|| "rules".to_owned());
        for name in differing(live, draft) {
            self.flips_of(&name).involved += 1;
        }
        let row = self.flips_of(&decided);
        row.flips += 1;
        if stricter {
            row.stricter += 1;
        } else {
            row.milder += 1;
        }
    }

    fn flips_of(&mut self, name: &str) -> &mut RuleFlips {
        self.rules
            .entry(name.to_owned())
            .or_insert_with(|| RuleFlips {
                rule: name.to_owned(),
                ..RuleFlips::default()
            })
    }

    /// Holds a comment against its label, or keeps what is needed for when a moderator decides.
    fn label(&mut self, comment: &Comment, outcomes: &[Outcome; 2]) {
        let verdicts = outcomes.each_ref().map(|outcome| outcome.verdict);
        if let Some(labels) = &mut self.labels {
            if let Some(positive) = labels.take(&comment.site, &comment.comment) {
                let [live, draft] = &self.sides;
                let acted = [live.acted(&outcomes[0]), draft.acted(&outcomes[1])];
                self.score(positive, verdicts, &acted);
            }
            return;
        }
        let [live, draft] = &self.sides;
        let acted = [live.acted(&outcomes[0]), draft.acted(&outcomes[1])];
        let judged = Judged {
            revision: comment.revision,
            verdicts,
            acted: acted
                .iter()
                .any(|rules| !rules.is_empty())
                .then(|| Box::new(acted)),
        };
        self.judged
            .insert(digest(&[&comment.site, &comment.comment]), judged);
    }

    /// A moderator's decision is a label of the revision that it is about.
    fn reviewed(&mut self, review: Review<'_>) {
        if self.labels.is_some() {
            return;
        }
        let key = digest(&[review.site, review.comment]);
        let same = |judged: &Judged| judged.revision == review.revision;
        if self.judged.get(&key).is_some_and(same)
            && let Some(judged) = self.judged.remove(&key)
        {
            let positive = review.verdict != Verdict::Approve;
            let acted = judged.acted.map(|acted| *acted).unwrap_or_default();
            self.score(positive, judged.verdicts, &acted);
        } else {
            self.report.unmatched += 1;
        }
    }

    fn score(&mut self, positive: bool, verdicts: [Verdict; 2], acted: &[Vec<u16>; 2]) {
        self.labelled += 1;
        self.report.positive += u64::from(positive);
        for ((side, verdict), acted) in self.sides.iter_mut().zip(verdicts).zip(acted) {
            side.broad.add(verdict != Verdict::Approve, positive);
            side.strict.add(verdict == Verdict::Reject, positive);
            for place in acted {
                if let Some(score) = side.scores.get_mut(usize::from(*place)) {
                    score.labelled += 1;
                    score.true_positives += u64::from(positive);
                }
            }
        }
    }

    /// Makes the report.
    pub(super) fn finish(mut self, sets: Sets<'_>, tallies: [Tally; 2]) -> Report {
        let labelled = self.labelled > 0 || self.labels.is_some();
        if let Some(labels) = &self.labels {
            self.report.unmatched = labels.len() as u64;
        }
        self.report.matched = self.labelled;
        let positive = self.report.positive;
        let mut sides = self
            .sides
            .into_iter()
            .zip(tallies)
            .zip([sets.live, sets.draft])
            .map(|((side, tally), set)| side.finish(set, &tally, labelled.then_some(positive)));
        let (live, draft) = (sides.next(), sides.next());
        let mut flips_by_rule: Vec<RuleFlips> = self.rules.into_values().collect();
        flips_by_rule.sort_by_key(|row| std::cmp::Reverse((row.flips, row.involved)));
        let mut by_site: Vec<Bucket> = self.sites.into_values().collect();
        by_site.sort_by(|a, b| (b.flips, &a.name).cmp(&(a.flips, &b.name)));
        let by_day = self.days.into_iter().map(|(day, bucket)| Bucket {
            name: date(day.saturating_mul(DAY)).chars().take(10).collect(),
            ..bucket
        });
        if let Some((first, last)) = self.seen {
            self.input.first = Some(date(first));
            self.input.last = Some(date(last));
        }
        let mut matrix = BTreeMap::new();
        let mut counts = Vec::new();
        let mut flips = 0;
        for (live, row) in VERDICTS.iter().zip(self.matrix) {
            let mut cells = BTreeMap::new();
            for (draft, count) in VERDICTS.iter().zip(row) {
                cells.insert(draft.as_str(), count);
                if live != draft {
                    flips += count;
                    counts.push(((*live, *draft), count));
                }
            }
            matrix.insert(live.as_str(), cells);
        }
        Report {
            version: 1,
            input: self.input,
            live: live.unwrap_or_default(),
            draft: draft.unwrap_or_default(),
            matrix,
            flips,
            flips_by_rule,
            by_site,
            by_day: by_day.collect(),
            samples: self.samples.finish(&counts),
            labels: labelled.then_some(self.report),
        }
    }
}

impl Side {
    fn new(set: &RuleSet) -> Self {
        let rules: Vec<RuleReport> = set.rules().map(report).collect();
        let places = rules.iter().zip(0_u16..);
        Self {
            places: places.map(|(rule, at)| (rule.id.clone(), at)).collect(),
            scores: vec![RuleScore::default(); rules.len()],
            rules,
            ..Self::default()
        }
    }

    fn add(&mut self, outcome: &Outcome) {
        let count = self.verdicts.get_mut(place(outcome.verdict));
        if let Some(count) = count {
            *count += 1;
        }
        self.partial += u64::from(!outcome.partial.is_empty());
        let mut fired = Vec::with_capacity(outcome.fired.len());
        for rule in &outcome.fired {
            let Some(at) = self.places.get(&rule.rule.id).copied() else {
                continue;
            };
            fired.push(at);
            if let Some(row) = self.rules.get_mut(usize::from(at)) {
                row.hits += 1;
                row.acted += u64::from(rule.acted);
            }
        }
        for failure in &outcome.failed {
            let at = self.places.get(&failure.rule.id).copied();
            if let Some(row) = at.and_then(|at| self.rules.get_mut(usize::from(at))) {
                row.failures += 1;
            }
        }
        let mut rest = fired.as_slice();
        while let Some((a, others)) = rest.split_first() {
            for b in others {
                *self.pairs.entry((*a, *b)).or_default() += 1;
            }
            rest = others;
        }
    }

    /// Returns the rules that acted.
    fn acted(&self, outcome: &Outcome) -> Vec<u16> {
        let acted = outcome.fired.iter().filter(|fired| fired.acted);
        acted
            .filter_map(|fired| self.places.get(&fired.rule.id).copied())
            .collect()
    }

    fn finish(mut self, set: &RuleSet, tally: &Tally, positive: Option<u64>) -> SetReport {
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

impl Bucket {
    fn add(&mut self, live: Verdict, draft: Verdict) {
        self.comments += 1;
        self.flips += u64::from(live != draft);
        self.stricter += u64::from(draft > live);
        self.milder += u64::from(draft < live);
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

/// Names what acted in one of the outcomes alone, or with another verdict.
fn differing(live: &Outcome, draft: &Outcome) -> Vec<String> {
    let acted = |outcome: &Outcome| -> Vec<(String, Option<Verdict>)> {
        let rules = outcome.fired.iter().filter(|fired| fired.acted);
        rules
            .map(|fired| (fired.rule.id.clone(), Some(fired.verdict)))
            .chain(outcome.partial.iter().map(|what| (what.clone(), None)))
            .collect()
    };
    let (live, draft) = (acted(live), acted(draft));
    let only = |a: &[(String, Option<Verdict>)], b: &[(String, Option<Verdict>)]| {
        let only = a.iter().filter(|one| !b.contains(one));
        only.map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    let mut names = only(&live, &draft);
    names.extend(only(&draft, &live));
    names.sort();
    names.dedup();
    names
}

fn place(verdict: Verdict) -> usize {
    match verdict {
        Verdict::Approve => 0,
        Verdict::Hold => 1,
        Verdict::Reject => 2,
    }
}

/// Writes a time as RFC 3339.
pub(super) fn date(micros: i64) -> String {
    Timestamp::from_microsecond(micros).map_or_else(|_| micros.to_string(), |at| at.to_string())
}
