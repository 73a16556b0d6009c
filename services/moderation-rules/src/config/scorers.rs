//! Classifiers outside that give scores.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use stoa_daemon::ConfigError;
use stoa_daemon::config::{Duration, Secret};

/// Texts that one request may have at most, where the provider takes several.
const MAX_BATCH: usize = 256;

/// A classifier outside.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScorerConfig {
    /// What logs and metrics call it.
    pub name: String,
    /// How it is asked.
    pub kind: ScorerKind,
    /// Where it is asked; `https`, or `http` on this machine.
    pub url: String,
    /// The key, if it needs one.
    #[serde(default)]
    pub key: Option<Secret>,
    /// The model that is asked for (`openai` alone); absent: the provider's default.
    #[serde(default)]
    pub model: Option<String>,
    /// From the names that conditions use to the provider's.
    pub attributes: BTreeMap<String, String>,
    /// What is sent of a comment.
    #[serde(default)]
    pub send: Sent,
    /// Lets `http` be used to another machine: the texts and the key can be read on the way.
    #[serde(default)]
    pub allow_http: bool,
    /// How long an answer is waited for. A batch of comments waits no longer.
    #[serde(default = "timeout")]
    pub timeout: Duration,
    /// Requests at a time.
    #[serde(default = "concurrency")]
    pub concurrency: usize,
    /// Texts in one request (`openai` alone).
    #[serde(default = "batch")]
    pub batch: usize,
    /// Answers that are remembered; 0 none. Each takes some 200 bytes.
    #[serde(default = "cache_entries")]
    pub cache_entries: usize,
    /// How long an answer is remembered.
    #[serde(default = "cache_ttl")]
    pub cache_ttl: Duration,
    /// Failures within `breaker_window` after which it is left alone.
    #[serde(default = "breaker_failures")]
    pub breaker_failures: usize,
    /// How far back failures are counted.
    #[serde(default = "breaker_window")]
    pub breaker_window: Duration,
    /// How long it is left alone before one request tries it again.
    #[serde(default = "breaker_pause")]
    pub breaker_pause: Duration,
}

/// How a classifier is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScorerKind {
    /// As Perspective's `comments:analyze`: one text a request.
    Perspective,
    /// As `OpenAI`'s `/v1/moderations`: several texts a request.
    OpenAi,
}

/// What is sent of a comment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sent {
    /// Its plain text, and the code of its language where the provider takes it. Nothing of its
    /// author or thread.
    #[default]
    Text,
}

const fn timeout() -> Duration {
    Duration::millis(500)
}

const fn concurrency() -> usize {
    8
}

const fn batch() -> usize {
    32
}

const fn cache_entries() -> usize {
    10_000
}

const fn cache_ttl() -> Duration {
    Duration::secs(86_400)
}

const fn breaker_failures() -> usize {
    5
}

const fn breaker_window() -> Duration {
    Duration::secs(30)
}

const fn breaker_pause() -> Duration {
    Duration::secs(10)
}

/// Refuses what can be read and can't work.
pub(super) fn validate(scorers: &[ScorerConfig]) -> Result<(), ConfigError> {
    let mut names = BTreeSet::new();
    let mut given = BTreeSet::new();
    for (index, scorer) in scorers.iter().enumerate() {
        let wrong = |key: &str, message: &str| {
            ConfigError::invalid(format!("scorers[{index}].{key}"), message)
        };
        if scorer.name.is_empty() || !names.insert(&scorer.name) {
            return Err(wrong("name", "every scorer needs a name of its own"));
        }
        if scorer.attributes.is_empty() {
            return Err(wrong("attributes", "name at least one score"));
        }
        for name in scorer.attributes.keys() {
            if !stoa_rules::is_score_name(name) {
                let message = format!(
                    "`{name}` is no name of a score: use lower-case letters, digits and `_`"
                );
                return Err(wrong("attributes", &message));
            }
            if !given.insert(name) {
                let message = format!("another scorer gives `{name}` already");
                return Err(wrong("attributes", &message));
            }
        }
        for (key, value) in [
            ("concurrency", scorer.concurrency),
            ("breaker_failures", scorer.breaker_failures),
        ] {
            if value == 0 {
                return Err(wrong(key, "must be at least 1"));
            }
        }
        if !(1..=MAX_BATCH).contains(&scorer.batch) {
            return Err(wrong("batch", "must be from 1 to 256"));
        }
        if scorer.timeout.get().is_zero() {
            return Err(wrong("timeout", "must be longer than 0"));
        }
        check_url(scorer).map_err(|message| wrong("url", &message))?;
    }
    Ok(())
}

/// Refuses an address that can't be asked, or only so that others can read what is sent.
fn check_url(scorer: &ScorerConfig) -> Result<(), String> {
    let url = reqwest::Url::parse(&scorer.url)
        .map_err(|error| format!("`{}` is not an address: {error}", scorer.url))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("leave user and password out of the address: use `key`".to_owned());
    }
    if url.fragment().is_some() || url.query_pairs().any(|(name, _)| name == "key") {
        return Err("leave the key out of the address: use `key`".to_owned());
    }
    let host = url.host_str().ok_or("the address names no host")?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_local = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_local || scorer.allow_http => Ok(()),
        "http" => Err("use https, or set `allow_http` if nobody can read along".to_owned()),
        other => Err(format!("`{other}` is not supported: use https")),
    }
}
