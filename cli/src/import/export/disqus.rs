//! Disqus: all threads, then all posts, which name their thread and the post that they answer.
//!
//! A post has an element `thread` as well, which is a reference: what an element is depends on
//! where it stands.
//! What grows with the file is the table of its threads; they are articles once they have a post.

use std::collections::HashMap;

use stoa_proto::{Format, ImportedState};

use super::input::Input;
use super::item::{Article, Author, Broken, Comment, Item, Malformed, Take, article_id, some};
use super::when;
use super::xml::{Element, Fields, Xml};

const THREAD: [&str; 5] = ["link", "title", "createdAt", "isClosed", "isDeleted"];
const POST: [&str; 10] = [
    "message",
    "createdAt",
    "isDeleted",
    "isSpam",
    "isApproved",
    "author/name",
    "author/username",
    "author/isAnonymous",
    "thread@id",
    "parent@id",
];

/// A thread that posts name.
struct Thread {
    article: String,
    /// Taken when the first post comes.
    found: Option<Box<Article>>,
    is_deleted: bool,
}

/// Reads an export.
pub(super) fn read(input: Input, take: Take<'_>) -> Result<(), Broken> {
    let mut xml = Xml::open(input, "disqus", "Disqus export")?;
    let mut threads = HashMap::new();
    while let Some(element) = xml.child()? {
        let at = format!("line {}", element.line);
        let known = element.id.as_ref().ok().cloned().flatten();
        let found = match element.name.as_str() {
            "thread" => {
                let fields = xml.fields(&THREAD)?;
                match thread(&element, &fields, &at) {
                    Ok((id, thread)) => {
                        threads.insert(id, thread);
                        continue;
                    }
                    Err(message) => Err(message),
                }
            }
            "post" => {
                let fields = xml.fields(&POST)?;
                match post(&element, &fields, &mut threads, &at) {
                    Ok((article, comment)) => {
                        if let Some(article) = article {
                            take(Item::Article(article))?;
                        }
                        Ok(comment)
                    }
                    Err(message) => Err(message),
                }
            }
            _ => {
                xml.skip()?;
                continue;
            }
        };
        take(match found {
            Ok(comment) => Item::Comment(comment),
            Err(message) => Item::Malformed(Malformed {
                at,
                id: known,
                message,
            }),
        })?;
    }
    xml.finish()
}

fn id_of(element: &Element) -> Result<String, String> {
    let id = element.id.clone()?;
    id.filter(|id| !id.is_empty())
        .ok_or_else(|| format!("<{}> has no `dsq:id`", element.name))
}

fn thread(element: &Element, fields: &Fields, at: &str) -> Result<(String, Thread), String> {
    let id = id_of(element)?;
    let url = fields.some("link");
    let article = url.as_deref().map(article_id).filter(|id| !id.is_empty());
    let article = article.unwrap_or_else(|| format!("disqus-{id}"));
    let found = Article {
        at: at.to_owned(),
        id: article.clone(),
        url,
        title: fields.some("title").unwrap_or_default(),
        published_at: when::rfc3339("createdAt", fields.text("createdAt"))?,
        open: Some(!fields.flag("isClosed")?),
        ..Article::default()
    };
    let thread = Thread {
        article,
        found: Some(Box::new(found)),
        is_deleted: fields.flag("isDeleted")?,
    };
    Ok((id, thread))
}

fn post(
    element: &Element,
    fields: &Fields,
    threads: &mut HashMap<String, Thread>,
    at: &str,
) -> Result<(Option<Box<Article>>, Box<Comment>), String> {
    let id = id_of(element)?;
    if let Some(fault) = &fields.fault {
        return Err(fault.clone());
    }
    let name = fields.text("thread@id");
    let thread = threads
        .get_mut(name)
        .ok_or_else(|| format!("its thread `{name}` is not in the file"))?;
    let approved = fields.text("isApproved").is_empty() || fields.flag("isApproved")?;
    let state = if fields.flag("isSpam")? {
        ImportedState::Spam
    } else if fields.flag("isDeleted")? || thread.is_deleted {
        ImportedState::Deleted
    } else if approved {
        ImportedState::Visible
    } else {
        ImportedState::Pending
    };
    let is_anonymous = fields.flag("author/isAnonymous")?;
    let comment = Comment {
        at: at.to_owned(),
        id,
        article: thread.article.clone(),
        parent: some(fields.text("parent@id")),
        author: Author {
            account: fields.some("author/username").filter(|_| !is_anonymous),
            name: fields.some("author/name"),
        },
        body: fields.some("message").unwrap_or_default(),
        format: Format::Html,
        written: when::rfc3339("createdAt", fields.text("createdAt"))?,
        state,
        score: None,
        url: None,
    };
    Ok((thread.found.take(), Box::new(comment)))
}
