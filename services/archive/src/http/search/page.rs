//! Searching, as a page for people, without scripts: `GET /search`.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use stoa_daemon::Problem;
use stoa_daemon::openapi::{NotFound, Unavailable};

use super::super::html::Html;
use super::super::{Public, links};
use super::asked::{Asked, SearchQuery};
use super::{Answer, ShownHit, answer, audience};
use crate::read::Audience;

/// Parameters that are typed: name, label, type of the field.
const TYPED: [(&str, &str, &str); 7] = [
    ("site", "Site", "text"),
    ("article", "Article", "text"),
    ("author", "Author", "text"),
    ("label", "Label", "text"),
    ("language", "Language", "text"),
    ("from", "From", "date"),
    ("to", "To", "date"),
];

/// What can be chosen: a value and its label.
type Choices = &'static [(&'static str, &'static str)];

/// Parameters that are chosen: name, label, choices.
const CHOSEN: [(&str, &str, Choices); 3] = [
    (
        "type",
        "What",
        &[
            ("", "everything"),
            ("comment", "comments"),
            ("article", "articles"),
        ],
    ),
    (
        "status",
        "Status",
        &[
            ("", "any"),
            ("approved", "approved"),
            ("pending", "pending"),
            ("rejected", "rejected"),
            ("published", "published"),
            ("removed", "taken down"),
        ],
    ),
    (
        "sort",
        "Order",
        &[
            ("", "best first"),
            ("newest", "newest first"),
            ("oldest", "oldest first"),
        ],
    ),
];

/// Searching, as a page with a form.
#[utoipa::path(
    get,
    path = "/search",
    operation_id = "page_of_search",
    tag = "pages",
    params(SearchQuery),
    extensions(("x-access" = json!("site"))),
    responses(
        (status = 200, description = "The page.", body = String, content_type = "text/html"),
        (status = 400, description = "The page, saying what is wrong with the search.", content((String = "text/html"), (Problem = "application/problem+json"))),
        NotFound,
        Unavailable,
    ),
)]
pub(in crate::http) async fn page(
    State(public): State<Public>,
    query: Result<Query<SearchQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = SearchQuery::of(query)?;
    let mut html = Html::page("Search");
    html.raw("<nav aria-label=\"Archive\"><a href=\"/\">All sites</a></nav><main id=\"main\"><h1>Search</h1>");
    write_form(&mut html, &asked);
    let mut status = StatusCode::OK;
    if !asked.q.is_empty() || !asked.site.is_empty() {
        match found(&public, asked.clone(), &headers).await {
            Ok((answer, audience)) => write_answer(&mut html, &asked, &answer, audience),
            Err(problem) if problem.status() == StatusCode::BAD_REQUEST => {
                status = problem.status();
                html.raw("<p class=\"status\" role=\"alert\">")
                    .text(problem.detail().unwrap_or_default())
                    .raw("</p>");
            }
            Err(problem) => return Err(problem),
        }
    }
    html.raw("</main>");
    Ok((status, html.end()).into_response())
}

async fn found(
    public: &Public,
    asked: SearchQuery,
    headers: &HeaderMap,
) -> Result<(Answer, Audience), Problem> {
    let asked = Asked::of(asked)?;
    let audience = audience(public, &asked, headers)?;
    Ok((answer(public, asked, audience).await?, audience))
}

/// Returns what a parameter has.
fn value<'a>(asked: &'a SearchQuery, name: &str) -> &'a str {
    match name {
        "q" => &asked.q,
        "site" => &asked.site,
        "type" => &asked.kind,
        "article" => &asked.article,
        "author" => &asked.author,
        "label" => &asked.label,
        "verdict" => &asked.verdict,
        "status" => &asked.status,
        "language" => &asked.language,
        "from" => &asked.from,
        "to" => &asked.to,
        "sort" => &asked.sort,
        "limit" => &asked.limit,
        _ => "",
    }
}

fn write_form(html: &mut Html, asked: &SearchQuery) {
    html.raw("<form class=\"search\" role=\"search\" action=\"/search\">");
    html.raw("<p><label for=\"q\">Words</label> <input type=\"search\" id=\"q\" name=\"q\"")
        .attribute("value", &asked.q)
        .raw("> <button>Search</button></p><p class=\"filters\">");
    for (name, label, kind) in TYPED {
        html.raw("<label>").text(label).raw(" <input");
        html.attribute("type", kind)
            .attribute("name", name)
            .attribute("value", value(asked, name))
            .raw("></label> ");
    }
    for (name, label, values) in CHOSEN {
        html.raw("<label>").text(label).raw(" <select");
        html.attribute("name", name).raw(">");
        for (choice, label) in values {
            html.raw("<option").attribute("value", choice);
            if value(asked, name) == *choice {
                html.raw(" selected");
            }
            html.raw(">").text(label).raw("</option>");
        }
        html.raw("</select></label> ");
    }
    html.raw("</p></form>");
}

fn write_answer(html: &mut Html, asked: &SearchQuery, answer: &Answer, audience: Audience) {
    html.raw("<p class=\"meta\">").value(answer.total);
    html.raw(if answer.total == 1 { " hit" } else { " hits" });
    if answer.catching_up {
        html.raw("; the index is being built, and more may follow");
    }
    html.raw("</p><ol class=\"hits\">");
    for hit in &answer.hits {
        write_hit(html, hit, audience);
    }
    html.raw("</ol>");
    if let Some(next) = &answer.next {
        html.raw("<nav aria-label=\"Pages\"><p>")
            .link(&next_page(asked, next), "Next page")
            .raw("</p></nav>");
    }
}

fn write_hit(html: &mut Html, hit: &ShownHit, audience: Audience) {
    let title = hit.title.as_deref();
    let title = title.filter(|title| !title.trim().is_empty());
    let title = title.unwrap_or(&hit.article);
    html.raw("<li><article><h2><bdi>")
        .link(&hit.permalink, title)
        .raw("</bdi></h2><p class=\"meta\">");
    if let Some(author) = &hit.author {
        let name = author.display_name.as_ref().or(author.name.as_ref());
        html.raw("<bdi>")
            .text(name.unwrap_or(&author.id))
            .raw("</bdi> · ");
    }
    if let Some(at) = &hit.at {
        html.time(at).raw(" · ");
    }
    html.raw("<bdi>")
        .link(&links::site(&hit.site), &hit.site)
        .raw("</bdi>");
    if audience == Audience::Reviewer {
        html.raw(" · <span class=\"status ")
            .text(hit.status)
            .raw("\">")
            .text(hit.status)
            .raw("</span>");
    }
    let ranges = hit
        .snippet
        .ranges
        .iter()
        .map(|range| range.start..range.end);
    let ranges: Vec<std::ops::Range<usize>> = ranges.collect();
    html.raw("</p><p dir=\"auto\"")
        .language(hit.language.as_deref())
        .raw(">")
        .marked(&hit.snippet.text, &ranges)
        .raw("</p></article></li>");
}

/// Returns the page that follows: the same search, after a hit.
fn next_page(asked: &SearchQuery, next: &str) -> String {
    let names = [
        "q", "site", "type", "article", "author", "label", "verdict", "status", "language", "from",
        "to", "sort", "limit",
    ];
    let mut path = "/search?".to_owned();
    for name in names {
        let value = value(asked, name);
        if !value.is_empty() {
            path.push_str(&format!("{name}={}&", links::escape(value)));
        }
    }
    path + "after=" + &links::escape(next)
}
