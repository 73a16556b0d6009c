//! Comparing the two sets' outcomes, comment by comment.

use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use stoa_proto::{Comment, Verdict};
use stoa_rules::Outcome;

use super::history::digest;
use super::labels::Labels;
use super::lane::{Happened, Review};
use super::report::{Bucket, InputReport, LabelReport, Report, RuleFlips, VERDICTS};
use super::sample::Samples;
use super::side::{Side, bump, place};
use super::{Options, Sets};
use crate::engine::evaluate::Tally;

/// Microseconds of a day.
const DAY: i64 = 86_400 * 1_000_000;

/// What is kept of a comment until a moderator decides about it.
#[derive(Debug)]
struct Judged {
    revision: u32,
    verdicts: [Verdict; 2],
    /// The rules that acted, by set; `None` where none did.
    acted: Option<Box<[Vec<u16>; 2]>>,
}

/// A comment that was compared; a report can still change what comes of it.
#[derive(Debug)]
struct Compared {
    event: Happened,
    revision: u32,
    outcomes: Box<[Outcome; 2]>,
    /// What its label says, if it has one in the file.
    positive: Option<bool>,
}

/// Adds everything up.
#[derive(Debug)]
pub(super) struct Collector<'a> {
    options: &'a Options,
    /// The event from which on comments count, until it comes.
    waits_for: Option<&'a str>,
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
    /// Whether a report can change a verdict: then the comments are kept by their highest revision.
    rejudges: bool,
    compared: HashMap<u64, Compared>,
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
            waits_for: options.from.as_deref(),
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
            rejudges: sets.live.reads_reports() || sets.draft.reads_reports(),
            compared: HashMap::new(),
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
        if let Some(report) = event.report() {
            self.input.reports += 1;
            self.reported(digest(&[&report.site, &report.comment]), outcomes);
            return;
        }
        let Some(comment) = event.comment() else {
            return;
        };
        self.waits_for = self.waits_for.filter(|id| *id != event.id);
        let [Some(live), Some(draft)] = outcomes else {
            self.input.repeats += 1;
            return;
        };
        let is_early = self.options.since.is_some_and(|since| event.at < since);
        if is_early || self.waits_for.is_some() {
            self.input.before += 1;
            return;
        }
        let labels = self.labels.as_mut();
        let compared = Compared {
            event: event.clone(),
            revision: comment.revision,
            outcomes: Box::new([live, draft]),
            positive: labels.and_then(|labels| labels.take(&comment.site, &comment.comment)),
        };
        let at = event.at;
        let seen = self
            .seen
            .map_or((at, at), |(first, last)| (first.min(at), last.max(at)));
        self.seen = Some(seen);
        self.input.comments += 1;
        self.count(&compared, 1);
        self.keep(compared);
    }

    /// Counts an event behind the range.
    pub(super) fn after(&mut self) {
        self.input.after += 1;
    }

    /// Keeps a comment for as long as a report can change what comes of it.
    fn keep(&mut self, compared: Compared) {
        let Some(comment) = compared.event.comment().filter(|_| self.rejudges) else {
            self.sample(&compared);
            return;
        };
        let key = digest(&[&comment.site, &comment.comment]);
        let newest = |known: &Compared| known.revision > compared.revision;
        let over = if self.compared.get(&key).is_some_and(newest) {
            Some(compared)
        } else {
            self.compared.insert(key, compared)
        };
        if let Some(over) = over {
            self.sample(&over);
        }
    }

    /// Takes in what a report made of a comment: its last verdict is the one that counts.
    fn reported(&mut self, key: u64, outcomes: [Option<Outcome>; 2]) {
        if outcomes.iter().all(Option::is_none) {
            return;
        }
        let Some(mut compared) = self.compared.remove(&key) else {
            return;
        };
        self.count(&compared, -1);
        for (outcome, again) in compared.outcomes.iter_mut().zip(outcomes) {
            if let Some(again) = again {
                join(outcome, again);
            }
        }
        self.count(&compared, 1);
        self.compared.insert(key, compared);
    }

    /// Counts a comment by its outcomes, or takes it back with -1.
    fn count(&mut self, compared: &Compared, by: i64) {
        let Some(comment) = compared.event.comment() else {
            return;
        };
        let [live, draft] = compared.outcomes.as_ref();
        let cell = self
            .matrix
            .get_mut(place(live.verdict))
            .and_then(|row| row.get_mut(place(draft.verdict)));
        if let Some(cell) = cell {
            bump(cell, by);
        }
        for (side, outcome) in self.sides.iter_mut().zip(compared.outcomes.iter()) {
            side.add(outcome, by);
        }
        if !self.sites.contains_key(&comment.site) {
            let bucket = Bucket {
                name: comment.site.clone(),
                ..Bucket::default()
            };
            self.sites.insert(comment.site.clone(), bucket);
        }
        let site = self.sites.get_mut(&comment.site);
        let day = self
            .days
            .entry(compared.event.at.div_euclid(DAY))
            .or_default();
        for bucket in site.into_iter().chain([day]) {
            bucket.add(live.verdict, draft.verdict, by);
        }
        if live.verdict != draft.verdict {
            self.blame(live, draft, by);
        }
        self.label(compared, comment, by);
    }

    /// Offers a comment that flips as a sample.
    fn sample(&mut self, compared: &Compared) {
        let [live, draft] = compared.outcomes.as_ref();
        if let Some(comment) = compared.event.comment()
            && live.verdict != draft.verdict
        {
            self.samples.offer(comment, compared.event.at, live, draft);
        }
    }

    /// Finds the rules behind a flip.
    fn blame(&mut self, live: &Outcome, draft: &Outcome, by: i64) {
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
            bump(&mut self.flips_of(&name).involved, by);
        }
        let row = self.flips_of(&decided);
        bump(&mut row.flips, by);
        if stricter {
            bump(&mut row.stricter, by);
        } else {
            bump(&mut row.milder, by);
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
    fn label(&mut self, compared: &Compared, comment: &Comment, by: i64) {
        let outcomes = compared.outcomes.as_ref();
        let verdicts = outcomes.each_ref().map(|outcome| outcome.verdict);
        let [live, draft] = &self.sides;
        let acted = [live.acted(&outcomes[0]), draft.acted(&outcomes[1])];
        if self.labels.is_some() {
            if let Some(positive) = compared.positive {
                self.score(positive, verdicts, &acted, by);
            }
            return;
        }
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
            self.score(positive, judged.verdicts, &acted, 1);
        } else {
            self.report.unmatched += 1;
        }
    }

    fn score(&mut self, positive: bool, verdicts: [Verdict; 2], acted: &[Vec<u16>; 2], by: i64) {
        let hits = by * i64::from(positive);
        bump(&mut self.labelled, by);
        bump(&mut self.report.positive, hits);
        for ((side, verdict), acted) in self.sides.iter_mut().zip(verdicts).zip(acted) {
            side.broad.add(verdict != Verdict::Approve, positive, by);
            side.strict.add(verdict == Verdict::Reject, positive, by);
            for place in acted {
                if let Some(score) = side.scores.get_mut(usize::from(*place)) {
                    bump(&mut score.labelled, by);
                    bump(&mut score.true_positives, hits);
                }
            }
        }
    }

    /// Makes the report.
    pub(super) fn finish(mut self, sets: Sets<'_>, tallies: [Tally; 2]) -> Report {
        for compared in std::mem::take(&mut self.compared).into_values() {
            self.sample(&compared);
        }
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
        flips_by_rule.retain(|row| row.flips + row.involved > 0);
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

impl Bucket {
    fn add(&mut self, live: Verdict, draft: Verdict, by: i64) {
        bump(&mut self.comments, by);
        bump(&mut self.flips, by * i64::from(live != draft));
        bump(&mut self.stricter, by * i64::from(draft > live));
        bump(&mut self.milder, by * i64::from(draft < live));
    }
}

/// Joins what a report made of a comment to what the comment was made before: the rules that fired
/// are those of both, the verdict is the last.
fn join(outcome: &mut Outcome, again: Outcome) {
    if again.verdict > Verdict::Approve {
        outcome.verdict = again.verdict;
        outcome.decided_by = again.decided_by;
        outcome.partial = again.partial;
    }
    for fired in again.fired {
        if !outcome
            .fired
            .iter()
            .any(|known| known.rule.id == fired.rule.id)
        {
            outcome.fired.push(fired);
        }
    }
    for failure in again.failed {
        if !outcome
            .failed
            .iter()
            .any(|known| known.rule.id == failure.rule.id)
        {
            outcome.failed.push(failure);
        }
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

/// Writes a time as RFC 3339.
pub(super) fn date(micros: i64) -> String {
    Timestamp::from_microsecond(micros).map_or_else(|_| micros.to_string(), |at| at.to_string())
}
