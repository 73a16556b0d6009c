//! schema.org: what a page says in JSON-LD for search engines. Approved comments alone, and no
//! more of them than such a reader takes.

use serde_json::{Map, Value, json};

use super::links;
use super::said::{Said, name};
use crate::read::context::Permalink;
use crate::read::thread::ThreadPage;

/// Comments of a page, at most.
const COMMENTS: usize = 100;
/// Characters of a text, at most.
const TEXT: usize = 2_000;

/// Describes a page of a thread; `title` is what the page shows as its title.
pub(super) fn thread(base: &str, page: &ThreadPage, title: &str) -> Value {
    let url = format!("{base}{}", links::thread(&page.site, &page.thread));
    let mut post = object("DiscussionForumPosting", &url);
    post.insert("headline".to_owned(), json!(cut(title)));
    post.insert("commentCount".to_owned(), json!(page.counts.shown));
    let article = page.article.as_ref();
    if let Some(words) = article.and_then(|article| article.words.as_ref()) {
        let authors = words.authors.iter();
        let authors: Vec<Value> = authors.map(|name| person(name)).collect();
        post.insert("author".to_owned(), json!(authors));
        post.insert("text".to_owned(), json!(cut(&words.text)));
        insert(&mut post, "datePublished", words.published_at.as_ref());
        insert(&mut post, "dateModified", words.updated_at.as_ref());
        insert(&mut post, "inLanguage", words.language.as_ref());
        insert(&mut post, "sameAs", super::said::web(words.url.as_deref()));
    }
    let said = page
        .comments
        .iter()
        .filter_map(|item| Said::in_thread(page, item));
    let comments: Vec<Value> = said
        .filter_map(|said| comment(base, &said))
        .take(COMMENTS)
        .map(Value::Object)
        .collect();
    post.insert("comment".to_owned(), Value::Array(comments));
    whole(post)
}

/// Describes a permalink's page; `None` where there is nothing that anyone may read.
pub(super) fn permalink(base: &str, permalink: &Permalink) -> Option<Value> {
    let said = Said::alone(&permalink.history);
    let mut comment = comment(base, &said)?;
    let mut about = object("DiscussionForumPosting", &said.context(base));
    insert(&mut about, "headline", permalink.title.as_deref().map(cut));
    comment.insert("about".to_owned(), Value::Object(about));
    Some(whole(comment))
}

fn comment(base: &str, said: &Said<'_>) -> Option<Map<String, Value>> {
    let words = said.words.filter(|_| said.approved)?;
    let mut comment = object("Comment", &said.iri(base));
    comment.insert("author".to_owned(), person(name(words)));
    comment.insert("text".to_owned(), json!(cut(&words.text)));
    insert(&mut comment, "datePublished", said.dates.published.as_ref());
    insert(&mut comment, "dateModified", said.dates.updated.as_ref());
    insert(&mut comment, "inLanguage", words.language.as_ref());
    let above = match said.parent {
        Some(_) => said.answers(base),
        None => said.context(base),
    };
    comment.insert("parentItem".to_owned(), json!({"@id": above}));
    Some(comment)
}

fn object(kind: &str, url: &str) -> Map<String, Value> {
    let fields = [("@type", kind), ("@id", url), ("url", url)];
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect()
}

fn insert(object: &mut Map<String, Value>, name: &str, value: Option<impl serde::Serialize>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), json!(value));
    }
}

fn person(name: &str) -> Value {
    json!({"@type": "Person", "name": cut(name)})
}

fn whole(object: Map<String, Value>) -> Value {
    let mut whole = Map::from_iter([("@context".to_owned(), json!("https://schema.org"))]);
    whole.extend(object);
    Value::Object(whole)
}

/// Cuts text at the limit of characters.
fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(TEXT).map(|(place, _)| place);
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}
