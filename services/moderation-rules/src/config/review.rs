//! What moderators do with cases.

pub(crate) mod reasons;

use std::collections::BTreeMap;

use serde::Deserialize;
use stoa_daemon::ConfigError;
use stoa_daemon::config::{Duration, Secret};

use self::reasons::ReasonConfig;
use crate::statement::link;

/// The seconds of a day.
const DAY: u64 = 86_400;

/// What moderators do with cases.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewConfig {
    /// How long a claim holds that names no minutes, 1 to 60 minutes. Raising it keeps cases longer
    /// from others when a moderator leaves.
    pub lease: Duration,
    /// How long a moderator's decision can be undone; 0 turns that off.
    pub undo: Duration,
    /// By when a case of ordinary urgency is to be decided; one that is twice as urgent in half of
    /// it. Raising it leaves more time, and lets old cases wait longer behind urgent ones.
    pub service_level: Duration,
    /// What labels add to a case's priority: of several the one that adds most, 0 to 1000.
    #[serde(default)]
    pub severity: BTreeMap<String, i64>,
    /// Authors' appeals.
    pub appeals: AppealsConfig,
    /// The reasons that moderators choose from.
    #[serde(default)]
    pub reasons: Vec<ReasonConfig>,
}

/// Authors' appeals.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppealsConfig {
    /// How long after a decision it can be appealed, 1 day at least.
    pub within: Duration,
    /// Whether moderators may decide appeals against their own decisions.
    pub same_moderator: bool,
    /// The key of links for appeals, 32 bytes in base64; absent: one that is made in the data folder.
    #[serde(default)]
    pub key: Option<Secret>,
}

impl ReviewConfig {
    /// Finds the reason of a code on a site, if it is listed.
    pub(crate) fn reason(&self, site: &str, code: &str) -> Option<&ReasonConfig> {
        let mut reasons = self.reasons.iter();
        reasons.find(|reason| reason.code == code && reason.is_for(site))
    }

    /// Refuses what can be read and can't work.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        reasons::validate(&self.reasons)?;
        let lease = self.lease.get().as_secs();
        if !(60..=3_600).contains(&lease) {
            let message = "must be from 1 to 60 minutes";
            return Err(ConfigError::invalid("review.lease", message));
        }
        let level = self.service_level.get().as_secs();
        if !(60..=30 * DAY).contains(&level) {
            let message = "must be from 1 minute to 30 days";
            return Err(ConfigError::invalid("review.service_level", message));
        }
        let mut severity = self.severity.iter();
        if let Some((label, _)) = severity.find(|(_, points)| !(0..=1_000).contains(*points)) {
            let message = "must be from 0 to 1000";
            return Err(ConfigError::invalid(
                format!("review.severity.{label}"),
                message,
            ));
        }
        if self.appeals.within.get().as_secs() < DAY {
            let message = "must be at least 1 day; the law may ask for six months";
            return Err(ConfigError::invalid("review.appeals.within", message));
        }
        let key = self.appeals.key.as_ref().map(Secret::expose);
        if key.is_some_and(|key| link::key(key).is_none()) {
            let message = "must be 32 bytes in base64: make one with `openssl rand -base64 32`";
            return Err(ConfigError::invalid("review.appeals.key", message));
        }
        Ok(())
    }
}
