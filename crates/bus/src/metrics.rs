//! What the bus counts.

use std::fmt;
use std::sync::Arc;

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
};

use stoa_proto::Exchange;

use crate::Env;
use crate::health::Link;

/// The bus's metrics, on the registry of its process.
#[derive(Clone)]
pub(crate) struct Metrics {
    /// The time in microseconds since 1970, for ages.
    pub(crate) clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    pub(crate) publishes: IntCounterVec,
    pub(crate) confirm_duration: Histogram,
    pub(crate) connection_up: IntGaugeVec,
    pub(crate) connection_blocked: IntGaugeVec,
    pub(crate) reconnects: IntCounterVec,
    pub(crate) consumers_cancelled: IntCounter,
    pub(crate) deliveries: IntCounterVec,
    pub(crate) strangers: IntCounterVec,
    pub(crate) inflight: IntGauge,
    pub(crate) retries: IntCounter,
    pub(crate) panics: IntCounter,
    pub(crate) outbox_records: IntGauge,
    pub(crate) outbox_bytes: IntGauge,
    pub(crate) outbox_age: IntGauge,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Registers all metrics.
    pub(crate) fn new(env: &Env) -> Result<Self, prometheus::Error> {
        let registry = &env.registry;
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let metric = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(metric.clone()))?;
            Ok::<_, prometheus::Error>(metric)
        };
        let counter = |name: &str, help: &str| {
            let metric = IntCounter::new(name, help)?;
            registry.register(Box::new(metric.clone()))?;
            Ok::<_, prometheus::Error>(metric)
        };
        let gauges = |name: &str, help: &str, labels: &[&str]| {
            let metric = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(metric.clone()))?;
            Ok::<_, prometheus::Error>(metric)
        };
        let gauge = |name: &str, help: &str| {
            let metric = IntGauge::new(name, help)?;
            registry.register(Box::new(metric.clone()))?;
            Ok::<_, prometheus::Error>(metric)
        };
        let confirm_duration = Histogram::with_opts(
            HistogramOpts::new(
                "stoa_amqp_confirm_duration_seconds",
                "Time from a publish to the broker's confirm",
            )
            .buckets(vec![
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
            ]),
        )?;
        registry.register(Box::new(confirm_duration.clone()))?;
        Ok(Self {
            clock: Arc::clone(&env.clock),
            publishes: counters(
                "stoa_amqp_publish_total",
                "Messages published, by exchange and what became of them: confirmed, nacked, \
                 returned, unknown, fenced (given up: another instance has what it came from)",
                &["exchange", "result"],
            )?,
            confirm_duration,
            connection_up: gauges(
                "stoa_amqp_connection_up",
                "Whether the connection to the broker is up",
                &["connection"],
            )?,
            connection_blocked: gauges(
                "stoa_amqp_connection_blocked",
                "Whether the broker takes nothing on the connection, for want of memory or disk",
                &["connection"],
            )?,
            reconnects: counters(
                "stoa_amqp_reconnects_total",
                "Connections and channels that had to be made anew, by reason",
                &["connection", "reason"],
            )?,
            consumers_cancelled: counter(
                "stoa_amqp_consumer_cancelled_total",
                "Consumers that the broker ended",
            )?,
            deliveries: counters(
                "stoa_consumer_deliveries_total",
                "Messages received, by queue and whether they may have been received before",
                &["queue", "redelivered"],
            )?,
            strangers: counters(
                "stoa_consumer_strangers_total",
                "Messages refused because the broker does not vouch for an account that is \
                 believed, by queue",
                &["queue"],
            )?,
            inflight: gauge(
                "stoa_consumer_inflight",
                "Messages received and not yet acknowledged by the consumer loop",
            )?,
            retries: counter(
                "stoa_consumer_retries_total",
                "Times that a message had to wait because its handler asked for it",
            )?,
            panics: counter("stoa_consumer_panics_total", "Handlers that panicked")?,
            outbox_records: gauge(
                "stoa_outbox_pending_records",
                "Journal records that are not published yet",
            )?,
            outbox_bytes: gauge(
                "stoa_outbox_pending_bytes",
                "Bytes of journal records that are not published yet, estimated by their number",
            )?,
            outbox_age: gauge(
                "stoa_outbox_oldest_age_seconds",
                "Age of the oldest journal record that is not published yet",
            )?,
        })
    }
}

/// What becomes of a message that is published, as a label.
const RESULTS: [&str; 5] = ["confirmed", "nacked", "returned", "unknown", "fenced"];

impl Metrics {
    /// Has what an alert counts be there from the start, so that the first time is an increase.
    pub(crate) fn fill_labels(&self) {
        for exchange in Exchange::ALL {
            for result in RESULTS {
                self.publishes.with_label_values(&[exchange.name(), result]);
            }
        }
        for link in [Link::Publish, Link::Consume] {
            self.reconnects.with_label_values(&[link.name(), "lost"]);
        }
    }
}

/// Turns a count into a gauge's value.
pub(crate) fn gauge_value(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}
