//! Pages as files beside each other, written by what writes them when they are served.

use std::collections::HashMap;

use super::activity::{self, Document};
use super::api::ThreadEntry;
use super::html::{Head, Html};
use super::links::{Links, file};
use super::pages;
use super::said::Said;
use crate::read::thread::ThreadPage;
use crate::read::{Audience, Reader};
use crate::row::ArticleRow;
use crate::view::Error;

/// The style sheet.
pub(crate) const STYLE: &str = pages::STYLE;

/// Writes a page of a thread: `page` of those on which `pages` has the comments.
pub(crate) fn thread(
    thread: &ThreadPage,
    audience: Audience,
    pages: &HashMap<String, usize>,
    page: usize,
) -> String {
    pages::thread::copied(thread, audience, Links::Copied { pages, page })
}

/// Writes a page of a thread as objects, with the article before its first page; each is JSON, and may
/// be what is left of one that is gone. Placeholders are left out.
pub(crate) fn objects(
    base: &str,
    mut page: ThreadPage,
    is_first: bool,
) -> serde_json::Result<Vec<(String, bool)>> {
    let article = page.article.take().filter(|_| is_first);
    let article =
        article.map(|article| activity::article(base, &page.site, &page.thread, article.words));
    let comments = page.comments.iter();
    let comments = comments.filter_map(|item| Said::in_thread(&page, item));
    let notes = comments.map(|said| activity::note(base, &said));
    let objects = article.into_iter().chain(notes);
    objects
        .map(|object| {
            let is_gone = object.is_gone();
            Ok((serde_json::to_string(&Document::new(object))?, is_gone))
        })
        .collect()
}

/// Reads on which page of `length` entries each comment of a thread is.
pub(crate) fn pages_of(
    reader: &Reader,
    site: &str,
    thread: &str,
    audience: Audience,
    length: usize,
) -> Result<HashMap<String, usize>, Error> {
    let ids = reader.visible(site, thread, audience)?;
    let numbered = ids.into_iter().enumerate();
    Ok(numbered
        .map(|(place, id)| (id, place / length + 1))
        .collect())
}

/// What the list says of a thread.
pub(crate) struct Entry(ThreadEntry);

/// Reads what the list says of a thread whose page is the file `url`.
pub(crate) fn entry(
    reader: &Reader,
    thread: &str,
    row: &ArticleRow,
    audience: Audience,
    url: String,
) -> Result<Entry, Error> {
    ThreadEntry::read(reader, thread.to_owned(), row, audience, url).map(Entry)
}

/// Writes a page of the site's list, from 1.
pub(crate) fn list(site: &str, entries: Vec<Entry>, page: usize, has_next: bool) -> String {
    let head = Head {
        style: Some("assets/thread.css"),
        ..Head::default()
    };
    let mut html = Html::page_with(site, &head);
    html.raw("<main id=\"main\"><h1 dir=\"auto\">")
        .text(site)
        .raw("</h1>");
    let entries: Vec<_> = entries.into_iter().map(|Entry(entry)| entry).collect();
    pages::write_list(&mut html, &entries);
    if has_next {
        pages::next_link(&mut html, &file(page + 1));
    }
    html.raw("</main>");
    html.written()
}
