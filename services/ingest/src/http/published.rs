//! The admin routes for what was published to `stoa.content`: to compare it with what readers
//! hold, and to send it again.
//!
//! - `GET /admin/published?from=&since=&settle=&limit=`: what each event is known by, oldest first.
//! - `POST /admin/published/resend`: sends the events of records again, byte for byte.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use stoa_bus::{Asked, Published, Resent};
use stoa_daemon::Problem;
use stoa_daemon::auth::Role;
use stoa_journal::Record;
use stoa_proto::{Event, limits};
use utoipa::ToSchema;

use super::rejections::Admin;
use crate::outgoing;
use crate::record::{ACCEPTED, Accepted, Unreadable};

/// Reads the event that a record holds, if it was accepted and not erased.
fn events(record: &Record) -> anyhow::Result<Vec<Event>> {
    if record.kind != ACCEPTED || record.redacted {
        return Ok(Vec::new());
    }
    let accepted = Accepted::decode(&record.payload).ok_or(Unreadable {
        seq: record.seq,
        kind: record.kind,
    })?;
    Ok(vec![Event::from_json(&accepted.event)?])
}

/// Lists what was published to the broker, oldest first: what each event is known by.
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
    admin.allow(&headers, Role::Admin)?;
    let Query(asked) = query?;
    let page = move |admin: &Admin| {
        let now = admin.context.clock.micros();
        admin.outbox.page(&asked, now, events)
    };
    admin.blocking(page).await.map(Json)
}

/// What is to be sent again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Resend)]
pub(super) struct Again {
    /// The sequence numbers of the records.
    #[schema(max_items = 10_000)]
    seqs: Vec<u64>,
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
    let principal = admin.allow(&headers, Role::Admin)?;
    let Json(Again { seqs }) = body?;
    if seqs.len() > limits::REFERENCES {
        return Err(Problem::bad_request("send fewer at a time")
            .with_field("seqs")
            .with_limit(limits::REFERENCES.to_string()));
    }
    let asked = seqs.len();
    let map = |record: Record| {
        // The news of a rejection is for platforms, and not sent again.
        if record.kind == ACCEPTED {
            outgoing::of(&record).unwrap_or_default()
        } else {
            Vec::new()
        }
    };
    let publisher = admin.bus.publisher();
    let resent = admin.outbox.resend(&publisher, seqs, map).await;
    let resent = resent.map_err(|error| {
        tracing::warn!(error = %error, "events could not be sent again");
        Problem::unavailable(error.to_string(), 5)
    })?;
    let sent = resent.resent.len();
    tracing::info!(by = principal.name, asked, sent, "events were sent again");
    Ok(Json(resent))
}
