//! Requests that are answered with a JSON object, or with a problem.

use anyhow::{Context as _, bail};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::{chain, http_builder};

/// A client that answers are read for.
pub(crate) struct Rest {
    client: reqwest::Client,
    token: Option<String>,
}

impl Rest {
    /// Makes a client that sends a token, if there is one.
    pub(crate) fn new(token: Option<String>) -> anyhow::Result<Self> {
        let client = http_builder().build();
        Ok(Self {
            client: client.context("the HTTP client can't be made")?,
            token,
        })
    }

    /// Sends a request whose answer is to be a success; `what` is who answers so.
    pub(crate) async fn expect(
        &self,
        method: Method,
        url: &str,
        body: Option<&Value>,
        what: &str,
    ) -> anyhow::Result<Value> {
        let (status, answer) = self.send(method, url, body).await?;
        judge(url, status, answer, what)
    }

    /// Sends a request, and returns what is answered.
    pub(crate) async fn send(
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
        let failed =
            |error: reqwest::Error| anyhow::anyhow!("{url} does not answer: {}", chain(&error));
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let body = response.bytes().await.map_err(failed)?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }
}

impl Rest {
    /// Reads a page of text, and where the next one begins, if there is one.
    pub(crate) async fn page(
        &self,
        url: &str,
        what: &str,
    ) -> anyhow::Result<(String, Option<String>)> {
        let mut request = self.client.get(url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let failed =
            |error: reqwest::Error| anyhow::anyhow!("{url} does not answer: {}", chain(&error));
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let next = response.headers().get("x-next-cursor");
        let next = next.and_then(|next| next.to_str().ok()).map(str::to_owned);
        let text = response.text().await.map_err(failed)?;
        if !status.is_success() {
            judge(
                url,
                status,
                serde_json::from_str(&text).unwrap_or_default(),
                what,
            )?;
        }
        Ok((text, next))
    }
}

/// Returns an answer that is a success.
pub(crate) fn judge(
    url: &str,
    status: StatusCode,
    answer: Value,
    what: &str,
) -> anyhow::Result<Value> {
    if status.is_success() && answer.is_object() {
        return Ok(answer);
    }
    if status.is_success() {
        bail!("{url} does not answer as Stoa does: is it {what}?");
    }
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    match (text("detail"), text("field")) {
        (Some(detail), Some(field)) if !detail.contains(field) => {
            bail!("{url} answers {status}: {field}: {detail}")
        }
        (Some(detail), _) => bail!("{url} answers {status}: {detail}"),
        (None, _) => bail!("{url} answers {status}: is it {what}?"),
    }
}

/// Adds parameters to an address; those without a value are left out.
pub(crate) fn with_query(url: &str, query: &[(&str, Option<&str>)]) -> anyhow::Result<String> {
    let named = query
        .iter()
        .filter_map(|(name, value)| Some((name, (*value)?)));
    let url = reqwest::Url::parse_with_params(url, named)
        .with_context(|| format!("{url} is no address"))?;
    Ok(url.into())
}
