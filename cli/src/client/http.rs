//! `POST /v1/events` in batches.

use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use serde_json::Value;
use stoa_proto::codec;

use super::{Answer, Failure, Refused, chain, http_builder};

/// An ingest's HTTP address.
#[derive(Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    url: String,
    token: Option<String>,
}

impl Http {
    pub(super) fn new(url: &str, token: Option<String>) -> anyhow::Result<Self> {
        let base = url.trim_end_matches('/');
        let url = if base.ends_with("/v1/events") {
            base.to_owned()
        } else {
            format!("{base}/v1/events")
        };
        let client = http_builder()
            .build()
            .context("the HTTP client can't be made")?;
        Ok(Self { client, url, token })
    }

    /// Sends a batch; one that is too large as a whole is sent in halves.
    pub(super) async fn send(&self, events: &[Bytes]) -> Result<Answer, Failure> {
        let mut total = Answer::default();
        let mut waiting = vec![(0, events)];
        while let Some((offset, part)) = waiting.pop() {
            match self.post(part).await? {
                Posted::Judged(answer) => {
                    total.accepted += answer.accepted;
                    total.duplicate += answer.duplicate;
                    let places = answer.duplicates.into_iter();
                    total.duplicates.extend(places.map(|place| place + offset));
                    total
                        .rejected
                        .extend(answer.rejected.into_iter().map(|mut refused| {
                            refused.index += offset;
                            refused
                        }));
                }
                Posted::Refused(refused) if part.len() <= 1 => {
                    total.rejected.push(Refused {
                        index: offset,
                        ..refused
                    });
                }
                Posted::Refused(_) => {
                    // One event spoils the whole: halves find it, and the others pass.
                    let (head, tail) = part.split_at(part.len() / 2);
                    waiting.push((offset + head.len(), tail));
                    waiting.push((offset, head));
                }
            }
        }
        Ok(total)
    }

    async fn post(&self, events: &[Bytes]) -> Result<Posted, Failure> {
        let (kind, body) = match events {
            [] => return Ok(Posted::Judged(Answer::default())),
            [one] => (codec::STRUCTURED, one.clone()),
            many => (codec::BATCH, codec::batch(many)),
        };
        let mut request = self
            .client
            .post(&self.url)
            .header(CONTENT_TYPE, kind)
            .body(body);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.map_err(|error| {
            if error.is_builder() {
                Failure::Never(chain(&error))
            } else {
                Failure::Later {
                    message: chain(&error),
                    after: None,
                }
            }
        })?;
        let status = response.status();
        let after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.trim().parse().ok())
            .map(Duration::from_secs);
        let body = response.bytes().await.map_err(|error| Failure::Later {
            message: chain(&error),
            after: None,
        })?;
        if status.is_success() {
            return serde_json::from_slice(&body)
                .map(Posted::Judged)
                .map_err(|error| {
                    Failure::Never(format!(
                        "{} does not answer as Stoa does: {error}",
                        self.url
                    ))
                });
        }
        let problem = Problem::read(&body);
        match status {
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => {
                Ok(Posted::Refused(problem.refused(status)))
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Err(Failure::Later {
                message: problem.text(&self.url, status),
                after,
            }),
            _ if status.is_server_error() => Err(Failure::Later {
                message: problem.text(&self.url, status),
                after,
            }),
            _ => Err(Failure::Never(problem.text(&self.url, status))),
        }
    }
}

/// What came of one request.
enum Posted {
    /// Each event was judged.
    Judged(Answer),
    /// The request as a whole was refused.
    Refused(Refused),
}

/// A problem document (RFC 9457), as far as it was there.
struct Problem(Value);

impl Problem {
    fn read(body: &[u8]) -> Self {
        Self(serde_json::from_slice(body).unwrap_or(Value::Null))
    }

    fn get(&self, key: &str) -> Option<String> {
        self.0.get(key).and_then(Value::as_str).map(str::to_owned)
    }

    fn text(&self, url: &str, status: StatusCode) -> String {
        match self.get("detail").or_else(|| self.get("title")) {
            Some(detail) => format!("{url} answers {status}: {detail}"),
            None => format!("{url} answers {status}"),
        }
    }

    fn refused(&self, status: StatusCode) -> Refused {
        let code = if status == StatusCode::PAYLOAD_TOO_LARGE {
            "too_large"
        } else {
            "invalid_json"
        };
        Refused {
            index: 0,
            id: None,
            code: self.get("code").unwrap_or_else(|| code.to_owned()),
            field: self.get("field"),
            message: self.get("detail").unwrap_or_default(),
        }
    }
}
