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

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Json, Router, body, routing};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use stoa_bus::{Attempt, Filter, Parked, Parking, Retried, Unanswered};
use stoa_daemon::auth::{Principal, Role, Sites, Tokens};
use stoa_daemon::{Context, Problem};
use stoa_proto::codec::Message;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;
/// After so long the answer is that the retry goes on.
const PATIENCE: Duration = Duration::from_secs(20);
/// Characters of the reason for which a message is dropped.
const MAX_REASON: usize = 1_000;

#[derive(Clone)]
struct Admin {
    parking: Parking,
    tokens: Tokens,
    context: Context,
}

/// Makes the routes.
pub fn router(parking: Parking, tokens: Tokens, context: &Context) -> Router {
    Router::new()
        .route("/admin/parked", routing::get(list))
        .route("/admin/parked/{id}", routing::get(one).delete(drop_one))
        .route("/admin/parked/{id}/retry", routing::post(retry))
        .with_state(Admin {
            parking,
            tokens,
            context: context.clone(),
        })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    site: Option<String>,
    thread: Option<String>,
    limit: Option<usize>,
    cursor: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Listing {
    parked: Vec<Shown>,
    next: Option<u64>,
}

/// A parked message, without its words.
#[derive(Debug, Serialize)]
struct Shown {
    id: u64,
    /// `refused`, or `waiting` behind another of its thread.
    state: &'static str,
    site: Option<String>,
    thread: Option<String>,
    event: Option<String>,
    source: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    reason: Option<String>,
    behind: Option<u64>,
    attempts: u32,
    last_attempt: Option<Tried>,
    parked_at: Option<String>,
    bytes: u64,
}

#[derive(Clone, Debug, Serialize)]
struct Tried {
    at: Option<String>,
    reason: String,
}

/// A parked message with all that is kept of it.
#[derive(Debug, Serialize)]
struct Whole {
    #[serde(flatten)]
    shown: Shown,
    /// The last attempts, latest first.
    history: Vec<Tried>,
    content_type: Option<String>,
    headers: Vec<(String, String)>,
    /// The body if it is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// The body if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

/// What came of a retry.
#[derive(Debug, Serialize)]
struct Came {
    /// `handled`, `parked` or `running`.
    result: &'static str,
    handled: u64,
    left: u64,
    reason: Option<String>,
}

#[derive(Debug, Serialize)]
struct Dropped {
    dropped: u64,
    left: u64,
}

#[derive(Debug, Deserialize)]
struct Why {
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

async fn list(
    State(admin): State<Admin>,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Listing>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Viewer)?;
    let Query(asked) = asked.map_err(|error| Problem::bad_request(error.body_text()))?;
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

async fn drop_one(
    State(admin): State<Admin>,
    headers: HeaderMap,
    id: Result<Path<u64>, PathRejection>,
    why: Result<Query<Why>, QueryRejection>,
    body: body::Bytes,
) -> Result<Json<Dropped>, Problem> {
    let (id, principal) = admin.find(&headers, Role::Admin, id)?;
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
