//! Errors over HTTP: RFC 9457 problem documents, `application/problem+json`.

mod unread;

use axum::body::Body;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The media type of a problem document.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// A problem document: what went wrong, for a program (`code`) and for a person (`detail`).
///
/// It is boxed, because it is the `Err` of functions that hardly ever fail.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Problem(Box<Document>);

/// What went wrong, as RFC 9457 has it.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Document {
    /// `urn:stoa:problem:<code>`.
    #[serde(rename = "type")]
    kind: String,
    /// The status code's usual words.
    title: &'static str,
    /// The status code.
    #[serde(serialize_with = "status_number")]
    #[schema(value_type = u16)]
    status: StatusCode,
    /// What happened this time, for a person to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// What happened, for a program to tell apart; from a closed set.
    code: String,
    /// The field of the input that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The limit that the input is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<String>,
    /// Headers that the status needs, as `Retry-After`.
    #[serde(skip)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn status_number<S: serde::Serializer>(
    status: &StatusCode,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    /// A problem with a status and a code in `snake_case`.
    pub fn new(status: StatusCode, code: impl Into<String>) -> Self {
        let code = code.into();
        Self(Box::new(Document {
            kind: format!("urn:stoa:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status,
            detail: None,
            code,
            field: None,
            limit: None,
            headers: Vec::new(),
        }))
    }

    /// 400: the request can't be understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request").with_detail(detail)
    }

    /// 401: a token is missing or unknown.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized")
            .with_detail(detail)
            .with_header(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"stoa\""),
            )
    }

    /// 403: the token's role or sites don't allow it.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden").with_detail(detail)
    }

    /// 404: there is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found").with_detail(detail)
    }

    /// 409: the thing has changed since the caller read it.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict").with_detail(detail)
    }

    /// 500: the cause is in the log, not in the answer.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal")
            .with_detail("the cause is in the service's log under this request's id")
    }

    /// 503 with `Retry-After`: it may work in `seconds`.
    pub fn unavailable(detail: impl Into<String>, seconds: u32) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable")
            .with_detail(detail)
            .with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Replaces the code, and the type with it.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.0.code = code.into();
        self.0.kind = format!("urn:stoa:problem:{}", self.0.code);
        self
    }

    /// Says what happened.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Names the field that is wrong.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// Names the limit that the input is over.
    #[must_use]
    pub fn with_limit(mut self, limit: impl Into<String>) -> Self {
        self.0.limit = Some(limit.into());
        self
    }

    /// What happened, for a person.
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The field that is wrong, if one is named.
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Replaces the status and keeps the code.
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self.0.title = status.canonical_reason().unwrap_or("Error");
        self
    }

    /// The status code.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The code.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The code for a status that the HTTP layer itself answered with.
    pub fn for_status(status: StatusCode) -> Self {
        let code = match status {
            StatusCode::BAD_REQUEST => "bad_request",
            StatusCode::NOT_FOUND => "not_found",
            StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
            StatusCode::REQUEST_TIMEOUT => "request_timeout",
            StatusCode::PAYLOAD_TOO_LARGE => "too_large",
            StatusCode::URI_TOO_LONG => "uri_too_long",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
            StatusCode::UNPROCESSABLE_ENTITY => "unprocessable",
            StatusCode::TOO_MANY_REQUESTS => "too_many_requests",
            _ if status.is_client_error() => "client_error",
            _ => "internal",
        };
        let problem = Self::new(status, code);
        match status {
            StatusCode::BAD_REQUEST => problem.with_detail("the request can't be understood"),
            StatusCode::NOT_FOUND => problem.with_detail("there is nothing at this address"),
            StatusCode::METHOD_NOT_ALLOWED => {
                problem.with_detail("this address takes other methods: those that `Allow` names")
            }
            _ => problem,
        }
    }
}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        Document::schema()
    }
}

impl ToSchema for Problem {}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let content_type = HeaderValue::from_static(CONTENT_TYPE);
        let mut response =
            (self.0.status, [(header::CONTENT_TYPE, content_type)], body).into_response();
        for (name, value) in self.0.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_the_document_of_the_rfc() {
        let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large")
            .with_detail("the comment's text is too long")
            .with_field("data.body")
            .with_limit("64 KiB");
        assert_eq!(
            serde_json::to_value(&problem).unwrap(),
            serde_json::json!({
                "type": "urn:stoa:problem:too_large",
                "title": "Payload Too Large",
                "status": 413,
                "detail": "the comment's text is too long",
                "code": "too_large",
                "field": "data.body",
                "limit": "64 KiB",
            })
        );
    }

    #[test]
    fn a_response_has_its_type_and_headers() {
        let response = Problem::unavailable("the outbox is full", 5).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::CONTENT_TYPE], CONTENT_TYPE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "5");
        let response = Problem::unauthorized("no token").into_response();
        assert_eq!(
            response.headers()[header::WWW_AUTHENTICATE],
            "Bearer realm=\"stoa\""
        );
    }
}
