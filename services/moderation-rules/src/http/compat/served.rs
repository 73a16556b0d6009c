//! What attributes and categories are made of: labels of rules, and scores.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::ServedConfig;
use crate::http::judging::{Judged, Wanted};

/// What `partial` says of a text that was not looked at to its end.
const CUT: &str = "text";

/// An attribute or a category that is served.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) name: String,
    labels: Vec<String>,
    score: Option<Arc<str>>,
    hit: f64,
    pub(super) threshold: f64,
}

impl Served {
    /// Takes those of a configuration that are made of something.
    pub(super) fn all(configs: &BTreeMap<String, ServedConfig>) -> Vec<Self> {
        let served = configs
            .iter()
            .filter(|(_, config)| !config.labels.is_empty() || config.score.is_some());
        served
            .map(|(name, config)| Self {
                name: name.clone(),
                labels: config.labels.clone(),
                score: config.score.as_deref().map(Arc::from),
                hit: config.hit,
                threshold: config.threshold,
            })
            .collect()
    }

    /// The scores that these are made of.
    pub(super) fn wanted<'a>(served: impl Iterator<Item = &'a Self>) -> Wanted {
        served.filter_map(|served| served.score.clone()).collect()
    }

    /// Its value, 0 to 1; none if that can't be told.
    ///
    /// A hit of a rule is enough to tell. Without one, whatever might have had one must have been looked at.
    pub(super) fn value(&self, judged: &Judged) -> Option<f64> {
        let outcome = &judged.trial.outcome;
        let score = self.score.as_ref().map(|name| {
            let mut scores = judged.scores.iter();
            let found = scores.find(|(given, _)| given == name);
            found.map(|(_, value)| value.clamp(0.0, 1.0))
        });
        if self.is_any(&outcome.labels) {
            return Some(score.flatten().unwrap_or_default().max(self.hit));
        }
        let mut failed = outcome.failed.iter();
        let was_looked_for = self.labels.is_empty()
            || !(outcome.partial.iter().any(|missing| missing == CUT)
                || failed.any(|failure| failure.acted && self.is_any(&failure.rule.labels)));
        match score {
            _ if !was_looked_for => None,
            None => Some(0.0),
            Some(score) => score,
        }
    }

    /// Where rules found it in the plain text: in code points, the end exclusive.
    pub(super) fn spans(&self, judged: &Judged) -> Vec<(u32, u32)> {
        let fired = judged.trial.outcome.fired.iter();
        let own = fired.filter(|fired| fired.acted && self.is_any(&fired.rule.labels));
        let mut spans: Vec<(u32, u32)> = own
            .flat_map(|fired| fired.spans.iter().map(|span| (span.start, span.end)))
            .collect();
        spans.sort_unstable();
        spans.dedup();
        spans
    }

    /// Its value where a rule hit.
    pub(super) fn hit(&self) -> f64 {
        self.hit
    }

    fn is_any(&self, labels: &[String]) -> bool {
        labels.iter().any(|label| self.labels.contains(label))
    }
}
