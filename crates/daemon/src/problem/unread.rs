//! What can't be read of a request, as a problem that names the field.

use std::error::Error;

use axum::extract::rejection::{BytesRejection, JsonRejection, QueryRejection};
use axum::http::StatusCode;
use serde::de::value;

use super::Problem;

/// Bytes of a body whose route has no limit of its own: what axum takes.
const MAX_BODY: usize = 2 * 1024 * 1024;

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        match rejection.status() {
            status @ StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::for_status(status)
                .with_detail("send the body as `application/json`")
                .with_field("content-type"),
            StatusCode::PAYLOAD_TOO_LARGE => Self::too_large(MAX_BODY),
            _ => Self::bad_request(rejection.body_text())
                .with_code("invalid_body")
                .with_field_of::<serde_json::Error>(&rejection),
        }
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::too_large(MAX_BODY),
            _ => Self::bad_request("the body ended before its end"),
        }
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request(rejection.body_text()).with_field_of::<value::Error>(&rejection)
    }
}

impl Problem {
    /// 413: a body has more bytes than its route takes.
    pub fn too_large(bytes: usize) -> Self {
        let detail = format!("the body of this request may have {bytes} bytes: send less");
        Self::for_status(StatusCode::PAYLOAD_TOO_LARGE)
            .with_detail(detail)
            .with_limit(format!("{bytes} bytes"))
    }

    /// Names the field at which reading ended, if it is known.
    fn with_field_of<E: Error + 'static>(self, rejection: &(dyn Error + 'static)) -> Self {
        let mut causes = std::iter::successors(Some(rejection), |error| (*error).source());
        let found = causes.find_map(|error| error.downcast_ref::<serde_path_to_error::Error<E>>());
        match found.and_then(field) {
            Some(field) => self.with_field(field),
            None => self,
        }
    }
}

/// Where a value of another kind stands, or the name that is missing or not known.
fn field<E: Error>(error: &serde_path_to_error::Error<E>) -> Option<String> {
    let text = error.inner().to_string();
    let named = ["missing field `", "unknown field `", "duplicate field `"];
    let named = named.iter().find_map(|start| text.strip_prefix(start));
    let name = named.and_then(|rest| rest.split('`').next());
    let path = error.path().to_string();
    let path = (path != "." && path != "?").then_some(path);
    match (path, name) {
        (Some(path), Some(name)) if path != name && !path.ends_with(&format!(".{name}")) => {
            Some(format!("{path}.{name}"))
        }
        (Some(path), _) => Some(path),
        (None, name) => name.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use axum::Json;
    use axum::body::Body;
    use axum::extract::{FromRequest as _, FromRequestParts as _, Query, Request};
    use axum::http::header;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "it is only read")]
    struct Asked {
        limit: Option<u8>,
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "it is only read")]
    struct Inner {
        name: String,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "it is only read")]
    struct Page {
        site: String,
        limit: Option<u8>,
    }

    /// Says status, code and field of the problem that a body leads to.
    async fn body(kind: &str, body: String) -> (u16, String, Option<String>) {
        let request = Request::post("/").header(header::CONTENT_TYPE, kind);
        let request = request.body(Body::from(body)).unwrap();
        let read = Json::<Asked>::from_request(request, &()).await;
        let Problem(document) = read.unwrap_err().into();
        assert!(document.detail.is_some());
        (document.status.as_u16(), document.code, document.field)
    }

    #[tokio::test]
    async fn a_body_that_can_not_be_read_has_its_field_named() {
        for (sent, field) in [
            (r#"{"inner": [], "limit": "many"}"#, Some("limit")),
            (r#"{"inner": [], "limit": 300}"#, Some("limit")),
            (r#"{"inner": [{"name": "a"}, {}]}"#, Some("inner[1].name")),
            (r#"{"inner": [{"name": 1}]}"#, Some("inner[0].name")),
            (
                r#"{"inner": [{"name": "a", "more": 1}]}"#,
                Some("inner[0].more"),
            ),
            (r#"{"inner": [], "inner": []}"#, Some("inner")),
            ("{}", Some("inner")),
            (r#"{"more": 1}"#, Some("more")),
            ("[]", None),
            ("3", None),
            ("{", None),
            ("", None),
        ] {
            let (status, code, found) = body("application/json", sent.to_owned()).await;
            assert_eq!((status, code.as_str()), (400, "invalid_body"), "{sent}");
            assert_eq!(found.as_deref(), field, "{sent}");
        }
    }

    #[tokio::test]
    async fn what_is_no_json_or_too_much_is_told_apart() {
        let (status, code, field) = body("text/plain", "{}".to_owned()).await;
        assert_eq!((status, code.as_str()), (415, "unsupported_media_type"));
        assert_eq!(field.as_deref(), Some("content-type"));
        let whole = format!("\"{}\"", "a".repeat(MAX_BODY - 2));
        assert_eq!(body("application/json", whole).await.0, 400);
        let more = format!("\"{}\"", "a".repeat(MAX_BODY));
        let (status, code, _) = body("application/json", more).await;
        assert_eq!((status, code.as_str()), (413, "too_large"));
    }

    #[tokio::test]
    async fn a_query_that_can_not_be_read_has_its_field_named() {
        for (sent, field) in [
            ("?site=a&limit=many", "limit"),
            ("?site=a&limit=", "limit"),
            ("?limit=3", "site"),
            ("?site=a&more=1", "more"),
            ("?site=a&site=b", "site"),
        ] {
            let request = Request::get(format!("/{sent}")).body(()).unwrap();
            let (mut parts, ()) = request.into_parts();
            let read = Query::<Page>::from_request_parts(&mut parts, &()).await;
            let Problem(document) = read.unwrap_err().into();
            assert_eq!(document.status, StatusCode::BAD_REQUEST);
            assert_eq!(document.field.as_deref(), Some(field), "{sent}");
        }
    }
}
