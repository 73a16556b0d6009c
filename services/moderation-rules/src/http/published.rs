//! The admin routes for what follows from the records: to compare it with what the archive holds,
//! and to send it again.
//!
//! - `GET /admin/published?from=&since=&settle=&limit=`: what each event is known by, oldest first.
//! - `POST /admin/published/resend`: sends the events of records again, byte for byte, to the
//!   archive; with `decisions`, decisions to platforms too.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use stoa_bus::{Asked, Published, Resent};
use stoa_daemon::Problem;
use stoa_daemon::auth::Role;
use stoa_journal::Record;
use stoa_proto::{Event, Exchange, limits};

use super::Admin;
use crate::record::Stored;

/// Reads the events that follow from a record.
fn events(record: &Record) -> anyhow::Result<Vec<Event>> {
    let stored = Stored::read(record)?;
    let outputs = stored.map(|stored| stored.outputs).unwrap_or_default();
    let events = outputs.iter().map(|body| Event::from_json(body));
    Ok(events.collect::<Result<_, _>>()?)
}

/// Lists what was published, oldest first: what each event is known by.
#[utoipa::path(
    get,
    path = "/admin/published",
    operation_id = "list_published",
    tag = "published",
    params(Asked),
    extensions(("x-role" = json!(Role::Admin)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "A page.", body = Published)),
)]
pub(super) async fn list(
    State(admin): State<Admin>,
    headers: HeaderMap,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Published>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Admin)?;
    principal.require_all_sites()?;
    let Query(asked) = query?;
    let page = move |admin: &Admin| {
        let now = admin.context.clock.micros();
        admin.outbox.page(&asked, now, events)
    };
    admin.blocking(page).await.map(Json)
}

/// What is to be sent again.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Resend)]
pub(super) struct Again {
    /// The records.
    seqs: Vec<u64>,
    /// Whether platforms are sent their decisions again.
    #[serde(default)]
    decisions: bool,
}

/// Sends events again, byte for byte; the broker has confirmed them when this is answered.
#[utoipa::path(
    post,
    path = "/admin/published/resend",
    operation_id = "resend_published",
    tag = "published",
    request_body = Again,
    extensions(("x-role" = json!(Role::Admin)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "What was sent.", body = Resent)),
)]
pub(super) async fn resend(
    State(admin): State<Admin>,
    headers: HeaderMap,
    body: Result<Json<Again>, JsonRejection>,
) -> Result<Json<Resent>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Admin)?;
    principal.require_all_sites()?;
    let Json(Again { seqs, decisions }) = body?;
    if seqs.len() > limits::REFERENCES {
        return Err(Problem::bad_request("send fewer at a time")
            .with_field("seqs")
            .with_limit(limits::REFERENCES.to_string()));
    }
    let asked = seqs.len();
    let map = move |record: Record| {
        // What can't be read has stopped the outbox before.
        let stored = Stored::read(&record).ok().flatten();
        let mut outgoing = stored.map(|stored| stored.outgoing()).unwrap_or_default();
        outgoing.retain(|event| decisions || event.exchange != Exchange::Decisions);
        outgoing
    };
    let publisher = admin.bus.publisher();
    let resent = admin.outbox.resend(&publisher, seqs, map).await;
    let resent = resent.map_err(|error| {
        tracing::warn!(error = %error, "events could not be sent again");
        Problem::unavailable(error.to_string(), 5)
    })?;
    let sent = resent.resent.len();
    tracing::info!(
        by = principal.name,
        asked,
        sent,
        decisions,
        "events were sent again"
    );
    Ok(Json(resent))
}
