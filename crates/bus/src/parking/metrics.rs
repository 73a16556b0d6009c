//! What the store of parked messages counts, on the registry of its role.

use prometheus::{IntCounterVec, IntGauge, Opts, Registry};

use super::index::Index;
use crate::metrics::gauge_value;

pub(super) struct Metrics {
    pub(super) parked: IntCounterVec,
    messages: IntGauge,
    threads: IntGauge,
    bytes: IntGauge,
}

impl Metrics {
    /// Registers all metrics.
    pub(super) fn new(registry: &Registry, reader: &str) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| {
            let metric = IntGauge::new(name, help)?;
            registry.register(Box::new(metric.clone()))?;
            Ok::<_, prometheus::Error>(metric)
        };
        let parked = IntCounterVec::new(
            Opts::new(
                "stoa_parked_total",
                "Messages that were refused and parked, by reader; not those that wait behind them",
            ),
            &["reader"],
        )?;
        registry.register(Box::new(parked.clone()))?;
        parked.with_label_values(&[reader]);
        Ok(Self {
            parked,
            messages: gauge(
                "stoa_parked_messages",
                "Messages that are parked: refused, or behind such a one in its thread",
            )?,
            threads: gauge("stoa_parked_threads", "Threads that are parked")?,
            bytes: gauge(
                "stoa_parked_bytes",
                "Bytes of the journal from the oldest message on that is still parked",
            )?,
        })
    }

    pub(super) fn show(&self, index: &Index) {
        self.messages.set(gauge_value(index.len()));
        self.threads.set(gauge_value(index.n_lanes()));
        self.bytes.set(gauge_value(index.held()));
    }
}
