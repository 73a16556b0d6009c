//! What moderation-rules tells of rules, drafts, lists and insights.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The text of each file, by its path.
pub(crate) type Files = BTreeMap<String, String>;

/// The live rule set.
#[derive(Debug, Deserialize)]
pub(crate) struct RuleSet {
    pub(crate) hash: String,
    pub(crate) activated: Option<Activated>,
    pub(crate) pending_errors: Option<Pending>,
    pub(crate) rules: Vec<Rule>,
}

/// What is wrong with the folder of the rules.
#[derive(Debug, Deserialize)]
pub(crate) struct Pending {
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// When a version became live, by whom and why.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Activated {
    pub(crate) number: usize,
    pub(crate) hash: String,
    pub(crate) at: String,
    pub(crate) by: String,
    pub(crate) how: String,
    pub(crate) note: Option<String>,
    pub(crate) kept: bool,
}

/// A rule of the live set.
#[derive(Debug, Deserialize)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) mode: String,
    pub(crate) verdict: String,
    pub(crate) labels: Vec<String>,
    pub(crate) description: Option<String>,
    pub(crate) explain: BTreeMap<String, String>,
    pub(crate) breaker: Breaker,
}

/// What keeps a new rule from rejecting too much.
#[derive(Debug, Deserialize)]
pub(crate) struct Breaker {
    pub(crate) state: String,
    pub(crate) hits: u64,
    pub(crate) comments: u64,
}

/// A page of versions.
#[derive(Debug, Deserialize)]
pub(crate) struct Versions {
    pub(crate) versions: Vec<Activated>,
    pub(crate) next: Option<usize>,
}

/// A version with its files.
#[derive(Debug, Deserialize)]
pub(crate) struct Version {
    pub(crate) files: Files,
}

/// What differs between two versions.
#[derive(Debug, Deserialize)]
pub(crate) struct Differences {
    pub(crate) files: Vec<FileChange>,
    pub(crate) rules: Option<Vec<RuleChange>>,
}

/// A file that differs.
#[derive(Debug, Deserialize)]
pub(crate) struct FileChange {
    pub(crate) path: String,
    pub(crate) change: String,
    pub(crate) diff: String,
}

/// A rule that differs.
#[derive(Debug, Deserialize)]
pub(crate) struct RuleChange {
    pub(crate) id: String,
    pub(crate) change: String,
}

/// What is wrong with a draft, and where.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Diagnostic {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// What a draft is worth.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Checked {
    pub(crate) valid: bool,
    pub(crate) live: bool,
    pub(crate) rules: usize,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) examples: Vec<Example>,
    pub(crate) lint: Vec<Lint>,
    pub(crate) unused: Vec<String>,
}

/// An example, and what its rule made of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Example {
    pub(crate) rule: String,
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) text: String,
    pub(crate) should_fire: bool,
    pub(crate) passes: bool,
}

/// Something that is likely not meant.
#[derive(Debug, Deserialize)]
pub(crate) struct Lint {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) message: String,
}

/// What a rule set makes of a text.
#[derive(Debug, Deserialize)]
pub(crate) struct Tried {
    pub(crate) verdict: String,
    pub(crate) labels: Vec<String>,
    pub(crate) explain: BTreeMap<String, String>,
    pub(crate) partial: Vec<String>,
    pub(crate) rules: Vec<TriedRule>,
    pub(crate) took_us: u64,
}

/// What became of a rule.
#[derive(Debug, Deserialize)]
pub(crate) struct TriedRule {
    pub(crate) id: String,
    pub(crate) verdict: String,
    pub(crate) fate: String,
    pub(crate) message: Option<String>,
    #[serde(default)]
    pub(crate) spans: Vec<Span>,
}

/// Where a rule matched.
#[derive(Debug, Deserialize)]
pub(crate) struct Span {
    pub(crate) text: String,
}

/// A backtest.
#[derive(Debug, Deserialize)]
pub(crate) struct Backtest {
    pub(crate) id: String,
    pub(crate) state: String,
    pub(crate) by: String,
    pub(crate) progress: Progress,
    pub(crate) report: Option<Report>,
}

/// Records that were read, of all.
#[derive(Debug, Deserialize)]
pub(crate) struct Progress {
    pub(crate) done: u64,
    pub(crate) total: u64,
}

/// What a backtest found.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    pub(crate) input: Read,
    pub(crate) live: Side,
    pub(crate) draft: Side,
    pub(crate) matrix: BTreeMap<String, BTreeMap<String, u64>>,
    pub(crate) flips: u64,
    pub(crate) flips_by_rule: Vec<RuleFlips>,
    pub(crate) by_day: Vec<Bucket>,
    pub(crate) samples: Vec<Samples>,
}

/// What was compared.
#[derive(Debug, Deserialize)]
pub(crate) struct Read {
    pub(crate) comments: u64,
    pub(crate) first: Option<String>,
    pub(crate) last: Option<String>,
}

/// What one of the two sets did.
#[derive(Debug, Deserialize)]
pub(crate) struct Side {
    #[serde(default)]
    pub(crate) rules: Vec<RuleHits>,
    pub(crate) scores: Option<Score>,
    pub(crate) strict_scores: Option<Score>,
}

/// What a rule hit.
#[derive(Debug, Deserialize)]
pub(crate) struct RuleHits {
    pub(crate) id: String,
    pub(crate) hits: u64,
}

/// How a set agrees with moderators.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Score {
    pub(crate) precision: Option<f64>,
    pub(crate) recall: Option<f64>,
}

/// Verdicts that change because of a rule.
#[derive(Debug, Deserialize)]
pub(crate) struct RuleFlips {
    pub(crate) rule: String,
    pub(crate) stricter: u64,
    pub(crate) milder: u64,
}

/// Verdicts that change on a day.
#[derive(Debug, Deserialize)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) comments: u64,
    pub(crate) stricter: u64,
    pub(crate) milder: u64,
}

/// Comments whose verdict changes in the same way.
#[derive(Debug, Deserialize)]
pub(crate) struct Samples {
    pub(crate) live: String,
    pub(crate) draft: String,
    pub(crate) flips: u64,
    pub(crate) comments: Vec<Sample>,
}

/// A comment whose verdict changes.
#[derive(Debug, Deserialize)]
pub(crate) struct Sample {
    pub(crate) site: String,
    pub(crate) comment: String,
    pub(crate) case: Option<String>,
    pub(crate) live_rules: Vec<String>,
    pub(crate) draft_rules: Vec<String>,
}

/// The lists of the live rule set.
#[derive(Debug, Deserialize)]
pub(crate) struct Lists {
    pub(crate) lists: Vec<List>,
    #[serde(default)]
    pub(crate) hits: Vec<ListHit>,
}

/// A list.
#[derive(Debug, Deserialize)]
pub(crate) struct List {
    pub(crate) name: String,
    pub(crate) r#match: String,
    pub(crate) fold: String,
    pub(crate) language: Option<String>,
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) terms_file: Option<String>,
    pub(crate) n_terms: usize,
    #[serde(default)]
    pub(crate) terms: Vec<Term>,
}

/// A term of a list, as it is written.
#[derive(Debug, Deserialize)]
pub(crate) struct Term {
    pub(crate) term: String,
}

/// A term in a text.
#[derive(Debug, Deserialize)]
pub(crate) struct ListHit {
    pub(crate) list: String,
    pub(crate) term: String,
    pub(crate) text: String,
}

/// What happened, by day or hour.
#[derive(Debug, Deserialize)]
pub(crate) struct Insights {
    pub(crate) by: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) sites: Vec<String>,
    pub(crate) now: Now,
    pub(crate) slots: Vec<Slot>,
    pub(crate) decision_time: DecisionTime,
    pub(crate) bounds_seconds: Vec<u64>,
    pub(crate) rules: Vec<RuleInsight>,
    /// What moderators decided together.
    pub(crate) moderators_total: Load,
    /// Those whom the person may see.
    pub(crate) moderators: Vec<Moderator>,
}

/// How the queue stands.
#[derive(Debug, Deserialize)]
pub(crate) struct Now {
    pub(crate) open: u64,
    pub(crate) oldest: Option<String>,
}

/// A day or an hour.
#[derive(Debug, Deserialize)]
pub(crate) struct Slot {
    pub(crate) at: String,
    pub(crate) opened: Opened,
    pub(crate) closed: Closed,
    pub(crate) undone: u64,
    pub(crate) verdicts: Verdicts,
    pub(crate) decision_time: DecisionTime,
}

/// Cases by why they were opened.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Opened {
    pub(crate) rules: u64,
    pub(crate) reported: u64,
    pub(crate) appeal: u64,
}

/// Cases by how they ended.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Closed {
    pub(crate) approved: u64,
    pub(crate) rejected: u64,
    pub(crate) withdrawn: u64,
    pub(crate) superseded: u64,
    pub(crate) erased: u64,
}

/// Comments by verdict.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Verdicts {
    pub(crate) approve: u64,
    pub(crate) hold: u64,
    pub(crate) reject: u64,
}

/// How long cases waited for decisions.
#[derive(Debug, Deserialize)]
pub(crate) struct DecisionTime {
    pub(crate) count: u64,
    pub(crate) median_seconds: Option<f64>,
    pub(crate) p90_seconds: Option<f64>,
    pub(crate) buckets: Vec<u64>,
}

/// What a rule did.
#[derive(Debug, Deserialize)]
pub(crate) struct RuleInsight {
    pub(crate) rule: String,
    pub(crate) hits: u64,
    pub(crate) shadow_hits: u64,
    pub(crate) shadow_verdicts: Verdicts,
    pub(crate) judged: Judged,
    pub(crate) shadow_judged: Judged,
    pub(crate) hits_by_slot: Vec<u64>,
    pub(crate) shadow_by_slot: Vec<u64>,
}

/// What moderators decided about the comments on which a rule fired.
#[derive(Debug, Deserialize)]
pub(crate) struct Judged {
    pub(crate) approved: u64,
    pub(crate) rejected: u64,
    pub(crate) override_rate: Option<f64>,
}

/// What a moderator decided.
#[derive(Debug, Deserialize)]
pub(crate) struct Moderator {
    #[serde(rename = "moderator")]
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) load: Load,
}

/// How much was decided.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Load {
    pub(crate) approved: u64,
    pub(crate) rejected: u64,
    pub(crate) undone: u64,
}
