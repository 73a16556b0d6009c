//! The admin routes: what was rejected and why, with the original bytes.
//!
//! - `GET /admin/rejections?code=&after=&limit=`: newest first; `next` of one page is `after` of
//!   the next, and absent on the last.
//! - `GET /admin/rejections/{seq}`: one rejection.
//! - `GET /admin/rejections/{seq}/original`: the bytes as they came; these are somebody's words,
//!   so they need the role moderator.
//! - `GET /admin/status`: what waits for the broker.
//! - `/admin/published`: see [`published`].
//!
//! A rejection can't be told to belong to a site, so the token must be for all sites.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use stoa_bus::{Bus, OutboxHandle};
use stoa_daemon::auth::{Principal, Role, Tokens};
use stoa_daemon::openapi::{Listener, NotFound, OpenApiRouter, routes};
use stoa_daemon::{Context, Problem};
use stoa_journal::Journal;
use stoa_proto::Code;
use utoipa::ToSchema;

use super::published;
use crate::budget::Budget;
use crate::record::{Refusal, Rejected};
use crate::view::Index;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

/// The admin listener, for its document.
pub(crate) const LISTENER: Listener = Listener {
    role: "ingest",
    name: "admin",
    about: "What was refused, parked and published, for operators.",
    schemas: stoa_proto::component::schemas,
    has_keys: false,
};

/// The admin routes, for their document.
pub(crate) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(original))
        .routes(routes!(status))
        .routes(routes!(published::list))
        .routes(routes!(published::resend))
}

/// What the admin routes share.
#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) tokens: Tokens,
    pub(crate) journal: Journal,
    pub(crate) index: Arc<Index>,
    pub(crate) outbox: OutboxHandle,
    pub(crate) budget: Budget,
    pub(crate) bus: Bus,
    pub(crate) context: Context,
}

impl Admin {
    /// The routes, with those for what is parked.
    pub(crate) fn router(self, parked: OpenApiRouter) -> Router {
        LISTENER.router(routes().with_state(self).merge(parked))
    }

    /// Who sent a request, if the token has the role and is for all sites.
    pub(super) fn allow(&self, headers: &HeaderMap, role: Role) -> Result<Principal, Problem> {
        let principal = self.tokens.require(headers, role)?;
        principal.require_all_sites()?;
        Ok(principal)
    }

    /// Reads off the runtime's threads: it waits for the disk.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Self) -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let admin = self.clone();
        let result = self
            .context
            .tasks
            .spawn_blocking(move || read(&admin))
            .await;
        match result {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "cannot read what was asked for"
                );
                Err(Problem::internal())
            }
            Err(_) => Err(Problem::internal()),
        }
    }

    fn rejected(&self, seq: u64) -> anyhow::Result<Option<Rejected>> {
        if !self.index.is_rejection(seq)? {
            return Ok(None);
        }
        let record = self.journal.read_seq(seq)?;
        Ok(record
            .filter(|record| !record.redacted)
            .and_then(|record| Rejected::decode(&record.payload)))
    }

    async fn find(&self, seq: u64) -> Result<Rejected, Problem> {
        self.blocking(move |admin| admin.rejected(seq))
            .await?
            .ok_or_else(|| Problem::not_found("no rejection has this number, or it is too old"))
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Page {
    /// Those with this code alone.
    code: Option<Code>,
    /// `next` of the page before.
    after: Option<u64>,
    /// Rejections of a page.
    #[param(default = 50, minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// A message that was rejected, and why.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rejected)]
struct Listed {
    /// Its number.
    seq: u64,
    #[serde(flatten)]
    refusal: Refusal,
}

/// A page of rejections, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RejectionPage)]
struct Listing {
    rejections: Vec<Listed>,
    /// `after` of the next page; null on the last.
    next: Option<u64>,
}

/// Lists what was rejected and why, newest first.
#[utoipa::path(
    get,
    path = "/admin/rejections",
    operation_id = "list_rejections",
    tag = "rejections",
    params(Page),
    extensions(("x-role" = json!(Role::Viewer)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "A page.", body = Listing)),
)]
async fn list(
    State(admin): State<Admin>,
    headers: HeaderMap,
    page: Result<Query<Page>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Listing>, Problem> {
    admin.allow(&headers, Role::Viewer)?;
    let Query(page) = page?;
    let limit = page.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let before = page.after.unwrap_or(u64::MAX);
    let listing = admin
        .blocking(move |admin| {
            let seqs = admin.index.rejections(page.code, before, limit)?;
            let next = seqs.last().copied().filter(|_| seqs.len() == limit);
            let mut rejections = Vec::with_capacity(seqs.len());
            for seq in seqs {
                if let Some(rejected) = admin.rejected(seq)? {
                    rejections.push(Listed {
                        seq,
                        refusal: rejected.refusal,
                    });
                }
            }
            Ok(Listing { rejections, next })
        })
        .await?;
    Ok(Json(listing))
}

/// One rejection.
#[utoipa::path(
    get,
    path = "/admin/rejections/{seq}",
    operation_id = "get_rejection",
    tag = "rejections",
    params(("seq" = u64, Path, description = "Its number.")),
    extensions(("x-role" = json!(Role::Viewer)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "The rejection.", body = Listed), NotFound),
)]
async fn one(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(seq): Path<u64>,
) -> Result<Json<Listed>, Problem> {
    admin.allow(&headers, Role::Viewer)?;
    let refusal = admin.find(seq).await?.refusal;
    Ok(Json(Listed { seq, refusal }))
}

/// The bytes of a rejected message as they came.
///
/// These are somebody's words.
#[utoipa::path(
    get,
    path = "/admin/rejections/{seq}/original",
    operation_id = "get_rejection_original",
    tag = "rejections",
    params(("seq" = u64, Path, description = "The rejection's number.")),
    extensions(("x-role" = json!(Role::Moderator)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "The bytes.", body = Vec<u8>), NotFound),
)]
async fn original(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(seq): Path<u64>,
) -> Result<Response, Problem> {
    admin.allow(&headers, Role::Moderator)?;
    let rejected = admin.find(seq).await?;
    if rejected.refusal.original_digest.is_some() {
        return Err(Problem::not_found(
            "the message was too large to be kept here: it is parked, see GET /admin/parked",
        ));
    }
    // Never shown as a page: the bytes are what a stranger sent.
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"rejection-{seq}\""),
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Ok((headers, rejected.original).into_response())
}

/// How ingest is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IngestStatus)]
struct Status {
    /// Whether events are accepted.
    accepting: bool,
    /// Why not.
    reason: Option<String>,
    broker: Broker,
    waiting: Waiting,
}

/// The connection to the broker.
#[derive(Debug, Serialize, ToSchema)]
struct Broker {
    connected: bool,
    /// Whether the broker takes nothing, because its memory or disk is short.
    blocked: bool,
    detail: String,
}

/// What the broker has not confirmed yet.
#[derive(Debug, Serialize, ToSchema)]
struct Waiting {
    records: u64,
    bytes: u64,
    oldest_seconds: i64,
}

/// Whether events are accepted, and what waits for the broker.
#[utoipa::path(
    get,
    path = "/admin/status",
    operation_id = "get_status",
    tag = "status",
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "How it is.", body = Status)),
)]
async fn status(State(admin): State<Admin>, headers: HeaderMap) -> Result<Json<Status>, Problem> {
    admin.tokens.require(&headers, Role::Viewer)?;
    let reason = admin.budget.check().err();
    let bus = admin.bus.status();
    let age = admin
        .outbox
        .oldest_age_us(admin.context.clock.micros())
        .unwrap_or_default();
    Ok(Json(Status {
        accepting: reason.is_none(),
        reason,
        broker: Broker {
            connected: bus.connected,
            blocked: bus.blocked,
            detail: bus.detail,
        },
        waiting: Waiting {
            records: admin.outbox.pending_records(),
            bytes: admin.outbox.pending_bytes(),
            oldest_seconds: age / 1_000_000,
        },
    }))
}
