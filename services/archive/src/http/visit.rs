//! What every reading request asks for beside its path, and how its answer may be kept.

use axum::extract::FromRequestParts;
use axum::http::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, HOST, IF_NONE_MATCH, VARY,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use stoa_daemon::Problem;

use super::Public;
use super::accept::{self, Form};
use crate::config::is_host;
use crate::read::Audience;
use crate::read::version::{Read, Version};

/// How long anyone may keep an answer of a public site.
///
/// What was erased may be shown by a cache for that long.
pub(super) const SHARED: HeaderValue = HeaderValue::from_static("public, max-age=60");
/// Nothing else is kept: an erasure would not reach it.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");

/// A request to read.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    pub(super) headers: HeaderMap,
    uri: Uri,
    /// What absolute links begin with, as `https://archive.example`.
    pub(super) base: String,
}

/// A visit to a site that may be read.
#[derive(Clone, Debug)]
pub(super) struct Allowed {
    pub(super) audience: Audience,
    /// Whether anyone may keep the answer.
    shared: bool,
    /// What decides the answer beside what is read.
    salt: String,
    known: Option<HeaderValue>,
}

impl FromRequestParts<Public> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, public: &Public) -> Result<Self, Problem> {
        let base = match &*public.url {
            "" => host(&parts.headers)?,
            url => url.to_owned(),
        };
        Ok(Self {
            headers: parts.headers.clone(),
            uri: parts.uri.clone(),
            base,
        })
    }
}

/// What absolute links begin with where the configuration does not say it.
fn host(headers: &HeaderMap) -> Result<String, Problem> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    match host.filter(|host| is_host(host)) {
        Some(host) => Ok(format!("http://{host}")),
        None => Err(Problem::bad_request(
            "links are made from `Host`: send it, or set http.public_url",
        )
        .with_field("Host")),
    }
}

impl Visit {
    /// Returns the address of a page, of the part after an entry if one is given.
    pub(super) fn canonical(&self, path: &str, after: Option<&str>) -> String {
        let after = after.map(|after| format!("?after={}", super::links::escape(after)));
        format!("{}{path}{}", self.base, after.unwrap_or_default())
    }

    /// Returns the form that is wanted.
    pub(super) fn form(&self) -> Form {
        let accept = self.headers.get(ACCEPT).map(HeaderValue::as_bytes);
        accept::of(accept.unwrap_or_default())
    }

    /// Tells how much of a site may be read: 401 or 403 for nothing.
    pub(super) fn of(&self, public: &Public, site: &str) -> Result<Allowed, Problem> {
        let audience = public.access.site(&self.headers, site)?;
        let shared = public.access.is_public(site) && !self.headers.contains_key(AUTHORIZATION);
        Ok(Allowed {
            audience,
            shared,
            salt: format!(
                "{} {} {} {audience:?} {:?}",
                env!("CARGO_PKG_VERSION"),
                self.base,
                self.uri,
                self.form(),
            ),
            known: self.headers.get(IF_NONE_MATCH).cloned(),
        })
    }
}

impl Allowed {
    /// Whether the sender has the answer that a version decides.
    pub(super) fn has(&self, version: &Version) -> bool {
        let Some(known) = self.known.as_ref().and_then(|known| known.to_str().ok()) else {
            return false;
        };
        let tag = version.tag(self.salt.as_bytes());
        known
            .split(',')
            .map(str::trim)
            .any(|known| known.strip_prefix("W/").unwrap_or(known).trim_matches('"') == tag)
    }

    /// Answers with what was read, or that it is what the sender has; an error is not kept.
    pub(super) fn answer<T>(&self, read: Read<T>, write: impl FnOnce(T) -> Response) -> Response {
        let (version, mut response) = match read {
            Read::Unchanged(version) => (version, StatusCode::NOT_MODIFIED.into_response()),
            Read::New(version, value) => (version, write(value)),
        };
        let status = response.status();
        let headers = response.headers_mut();
        headers.insert(
            VARY,
            HeaderValue::from_static("Accept, Authorization, Cookie"),
        );
        if status.is_client_error() || status.is_server_error() {
            return response;
        }
        let tag = format!("W/\"{}\"", version.tag(self.salt.as_bytes()));
        if let Ok(tag) = HeaderValue::try_from(tag) {
            headers.insert(ETAG, tag);
        }
        headers.insert(CACHE_CONTROL, if self.shared { SHARED } else { PRIVATE });
        response
    }
}

/// Answers with a body of a media type.
pub(super) fn body(kind: &'static str, body: impl Into<axum::body::Body>) -> Response {
    ([(CONTENT_TYPE, kind)], body.into()).into_response()
}
