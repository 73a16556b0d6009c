//! Metrics of a listener.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, exponential_buckets,
};

/// Requests and connections of one listener.
#[derive(Clone)]
pub(super) struct Metrics {
    requests: IntCounterVec,
    duration: HistogramVec,
    connections: IntGauge,
    auth_failures: IntCounterVec,
}

/// Why a request was refused for want of rights, as a label.
const MISSING: &str = "missing";
const UNKNOWN: &str = "unknown";
const FORBIDDEN: &str = "forbidden";

impl Metrics {
    pub(super) fn register(listener: &str, registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self {
            requests: IntCounterVec::new(
                Opts::new("stoa_http_requests_total", "Requests answered.")
                    .const_label("listener", listener),
                &["route", "method", "status"],
            )?,
            duration: HistogramVec::new(
                HistogramOpts::new(
                    "stoa_http_request_duration_seconds",
                    "From a request's head to its answer's head.",
                )
                .const_label("listener", listener)
                // 0.5 ms to 8 s.
                .buckets(exponential_buckets(0.000_5, 2.0, 15)?),
                &["route"],
            )?,
            connections: IntGauge::with_opts(
                Opts::new("stoa_http_connections", "Open connections.")
                    .const_label("listener", listener),
            )?,
            auth_failures: IntCounterVec::new(
                Opts::new(
                    "stoa_auth_failures_total",
                    "Requests refused with 401 or 403: without a token, with an unknown one, or with \
                     one that may not do that.",
                )
                .const_label("listener", listener),
                &["reason"],
            )?,
        };
        for reason in [MISSING, UNKNOWN, FORBIDDEN] {
            metrics.auth_failures.with_label_values(&[reason]);
        }
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.duration.clone()))?;
        registry.register(Box::new(metrics.connections.clone()))?;
        registry.register(Box::new(metrics.auth_failures.clone()))?;
        Ok(metrics)
    }

    /// Counts a request; `route` is the router's pattern, so that the labels are a closed set.
    pub(super) fn request(&self, route: &str, method: &Method, status: StatusCode, took: Duration) {
        let known = [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
        ];
        let method = if known.contains(method) {
            method.as_str()
        } else {
            "other"
        };
        self.requests
            .with_label_values(&[route, method, status.as_str()])
            .inc();
        self.duration
            .with_label_values(&[route])
            .observe(took.as_secs_f64());
    }

    /// Counts a request that was refused because of who sent it, if it was.
    pub(super) fn refused(&self, status: StatusCode, has_token: bool) {
        let reason = match status {
            StatusCode::UNAUTHORIZED if has_token => UNKNOWN,
            StatusCode::UNAUTHORIZED => MISSING,
            StatusCode::FORBIDDEN => FORBIDDEN,
            _ => return,
        };
        self.auth_failures.with_label_values(&[reason]).inc();
    }

    /// Counts a connection until the guard is dropped.
    pub(super) fn connection(&self) -> Open {
        self.connections.inc();
        Open(self.connections.clone())
    }
}

/// An open connection.
pub(super) struct Open(IntGauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
