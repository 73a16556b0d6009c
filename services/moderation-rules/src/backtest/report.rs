//! What a backtest found. Everything here is counted, and the sums add up: the cells of the matrix
//! to the comments, its cells off the diagonal to the flips, and so do the flips by rule, by site
//! and by day.

use std::collections::BTreeMap;

use serde::Serialize;
use stoa_proto::{Span, Verdict};

use super::labels::LabelRow;
use super::side::bump;

/// The verdicts in the order of the matrix.
pub const VERDICTS: [Verdict; 3] = [Verdict::Approve, Verdict::Hold, Verdict::Reject];

/// A draft against a live set over the same events.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = BacktestReport)]
pub struct Report {
    /// The shape of this document; raised when a field changes its meaning.
    pub version: u32,
    /// What was read.
    pub input: InputReport,
    /// The live set.
    pub live: SetReport,
    /// The draft.
    pub draft: SetReport,
    /// Comments by the live verdict and, in each, by the draft's.
    pub matrix: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    /// Comments of which the two verdicts differ.
    pub flips: u64,
    /// Flips by the rule that decided, or that no longer does, most first.
    pub flips_by_rule: Vec<RuleFlips>,
    /// By site, most flips first.
    pub by_site: Vec<Bucket>,
    /// By day (UTC), in order.
    pub by_day: Vec<Bucket>,
    /// Examples of each kind of flip.
    pub samples: Vec<SampleKind>,
    /// How the labels were read, and how many were used; none without labels.
    pub labels: Option<LabelReport>,
}

/// What was read.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = BacktestInput)]
pub struct InputReport {
    /// Events of any kind.
    pub events: u64,
    /// Revisions of comments that were judged into the report.
    pub comments: u64,
    /// Revisions that were judged for the history alone: they are before the range.
    pub before: u64,
    /// Events behind the range.
    pub after: u64,
    /// Revisions that came again.
    pub repeats: u64,
    /// Readers' reports.
    pub reports: u64,
    /// Moderators' decisions.
    pub moderator_decisions: u64,
    /// The earliest and the latest judged comment, RFC 3339.
    pub first: Option<String>,
    /// The latest.
    pub last: Option<String>,
}

/// What one rule set did.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = BacktestSet)]
pub struct SetReport {
    /// Its hash.
    pub hash: String,
    /// Comments by verdict.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// Comments that were held or more because a fact was missing or a rule failed.
    pub partial: u64,
    /// Its rules, in the order of the files.
    pub rules: Vec<RuleReport>,
    /// Pairs of rules that fired on the same comments, most often first.
    pub overlap: Vec<Overlap>,
    /// Against the labels: `hold` and `reject` count as positive.
    pub scores: Option<Score>,
    /// Against the labels: `reject` alone counts as positive.
    pub strict_scores: Option<Score>,
}

/// What one rule did.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = BacktestRule)]
pub struct RuleReport {
    /// Its id.
    pub id: String,
    /// `live`, `shadow` or a percentage.
    pub mode: String,
    /// Its verdict.
    pub verdict: &'static str,
    /// How often it was evaluated, with the comments before the range.
    pub evaluations: u64,
    /// Comments on which it fired.
    pub hits: u64,
    /// Comments on which it fired and acted.
    pub acted: u64,
    /// Comments on which it failed.
    pub failures: u64,
    /// How often it was measured.
    pub measured: u64,
    /// What it took then on average; the first rule that reads the text pays for reading it.
    pub mean_ns: u64,
    /// Where it acted, against the labels.
    pub scores: Option<RuleScore>,
}

/// Flips by one rule.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = BacktestFlips)]
pub struct RuleFlips {
    /// The rule, or `rule:…` and the like for what was missing.
    pub rule: String,
    /// Flips that it decided: it gave the stricter of the two verdicts. Each flip has one such
    /// rule, so that these add up.
    pub flips: u64,
    /// Those of them that made the verdict stricter.
    pub stricter: u64,
    /// Those that made it milder.
    pub milder: u64,
    /// Flips of comments on which it acted in one of the sets alone, or with another verdict.
    pub involved: u64,
}

/// Comments and flips of a site or a day.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = BacktestBucket)]
pub struct Bucket {
    /// The site, or the day as `2026-11-25`.
    pub name: String,
    /// Comments.
    pub comments: u64,
    /// Flips.
    pub flips: u64,
    /// Those that made the verdict stricter.
    pub stricter: u64,
    /// Those that made it milder.
    pub milder: u64,
}

/// Examples of one kind of flip.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BacktestSamples)]
pub struct SampleKind {
    /// The live verdict.
    pub live: &'static str,
    /// The draft's.
    pub draft: &'static str,
    /// How many there are.
    pub flips: u64,
    /// Some of them: always the same for the same comments.
    pub comments: Vec<Sample>,
}

/// A comment whose verdict flips.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BacktestSample)]
pub struct Sample {
    /// The site.
    pub site: String,
    /// The article.
    pub article: String,
    /// The comment.
    pub comment: String,
    /// The revision.
    pub revision: u32,
    /// When it was written, RFC 3339.
    pub at: String,
    /// The id of its case; it is there if one was opened.
    pub case: String,
    /// The text, or the part of it around the first match; over HTTP it is left out.
    #[schema(ignore)]
    pub text: String,
    /// Whether it is a part.
    #[schema(ignore)]
    pub cut: bool,
    /// The rules that acted in the live set.
    pub live_rules: Vec<String>,
    /// The rules that acted in the draft.
    pub draft_rules: Vec<String>,
    /// Where the rules of both sets matched, in code points of `text`.
    #[schema(ignore)]
    pub spans: Vec<Span>,
}

/// Two rules that fired on the same comments.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BacktestOverlap)]
pub struct Overlap {
    /// One.
    pub a: String,
    /// The other.
    pub b: String,
    /// Comments on which both fired.
    pub both: u64,
    /// That, as a share of the comments on which either did.
    pub share: f64,
}

/// Predictions against labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = BacktestScore)]
pub struct Score {
    /// Positive, and labelled so.
    pub true_positives: u64,
    /// Positive, and labelled negative.
    pub false_positives: u64,
    /// Negative, and labelled positive.
    pub false_negatives: u64,
    /// Negative, and labelled so.
    pub true_negatives: u64,
    /// Of the positive the share that is labelled so; none without any.
    pub precision: Option<f64>,
    /// Of those labelled positive the share that was found; none without any.
    pub recall: Option<f64>,
    /// The harmonic mean of the two.
    pub f1: Option<f64>,
}

impl Score {
    pub(super) fn add(&mut self, predicted: bool, labelled: bool, by: i64) {
        let count = match (predicted, labelled) {
            (true, true) => &mut self.true_positives,
            (true, false) => &mut self.false_positives,
            (false, true) => &mut self.false_negatives,
            (false, false) => &mut self.true_negatives,
        };
        bump(count, by);
    }

    pub(super) fn finished(mut self) -> Self {
        let hits = self.true_positives;
        self.precision = share(hits, hits + self.false_positives);
        self.recall = share(hits, hits + self.false_negatives);
        self.f1 = share(
            2 * hits,
            2 * hits + self.false_positives + self.false_negatives,
        );
        self
    }
}

/// One rule against the labels.
#[derive(Clone, Copy, Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = BacktestRuleScore)]
pub struct RuleScore {
    /// Comments with a label on which it acted.
    pub labelled: u64,
    /// Those that are labelled positive.
    pub true_positives: u64,
    /// Their share.
    pub precision: Option<f64>,
    /// Their share of all that are labelled positive.
    pub recall: Option<f64>,
}

/// How the labels were read.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = BacktestLabels)]
pub struct LabelReport {
    /// `file` or `moderators`.
    pub source: &'static str,
    /// Comments that were judged and have a label.
    pub matched: u64,
    /// Those that are labelled positive.
    pub positive: u64,
    /// Labels of comments that were not judged.
    pub unmatched: u64,
    /// How each label of the file was read.
    pub vocabulary: BTreeMap<String, LabelRow>,
}

/// Returns a share; none of nothing.
pub(crate) fn share(part: u64, whole: u64) -> Option<f64> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "shares are shown with three digits"
    )]
    let share = part as f64 / whole as f64;
    (whole > 0).then_some(share)
}
