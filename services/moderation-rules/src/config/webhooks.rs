//! Endpoints that decisions are sent to.

use std::collections::BTreeSet;

use serde::Deserialize;
use stoa_daemon::ConfigError;
use stoa_daemon::config::{Duration, Secret};
use stoa_proto::Kind;

use crate::webhooks::guard;
use crate::webhooks::sign::Keys;

/// Endpoints at most.
const MAX_ENDPOINTS: usize = 64;
/// Characters of a name.
const MAX_NAME: usize = 64;
/// Requests at a time, per endpoint.
const MAX_CONCURRENT: usize = 64;
/// Secrets of one endpoint: the one in use, and those that are rolled.
const MAX_SECRETS: usize = 8;

/// What may be sent.
pub(crate) const KINDS: [Kind; 5] = [
    Kind::CommentDecided,
    Kind::CaseOpened,
    Kind::CaseClosed,
    Kind::AuthorSanctioned,
    Kind::AppealResolved,
];

/// An endpoint that events are sent to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// What the console, the log and metrics call it. Another name is another endpoint, which
    /// begins anew.
    pub name: String,
    /// Where events are posted; `https` unless `allow_http` is set.
    pub url: String,
    /// What requests are signed with: `whsec_` and Base64 of 24 to 64 bytes, or `whsk_` and Base64
    /// of an Ed25519 key. Every request has a signature of each, so that one can be rolled.
    pub secrets: Vec<Secret>,
    /// Of these sites alone.
    #[serde(default = "all_sites")]
    pub sites: Vec<String>,
    /// Which events, as `comment.decided`.
    #[serde(default = "decisions")]
    pub events: Vec<String>,
    /// Where a new endpoint begins.
    #[serde(default)]
    pub from: From,
    /// How long a request may take as a whole, 1 s to 60 s.
    #[serde(default = "timeout")]
    pub timeout: Duration,
    /// Requests at a time, 1 to 64. Raising it costs the receiver as many at once.
    #[serde(default = "concurrent")]
    pub concurrent: usize,
    /// After how long with nothing but failures it is disabled, 1 h to 30 d.
    #[serde(default = "disable_after")]
    pub disable_after: Duration,
    /// Lets `http` be used: what is sent can be read on the way.
    #[serde(default)]
    pub allow_http: bool,
    /// Lets addresses of this machine and of private networks be used.
    #[serde(default)]
    pub allow_private: bool,
}

/// Where a new endpoint begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum From {
    /// With what is decided from now on.
    #[default]
    Now,
    /// With everything that was ever decided.
    Beginning,
}

fn all_sites() -> Vec<String> {
    vec!["*".to_owned()]
}

fn decisions() -> Vec<String> {
    vec![Kind::CommentDecided.short().to_owned()]
}

const fn timeout() -> Duration {
    Duration::secs(15)
}

const fn concurrent() -> usize {
    4
}

const fn disable_after() -> Duration {
    Duration::secs(5 * 86_400)
}

impl WebhookConfig {
    /// Returns the types that it is sent.
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        let named = |kind: &Kind| self.events.iter().any(|event| event == kind.short());
        KINDS.into_iter().filter(named).collect()
    }
}

/// Refuses what can be read and can't work.
pub(super) fn validate(webhooks: &[WebhookConfig]) -> Result<(), ConfigError> {
    if webhooks.len() > MAX_ENDPOINTS {
        let message = format!("list at most {MAX_ENDPOINTS} endpoints");
        return Err(ConfigError::invalid("webhooks", message));
    }
    let mut names = BTreeSet::new();
    for (index, webhook) in webhooks.iter().enumerate() {
        let wrong = |key: &str, message: &str| {
            ConfigError::invalid(format!("webhooks[{index}].{key}"), message)
        };
        let is_sign = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
        let name = &webhook.name;
        if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(is_sign) {
            let message = "use 1 to 64 lower-case letters, digits and `-_.`";
            return Err(wrong("name", message));
        }
        if !names.insert(name) {
            return Err(wrong("name", "every endpoint needs a name of its own"));
        }
        if !(1..=MAX_SECRETS).contains(&webhook.secrets.len()) {
            return Err(wrong("secrets", "list from 1 to 8 secrets"));
        }
        Keys::new(&webhook.secrets).map_err(|error| wrong("secrets", &error.to_string()))?;
        if webhook.sites.is_empty() {
            return Err(wrong("sites", "name at least one site, or `*` for all"));
        }
        if webhook.events.is_empty() {
            return Err(wrong("events", "name at least one type of events"));
        }
        for event in &webhook.events {
            if !KINDS.iter().any(|kind| kind.short() == event) {
                let known = KINDS.map(Kind::short).join(", ");
                return Err(wrong("events", &format!("`{event}` is none of: {known}")));
            }
        }
        if !(1..=60).contains(&webhook.timeout.get().as_secs()) {
            return Err(wrong("timeout", "must be from 1 s to 60 s"));
        }
        if !(1..=MAX_CONCURRENT).contains(&webhook.concurrent) {
            return Err(wrong("concurrent", "must be from 1 to 64"));
        }
        if !(3_600..=30 * 86_400).contains(&webhook.disable_after.get().as_secs()) {
            return Err(wrong("disable_after", "must be from 1 h to 30 d"));
        }
        check_url(webhook).map_err(|message| wrong("url", &message))?;
    }
    Ok(())
}

/// Refuses an address that can't be used, or only so that others can read what is sent.
fn check_url(webhook: &WebhookConfig) -> Result<(), String> {
    let url = reqwest::Url::parse(&webhook.url)
        .map_err(|error| format!("this is not an address: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("leave user and password out: requests are signed".to_owned());
    }
    if url.fragment().is_some() {
        return Err("leave out what is behind `#`".to_owned());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("the address names no host".to_owned());
    }
    match url.scheme() {
        "https" => {}
        "http" if webhook.allow_http => {}
        "http" => {
            return Err("use https, or set `allow_http` if nobody can read along".to_owned());
        }
        other => return Err(format!("`{other}` is not supported: use https")),
    }
    let Some(address) = guard::literal(&url) else {
        return Ok(());
    };
    match guard::forbids(address, webhook.allow_private) {
        None => Ok(()),
        Some(what) => Err(format!(
            "{address} is {what}: use a public address, or set `allow_private` where that is what \
             you want"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn check(more: &str) -> Result<(), String> {
        let is_given = |key: &str| {
            let mut keys = more.lines().map(|line| line.split('=').next());
            keys.any(|given| given.map(str::trim) == Some(key))
        };
        let mut text = "[[webhooks]]\n".to_owned();
        for (key, value) in [
            ("name", "\"cms\"".to_owned()),
            ("url", "\"https://cms.example/hook\"".to_owned()),
            ("secrets", format!("[\"{SECRET}\"]")),
        ] {
            if !is_given(key) {
                text.push_str(&format!("{key} = {value}\n"));
            }
        }
        text.push_str(more);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("stoa.toml");
        std::fs::write(&file, text).unwrap();
        let (default, file) = (crate::DEFAULT_CONFIG, Some(file.as_path()));
        let config = stoa_daemon::config::load_from("moderation-rules", default, file, []);
        let config: crate::Config = config.map_err(|error| error.to_string())?;
        validate(&config.webhooks).map_err(|error| error.to_string())
    }

    #[test]
    fn what_works_is_taken() {
        for more in [
            "",
            "events = [\"case.opened\", \"appeal.resolved\"]",
            "url = \"http://cms.example/\"\nallow_http = true",
            "url = \"https://10.0.0.1/\"\nallow_private = true",
            "from = \"beginning\"\ntimeout = \"30s\"\ndisable_after = \"2d\"\nconcurrent = 1",
        ] {
            assert_eq!(check(more), Ok(()), "{more}");
        }
    }

    #[test]
    fn what_cannot_work_is_named() {
        for (more, part) in [
            ("name = \"A\"", "webhooks[0].name"),
            ("secrets = []", "webhooks[0].secrets"),
            ("secrets = [\"whsec_short\"]", "webhooks[0].secrets"),
            ("secrets = [\"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"]", "whsec_"),
            ("sites = []", "webhooks[0].sites"),
            ("events = [\"comment.submitted\"]", "comment.submitted"),
            ("timeout = \"61s\"", "webhooks[0].timeout"),
            ("concurrent = 0", "webhooks[0].concurrent"),
            ("disable_after = \"1m\"", "webhooks[0].disable_after"),
            ("url = \"http://cms.example/\"", "allow_http"),
            ("url = \"ftp://cms.example/\"", "ftp"),
            ("url = \"https://a:b@cms.example/\"", "password"),
            ("url = \"https://127.0.0.1/\"", "this machine"),
            ("url = \"https://0x7f.1/\"", "this machine"),
            ("url = \"https://[::ffff:10.0.0.1]/\"", "private"),
            (
                "url = \"https://169.254.169.254/\"\nallow_private = true",
                "link-local",
            ),
            ("urls = \"https://cms.example/\"", "urls"),
        ] {
            let error = check(more).unwrap_err();
            assert!(error.contains(part), "{more}: {error}");
            assert!(!error.contains(SECRET), "{error}");
        }
    }
}
