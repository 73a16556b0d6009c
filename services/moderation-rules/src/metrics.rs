//! What moderation-rules counts.
//!
//! Requests are counted by the HTTP listeners, the outbox and the broker's connection by the bus.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};
use stoa_proto::{Kind, Verdict};
use stoa_rules::RuleSet;

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

/// Who decides, as a label.
const SOURCES: [&str; 2] = ["rules", "moderator"];

/// The metrics of moderation-rules; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    decisions: IntCounterVec,
    rule_hits: IntCounterVec,
    /// The time to judge one comment.
    pub(crate) evaluation: Histogram,
    cases_open: IntGauge,
    ruleset: IntGaugeVec,
    processed: IntCounterVec,
    batch_events: Histogram,
    batch_seconds: Histogram,
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
            rule_hits: counter(
                "stoa_rule_hits_total",
                "How often each rule of the live rule set fired, in shadow or not.",
                &["rule"],
            )?,
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
        };
        metrics.register(registry)?;
        metrics.fill_labels();
        Ok(metrics)
    }

    fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.decisions.clone()))?;
        registry.register(Box::new(self.rule_hits.clone()))?;
        registry.register(Box::new(self.evaluation.clone()))?;
        registry.register(Box::new(self.cases_open.clone()))?;
        registry.register(Box::new(self.ruleset.clone()))?;
        registry.register(Box::new(self.processed.clone()))?;
        registry.register(Box::new(self.batch_events.clone()))?;
        registry.register(Box::new(self.batch_seconds.clone()))
    }

    fn fill_labels(&self) {
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

    /// Counts rules that fired; a set that was replaced meanwhile is not counted.
    pub(crate) fn hits<'a>(&self, set: &RuleSet, rules: impl Iterator<Item = &'a String>) {
        for rule in rules {
            if set.rules().any(|info| info.id == *rule) {
                self.rule_hits.with_label_values(&[rule]).inc();
            }
        }
    }

    /// Notes a batch.
    pub(crate) fn batch(&self, events: usize, elapsed: Duration) {
        self.batch_events
            .observe(f64::from(u32::try_from(events).unwrap_or(u32::MAX)));
        self.batch_seconds.observe(elapsed.as_secs_f64());
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

    /// Names the live rule set, and lets go of the labels of the one before.
    pub(crate) fn live(&self, set: &RuleSet) {
        self.ruleset.reset();
        self.ruleset.with_label_values(&[set.hash()]).set(1);
        self.rule_hits.reset();
        for rule in set.rules() {
            self.rule_hits.with_label_values(&[&rule.id]);
        }
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
        Metrics::new(&registry).unwrap().live(&set);
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

    #[test]
    fn labels_stay_within_the_live_rule_set() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry).unwrap();
        let set = RuleSet::from_sources(&crate::starter::files()).unwrap();
        metrics.live(&set);
        metrics.hits(&set, ["no-such-rule".to_owned()].iter());
        let rules = registry
            .gather()
            .iter()
            .find(|family| family.name() == "stoa_rule_hits_total")
            .unwrap()
            .get_metric()
            .len();
        assert_eq!(rules, set.rules().len());
    }
}
