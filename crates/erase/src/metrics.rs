//! What is counted of erasures, on the registry of the role.

use prometheus::{Gauge, IntCounter, IntGauge, Registry};

#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) pending: IntGauge,
    pub(crate) records: IntCounter,
    pub(crate) seconds: Gauge,
}

impl Metrics {
    /// Registers all metrics.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            pending: IntGauge::new(
                "stoa_erasure_pending",
                "Comments and authors that were ordered to be erased and are not yet.",
            )?,
            records: IntCounter::new(
                "stoa_erasure_records_total",
                "Records that were overwritten: of the journal, of what is parked and of the embedded bus.",
            )?,
            seconds: Gauge::new(
                "stoa_erasure_sweep_seconds",
                "Time that the last erasure took, with the wait for what was to be published.",
            )?,
        };
        registry.register(Box::new(metrics.pending.clone()))?;
        registry.register(Box::new(metrics.records.clone()))?;
        registry.register(Box::new(metrics.seconds.clone()))?;
        Ok(metrics)
    }
}
