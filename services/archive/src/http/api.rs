//! Threads and comments as JSON.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use stoa_daemon::Problem;
use stoa_daemon::openapi::{NotFound, NotModified, Unauthorized};
use stoa_proto::Time;
use utoipa::ToSchema;

use super::params::{After, AsOf, Limit, Shape};
use super::visit::{Allowed, Visit};
use super::{PAGE, PageQuery, Public, THREADS, THREADS_MAX, links, nested, nothing};
use crate::read::comment::History;
use crate::read::thread::{Page, ThreadPage};
use crate::read::version::{Read, Version};
use crate::read::{Audience, Reader};
use crate::row::ArticleRow;
use crate::view::Error;

type PageQueryResult = Result<Query<PageQuery>, QueryRejection>;

/// A thread in a site's list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ThreadEntry {
    /// The article's id.
    pub(super) thread: String,
    /// The article's title, where it may be read.
    pub(super) title: Option<String>,
    /// Whether the article was taken down.
    pub(super) removed: bool,
    /// Comments that the archive holds.
    pub(super) comments: u64,
    /// When the latest revision of one of them was written.
    pub(super) last_activity_at: Option<Time>,
    /// The page's path.
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
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ThreadList {
    pub(super) site: String,
    pub(super) threads: Vec<ThreadEntry>,
    /// `after` of the next page; null on the last.
    pub(super) next: Option<String>,
}

/// The sites that a request may read.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SiteList)]
pub(super) struct Sites {
    sites: Vec<String>,
}

/// Lists the sites that may be read.
///
/// Public sites, and those that the token is for.
#[utoipa::path(
    get,
    path = "/v1/sites",
    operation_id = "list_sites",
    tag = "reading",
    security((), ("bearer" = [])),
    responses((status = 200, description = "The sites.", body = Sites), Unauthorized),
)]
pub(super) async fn sites(
    State(public): State<Public>,
    headers: HeaderMap,
) -> Result<Json<Sites>, Problem> {
    let sites = list_sites(&public, &headers).await?;
    Ok(Json(Sites { sites }))
}

/// Lists the threads of a site, by id.
#[utoipa::path(
    get,
    path = "/v1/sites/{site}/threads",
    operation_id = "list_threads",
    tag = "reading",
    params(("site" = String, Path, description = "The site."), After, Limit<50, 500>),
    extensions(("x-access" = json!("site"))),
    responses((status = 200, description = "A page.", body = ThreadList), NotModified),
)]
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

/// An article with its comments, in tree order.
///
/// Flat, or nested with the replies of each comment in `children`, 64 deep at most.
/// A comment that may not be read is there, without its words, where it has replies that may.
#[utoipa::path(
    get,
    path = "/v1/sites/{site}/threads/{thread}",
    operation_id = "get_thread",
    tag = "reading",
    params(("site" = String, Path, description = "The site."), ("thread" = String, Path, description = "The article's id."), After, Limit<1000, 1000>, Shape, AsOf),
    extensions(("x-access" = json!("site"))),
    responses((status = 200, description = "The thread, or a page of it.", body = ThreadPage), NotFound, NotModified),
)]
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
    Ok(allowed.answer(read, |mut thread| {
        if nest {
            thread.shape = "nested";
            thread.comments = nested::nest(thread.comments);
        }
        Json(thread).into_response()
    }))
}

/// A comment with its revisions and decisions.
///
/// With the role viewer also with reports, cases and appeals, in `events`.
#[utoipa::path(
    get,
    path = "/v1/sites/{site}/comments/{comment}",
    operation_id = "get_comment",
    tag = "reading",
    params(("site" = String, Path, description = "The site."), ("comment" = String, Path, description = "The comment."), AsOf),
    extensions(("x-access" = json!("site"))),
    responses((status = 200, description = "The comment.", body = History), NotFound, NotModified),
)]
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
        let mut version = Version::default();
        let mut rows = reader.index.threads(&site, after.as_deref(), limit + 1)?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().map(|(thread, _)| thread.clone());
        let next = next.filter(|_| more);
        version.text(next.as_deref().unwrap_or_default());
        let mut shown = Vec::with_capacity(rows.len());
        for (thread, row) in rows {
            if reader.is_shown(&site, &thread, &row, asked.audience)? {
                version.thread(&thread, &row);
                shown.push((thread, row));
            }
        }
        if asked.has(&version) {
            return Ok(Read::Unchanged(version));
        }
        let mut threads = Vec::with_capacity(shown.len());
        for (thread, row) in shown {
            let url = links::thread(&site, &thread);
            threads.push(ThreadEntry::read(
                reader,
                thread,
                &row,
                asked.audience,
                url,
            )?);
        }
        let page = ThreadList {
            site,
            threads,
            next,
        };
        Ok(Read::New(version, page))
    });
    Ok((read.await?, allowed))
}
