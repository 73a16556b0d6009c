//! The routes of ActivityStreams, and the pages that are asked for in that form.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use stoa_daemon::Problem;
use stoa_daemon::openapi::{NotFound, NotModified};

use super::super::accept::ACTIVITY;
use super::super::params::{After, Limit, Paged};
use super::super::said::Said;
use super::super::visit::Visit;
use super::super::{PageQuery, Public, nothing};
use super::Document;
use crate::read::thread::Page;

/// Objects of a page of a thread, at most and unless asked for fewer.
const OBJECTS: usize = 200;

type PageQueryResult = Result<Query<PageQuery>, QueryRejection>;

/// A thread as ActivityStreams 2.0: an ordered collection, or a page of it.
///
/// With `page=true` or `after` a page, otherwise the collection without its items.
#[utoipa::path(
    get,
    path = "/v1/sites/{site}/threads/{thread}/activity",
    operation_id = "get_thread_activity",
    tag = "activitystreams",
    params(("site" = String, Path, description = "The site."), ("thread" = String, Path, description = "The article's id."), After, Limit<200, 200>, Paged),
    extensions(("x-access" = json!("site"))),
    responses((status = 200, description = "The collection.", body = Object, content_type = ACTIVITY), NotFound, NotModified),
)]
pub(in crate::http) async fn thread(
    State(public): State<Public>,
    Path((site, thread)): Path<(String, String)>,
    query: PageQueryResult,
    visit: Visit,
) -> Result<Response, Problem> {
    let query = PageQuery::of(query)?;
    thread_as(ACTIVITY, &public, (site, thread), &query, &visit).await
}

/// An article as ActivityStreams 2.0.
#[utoipa::path(
    get,
    path = "/v1/sites/{site}/threads/{thread}/article",
    operation_id = "get_article_activity",
    tag = "activitystreams",
    params(("site" = String, Path, description = "The site."), ("thread" = String, Path, description = "The article's id.")),
    extensions(("x-access" = json!("site"))),
    responses(
        (status = 200, description = "The article.", body = Object, content_type = ACTIVITY),
        (status = 410, description = "A tombstone: it was taken down.", body = Object, content_type = ACTIVITY),
        NotFound,
        NotModified,
    ),
)]
pub(in crate::http) async fn article(
    State(public): State<Public>,
    Path((site, thread)): Path<(String, String)>,
    visit: Visit,
) -> Result<Response, Problem> {
    let allowed = visit.of(&public, &site)?;
    let (page, asked) = (part(None, 0), allowed.clone());
    let read = public.read("thread", move |reader| {
        reader.thread(&site, &thread, asked.audience, &page, |version| {
            asked.has(version)
        })
    });
    let read = read.await?.ok_or_else(nothing)?;
    Ok(allowed.answer(read, |page| match page.article {
        Some(article) => {
            let object = super::article(&visit.base, &page.site, &page.thread, article.words);
            let is_gone = object.is_gone();
            answer(ACTIVITY, object, is_gone)
        }
        None => nothing().into_response(),
    }))
}

/// A comment as ActivityStreams 2.0.
#[utoipa::path(
    get,
    path = "/v1/sites/{site}/comments/{comment}/activity",
    operation_id = "get_comment_activity",
    tag = "activitystreams",
    params(("site" = String, Path, description = "The site."), ("comment" = String, Path, description = "The comment.")),
    extensions(("x-access" = json!("site"))),
    responses(
        (status = 200, description = "The note.", body = Object, content_type = ACTIVITY),
        (status = 410, description = "A tombstone: it was withdrawn or erased.", body = Object, content_type = ACTIVITY),
        NotFound,
        NotModified,
    ),
)]
pub(in crate::http) async fn comment(
    State(public): State<Public>,
    Path((site, comment)): Path<(String, String)>,
    visit: Visit,
) -> Result<Response, Problem> {
    comment_as(ACTIVITY, &public, (site, comment), &visit).await
}

/// The replies to a comment as ActivityStreams 2.0: a collection.
#[utoipa::path(
    get,
    path = "/v1/sites/{site}/comments/{comment}/replies",
    operation_id = "get_comment_replies",
    tag = "activitystreams",
    params(("site" = String, Path, description = "The site."), ("comment" = String, Path, description = "The comment.")),
    extensions(("x-access" = json!("site"))),
    responses((status = 200, description = "The collection.", body = Object, content_type = ACTIVITY), NotFound, NotModified),
)]
pub(in crate::http) async fn replies(
    State(public): State<Public>,
    Path((site, comment)): Path<(String, String)>,
    visit: Visit,
) -> Result<Response, Problem> {
    let allowed = visit.of(&public, &site)?;
    let (of, to, asked) = (site.clone(), comment.clone(), allowed.clone());
    let read = public.read("thread", move |reader| {
        reader.replies(&of, &to, asked.audience, |version| asked.has(version))
    });
    let read = read.await?.ok_or_else(nothing)?;
    Ok(allowed.answer(read, |replies| {
        let object = super::replies(&visit.base, &site, &comment, &replies);
        answer(ACTIVITY, object, false)
    }))
}

/// Answers with a thread as a media type: the collection, or a page of it.
pub(in crate::http) async fn thread_as(
    kind: &'static str,
    public: &Public,
    (site, thread): (String, String),
    query: &PageQuery,
    visit: &Visit,
) -> Result<Response, Problem> {
    let allowed = visit.of(public, &site)?;
    if query.as_of.is_some() {
        let detail = "objects have no past: ask for JSON or the page";
        return Err(Problem::bad_request(detail).with_field("as_of"));
    }
    let is_page = query.page.unwrap_or_default() || query.after.is_some();
    let limit = query.limit(OBJECTS, OBJECTS)?;
    let page = part(query.after.clone(), if is_page { limit } else { 0 });
    let asked = allowed.clone();
    let read = public.read("thread", move |reader| {
        reader.thread(&site, &thread, asked.audience, &page, |version| {
            asked.has(version)
        })
    });
    let read = read.await?.ok_or_else(nothing)?;
    Ok(allowed.answer(read, |page| {
        if is_page {
            let after = query.after.as_deref();
            answer(
                kind,
                super::collection_page(&visit.base, &page, after),
                false,
            )
        } else {
            answer(kind, super::collection(&visit.base, &page), false)
        }
    }))
}

/// Answers with a comment as a media type: 410 for what is left of one that was erased.
pub(in crate::http) async fn comment_as(
    kind: &'static str,
    public: &Public,
    (site, comment): (String, String),
    visit: &Visit,
) -> Result<Response, Problem> {
    let allowed = visit.of(public, &site)?;
    let asked = allowed.clone();
    let read = public.read("comment", move |reader| {
        reader.history(&site, &comment, asked.audience, |version| {
            asked.has(version)
        })
    });
    let read = read.await?.ok_or_else(nothing)?;
    Ok(allowed.answer(read, |history| {
        let object = super::note(&visit.base, &Said::alone(&history));
        let is_gone = object.is_gone();
        answer(kind, object, is_gone)
    }))
}

fn part(after: Option<String>, limit: usize) -> Page {
    Page { after, limit }
}

fn answer(kind: &'static str, object: impl Serialize, is_gone: bool) -> Response {
    let mut response = Json(Document::new(object)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if is_gone {
        *response.status_mut() = StatusCode::GONE;
    }
    response
}
