//! What is counted of requests in the shapes of other services.

use prometheus::{IntCounterVec, Opts, Registry};
use stoa_proto::Verdict;

/// Whose shape a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Google's Perspective.
    Perspective,
    /// `OpenAI`'s moderations.
    OpenAi,
    /// Akismet.
    Akismet,
    /// Coral's external moderation phase.
    Coral,
}

impl Protocol {
    const ALL: [Self; 4] = [Self::Perspective, Self::OpenAi, Self::Akismet, Self::Coral];

    fn as_str(self) -> &'static str {
        match self {
            Self::Perspective => "perspective",
            Self::OpenAi => "openai",
            Self::Akismet => "akismet",
            Self::Coral => "coral",
        }
    }
}

/// What became of a request.
const RESULTS: [&str; 3] = ["answered", "refused", "busy"];
/// What was said of a comment.
const VERDICTS: [&str; 4] = ["approve", "hold", "reject", "late"];
/// What people tell about verdicts.
const FEEDBACK: [&str; 3] = ["suggestscore", "submit-spam", "submit-ham"];

/// The metrics of requests in the shapes of other services.
#[derive(Clone, Debug)]
pub(crate) struct CompatMetrics {
    requests: IntCounterVec,
    verdicts: IntCounterVec,
    feedback: IntCounterVec,
}

impl CompatMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            IntCounterVec::new(Opts::new(name, help), labels)
        };
        let metrics = Self {
            requests: counter(
                "stoa_compat_requests_total",
                "Requests in the shapes of other services by what became of them.",
                &["protocol", "result"],
            )?,
            verdicts: counter(
                "stoa_compat_verdicts_total",
                "Texts that were judged for them, by verdict; late if there was no time.",
                &["protocol", "verdict"],
            )?,
            feedback: counter(
                "stoa_compat_feedback_total",
                "What clients told about verdicts.",
                &["kind"],
            )?,
        };
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.verdicts.clone()))?;
        registry.register(Box::new(metrics.feedback.clone()))?;
        for protocol in Protocol::ALL.map(Protocol::as_str) {
            for result in RESULTS {
                metrics.requests.with_label_values(&[protocol, result]);
            }
            for verdict in VERDICTS {
                metrics.verdicts.with_label_values(&[protocol, verdict]);
            }
        }
        for kind in FEEDBACK {
            metrics.feedback.with_label_values(&[kind]);
        }
        Ok(metrics)
    }

    /// Counts a request: `answered`, `refused` or `busy`.
    pub(crate) fn request(&self, protocol: Protocol, result: &'static str) {
        self.requests
            .with_label_values(&[protocol.as_str(), result])
            .inc();
    }

    /// Counts a text; none if there was no time to judge it.
    pub(crate) fn verdict(&self, protocol: Protocol, verdict: Option<Verdict>) {
        let verdict = verdict.map_or("late", Verdict::as_str);
        self.verdicts
            .with_label_values(&[protocol.as_str(), verdict])
            .inc();
    }

    /// Counts what a client told: `suggestscore`, `submit-spam` or `submit-ham`.
    pub(crate) fn feedback(&self, kind: &'static str) {
        self.feedback.with_label_values(&[kind]).inc();
    }
}
