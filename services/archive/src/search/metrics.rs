//! What the search index counts.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, Registry};

/// The metrics of the search index; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    pub(crate) up: IntGauge,
    pub(crate) documents: IntGauge,
    pub(crate) lag: IntGauge,
    pub(crate) records: IntCounter,
    pub(crate) set_aside: IntCounter,
    pub(crate) commit: Histogram,
    pub(crate) query: Histogram,
}

impl Metrics {
    /// Makes the metrics and registers them.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let seconds = prometheus::exponential_buckets(0.000_5, 2.0, 15)?;
        let metrics = Self {
            up: IntGauge::new(
                "stoa_search_up",
                "Whether the search index follows the journal: 0 while it failed or waits for room on the disk.",
            )?,
            documents: IntGauge::new(
                "stoa_search_documents",
                "Comments and articles that can be found.",
            )?,
            lag: IntGauge::new(
                "stoa_search_lag_records",
                "Journal records that the search index does not have yet.",
            )?,
            records: IntCounter::new(
                "stoa_search_records_total",
                "Journal records that the search index has followed since the start.",
            )?,
            set_aside: IntCounter::new(
                "stoa_search_set_aside_total",
                "Times that the search index could not be used and was built again.",
            )?,
            commit: Histogram::with_opts(
                HistogramOpts::new(
                    "stoa_search_commit_seconds",
                    "Time to write what was indexed and to make it found.",
                )
                .buckets(seconds.clone()),
            )?,
            query: Histogram::with_opts(
                HistogramOpts::new(
                    "stoa_search_query_seconds",
                    "Time to find a page of hits and to read their words.",
                )
                .buckets(seconds),
            )?,
        };
        registry.register(Box::new(metrics.up.clone()))?;
        registry.register(Box::new(metrics.documents.clone()))?;
        registry.register(Box::new(metrics.lag.clone()))?;
        registry.register(Box::new(metrics.records.clone()))?;
        registry.register(Box::new(metrics.set_aside.clone()))?;
        registry.register(Box::new(metrics.commit.clone()))?;
        registry.register(Box::new(metrics.query.clone()))?;
        Ok(metrics)
    }
}
