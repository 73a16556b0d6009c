//! JSON-LD: objects of the type `Comment`, wherever they stand in a page's scripts.

use scraper::{Html, Selector};
use serde_json::{Map, Value};
use stoa_proto::Format;

use super::super::item::{Author, some};
use super::{Found, Page, Parent};

/// By what a comment is known.
const IDENTITY: [&str; 3] = ["identifier", "@id", "url"];

/// Finds a page's comments; a script that is not JSON is passed over, as browsers do.
pub(super) fn find(document: &Html) -> Page {
    let mut page = Page::default();
    let Ok(scripts) = Selector::parse("script[type='application/ld+json']") else {
        return page;
    };
    for script in document.select(&scripts) {
        let text: String = script.text().collect();
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            visit(&value, None, &mut page);
        }
    }
    page
}

/// Looks at a value and what is in it; the parser allows 128 levels.
fn visit(value: &Value, parent: Option<usize>, page: &mut Page) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| visit(value, parent, page)),
        Value::Object(object) => {
            let is = |name: &str| has_type(object, name);
            let mut inside = parent;
            if is("Comment") || is("UserComments") {
                inside = Some(page.comments.len());
                page.comments.push(comment(object, parent));
            } else if object.contains_key("comment") && page.title.is_empty() {
                page.title = text(object, &["headline", "name"]).unwrap_or_default();
                page.url = text(object, &["url", "mainEntityOfPage", "@id"])
                    .filter(|url| url.contains("://"));
            }
            for (key, value) in object {
                // What a comment names as its parent is no comment of its own.
                if key != "parentItem" {
                    visit(value, inside, page);
                }
            }
        }
        _ => {}
    }
}

fn has_type(object: &Map<String, Value>, name: &str) -> bool {
    let fits = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        text.rsplit(['/', ':']).next() == Some(name)
    };
    match object.get("@type") {
        Some(Value::Array(types)) => types.iter().any(fits),
        Some(one) => fits(one),
        None => false,
    }
}

fn comment(object: &Map<String, Value>, parent: Option<usize>) -> Found {
    let named = object.get("parentItem").and_then(identity);
    let count = |key: &str| object.get(key).and_then(Value::as_i64);
    let score = count("upvoteCount")
        .map(|up| up.saturating_sub(count("downvoteCount").unwrap_or_default()));
    Found {
        id: text(object, &IDENTITY),
        parent: named.map(Parent::Named).or(parent.map(Parent::Place)),
        author: object
            .get("author")
            .or_else(|| object.get("creator"))
            .map(author)
            .unwrap_or_default(),
        text: text(object, &["text", "commentText"]).unwrap_or_default(),
        format: Format::Plain,
        date: text(object, &["dateCreated", "datePublished", "commentTime"]).unwrap_or_default(),
        score,
        url: text(object, &["url"]).filter(|url| url.contains("://")),
    }
}

fn author(value: &Value) -> Author {
    match value {
        Value::String(name) => Author {
            account: None,
            name: some(name),
        },
        Value::Array(values) => values.first().map(author).unwrap_or_default(),
        Value::Object(object) => Author {
            account: text(object, &["identifier"]),
            name: text(object, &["name", "alternateName"]),
        },
        _ => Author::default(),
    }
}

/// Returns by what a comment is known: a text, or what an object says of itself.
fn identity(value: &Value) -> Option<String> {
    match value {
        Value::String(id) => some(id),
        Value::Object(object) => text(object, &IDENTITY),
        _ => None,
    }
}

/// Returns the first of some properties that has a text, a number, or an object with an `@id`.
fn text(object: &Map<String, Value>, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| match object.get(*key)? {
        Value::String(text) => some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(inner) => inner.get("@id").and_then(Value::as_str).and_then(some),
        _ => None,
    })
}
