//! Threads and comments as JSON.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::{Value, json};
use stoa_daemon::Problem;
use stoa_proto::Time;

use super::visit::{Allowed, Visit};
use super::{PAGE, PageQuery, Public, THREADS, THREADS_MAX, links, nested, nothing};
use crate::read::thread::{Page, ThreadPage};
use crate::read::version::{Read, Version};
use crate::read::{Audience, Reader};
use crate::row::ArticleRow;
use crate::view::Error;

type PageQueryResult = Result<Query<PageQuery>, QueryRejection>;

/// A thread in a site's list.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ThreadEntry {
    pub(super) thread: String,
    pub(super) title: Option<String>,
    pub(super) removed: bool,
    /// Comments that the archive holds.
    pub(super) comments: u64,
    /// When the latest revision of one of them was written.
    pub(super) last_activity_at: Option<Time>,
    pub(super) url: String,
}

impl ThreadEntry {
    /// Reads what the list says of a thread.
    pub(super) fn read(
        reader: &Reader,
        thread: String,
        row: &ArticleRow,
        audience: Audience,
        url: String,
    ) -> Result<Self, Error> {
        let article = reader.article(&thread, row, audience)?;
        Ok(Self {
            title: article
                .and_then(|article| article.words)
                .map(|words| words.title),
            removed: row.is_removed(),
            comments: row.n_comments,
            last_activity_at: row
                .last_activity
                .and_then(|at| jiff::Timestamp::from_microsecond(at).ok())
                .map(Time::from_timestamp),
            url,
            thread,
        })
    }
}

/// A page of a site's list.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ThreadList {
    pub(super) site: String,
    pub(super) threads: Vec<ThreadEntry>,
    pub(super) next: Option<String>,
}

/// `GET /v1/sites`
pub(super) async fn sites(
    State(public): State<Public>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({"sites": list_sites(&public, &headers).await?})))
}

/// `GET /v1/sites/{site}/threads`
pub(super) async fn threads(
    State(public): State<Public>,
    Path(site): Path<String>,
    query: PageQueryResult,
    visit: Visit,
) -> Result<Response, Problem> {
    let query = PageQuery::of(query)?;
    let (list, allowed) = list_threads(&public, site, &query, &visit).await?;
    Ok(allowed.answer(list, |list| Json(list).into_response()))
}

/// `GET /v1/sites/{site}/threads/{thread}`
pub(super) async fn thread(
    State(public): State<Public>,
    Path((site, thread)): Path<(String, String)>,
    query: PageQueryResult,
    visit: Visit,
) -> Result<Response, Problem> {
    let query = PageQuery::of(query)?;
    let nest = match query.shape.as_deref() {
        None | Some("flat") => false,
        Some("nested") => true,
        Some(_) => {
            return Err(Problem::bad_request("`shape` is `flat` or `nested`").with_field("shape"));
        }
    };
    let (read, allowed) = read_thread(&public, (site, thread), &query, &visit).await?;
    Ok(allowed.answer(read, |thread| {
        if nest {
            nested_thread(thread).into_response()
        } else {
            Json(thread).into_response()
        }
    }))
}

fn nested_thread(thread: ThreadPage) -> Result<Json<Value>, Problem> {
    let nested = nested::nest(&thread.comments).map_err(|error| {
        tracing::error!(%error, "cannot nest a thread");
        Problem::internal()
    })?;
    let ThreadPage {
        site,
        thread,
        as_of,
        article,
        counts,
        next,
        ..
    } = thread;
    Ok(Json(json!({
        "site": site,
        "thread": thread,
        "as_of": as_of,
        "article": article,
        "shape": "nested",
        "comments": nested,
        "counts": counts,
        "next": next,
    })))
}

/// `GET /v1/sites/{site}/comments/{comment}`
pub(super) async fn comment(
    State(public): State<Public>,
    Path((site, comment)): Path<(String, String)>,
    query: PageQueryResult,
    visit: Visit,
) -> Result<Response, Problem> {
    let query = PageQuery::of(query)?;
    let allowed = visit.of(&public, &site)?;
    let as_of = query.as_of(allowed.audience)?;
    let asked = allowed.clone();
    let read = public.read_as_of("comment", as_of, move |reader| {
        reader.history(&site, &comment, asked.audience, |version| {
            asked.has(version)
        })
    });
    let read = read.await?.ok_or_else(nothing)?;
    Ok(allowed.answer(read, |history| Json(history).into_response()))
}

/// Reads the page of a thread that a request asks for.
pub(super) async fn read_thread(
    public: &Public,
    (site, thread): (String, String),
    query: &PageQuery,
    visit: &Visit,
) -> Result<(Read<ThreadPage>, Allowed), Problem> {
    let allowed = visit.of(public, &site)?;
    let page = Page {
        after: query.after.clone(),
        limit: query.limit(PAGE, PAGE)?,
    };
    let as_of = query.as_of(allowed.audience)?;
    let asked = allowed.clone();
    let read = public.read_as_of("thread", as_of, move |reader| {
        reader.thread(&site, &thread, asked.audience, &page, |version| {
            asked.has(version)
        })
    });
    let mut read = read.await?.ok_or_else(nothing)?;
    if let Read::New(_, thread) = &mut read {
        thread.as_of.clone_from(&query.as_of);
        #[expect(clippy::cast_precision_loss, reason = "no thread has 2^52 comments")]
        public.metrics.thread.observe(thread.counts.held as f64);
    }
    Ok((read, allowed))
}

/// Lists the sites that a request may read.
pub(super) async fn list_sites(
    public: &Public,
    headers: &HeaderMap,
) -> Result<Vec<String>, Problem> {
    let sites = public.read("sites", |reader| reader.index.sites()).await?;
    public.access.sites(headers, sites)
}

/// Lists the threads of a site that a request asks for.
pub(super) async fn list_threads(
    public: &Public,
    site: String,
    query: &PageQuery,
    visit: &Visit,
) -> Result<(Read<ThreadList>, Allowed), Problem> {
    let allowed = visit.of(public, &site)?;
    let limit = query.limit(THREADS, THREADS_MAX)?;
    let (after, asked) = (query.after.clone(), allowed.clone());
    let read = public.read("threads", move |reader| {
        let mut version = Version::new(reader);
        let mut rows = reader.index.threads(&site, after.as_deref(), limit + 1)?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        version.text(if more { "more" } else { "" });
        for (thread, row) in &rows {
            version.thread(thread, row);
        }
        if asked.has(&version) {
            return Ok(Read::Unchanged(version));
        }
        let mut threads = Vec::with_capacity(rows.len());
        for (thread, row) in rows {
            let url = links::thread(&site, &thread);
            threads.push(ThreadEntry::read(
                reader,
                thread,
                &row,
                asked.audience,
                url,
            )?);
        }
        let last = threads
            .last()
            .map(|entry: &ThreadEntry| entry.thread.clone());
        let next = last.filter(|_| more);
        let page = ThreadList {
            site,
            threads,
            next,
        };
        Ok(Read::New(version, page))
    });
    Ok((read.await?, allowed))
}
