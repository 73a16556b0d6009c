//! What the commands of the review desk share: who asks, and how decisions are shown.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use reqwest::Method;
use serde_json::Value;

use crate::client::rest::Rest;
use crate::rows::{Rows, text};
use crate::{client, output};

/// Who is asked.
const WHO: &str = "the admin listener of moderation-rules";

/// Which listener, and with which right.
#[derive(Debug, Args)]
pub(crate) struct DeskArgs {
    /// Admin listener of moderation-rules.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9082")]
    to: String,
    /// Token; to list and to show it needs the role viewer, for the rest moderator.
    #[arg(long, value_name = "TOKEN", env = "STOA_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// File with the token.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// Prints JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl DeskArgs {
    /// Names a listener whose answers are read as they are.
    pub(crate) fn new(to: String, token: Option<String>, token_file: Option<PathBuf>) -> Self {
        Self {
            to,
            token,
            token_file,
            json: true,
        }
    }

    /// Returns an address below `/admin`.
    pub(crate) fn url<'a>(
        &self,
        segments: impl IntoIterator<Item = &'a str>,
    ) -> anyhow::Result<String> {
        address(&self.to, "admin", segments)
    }

    /// Asks for what is below `/admin`.
    pub(crate) async fn send<'a>(
        &self,
        method: Method,
        segments: impl IntoIterator<Item = &'a str>,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        self.ask(method, &self.url(segments)?, body).await
    }

    /// Asks for what is at an address.
    pub(crate) async fn ask(
        &self,
        method: Method,
        url: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        self.rest()?.expect(method, url, body, WHO).await
    }

    /// Reads a page of text, and where the next one begins, if there is one.
    pub(crate) async fn page(&self, url: &str) -> anyhow::Result<(String, Option<String>)> {
        self.rest()?.page(url, WHO).await
    }

    fn rest(&self) -> anyhow::Result<Rest> {
        let token = client::token(self.token.as_ref(), self.token_file.as_deref())?;
        Rest::new(token)
    }

    /// Prints the decision of an answer.
    pub(crate) fn decided(&self, answer: &Value) -> anyhow::Result<ExitCode> {
        if self.json {
            output::json(answer)?;
        } else {
            DECISIONS.table(answer.get("decision"));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Returns an address of a listener: below `first` of what `--to` says.
pub(crate) fn address<'a>(
    to: &str,
    first: &str,
    segments: impl IntoIterator<Item = &'a str>,
) -> anyhow::Result<String> {
    let mut url = reqwest::Url::parse(to).with_context(|| format!("--to {to} is no address"))?;
    match url.path_segments_mut() {
        Ok(mut path) => {
            path.pop_if_empty().push(first).extend(segments);
        }
        Err(()) => bail!("--to {to} is no address of a listener"),
    }
    Ok(url.into())
}

/// What is shown of decisions.
pub(crate) const DECISIONS: Rows<4> = Rows {
    name: "decisions",
    header: ["decision", "verdict", "by", "at"],
    row: decision,
};

fn decision(decision: &Value) -> [String; 4] {
    let by = decision.get("by");
    let name = by.map(|by| text(by, "id")).filter(|name| !name.is_empty());
    [
        text(decision, "decision"),
        text(decision, "verdict"),
        name.unwrap_or_else(|| "rules".to_owned()),
        text(decision, "decided_at"),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_tell_who_decided() {
        let by = |by: Value| decision(&json!({"by": by}))[2].clone();
        assert_eq!(by(json!({"kind": "moderator", "id": "anne"})), "anne");
        assert_eq!(by(json!({"kind": "rules", "ruleset": "sha256:0"})), "rules");
    }

    #[test]
    fn ids_are_segments_of_the_address() {
        let admin = DeskArgs {
            to: "http://127.0.0.1:9082/".to_owned(),
            token: None,
            token_file: None,
            json: false,
        };
        assert_eq!(
            admin.url(["cases", "a/b", "claim"]).unwrap(),
            "http://127.0.0.1:9082/admin/cases/a%2Fb/claim"
        );
    }
}
