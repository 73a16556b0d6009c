//! The configuration of the console.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;
use stoa_daemon::ConfigError;
use stoa_daemon::auth::{Role, TokenConfig, Tokens};
use stoa_daemon::config::{ByteSize, Duration, Secret};

/// The embedded default, with a comment at every key.
pub const DEFAULT_CONFIG: &str = include_str!("../default.toml");

/// The configuration of the console; `default.toml` has every default.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder of the journal of accounts. One process at a time may use it.
    pub data_dir: PathBuf,
    /// Waits for the folder while another instance has it, and takes over when that one is gone.
    pub standby: bool,
    /// The listener for people.
    pub http: HttpConfig,
    /// The listener for operators.
    pub admin: AdminConfig,
    /// The admin listener of moderation-rules.
    pub moderation: BackendConfig,
    /// Tokens of programs, beside those that people make.
    pub tokens: Vec<TokenConfig>,
    /// How people sign in.
    pub sign_in: SignInConfig,
    /// The archive.
    pub archive: ArchiveConfig,
    /// The admin listener of ingest; without a token it is not asked.
    pub ingest: BackendConfig,
    /// A provider of OpenID Connect at which people sign in.
    pub oidc: Option<OidcConfig>,
    /// How long people stay signed in.
    pub sessions: SessionConfig,
    /// The journal.
    pub journal: JournalConfig,
    /// The log.
    pub log: stoa_daemon::telemetry::LogConfig,
}

/// The listener for people.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// Address and port.
    pub listen: SocketAddr,
    /// Where people reach it, as `https://desk.example`. Empty means `http://` and `listen`.
    pub public_url: String,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub proxies: Vec<IpAddr>,
    /// Lets the cookie go without TLS. Only on loopback.
    pub insecure_cookie: bool,
}

impl HttpConfig {
    /// What links to the console begin with.
    pub(crate) fn base(&self) -> String {
        if self.public_url.is_empty() {
            format!("http://{}", self.listen)
        } else {
            self.public_url.clone()
        }
    }

    fn validate(&self) -> Result<(), ConfigError> {
        if !self.public_url.is_empty() {
            check_url("http.public_url", &self.public_url)?;
        }
        if self.insecure_cookie && !self.listen.ip().to_canonical().is_loopback() {
            let message = format!(
                "is for this machine alone, and {} is not loopback: put TLS in front instead",
                self.listen
            );
            return Err(ConfigError::invalid("http.insecure_cookie", message));
        }
        Ok(())
    }
}

/// The listener for operators.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminConfig {
    /// Address and port.
    pub listen: SocketAddr,
}

/// A role that the console asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendConfig {
    /// What its addresses begin with.
    pub url: String,
    /// A token of that role with `on_behalf = true`.
    pub token: Option<Secret>,
}

impl BackendConfig {
    fn validate(&self, section: &str) -> Result<(), ConfigError> {
        check_url(&format!("{section}.url"), &self.url)?;
        if self.token.is_none() {
            return Err(ConfigError::invalid(
                format!("{section}.token"),
                "is needed: give a token of that role with `on_behalf = true`",
            ));
        }
        Ok(())
    }
}

/// How people sign in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInConfig {
    /// The roles that have to set up a second step before they see anything else.
    pub require_totp: Vec<Role>,
}

/// The archive.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveConfig {
    /// What addresses of its public listener begin with.
    pub url: String,
    /// What addresses of its admin listener begin with.
    pub admin_url: String,
    /// A token of that role with `on_behalf = true`.
    pub token: Option<Secret>,
}

impl ArchiveConfig {
    fn at(&self, url: &str) -> BackendConfig {
        BackendConfig {
            url: url.to_owned(),
            token: self.token.clone(),
        }
    }

    /// Its public listener.
    pub(crate) fn public(&self) -> BackendConfig {
        self.at(&self.url)
    }

    /// Its admin listener.
    pub(crate) fn admin(&self) -> BackendConfig {
        self.at(&self.admin_url)
    }

    fn validate(&self) -> Result<(), ConfigError> {
        self.public().validate("archive")?;
        check_url("archive.admin_url", &self.admin_url)
    }
}

/// A provider of OpenID Connect.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcConfig {
    /// What its discovery document is found under, and its tokens name.
    pub issuer: String,
    /// What the console is called there.
    pub client_id: String,
    /// What the console proves that by.
    pub client_secret: Secret,
    /// What is asked for beside `openid`.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// The claim that has a person's groups.
    #[serde(default = "groups_claim")]
    pub groups_claim: String,
    /// What follows from which group.
    pub groups: Vec<GroupConfig>,
}

fn scopes() -> Vec<String> {
    vec!["profile".to_owned(), "groups".to_owned()]
}

fn groups_claim() -> String {
    "groups".to_owned()
}

/// What people of a group may do.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupConfig {
    /// The group.
    pub group: String,
    /// Their role.
    pub role: Role,
    /// For which sites; `["*"]` for all.
    pub sites: Vec<String>,
}

impl OidcConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        let url = reqwest::Url::parse(&self.issuer).ok();
        if !url.is_some_and(|url| is_safe(&url)) {
            let message = "must be https://, or http:// on this machine";
            return Err(ConfigError::invalid("oidc.issuer", message));
        }
        if self.groups.is_empty() {
            let message = "name at least one group, or nobody can sign in";
            return Err(ConfigError::invalid("oidc.groups", message));
        }
        for (index, group) in self.groups.iter().enumerate() {
            let is_mixed = group.sites.len() > 1 && group.sites.iter().any(|site| site == "*");
            if group.role == Role::Publisher || group.sites.is_empty() || is_mixed {
                let message = "needs a role of people, and sites, or \"*\" alone for all";
                return Err(ConfigError::invalid(
                    format!("oidc.groups[{index}]"),
                    message,
                ));
            }
        }
        Ok(())
    }
}

/// Whether nobody between can read what is sent to an address.
pub(crate) fn is_safe(url: &reqwest::Url) -> bool {
    let is_here = match url.host_str() {
        Some("localhost") => true,
        Some(host) => {
            let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
            address.is_ok_and(|address| address.is_loopback())
        }
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_here)
}

/// How long people stay signed in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionConfig {
    /// Who does nothing for so long is signed out.
    pub idle: Duration,
    /// Everyone signs in again after so long.
    pub longest: Duration,
}

/// The longest that a session may be configured to last.
const LONGEST_SESSION: std::time::Duration = std::time::Duration::from_hours(24);

impl SessionConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        for (key, value) in [("idle", self.idle), ("longest", self.longest)] {
            if value.get().is_zero() || value.get() > LONGEST_SESSION {
                return Err(ConfigError::invalid(
                    format!("sessions.{key}"),
                    "must be more than nothing and at most 24h",
                ));
            }
        }
        Ok(())
    }
}

/// The journal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalConfig {
    /// The size at which a segment file is closed.
    pub segment: ByteSize,
    /// Free disk that is left untouched: below it no account can be changed.
    pub reserve: ByteSize,
}

fn check_url(key: &str, url: &str) -> Result<(), ConfigError> {
    let parsed = reqwest::Url::parse(url).ok().filter(|parsed| {
        matches!(parsed.scheme(), "http" | "https")
            && parsed.path() == "/"
            && !url.ends_with('/')
            && parsed.query().is_none()
    });
    parsed.map(|_| ()).ok_or_else(|| {
        ConfigError::invalid(
            key,
            "must be http:// or https:// and a host, as https://desk.example, without a slash at its end",
        )
    })
}

impl Config {
    /// Refuses what can be read and can't work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.http.validate()?;
        self.moderation.validate("moderation")?;
        Tokens::new(&self.tokens)?;
        if let Some(oidc) = &self.oidc {
            oidc.validate()?;
        }
        self.archive.validate()?;
        check_url("ingest.url", &self.ingest.url)?;
        self.sessions.validate()
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn load(environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let tokens = [
            ("STOA_CONSOLE__MODERATION__TOKEN", "0123456789abcdef"),
            ("STOA_CONSOLE__ARCHIVE__TOKEN", "0123456789abcdef"),
        ];
        let environment = tokens.iter().chain(environment);
        let environment = environment.map(|(key, value)| (OsString::from(key), value.into()));
        stoa_daemon::config::load_from("console", DEFAULT_CONFIG, None, environment)
    }

    #[test]
    fn the_default_is_fine_once_it_has_tokens() {
        load(&[]).unwrap().validate().unwrap();
        let without: Config =
            stoa_daemon::config::load_from("console", DEFAULT_CONFIG, None, []).unwrap();
        let error = without.validate().unwrap_err().to_string();
        assert!(error.starts_with("moderation.token: is needed"), "{error}");
    }

    #[test]
    fn what_can_not_work_is_named() {
        for (key, value, expected) in [
            (
                "HTTP__PUBLIC_URL",
                "desk.example",
                "http.public_url: must be",
            ),
            (
                "HTTP__PUBLIC_URL",
                "https://desk.example/",
                "http.public_url: must be",
            ),
            ("MODERATION__URL", "ftp://x", "moderation.url: must be"),
            ("ARCHIVE__URL", "http://x/y", "archive.url: must be"),
            ("ARCHIVE__ADMIN_URL", "x", "archive.admin_url: must be"),
            ("INGEST__URL", "x", "ingest.url: must be"),
            ("SESSIONS__IDLE", "0s", "sessions.idle: must be"),
            ("SESSIONS__LONGEST", "25h", "sessions.longest: must be"),
        ] {
            let key = format!("STOA_CONSOLE__{key}");
            let error = load(&[(&key, value)]).unwrap().validate().unwrap_err();
            let error = error.to_string();
            assert!(error.starts_with(expected), "{key}={value}: {error}");
        }
        let reachable = [
            ("STOA_CONSOLE__HTTP__LISTEN", "0.0.0.0:8080"),
            ("STOA_CONSOLE__HTTP__INSECURE_COOKIE", "true"),
        ];
        let error = load(&reachable)
            .unwrap()
            .validate()
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("http.insecure_cookie: is for this machine"),
            "{error}"
        );
    }

    #[test]
    fn a_provider_is_asked_in_private_and_lets_somebody_in() {
        let checked = |issuer: &str, role: &str, sites: &str| {
            let own = [
                ("STOA_CONSOLE__OIDC__ISSUER", issuer),
                ("STOA_CONSOLE__OIDC__CLIENT_ID", "stoa"),
                ("STOA_CONSOLE__OIDC__CLIENT_SECRET", "secret"),
                ("STOA_CONSOLE__OIDC__GROUPS__0__GROUP", "mods"),
                ("STOA_CONSOLE__OIDC__GROUPS__0__ROLE", role),
                ("STOA_CONSOLE__OIDC__GROUPS__0__SITES__0", sites),
            ];
            let checked = load(&own).unwrap().validate();
            checked.map_err(|error| error.to_string())
        };
        for issuer in [
            "https://id.example",
            "http://127.0.0.1:1/x",
            "http://[::1]:1",
            "http://localhost",
        ] {
            checked(issuer, "moderator", "*").unwrap();
        }
        for issuer in [
            "http://id.example",
            "http://127.0.0.1.example",
            "ftp://id.example",
            "id.example",
        ] {
            let error = checked(issuer, "moderator", "*").unwrap_err();
            assert!(
                error.starts_with("oidc.issuer: must be"),
                "{issuer}: {error}"
            );
        }
        let error = checked("https://id.example", "publisher", "*").unwrap_err();
        assert!(error.starts_with("oidc.groups[0]: needs"), "{error}");
    }
}
