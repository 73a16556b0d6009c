//! Asking one classifier.
//!
//! The shapes are Perspective's `comments:analyze`
//! (<https://developers.perspectiveapi.com/s/about-the-api-methods>) and `OpenAI`'s moderations
//! (<https://platform.openai.com/docs/api-reference/moderations>), which other programs offer too.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, StatusCode, Url, header};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use stoa_daemon::ConfigError;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::breaker::Breaker;
use super::cache::{Cache, Found, Key};
use super::{Question, left};
use crate::config::{ScorerConfig, ScorerKind};
use crate::metrics::{Asked, ScorerMetrics};

/// Bytes of an answer.
const MAX_ANSWER: usize = 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("no answer in time")]
    Late,
    #[error("cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("answered {0}")]
    Status(StatusCode),
    #[error("refused the text with {0}")]
    Refused(StatusCode),
    #[error("answered more than {MAX_ANSWER} bytes")]
    TooLarge,
    #[error("answered what can't be read: {0}")]
    Malformed(&'static str),
}

impl Failure {
    fn result(&self) -> Asked {
        match self {
            Self::Late => Asked::Timeout,
            Self::Refused(_) => Asked::Refused,
            Self::Malformed(_) | Self::TooLarge => Asked::Malformed,
            Self::Unreachable(_) | Self::Status(_) => Asked::Failed,
        }
    }
}

/// One classifier.
#[derive(Debug)]
pub(super) struct Scorer {
    config: ScorerConfig,
    url: Url,
    client: Client,
    /// Our names and the provider's.
    attributes: Vec<(Arc<str>, String)>,
    cache: Mutex<Cache>,
    breaker: Breaker,
    requests: Semaphore,
    metrics: ScorerMetrics,
}

impl Scorer {
    pub(super) fn new(
        config: &ScorerConfig,
        index: usize,
        metrics: &crate::metrics::ScorerFamilies,
    ) -> Result<Self, ConfigError> {
        let wrong = |message: String| ConfigError::invalid(format!("scorers[{index}]"), message);
        let mut url = Url::parse(&config.url).map_err(|error| wrong(error.to_string()))?;
        let mut headers = header::HeaderMap::new();
        if let Some(key) = &config.key {
            match config.kind {
                ScorerKind::Perspective => {
                    url.query_pairs_mut().append_pair("key", key.expose());
                }
                ScorerKind::OpenAi => {
                    let value = format!("Bearer {}", key.expose());
                    let mut value = header::HeaderValue::try_from(value)
                        .map_err(|_| wrong("the key has characters that no header can".into()))?;
                    value.set_sensitive(true);
                    headers.insert(header::AUTHORIZATION, value);
                }
            }
        }
        // An answer comes from where the configuration says or not at all: no redirect, no proxy of
        // the environment, and a request is sent once.
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .timeout(config.timeout.get())
            .default_headers(headers)
            .user_agent("stoa")
            .build()
            .map_err(|error| wrong(format!("no client can be made: {error}")))?;
        let attributes = config.attributes.iter();
        let metrics = metrics.of(&config.name);
        Ok(Self {
            attributes: attributes
                .map(|(name, theirs)| (Arc::from(name.as_str()), theirs.clone()))
                .collect(),
            cache: Mutex::new(Cache::new(config.cache_entries, config.cache_ttl.get())),
            breaker: Breaker::new(
                &config.name,
                config.breaker_failures,
                config.breaker_window.get(),
                config.breaker_pause.get(),
                metrics.open.clone(),
            ),
            requests: Semaphore::new(config.concurrency),
            metrics,
            config: config.clone(),
            url,
            client,
        })
    }

    pub(super) fn timeout(&self) -> Duration {
        self.config.timeout.get()
    }

    /// How many texts one request has.
    pub(super) fn batch(&self) -> usize {
        match self.config.kind {
            ScorerKind::Perspective => 1,
            ScorerKind::OpenAi => self.config.batch,
        }
    }

    pub(super) fn gives(&self, name: &str) -> bool {
        self.attributes.iter().any(|(own, _)| own.as_ref() == name)
    }

    /// Returns what an answer is remembered under: nothing that is asked but the text, and the
    /// language where that is sent.
    pub(super) fn key(&self, text: &str, language: Option<&str>) -> Key {
        let mut hash = Sha256::new();
        if self.config.kind == ScorerKind::Perspective {
            hash.update(language.unwrap_or_default().as_bytes());
        }
        hash.update([0]);
        hash.update(text.as_bytes());
        hash.finalize().into()
    }

    pub(super) fn remembered(&self, key: &Key) -> Option<Found> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let found = cache.get(key, Instant::now());
        self.metrics.cache(found.is_some());
        found
    }

    /// Asks about texts in one request; empty if there is no answer in time.
    pub(super) async fn request(
        &self,
        questions: &[Question<'_>],
        deadline: Instant,
    ) -> Vec<(usize, Found)> {
        let Ok(Ok(_turn)) = tokio::time::timeout_at(deadline, self.requests.acquire()).await else {
            self.metrics.asked(Asked::Unsent);
            return Vec::new();
        };
        if left(deadline).is_zero() {
            self.metrics.asked(Asked::Unsent);
            return Vec::new();
        }
        let Some(pass) = self.breaker.enter() else {
            self.metrics.asked(Asked::Open);
            return Vec::new();
        };
        let timer = self.metrics.seconds.start_timer();
        let answer = tokio::time::timeout_at(deadline, self.send(questions)).await;
        timer.observe_duration();
        match answer.unwrap_or(Err(Failure::Late)) {
            Ok(found) => {
                pass.succeeded();
                self.metrics.asked(Asked::Ok);
                self.keep(questions, found)
            }
            Err(failure) => {
                tracing::debug!(scorer = self.config.name, %failure, "no scores");
                self.metrics.asked(failure.result());
                // A text that is refused says nothing about the next one.
                if matches!(failure, Failure::Refused(_)) {
                    pass.succeeded();
                } else {
                    pass.failed();
                }
                Vec::new()
            }
        }
    }

    fn keep(&self, questions: &[Question<'_>], found: Vec<Found>) -> Vec<(usize, Found)> {
        let now = Instant::now();
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = Vec::new();
        for (question, found) in questions.iter().zip(found) {
            cache.put(question.key, Arc::clone(&found), now);
            let comments = question.comments.iter();
            known.extend(comments.map(|comment| (*comment, Arc::clone(&found))));
        }
        known
    }

    async fn send(&self, questions: &[Question<'_>]) -> Result<Vec<Found>, Failure> {
        let request = self.client.post(self.url.clone());
        let request = request.json(&self.body(questions)).send().await;
        let mut response = request.map_err(reach)?;
        let status = response.status();
        match status {
            StatusCode::OK => {}
            // The text, not the way of asking, is what they dislike.
            StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNPROCESSABLE_ENTITY => return Err(Failure::Refused(status)),
            _ => return Err(Failure::Status(status)),
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(reach)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(Failure::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        match self.config.kind {
            ScorerKind::Perspective => self.perspective(&body),
            ScorerKind::OpenAi => self.open_ai(&body, questions.len()),
        }
    }

    fn body(&self, questions: &[Question<'_>]) -> Value {
        match self.config.kind {
            ScorerKind::Perspective => {
                let asked = self.attributes.iter();
                let asked = asked.map(|(_, theirs)| (theirs.clone(), json!({})));
                let question = questions.first();
                let mut body = json!({
                    "comment": {"text": question.map_or("", |question| question.text), "type": "PLAIN_TEXT"},
                    "requestedAttributes": asked.collect::<serde_json::Map<_, _>>(),
                    "doNotStore": true,
                });
                if let Some(language) = question.and_then(|question| question.language)
                    && let Some(body) = body.as_object_mut()
                {
                    body.insert("languages".to_owned(), json!([language]));
                }
                body
            }
            ScorerKind::OpenAi => {
                let texts: Vec<&str> = questions.iter().map(|question| question.text).collect();
                match &self.config.model {
                    Some(model) => json!({"model": model, "input": texts}),
                    None => json!({"input": texts}),
                }
            }
        }
    }

    fn perspective(&self, body: &[u8]) -> Result<Vec<Found>, Failure> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            attribute_scores: BTreeMap<String, Attribute>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Attribute {
            summary_score: Score,
        }
        #[derive(Deserialize)]
        struct Score {
            value: f64,
        }
        let answer: Answer = serde_json::from_slice(body)
            .map_err(|_| Failure::Malformed("no `attributeScores` with `summaryScore`"))?;
        let of = |theirs: &str| {
            let attribute = answer.attribute_scores.get(theirs)?;
            Some(attribute.summary_score.value)
        };
        Ok(vec![self.found(of)?])
    }

    fn open_ai(&self, body: &[u8], asked: usize) -> Result<Vec<Found>, Failure> {
        #[derive(Deserialize)]
        struct Answer {
            results: Vec<Scored>,
        }
        #[derive(Deserialize)]
        struct Scored {
            category_scores: BTreeMap<String, f64>,
        }
        let answer: Answer = serde_json::from_slice(body)
            .map_err(|_| Failure::Malformed("no `results` with `category_scores`"))?;
        if answer.results.len() != asked {
            return Err(Failure::Malformed("not one result for each text"));
        }
        let results = answer.results.iter();
        results
            .map(|result| self.found(|theirs| result.category_scores.get(theirs).copied()))
            .collect()
    }

    /// Puts an answer into our names; what the provider left out is missing.
    fn found(&self, of: impl Fn(&str) -> Option<f64>) -> Result<Found, Failure> {
        let mut found = Vec::with_capacity(self.attributes.len());
        for (name, theirs) in &self.attributes {
            match of(theirs) {
                Some(value) if (0.0..=1.0).contains(&value) => {
                    found.push((Arc::clone(name), value));
                }
                Some(_) => return Err(Failure::Malformed("a score is not from 0 to 1")),
                None => {}
            }
        }
        if found.is_empty() {
            return Err(Failure::Malformed("none of the scores that were asked for"));
        }
        Ok(found.into())
    }
}

/// The address, which may have the key in it, is taken off the error.
fn reach(error: reqwest::Error) -> Failure {
    if error.is_timeout() {
        Failure::Late
    } else {
        Failure::Unreachable(error.without_url())
    }
}
