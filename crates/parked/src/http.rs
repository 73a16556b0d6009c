//! The admin routes: what is parked and why, with the original bytes.
//!
//! - `GET /admin/parked?site=&thread=&limit=&cursor=`: oldest first; `next` of one page is `cursor`
//!   of the next, and null on the last.
//! - `GET /admin/parked/{id}`: one message with its attempts, its headers and its body; these are
//!   somebody's words, so they need the role moderator.
//! - `POST /admin/parked/{id}/retry`: handles its thread again from its first message on.
//! - `DELETE /admin/parked/{id}`: forgets it for good; the rest of its thread is then retried.
//!
//! A token sees the sites that it is for; what belongs to no site is for tokens of all sites.

#[cfg(test)]
mod tests;

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use stoa_bus::{Attempt, Filter, Parked, Parking, Retried, Unanswered};
use stoa_daemon::auth::{Principal, Role, Sites, Tokens};
use stoa_daemon::openapi::{NotFound, OpenApiRouter, routes};
use stoa_daemon::{Context, Problem};
use stoa_proto::codec::Message;
use utoipa::ToSchema;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;
/// After so long the answer is that the retry goes on.
const PATIENCE: Duration = Duration::from_secs(20);
/// Characters of the reason for which a message is dropped.
const MAX_REASON: usize = 1_000;

/// What the routes share.
#[derive(Clone)]
pub struct Admin {
    parking: Parking,
    tokens: Tokens,
    context: Context,
}

/// Makes the routes.
pub fn router(parking: Parking, tokens: Tokens, context: &Context) -> OpenApiRouter {
    routes().with_state(Admin {
        parking,
        tokens,
        context: context.clone(),
    })
}

/// The routes, for the document of a listener that has them.
pub fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(one, drop_one))
        .routes(routes!(retry))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// What belongs to this site alone.
    site: Option<String>,
    /// What belongs to this thread, an article's id, alone.
    thread: Option<String>,
    /// Messages of a page.
    #[param(default = 50, minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<u64>,
}

/// A page of parked messages, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ParkedPage)]
struct Listing {
    parked: Vec<Shown>,
    /// `cursor` of the next page; null on the last.
    next: Option<u64>,
}

/// A parked message, without its words.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Parked)]
struct Shown {
    id: u64,
    /// `refused`, or `waiting` behind another of its thread.
    state: &'static str,
    site: Option<String>,
    /// The article's id.
    thread: Option<String>,
    /// The event's id and source, if they could be read.
    event: Option<String>,
    source: Option<String>,
    /// The event's type, as `stoa.comment.submitted.v1`.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Why it was refused.
    reason: Option<String>,
    /// The message that it waits for.
    behind: Option<u64>,
    attempts: u32,
    last_attempt: Option<Tried>,
    #[schema(format = DateTime)]
    parked_at: Option<String>,
    /// The size of the message's body.
    bytes: u64,
}

/// An attempt to handle a message.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ParkedAttempt)]
struct Tried {
    #[schema(format = DateTime)]
    at: Option<String>,
    /// Why it failed.
    reason: String,
}

/// A parked message with all that is kept of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ParkedMessage)]
struct Whole {
    #[serde(flatten)]
    shown: Shown,
    /// The last attempts, latest first.
    history: Vec<Tried>,
    content_type: Option<String>,
    /// Names and values.
    headers: Vec<(String, String)>,
    /// The body if it is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// The body if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

/// What came of a retry.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ParkedRetry)]
struct Came {
    /// `handled`, `parked` again, or still `running`.
    result: &'static str,
    /// Messages of the thread that were handled.
    handled: u64,
    /// Those that are still parked.
    left: u64,
    /// Why it was parked again.
    reason: Option<String>,
}

/// What is forgotten.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ParkedDropped)]
struct Dropped {
    /// The message's id.
    dropped: u64,
    /// Messages of its thread that are still parked.
    left: u64,
}

/// Why something is forgotten.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ParkedDropReason)]
struct Why {
    /// Why it is dropped, for the record: 1 to 1000 characters.
    reason: String,
}

impl From<Parked> for Shown {
    fn from(parked: Parked) -> Self {
        let (site, thread) = match parked.thread {
            Some(key) => (Some(key.site), Some(key.thread)),
            None => (None, None),
        };
        Self {
            id: parked.id,
            state: if parked.reason.is_some() {
                "refused"
            } else {
                "waiting"
            },
            site,
            thread,
            event: parked.event,
            source: parked.source,
            kind: parked.kind,
            reason: parked.reason,
            behind: parked.behind,
            attempts: parked.n_attempts,
            last_attempt: parked.attempts.into_iter().next().map(Tried::from),
            parked_at: time(parked.at),
            bytes: parked.bytes,
        }
    }
}

impl From<Attempt> for Tried {
    fn from(attempt: Attempt) -> Self {
        Self {
            at: time(attempt.at),
            reason: attempt.reason,
        }
    }
}

impl Whole {
    fn new(parked: Parked, message: Message) -> Self {
        let history = parked.attempts.iter().cloned().map(Tried::from).collect();
        let (body, body_base64) = match std::str::from_utf8(&message.body) {
            Ok(text) => (Some(text.to_owned()), None),
            Err(_) => (None, Some(STANDARD.encode(&message.body))),
        };
        Self {
            shown: parked.into(),
            history,
            content_type: message.content_type,
            headers: message.headers,
            body,
            body_base64,
        }
    }
}

/// Lists what is parked: messages that a role could not handle, oldest first.
///
/// A token sees the sites that it is for; what belongs to no site is for tokens of all sites.
#[utoipa::path(
    get,
    path = "/admin/parked",
    operation_id = "list_parked",
    tag = "parked",
    params(Asked),
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "A page.", body = Listing)),
)]
async fn list(
    State(admin): State<Admin>,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Listing>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Viewer)?;
    let Query(asked) = asked?;
    let sites = match (asked.site, &principal.sites) {
        (Some(site), _) => {
            principal.require_site(&site)?;
            Some(vec![site])
        }
        (None, Sites::Only(sites)) => Some(sites.to_vec()),
        (None, Sites::All) => None,
    };
    let filter = Filter {
        thread: asked.thread,
        sites,
    };
    let limit = asked.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let page = admin.parking.page(&filter, asked.cursor, limit);
    Ok(Json(Listing {
        parked: page.parked.into_iter().map(Shown::from).collect(),
        next: page.next,
    }))
}

/// One parked message with its attempts, its headers and its body.
///
/// These are somebody's words.
#[utoipa::path(
    get,
    path = "/admin/parked/{id}",
    operation_id = "get_parked",
    tag = "parked",
    params(("id" = u64, Path, description = "The message.")),
    extensions(("x-role" = json!(Role::Moderator))),
    responses((status = 200, description = "The message.", body = Whole), NotFound),
)]
async fn one(
    State(admin): State<Admin>,
    headers: HeaderMap,
    id: Result<Path<u64>, PathRejection>,
) -> Result<Json<Whole>, Problem> {
    let (id, _) = admin.find(&headers, Role::Moderator, id)?;
    let parking = admin.parking.clone();
    let read = move || parking.message(id);
    match admin.context.tasks.spawn_blocking(read).await {
        Ok(Ok(found)) => {
            let (parked, message) = found.ok_or_else(unknown)?;
            Ok(Json(Whole::new(parked, message)))
        }
        Ok(Err(error)) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "cannot read what is parked"
            );
            Err(Problem::internal())
        }
        Err(_) => Err(Problem::internal()),
    }
}

/// Handles the thread of a parked message again, from its first message on.
#[utoipa::path(
    post,
    path = "/admin/parked/{id}/retry",
    operation_id = "retry_parked",
    tag = "parked",
    params(("id" = u64, Path, description = "The message.")),
    extensions(("x-role" = json!(Role::Moderator))),
    responses(
        (status = 200, description = "What came of it.", body = Came),
        (status = 202, description = "It goes on after 20 seconds.", body = Came),
        NotFound,
    ),
)]
async fn retry(
    State(admin): State<Admin>,
    headers: HeaderMap,
    id: Result<Path<u64>, PathRejection>,
) -> Result<(StatusCode, Json<Came>), Problem> {
    let (id, _) = admin.find(&headers, Role::Moderator, id)?;
    let retrying = admin.parking.retry(id);
    let Ok(retried) = tokio::time::timeout(PATIENCE, retrying).await else {
        let running = Came {
            result: "running",
            handled: 0,
            left: 0,
            reason: None,
        };
        return Ok((StatusCode::ACCEPTED, Json(running)));
    };
    let Retried {
        handled,
        left,
        reason,
    } = retried.map_err(unanswered)?;
    let result = if left == 0 { "handled" } else { "parked" };
    let came = Came {
        result,
        handled,
        left,
        reason,
    };
    Ok((StatusCode::OK, Json(came)))
}

/// Forgets a parked message for good; the rest of its thread is then handled.
///
/// The reason is asked for in the query or as the body.
#[utoipa::path(
    delete,
    path = "/admin/parked/{id}",
    operation_id = "drop_parked",
    tag = "parked",
    params(
        ("id" = u64, Path, description = "The message."),
        ("reason" = Option<String>, Query, description = "Why it is dropped, for the record: 1 to 1000 characters."),
    ),
    request_body = Option<Why>,
    extensions(("x-role" = json!(Role::Admin))),
    responses((status = 200, description = "It is forgotten.", body = Dropped), NotFound),
)]
async fn drop_one(
    State(admin): State<Admin>,
    headers: HeaderMap,
    id: Result<Path<u64>, PathRejection>,
    why: Result<Query<Why>, QueryRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Dropped>, Problem> {
    let (id, principal) = admin.find(&headers, Role::Admin, id)?;
    let body = body?;
    let why = match why {
        Ok(Query(why)) => Some(why),
        Err(_) => serde_json::from_slice(&body).ok(),
    };
    let reason = why.map(|why| why.reason.trim().to_owned());
    let reason = reason.filter(|reason| !reason.is_empty()).ok_or_else(|| {
        Problem::bad_request("say why it is dropped: {\"reason\": \"…\"}, or ?reason=")
            .with_field("reason")
    })?;
    if reason.chars().count() > MAX_REASON {
        return Err(Problem::bad_request("`reason` is too long")
            .with_field("reason")
            .with_limit(format!("{MAX_REASON} characters")));
    }
    let left = admin
        .parking
        .drop_message(id, principal.name, reason)
        .await
        .map_err(unanswered)?;
    Ok(Json(Dropped { dropped: id, left }))
}

impl Admin {
    /// Finds a message that the token is for; one of another site is answered as one that is not.
    fn find(
        &self,
        headers: &HeaderMap,
        role: Role,
        id: Result<Path<u64>, PathRejection>,
    ) -> Result<(u64, Principal), Problem> {
        let principal = self.tokens.require(headers, role)?;
        let Path(id) = id.map_err(|_| unknown())?;
        let parked = self.parking.find(id).ok_or_else(unknown)?;
        let is_for = match &parked.thread {
            Some(thread) => principal.allows_site(&thread.site),
            None => principal.sites == Sites::All,
        };
        if is_for {
            Ok((id, principal))
        } else {
            Err(unknown())
        }
    }
}

fn unknown() -> Problem {
    Problem::not_found(
        "no message with this id is parked: it was handled or dropped, or never was; \
         GET /admin/parked lists those that are",
    )
}

fn unanswered(error: Unanswered) -> Problem {
    match error {
        Unanswered::Unknown => unknown(),
        Unanswered::Stopped => {
            Problem::unavailable("the role does not read from the bus at the moment", 5)
        }
    }
}

/// Writes microseconds since 1970 as RFC 3339.
fn time(micros: i64) -> Option<String> {
    let time = jiff::Timestamp::from_microsecond(micros).ok()?;
    Some(time.to_string())
}
