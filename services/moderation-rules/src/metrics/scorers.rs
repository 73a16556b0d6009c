//! What is counted of classifiers outside, and of requests for a verdict.

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};
use stoa_proto::Verdict;

/// How a request to a scorer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It was answered.
    Ok,
    /// Not in time.
    Timeout,
    /// With an error, or it can't be reached.
    Failed,
    /// The text was refused.
    Refused,
    /// With something that can't be read.
    Malformed,
    /// It was not sent, because the breaker is open.
    Open,
    /// It was not sent, because too many others were before it.
    Unsent,
}

impl Asked {
    const ALL: [Self; 7] = [
        Self::Ok,
        Self::Timeout,
        Self::Failed,
        Self::Refused,
        Self::Malformed,
        Self::Open,
        Self::Unsent,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Timeout => "timeout",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Malformed => "malformed",
            Self::Open => "open",
            Self::Unsent => "unsent",
        }
    }
}

/// The metrics of all scorers.
#[derive(Clone, Debug)]
pub(crate) struct ScorerFamilies {
    requests: IntCounterVec,
    cache: IntCounterVec,
    seconds: HistogramVec,
    open: IntGaugeVec,
}

impl ScorerFamilies {
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let families = Self {
            requests: IntCounterVec::new(
                Opts::new(
                    "stoa_scorer_requests_total",
                    "Requests to each scorer by how they ended.",
                ),
                &["scorer", "result"],
            )?,
            cache: IntCounterVec::new(
                Opts::new(
                    "stoa_scorer_cache_total",
                    "Texts that were looked up among the remembered answers.",
                ),
                &["scorer", "result"],
            )?,
            seconds: HistogramVec::new(
                HistogramOpts::new(
                    "stoa_scorer_request_seconds",
                    "Time that a request to a scorer took.",
                )
                .buckets(prometheus::exponential_buckets(0.001, 2.0, 14)?),
                &["scorer"],
            )?,
            open: IntGaugeVec::new(
                Opts::new(
                    "stoa_scorer_breaker_open",
                    "1 while the scorer is left alone because it fails.",
                ),
                &["scorer"],
            )?,
        };
        registry.register(Box::new(families.requests.clone()))?;
        registry.register(Box::new(families.cache.clone()))?;
        registry.register(Box::new(families.seconds.clone()))?;
        registry.register(Box::new(families.open.clone()))?;
        Ok(families)
    }

    /// Makes the metrics of one scorer.
    pub(crate) fn of(&self, scorer: &str) -> ScorerMetrics {
        for result in Asked::ALL {
            self.requests.with_label_values(&[scorer, result.as_str()]);
        }
        for result in ["hit", "miss"] {
            self.cache.with_label_values(&[scorer, result]);
        }
        ScorerMetrics {
            scorer: scorer.to_owned(),
            requests: self.requests.clone(),
            cache: self.cache.clone(),
            seconds: self.seconds.with_label_values(&[scorer]),
            open: self.open.with_label_values(&[scorer]),
        }
    }
}

/// The metrics of one scorer.
#[derive(Clone, Debug)]
pub(crate) struct ScorerMetrics {
    scorer: String,
    requests: IntCounterVec,
    cache: IntCounterVec,
    pub(crate) seconds: Histogram,
    pub(crate) open: IntGauge,
}

impl ScorerMetrics {
    /// Counts a request.
    pub(crate) fn asked(&self, result: Asked) {
        self.requests
            .with_label_values(&[self.scorer.as_str(), result.as_str()])
            .inc();
    }

    /// Counts a look among the remembered answers.
    pub(crate) fn cache(&self, is_hit: bool) {
        let result = if is_hit { "hit" } else { "miss" };
        self.cache
            .with_label_values(&[self.scorer.as_str(), result])
            .inc();
    }
}

/// The metrics of `POST /v1/moderate`.
#[derive(Clone, Debug)]
pub(crate) struct ModerateMetrics {
    requests: IntCounterVec,
    comments: IntCounterVec,
    late: prometheus::IntCounter,
    pub(crate) seconds: Histogram,
}

/// What became of a request.
const RESULTS: [&str; 3] = ["answered", "refused", "busy"];

impl ModerateMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            requests: IntCounterVec::new(
                Opts::new(
                    "stoa_moderate_requests_total",
                    "Requests for a verdict by what became of them.",
                ),
                &["result"],
            )?,
            comments: IntCounterVec::new(
                Opts::new(
                    "stoa_moderate_comments_total",
                    "Comments that a verdict was asked for, by verdict and by whether it was kept.",
                ),
                &["verdict", "recorded"],
            )?,
            late: prometheus::IntCounter::new(
                "stoa_moderate_late_comments_total",
                "Comments that were not judged within the request's deadline.",
            )?,
            seconds: Histogram::with_opts(
                HistogramOpts::new(
                    "stoa_moderate_seconds",
                    "Time from a request for a verdict, read, to its answer.",
                )
                .buckets(prometheus::exponential_buckets(0.000_1, 2.0, 17)?),
            )?,
        };
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.comments.clone()))?;
        registry.register(Box::new(metrics.late.clone()))?;
        registry.register(Box::new(metrics.seconds.clone()))?;
        for result in RESULTS {
            metrics.requests.with_label_values(&[result]);
        }
        for verdict in [Verdict::Approve, Verdict::Hold, Verdict::Reject] {
            for recorded in ["false", "true"] {
                metrics
                    .comments
                    .with_label_values(&[verdict.as_str(), recorded]);
            }
        }
        Ok(metrics)
    }

    /// Counts a request: `answered`, `refused` or `busy`.
    pub(crate) fn request(&self, result: &'static str) {
        self.requests.with_label_values(&[result]).inc();
    }

    /// Counts a comment.
    pub(crate) fn comment(&self, verdict: Verdict, recorded: bool, is_late: bool) {
        let recorded = if recorded { "true" } else { "false" };
        self.comments
            .with_label_values(&[verdict.as_str(), recorded])
            .inc();
        if is_late {
            self.late.inc();
        }
    }
}
