//! Pages for people: sites, a site's threads, a thread. Without scripts.

use std::collections::HashMap;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use stoa_daemon::Problem;
use stoa_proto::{Time, Verdict};

use super::api::ThreadEntry;
use super::html::Html;
use super::links::Links;
use super::{PAGE, PageQuery, Public, api, links, nothing};
use crate::read::Audience;
use crate::read::thread::{HIDDEN, Item, ShownArticle, ShownComment, ThreadPage};
use crate::read::words::ShownBy;

/// How deep a page nests; what is deeper follows flat, with a link to what it answers.
///
/// Browsers stop nesting at some hundred elements, and a narrow screen long before.
const DEEPEST: usize = 8;

pub(super) const STYLE: &str = include_str!("thread.css");

/// `GET /assets/thread.css`
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

/// `GET /`
pub(super) async fn sites(
    State(public): State<Public>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let sites = api::list_sites(&public, &headers).await?;
    let mut html = Html::page("Archive");
    html.raw("<main><h1>Archive</h1>");
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

/// `GET /sites/{site}`
pub(super) async fn threads(
    State(public): State<Public>,
    Path(site): Path<String>,
    query: Result<Query<PageQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = PageQuery::of(query)?;
    let list = api::list_threads(&public, site, &query, &headers).await?;
    let mut html = Html::page(&list.site);
    html.raw("<nav><a href=\"/\">All sites</a> · ")
        .link(&links::search(&list.site), "Search")
        .raw("</nav><main><h1 dir=\"auto\">");
    html.text(&list.site).raw("</h1>");
    write_list(&mut html, &list.threads);
    if let Some(next) = &list.next {
        let path = Links::Served.next(&links::site(&list.site), next, None);
        next_link(&mut html, &path);
    }
    html.raw("</main>");
    Ok(html.end())
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

/// `GET /sites/{site}/comments/{comment}`: leads to the comment on its thread's page.
pub(super) async fn comment(
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

/// `GET /sites/{site}/threads/{thread}`
pub(super) async fn thread(
    State(public): State<Public>,
    Path((site, thread)): Path<(String, String)>,
    query: Result<Query<PageQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = PageQuery::of(query)?;
    let (thread, audience) = api::read_thread(&public, site, thread, &query, &headers).await?;
    Ok(page(&thread, audience, Links::Served).end())
}

/// Writes a thread's page, but for its end.
pub(super) fn page(thread: &ThreadPage, audience: Audience, links: Links<'_>) -> Html {
    let article = thread.article.as_ref();
    let words = article.and_then(|article| article.words.as_ref());
    let title = words
        .map(|words| words.title.as_str())
        .filter(|title| !title.trim().is_empty());
    let title = title.unwrap_or(&thread.thread);
    let mut html = Html::styled(title, links.style());
    html.raw("<nav>")
        .link(&links.site(&thread.site), &thread.site);
    if let Some(search) = links.search(&thread.site) {
        html.raw(" · ").link(&search, "Search");
    }
    html.raw("</nav><main>");
    html.raw("<header><h1 dir=\"auto\"");
    html.language(words.and_then(|words| words.language.as_deref()))
        .raw(">");
    html.text(title).raw("</h1>");
    write_article(&mut html, article);
    html.raw("</header><section aria-labelledby=\"comments\"><h2 id=\"comments\">Comments</h2>");
    html.raw("<p class=\"meta\">")
        .value(thread.counts.shown)
        .raw(" shown, ");
    html.value(thread.counts.held).raw(" archived");
    if let Some(platform) = thread.counts.platform {
        html.raw(", ")
            .value(platform)
            .raw(" according to the platform");
    }
    if let Some(at) = &thread.as_of {
        html.raw(". As of ").time(at);
    }
    html.raw("</p>");
    write_comments(&mut html, thread, audience, links);
    if let Some(next) = &thread.next {
        let path = links::thread(&thread.site, &thread.thread);
        let as_of = thread.as_of.as_ref().map(Time::to_string);
        next_link(&mut html, &links.next(&path, next, as_of.as_deref()));
    }
    html.raw("</section></main>");
    html
}

fn write_article(html: &mut Html, article: Option<&ShownArticle>) {
    let Some(article) = article else {
        html.raw("<p class=\"empty\">The article was not captured.</p>");
        return;
    };
    if article.removed {
        html.raw("<p class=\"status\">The article was taken down.</p>");
    }
    let Some(words) = &article.words else { return };
    html.raw("<p class=\"meta\">");
    for author in &words.authors {
        html.raw("<bdi>").text(author).raw("</bdi> · ");
    }
    if let Some(at) = &words.published_at {
        html.raw("Published ").time(at);
    }
    if let Some(at) = &words.updated_at {
        html.raw(" · Updated ").time(at);
    }
    if let Some(url) = &words.url {
        html.raw(" · ").outer_link(url, "Original");
    }
    html.raw("</p>")
        .paragraphs(&words.text, words.language.as_deref());
    for source in &words.attribution {
        html.raw("<p class=\"meta\">Source: ");
        let name = source.title.as_deref().unwrap_or(&source.name);
        html.outer_link(source.url.as_deref().unwrap_or_default(), name);
        if source.title.is_some() {
            html.raw(", <bdi>").text(&source.name).raw("</bdi>");
        }
        html.raw("</p>");
    }
    for credit in &words.media_credits {
        html.raw("<p class=\"meta\">Media: <bdi>")
            .text(credit)
            .raw("</bdi></p>");
    }
}

fn write_comments(html: &mut Html, thread: &ThreadPage, audience: Audience, links: Links<'_>) {
    if thread.comments.is_empty() {
        html.raw("<p class=\"empty\">There is no comment to show.</p>");
        return;
    }
    let here: HashMap<&str, &Item> = thread
        .comments
        .iter()
        .map(|item| (item.comment.as_str(), item))
        .collect();
    let mut open: Vec<usize> = Vec::new();
    let mut first = true;
    for item in &thread.comments {
        let level = item.depth.min(DEEPEST);
        let mut closed = false;
        while open.pop_if(|last| *last >= level).is_some() {
            html.raw(if closed { "</ol></li>" } else { "</li>" });
            closed = true;
        }
        if !closed {
            html.raw(if first {
                "<ol class=\"thread\">"
            } else {
                "<ol>"
            });
        }
        first = false;
        html.raw("<li>");
        let context = Context {
            site: &thread.site,
            here: &here,
            links,
        };
        write_comment(html, item, &context, audience);
        open.push(level);
    }
    for _ in open {
        html.raw("</li></ol>");
    }
}

/// What a comment's links need.
struct Context<'a> {
    site: &'a str,
    /// The comments on the same page.
    here: &'a HashMap<&'a str, &'a Item>,
    links: Links<'a>,
}

fn write_comment(html: &mut Html, item: &Item, context: &Context<'_>, audience: Audience) {
    let anchor = links::anchor(&item.comment);
    html.raw("<article").attribute("id", &anchor).raw(">");
    if let Some(shown) = &item.shown {
        write_head(html, item, shown, context);
        write_reply(html, item, context);
        if audience == Audience::Reviewer {
            write_status(html, item, shown);
        }
        match &shown.words {
            Some(words) => html.paragraphs(&words.text, words.language.as_deref()),
            None => html.raw("<p class=\"empty\">The words were erased.</p>"),
        };
    } else {
        let heading = if item.status == HIDDEN {
            "A comment that is not shown"
        } else {
            "A comment that was not captured"
        };
        html.raw("<h3>").raw(heading).raw("</h3>");
        write_reply(html, item, context);
    }
    html.raw("</article>");
}

fn write_head(html: &mut Html, item: &Item, shown: &ShownComment, context: &Context<'_>) {
    html.raw("<h3><bdi>")
        .text(shown.words.as_ref().map_or("Unknown", name))
        .raw("</bdi></h3>");
    html.raw(" <span class=\"meta\">");
    if let Some(words) = &shown.words {
        if let Some(real) = words
            .author
            .name
            .as_deref()
            .filter(|real| *real != name(words))
        {
            html.raw("(<bdi>").text(real).raw("</bdi>) ");
        }
        if let Some(role) = role(words) {
            html.raw(role);
        }
        if let Some(at) = &words.submitted_at {
            html.time(at);
        }
        if words.revision > 1 {
            html.raw(" · revision ").value(words.revision);
        }
    }
    if let Some(score) = shown.score {
        html.raw(" · score ").value(score);
    }
    if let Some(permalink) = context.links.comment(context.site, &item.comment) {
        html.raw(" · ").link(&permalink, "Permalink");
    }
    html.raw("</span>");
}

/// Says what a comment answers, where its place does not.
fn write_reply(html: &mut Html, item: &Item, context: &Context<'_>) {
    let Some(parent) = &item.parent else { return };
    html.raw("<p class=\"meta\">");
    match item.parent_problem {
        Some("self") => {
            html.raw("It names itself as what it answers.</p>");
            return;
        }
        Some("loop") => html.raw("Its replies lead back to it; it answers "),
        Some(_) => html.raw("It answers a comment on another article: "),
        None => html.raw("In reply to "),
    };
    let target = context.here.get(parent.as_str());
    let author = target
        .and_then(|item| item.shown.as_ref()?.words.as_ref())
        .map(name);
    let text = author.unwrap_or("a comment");
    let link = match target {
        Some(_) => Some(format!("#{}", links::anchor(parent))),
        None => context.links.comment(context.site, parent),
    };
    match link {
        Some(link) => html.link(&link, text),
        None => html.text(text),
    };
    html.raw("</p>");
}

fn write_status(html: &mut Html, item: &Item, shown: &ShownComment) {
    html.raw("<p class=\"meta\"><span class=\"status ")
        .text(item.status)
        .raw("\">")
        .text(item.status)
        .raw("</span>");
    if let Some(decision) = &shown.decision {
        // The status may say the verdict already.
        html.raw(match (decision.verdict, item.status) {
            (Verdict::Approve, "approved") | (Verdict::Reject, "rejected") => " by ",
            (Verdict::Approve, _) => " · approved by ",
            (Verdict::Hold, _) => " · held by ",
            (Verdict::Reject, _) => " · rejected by ",
        });
        match &decision.by {
            ShownBy::Rules { .. } => html.raw("rules"),
            ShownBy::Moderator { id } => html
                .raw("moderator <bdi>")
                .text(id.as_deref().unwrap_or_default())
                .raw("</bdi>"),
        };
        html.raw(" ").time(&decision.decided_at);
        for label in &decision.labels {
            html.raw(" · ").text(label);
        }
    }
    html.raw("</p>");
}

fn name(words: &crate::read::words::Words) -> &str {
    let author = &words.author;
    author
        .display_name
        .as_deref()
        .or(author.name.as_deref())
        .unwrap_or(&author.id)
}

fn role(words: &crate::read::words::Words) -> Option<&'static str> {
    match words.author.role {
        stoa_proto::AuthorRole::Reader => None,
        stoa_proto::AuthorRole::Staff => Some("staff · "),
        stoa_proto::AuthorRole::Moderator => Some("moderator · "),
    }
}

pub(super) fn next_link(html: &mut Html, path: &str) {
    html.raw("<nav><p>")
        .link(path, "Next page")
        .raw("</p></nav>");
}
