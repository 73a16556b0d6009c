//! Isso: its SQLite database, and the JSON that its generic import takes.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row};
use serde::Deserialize;
use stoa_proto::{Format, ImportedState};

use super::input::Input;
use super::item::{Article, Author, Broken, Comment, Item, Malformed, Take, article_id, some};
use super::when;

/// Bytes of a JSON file, which is read whole.
const JSON_BYTES: usize = 256 * 1024 * 1024;

/// What is too long for a comment comes cut, and is told of as too long.
const COMMENTS: &str = "SELECT c.id, c.parent, c.created, c.mode, substr(c.text, 1, 65537), \
     substr(c.author, 1, 1025), substr(t.uri, 1, 2049), substr(t.title, 1, 4097) \
     FROM comments c LEFT JOIN threads t ON t.id = c.tid ORDER BY c.tid, c.id";

/// Reads a database, row by row; nothing is written to it.
pub(super) fn database(path: &Path, take: Take<'_>) -> Result<(), Broken> {
    let wrong = |error: rusqlite::Error| {
        Broken::whole(format!("this database can't be read as Isso's: {error}"))
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(wrong)?;
    let mut statement = connection.prepare(COMMENTS).map_err(wrong)?;
    let mut rows = statement.query([]).map_err(wrong)?;
    while let Some(row) = rows.next().map_err(wrong)? {
        let id = row.get::<_, i64>(0).map(|id| id.to_string());
        let at = format!("comment {}", id.as_deref().unwrap_or("without an id"));
        match stored(row, &at) {
            Ok((article, comment)) => {
                take(Item::Article(Box::new(article)))?;
                take(Item::Comment(Box::new(comment)))?;
            }
            Err(message) => take(Item::Malformed(Malformed {
                at,
                id: id.ok(),
                message,
            }))?,
        }
    }
    Ok(())
}

fn stored(row: &Row<'_>, at: &str) -> Result<(Article, Comment), String> {
    let wrong = |error: rusqlite::Error| error.to_string();
    let uri: Option<String> = row.get(6).map_err(wrong)?;
    let uri = uri.ok_or("its thread is not in the database")?;
    let title: Option<String> = row.get(7).map_err(wrong)?;
    let article = thread(&uri, title.as_deref().unwrap_or_default(), at)?;
    let mode: i64 = row.get(3).map_err(wrong)?;
    let state = match mode {
        1 => ImportedState::Visible,
        2 => ImportedState::Pending,
        4 => ImportedState::Deleted,
        _ => return Err(format!("`mode` is {mode}; 1, 2 and 4 are known")),
    };
    let created: f64 = row.get(2).map_err(wrong)?;
    let parent: Option<i64> = row.get(1).map_err(wrong)?;
    let name: Option<String> = row.get(5).map_err(wrong)?;
    let comment = Comment {
        at: at.to_owned(),
        id: row.get::<_, i64>(0).map_err(wrong)?.to_string(),
        article: article.id.clone(),
        parent: parent.map(|id| id.to_string()),
        author: Author {
            account: None,
            name: name.as_deref().and_then(some),
        },
        body: row.get::<_, String>(4).map_err(wrong)?.trim().to_owned(),
        format: Format::Markdown,
        written: when::seconds("created", created)?,
        state,
        score: None,
        url: None,
    };
    Ok((article, comment))
}

fn thread(uri: &str, title: &str, at: &str) -> Result<Article, String> {
    let id = article_id(uri);
    if id.is_empty() {
        return Err("its thread has no address".to_owned());
    }
    Ok(Article {
        at: at.to_owned(),
        id,
        // Isso keeps the path alone, which is no address.
        url: Some(uri.to_owned()).filter(|uri| uri.contains("://")),
        title: title.trim().to_owned(),
        ..Article::default()
    })
}

#[derive(Deserialize)]
struct Thread {
    id: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    comments: Vec<Posted>,
}

#[derive(Deserialize)]
struct Posted {
    id: u64,
    #[serde(default)]
    author: Option<String>,
    #[serde(default)]
    created: String,
    text: String,
}

/// Reads the generic JSON: all of it is public, and nothing answers anything.
pub(super) fn json(input: Input, take: Take<'_>) -> Result<(), Broken> {
    let text = input.whole(JSON_BYTES)?;
    let threads: Vec<Thread> = serde_json::from_str(&text).map_err(|error| {
        Broken::whole(format!(
            "this is neither Isso's database nor JSON of its generic import: {error}"
        ))
    })?;
    for stored in threads {
        let at = format!("thread {}", stored.id);
        let article = match thread(&stored.id, &stored.title, &at) {
            Ok(article) => article,
            Err(message) => {
                let id = None;
                take(Item::Malformed(Malformed { at, id, message }))?;
                continue;
            }
        };
        let article_id = article.id.clone();
        take(Item::Article(Box::new(article)))?;
        for posted in stored.comments {
            let at = format!("{at}, comment {}", posted.id);
            // Ids are counted anew in each thread.
            let id = stoa_proto::ids::derive("", &[&article_id, &posted.id.to_string()]);
            take(match when::sql("created", &posted.created) {
                Ok(written) => Item::Comment(Box::new(Comment {
                    at,
                    id,
                    article: article_id.clone(),
                    parent: None,
                    author: Author {
                        account: None,
                        name: posted.author.as_deref().and_then(some),
                    },
                    body: posted.text.trim().to_owned(),
                    format: Format::Plain,
                    written,
                    state: ImportedState::Visible,
                    score: None,
                    url: None,
                })),
                Err(message) => Item::Malformed(Malformed {
                    at,
                    id: Some(posted.id.to_string()),
                    message,
                }),
            })?;
        }
    }
    Ok(())
}
