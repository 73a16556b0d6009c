//! The public listener: threads, comments and search, as JSON and as pages.
//!
//! Reading blocks on the disk, so it runs beside the runtime's own threads.

mod accept;
pub(crate) mod access;
mod activity;
pub(crate) mod admin;
mod api;
mod atom;
pub(crate) mod copied;
mod held;
mod html;
pub(crate) mod links;
mod nested;
mod pages;
mod params;
mod redactions;
mod said;
mod schema;
mod search;
mod sitemap;
mod transparency;
mod visit;
mod xml;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{Query, rejection::QueryRejection};
use serde::Deserialize;
use stoa_daemon::openapi::{Listener, OpenApiRouter, routes};
use stoa_daemon::{Context, Problem};
use stoa_proto::Time;

use self::access::Access;
use crate::engine::chain;
use crate::metrics::Metrics;
use crate::read::{Audience, Reader};
use crate::search::Search;
use crate::transparency::Log;
use crate::view::Error;

/// Entries of a page of a thread, at most and unless asked for fewer.
pub(crate) const PAGE: usize = 1_000;
/// Threads of a page of a site, at most.
const THREADS_MAX: usize = 500;
/// Threads of a page of a site, unless asked otherwise.
const THREADS: usize = 50;

/// What the public routes share.
#[derive(Clone, Debug)]
pub(crate) struct Public {
    pub(crate) reader: Reader,
    /// Absent where the configuration leaves it out.
    pub(crate) search: Option<Search>,
    pub(crate) access: Access,
    /// What absolute links begin with; empty where each request's `Host` says it.
    pub(crate) url: Arc<str>,
    pub(crate) metrics: Metrics,
    pub(crate) context: Context,
    /// The transparency log, if there is one.
    pub(crate) log: Option<Arc<Log>>,
    /// Whether anyone may read its checkpoints and tiles.
    pub(crate) is_log_open: bool,
}

/// The public listener, for its document.
pub(crate) const LISTENER: Listener = Listener {
    role: "archive",
    name: "public",
    about: "Threads, comments and search, as JSON, ActivityStreams and pages for people.",
    schemas: stoa_proto::component::schemas,
    has_keys: false,
};

/// Makes the public routes.
pub(crate) fn router(public: Public) -> Router {
    LISTENER.router(routes().with_state(public))
}

/// The public routes, for their document.
pub(crate) fn routes() -> OpenApiRouter<Public> {
    OpenApiRouter::default()
        .merge(programs())
        .merge(activities())
        .merge(people())
}

/// The routes for programs.
fn programs() -> OpenApiRouter<Public> {
    OpenApiRouter::default()
        .routes(routes!(api::sites))
        .routes(routes!(api::threads))
        .routes(routes!(api::thread))
        .routes(routes!(api::comment))
        .routes(routes!(search::search))
        .routes(routes!(transparency::proof))
        .routes(routes!(transparency::key))
        .routes(routes!(transparency::consistency))
        .routes(routes!(transparency::checkpoint))
        .routes(routes!(transparency::tile))
}

/// The routes of ActivityStreams.
fn activities() -> OpenApiRouter<Public> {
    OpenApiRouter::default()
        .routes(routes!(activity::routes::thread))
        .routes(routes!(activity::routes::article))
        .routes(routes!(activity::routes::comment))
        .routes(routes!(activity::routes::replies))
}

/// The routes for people, their readers of feeds, and crawlers.
fn people() -> OpenApiRouter<Public> {
    OpenApiRouter::default()
        .routes(routes!(search::page::page))
        .routes(routes!(pages::sites))
        .routes(routes!(pages::threads))
        .routes(routes!(pages::thread))
        .routes(routes!(pages::comment))
        .routes(routes!(pages::in_thread))
        .routes(routes!(pages::style))
        .routes(routes!(atom::site))
        .routes(routes!(atom::thread))
        .routes(routes!(sitemap::robots))
        .routes(routes!(sitemap::index))
        .routes(routes!(sitemap::site))
}

impl Public {
    /// Reads as [`Public::read`] does, what was archived by a time if one is given.
    async fn read_as_of<T: Send + 'static>(
        &self,
        what: &str,
        as_of: Option<i64>,
        read: impl FnOnce(&Reader) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Problem> {
        self.read(what, move |reader| match as_of {
            None => read(reader),
            Some(at) => read(&reader.before(reader.journal.first_since(at.saturating_add(1))?)),
        })
        .await
    }

    /// Reads beside the runtime's threads; `what` is one of [`crate::metrics::READS`].
    async fn read<T: Send + 'static>(
        &self,
        what: &str,
        read: impl FnOnce(&Reader) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Problem> {
        let started = Instant::now();
        let reader = self.reader.clone();
        let result = self
            .context
            .tasks
            .spawn_blocking(move || read(&reader))
            .await;
        self.metrics
            .read
            .with_label_values(&[what])
            .observe(started.elapsed().as_secs_f64());
        match result {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                tracing::error!(what, reason = chain(&error), "cannot read");
                Err(Problem::internal())
            }
            Err(error) => {
                tracing::error!(what, %error, "cannot read");
                Err(Problem::internal())
            }
        }
    }
}

/// What part of a list is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
struct PageQuery {
    after: Option<String>,
    limit: Option<usize>,
    shape: Option<String>,
    /// Whether a page of a collection is asked for.
    page: Option<bool>,
    /// Shows what was archived by then.
    as_of: Option<Time>,
}

impl PageQuery {
    /// Unwraps a query; 400 when it can't be read.
    fn of(query: Result<Query<Self>, QueryRejection>) -> Result<Self, Problem> {
        let Query(query) = query?;
        Ok(query)
    }

    /// Returns the time as of which is asked; 403 where what was taken back since would show.
    fn as_of(&self, audience: Audience) -> Result<Option<i64>, Problem> {
        if self.as_of.is_some() && audience == Audience::Public {
            let detail =
                "`as_of` shows what was taken back since: it needs a token with the role viewer";
            return Err(Problem::forbidden(detail).with_field("as_of"));
        }
        Ok(self.as_of.as_ref().map(Time::micros))
    }

    /// Returns how many entries are asked for: 400 when none or too many.
    fn limit(&self, default: usize, most: usize) -> Result<usize, Problem> {
        match self.limit {
            None => Ok(default),
            Some(limit) if (1..=most).contains(&limit) => Ok(limit),
            Some(_) => Err(Problem::bad_request("`limit` is out of range")
                .with_field("limit")
                .with_limit(format!("1 to {most}"))),
        }
    }
}

/// The answer where there is nothing, or nothing for this reader.
fn nothing() -> Problem {
    Problem::not_found("nothing is archived here, or it may not be shown")
}
