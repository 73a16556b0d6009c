//! The configuration of moderation-rules.

mod compat;
pub(crate) mod review;
mod scorers;
pub(crate) mod webhooks;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;
use stoa_daemon::ConfigError;
use stoa_daemon::auth::{TokenConfig, check_exposure};
use stoa_daemon::config::{ByteSize, Duration};

pub(crate) use self::compat::CATEGORIES;
pub use self::compat::{
    AkismetConfig, CompatConfig, CoralConfig, CoralFormat, CoralReason, CoralTag, ServedConfig,
};
pub use self::review::reasons::ReasonConfig;
pub use self::review::{AppealsConfig, ReviewConfig};
pub use self::scorers::{ScorerConfig, ScorerKind, Sent};
pub use self::webhooks::{From as WebhookFrom, WebhookConfig};
use crate::dsa::COUNTRIES;
use crate::statement::Tongue;

/// The embedded default, with a comment at every key.
pub const DEFAULT_CONFIG: &str = include_str!("../default.toml");

/// The configuration of moderation-rules; `default.toml` has every default.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder of the journal and the view. One process at a time may use it.
    pub data_dir: PathBuf,
    /// Waits for the folder while another instance has it, and takes over when that one is gone.
    pub standby: bool,
    /// Set by `stoa up`; only on loopback. A verdict may be asked for without a token then; cases
    /// and decisions need one all the same.
    pub open: bool,
    /// The folder of the rule set; absent: the starter rule set that is part of the program.
    #[serde(default)]
    pub rules_dir: Option<PathBuf>,
    /// The public listener.
    pub http: HttpConfig,
    /// The listener for moderators and operators.
    pub admin: ListenConfig,
    /// The journal.
    pub journal: JournalConfig,
    /// The view.
    pub view: ViewConfig,
    /// The engine.
    pub engine: EngineConfig,
    /// The versions of the rule set, and how its folder is followed.
    pub rules: RulesConfig,
    /// When a new rule's rejections become holds.
    pub breaker: BreakerConfig,
    /// Requests for a verdict.
    pub moderate: ModerateConfig,
    /// Requests in the shapes of other services.
    pub compat: CompatConfig,
    /// Classifiers outside that give scores.
    #[serde(default)]
    pub scorers: Vec<ScorerConfig>,
    /// Endpoints that what was decided is posted to.
    #[serde(default)]
    pub webhooks: Vec<WebhookConfig>,
    /// What moderators do with cases.
    pub review: ReviewConfig,
    /// Statements of reasons.
    pub statement: StatementConfig,
    /// Who may use the admin listener.
    #[serde(default)]
    pub tokens: Vec<TokenConfig>,
    /// The connection to the broker; on the embedded bus only the limit of what is parked is used.
    pub bus: stoa_bus::AmqpConfig,
    /// The log.
    pub log: stoa_daemon::telemetry::LogConfig,
}

/// The public listener.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// Address and port.
    pub listen: SocketAddr,
    /// Where authors reach the listener, as `https://moderation.example`: what links for appeals
    /// begin with. Empty: statements have no links, and there is no page for appeals.
    pub public_url: String,
    /// Proxies whose `X-Forwarded-For` is believed, so that authors who appeal are told apart.
    pub proxies: Vec<IpAddr>,
}

/// A listener.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenConfig {
    /// Address and port.
    pub listen: SocketAddr,
}

/// The journal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalConfig {
    /// The size at which a segment file is closed.
    pub segment: ByteSize,
    /// Free disk that is left untouched: below it nothing is written, and events wait in the bus.
    pub reserve: ByteSize,
}

/// The view.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewConfig {
    /// Memory for the view's pages. Raising it makes facts about authors faster to find.
    pub cache: ByteSize,
    /// How long the view may take to open before it is set aside and rebuilt.
    pub open_timeout: Duration,
}

/// The engine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineConfig {
    /// Events that are decided and written together at most. Raising it trades latency for
    /// throughput.
    pub batch_events: usize,
    /// Requests that may wait for the engine.
    pub queue: usize,
    /// Threads that evaluate a large batch; 0 takes one per core.
    pub threads: usize,
    /// Approved comments, none rejected, after which an author counts as trusted; 0 trusts nobody.
    pub trusted_after: u64,
    /// Comments that each rule may reject in a day (UTC), unless the rule says otherwise; those
    /// beyond it are held. 0 sets no limit.
    pub reject_quota: u32,
}

/// The versions of the rule set, and how its folder is followed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesConfig {
    /// Versions whose files are kept. Raising it costs the size of the rule set for each.
    pub keep_versions: usize,
    /// How often the folder is looked at; 0 never.
    pub poll: Duration,
    /// How long nothing in the folder may have changed before it is read. Raising it delays
    /// changes, and guards better against folders that are written slowly.
    pub settle: Duration,
}

/// When a new rule's rejections become holds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakerConfig {
    /// How long a rule is watched after it was new or changed; 0 watches none.
    pub watch: Duration,
    /// How far back hits are counted.
    pub window: Duration,
    /// The hits that a rule may have, in percent of the comments that were judged.
    pub percent: u8,
    /// The hits that a rule may have, in number. Raising it lets more comments be rejected before
    /// a bad rule is noticed.
    pub hits: u64,
}

/// Requests for a verdict.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModerateConfig {
    /// How long a request may take that does not say so itself, 1 ms to 10 s.
    pub deadline: Duration,
    /// Bytes of a request.
    pub max_body: ByteSize,
    /// Requests that are worked on or wait; those beyond are answered 503. Raising it costs up to
    /// `max_body` for each.
    pub queue: usize,
    /// Requests that are judged at a time; 0 takes one for each core.
    pub threads: usize,
    /// The languages that are told apart where a site names none of its own (ISO 639-1): the same
    /// as ingest has.
    pub languages: Vec<String>,
    /// The languages of sites that have their own.
    #[serde(default)]
    pub site_languages: BTreeMap<String, Vec<String>>,
}

/// Statements of reasons.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementConfig {
    /// The language where the comment's is not known or not supported.
    pub language: Tongue,
    /// What an author can do about a decision; absent: a general sentence.
    #[serde(default)]
    pub redress: Option<String>,
    /// The countries of the EEA that restrictions are for, as exported statements say (ISO 3166-1);
    /// none: they say none.
    #[serde(default)]
    pub territorial_scope: Vec<String>,
}

impl Config {
    /// Refuses what can be read and can't work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        check_exposure(self.http.listen, &self.tokens, self.open)?;
        check_exposure(self.admin.listen, &self.tokens, self.open)?;
        for (key, value) in [
            ("engine.batch_events", self.engine.batch_events),
            ("engine.queue", self.engine.queue),
            ("rules.keep_versions", self.rules.keep_versions),
            ("moderate.queue", self.moderate.queue),
        ] {
            if value == 0 {
                return Err(ConfigError::invalid(key, "must be at least 1"));
            }
        }
        let deadline = self.moderate.deadline.get().as_millis();
        if !(1..=10_000).contains(&deadline) {
            let message = "must be from 1 ms to 10 s";
            return Err(ConfigError::invalid("moderate.deadline", message));
        }
        let url = &self.http.public_url;
        if !(url.is_empty() || is_base(url)) {
            let message = "must begin with http:// or https:// and a host, as \
                           https://moderation.example, and have no query";
            return Err(ConfigError::invalid("http.public_url", message));
        }
        let mut countries = self.statement.territorial_scope.iter();
        if let Some(unknown) = countries.find(|country| !COUNTRIES.contains(&country.as_str())) {
            let message = format!("`{unknown}` is no country of the EEA: use codes such as FR");
            return Err(ConfigError::invalid("statement.territorial_scope", message));
        }
        self.review.validate()?;
        scorers::validate(&self.scorers)?;
        self.compat.validate(&self.scorers)?;
        webhooks::validate(&self.webhooks)?;
        let window = self.breaker.window.get().as_secs();
        if !(300..=86_400).contains(&window) {
            let message = "must be from 5 minutes to 24 hours";
            return Err(ConfigError::invalid("breaker.window", message));
        }
        if self.breaker.percent > 100 {
            return Err(ConfigError::invalid(
                "breaker.percent",
                "must be at most 100",
            ));
        }
        Ok(())
    }
}

/// Tells whether links can begin with something.
fn is_base(url: &str) -> bool {
    let rest = url.strip_prefix("https://");
    let rest = rest.or_else(|| url.strip_prefix("http://"));
    let is_sign = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]%".contains(c);
    rest.is_some_and(|rest| !rest.starts_with(['/', ':', '.']) && rest.chars().all(is_sign))
        && rest.is_some_and(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn load(environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let environment = environment
            .iter()
            .map(|(key, value)| (OsString::from(key), OsString::from(value)));
        stoa_daemon::config::load_from("moderation-rules", DEFAULT_CONFIG, None, environment)
    }

    #[test]
    fn the_default_is_whole_and_works() {
        let config = load(&[]).unwrap();
        config.validate().unwrap();
        assert!(config.admin.listen.ip().is_loopback() && config.http.listen.ip().is_loopback());
        assert!(config.rules_dir.is_none());
    }

    #[test]
    fn a_listener_for_others_needs_tokens() {
        let config = load(&[("STOA_MODERATION_RULES__ADMIN__LISTEN", "0.0.0.0:9082")]).unwrap();
        assert!(
            config
                .validate()
                .unwrap_err()
                .to_string()
                .contains("tokens")
        );
    }

    #[test]
    fn what_cannot_work_is_refused_by_its_key() {
        for (key, value, named) in [
            ("RULES__KEEP_VERSIONS", "0", "rules.keep_versions"),
            ("REVIEW__LEASE", "61m", "review.lease"),
            ("REVIEW__LEASE", "59s", "review.lease"),
            ("REVIEW__APPEALS__WITHIN", "23h", "review.appeals.within"),
            ("BREAKER__WINDOW", "4m", "breaker.window"),
            ("BREAKER__WINDOW", "25h", "breaker.window"),
            ("BREAKER__PERCENT", "101", "breaker.percent"),
            ("MODERATE__QUEUE", "0", "moderate.queue"),
            ("HTTP__PUBLIC_URL", "moderation.example", "http.public_url"),
            ("HTTP__PUBLIC_URL", "https:///x", "http.public_url"),
            (
                "HTTP__PUBLIC_URL",
                "https://a.example/?b",
                "http.public_url",
            ),
            ("MODERATE__DEADLINE", "11s", "moderate.deadline"),
            ("REVIEW__APPEALS__KEY", "short", "review.appeals.key"),
        ] {
            let config = load(&[(&format!("STOA_MODERATION_RULES__{key}"), value)]).unwrap();
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn a_misspelt_key_or_unknown_language_is_named() {
        for (key, value, part) in [
            ("STOA_MODERATION_RULES__ENGINE__BATCHES", "1", "batches"),
            (
                "STOA_MODERATION_RULES__STATEMENT__LANGUAGE",
                "tlh",
                "language",
            ),
            (
                "STOA_MODERATION_RULES__RULES_DIRECTORY",
                "/rules",
                "rules_directory",
            ),
        ] {
            let error = load(&[(key, value)]).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
