//! The admin routes: cases, what moderators do at them and their decisions, the log of decisions, authors and their sanctions, the
//! rule set and its versions, what is held and what was published.
//!
//! Every route needs a token. A token sees the sites that it is for, and nothing of the others:
//! what belongs to another site is answered 404, as what does not exist.

pub(crate) mod appeal_page;
mod appeals;
pub(crate) mod authors;
mod bulk;
pub(crate) mod case;
pub(crate) mod cases;
pub(crate) mod compat;
pub(crate) mod decisions;
mod desk;
mod feed;
mod held;
pub(crate) mod idempotency;
mod insights;
pub(crate) mod judging;
pub(crate) mod moderate;
mod published;
mod reasons;
pub(crate) mod rules;
mod statements;
mod texts;
mod transparency;
mod undo;
mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderMap;
use stoa_bus::{Bus, OutboxHandle};
use stoa_daemon::auth::{Principal, Role, Tokens};
use stoa_daemon::openapi::{Listener, OpenApiRouter, UtoipaMethodRouterExt as _, routes};
use stoa_daemon::{Context, Problem};
use stoa_journal::Journal;
use tokio::sync::Semaphore;

use self::rules::backtests::Backtests;
use self::rules::draft::Drafts;
use crate::config::{BreakerConfig, EngineConfig, ReviewConfig};
use crate::engine::Handle;
use crate::engine::review::Moderator;
use crate::live::Rules;
use crate::record::Stored;
use crate::statement::Statements;
use crate::view::{DECISIONS, Index, decision_key};
use crate::webhooks::Webhooks;

/// Entries of a page, unless the request says otherwise.
const DEFAULT_LIMIT: usize = 50;
/// Entries of a page at most.
const MAX_LIMIT: usize = 500;
/// Rows that one request looks at; a filter that finds little answers a page with few entries and
/// a cursor.
const MAX_SCAN: usize = 20_000;

/// Requests that watch the queue at a time.
pub(crate) const MAX_WATCHING: usize = 256;

/// The header by which a request calls itself.
const KEY: &str = "idempotency-key";
/// Bytes of its value.
const MAX_KEY: usize = 256;

/// The admin listener, for its document.
pub(crate) const LISTENER: Listener = Listener {
    role: "moderation-rules",
    name: "admin",
    about: "The review desk and the rules: cases, appeals, decisions, authors, texts, rule sets.",
    schemas: stoa_proto::component::schemas,
    has_keys: true,
};

/// The admin routes, for their document.
pub(crate) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::default()
        .routes(routes!(cases::list))
        .routes(routes!(case::one))
        .routes(routes!(case::decide))
        .merge(desk::routes())
        .routes(routes!(bulk::decide))
        .routes(routes!(bulk::undo_all))
        .routes(routes!(reasons::list))
        .routes(routes!(feed::follow))
        .merge(appeals::routes())
        .routes(routes!(statements::list))
        .routes(routes!(transparency::report))
        .routes(routes!(decisions::list))
        .routes(routes!(decisions::one))
        .routes(routes!(undo::decision))
        .routes(routes!(authors::one))
        .routes(routes!(authors::sanction))
        .routes(routes!(published::list))
        .routes(routes!(published::resend))
        .routes(routes!(held::ask).layer(DefaultBodyLimit::max(held::MAX_BODY)))
        .routes(routes!(insights::show))
        .merge(webhooks::routes())
        .merge(texts::routes())
        .merge(rules::routes())
}

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
    pub(crate) review: Arc<ReviewConfig>,
    pub(crate) statements: Arc<Statements>,
    /// The countries that restrictions are for.
    pub(crate) territories: Arc<[String]>,
    /// Held while a request compiles rule sets, so that requests can't take all processors.
    pub(crate) compiling: Arc<Semaphore>,
    /// Those who watch the queue.
    pub(crate) watching: Arc<Semaphore>,
    pub(crate) drafts: Drafts,
    pub(crate) backtests: Backtests,
    /// None if no endpoint is configured.
    pub(crate) webhooks: Option<Webhooks>,
    pub(crate) context: Context,
}

impl Admin {
    /// The routes, with those for what is parked.
    pub(crate) fn router(self, parked: OpenApiRouter) -> Router {
        let api = routes().with_state(self).merge(parked);
        LISTENER.router(api).fallback(nothing)
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

    /// Reads the record of a decision.
    fn made(&self, decision: &str) -> anyhow::Result<Option<Stored>> {
        let Some(key) = decision_key(decision) else {
            return Ok(None);
        };
        let seq = self.index.view.get(&DECISIONS, &key)?;
        Ok(seq.map(|seq| self.stored(seq)).transpose()?.flatten())
    }
}

async fn nothing() -> Problem {
    Problem::not_found("there is nothing at this address")
}

fn limit(asked: Option<usize>) -> usize {
    asked.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT)
}

fn wrong(field: &str, detail: impl Into<String>) -> Problem {
    Problem::bad_request(detail)
        .with_code("invalid_field")
        .with_field(field)
}

/// Returns what the request calls itself.
fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(KEY) else {
        return Ok(None);
    };
    let key = value.to_str().ok().filter(|key| key.len() <= MAX_KEY);
    let detail = format!("use up to {MAX_KEY} letters, digits and signs of ASCII");
    key.map(|key| Some(key.to_owned()))
        .ok_or_else(|| wrong(KEY, detail).with_limit(format!("{MAX_KEY} bytes")))
}

/// Returns who asks, as the engine knows them.
fn moderator(principal: &Principal) -> Moderator {
    Moderator {
        name: principal.name.clone(),
        is_admin: principal.role.at_least(Role::Admin),
    }
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
