//! The admin routes of what is parked, as a client.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::AdminArgs;
use crate::client;
use crate::client::rest::{Rest, judge, with_query};

/// Messages of one page.
const PAGE: usize = 500;

/// A role's admin listener.
pub(super) struct Api {
    rest: Rest,
    base: String,
}

/// Who answers.
const WHAT: &str = "the admin listener of a role";

impl Api {
    pub(super) fn new(args: &AdminArgs) -> anyhow::Result<Self> {
        Ok(Self {
            rest: Rest::new(client::token(
                args.token.as_ref(),
                args.token_file.as_deref(),
            )?)?,
            base: format!("{}/admin/parked", args.to.trim_end_matches('/')),
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
            let url = with_query(&self.base, &query)?;
            let answer = self.expect(Method::GET, &url, None).await?;
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
        let (status, answer) = self.rest.send(Method::POST, &url, None).await?;
        if status == StatusCode::NOT_FOUND && answer.get("code") == Some(&json!("not_found")) {
            return Ok(None);
        }
        judge(&url, status, answer, WHAT).map(Some)
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
        self.rest.expect(method, url, body, WHAT).await
    }
}
