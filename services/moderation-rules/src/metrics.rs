//! What moderation-rules counts.
//!
//! Requests are counted by the HTTP listeners, the outbox and the broker's connection by the bus.

mod compat;
mod review;
mod rules;
mod scorers;
mod webhooks;

use std::time::Duration;

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};
use stoa_proto::{Kind, Verdict};
use stoa_rules::RuleSet;

pub(crate) use self::compat::{CompatMetrics, Protocol};
pub(crate) use self::review::{Queue, ReviewMetrics};
use self::rules::Families;
pub(crate) use self::rules::{Limit, RuleMetrics, SAMPLE};
pub(crate) use self::scorers::{Asked, ModerateMetrics, ScorerFamilies, ScorerMetrics};
pub(crate) use self::webhooks::{WebhookFamilies, WebhookMetrics};

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Processed {
    /// It changed something.
    Applied,
    /// It came before.
    Duplicate,
    /// It changes nothing here.
    Ignored,
    /// It could not be handled.
    Failed,
}

impl Processed {
    const ALL: [Self; 4] = [Self::Applied, Self::Duplicate, Self::Ignored, Self::Failed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Duplicate => "duplicate",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
        }
    }
}

/// What came of reading the rule set's folder again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reload {
    /// Another rule set is live.
    Applied,
    /// It was live already.
    Unchanged,
    /// It has errors.
    Refused,
    /// It could not be kept.
    Failed,
}

impl Reload {
    const ALL: [Self; 4] = [Self::Applied, Self::Unchanged, Self::Refused, Self::Failed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// The buckets of an event's age, in seconds; that of a second is what is promised.
const AGES: [f64; 15] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1_800.0, 7_200.0,
];

/// Who decides, as a label.
const SOURCES: [&str; 3] = ["rules", "moderator", "import"];

/// The metrics of moderation-rules; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    decisions: IntCounterVec,
    rules: Families,
    /// The time to judge one comment.
    pub(crate) evaluation: Histogram,
    cases_open: IntGauge,
    ruleset: IntGaugeVec,
    reloads: IntCounterVec,
    pending_errors: IntGauge,
    processed: IntCounterVec,
    batch_events: Histogram,
    batch_seconds: Histogram,
    journal_bytes: IntGauge,
    view_bytes: IntGauge,
    verified: IntGauge,
    free_disk: IntGauge,
    age: HistogramVec,
    pub(crate) review: ReviewMetrics,
    pub(crate) scorers: ScorerFamilies,
    pub(crate) moderate: ModerateMetrics,
    pub(crate) webhooks: WebhookFamilies,
}

impl Metrics {
    /// Makes the metrics and registers them.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            IntCounterVec::new(Opts::new(name, help), labels)
        };
        let histogram = |name: &str, help: &str, buckets| {
            Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets))
        };
        let metrics = Self {
            decisions: counter(
                "stoa_decisions_total",
                "Decisions by verdict and by who made them.",
                &["verdict", "source"],
            )?,
            rules: Families::new(registry)?,
            evaluation: histogram(
                "stoa_rule_evaluation_duration_seconds",
                "Time to judge one comment by the whole rule set.",
                prometheus::exponential_buckets(0.000_002, 2.0, 16)?,
            )?,
            cases_open: IntGauge::new("stoa_cases_open", "Cases that wait for a moderator.")?,
            ruleset: IntGaugeVec::new(
                Opts::new(
                    "stoa_ruleset_info",
                    "The hash of the live rule set; always 1.",
                ),
                &["hash"],
            )?,
            reloads: counter(
                "stoa_ruleset_reloads_total",
                "How often the rule set's folder was read again, by what came of it.",
                &["result"],
            )?,
            pending_errors: IntGauge::new(
                "stoa_ruleset_pending_errors",
                "Errors in the rule set's folder, because of which another one stays live.",
            )?,
            processed: counter(
                "stoa_events_processed_total",
                "Events by kind and by what became of them.",
                &["kind", "result"],
            )?,
            batch_events: histogram(
                "stoa_moderation_batch_events",
                "Events that were decided and written together.",
                prometheus::exponential_buckets(1.0, 2.0, 12)?,
            )?,
            batch_seconds: histogram(
                "stoa_moderation_batch_seconds",
                "Time to judge one batch, make it durable and apply it.",
                prometheus::exponential_buckets(0.000_5, 2.0, 15)?,
            )?,
            journal_bytes: IntGauge::new(
                "stoa_moderation_journal_bytes",
                "Bytes of the journal on disk.",
            )?,
            view_bytes: IntGauge::new("stoa_moderation_view_bytes", "Bytes of the view on disk.")?,
            verified: IntGauge::new(
                "stoa_journal_verified_timestamp_seconds",
                "When the whole journal was last read and found whole; 0 before that.",
            )?,
            age: HistogramVec::new(
                HistogramOpts::new(
                    "stoa_event_age_seconds",
                    "Time from an event's acceptance by ingest to when a stage was durable.",
                )
                .buckets(AGES.to_vec()),
                &["stage"],
            )?,
            review: ReviewMetrics::new(registry)?,
            free_disk: IntGauge::new(
                "stoa_moderation_free_disk_bytes",
                "Free disk where the journal is.",
            )?,
            scorers: ScorerFamilies::new(registry)?,
            moderate: ModerateMetrics::new(registry)?,
            webhooks: WebhookFamilies::new(registry)?,
        };
        metrics.register(registry)?;
        metrics.fill_labels();
        Ok(metrics)
    }

    fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.decisions.clone()))?;
        registry.register(Box::new(self.evaluation.clone()))?;
        registry.register(Box::new(self.cases_open.clone()))?;
        registry.register(Box::new(self.ruleset.clone()))?;
        registry.register(Box::new(self.reloads.clone()))?;
        registry.register(Box::new(self.pending_errors.clone()))?;
        registry.register(Box::new(self.processed.clone()))?;
        registry.register(Box::new(self.batch_events.clone()))?;
        registry.register(Box::new(self.batch_seconds.clone()))?;
        registry.register(Box::new(self.journal_bytes.clone()))?;
        registry.register(Box::new(self.view_bytes.clone()))?;
        registry.register(Box::new(self.verified.clone()))?;
        registry.register(Box::new(self.age.clone()))?;
        registry.register(Box::new(self.free_disk.clone()))
    }

    fn fill_labels(&self) {
        self.age.with_label_values(&["decided"]);
        for result in Reload::ALL {
            self.reloads.with_label_values(&[result.as_str()]);
        }
        for verdict in [Verdict::Approve, Verdict::Hold, Verdict::Reject] {
            for source in SOURCES {
                self.decisions
                    .with_label_values(&[verdict.as_str(), source]);
            }
        }
        for kind in Kind::ALL.iter().filter(|kind| kind.is_inbound()) {
            for result in Processed::ALL {
                self.processed
                    .with_label_values(&[kind.short(), result.as_str()]);
            }
        }
    }

    /// Counts a decision.
    pub(crate) fn decided(&self, verdict: Verdict, source: &str) {
        self.decisions
            .with_label_values(&[verdict.as_str(), source])
            .inc();
    }

    /// Counts a reload.
    pub(crate) fn reloaded(&self, result: Reload) {
        self.reloads.with_label_values(&[result.as_str()]).inc();
    }

    /// Sets the number of errors in the folder.
    pub(crate) fn pending_errors(&self, errors: usize) {
        self.pending_errors
            .set(i64::try_from(errors).unwrap_or(i64::MAX));
    }

    /// Notes a batch.
    pub(crate) fn batch(&self, events: usize, elapsed: Duration) {
        self.batch_events
            .observe(f64::from(u32::try_from(events).unwrap_or(u32::MAX)));
        self.batch_seconds.observe(elapsed.as_secs_f64());
    }

    /// Notes how old a comment was when it was decided, of the times at which it was accepted and
    /// now, both in microseconds.
    pub(crate) fn decided_after(&self, recorded: i64, now: i64) {
        let age = u64::try_from(now.saturating_sub(recorded)).unwrap_or_default();
        let age = Duration::from_micros(age).as_secs_f64();
        self.age.with_label_values(&["decided"]).observe(age);
    }

    /// Sets what is kept: the sizes of journal and view, and when the journal was verified, in
    /// microseconds.
    pub(crate) fn kept(&self, journal_bytes: u64, view_bytes: u64, verified_us: Option<i64>) {
        let size = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.journal_bytes.set(size(journal_bytes));
        self.view_bytes.set(size(view_bytes));
        self.verified
            .set(verified_us.unwrap_or_default().div_euclid(1_000_000));
    }

    /// Sets how much disk is free, where the system says so.
    pub(crate) fn free_disk(&self, bytes: Option<u64>) {
        if let Some(bytes) = bytes {
            self.free_disk.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
    }

    /// Counts an event.
    pub(crate) fn processed(&self, kind: Kind, result: Processed) {
        self.processed
            .with_label_values(&[kind.short(), result.as_str()])
            .inc();
    }

    /// Sets the number of open cases.
    pub(crate) fn open_cases(&self, open: u64) {
        self.cases_open.set(i64::try_from(open).unwrap_or(i64::MAX));
    }

    /// Names the live rule set, and makes what is counted by its rules.
    pub(crate) fn live(&self, set: &RuleSet) -> RuleMetrics {
        self.ruleset.reset();
        self.ruleset.with_label_values(&[set.hash()]).set(1);
        self.rules.live(set)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_readme_lists_every_metric() {
        let registry = Registry::new();
        let set = RuleSet::from_sources(&crate::starter::files()).unwrap();
        let metrics = Metrics::new(&registry).unwrap();
        metrics.live(&set);
        metrics.scorers.of("perspective");
        CompatMetrics::new(&registry).unwrap();
        metrics.webhooks.of("cms");
        let declared: BTreeSet<String> = registry
            .gather()
            .iter()
            .map(|family| family.name().to_owned())
            .collect();
        let documented: BTreeSet<String> = include_str!("../README.md")
            .lines()
            .filter_map(|line| line.strip_prefix("| `stoa_"))
            .filter_map(|line| line.split('`').next())
            .map(|name| format!("stoa_{name}"))
            .collect();
        assert_eq!(documented, declared);
    }
}
