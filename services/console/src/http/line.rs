//! A comment in a list: of a thread, an author, or what a search found.

use jiff::Timestamp;

use super::links;
use super::time::Moment;
use super::words::{Part, marked};
use crate::backend::{Author, Hit, Item};

/// How far comments are moved in, at most.
const DEEPEST: usize = 6;

/// A comment, for people; or an article that was found.
pub(super) struct Line {
    pub(super) id: String,
    pub(super) depth: usize,
    pub(super) name: Option<String>,
    pub(super) author: Option<String>,
    /// What it is about, with its place in the thread; nothing in the thread itself.
    pub(super) title: Option<String>,
    pub(super) place: Option<String>,
    pub(super) status: String,
    pub(super) written: Option<Moment>,
    pub(super) language: Option<String>,
    pub(super) labels: Vec<String>,
    /// Nothing where the words were erased.
    pub(super) parts: Vec<Part>,
    pub(super) is_ghost: bool,
    /// Its open case.
    pub(super) case: Option<String>,
}

fn named(author: &Author) -> Option<String> {
    let name = author.display_name.as_ref().unwrap_or(&author.id);
    (!name.is_empty()).then(|| name.clone())
}

impl Line {
    /// A comment in its thread.
    pub(super) fn of_thread(site: &str, item: Item, now: Timestamp) -> Self {
        let author = (!item.author.id.is_empty()).then(|| links::author(site, &item.author.id));
        Self {
            depth: item.depth.min(DEEPEST),
            name: named(&item.author),
            author,
            title: None,
            place: None,
            status: item.status,
            written: Moment::new(item.submitted_at.as_ref(), now),
            language: item.language,
            labels: item
                .decision
                .map(|decision| decision.labels)
                .unwrap_or_default(),
            parts: item.text.map(|text| marked(&text, &[])).unwrap_or_default(),
            is_ghost: item.ghost,
            case: None,
            id: item.comment,
        }
    }

    /// Something that was found.
    pub(super) fn found(hit: Hit, now: Timestamp) -> Self {
        let (site, article) = (&hit.site, &hit.article);
        let place = match &hit.comment {
            Some(comment) => links::comment(site, article, comment),
            None => links::thread(site, article),
        };
        let ranges: Vec<(u32, u32)> = hit
            .snippet
            .ranges
            .iter()
            .map(|range| (range.start, range.end))
            .collect();
        let author = hit.author.as_ref();
        Self {
            depth: 0,
            name: author.and_then(named),
            author: author.map(|author| links::author(site, &author.id)),
            title: Some(hit.title.unwrap_or_else(|| hit.article.clone())),
            place: Some(place),
            status: hit.status,
            written: Moment::new(hit.at.as_ref(), now),
            language: hit.language,
            labels: hit
                .decision
                .map(|decision| decision.labels)
                .unwrap_or_default(),
            parts: marked(&hit.snippet.text, &ranges),
            is_ghost: false,
            case: None,
            id: hit.comment.unwrap_or_default(),
        }
    }
}
