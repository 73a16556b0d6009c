//! The answers that operations have in common, as `#/components/responses/…`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::IntoResponses;
use utoipa::openapi::{Ref, RefOr, Response};

use crate::problem::CONTENT_TYPE;

/// Declares answers: type, status and what it means.
macro_rules! answers {
    ($($name:ident $status:literal $about:literal,)*) => {
        $(
            #[doc = concat!("`", stringify!($status), "`: ", $about)]
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl IntoResponses for $name {
                fn responses() -> BTreeMap<String, RefOr<Response>> {
                    let answer = Ref::from_response_name(stringify!($name)).into();
                    BTreeMap::from([(stringify!($status).to_owned(), answer)])
                }
            }
        )*

        const ALL: &[(u16, &str, &str)] = &[$(($status, stringify!($name), $about)),*];
    };
}

answers! {
    NotModified 304 "What the request's `If-None-Match` names is still what there is.",
    BadRequest 400 "The request can't be understood; `field` names what is wrong.",
    Unauthorized 401 "A token is missing or not known.",
    Forbidden 403 "The token's role or sites don't allow it.",
    NotFound 404 "There is no such thing, or the token is not for its site.",
    Conflict 409 "It is not, or no longer, in a state that allows this; `code` says why.",
    Gone 410 "It was there, and is no longer kept.",
    PreconditionFailed 412 "`If-Match` names another version than there is now: read it again.",
    TooLarge 413 "The body is larger than `limit`.",
    UnsupportedMediaType 415 "The body's `Content-Type` is none that is read here.",
    Unprocessable 422 "The body can be read, but says what can't be done; `field` names it.",
    PreconditionRequired 428 "`If-Match` is needed: send the `ETag` of what was read.",
    TooManyRequests 429 "Too many requests: try again after `Retry-After` seconds.",
    Internal 500 "The cause is in the service's log under the answer's `x-request-id`.",
    Unavailable 503 "It can't be done at the moment: try again after `Retry-After` seconds.",
}

/// Returns the reference to the answer of a status.
pub(super) fn reference(status: u16) -> (String, Value) {
    let name = ALL
        .iter()
        .find(|(of, ..)| *of == status)
        .map_or("Internal", |(_, name, _)| name);
    (
        status.to_string(),
        json!({"$ref": format!("#/components/responses/{name}")}),
    )
}

/// Describes all answers.
pub(super) fn all() -> Map<String, Value> {
    let problem = json!({"schema": {"$ref": "#/components/schemas/Problem"}});
    let describe = |(status, name, about): &(u16, &str, &str)| {
        let header = match status {
            401 => json!({"WWW-Authenticate": {"schema": {"type": "string"}}}),
            429 | 503 => json!({"Retry-After": {"schema": {"type": "integer"}}}),
            _ => json!({}),
        };
        let content = match status {
            400.. => json!({CONTENT_TYPE: problem}),
            _ => json!({}),
        };
        let answer = json!({"description": about, "headers": header, "content": content});
        ((*name).to_owned(), answer)
    };
    ALL.iter().map(describe).collect()
}
