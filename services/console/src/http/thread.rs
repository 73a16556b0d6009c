//! A whole thread, with what stands of each comment.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::case::web;
use super::line::Line;
use super::page::{Fault, Shell, render};
use super::time::Moment;
use super::visit::Visit;
use super::{Desk, links};
use crate::accounts::User;
use crate::backend::{Listing, ThreadPage};

/// Comments of a page.
const PAGE: &str = "100";
/// Open cases of a thread that are linked.
const CASES: &str = "500";

/// Where a page begins.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "thread.html")]
struct Thread {
    shell: Shell,
    site: String,
    title: String,
    removed: bool,
    /// The first page has the article's words.
    text: Option<String>,
    language: Option<String>,
    authors: String,
    published: Option<Moment>,
    url: Option<String>,
    count: u64,
    lines: Vec<Line>,
    next: Option<String>,
}

/// `GET /threads/{site}/{article}`
pub(super) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path((site, article)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    let now = desk.clock.now();
    let after = asked.after.as_deref();
    let mut query = vec![("limit", PAGE)];
    query.extend(after.map(|after| ("after", after)));
    let path = ["v1", "sites", &site, "threads", &article];
    let read = desk.archive.get::<ThreadPage>(user, &path, &query);
    let (read, cases) = tokio::join!(read, cases(&desk, user, &site, &article));
    let thread = read?;
    let known = thread.article.unwrap_or_default();
    let lines = thread.comments.into_iter().map(|item| {
        let case = cases.get(&item.comment).map(|case| links::case(case));
        Line {
            case,
            ..Line::of_thread(&site, item, now)
        }
    });
    let next = thread.next.as_deref();
    let next = next.map(|next| links::to(&["threads", &site, &article], &[("after", next)]));
    let page = Thread {
        shell: Shell::new("thread-title", &visit),
        removed: known.removed,
        text: known.text.filter(|_| after.is_none()),
        language: known.language,
        authors: known.authors.join(", "),
        published: Moment::new(known.published_at.as_ref(), now),
        url: web(known.url.as_ref()),
        count: thread.counts.held,
        lines: lines.collect(),
        next,
        title: known.title.unwrap_or(article),
        site,
    };
    Ok(render(StatusCode::OK, &page))
}

/// The open cases of a thread by comment; none where moderation-rules does not answer, so that it can be read at least.
async fn cases(desk: &Desk, user: &User, site: &str, article: &str) -> HashMap<String, String> {
    let query = [("site", site), ("article", article), ("limit", CASES)];
    let listing = desk.moderation.get(user, &["admin", "cases"], &query);
    let listing: Option<Listing> = listing.await.ok();
    let cases = listing.into_iter().flat_map(|listing| listing.cases);
    cases
        .map(|listed| (listed.case.comment, listed.case.id))
        .collect()
}
