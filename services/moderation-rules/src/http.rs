//! The admin routes: cases and their decisions, the log of decisions, authors and their sanctions, the
//! rule set and its versions, what is held and what was published.
//!
//! Every route needs a token. A token sees the sites that it is for, and nothing of the others:
//! what belongs to another site is answered 404, as what does not exist.

pub(crate) mod authors;
pub(crate) mod case;
pub(crate) mod cases;
pub(crate) mod decisions;
mod held;
pub(crate) mod moderate;
mod published;
pub(crate) mod rules;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::http::StatusCode;
use axum::{Router, routing};
use stoa_bus::{Bus, OutboxHandle};
use stoa_daemon::auth::Tokens;
use stoa_daemon::{Context, Problem};
use stoa_journal::Journal;
use tokio::sync::Semaphore;

use crate::config::{BreakerConfig, EngineConfig};
use crate::engine::Handle;
use crate::live::Rules;
use crate::record::Stored;
use crate::view::Index;

/// Entries of a page, unless the request says otherwise.
const DEFAULT_LIMIT: usize = 50;
/// Entries of a page at most.
const MAX_LIMIT: usize = 500;
/// Rows that one request looks at; a filter that finds little answers a page with few entries and
/// a cursor.
const MAX_SCAN: usize = 20_000;

/// What the admin routes share.
#[derive(Clone, Debug)]
pub(crate) struct Admin {
    pub(crate) tokens: Tokens,
    pub(crate) journal: Journal,
    pub(crate) index: Arc<Index>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) engine: Handle,
    pub(crate) outbox: OutboxHandle,
    pub(crate) bus: Bus,
    pub(crate) engine_config: EngineConfig,
    pub(crate) breaker: BreakerConfig,
    /// Held while a request compiles rule sets, so that requests can't take all processors.
    pub(crate) compiling: Arc<Semaphore>,
    pub(crate) context: Context,
}

impl Admin {
    /// The routes.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/admin/cases", routing::get(cases::list))
            .route("/admin/cases/{case}", routing::get(case::one))
            .route("/admin/cases/{case}/decision", routing::post(case::decide))
            .route("/admin/decisions", routing::get(decisions::list))
            .route("/admin/decisions/{decision}", routing::get(decisions::one))
            .route("/admin/authors/{site}/{author}", routing::get(authors::one))
            .route(
                "/admin/authors/{site}/{author}/sanctions",
                routing::post(authors::sanction),
            )
            .route("/admin/published", routing::get(published::list))
            .route("/admin/published/resend", routing::post(published::resend))
            .route(
                "/admin/held",
                routing::post(held::ask).layer(DefaultBodyLimit::max(held::MAX_BODY)),
            )
            .merge(rules::routes())
            .fallback(nothing)
            .with_state(self)
    }

    /// Reads off the runtime's threads: it waits for the disk.
    async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Self) -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let admin = self.clone();
        match self
            .context
            .tasks
            .spawn_blocking(move || read(&admin))
            .await
        {
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

    /// Reads a record; none if it was erased.
    fn stored(&self, seq: u64) -> anyhow::Result<Option<Stored>> {
        match self.journal.read_seq(seq)? {
            Some(record) => Ok(Stored::read(&record)?),
            None => Ok(None),
        }
    }
}

async fn nothing() -> Problem {
    Problem::not_found("there is nothing at this address")
}

fn limit(asked: Option<usize>) -> usize {
    asked.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err takes"
)]
fn bad_query(error: QueryRejection) -> Problem {
    Problem::bad_request(error.body_text())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err takes"
)]
fn bad_body(error: JsonRejection) -> Problem {
    let status = match error.status() {
        StatusCode::UNSUPPORTED_MEDIA_TYPE | StatusCode::PAYLOAD_TOO_LARGE => error.status(),
        _ => StatusCode::BAD_REQUEST,
    };
    Problem::new(status, "invalid_body").with_detail(error.body_text())
}

fn stopped() -> Problem {
    Problem::unavailable("decisions can't be made durable at the moment", 5)
}

/// Writes microseconds since 1970 as RFC 3339.
fn time(micros: i64) -> Option<String> {
    jiff::Timestamp::from_microsecond(micros)
        .ok()
        .map(|at| at.to_string())
}
