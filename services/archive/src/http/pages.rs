//! Pages for people: sites, a site's threads, a thread, a comment. Without scripts.

mod comment;
mod diff;
mod permalink;
pub(super) mod thread;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use stoa_daemon::Problem;
use stoa_daemon::openapi::{NotFound, NotModified, Unauthorized};

use super::accept::Form;
use super::activity::routes as activity;
use super::api::{ThreadEntry, ThreadList};
use super::html::{Head, Html};
use super::params::{After, AsOf, Limit};
use super::visit::Visit;
use super::{PAGE, PageQuery, Public, api, atom, links, nothing};

pub(super) const STYLE: &str = include_str!("thread.css");

type PageQueryResult = Result<Query<PageQuery>, QueryRejection>;

/// The style of all pages.
#[utoipa::path(
    get,
    path = "/assets/thread.css",
    operation_id = "get_style",
    tag = "pages",
    responses((status = 200, description = "The style.", body = String, content_type = "text/css")),
)]
pub(super) async fn style() -> Response {
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/css; charset=utf-8"),
        ),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=3600"),
        ),
    ];
    (headers, STYLE).into_response()
}

/// The sites that may be read, as a page.
#[utoipa::path(
    get,
    path = "/",
    operation_id = "page_of_sites",
    tag = "pages",
    security((), ("bearer" = [])),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"), Unauthorized),
)]
pub(super) async fn sites(
    State(public): State<Public>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let sites = api::list_sites(&public, &headers).await?;
    let mut html = Html::page("Archive");
    html.raw("<main id=\"main\"><h1>Archive</h1>");
    if sites.is_empty() {
        html.raw("<p class=\"empty\">There is no site to show here.</p>");
    }
    html.raw("<ul class=\"list\">");
    for site in &sites {
        html.raw("<li>").link(&links::site(site), site).raw("</li>");
    }
    html.raw("</ul></main>");
    Ok(html.end())
}

/// The threads of a site, as a page.
#[utoipa::path(
    get,
    path = "/sites/{site}",
    operation_id = "page_of_threads",
    tag = "pages",
    params(("site" = String, Path, description = "The site."), After, Limit<50, 500>),
    extensions(("x-access" = json!("site"))),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"), NotModified),
)]
pub(super) async fn threads(
    State(public): State<Public>,
    Path(site): Path<String>,
    query: PageQueryResult,
    visit: Visit,
) -> Result<Response, Problem> {
    let query = PageQuery::of(query)?;
    let (list, allowed) = api::list_threads(&public, site, &query, &visit).await?;
    let after = query.after.as_deref();
    Ok(allowed.answer(list, |list| write_threads(&visit, &list, after)))
}

fn write_threads(visit: &Visit, list: &ThreadList, after: Option<&str>) -> Response {
    let head = Head {
        canonical: Some(visit.canonical(&links::site(&list.site), after)),
        alternates: vec![(atom::ATOM, links::site_feed(&list.site))],
        ..Head::default()
    };
    let mut html = Html::page_with(&list.site, &head);
    html.raw("<nav aria-label=\"Archive\"><a href=\"/\">All sites</a> · ")
        .link(&links::search(&list.site), "Search")
        .raw(" · ")
        .link(&links::site_feed(&list.site), "Feed")
        .raw("</nav><main id=\"main\"><h1 dir=\"auto\">");
    html.text(&list.site).raw("</h1>");
    write_list(&mut html, &list.threads);
    if let Some(next) = &list.next {
        next_link(
            &mut html,
            &links::after(&links::site(&list.site), next, None),
        );
    }
    html.raw("</main>");
    html.end()
}

/// Writes a list of threads.
pub(super) fn write_list(html: &mut Html, threads: &[ThreadEntry]) {
    if threads.is_empty() {
        html.raw("<p class=\"empty\">No thread is archived here.</p>");
    }
    html.raw("<ul class=\"list\">");
    for entry in threads {
        let title = entry
            .title
            .as_deref()
            .filter(|title| !title.trim().is_empty());
        html.raw("<li><span dir=\"auto\">")
            .link(&entry.url, title.unwrap_or(&entry.thread));
        html.raw("</span> <span class=\"meta\">")
            .value(entry.comments)
            .raw(" comments");
        if let Some(at) = &entry.last_activity_at {
            html.raw(", the latest ").time(at);
        }
        html.raw("</span></li>");
    }
    html.raw("</ul>");
}

/// Leads to a comment on its thread's page.
#[utoipa::path(
    get,
    path = "/sites/{site}/comments/{comment}/thread",
    operation_id = "page_of_comment_in_thread",
    tag = "pages",
    params(("site" = String, Path, description = "The site."), ("comment" = String, Path, description = "The comment.")),
    extensions(("x-access" = json!("site"))),
    responses((status = 303, description = "`Location` is the page, with the comment's anchor."), NotFound),
)]
pub(super) async fn in_thread(
    State(public): State<Public>,
    Path((site, comment)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let audience = public.access.site(&headers, &site)?;
    let location = public.read("comment", move |reader| {
        let Some((thread, _)) = reader.find(&site, &comment, audience)? else {
            return Ok(None);
        };
        let after = reader.page_of(&site, &thread, &comment, audience, PAGE)?;
        let query = after.map(|after| format!("?after={}", links::escape(&after)));
        let path = links::thread(&site, &thread);
        Ok(Some(format!(
            "{path}{}#{}",
            query.unwrap_or_default(),
            links::anchor(&comment)
        )))
    });
    let location = location.await?.ok_or_else(nothing)?;
    let location = HeaderValue::try_from(location).map_err(|_| nothing())?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
}

/// A comment with its history, as a page; its address never changes.
///
/// `Accept: application/activity+json` asks for the comment as ActivityStreams 2.0 instead.
#[utoipa::path(
    get,
    path = "/sites/{site}/comments/{comment}",
    operation_id = "page_of_comment",
    tag = "pages",
    params(("site" = String, Path, description = "The site."), ("comment" = String, Path, description = "The comment."), AsOf),
    extensions(("x-access" = json!("site"))),
    responses(
        (status = 200, description = "The page, or what `Accept` asks for.", content((String = "text/html"), (Object = "application/activity+json"))),
        (status = 410, description = "A tombstone, where ActivityStreams was asked for.", body = Object, content_type = "application/activity+json"),
        NotFound,
        NotModified,
    ),
)]
pub(super) async fn comment(
    State(public): State<Public>,
    Path((site, comment)): Path<(String, String)>,
    query: PageQueryResult,
    visit: Visit,
) -> Result<Response, Problem> {
    if let Form::Activity(kind) = visit.form() {
        return activity::comment_as(kind, &public, (site, comment), &visit).await;
    }
    let query = PageQuery::of(query)?;
    let allowed = visit.of(&public, &site)?;
    let as_of = query.as_of(allowed.audience)?;
    let asked = allowed.clone();
    let read = public.read_as_of("comment", as_of, move |reader| {
        reader.permalink(&site, &comment, asked.audience, |version| {
            asked.has(version)
        })
    });
    let read = read.await?.ok_or_else(nothing)?;
    Ok(allowed.answer(read, |read| {
        permalink::page(&visit, &read, query.as_of.as_ref())
    }))
}

/// An article with its comments, as a page.
///
/// `Accept: application/activity+json` asks for the thread as ActivityStreams 2.0 instead.
#[utoipa::path(
    get,
    path = "/sites/{site}/threads/{thread}",
    operation_id = "page_of_thread",
    tag = "pages",
    params(("site" = String, Path, description = "The site."), ("thread" = String, Path, description = "The article's id."), After, Limit<1000, 1000>, AsOf),
    extensions(("x-access" = json!("site"))),
    responses(
        (status = 200, description = "The page, or what `Accept` asks for.", content((String = "text/html"), (Object = "application/activity+json"))),
        NotFound,
        NotModified,
    ),
)]
pub(super) async fn thread(
    State(public): State<Public>,
    Path((site, thread)): Path<(String, String)>,
    query: PageQueryResult,
    visit: Visit,
) -> Result<Response, Problem> {
    let query = PageQuery::of(query)?;
    if let Form::Activity(kind) = visit.form() {
        return activity::thread_as(kind, &public, (site, thread), &query, &visit).await;
    }
    let (read, allowed) = api::read_thread(&public, (site, thread), &query, &visit).await?;
    Ok(allowed.answer(read, |page| {
        thread::page(&visit, &page, query.after.as_deref(), allowed.audience)
    }))
}

pub(super) fn next_link(html: &mut Html, path: &str) {
    html.raw("<nav aria-label=\"Pages\"><p>")
        .link(path, "Next page")
        .raw("</p></nav>");
}
