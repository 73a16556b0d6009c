//! The page of a thread: the article, and below it the comments in tree order.

use std::collections::HashMap;

use axum::response::Response;
use stoa_proto::Time;

use super::super::html::{Head, Html};
use super::super::links::Links;
use super::super::visit::Visit;
use super::super::{accept, atom, links, schema};
use super::comment::{write_head, write_status};
use super::next_link;
use crate::http::said::name;
use crate::read::Audience;
use crate::read::thread::{HIDDEN, Item, ShownArticle, ThreadPage};

/// How deep a page nests; what is deeper follows flat, with a link to what it answers.
///
/// Browsers stop nesting at some hundred elements, and a narrow screen long before.
const DEEPEST: usize = 8;

/// Writes a thread's page: all of it, or what comes after an entry.
pub(super) fn page(
    visit: &Visit,
    thread: &ThreadPage,
    after: Option<&str>,
    audience: Audience,
) -> Response {
    let (site, id) = (&thread.site, &thread.thread);
    let head = Head {
        canonical: Some(visit.canonical(&links::thread(site, id), after)),
        alternates: vec![
            (atom::ATOM, links::thread_feed(site, id)),
            (accept::ACTIVITY, links::thread_activity(site, id)),
            ("application/json", links::thread_json(site, id)),
        ],
        data: Some(schema::thread(&visit.base, thread, title(thread))),
        style: None,
    };
    write(thread, &head, audience, Links::Served { after }).end()
}

/// Writes a thread's page as a file: what only a running archive answers is not linked.
pub(in crate::http) fn copied(thread: &ThreadPage, audience: Audience, links: Links<'_>) -> String {
    let head = Head {
        style: Some("../../assets/thread.css"),
        ..Head::default()
    };
    write(thread, &head, audience, links).written()
}

/// Returns what a thread's page shows as its title.
fn title(thread: &ThreadPage) -> &str {
    let article = thread.article.as_ref();
    let words = article.and_then(|article| article.words.as_ref());
    let title = words.map(|words| words.title.as_str());
    title
        .filter(|title| !title.trim().is_empty())
        .unwrap_or(&thread.thread)
}

/// Writes all but the page's end.
fn write(thread: &ThreadPage, head: &Head, audience: Audience, links: Links<'_>) -> Html {
    let article = thread.article.as_ref();
    let words = article.and_then(|article| article.words.as_ref());
    let (site, id) = (&thread.site, &thread.thread);
    let title = title(thread);
    let mut html = Html::page_with(title, head);
    html.raw("<nav aria-label=\"Archive\"><bdi>")
        .link(&links.site(site), site)
        .raw("</bdi>");
    if let Links::Served { .. } = links {
        html.raw(" · ")
            .link(&links::search(site), "Search")
            .raw(" · ")
            .link(&links::thread_feed(site, id), "Feed");
    }
    html.raw("</nav><main id=\"main\">");
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
    let path = links::thread(site, id);
    if let Some(first) = links.first(&path) {
        html.raw("<nav aria-label=\"First page\"><p>")
            .link(&first, "First page")
            .raw("</p></nav>");
    }
    if let Some(next) = &thread.next {
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
    let mut between = "";
    for author in &words.authors {
        html.raw(std::mem::replace(&mut between, " · "));
        html.raw("<bdi>").text(author).raw("</bdi>");
    }
    for (what, at) in [
        ("Published ", &words.published_at),
        ("Updated ", &words.updated_at),
    ] {
        if let Some(at) = at {
            html.raw(std::mem::replace(&mut between, " · "));
            html.raw(what).time(at);
        }
    }
    if let Some(url) = &words.url {
        html.raw(between).outer_link(url, "Original");
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
        write_head(html, shown);
        if let Some(link) = context.links.comment(context.site, &item.comment) {
            html.raw(" <span class=\"meta permalink\">· ")
                .link(&link, "Permalink")
                .raw("</span>");
        }
        write_reply(html, item, context);
        if audience == Audience::Reviewer {
            write_status(html, item.status, shown.decision.as_ref());
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
    html.raw("<bdi>");
    let link = match target {
        Some(_) => Some(format!("#{}", links::anchor(parent))),
        None => context.links.comment(context.site, parent),
    };
    match link {
        Some(link) => html.link(&link, text),
        None => html.text(text),
    };
    html.raw("</bdi></p>");
}
