//! What every request passes before its handler: whether it comes from a page of ours, and what every answer gets.

use axum::body::{Body, to_bytes};
use axum::extract::{Extension, Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use subtle::ConstantTimeEq as _;

use super::page::{Fault, see};
use super::visit::Visit;
use super::{Desk, Needs, api, second_step, sign_in};

/// Bytes of a form.
const MAX_FORM: usize = 64 * 1024;
/// Bytes of a form with files of rules, from somebody who is signed in.
const MAX_FILES: usize = 4 * 1024 * 1024;
/// The field of each form that proves that it came from a page of the console, and behind a dot tells from which.
pub(super) const FORM_FIELD: &str = "form";

const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'";

/// What the guard of a route has to know.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    pub(super) needs: Needs,
    /// Whether it is there for who still has to set up a second step.
    pub(super) is_before_second: bool,
    pub(super) desk: Desk,
}

/// Lets a request through to its handler if it may.
pub(super) async fn guard(
    State(gate): State<Gate>,
    Extension(mut visit): Extension<Visit>,
    request: Request,
    next: Next,
) -> Response {
    if let Needs::Token(role) = gate.needs {
        return api::guard(&gate.desk, role, visit, request, next).await;
    }
    let (mut parts, body) = request.into_parts();
    if !parts.method.is_safe() {
        let has_files = visit.user.is_some() && visit.path.starts_with("/rules/edit");
        let most = if has_files { MAX_FILES } else { MAX_FORM };
        let Ok(form) = to_bytes(body, most).await else {
            return Fault::TooLarge.into_response();
        };
        visit.fields = form_urlencoded::parse(&form).into_owned().collect();
        let field = visit.field(FORM_FIELD);
        let (proof, once) = field.split_once('.').unwrap_or((field, ""));
        let is_proof = |token: &String| bool::from(proof.as_bytes().ct_eq(token.as_bytes()));
        let ended = visit.ended.as_ref().filter(|_| gate.needs != Needs::Anyone);
        let is_known = is_proof(&visit.form) || ended.is_some_and(is_proof);
        if !is_same_origin(&parts.headers) || !is_known {
            return Fault::Forged.into_response();
        }
        visit.once = once.to_owned();
    }
    match (gate.needs, &visit.user) {
        (Needs::Role(_), None) => sign_in::ask(&gate.desk, &visit, &parts),
        (Needs::Role(role), Some(user)) if !user.role.at_least(role) => {
            Fault::Role(role).into_response()
        }
        (Needs::Role(_), Some(user))
            if !visit.has_second
                && !visit.is_linked
                && !gate.is_before_second
                && gate.desk.second_for.contains(&user.role) =>
        {
            see(second_step::PATH)
        }
        _ => {
            parts.extensions.insert(visit);
            next.run(Request::from_parts(parts, Body::empty())).await
        }
    }
}

/// Whether a browser says that a page of the console made it send a request; every browser says one of the two.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    let site = text(HeaderName::from_static("sec-fetch-site"));
    let origin = text(header::ORIGIN);
    let host = text(header::HOST).unwrap_or_default();
    let is_ours = |origin: &str| {
        origin
            .split_once("://")
            .is_some_and(|(_, ours)| ours == host)
    };
    (site.is_some() || origin.is_some())
        && site.is_none_or(|site| site == "same-origin")
        && origin.is_none_or(is_ours)
}

/// Adds what every answer has, errors included.
pub(super) async fn headers(is_over_tls: bool, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Without any a browser sends forms with `Origin: null`.
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if is_over_tls {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}
