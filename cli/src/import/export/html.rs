//! A page whose comments are marked up with schema.org, as JSON-LD or as microdata.
//!
//! What a page shows was public. JSON-LD is read first, and microdata only where it has no comments:
//! pages often say everything twice.

mod jsonld;
mod microdata;

use std::path::Path;

use scraper::{Html, Selector};
use stoa_proto::{Format, ImportedState, Time, ids};

use super::input::Input;
use super::item::{Article, Author, Broken, Comment, Item, Malformed, Take, article_id, some};
use super::when;

/// Bytes of a page: in memory its elements take many times as much.
const PAGE_BYTES: usize = 8 * 1024 * 1024;
/// Elements inside each other: a browser has no more than 512, and a parser looks through all of them.
const DEPTH: usize = 2_000;
/// Bytes of an id that is kept as it is; a longer one is digested.
const ID_BYTES: usize = 200;

/// A page's comment, before it is known what is missing of it.
#[derive(Debug, Default)]
struct Found {
    /// Its id: `identifier`, `@id` or `url`.
    id: Option<String>,
    parent: Option<Parent>,
    author: Author,
    text: String,
    format: Format,
    date: String,
    score: Option<i64>,
    url: Option<String>,
}

/// The comment that another one answers.
#[derive(Debug)]
enum Parent {
    /// By its id.
    Named(String),
    /// By its place among those that were found.
    Place(usize),
}

/// What a page says.
#[derive(Debug, Default)]
struct Page {
    url: Option<String>,
    title: String,
    comments: Vec<Found>,
}

/// Reads a page.
pub(super) fn read(input: Input, name: &str, take: Take<'_>) -> Result<(), Broken> {
    let text = input.whole(PAGE_BYTES)?;
    if is_too_deep(&text) {
        let message = format!("the page has elements that are more than {DEPTH} deep");
        return Err(Broken::whole(message));
    }
    let document = Html::parse_document(&text);
    let mut page = jsonld::find(&document);
    if page.comments.is_empty() {
        page = microdata::find(&document, text.len())?;
    }
    if page.comments.is_empty() {
        let message = "the page has no comments as schema.org JSON-LD or microdata";
        return take(Item::Malformed(Malformed {
            at: "page".to_owned(),
            id: None,
            message: message.to_owned(),
        }));
    }
    let url = address(&document).or(page.url);
    let stem = Path::new(name).file_stem().unwrap_or_default();
    let article = match &url {
        Some(url) => article_id(url),
        None => format!("html-{}", stem.to_string_lossy()),
    };
    let title = if page.title.is_empty() {
        first(&document, "title")
            .map(|title| title.text().collect())
            .unwrap_or_default()
    } else {
        page.title
    };
    take(Item::Article(Box::new(Article {
        at: "page".to_owned(),
        id: article.clone(),
        url,
        title: title.trim().to_owned(),
        ..Article::default()
    })))?;
    let ids: Vec<String> = page
        .comments
        .iter()
        .map(|found| id_of(&article, found))
        .collect();
    for (n, (found, id)) in page.comments.into_iter().zip(&ids).enumerate() {
        let at = format!("comment {}", n + 1);
        let parent = match found.parent {
            Some(Parent::Named(parent)) => Some(named(&article, &parent)),
            Some(Parent::Place(place)) => ids.get(place).cloned(),
            None => None,
        };
        take(match written(&found.date) {
            Ok(written) => Item::Comment(Box::new(Comment {
                at,
                id: id.clone(),
                article: article.clone(),
                parent,
                author: found.author,
                body: found.text.trim().to_owned(),
                format: found.format,
                written,
                state: ImportedState::Visible,
                score: found.score,
                url: found.url,
            })),
            Err(message) => Item::Malformed(Malformed {
                at,
                id: Some(id.clone()),
                message,
            }),
        })?;
    }
    Ok(())
}

/// Whether more elements are open somewhere than a page has; those that nobody needs to close are not
/// counted.
fn is_too_deep(text: &str) -> bool {
    const FLAT: [&str; 24] = [
        "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link",
        "meta", "option", "p", "param", "source", "tbody", "td", "tfoot", "th", "thead", "tr",
        "wbr",
    ];
    let mut depth: usize = 0;
    text.split('<').skip(1).any(|tag| {
        let closed = tag.strip_prefix('/');
        let name = closed.unwrap_or(tag);
        let ends = |c: char| !c.is_ascii_alphanumeric() && c != '-';
        let name = name.split(ends).next().unwrap_or_default();
        let is_flat = || FLAT.iter().any(|flat| flat.eq_ignore_ascii_case(name));
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || is_flat() {
            return false;
        }
        depth = match closed {
            Some(_) => depth.saturating_sub(1),
            None => depth + 1,
        };
        depth > DEPTH
    })
}

/// Returns the page's own address.
fn address(document: &Html) -> Option<String> {
    let canonical = first(document, "link[rel=canonical]").and_then(|link| link.attr("href"));
    let open_graph = || first(document, "meta[property='og:url']")?.attr("content");
    some(canonical.or_else(open_graph)?).filter(|url| url.contains("://"))
}

fn first<'a>(document: &'a Html, selector: &str) -> Option<scraper::ElementRef<'a>> {
    let selector = Selector::parse(selector).ok()?;
    document.select(&selector).next()
}

/// Names a comment: as the page does, or by all that it says.
fn id_of(article: &str, found: &Found) -> String {
    match &found.id {
        Some(id) => named(article, id),
        None => ids::derive(
            "",
            &[
                article,
                found.author.name.as_deref().unwrap_or_default(),
                &found.date,
                &found.text,
            ],
        ),
    }
}

/// Names a comment by its id: an address is one everywhere, and others may be counted anew on each
/// page.
fn named(article: &str, id: &str) -> String {
    let is_address = id.contains("://") || id.starts_with("urn:");
    match (id.len() <= ID_BYTES, is_address) {
        (true, true) => id.to_owned(),
        (true, false) => ids::derive(&format!("{id}-"), &[article]),
        (false, true) => ids::derive("", &[id]),
        (false, false) => ids::derive("", &[article, id]),
    }
}

/// Reads a date; one that names no offset is no moment, and left out.
fn written(text: &str) -> Result<Option<Time>, String> {
    let text = text.trim();
    let is_local =
        text.parse::<jiff::Timestamp>().is_err() && text.parse::<jiff::civil::DateTime>().is_ok();
    if is_local {
        return Ok(None);
    }
    when::rfc3339("dateCreated", text)
}
