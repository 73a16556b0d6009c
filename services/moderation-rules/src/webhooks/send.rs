//! One request to an endpoint.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Client, StatusCode, Url, header};
use stoa_daemon::ConfigError;
use tokio::time::Instant;

use super::entry::Class;
use super::guard::{self, Blocked, Guard, Lookup};
use super::sign::{self, Keys};
use super::state::Answer;
use crate::config::WebhookConfig;

/// Bytes of an answer that are read, so that its connection can be used again.
const MAX_ANSWER: usize = 16 * 1024;
/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// The type of every body.
const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// What sends to one endpoint.
#[derive(Debug)]
pub(crate) struct Sender {
    client: Client,
    url: Url,
    keys: Keys,
    allow_private: bool,
}

impl Sender {
    pub(crate) fn new(
        config: &WebhookConfig,
        index: usize,
        lookup: Lookup,
    ) -> Result<Self, ConfigError> {
        let wrong = |message: String| ConfigError::invalid(format!("webhooks[{index}]"), message);
        let url = Url::parse(&config.url).map_err(|error| wrong(error.to_string()))?;
        let keys = Keys::new(&config.secrets).map_err(|error| wrong(error.to_string()))?;
        let allow_private = config.allow_private;
        let guard = Guard {
            lookup,
            allow_private,
        };
        // A request goes to the address that was looked at, or nowhere: no redirect, no proxy of
        // the environment, and it is sent once.
        let client = Client::builder()
            .dns_resolver(guard)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .https_only(!config.allow_http)
            .connect_timeout(CONNECT.min(config.timeout.get()))
            .timeout(config.timeout.get())
            .pool_max_idle_per_host(config.concurrent)
            .user_agent(concat!("stoa/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| wrong(format!("no client can be made: {error}")))?;
        Ok(Self {
            client,
            url,
            keys,
            allow_private,
        })
    }

    /// Sends an event; `now` in seconds since 1970.
    pub(crate) async fn send(&self, id: &str, body: Bytes, now: i64) -> Answer {
        let started = Instant::now();
        let (class, status, retry_after) = self.ask(id, body, now).await;
        Answer {
            class,
            status,
            millis: u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX),
            retry_after,
        }
    }

    async fn ask(&self, id: &str, body: Bytes, now: i64) -> (Class, Option<u16>, Option<u64>) {
        // An address in place of a name is never resolved.
        let literal = guard::literal(&self.url);
        if literal.is_some_and(|ip| guard::forbids(ip, self.allow_private).is_some()) {
            return (Class::Blocked, None, None);
        }
        let request = self
            .client
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, CONTENT_TYPE)
            .header(sign::ID, id)
            .header(sign::TIMESTAMP, now)
            .header(sign::SIGNATURE, self.keys.sign(id, now, &body))
            .body(body);
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => return (class_of(&error), None, None),
        };
        let status = response.status();
        let retry_after = retry_after(response.headers(), now);
        // What it says does not count; a receiver that says it slowly has still answered.
        let mut read = 0;
        while let Ok(Some(chunk)) = response.chunk().await {
            read += chunk.len();
            if read > MAX_ANSWER {
                break;
            }
        }
        let class = class(status);
        let retry_after = retry_after.filter(|_| class.may_pass());
        (class, Some(status.as_u16()), retry_after)
    }
}

/// Reads a `Retry-After`, in seconds or as a date.
fn retry_after(headers: &header::HeaderMap, now: i64) -> Option<u64> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    u64::try_from(at.as_second() - now).ok()
}

fn class(status: StatusCode) -> Class {
    match status {
        StatusCode::GONE => Class::Gone,
        StatusCode::TOO_MANY_REQUESTS => Class::Limited,
        StatusCode::REQUEST_TIMEOUT => Class::Failed,
        _ if status.is_success() => Class::Ok,
        _ if status.is_redirection() => Class::Redirect,
        _ if status.is_client_error() => Class::Refused,
        _ => Class::Failed,
    }
}

fn class_of(error: &reqwest::Error) -> Class {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<Blocked>() {
            return Class::Blocked;
        }
        cause = error.source();
    }
    if error.is_timeout() {
        Class::Timeout
    } else {
        Class::Unreachable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_told_apart() {
        for (status, expected) in [
            (200, Class::Ok),
            (204, Class::Ok),
            (301, Class::Redirect),
            (400, Class::Refused),
            (404, Class::Refused),
            (408, Class::Failed),
            (410, Class::Gone),
            (429, Class::Limited),
            (500, Class::Failed),
            (503, Class::Failed),
            (599, Class::Failed),
            (999, Class::Failed),
        ] {
            assert_eq!(
                class(StatusCode::from_u16(status).unwrap()),
                expected,
                "{status}"
            );
        }
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        for (text, expected) in [
            ("120", Some(120)),
            ("Tue, 24 Nov 2026 12:01:00 GMT", Some(60)),
            ("Tue, 24 Nov 2026 11:00:00 GMT", None),
            ("-5", None),
            ("soon", None),
        ] {
            let now = "2026-11-24T12:00:00Z".parse::<jiff::Timestamp>().unwrap();
            let mut headers = header::HeaderMap::new();
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            assert_eq!(retry_after(&headers, now.as_second()), expected, "{text}");
        }
    }
}
