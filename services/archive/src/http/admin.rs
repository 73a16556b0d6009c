//! The admin routes: how far journal and view are, and what is held.
//!
//! - `GET /admin/status`: how far journal and view are.
//! - `POST /admin/held`: which events are not held.
//! - `/admin/redactions`: what is to be forgotten, see [`super::redactions`].

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderMap;
use axum::{Json, Router};
use serde::Serialize;
use stoa_bus::Bus;
use stoa_daemon::auth::{Role, Tokens};
use stoa_daemon::openapi::{Listener, OpenApiRouter, UtoipaMethodRouterExt as _, routes};
use stoa_daemon::{Context, Problem};
use stoa_journal::Journal;
use utoipa::ToSchema;

use super::{held, redactions};
use crate::config::RedactionConfig;
use crate::search::{self, Search};
use crate::view::Index;

/// The admin listener, for its document.
pub(crate) const LISTENER: Listener = Listener {
    role: "archive",
    name: "admin",
    about: "Redactions, what is held, and what is parked, for operators.",
    schemas: stoa_proto::component::schemas,
    has_keys: false,
};

/// The admin routes, for their document.
pub(crate) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::default()
        .routes(routes!(status))
        .routes(routes!(held::ask).layer(DefaultBodyLimit::max(held::MAX_BODY)))
        .merge(redactions::routes())
}

/// What the admin routes share.
#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) tokens: Tokens,
    pub(crate) journal: Journal,
    pub(crate) index: Arc<Index>,
    pub(crate) search: Option<Search>,
    pub(crate) bus: Bus,
    pub(crate) redaction: RedactionConfig,
    pub(crate) context: Context,
}

/// How the archive is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ArchiveStatus)]
struct Report {
    journal: JournalReport,
    view: ViewReport,
    /// `null` where the configuration leaves it out.
    search: Option<search::Report>,
    bus: BusReport,
}

/// How far the journal is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JournalStatus)]
struct JournalReport {
    /// Sequence number of the first record that is kept.
    first: u64,
    /// Sequence number that the next record will have.
    next: u64,
    bytes: u64,
}

/// How far the view is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ViewStatus)]
struct ViewReport {
    /// Sequence number of the record that the view applies next.
    applied: u64,
    /// Records that the view does not have yet.
    lag: u64,
}

/// Whether events come.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BusStatus)]
struct BusReport {
    ready: bool,
    detail: String,
}

impl Admin {
    /// Makes the routes, with those for what is parked.
    pub(crate) fn router(self, parked: OpenApiRouter) -> Router {
        LISTENER.router(routes().with_state(self).merge(parked))
    }
}

/// How far journal, view and search index are.
#[utoipa::path(
    get,
    path = "/admin/status",
    operation_id = "get_status",
    tag = "status",
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "How it is.", body = Report)),
)]
async fn status(State(admin): State<Admin>, headers: HeaderMap) -> Result<Json<Report>, Problem> {
    admin.tokens.require(&headers, Role::Viewer)?;
    let applied = admin.index.applied();
    let next = admin.journal.next();
    let journal = JournalReport {
        first: admin.journal.first(),
        next,
        bytes: admin.journal.bytes(),
    };
    let view = ViewReport {
        applied,
        lag: next.saturating_sub(applied),
    };
    let bus = admin.bus.status();
    let bus = BusReport {
        ready: bus.ready().is_ok(),
        detail: bus.detail,
    };
    let search = admin.search.as_ref().map(Search::report);
    Ok(Json(Report {
        journal,
        view,
        search,
        bus,
    }))
}
