//! Reads JSON of a role or of the broker's management.

use anyhow::bail;
use reqwest::StatusCode;
use serde::de::DeserializeOwned;

use crate::client;

/// Reads what is below one address.
#[derive(Clone)]
pub(super) struct Reader {
    client: reqwest::Client,
    base: String,
    token: Option<String>,
    /// What to do where there is no right to read.
    remedy: &'static str,
}

/// What came of a request.
#[derive(Debug, PartialEq)]
pub(super) enum Read<T> {
    /// The answer.
    Found(T),
    /// There is nothing at the address.
    Nothing,
    /// Nobody answers, or not now.
    Later,
}

impl<T> Read<T> {
    /// Returns the answer, if there is one.
    pub(super) fn found(self) -> Option<T> {
        match self {
            Self::Found(answer) => Some(answer),
            Self::Nothing | Self::Later => None,
        }
    }
}

impl Reader {
    pub(super) fn new(client: reqwest::Client, base: &str, token: Option<String>) -> Self {
        Self {
            client,
            base: base.trim_end_matches('/').to_owned(),
            token,
            remedy: "use --token",
        }
    }

    /// Makes a reader of an address that has a name and a password in it.
    pub(super) fn with_password(client: reqwest::Client, base: &str) -> Self {
        Self {
            remedy: "the name or the password is wrong, or may not read this",
            ..Self::new(client, base, None)
        }
    }

    /// Returns the address without what opens it.
    pub(super) fn shown(&self, path: &str) -> String {
        let url = format!("{}{path}", self.base);
        match (url.split_once("://"), url.split_once('@')) {
            (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
            _ => url,
        }
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// When the answer will never be another: no right to read.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Read<T>> {
        let url = format!("{}{path}", self.base);
        let mut request = self.client.get(&url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_builder() => bail!("{}", client::chain(&error)),
            Err(_) => return Ok(Read::Later),
        };
        match response.status() {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let status = response.status();
                bail!("{} answers {status}: {}", self.shown(path), self.remedy)
            }
            StatusCode::BAD_REQUEST => {
                bail!("{} answers {}", self.shown(path), response.status())
            }
            StatusCode::NOT_FOUND => Ok(Read::Nothing),
            status if status.is_success() => {
                Ok(response.json().await.map_or(Read::Later, Read::Found))
            }
            _ => Ok(Read::Later),
        }
    }
}

/// Writes a part of an address so that it stays one part.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for half in [byte >> 4, byte & 15] {
                let digit = char::from_digit(u32::from(half), 16).unwrap_or('0');
                encoded.push(digit.to_ascii_uppercase());
            }
        }
    }
    encoded
}
