//! Microdata: elements with `itemscope` of the type `Comment`, and their `itemprop`s.

use ego_tree::iter::Edge;
use scraper::{ElementRef, Html};
use stoa_proto::Format;

use super::super::item::{Author, Broken, some};
use super::{Found, Page, Parent};

/// An element that has properties.
#[derive(Debug, Default)]
struct Scope<'a> {
    /// The last word of its type's address.
    kind: String,
    /// The scope that it stands in.
    outer: Option<usize>,
    /// Its properties, and the scope of those that have one.
    properties: Vec<(&'a str, ElementRef<'a>, Option<usize>)>,
}

/// Bytes of a name, a date or a number: an element that holds the rest of the page is none.
const WORDS: usize = 8_192;

/// Finds a page's comments.
pub(super) fn find(document: &Html, n_bytes: usize) -> Result<Page, Broken> {
    let scopes = scopes(document);
    // A comment that holds comments would be written out once for each of them.
    let mut budget = 4 * n_bytes + (1 << 20);
    let mut page = Page::default();
    let mut places = vec![None; scopes.len()];
    for (n, scope) in scopes.iter().enumerate() {
        if scope.kind != "Comment" && scope.kind != "UserComments" {
            continue;
        }
        let outer = std::iter::successors(scope.outer, |outer| scopes.get(*outer)?.outer);
        let parent = outer
            .take(64)
            .find_map(|outer| places.get(outer).copied().flatten());
        if let Some(place) = places.get_mut(n) {
            *place = Some(page.comments.len());
        }
        let found = comment(scope, parent, &scopes);
        budget = budget.checked_sub(found.text.len()).ok_or_else(|| {
            Broken::whole("the page's comments are inside each other's text too often")
        })?;
        page.comments.push(found);
    }
    if let Some(article) = scopes
        .iter()
        .find(|scope| scope.kind.ends_with("Article") || scope.kind.ends_with("Posting"))
    {
        page.title = text(article, &["headline", "name"]).unwrap_or_default();
        page.url = text(article, &["url", "mainEntityOfPage"]).filter(|url| url.contains("://"));
    }
    Ok(page)
}

/// Lists the scopes in the order of the page, in one walk over it.
fn scopes(document: &Html) -> Vec<Scope<'_>> {
    let mut scopes: Vec<Scope<'_>> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for edge in document.root_element().traverse() {
        match edge {
            Edge::Open(node) => {
                let Some(element) = ElementRef::wrap(node) else {
                    continue;
                };
                let outer = open.last().copied();
                let own = element.attr("itemscope").map(|_| scopes.len());
                if let (Some(name), Some(outer)) = (element.attr("itemprop"), outer)
                    && let Some(scope) = scopes.get_mut(outer)
                {
                    let names = name.split_ascii_whitespace();
                    scope
                        .properties
                        .extend(names.map(|name| (name, element, own)));
                }
                if let Some(own) = own {
                    let kind = element.attr("itemtype").unwrap_or_default();
                    let kind = kind.trim().rsplit('/').next().unwrap_or_default();
                    scopes.push(Scope {
                        kind: kind.to_owned(),
                        outer,
                        properties: Vec::new(),
                    });
                    open.push(own);
                }
            }
            Edge::Close(node) => {
                let is_scope = ElementRef::wrap(node)
                    .is_some_and(|element| element.attr("itemscope").is_some());
                if is_scope {
                    open.pop();
                }
            }
        }
    }
    scopes
}

fn comment(scope: &Scope<'_>, parent: Option<usize>, scopes: &[Scope<'_>]) -> Found {
    let body = property(scope, &["text", "commentText"]);
    let named = match property(scope, &["parentItem"]) {
        Some((_, Some(parent))) => scopes
            .get(parent)
            .and_then(|parent| text(parent, &["identifier", "url"])),
        Some((element, None)) => value(element),
        None => None,
    };
    let by = property(scope, &["author", "creator"]);
    let author = match by {
        Some((_, Some(person))) => scopes.get(person).map(|person| Author {
            account: text(person, &["identifier"]),
            name: text(person, &["name"]),
        }),
        Some((element, None)) => Some(Author {
            account: None,
            name: some(&words(element)).or_else(|| value(element)),
        }),
        None => None,
    };
    let count = |name| text(scope, &[name]).and_then(|text| text.parse::<i64>().ok());
    let votes = count("upvoteCount")
        .map(|up| up.saturating_sub(count("downvoteCount").unwrap_or_default()));
    let url = text(scope, &["url"]);
    Found {
        id: text(scope, &["identifier"]).or_else(|| url.clone()),
        parent: named.map(Parent::Named).or(parent.map(Parent::Place)),
        author: author.unwrap_or_default(),
        text: body
            .map(|(element, _)| element.inner_html())
            .unwrap_or_default(),
        format: Format::Html,
        date: text(scope, &["dateCreated", "datePublished", "commentTime"]).unwrap_or_default(),
        score: votes,
        url: url.filter(|url| url.contains("://")),
    }
}

/// Returns the first of some properties, and its scope if it has one.
fn property<'a>(scope: &Scope<'a>, names: &[&str]) -> Option<(ElementRef<'a>, Option<usize>)> {
    let mut properties = scope.properties.iter();
    let (_, element, own) = properties.find(|(name, ..)| names.contains(name))?;
    Some((*element, *own))
}

fn text(scope: &Scope<'_>, names: &[&str]) -> Option<String> {
    property(scope, names).and_then(|(element, _)| value(element))
}

/// Returns a property's value, which depends on the element.
fn value(element: ElementRef<'_>) -> Option<String> {
    let attribute = match element.value().name() {
        "meta" => element.attr("content"),
        "a" | "area" | "link" => element.attr("href"),
        "time" => element.attr("datetime"),
        "data" | "meter" => element.attr("value"),
        _ => None,
    };
    match attribute {
        Some(text) => some(text),
        None => some(&words(element)),
    }
}

/// Returns an element's text, and no more than a name or a number has.
fn words(element: ElementRef<'_>) -> String {
    let mut words = String::new();
    for text in element.text() {
        if words.len() > WORDS {
            break;
        }
        words.push_str(text);
    }
    words
}
