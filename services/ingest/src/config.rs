//! The configuration of ingest.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use stoa_daemon::ConfigError;
use stoa_daemon::auth::signature::Secrets;
use stoa_daemon::auth::{TokenConfig, check_exposure};
use stoa_daemon::config::{ByteSize, Duration, Secret};

/// The embedded default, with a comment at every key.
pub const DEFAULT_CONFIG: &str = include_str!("../default.toml");

/// The configuration of ingest; `default.toml` has every default.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder of the journal and the view. One process at a time may use it.
    pub data_dir: PathBuf,
    /// Waits for the folder while another instance has it, and takes over when that one is gone.
    pub standby: bool,
    /// Takes events of any site, over HTTP without a token. Only on loopback, to try Stoa out.
    pub open: bool,
    /// How long an event's id is remembered.
    ///
    /// Raising it costs disk (the journal is kept this long) and some 200 bytes of view per event.
    pub duplicate_window: Duration,
    /// The languages that are told apart where a site names none of its own (ISO 639-1).
    ///
    /// Each language more makes short texts harder to tell.
    pub languages: Vec<String>,
    /// The public listener.
    pub http: HttpConfig,
    /// The listener for operators.
    pub admin: AdminConfig,
    /// The journal.
    pub journal: JournalConfig,
    /// The view.
    pub view: ViewConfig,
    /// The engine.
    pub engine: EngineConfig,
    /// What may wait for the broker.
    pub budget: BudgetConfig,
    /// Who may order that words be erased.
    pub erasures: ErasuresConfig,
    /// Who may send the appeals that authors wrote on Stoa's page.
    pub appeals: AppealsConfig,
    /// The sites that are served, and who may publish for them.
    #[serde(default)]
    pub sites: Vec<SiteConfig>,
    /// Platforms whose webhooks are taken.
    #[serde(default)]
    pub webhooks: Vec<WebhookConfig>,
    /// Who may use the listeners.
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
    /// The longest request body; what is over it is answered 413 and never read to its end.
    pub max_body: ByteSize,
    /// How long a request's body may take to arrive.
    pub body_timeout: Duration,
    /// The sum of the bodies that are in memory at a time; requests beyond it wait.
    ///
    /// Raising it costs memory: up to three times as much while events are normalised.
    pub in_flight: ByteSize,
}

/// The listener for operators.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminConfig {
    /// Address and port.
    pub listen: SocketAddr,
}

/// The journal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalConfig {
    /// The size at which a segment file is closed; whole segments are dropped once they are old.
    ///
    /// Raising it drops old events later and in larger steps.
    pub segment: ByteSize,
}

/// The view.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewConfig {
    /// Memory for the view's pages. Raising it makes the duplicate check faster on long windows.
    pub cache: ByteSize,
    /// How long the view may take to open before it is set aside and rebuilt.
    pub open_timeout: Duration,
}

/// The engine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineConfig {
    /// Events that are written together at most. Raising it trades latency for throughput.
    pub batch_events: usize,
    /// Requests that may wait for the engine.
    pub queue: usize,
}

/// What may wait for the broker.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetConfig {
    /// Bytes of accepted events that are not published yet.
    pub bytes: ByteSize,
    /// Age of the oldest event that is not published yet.
    pub age: Duration,
    /// Free disk that is left untouched: below it nothing is accepted.
    pub reserve: ByteSize,
    /// What `Retry-After` says while the budget is spent.
    pub retry_after: Duration,
}

/// Who may order that words be erased.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasuresConfig {
    /// The broker accounts whose orders are taken, as the broker vouches for them by a message's `user_id`: the
    /// archive's. On the embedded bus the archive of the process is known; over HTTP no order is taken.
    pub accounts: Vec<String>,
}

/// Who may send the appeals that authors wrote on Stoa's page.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppealsConfig {
    /// The broker accounts from which they are taken: that of moderation-rules.
    pub accounts: Vec<String>,
}

/// A site that is served.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteConfig {
    /// The site's id, as events name it.
    pub id: String,
    /// The sources that may publish for it, letter for letter as events name them.
    pub sources: Vec<String>,
    /// The broker accounts that may publish for it over AMQP, as the broker vouches for them by a message's
    /// `user_id`; absent: all that may write to the inbox.
    #[serde(default)]
    pub accounts: Option<Vec<String>>,
    /// Whether what another system had decided (`imported`) is taken over AMQP from those who may publish for it;
    /// over HTTP a token with the role admin is needed, whatever this says.
    #[serde(default)]
    pub imports: bool,
    /// The languages that its readers write (ISO 639-1); absent: the default list.
    #[serde(default)]
    pub languages: Option<Vec<String>>,
}

/// A platform whose webhooks are taken, at `/v1/webhooks/{name}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Its name in the address: small letters, digits and `-`.
    pub name: String,
    /// What it speaks.
    pub kind: WebhookKind,
    /// The site of its events.
    pub site: String,
    /// Their source: one of the site's.
    pub source: String,
    /// What it signs with, or shows; several while one is rolled.
    pub secrets: Vec<Secret>,
}

/// What a platform's webhooks look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WebhookKind {
    /// Discourse.
    Discourse,
    /// Remark42, with the template of the documentation.
    Remark42,
    /// WordPress: objects as its REST API has them.
    Wordpress,
}

impl WebhookKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Discourse, Self::Remark42, Self::Wordpress];

    /// Returns the name as configurations have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Discourse => "discourse",
            Self::Remark42 => "remark42",
            Self::Wordpress => "wordpress",
        }
    }
}

impl Config {
    /// Refuses what can be read and can't work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        check_exposure(self.http.listen, &self.tokens, self.open)?;
        check_exposure(self.admin.listen, &self.tokens, self.open)?;
        if self.engine.batch_events == 0 {
            return Err(ConfigError::invalid(
                "engine.batch_events",
                "must be at least 1",
            ));
        }
        if self.engine.queue == 0 {
            return Err(ConfigError::invalid("engine.queue", "must be at least 1"));
        }
        if self.http.max_body.get() == 0 || self.http.max_body > self.http.in_flight {
            return Err(ConfigError::invalid(
                "http.in_flight",
                "must hold at least one body of http.max_body",
            ));
        }
        self.validate_webhooks()
    }

    fn validate_webhooks(&self) -> Result<(), ConfigError> {
        for (index, hook) in self.webhooks.iter().enumerate() {
            let key = |name: &str| format!("webhooks[{index}].{name}");
            let is_sign = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if hook.name.is_empty() || hook.name.len() > 64 || !hook.name.chars().all(is_sign) {
                let message =
                    "expected 1 to 64 small letters, digits and `-`: it is part of the address";
                return Err(ConfigError::invalid(key("name"), message));
            }
            let mut others = self.webhooks.iter().take(index);
            if others.any(|other| other.name == hook.name) {
                let message = format!("there are two webhooks named `{}`", hook.name);
                return Err(ConfigError::invalid(key("name"), message));
            }
            Secrets::new(&hook.secrets, &key("secrets"))?;
            if self.open {
                continue;
            }
            let site = self.sites.iter().find(|site| site.id == hook.site);
            let site = site.ok_or_else(|| {
                let message = format!("`{}` is not among `[[sites]]`", hook.site);
                ConfigError::invalid(key("site"), message)
            })?;
            if !site.sources.contains(&hook.source) {
                let message = "the site does not take it: list it under the site's `sources`";
                return Err(ConfigError::invalid(key("source"), message));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn load(environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let environment = environment
            .iter()
            .map(|(key, value)| (OsString::from(key), OsString::from(value)));
        stoa_daemon::config::load_from("ingest", DEFAULT_CONFIG, None, environment)
    }

    #[test]
    fn the_default_is_whole_and_works() {
        let config = load(&[]).unwrap();
        config.validate().unwrap();
        assert!(!config.open);
        assert!(config.http.listen.ip().is_loopback());
        assert!(config.duplicate_window.get() >= std::time::Duration::from_hours(7 * 24));
    }

    #[test]
    fn a_listener_for_others_needs_tokens() {
        let config = load(&[("STOA_INGEST__HTTP__LISTEN", "0.0.0.0:8081")]).unwrap();
        assert!(
            config
                .validate()
                .unwrap_err()
                .to_string()
                .contains("tokens")
        );
        let open = [
            ("STOA_INGEST__ADMIN__LISTEN", "0.0.0.0:9081"),
            ("STOA_INGEST__OPEN", "true"),
        ];
        assert!(
            load(&open)
                .unwrap()
                .validate()
                .unwrap_err()
                .to_string()
                .contains("open")
        );
    }

    #[test]
    fn a_misspelt_key_is_named() {
        let error = load(&[("STOA_INGEST__BUDGET__BITES", "1 GiB")])
            .unwrap_err()
            .to_string();
        assert!(error.contains("bites"), "{error}");
    }

    #[test]
    fn a_webhook_that_could_not_publish_is_refused_by_its_key() {
        let load = |hooks: &str| {
            let dir = tempfile::tempdir().unwrap();
            let file = dir.path().join("config.toml");
            let site = "[[sites]]\nid = \"courrier\"\nsources = [\"https://forum.example\"]\n";
            std::fs::write(&file, format!("{site}{hooks}")).unwrap();
            let config: Config =
                stoa_daemon::config::load_from("ingest", DEFAULT_CONFIG, Some(&file), []).unwrap();
            config.validate()
        };
        let hook = |name: &str, site: &str, source: &str, secrets: &str| {
            format!(
                "[[webhooks]]\nname = \"{name}\"\nkind = \"discourse\"\nsite = \"{site}\"\n\
                 source = \"{source}\"\nsecrets = {secrets}\n"
            )
        };
        let (source, secrets) = ("https://forum.example", "[\"secret-of-the-forum\"]");
        let good = hook("forum", "courrier", source, secrets);
        load(&good).unwrap();
        for (hooks, key) in [
            (
                hook("Forum", "courrier", source, secrets),
                "webhooks[0].name",
            ),
            (hook("", "courrier", source, secrets), "webhooks[0].name"),
            (format!("{good}{good}"), "webhooks[1].name"),
            (
                hook("forum", "elsewhere", source, secrets),
                "webhooks[0].site",
            ),
            (
                hook("forum", "courrier", "https://other.example", secrets),
                "webhooks[0].source",
            ),
            (
                hook("forum", "courrier", source, "[]"),
                "webhooks[0].secrets",
            ),
            (
                hook("forum", "courrier", source, "[\"short\"]"),
                "webhooks[0].secrets",
            ),
        ] {
            let error = load(&hooks).unwrap_err().to_string();
            assert!(error.starts_with(key), "{key}: {error}");
        }
    }
}
