//! Webhooks of platforms: who may send them, and the events that are made of them.
//!
//! What a platform sends is made to events as it would publish them itself, and these take the way of all events:
//! they are judged, known by their ids when they come again, and kept if they are refused.
//! Ids are derived from what is sent, so that a repeat is one.

mod discourse;
mod remark42;
mod wordpress;

use std::sync::Arc;

use axum::http::HeaderMap;
use serde_json::{Map, Value, json};
use stoa_daemon::ConfigError;
use stoa_daemon::auth::signature::Secrets;
use stoa_daemon::auth::{Principal, Role, Sites};
use stoa_proto::Kind;

use crate::config::{WebhookConfig, WebhookKind};
use crate::metrics::Metrics;

/// Comments of one request.
const MAX_COMMENTS: usize = 100;
/// The header with a secret, of platforms that can't sign.
pub(crate) const SECRET: &str = "x-stoa-secret";

/// A platform whose webhooks are taken.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(crate) name: String,
    pub(crate) kind: WebhookKind,
    /// Who publishes what comes.
    pub(crate) principal: Principal,
    pub(crate) metrics: Metrics,
    secrets: Secrets,
    site: String,
    source: String,
}

/// What a request has.
#[derive(Debug)]
pub(crate) enum Content {
    /// Events as JSON, not judged yet.
    Events(Vec<Value>),
    /// Nothing that is kept here.
    Nothing,
    /// What is not read here at all: it is no JSON, or of another shape.
    Unreadable,
}

impl Hook {
    /// Makes those of a configuration.
    pub(crate) fn all(
        configs: &[WebhookConfig],
        metrics: &Metrics,
    ) -> Result<Arc<[Self]>, ConfigError> {
        let all = configs.iter().enumerate().map(|(index, config)| {
            let sites = vec![config.site.clone()];
            Ok(Self {
                name: config.name.clone(),
                kind: config.kind,
                principal: Principal {
                    name: format!("webhook:{}", config.name),
                    role: Role::Publisher,
                    sites: Sites::Only(sites.into()),
                },
                metrics: metrics.clone(),
                secrets: Secrets::new(&config.secrets, &format!("webhooks[{index}].secrets"))?,
                site: config.site.clone(),
                source: config.source.clone(),
            })
        });
        all.collect()
    }

    /// Whether a request is from the platform.
    pub(crate) fn is_from_platform(
        &self,
        headers: &HeaderMap,
        token: Option<&str>,
        body: &[u8],
    ) -> bool {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        match self.kind {
            WebhookKind::Discourse => {
                text(discourse::SIGNATURE).is_some_and(|header| self.secrets.signed(header, body))
            }
            WebhookKind::Wordpress => text(SECRET).is_some_and(|shown| self.secrets.has(shown)),
            WebhookKind::Remark42 => text(SECRET)
                .or(token)
                .is_some_and(|shown| self.secrets.has(shown)),
        }
    }

    /// Makes events of a request.
    pub(crate) fn read(&self, headers: &HeaderMap, body: &[u8]) -> Content {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return Content::Unreadable;
        };
        match self.kind {
            WebhookKind::Discourse => discourse::read(self, headers, &body),
            WebhookKind::Remark42 => remark42::read(self, &body),
            WebhookKind::Wordpress => wordpress::read(self, &body),
        }
    }

    /// Makes an event; fields without a value are left out.
    fn event(
        &self,
        kind: Kind,
        id: &str,
        time: Option<&Value>,
        mut data: Map<String, Value>,
    ) -> Value {
        data.retain(|_, value| !value.is_null());
        let mut event = json!({
            "specversion": "1.0",
            "id": id,
            "source": self.source,
            "type": kind.as_str(),
            "data": data,
        });
        if let (Some(time), Value::Object(event)) = (time, &mut event) {
            event.insert("time".to_owned(), time.clone());
        }
        event
    }

    /// An address below the source, if that is one.
    fn url(&self, path: &str) -> Option<String> {
        let is_web = self.source.starts_with("https://") || self.source.starts_with("http://");
        is_web.then(|| format!("{}/{path}", self.source.trim_end_matches('/')))
    }
}

/// An id as text, of a platform that counts.
fn id(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        _ => None,
    }
}

/// A text that is not empty.
fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// Which revision a comment is of a platform that does not count them, or not all: 1 as it was written, and then one
/// more than the seconds until it was changed.
fn revision(created: Option<&str>, changed: Option<&str>) -> u32 {
    let seconds = |text: Option<&str>| {
        stoa_proto::Time::parse(text?)
            .ok()
            .map(|at| at.micros() / 1_000_000)
    };
    match (seconds(created), seconds(changed)) {
        (Some(created), Some(changed)) => {
            let later = changed.saturating_sub(created).max(1);
            u32::try_from(later).map_or(u32::MAX, |later| later.saturating_add(1))
        }
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_change_is_a_higher_revision() {
        let created = Some("2026-11-24T11:00:00.250Z");
        for (changed, expected) in [
            (Some("2026-11-24T11:00:00.300Z"), 2),
            (Some("2026-11-24T11:00:01.300Z"), 2),
            (Some("2026-11-24T11:00:02Z"), 3),
            (Some("2026-11-25T11:00:00Z"), 86_401),
            // Clocks that go wrong.
            (Some("2020-01-01T00:00:00Z"), 2),
            (Some("9999-01-01T00:00:00Z"), u32::MAX),
            (Some("yesterday"), 2),
            (None, 2),
        ] {
            assert_eq!(revision(created, changed), expected, "{changed:?}");
        }
        assert_eq!(revision(None, Some("2026-11-24T11:00:00Z")), 2);
    }
}
