//! What every request and every answer gets: id, span, metrics, security headers, problem documents.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use http_body::Body as _;
use tracing::Instrument as _;

use super::Limits;
use super::body::{Late, TimedBody};
use super::metrics::Metrics;
use crate::Problem;

/// The header that carries a request's id, in and out.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A page that wants styles, images or scripts of its own sets its own policy.
const CONTENT_POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Longer error texts than this are not taken over into a problem document.
const MAX_DETAIL_BYTES: usize = 2048;

/// The id of a request: the client's, when it is short and plain, or a random one.
///
/// It is in the request's extensions, in its log lines and in the answer's `X-Request-Id`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequestId(pub Arc<str>);

/// What the middleware of a listener needs.
pub(super) struct Observer {
    pub(super) name: &'static str,
    pub(super) limits: Limits,
    pub(super) metrics: Metrics,
}

/// The middleware around every route and fallback of a listener.
pub(super) async fn observe(
    State(observer): State<Arc<Observer>>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let route = path.as_ref().map_or("unmatched", MatchedPath::as_str);
    let id = request_id(request.headers());
    let has_token = request.headers().contains_key(header::AUTHORIZATION);
    let span = tracing::info_span!(
        "http",
        listener = observer.name,
        request.id = %id.0,
        http.method = %method,
        http.route = route,
    );

    let late = Late::default();
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(id.clone());
    let body = if body.is_end_stream() {
        body
    } else {
        Body::new(TimedBody::new(body, observer.limits, late.clone()))
    };
    let request = Request::from_parts(parts, body);

    let answer = async {
        // A handler that panics must answer like one that fails; the panic itself is in the log.
        let response = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
            Ok(response) => response,
            Err(_) => Problem::internal().into_response(),
        };
        let mut response = finish(response, &late).await;
        add_headers(response.headers_mut(), &id);
        let (status, took) = (response.status(), started.elapsed());
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        // Whoever asks whether the role is ready asks often; what changes is logged where it does.
        if status.is_server_error() && route != "/readyz" {
            tracing::warn!(http.status = status.as_u16(), duration_ms, "answered");
        } else {
            tracing::debug!(http.status = status.as_u16(), duration_ms, "answered");
        }
        observer.metrics.request(route, &method, status, took);
        observer.metrics.refused(status, has_token);
        response
    };
    answer.instrument(span).await
}

fn request_id(headers: &HeaderMap) -> RequestId {
    let given = headers
        .get(&REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| {
            (1..=64).contains(&id.len())
                && id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        });
    RequestId(match given {
        Some(id) => id.into(),
        None => format!("{:032x}", rand::random::<u128>()).into(),
    })
}

/// Turns an error without a document of its own into a problem document.
async fn finish(response: Response, late: &Late) -> Response {
    let status = response.status();
    if status.is_client_error() && late.get() {
        return Problem::for_status(StatusCode::REQUEST_TIMEOUT)
            .with_detail("the request body took too long")
            .with_header(header::CONNECTION, HeaderValue::from_static("close"))
            .into_response();
    }
    let plain = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|value| {
            value
                .to_str()
                .is_ok_and(|value| value.starts_with("text/plain"))
        });
    if !(status.is_client_error() || status.is_server_error()) || !plain {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let text = to_bytes(body, MAX_DETAIL_BYTES).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let mut problem = Problem::for_status(status);
    if status.is_server_error() {
        // Its text may name what is inside.
        problem = Problem::internal().with_status(status);
    } else if !text.trim().is_empty() {
        problem = problem.with_detail(text.trim());
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    let mut response = problem.into_response();
    response.headers_mut().extend(parts.headers);
    response
}

fn add_headers(headers: &mut HeaderMap, id: &RequestId) {
    let defaults = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in defaults {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(REQUEST_ID, value);
    }
}
