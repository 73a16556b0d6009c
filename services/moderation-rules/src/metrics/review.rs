//! What is counted of moderators' work: how long cases wait, and what comes of them.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, Registry};

/// The metrics of moderators' work; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct ReviewMetrics {
    oldest: IntGauge,
    overdue: IntGauge,
    overdue_oldest: IntGauge,
    decided: Histogram,
    overrides: IntCounter,
}

/// How the queue stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queue {
    /// For how long the oldest case has been open, in microseconds.
    pub(crate) oldest_us: i64,
    /// Cases whose time is over.
    pub(crate) overdue: i64,
    /// For how long the time of the first of them has been over, in microseconds.
    pub(crate) overdue_us: i64,
}

impl ReviewMetrics {
    /// Makes the metrics and registers them.
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            oldest: IntGauge::new(
                "stoa_review_queue_oldest_age_seconds",
                "For how long the oldest open case has waited, among the 10 000 that are due first.",
            )?,
            overdue: IntGauge::new(
                "stoa_review_queue_overdue_cases",
                "Open cases that should have been decided by now, among the 10 000 that are due first.",
            )?,
            overdue_oldest: IntGauge::new(
                "stoa_review_queue_overdue_oldest_seconds",
                "How long ago the case should have been decided that was due first; 0 if none is overdue.",
            )?,
            decided: Histogram::with_opts(
                HistogramOpts::new(
                    "stoa_review_decision_seconds",
                    "Time from the opening of a case to a moderator's decision.",
                )
                // Half a minute to eleven days.
                .buckets(prometheus::exponential_buckets(30.0, 2.0, 16)?),
            )?,
            overrides: IntCounter::new(
                "stoa_review_overrides_total",
                "Decisions of moderators that are otherwise than a rule that had acted.",
            )?,
        };
        registry.register(Box::new(metrics.oldest.clone()))?;
        registry.register(Box::new(metrics.overdue.clone()))?;
        registry.register(Box::new(metrics.overdue_oldest.clone()))?;
        registry.register(Box::new(metrics.decided.clone()))?;
        registry.register(Box::new(metrics.overrides.clone()))?;
        Ok(metrics)
    }

    /// Sets how the queue stands.
    pub(crate) fn queue(&self, queue: Queue) {
        self.oldest.set(queue.oldest_us.div_euclid(1_000_000));
        self.overdue.set(queue.overdue);
        self.overdue_oldest
            .set(queue.overdue_us.div_euclid(1_000_000));
    }

    /// Notes a decision: the case was open for so many microseconds, and whether a rule is overridden.
    pub(crate) fn decided(&self, open_us: i64, overrides: bool) {
        let open = Duration::from_micros(u64::try_from(open_us).unwrap_or_default());
        self.decided.observe(open.as_secs_f64());
        self.overrides.inc_by(u64::from(overrides));
    }
}
