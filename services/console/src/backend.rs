//! What the console asks of moderation-rules and of the archive, in the name of who is signed in.
//!
//! Those roles check themselves what a person may see and do; the console adds nothing to it.

mod appeals;
mod cases;
mod raw;
mod reading;
pub(crate) mod rules;
mod webhooks;

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{self, HeaderName};
use axum::response::Response;
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use stoa_daemon::ConfigError;
use stoa_daemon::auth::behalf;
use stoa_daemon::config::Secret;

use crate::accounts::{Caller, Digest, User};
use crate::config::BackendConfig;
use crate::language::Words;

pub(crate) use self::appeals::{
    Appeal, Appeals, Counts, Live, Resolved, Texts, Version, Versions, WouldRead, Year,
};
pub(crate) use self::cases::{
    Answer, Archived, ArchivedThread, Article, Assignee, Author, BulkDone, BulkUndone, Case,
    Happened, Known, LeftOut, Listed, Listing, Note, Preview, Reason, Reasons, Sanction, Whole,
};
pub(crate) use self::reading::{
    Found, Hit, Item, Log, Logged, Parked, ParkedList, ParkedOne, Rejection, Rejections, Retried,
    Sites, ThreadPage,
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing may come of an answer that is passed back.
const PAUSE: Duration = Duration::from_mins(1);

/// By it a role knows a request that it gets again.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Headers of a request that are passed on.
const PASSED: [HeaderName; 8] = [
    header::ACCEPT,
    header::ACCEPT_LANGUAGE,
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::RANGE,
    IDEMPOTENCY_KEY,
];
/// Headers of an answer that are passed back.
const ANSWERED: [HeaderName; 12] = [
    header::ACCEPT_RANGES,
    header::ALLOW,
    header::CACHE_CONTROL,
    header::CONTENT_DISPOSITION,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::ETAG,
    header::LAST_MODIFIED,
    header::LINK,
    header::RETRY_AFTER,
    HeaderName::from_static("idempotency-replayed"),
];

/// What is encoded in a segment of a path: all but what RFC 3986 calls unreserved.
pub(crate) const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

pub(crate) use self::raw::{Answered, Question};
pub(crate) use self::webhooks::{Deliveries, Delivery, Tested, Webhook, Webhooks};

/// Why there is no answer, or not the one that was asked for.
#[derive(Debug)]
pub(crate) enum Error {
    /// There is no such thing, or not for this person.
    NotFound,
    /// The person may not.
    Forbidden,
    /// Somebody was faster, or the request can't be taken.
    Refused(Refusal),
    /// The role does not answer as it should; the cause is for the log.
    Unavailable(String),
}

/// What a role says of a request that it doesn't take: a problem document.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Refusal {
    code: String,
    detail: String,
    limit: Option<String>,
}

impl Refusal {
    /// The refusal of something that the console knows the reason of.
    pub(crate) fn of(detail: String) -> Self {
        Self {
            detail,
            ..Self::default()
        }
    }

    /// What it means, in our words where there are any for its code, or else in the role's.
    pub(crate) fn told(&self, words: Words) -> String {
        match words.problem(&self.code, self.limit.as_deref()) {
            Some(told) => told,
            None if self.detail.ends_with('.') => self.detail.clone(),
            None => format!("{}.", self.detail),
        }
    }
}

/// A role that is asked.
#[derive(Clone, Debug)]
pub(crate) struct Backend {
    name: &'static str,
    url: String,
    token: Secret,
    client: reqwest::Client,
    /// What is passed on may take long, as long as something comes.
    passing: reqwest::Client,
}

impl Backend {
    pub(crate) fn new(name: &'static str, config: &BackendConfig) -> anyhow::Result<Self> {
        let missing = || ConfigError::invalid(format!("{name}.token"), "is needed");
        Ok(Self {
            name,
            url: config.url.clone(),
            token: config.token.clone().ok_or_else(missing)?,
            client: reqwest::Client::builder()
                .timeout(PATIENCE)
                .redirect(reqwest::redirect::Policy::none())
                .build()?,
            passing: reqwest::Client::builder()
                .connect_timeout(PATIENCE)
                .read_timeout(PAUSE)
                .redirect(reqwest::redirect::Policy::none())
                .build()?,
        })
    }

    /// The role's name.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Reads what is at a path, which is given as its segments.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        user: &User,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, Error> {
        let mut url = self.address(path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.send(self.request(Method::GET, url, user)).await
    }

    /// Sends JSON to a path.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        user: &User,
        path: &[&str],
        body: &Value,
    ) -> Result<T, Error> {
        let request = self.request(Method::POST, self.address(path)?, user);
        self.send(request.json(body)).await
    }

    /// Sends a form's JSON to a path: the same form again, by the same person, is the same request.
    ///
    /// `once` tells the form from others; without it each is a request of its own.
    pub(crate) async fn post_once<T: DeserializeOwned>(
        &self,
        (user, once): (&User, &str),
        path: &[&str],
        body: &Value,
    ) -> Result<T, Error> {
        let mut request = self.request(Method::POST, self.address(path)?, user);
        if !once.is_empty() {
            // A page has several forms, and what is typed into one may change.
            let key = Digest::of(&format!("{once} {path:?} {body}"));
            request = request.header(IDEMPOTENCY_KEY, key.to_string());
        }
        self.send(request.json(body)).await
    }

    /// Puts JSON at a path, in the place of the version that was seen.
    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        user: &User,
        path: &[&str],
        seen: &str,
        body: &Value,
    ) -> Result<T, Error> {
        let request = self.request(Method::PUT, self.address(path)?, user);
        self.send(request.header(header::IF_MATCH, tag(seen)).json(body))
            .await
    }

    /// Sends JSON to a path, if what it changes still has the version that was seen.
    pub(crate) async fn post_seen<T: DeserializeOwned>(
        &self,
        user: &User,
        path: &[&str],
        seen: &str,
        body: &Value,
    ) -> Result<T, Error> {
        let request = self.request(Method::POST, self.address(path)?, user);
        self.send(request.header(header::IF_MATCH, tag(seen)).json(body))
            .await
    }

    /// Reads a page of text, and where the next one begins, if there is one.
    pub(crate) async fn text(
        &self,
        user: &User,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<(String, Option<String>), Error> {
        let mut url = self.address(path)?;
        url.query_pairs_mut().extend_pairs(query);
        let answer = self.answer(self.request(Method::GET, url, user)).await?;
        let next = answer.headers().get("x-next-cursor");
        let next = next.and_then(|next| next.to_str().ok()).map(str::to_owned);
        let text = answer.text().await;
        Ok((text.map_err(|error| self.unavailable(&error))?, next))
    }

    /// Reads the bytes at a path.
    pub(crate) async fn bytes(&self, user: &User, path: &[&str]) -> Result<Bytes, Error> {
        let request = self.request(Method::GET, self.address(path)?, user);
        let answer = self.answer(request).await?;
        answer
            .bytes()
            .await
            .map_err(|error| self.unavailable(&error))
    }

    /// Takes away what is at a path, as a query says.
    pub(crate) async fn remove<T: DeserializeOwned>(
        &self,
        user: &User,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, Error> {
        let mut url = self.address(path)?;
        url.query_pairs_mut().extend_pairs(query);
        self.send(self.request(Method::DELETE, url, user)).await
    }

    /// Takes away what is at a path.
    pub(crate) async fn delete<T: DeserializeOwned>(
        &self,
        user: &User,
        path: &[&str],
    ) -> Result<T, Error> {
        let url = self.address(path)?;
        self.send(self.request(Method::DELETE, url, user)).await
    }

    fn address(&self, path: &[&str]) -> Result<reqwest::Url, Error> {
        // Dots as a whole segment would lead to another path.
        if path.iter().any(|segment| matches!(*segment, "." | "..")) {
            return Err(Error::NotFound);
        }
        let mut url = self.url.clone();
        for segment in path {
            url.push('/');
            url.extend(utf8_percent_encode(segment, SEGMENT));
        }
        reqwest::Url::parse(&url).map_err(|error| self.unavailable(&error))
    }

    fn request(&self, method: Method, url: reqwest::Url, user: &User) -> RequestBuilder {
        self.behalf(self.client.request(method, url), &user.into())
    }

    /// Says with whose rights a request asks.
    fn behalf(&self, request: RequestBuilder, caller: &Caller) -> RequestBuilder {
        let encode = |text: &String| utf8_percent_encode(text, SEGMENT).to_string();
        let sites = if caller.sites == ["*"] {
            "*".to_owned()
        } else {
            let sites: Vec<String> = caller.sites.iter().map(encode).collect();
            sites.join(" ")
        };
        request
            .bearer_auth(self.token.expose())
            .header(behalf::OF, encode(&caller.name))
            .header(behalf::ROLE, caller.role.as_str())
            .header(behalf::SITES, sites)
    }

    /// Passes a request on as it is, in the name of whose token it came with, and the answer back as it comes.
    ///
    /// `path` is what the role's own address begins with, and then as the request has it, percent-encoded.
    pub(crate) async fn pass(
        &self,
        caller: &Caller,
        path: &str,
        request: Request,
    ) -> Result<Response, Error> {
        let segments = path.split('/');
        let decode = |segment| percent_decode_str(segment).decode_utf8_lossy();
        // Dots as a whole segment would lead to another path, however they are written.
        let mut plain = segments.map(decode);
        if path.contains('\\') || plain.any(|segment| matches!(&*segment, "." | "..")) {
            return Err(Error::NotFound);
        }
        let query = request.uri().query();
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let url = format!("{}{path}{query}", self.url);
        let url = reqwest::Url::parse(&url).map_err(|error| self.unavailable(&error))?;
        let (parts, body) = request.into_parts();
        let mut asked = self.passing.request(parts.method, url);
        for name in &PASSED {
            for value in parts.headers.get_all(name) {
                asked = asked.header(name, value);
            }
        }
        let body = reqwest::Body::wrap_stream(body.into_data_stream());
        let answer = self.behalf(asked, caller).body(body).send().await;
        let answer = answer.map_err(|error| self.unavailable(&error))?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = answer.status();
        for name in &ANSWERED {
            for value in answer.headers().get_all(name) {
                response.headers_mut().append(name.clone(), value.clone());
            }
        }
        *response.body_mut() = Body::from_stream(answer.bytes_stream());
        Ok(response)
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Error> {
        let answer = self.answer(request).await?;
        answer
            .json()
            .await
            .map_err(|error| self.unavailable(&error))
    }

    /// Sends a request; an answer is one that has what was asked for.
    async fn answer(&self, request: RequestBuilder) -> Result<reqwest::Response, Error> {
        let answer = request.send().await;
        let answer = answer.map_err(|error| self.unavailable(&error))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        Err(self.refused(answer).await)
    }

    /// Tells why a role does not do what it was asked.
    async fn refused(&self, answer: reqwest::Response) -> Error {
        let status = answer.status();
        let refusal: Refusal = answer.json().await.unwrap_or_default();
        match status {
            StatusCode::NOT_FOUND | StatusCode::GONE => Error::NotFound,
            StatusCode::FORBIDDEN => Error::Forbidden,
            StatusCode::BAD_REQUEST | StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => {
                Error::Refused(refusal)
            }
            _ => {
                let (name, detail) = (self.name, refusal.detail);
                Error::Unavailable(format!("{name} answered {status}: {detail}"))
            }
        }
    }

    fn unavailable(&self, error: &dyn std::error::Error) -> Error {
        let mut said = format!("{} can't be asked: {error}", self.name);
        let mut source = error.source();
        while let Some(error) = source {
            said.push_str(&format!(": {error}"));
            source = error.source();
        }
        Error::Unavailable(said)
    }
}

/// The entity tag of a version.
fn tag(version: &str) -> String {
    format!("\"{}\"", version.replace(|c: char| !c.is_ascii_digit(), ""))
}
