//! What the commands of the console share: who is asked, and with which token.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use crate::client::rest::{Rest, with_query};
use crate::desk::address;
use crate::rows::Rows;
use crate::{client, output};

/// Who is asked.
const WHO: &str = "the console";

/// Which console, and with which right.
#[derive(Debug, Args)]
pub(crate) struct ConsoleArgs {
    /// The console.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    to: String,
    /// Token of the console; accounts need the role admin, tokens of one's own any.
    #[arg(long, value_name = "TOKEN", env = "STOA_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// File with the token.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// Prints JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which part of a list.
#[derive(Debug, Args)]
pub(crate) struct PartArgs {
    /// Goes on after this one: `next` of the page before.
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    /// How many at most, up to 500.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    console: ConsoleArgs,
}

impl PartArgs {
    /// Prints a part of a list.
    pub(crate) async fn list<const N: usize>(&self, rows: &Rows<N>) -> anyhow::Result<ExitCode> {
        let limit = self.limit.to_string();
        let query = [
            ("after", self.after.as_deref()),
            ("limit", Some(limit.as_str())),
        ];
        let console = &self.console;
        let url = with_query(&address(&console.to, "api", [rows.name])?, &query)?;
        let answer = console.ask(Method::GET, &url, None).await?;
        rows.page(&answer, console.json)
    }
}

impl ConsoleArgs {
    /// Asks for what is below `/api`.
    pub(crate) async fn send<'a>(
        &self,
        method: Method,
        segments: impl IntoIterator<Item = &'a str>,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let url = address(&self.to, "api", segments)?;
        self.ask(method, &url, body).await
    }

    /// Prints what is said of an answer, or the answer as JSON.
    pub(crate) fn say(&self, answer: &Value, said: &str) -> anyhow::Result<ExitCode> {
        if self.json {
            output::json(answer)?;
        } else {
            output::line(said);
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn ask(&self, method: Method, url: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let token = client::token(self.token.as_ref(), self.token_file.as_deref())?;
        Rest::new(token)?.expect(method, url, body, WHO).await
    }
}
