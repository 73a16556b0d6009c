//! ActivityStreams 2.0: articles, comments and threads as objects of its vocabulary.
//!
//! A comment is a `Note` whose `id` is its permalink, an article is an `Article`, a thread is the
//! `OrderedCollection` that its notes name as `context`; what was erased is a `Tombstone` with the
//! same `id`, which keeps `inReplyTo` and `context`, so that replies stay where they are.

pub(super) mod routes;

use std::collections::BTreeMap;

use serde::Serialize;
use stoa_proto::{Format, Time};

use super::said::{Said, name, web};
use super::{html, links};
use crate::read::thread::{ArticleWords, ThreadPage};
use crate::read::words::Words;

/// The vocabulary.
const CONTEXT: &str = "https://www.w3.org/ns/activitystreams";

/// A document: an object with the vocabulary that it is written in.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Document<T> {
    #[serde(rename = "@context")]
    vocabulary: &'static str,
    #[serde(flatten)]
    object: T,
}

impl<T> Document<T> {
    pub(super) fn new(object: T) -> Self {
        Self {
            vocabulary: CONTEXT,
            object,
        }
    }
}

/// An article, a comment, or what is left of one.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type")]
pub(super) enum Object {
    Article(Post),
    Note(Post),
    Tombstone(Tombstone),
}

impl Object {
    /// Whether it was erased.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self, Self::Tombstone(_))
    }
}

/// What someone wrote.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Post {
    id: String,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    attributed_to: Vec<Person>,
    /// HTML that is made of the plain text.
    content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_map: Option<BTreeMap<String, String>>,
    media_type: &'static str,
    source: Source,
    #[serde(skip_serializing_if = "Option::is_none")]
    published: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_reply_to: Option<String>,
    context: String,
    replies: String,
}

/// An author.
#[derive(Clone, Debug, Serialize)]
struct Person {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    name: String,
}

/// The words as the platform sent them.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    content: String,
    media_type: &'static str,
}

/// What is left of an object that was erased.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tombstone {
    id: String,
    former_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_reply_to: Option<String>,
    context: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<Time>,
}

/// A thread.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Collection {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    in_reply_to: String,
    total_items: u64,
    first: String,
}

/// A part of a thread, in tree order.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CollectionPage {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    part_of: String,
    total_items: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    ordered_items: Vec<Object>,
}

/// The replies to a comment.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Replies {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    total_items: usize,
    items: Vec<String>,
}

/// Makes a `Note`, or a `Tombstone` of one whose words were erased.
pub(super) fn note(base: &str, said: &Said<'_>) -> Object {
    let (id, context) = (said.iri(base), said.context(base));
    let in_reply_to = Some(said.answers(base));
    let Some(words) = said.words else {
        return Object::Tombstone(Tombstone {
            id,
            former_type: "Note",
            in_reply_to,
            context,
            deleted: said.dates.erased.clone(),
        });
    };
    let (html, by_language) = content(&words.text, words.language.as_deref());
    Object::Note(Post {
        url: web(words.url.as_deref()).unwrap_or(&id).to_owned(),
        replies: format!("{base}{}", links::replies(said.site, said.comment)),
        id,
        name: None,
        attributed_to: vec![person(base, said.site, words)],
        content: html,
        content_map: by_language,
        media_type: "text/html",
        source: source(&words.body, words.format),
        published: said.dates.published.clone(),
        updated: said.dates.updated.clone(),
        in_reply_to,
        context,
    })
}

/// Makes an `Article`, or a `Tombstone` of one that may not be read any more.
pub(super) fn article(base: &str, site: &str, thread: &str, words: Option<ArticleWords>) -> Object {
    let id = format!("{base}{}", links::article(site, thread));
    let context = format!("{base}{}", links::thread(site, thread));
    let Some(words) = words else {
        return Object::Tombstone(Tombstone {
            id,
            former_type: "Article",
            in_reply_to: None,
            context,
            deleted: None,
        });
    };
    let (html, by_language) = content(&words.text, words.language.as_deref());
    let authors = words.authors.into_iter();
    Object::Article(Post {
        id,
        url: web(words.url.as_deref()).unwrap_or(&context).to_owned(),
        name: Some(words.title),
        attributed_to: authors
            .map(|name| Person {
                kind: "Person",
                id: None,
                name,
            })
            .collect(),
        content: html,
        content_map: by_language,
        media_type: "text/html",
        source: source(&words.body, words.format),
        published: words.published_at,
        updated: words.updated_at,
        in_reply_to: None,
        replies: context.clone(),
        context,
    })
}

/// Makes the collection that a thread is.
pub(super) fn collection(base: &str, page: &ThreadPage) -> Collection {
    let (site, thread) = (&page.site, &page.thread);
    let words = page
        .article
        .as_ref()
        .and_then(|article| article.words.as_ref());
    let id = format!("{base}{}", links::thread(site, thread));
    Collection {
        url: id.clone(),
        id,
        kind: "OrderedCollection",
        name: words.map(|words| words.title.clone()),
        in_reply_to: format!("{base}{}", links::article(site, thread)),
        total_items: page.counts.shown,
        first: page_id(base, site, thread, None),
    }
}

/// Makes a page of a thread; placeholders are left out.
pub(super) fn collection_page(
    base: &str,
    page: &ThreadPage,
    after: Option<&str>,
) -> CollectionPage {
    let (site, thread) = (&page.site, &page.thread);
    let said = page
        .comments
        .iter()
        .filter_map(|item| Said::in_thread(page, item));
    let next = page.next.as_deref();
    CollectionPage {
        id: page_id(base, site, thread, after),
        kind: "OrderedCollectionPage",
        part_of: format!("{base}{}", links::thread(site, thread)),
        total_items: page.counts.shown,
        next: next.map(|after| page_id(base, site, thread, Some(after))),
        ordered_items: said.map(|said| note(base, &said)).collect(),
    }
}

/// Makes the collection of the replies to a comment.
pub(super) fn replies(base: &str, site: &str, comment: &str, replies: &[String]) -> Replies {
    Replies {
        id: format!("{base}{}", links::replies(site, comment)),
        kind: "Collection",
        total_items: replies.len(),
        items: replies
            .iter()
            .map(|reply| format!("{base}{}", links::comment(site, reply)))
            .collect(),
    }
}

fn page_id(base: &str, site: &str, thread: &str, after: Option<&str>) -> String {
    let after = after.map(|after| format!("&after={}", links::escape(after)));
    format!(
        "{base}{}?page=true{}",
        links::thread_activity(site, thread),
        after.unwrap_or_default()
    )
}

fn person(base: &str, site: &str, words: &Words) -> Person {
    let (page, id) = (links::site(site), links::escape(&words.author.id));
    Person {
        kind: "Person",
        id: Some(format!("{base}{page}#author-{id}")),
        name: name(words).to_owned(),
    }
}

fn content(text: &str, language: Option<&str>) -> (String, Option<BTreeMap<String, String>>) {
    let content = html::words(text);
    let language = language.filter(|tag| html::is_language(tag));
    let map = language.map(|tag| BTreeMap::from([(tag.to_owned(), content.clone())]));
    (content, map)
}

fn source(body: &str, format: Format) -> Source {
    Source {
        content: body.to_owned(),
        media_type: match format {
            Format::Plain => "text/plain",
            Format::Html => "text/html",
            Format::Markdown => "text/markdown",
        },
    }
}
