//! The OpenAPI 3.1 document of a listener, made of the routes that it answers.
//!
//! A handler says in `#[utoipa::path]` where it answers and with what, and `routes!` makes its route of that: paths
//! and methods can't differ from the document. What all operations have in common is said here once: tokens, roles,
//! problem documents, and the statuses that follow from what an operation asks for.
//!
//! Extensions of an operation: `x-role` is the role that its token needs, `x-all-sites` is true where the token must
//! be for all sites. `x-access: site` is for readers of a site, which may be public. All are said in the operation's
//! description as well, and lead to a bearer token with 401 and 403.

mod answers;
mod schemas;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodRouter;
use bytes::Bytes;
use serde::Deserialize as _;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use utoipa::PartialSchema as _;
use utoipa::openapi::{OpenApi, Paths};

pub use self::answers::{
    BadRequest, Conflict, Forbidden, Gone, Internal, NotFound, NotModified, PreconditionFailed,
    PreconditionRequired, TooLarge, TooManyRequests, Unauthorized, Unavailable, Unprocessable,
    UnsupportedMediaType,
};
pub use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt};
pub use utoipa_axum::routes;

use crate::auth::Role;
use crate::{Problem, admin};

/// The tag of operations that are about the process: they need no token and have no problems of their own.
pub(crate) const PROCESS: &str = "process";

/// Where each listener answers its document.
pub const PATH: &str = "/openapi.json";

const ABOUT: &str = include_str!("openapi/about.md");

/// What describes a listener beside its routes.
#[derive(Clone, Copy, Debug)]
pub struct Listener {
    /// The role whose listener it is.
    pub role: &'static str,
    /// `public` or `admin`.
    pub name: &'static str,
    /// What it is for, in Markdown.
    pub about: &'static str,
    /// The schemas, by name, that operations refer to and that no route declares.
    pub schemas: fn() -> Map<String, Value>,
    /// Whether `Idempotency-Key` is read of every `POST`.
    pub has_keys: bool,
}

impl Listener {
    /// Adds `/openapi.json` to the routes of the listener.
    pub fn router(&self, routes: OpenApiRouter) -> Router {
        let (answering, api) = routes.split_for_parts();
        answering.route(PATH, self.serve([api]))
    }

    /// Makes what answers `/openapi.json` of a listener that makes its router itself.
    pub fn serve<S: Clone + Send + Sync + 'static>(
        &self,
        parts: impl IntoIterator<Item = OpenApi>,
    ) -> MethodRouter<S> {
        let (_, _, answering) = routes!(show);
        answering.with_state(Served::new(&self.document(parts)))
    }

    /// Makes the document of the listener's routes; those that every listener has are added.
    pub fn document(&self, parts: impl IntoIterator<Item = OpenApi>) -> Value {
        let own: OpenApiRouter<Served> = OpenApiRouter::default().routes(routes!(show));
        let mut api = own.into_openapi();
        for part in parts {
            api.merge(part);
        }
        if self.name == "admin" {
            api.merge(admin::routes().into_openapi());
        }
        let mut document = serde_json::to_value(api).unwrap_or_default();
        name_wildcards(&mut document);
        let parameters = if self.has_keys {
            keyed(&mut document)
        } else {
            json!({})
        };
        for operation in operations(&mut document) {
            complete(operation, self.name == "admin");
            // Extensions come in any order.
            operation.sort_keys();
        }
        let mut schemas = schemas::declared(&mut document);
        let problem = serde_json::to_value(Problem::schema()).unwrap_or_default();
        schemas.insert("Problem".to_owned(), problem);
        schemas::loosen(&mut schemas);
        schemas::resolve(&mut schemas, &document, &(self.schemas)());
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": format!("Stoa {}: {} listener", self.role, self.name),
                "version": env!("CARGO_PKG_VERSION"),
                "description": format!("{}\n\n{ABOUT}", self.about),
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/"}],
            "paths": document.get("paths"),
            "components": {
                "schemas": schemas,
                "parameters": parameters,
                "responses": answers::all(),
                "securitySchemes": {"bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token: it has a role and the sites that it is for.",
                }},
            },
        })
    }
}

/// Lists the operations that described routes have, with the role that each needs.
pub fn needed(described: &Paths) -> Vec<(Method, String, Role)> {
    let needed = |method: &str, operation: &Value| {
        let role = Role::deserialize(operation.get("x-role")?).ok()?;
        Some((method.to_uppercase().parse().ok()?, role))
    };
    let mut found = Vec::new();
    for (path, item) in &described.paths {
        let item = serde_json::to_value(item).unwrap_or_default();
        for (method, operation) in item.as_object().into_iter().flatten() {
            let needed = needed(method, operation);
            found.extend(needed.map(|(method, role)| (method, path.clone(), role)));
        }
    }
    found
}

/// Writes `{*rest}`, which takes slashes, as `{rest}`: the specification has no name for it.
fn name_wildcards(document: &mut Value) {
    if let Some(Value::Object(paths)) = document.get_mut("paths") {
        let named = std::mem::take(paths).into_iter();
        *paths = named
            .map(|(path, item)| (path.replace("{*", "{"), item))
            .collect();
    }
}

/// Gives every `POST` a key, and returns the parameters that are referred to.
fn keyed(document: &mut Value) -> Value {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    let posts = paths.into_iter().flat_map(Map::values_mut);
    for post in posts.filter_map(|item| item.get_mut("post")?.as_object_mut()) {
        let parameters = post.entry("parameters").or_insert_with(|| json!([]));
        if let Value::Array(parameters) = parameters {
            parameters.push(json!({"$ref": "#/components/parameters/IdempotencyKey"}));
        }
        if let Some(Value::Object(responses)) = post.get_mut("responses") {
            let (key, answer) = answers::reference(422);
            responses.entry(key).or_insert(answer);
        }
    }
    json!({"IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The same key with the same request is answered as the first time, for 24 hours; with another \
            request it is `422 key_reused`.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 256},
    }})
}

/// The operations of a document, with what they answer.
fn operations(document: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    let items = paths.into_iter().flat_map(Map::values_mut);
    items
        .filter_map(Value::as_object_mut)
        .flat_map(Map::values_mut)
        .filter_map(Value::as_object_mut)
}

/// Says what follows from an operation's role, parameters and body.
fn complete(operation: &mut Map<String, Value>, is_admin: bool) {
    if let Some(Value::String(summary)) = operation.get_mut("summary") {
        *summary = summary.replace('\n', " ").trim_end_matches('.').to_owned();
    }
    let is_process = operation
        .get("tags")
        .is_some_and(|tags| *tags == json!([PROCESS]));
    if is_process {
        operation.insert("security".to_owned(), json!([]));
        return;
    }
    let mut statuses = vec![500];
    if let Some((needs, security)) = access(operation) {
        let about = match operation.get("description").and_then(Value::as_str) {
            Some(about) if !about.is_empty() => format!("{about}\n\n{needs}"),
            _ => needs,
        };
        operation.insert("description".to_owned(), about.into());
        operation.insert("security".to_owned(), security);
        statuses.extend([401, 403]);
    }
    if is_admin {
        // Until the role has opened its journal.
        statuses.push(503);
    }
    if operation.contains_key("parameters") {
        statuses.push(400);
    }
    if operation.contains_key("requestBody") {
        statuses.extend([400, 413, 415]);
    }
    if let Some(Value::Object(responses)) = operation.get_mut("responses") {
        for status in statuses {
            let (key, answer) = answers::reference(status);
            responses.entry(key).or_insert(answer);
        }
        responses.sort_keys();
    }
}

/// Who may ask for an operation, in words and as the specification has it.
fn access(operation: &Map<String, Value>) -> Option<(String, Value)> {
    if operation.contains_key("x-access") {
        let needs = "A site that is not public needs a token for it. Without the role `viewer` only \
            approved comments are shown.";
        return Some((needs.to_owned(), json!([{}, {"bearer": []}])));
    }
    let role = operation.get("x-role")?.as_str()?;
    let sites = match operation.get("x-all-sites") {
        Some(Value::Bool(true)) => " for all sites",
        _ => "",
    };
    let needs = format!("Needs a token with the role `{role}`{sites}.");
    Some((needs, json!([{"bearer": []}])))
}

/// A document as it is sent.
#[derive(Clone, Debug)]
struct Served {
    json: Bytes,
    tag: Arc<str>,
}

impl Served {
    fn new(document: &Value) -> Self {
        let json = document.to_string();
        let digest = Sha256::digest(json.as_bytes());
        let tag: String = digest
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            tag: format!("\"{tag}\"").into(),
            json: json.into(),
        }
    }
}

/// This document.
///
/// It may be kept for five minutes, and asked for again with `If-None-Match`.
#[utoipa::path(
    get,
    path = PATH,
    operation_id = "get_openapi",
    tag = PROCESS,
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of what one has.")),
    responses(
        (status = 200, description = "The OpenAPI 3.1 document of this listener.", body = serde_json::Value,
            headers(("ETag" = String, description = "Changes with the document."))),
        NotModified,
    ),
)]
async fn show(State(served): State<Served>, headers: HeaderMap) -> Response {
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|tag| tag.to_str().ok());
    let kept = [
        (header::ETAG, served.tag.to_string()),
        (header::CACHE_CONTROL, "public, max-age=300".to_owned()),
    ];
    let is_known = |known: &str| {
        known
            .split(',')
            .any(|tag| tag.trim().trim_start_matches("W/") == &*served.tag)
    };
    if known.is_some_and(is_known) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    (
        kept,
        [(header::CONTENT_TYPE, "application/json")],
        served.json,
    )
        .into_response()
}
