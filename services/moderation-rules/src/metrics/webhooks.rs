//! What is counted of webhooks.

use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use crate::webhooks::Backlog;
use crate::webhooks::entry::Class;

/// The metrics of all endpoints.
#[derive(Clone, Debug)]
pub(crate) struct WebhookFamilies {
    deliveries: IntCounterVec,
    pending: IntGaugeVec,
    oldest: IntGaugeVec,
    up: IntGaugeVec,
    disabled: IntGaugeVec,
}

impl WebhookFamilies {
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| IntGaugeVec::new(Opts::new(name, help), &["endpoint"]);
        let families = Self {
            deliveries: IntCounterVec::new(
                Opts::new(
                    "stoa_webhook_deliveries_total",
                    "Attempts to deliver to each endpoint by how they ended.",
                ),
                &["endpoint", "result"],
            )?,
            pending: gauge(
                "stoa_webhook_pending",
                "Events that wait for the endpoint, with records that were not read for it yet.",
            )?,
            oldest: gauge(
                "stoa_webhook_oldest_age_seconds",
                "How long the oldest of them has waited.",
            )?,
            up: gauge(
                "stoa_webhook_endpoint_up",
                "1 while the endpoint takes events; 0 while it fails or is disabled.",
            )?,
            disabled: gauge(
                "stoa_webhook_endpoint_disabled",
                "1 while the endpoint is disabled.",
            )?,
        };
        registry.register(Box::new(families.deliveries.clone()))?;
        registry.register(Box::new(families.pending.clone()))?;
        registry.register(Box::new(families.oldest.clone()))?;
        registry.register(Box::new(families.up.clone()))?;
        registry.register(Box::new(families.disabled.clone()))?;
        Ok(families)
    }

    /// Makes the metrics of one endpoint.
    pub(crate) fn of(&self, endpoint: &str) -> WebhookMetrics {
        for class in Class::ALL {
            self.deliveries
                .with_label_values(&[endpoint, class.as_str()]);
        }
        let up = self.up.with_label_values(&[endpoint]);
        up.set(1);
        WebhookMetrics {
            endpoint: endpoint.to_owned(),
            deliveries: self.deliveries.clone(),
            pending: self.pending.with_label_values(&[endpoint]),
            oldest: self.oldest.with_label_values(&[endpoint]),
            up,
            disabled: self.disabled.with_label_values(&[endpoint]),
        }
    }
}

/// The metrics of one endpoint.
#[derive(Clone, Debug)]
pub(crate) struct WebhookMetrics {
    endpoint: String,
    deliveries: IntCounterVec,
    pending: IntGauge,
    oldest: IntGauge,
    up: IntGauge,
    disabled: IntGauge,
}

impl WebhookMetrics {
    /// Counts an attempt.
    pub(crate) fn tried(&self, class: Class) {
        self.deliveries
            .with_label_values(&[self.endpoint.as_str(), class.as_str()])
            .inc();
    }

    /// Shows what waits.
    pub(crate) fn backlog(&self, backlog: &Backlog, now: i64) {
        let pending = backlog.retrying + backlog.ready + backlog.unread;
        self.pending.set(i64::try_from(pending).unwrap_or(i64::MAX));
        let age = backlog.oldest.map(|since| now.saturating_sub(since).max(0));
        self.oldest.set(age.unwrap_or_default() / 1_000_000);
    }

    /// Shows whether it takes events, and whether it is disabled.
    pub(crate) fn stands(&self, is_up: bool, is_disabled: bool) {
        self.up.set(is_up.into());
        self.disabled.set(is_disabled.into());
    }
}
