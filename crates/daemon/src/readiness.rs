//! Readiness: what a process still waits for before it may be sent work.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde::Serialize;
use utoipa::ToSchema;

/// The readiness of a process: one state per component, shared by all clones.
///
/// A process is ready when at least one component has reported and none has a reason against it.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<RwLock<BTreeMap<&'static str, Result<(), String>>>>);

/// One component that is not ready, and why.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[schema(as = NotReady)]
pub struct Reason {
    /// The component's name, as `bus` or `journal`.
    pub component: String,
    /// What it waits for, for a person to read.
    pub reason: String,
}

/// What `/readyz` answers.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[schema(as = Readiness)]
pub struct Report {
    /// Whether the process may be sent work.
    pub ready: bool,
    /// The components that are not ready; empty when `ready`.
    pub reasons: Vec<Reason>,
}

impl Readiness {
    /// Announces components that have yet to report, so that the first to be ready is not mistaken for all.
    pub fn expect(&self, components: &[&'static str]) {
        let mut states = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for component in components {
            states
                .entry(component)
                .or_insert_with(|| Err("starting".to_owned()));
        }
    }

    /// Sets one component's state; logs the change, not the repetition.
    pub fn set(&self, component: &'static str, state: Result<(), String>) {
        let mut states = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = states.insert(component, state.clone());
        drop(states);
        match state {
            Ok(()) if before != Some(Ok(())) => tracing::info!(component, "ready"),
            Err(reason) if before != Some(Err(reason.clone())) => {
                tracing::info!(component, reason, "not ready");
            }
            _ => {}
        }
    }

    /// Whether every component is ready.
    pub fn is_ready(&self) -> bool {
        self.report().ready
    }

    /// The state of all components.
    pub fn report(&self) -> Report {
        let states = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut reasons: Vec<Reason> = states
            .iter()
            .filter_map(|(component, state)| {
                let reason = state.as_ref().err()?;
                Some(Reason {
                    component: (*component).to_owned(),
                    reason: reason.clone(),
                })
            })
            .collect();
        if states.is_empty() {
            reasons.push(Reason {
                component: "process".to_owned(),
                reason: "starting".to_owned(),
            });
        }
        Report {
            ready: reasons.is_empty(),
            reasons,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reported_is_not_ready() {
        assert!(!Readiness::default().is_ready());
    }

    #[test]
    fn ready_only_when_every_expected_component_is() {
        let ready = Readiness::default();
        ready.expect(&["journal", "bus"]);
        ready.set("journal", Ok(()));
        assert!(!ready.is_ready());
        ready.set("bus", Err("no connection".to_owned()));
        let report = ready.report();
        assert_eq!(report.reasons.len(), 1);
        assert_eq!(report.reasons[0].component, "bus");
        assert_eq!(report.reasons[0].reason, "no connection");
        ready.clone().set("bus", Ok(()));
        assert_eq!(
            ready.report(),
            Report {
                ready: true,
                reasons: Vec::new()
            }
        );
    }

    #[test]
    fn expecting_does_not_undo_a_report() {
        let ready = Readiness::default();
        ready.set("bus", Ok(()));
        ready.expect(&["bus"]);
        assert!(ready.is_ready());
    }
}
