//! The admin routes of what is parked, as a client.

use anyhow::{Context as _, bail};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::AdminArgs;
use crate::client;

/// Messages of one page.
const PAGE: usize = 500;

/// A role's admin listener.
pub(super) struct Api {
    client: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Api {
    pub(super) fn new(args: &AdminArgs) -> anyhow::Result<Self> {
        Ok(Self {
            client: client::http_builder()
                .build()
                .context("the HTTP client can't be made")?,
            base: format!("{}/admin/parked", args.to.trim_end_matches('/')),
            token: client::token(args.token.as_ref(), args.token_file.as_deref())?,
        })
    }

    /// Lists messages, and says whether there are more.
    pub(super) async fn list(
        &self,
        site: Option<&str>,
        thread: Option<&str>,
        limit: usize,
    ) -> anyhow::Result<(Vec<Value>, bool)> {
        let mut parked = Vec::new();
        let mut cursor: Option<u64> = None;
        while parked.len() < limit {
            let page = PAGE.min(limit - parked.len()).to_string();
            let cursor_text = cursor.map(|cursor| cursor.to_string());
            let query = [
                ("limit", Some(page.as_str())),
                ("cursor", cursor_text.as_deref()),
                ("site", site),
                ("thread", thread),
            ];
            let url = reqwest::Url::parse_with_params(
                &self.base,
                query
                    .into_iter()
                    .filter_map(|(key, value)| Some((key, value?))),
            );
            let url = url.with_context(|| format!("{} is no address", self.base))?;
            let answer = self.expect(Method::GET, url.as_str(), None).await?;
            let found = answer.get("parked").and_then(Value::as_array);
            parked.extend(found.into_iter().flatten().cloned());
            cursor = answer.get("next").and_then(Value::as_u64);
            if cursor.is_none() {
                break;
            }
        }
        Ok((parked, cursor.is_some()))
    }

    /// Returns the first message of each thread.
    pub(super) async fn firsts(&self) -> anyhow::Result<Vec<u64>> {
        let (parked, _) = self.list(None, None, usize::MAX).await?;
        let is_first = |one: &&Value| one.get("behind").is_none_or(Value::is_null);
        let id = |one: &Value| one.get("id").and_then(Value::as_u64);
        Ok(parked.iter().filter(is_first).filter_map(id).collect())
    }

    pub(super) async fn one(&self, id: u64) -> anyhow::Result<Value> {
        let url = format!("{}/{id}", self.base);
        self.expect(Method::GET, &url, None).await
    }

    /// Retries a message's thread; nothing if no such message is parked.
    pub(super) async fn retry(&self, id: u64) -> anyhow::Result<Option<Value>> {
        let url = format!("{}/{id}/retry", self.base);
        let (status, answer) = self.send(Method::POST, &url, None).await?;
        if status == StatusCode::NOT_FOUND && answer.get("code") == Some(&json!("not_found")) {
            return Ok(None);
        }
        judge(&url, status, answer).map(Some)
    }

    pub(super) async fn drop(&self, id: u64, reason: &str) -> anyhow::Result<Value> {
        let url = format!("{}/{id}", self.base);
        let reason = json!({"reason": reason});
        self.expect(Method::DELETE, &url, Some(&reason)).await
    }

    async fn expect(
        &self,
        method: Method,
        url: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let (status, answer) = self.send(method, url, body).await?;
        judge(url, status, answer)
    }

    async fn send(
        &self,
        method: Method,
        url: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<(StatusCode, Value)> {
        let mut request = self.client.request(method, url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let failed = |error: reqwest::Error| {
            anyhow::anyhow!("{url} does not answer: {}", client::chain(&error))
        };
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let body = response.bytes().await.map_err(failed)?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }
}

/// Returns an answer that is a success.
fn judge(url: &str, status: StatusCode, answer: Value) -> anyhow::Result<Value> {
    if status.is_success() && answer.is_object() {
        return Ok(answer);
    }
    if status.is_success() {
        bail!("{url} does not answer as Stoa does: is it the admin listener of a role?");
    }
    match answer.get("detail").and_then(Value::as_str) {
        Some(detail) => bail!("{url} answers {status}: {detail}"),
        None => bail!("{url} answers {status}"),
    }
}
