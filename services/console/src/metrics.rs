//! What the console counts; requests are counted by its listeners.

use prometheus::{IntCounterVec, Opts, Registry};

/// The metrics of the console; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    pub(crate) sign_ins: IntCounterVec,
    pub(crate) decisions: IntCounterVec,
}

/// What became of an attempt to sign in, as a label.
const SIGN_INS: [&str; 3] = ["done", "refused", "limited"];
/// What became of a decision, as a label.
const DECISIONS: [&str; 2] = ["done", "refused"];

impl Metrics {
    /// Makes the metrics and registers them; every label that can occur is there from the start.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            sign_ins: IntCounterVec::new(
                Opts::new(
                    "stoa_console_sign_ins_total",
                    "Attempts to sign in by what became of them.",
                ),
                &["result"],
            )?,
            decisions: IntCounterVec::new(
                Opts::new(
                    "stoa_console_decisions_total",
                    "Decisions of people by what became of them.",
                ),
                &["result"],
            )?,
        };
        for result in SIGN_INS {
            metrics.sign_ins.with_label_values(&[result]);
        }
        for result in DECISIONS {
            metrics.decisions.with_label_values(&[result]);
        }
        registry.register(Box::new(metrics.sign_ins.clone()))?;
        registry.register(Box::new(metrics.decisions.clone()))?;
        Ok(metrics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_documented() {
        let registry = Registry::new();
        Metrics::new(&registry).unwrap();
        let found = registry.gather();
        let found: Vec<String> = found
            .iter()
            .map(|family| format!("| `{}` | counter | `result` |", family.name()))
            .collect();
        let readme = include_str!("../README.md").lines();
        let mut documented: Vec<String> = readme
            .filter(|line| line.starts_with("| `stoa_"))
            .map(|line| line.split('|').take(4).collect::<Vec<_>>().join("|") + "|")
            .collect();
        documented.sort_unstable();
        assert_eq!(found, documented);
    }
}
