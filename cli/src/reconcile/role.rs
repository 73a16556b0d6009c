//! A role, as its admin listener shows it.

use std::time::Duration;

use anyhow::bail;
use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use stoa_proto::Held;
use tokio::time::Instant;

use super::pass::Options;
use crate::client;

/// Events of a page.
const PAGE: usize = 2_000;

/// How long a role that does not answer, or answers "later", is asked again.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(500);

/// A part of what a role has published.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    /// What each event is known by; it is passed on as it came.
    pub(super) events: Vec<Box<RawValue>>,
    pub(super) next: Option<u64>,
    pub(super) from: u64,
    pub(super) end: u64,
}

#[derive(Deserialize)]
struct Resent {
    resent: Vec<u64>,
}

#[derive(Serialize)]
struct Question<'a> {
    events: &'a [&'a RawValue],
}

#[derive(Serialize)]
struct Again<'a> {
    seqs: &'a [u64],
    // Only a role that makes decisions knows the word.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    decisions: bool,
}

/// A role and its admin address.
pub(super) struct Role {
    pub(super) name: &'static str,
    base: String,
    client: reqwest::Client,
    token: Option<String>,
}

impl Role {
    pub(super) fn new(
        name: &'static str,
        base: &str,
        client: reqwest::Client,
        token: Option<String>,
    ) -> Self {
        Self {
            name,
            base: base.trim_end_matches('/').to_owned(),
            client,
            token,
        }
    }

    /// Reads a page of what was published, from a record on.
    pub(super) async fn page(&self, from: Option<u64>, options: &Options) -> anyhow::Result<Page> {
        let start = match (from, &options.since) {
            (Some(from), _) => format!("&from={from}"),
            // In UTC there is nothing to be escaped.
            (None, Some(since)) => format!("&since={}", since.timestamp()),
            (None, None) => String::new(),
        };
        let settle = options.settle;
        let url = format!(
            "{}/admin/published?limit={PAGE}&settle={settle}{start}",
            self.base
        );
        self.answer(|| self.client.get(&url)).await
    }

    /// Asks which events are not held: their places among those that were asked about.
    pub(super) async fn missing(&self, events: &[&RawValue]) -> anyhow::Result<Vec<usize>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let held: Held = self.post("/admin/held", &Question { events }).await?;
        Ok(held.missing)
    }

    /// Has the events of records sent again, and returns the records of those that are confirmed.
    pub(super) async fn resend(&self, seqs: &[u64], decisions: bool) -> anyhow::Result<Vec<u64>> {
        let again = Again { seqs, decisions };
        let answer: Resent = self.post("/admin/published/resend", &again).await?;
        Ok(answer.resent)
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        let url = format!("{}{path}", self.base);
        let body = Bytes::from(serde_json::to_vec(body)?);
        let request = || {
            self.client
                .post(&url)
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone())
        };
        self.answer(request).await
    }

    /// Sends a request, again for a while if nobody answers: each may be repeated.
    async fn answer<T: DeserializeOwned>(
        &self,
        request: impl Fn() -> RequestBuilder,
    ) -> anyhow::Result<T> {
        let started = Instant::now();
        loop {
            let mut request = request();
            if let Some(token) = &self.token {
                request = request.bearer_auth(token);
            }
            let failure = match request.send().await {
                Ok(response) if response.status().is_success() => {
                    return Ok(serde_json::from_slice(&response.bytes().await?)?);
                }
                Ok(response) => self.refusal(response).await?,
                Err(error) if error.is_builder() => bail!("{}", client::chain(&error)),
                Err(error) => {
                    let reason = client::chain(&error);
                    format!("{} at {} does not answer: {reason}", self.name, self.base)
                }
            };
            if started.elapsed() + PAUSE > PATIENCE {
                bail!("{failure}");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Says what an answer other than the one that was asked for means; an error if asking again is
    /// of no use.
    async fn refusal(&self, response: Response) -> anyhow::Result<String> {
        let status = response.status();
        let problem: Value = response.json().await.unwrap_or_default();
        let detail = problem.get("detail").and_then(Value::as_str);
        let detail = detail.map(|detail| format!(": {detail}"));
        let failure = format!(
            "{} at {} answers {status}{}",
            self.name,
            self.base,
            detail.unwrap_or_default()
        );
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                bail!("{failure}; use --token with the role admin, for all sites")
            }
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                bail!("{failure}; is it the admin address of {}?", self.name)
            }
            status if status.is_client_error() => bail!("{failure}"),
            _ => Ok(failure),
        }
    }
}
