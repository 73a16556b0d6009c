//! What ingest counts.
//!
//! Requests are counted by the HTTP listener, the outbox and the broker's connection by the bus.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use stoa_proto::{Code, Kind};

use crate::config::WebhookKind;

/// The metrics of ingest; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    pub(crate) events: IntCounterVec,
    pub(crate) rejections: IntCounterVec,
    pub(crate) prepare: Histogram,
    pub(crate) commit: Histogram,
    pub(crate) batch: Histogram,
    pub(crate) replayed: IntCounter,
    pub(crate) forgotten: IntCounter,
    pub(crate) journal_bytes: IntGauge,
    pub(crate) view_bytes: IntGauge,
    pub(crate) verified: IntGauge,
    pub(crate) free_disk: IntGauge,
    pub(crate) refusing: IntGauge,
    webhooks: IntCounterVec,
}

/// What became of a request of a platform's webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hooked {
    /// Events were made of it.
    Taken,
    /// It is about nothing that is kept here.
    Ignored,
    /// It is not from the platform.
    Unsigned,
    /// It could not be taken.
    Refused,
}

impl Hooked {
    const ALL: [Self; 4] = [Self::Taken, Self::Ignored, Self::Unsigned, Self::Refused];

    fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Ignored => "ignored",
            Self::Unsigned => "unsigned",
            Self::Refused => "refused",
        }
    }
}

/// What became of an event, as a label.
pub(crate) const RESULTS: [&str; 3] = ["accepted", "duplicate", "rejected"];
/// The kind of an event whose type could not be read, as a label.
const UNKNOWN: &str = "unknown";

impl Metrics {
    /// Makes the metrics and registers them; every label that can occur is there from the start.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let seconds = prometheus::exponential_buckets(0.000_5, 2.0, 15)?;
        let fine = prometheus::exponential_buckets(0.000_01, 2.0, 18)?;
        let counts = prometheus::exponential_buckets(1.0, 2.0, 12)?;
        let metrics = Self {
            events: IntCounterVec::new(
                Opts::new(
                    "stoa_ingest_events_total",
                    "Events by kind and by what became of them.",
                ),
                &["kind", "result"],
            )?,
            rejections: IntCounterVec::new(
                Opts::new("stoa_ingest_rejections_total", "Rejected events by code."),
                &["code"],
            )?,
            prepare: Histogram::with_opts(
                HistogramOpts::new(
                    "stoa_ingest_prepare_seconds",
                    "Time to decode, judge and normalise one message.",
                )
                .buckets(fine),
            )?,
            commit: Histogram::with_opts(
                HistogramOpts::new(
                    "stoa_ingest_commit_seconds",
                    "Time to check one batch for repeats, make it durable and apply it.",
                )
                .buckets(seconds),
            )?,
            batch: Histogram::with_opts(
                HistogramOpts::new(
                    "stoa_ingest_batch_events",
                    "Events that were committed together.",
                )
                .buckets(counts),
            )?,
            replayed: IntCounter::new(
                "stoa_ingest_replayed_records_total",
                "Journal records that were applied to the view at start.",
            )?,
            forgotten: IntCounter::new(
                "stoa_ingest_forgotten_records_total",
                "Records that were forgotten because the duplicate window is over.",
            )?,
            journal_bytes: IntGauge::new(
                "stoa_ingest_journal_bytes",
                "Bytes of the journal on disk.",
            )?,
            view_bytes: IntGauge::new("stoa_ingest_view_bytes", "Bytes of the view on disk.")?,
            verified: IntGauge::new(
                "stoa_journal_verified_timestamp_seconds",
                "When the whole journal was last read and found whole; 0 before that.",
            )?,
            free_disk: IntGauge::new(
                "stoa_ingest_free_disk_bytes",
                "Free disk where the journal is.",
            )?,
            refusing: IntGauge::new(
                "stoa_ingest_refusing",
                "1 while nothing is accepted because the budget is spent.",
            )?,
            webhooks: IntCounterVec::new(
                Opts::new(
                    "stoa_ingest_webhooks_total",
                    "Requests of platforms' webhooks by what became of them.",
                ),
                &["kind", "result"],
            )?,
        };
        metrics.register(registry)?;
        metrics.fill_labels();
        Ok(metrics)
    }

    fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.events.clone()))?;
        registry.register(Box::new(self.rejections.clone()))?;
        registry.register(Box::new(self.prepare.clone()))?;
        registry.register(Box::new(self.commit.clone()))?;
        registry.register(Box::new(self.batch.clone()))?;
        registry.register(Box::new(self.replayed.clone()))?;
        registry.register(Box::new(self.forgotten.clone()))?;
        registry.register(Box::new(self.journal_bytes.clone()))?;
        registry.register(Box::new(self.view_bytes.clone()))?;
        registry.register(Box::new(self.verified.clone()))?;
        registry.register(Box::new(self.free_disk.clone()))?;
        registry.register(Box::new(self.refusing.clone()))?;
        registry.register(Box::new(self.webhooks.clone()))
    }

    fn fill_labels(&self) {
        let kinds = Kind::ALL
            .iter()
            .filter(|kind| kind.is_inbound())
            .map(|kind| kind.short());
        for kind in kinds.chain([UNKNOWN]) {
            for result in RESULTS {
                self.events.with_label_values(&[kind, result]);
            }
        }
        for kind in WebhookKind::ALL {
            for result in Hooked::ALL {
                self.webhooks
                    .with_label_values(&[kind.as_str(), result.as_str()]);
            }
        }
        for code in Code::ALL {
            self.rejections.with_label_values(&[code.as_str()]);
        }
    }

    /// Counts a request of a platform's webhooks.
    pub(crate) fn webhook(&self, kind: WebhookKind, result: Hooked) {
        self.webhooks
            .with_label_values(&[kind.as_str(), result.as_str()])
            .inc();
    }

    /// Counts an event that was accepted.
    pub(crate) fn accepted(&self, kind: Kind) {
        self.events
            .with_label_values(&[kind.short(), "accepted"])
            .inc();
    }

    /// Counts an event that had come before.
    pub(crate) fn duplicate(&self, kind: Kind) {
        self.events
            .with_label_values(&[kind.short(), "duplicate"])
            .inc();
    }

    /// Counts an event that was rejected; its type may be anything, and the label may not.
    pub(crate) fn rejected(&self, kind: Option<&str>, code: Code) {
        let kind = kind
            .and_then(Kind::parse)
            .filter(|kind| kind.is_inbound())
            .map_or(UNKNOWN, Kind::short);
        self.events.with_label_values(&[kind, "rejected"]).inc();
        self.rejections.with_label_values(&[code.as_str()]).inc();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_readme_lists_every_metric() {
        let registry = Registry::new();
        Metrics::new(&registry).unwrap();
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
