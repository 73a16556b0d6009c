//! The broker: whether it can be reached, and whether what the role needs of it is there and allowed.

use stoa_bus::Probe;

use super::Findings;
use crate::roles::Configured;

/// Looks at each node of the broker.
pub(super) async fn examine(configured: &Configured, findings: &mut Findings) {
    let Some((mut config, reader)) = configured.bus() else {
        return;
    };
    configured.role().name().clone_into(&mut config.role);
    for Probe { broker, checks } in stoa_bus::probe(&config, reader).await {
        let n_checks = checks.len();
        let wrong: Vec<(String, String)> = checks
            .into_iter()
            .filter_map(|(what, found)| Some((what, found.err()?)))
            .collect();
        if wrong.is_empty() {
            let n_things = n_checks.saturating_sub(1);
            let finding = format!(
                "{broker}: connected, and all of {n_things} queues and exchanges can be used"
            );
            findings.ok("broker", finding);
        }
        for (what, reason) in wrong {
            let what = if what == "connection" {
                "broker".to_owned()
            } else {
                what
            };
            findings.failed(what, reason);
        }
    }
    if config.publishers.is_empty() && reader != stoa_proto::Reader::Ingest {
        findings.look(
            "publishers",
            "any account that may publish to this role's exchanges is believed; name the roles' accounts in bus.publishers",
        );
    }
}
