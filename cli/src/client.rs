//! Where events are sent: HTTP or AMQP, behind one `send`.

mod amqp;
mod http;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) mod rest;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::desk::DeskArgs;

/// Where to, and with which right.
#[derive(Clone, Debug, Args)]
pub(crate) struct TargetArgs {
    /// Where to send events: `http(s)://host:port` of ingest, or `amqp(s)://user:password@host/vhost`.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8081")]
    pub(crate) to: String,
    #[command(flatten)]
    token: TokenArgs,
    /// How long one batch is retried while nobody answers or the answer is "later", in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
}

/// With which right.
#[derive(Clone, Debug, Args)]
pub(crate) struct TokenArgs {
    /// Token for HTTP.
    #[arg(long, value_name = "TOKEN", env = "STOA_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// File with the token for HTTP.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    pub(crate) token_file: Option<PathBuf>,
}

impl TokenArgs {
    /// Returns the token, from the command line or from its file.
    pub(crate) fn token(&self) -> anyhow::Result<Option<String>> {
        token(self.token.as_ref(), self.token_file.as_deref())
    }
}

impl TargetArgs {
    /// Makes the target; nothing is sent yet.
    pub(crate) fn target(&self) -> anyhow::Result<Target> {
        Target::new(&self.to, self.token.token()?)
    }

    /// Names the admin listener of moderation-rules, which is asked with the same token.
    pub(crate) fn desk(&self, url: &str) -> anyhow::Result<DeskArgs> {
        Ok(DeskArgs::new(url.to_owned(), self.token.token()?, None))
    }

    /// Returns how long a batch is retried.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.patience)
    }
}

/// Returns a token that was given, or read from a file.
pub(crate) fn token(given: Option<&String>, file: Option<&Path>) -> anyhow::Result<Option<String>> {
    let Some(path) = file else {
        return Ok(given.cloned());
    };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the token can't be read from {}", path.display()))?;
    Ok(Some(text.trim().to_owned()))
}

/// What was made of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Events that were taken; over AMQP those that the broker confirmed.
    pub(crate) accepted: u64,
    /// Events that had been taken before; AMQP never tells.
    #[serde(default)]
    pub(crate) duplicate: u64,
    /// Which ones they are, by their place in the batch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) duplicates: Vec<usize>,
    /// Events that were refused; AMQP tells at `stoa.rejected`.
    #[serde(default)]
    pub(crate) rejected: Vec<Refused>,
}

/// An event that was refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refused {
    /// Its place in the batch, from 0.
    #[serde(default)]
    pub(crate) index: usize,
    /// Its id, if it could be read.
    #[serde(default)]
    pub(crate) id: Option<String>,
    /// Why, for programs.
    pub(crate) code: String,
    /// The field that it is about.
    #[serde(default)]
    pub(crate) field: Option<String>,
    /// Why, for people.
    #[serde(default)]
    pub(crate) message: String,
}

/// Why a batch was not delivered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// It may pass: nobody answers, or the answer is "later". What became of the batch is unknown;
    /// the same events can be sent again.
    #[error("{message}")]
    Later {
        /// What happened.
        message: String,
        /// When to come back, if it was said.
        after: Option<Duration>,
    },
    /// It will never pass: a wrong address or token.
    #[error("{0}")]
    Never(String),
}

/// Where events are sent; clones share its connections.
#[derive(Clone)]
pub(crate) enum Target {
    /// `POST /v1/events`.
    Http(http::Http),
    /// The exchange `stoa.inbox`.
    Amqp(amqp::Amqp),
}

impl Target {
    /// Makes a target of a URL.
    pub(crate) fn new(url: &str, token: Option<String>) -> anyhow::Result<Self> {
        let scheme = url
            .split_once("://")
            .map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("http" | "https") => Ok(Self::Http(http::Http::new(url, token)?)),
            Some("amqp" | "amqps") => Ok(Self::Amqp(amqp::Amqp::new(url))),
            _ => bail!("`{url}` is no target: use http://, https://, amqp:// or amqps://"),
        }
    }

    /// Sends events once and waits until they are durable on the other side.
    pub(crate) async fn send(&self, events: &[Bytes]) -> Result<Answer, Failure> {
        match self {
            Self::Http(http) => http.send(events).await,
            Self::Amqp(amqp) => amqp.send(events).await,
        }
    }

    /// Sends events until they are durable, for as long as `patience`.
    ///
    /// A repeat carries the same event ids, so that it has no second effect.
    pub(crate) async fn deliver(
        &self,
        events: &[Bytes],
        patience: Duration,
    ) -> Result<Answer, Failure> {
        let started = tokio::time::Instant::now();
        let mut pause = Duration::from_millis(100);
        loop {
            match self.send(events).await {
                Err(Failure::Later { message, after }) => {
                    let wait = after.unwrap_or(pause).max(Duration::from_millis(10));
                    if started.elapsed() + wait > patience {
                        return Err(Failure::Later { message, after });
                    }
                    tracing::debug!(error = %message, "sent again");
                    tokio::time::sleep(jittered(wait)).await;
                    pause = (pause * 2).min(Duration::from_secs(2));
                }
                other => return other,
            }
        }
    }
}

/// Lengthens a pause by up to a quarter, so that many clients don't come back at once.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(1.0 + rand::random::<f64>() / 4.0)
}

/// Returns an HTTP client's builder with what all commands share.
pub(crate) fn http_builder() -> reqwest::ClientBuilder {
    // Another provider may have been installed before; either will do.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none())
}

/// Writes an error with its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Some libraries repeat the cause in their own message.
        let message = error.to_string();
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    text
}
