//! The admin routes: how far journal and view are, and what is held.
//!
//! - `GET /admin/status`: how far journal and view are.
//! - `POST /admin/held`: which events are not held.
//! - `/admin/redactions`: what is to be forgotten, see [`super::redactions`].

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use stoa_bus::Bus;
use stoa_daemon::auth::{Role, Tokens};
use stoa_daemon::{Context, Problem};
use stoa_journal::Journal;

use super::{held, redactions};
use crate::config::RedactionConfig;
use crate::search::{self, Search};
use crate::view::Index;

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

#[derive(Debug, Serialize)]
struct Report {
    journal: JournalReport,
    view: ViewReport,
    /// `null` where the configuration leaves it out.
    search: Option<search::Report>,
    bus: BusReport,
}

#[derive(Debug, Serialize)]
struct JournalReport {
    /// Sequence number of the first record that is kept.
    first: u64,
    /// Sequence number that the next record will have.
    next: u64,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct ViewReport {
    /// Sequence number of the record that the view applies next.
    applied: u64,
    /// Records that the view does not have yet.
    lag: u64,
}

#[derive(Debug, Serialize)]
struct BusReport {
    ready: bool,
    detail: String,
}

impl Admin {
    /// Makes the routes.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/admin/status", get(status))
            .route(
                "/admin/held",
                post(held::ask).layer(DefaultBodyLimit::max(held::MAX_BODY)),
            )
            .merge(redactions::router())
            .with_state(self)
    }
}

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
