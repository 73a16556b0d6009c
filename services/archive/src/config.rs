//! The configuration of the archive.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use stoa_daemon::ConfigError;
use stoa_daemon::auth::{TokenConfig, check_exposure};
use stoa_daemon::config::{ByteSize, Duration};

/// The embedded default, with a comment at every key.
pub const DEFAULT_CONFIG: &str = include_str!("../default.toml");

/// The configuration of the archive; `default.toml` has every default.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder of the journal and the view. One process at a time may use it.
    pub data_dir: PathBuf,
    /// Waits for the folder while another instance has it, and takes over when that one is gone.
    pub standby: bool,
    /// Shows approved comments of any site without a token. Only on loopback, to try Stoa out.
    pub open: bool,
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
    /// The transparency log.
    pub transparency: TransparencyConfig,
    /// The search index.
    pub search: SearchConfig,
    /// Redactions.
    pub redaction: RedactionConfig,
    /// What is said about the sites; one that is not listed is private.
    #[serde(default)]
    pub sites: Vec<SiteConfig>,
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
    /// Where readers reach the listener, as `https://archive.example`: what absolute links begin
    /// with. Empty means `http://` and the `Host` of the request.
    pub public_url: String,
}

impl HttpConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        if self.public_url.is_empty() || is_base(&self.public_url) {
            return Ok(());
        }
        Err(ConfigError::invalid(
            "http.public_url",
            "must be http:// or https:// and a host, as https://archive.example, without a slash \
             at its end: the archive's paths begin at the root",
        ))
    }
}

/// Whether absolute links can begin with something.
pub(crate) fn is_base(url: &str) -> bool {
    let host = url.strip_prefix("https://");
    host.or_else(|| url.strip_prefix("http://"))
        .is_some_and(is_host)
}

/// Whether something can be the host of a URL, with a port or without.
pub(crate) fn is_host(host: &str) -> bool {
    let port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let (name, rest) = if let Some(rest) = host.strip_prefix('[') {
        let Some((address, rest)) = rest.split_once(']') else {
            return false;
        };
        (address.parse::<std::net::Ipv6Addr>().is_ok(), rest)
    } else {
        let end = host.find(':').unwrap_or(host.len());
        let (name, rest) = host.split_at(end);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        (!name.is_empty() && name.bytes().all(plain), rest)
    };
    name && host.len() <= 255 && (rest.is_empty() || rest.strip_prefix(':').is_some_and(port))
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
    /// The size at which a segment file is closed.
    ///
    /// Raising it makes fewer and larger files; an unfinished one is read again after a crash.
    pub segment: ByteSize,
    /// Free disk that is left untouched: below it nothing is written, and events wait in the bus.
    pub reserve: ByteSize,
}

/// The view.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewConfig {
    /// Memory for the view's pages. Raising it makes large archives faster.
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
}

/// The transparency log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransparencyConfig {
    /// Keeps the log: a tree over all records, and signed checkpoints of it.
    pub enabled: bool,
    /// The log's name, best the public address of the archive without scheme; it can't be changed
    /// later. Empty means a name that is made with the key.
    pub origin: String,
    /// Shows checkpoints and tiles to anyone. They have no words and no ids.
    pub public: bool,
    /// How often a checkpoint is signed at most, while there is something new.
    pub checkpoint_every: Duration,
}

/// The longest time between checkpoints: what is not in one can't be proved.
const LONGEST_CHECKPOINT: std::time::Duration = std::time::Duration::from_mins(1);

impl TransparencyConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        if self.checkpoint_every.get() > LONGEST_CHECKPOINT {
            return Err(ConfigError::invalid(
                "transparency.checkpoint_every",
                "must be at most 60s: what is in no checkpoint can't be proved",
            ));
        }
        Ok(())
    }
}

/// The search index.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchConfig {
    /// Finds words in comments and articles. Without it the index takes neither time nor disk.
    pub enabled: bool,
    /// Memory for what is not written yet.
    ///
    /// Raising it makes fewer files while much is indexed, as after a rebuild.
    pub memory: ByteSize,
    /// How long what was indexed waits for what comes after it, before both can be found.
    ///
    /// Raising it writes to the disk less often.
    pub commit_interval: Duration,
}

impl SearchConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        let (memory, most) = (self.memory.get(), 4_000_000_000);
        if !(stoa_search::MIN_MEMORY..=most).contains(&memory) {
            return Err(ConfigError::invalid(
                "search.memory",
                "must be from 15 MB to 4 GB",
            ));
        }
        let interval = self.commit_interval.get();
        let (least, most) = (
            std::time::Duration::from_millis(10),
            std::time::Duration::from_secs(1),
        );
        if !(least..=most).contains(&interval) {
            return Err(ConfigError::invalid(
                "search.commit_interval",
                "must be from 10ms to 1s",
            ));
        }
        Ok(())
    }
}

/// What is said about a site.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteConfig {
    /// The site's id, as events name it.
    pub id: String,
    /// Shows approved comments to anyone.
    #[serde(default)]
    pub public: bool,
    /// How long words are kept; without it for ever.
    #[serde(default)]
    pub retention: Option<RetentionConfig>,
    /// Erases nothing of the site, whatever is asked for.
    #[serde(default)]
    pub legal_hold: bool,
    /// Comments, by id, of which nothing is erased.
    #[serde(default)]
    pub held_comments: Vec<String>,
    /// Authors, by id, of whom nothing is erased.
    #[serde(default)]
    pub held_authors: Vec<String>,
}

/// How long a site's words are kept. What is over is asked to be erased, and waits for the grace
/// period like everything else.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionConfig {
    /// Rejected comments, from their decision on.
    #[serde(default)]
    pub rejected: Option<Duration>,
    /// All comments, from the time of their latest revision on.
    #[serde(default)]
    pub all: Option<Duration>,
}

/// Redactions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedactionConfig {
    /// How long a redaction can be called off before the words go; up to a year.
    pub grace: Duration,
    /// Whether somebody else than who asked has to confirm it.
    pub confirm: bool,
}

/// The longest grace period: a person who asks to be forgotten is not to wait for longer.
const LONGEST_GRACE: std::time::Duration = std::time::Duration::from_hours(365 * 24);

impl RedactionConfig {
    /// Returns when a redaction that was asked for at a time is carried out, in microseconds.
    pub(crate) fn due(&self, at: i64) -> i64 {
        let grace = i64::try_from(self.grace.get().as_micros()).unwrap_or(i64::MAX);
        at.saturating_add(grace)
    }

    fn validate(&self) -> Result<(), ConfigError> {
        if self.grace.get() > LONGEST_GRACE {
            return Err(ConfigError::invalid(
                "redaction.grace",
                "must be at most 365 days (8760h)",
            ));
        }
        Ok(())
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
        self.http.validate()?;
        self.transparency.validate()?;
        self.redaction.validate()?;
        self.search.validate()
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
        stoa_daemon::config::load_from("archive", DEFAULT_CONFIG, None, environment)
    }

    #[test]
    fn the_default_is_whole_and_private() {
        let config = load(&[]).unwrap();
        config.validate().unwrap();
        assert!(!config.open);
        assert!(config.sites.is_empty());
    }

    #[test]
    fn a_listener_for_others_needs_tokens() {
        let config = load(&[("STOA_ARCHIVE__HTTP__LISTEN", "0.0.0.0:8083")]).unwrap();
        assert!(
            config
                .validate()
                .unwrap_err()
                .to_string()
                .contains("tokens")
        );
    }

    #[test]
    fn limits_of_the_search_index_are_named() {
        for (key, value, named) in [
            ("STOA_ARCHIVE__SEARCH__MEMORY", "1 MiB", "search.memory"),
            ("STOA_ARCHIVE__SEARCH__MEMORY", "5 GiB", "search.memory"),
            (
                "STOA_ARCHIVE__SEARCH__COMMIT_INTERVAL",
                "2s",
                "search.commit_interval",
            ),
        ] {
            let config = load(&[(key, value)]).unwrap();
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn a_public_url_is_a_host_and_nothing_more() {
        for (url, valid) in [
            ("https://archive.example", true),
            ("http://archive.example:8083", true),
            ("https://[2001:db8::1]:443", true),
            ("https://archive.example/", false),
            ("https://archive.example/path", false),
            ("https://user@archive.example", false),
            ("https://archive.example:", false),
            ("https://", false),
            ("https://[nonsense]", false),
            ("https://a\"b", false),
            ("archive.example", false),
            ("javascript://archive.example", false),
        ] {
            let config = load(&[("STOA_ARCHIVE__HTTP__PUBLIC_URL", url)]).unwrap();
            match config.validate() {
                Ok(()) => assert!(valid, "{url}"),
                Err(error) => {
                    let named = error.to_string().contains("http.public_url");
                    assert!(!valid && named, "{url}: {error}");
                }
            }
        }
    }

    #[test]
    fn a_misspelt_key_is_named() {
        let error = load(&[("STOA_ARCHIVE__VIEW__CASH", "1 GiB")])
            .unwrap_err()
            .to_string();
        assert!(error.contains("cash"), "{error}");
    }
}
