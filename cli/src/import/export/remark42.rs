//! Remark42: a line about the backup, then a comment a line.
//!
//! `text` is what was shown; `orig`, which was never cleaned, is not read.

use serde::Deserialize;
use stoa_proto::{Format, ImportedState};

use super::input::Input;
use super::item::{Article, Author, Broken, Comment, Item, Malformed, Take, article_id, some};
use super::when;

/// The backup's first line.
#[derive(Deserialize)]
struct Meta {
    version: u64,
}

#[derive(Deserialize)]
struct Stored {
    id: String,
    #[serde(default)]
    pid: String,
    #[serde(default)]
    text: String,
    user: User,
    locator: Locator,
    score: Option<i64>,
    #[serde(default)]
    time: String,
    #[serde(default)]
    delete: bool,
    #[serde(default)]
    title: String,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Locator {
    url: String,
}

/// Reads a backup.
pub(super) fn read(mut input: Input, take: Take<'_>) -> Result<(), Broken> {
    let mut line = Vec::new();
    let mut is_first = true;
    while let Some(n_line) = input.next_line(&mut line)? {
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        if std::mem::take(&mut is_first) {
            meta(text, n_line)?;
            continue;
        }
        let at = format!("line {n_line}");
        let found = serde_json::from_slice::<Stored>(text).map_err(|error| {
            let peek = serde_json::from_slice::<serde_json::Value>(text).unwrap_or_default();
            let id = peek.get("id").and_then(|id| id.as_str()).map(str::to_owned);
            (id, error.to_string())
        });
        let found = found.and_then(|stored| {
            let id = stored.id.clone();
            comment(stored, &at).map_err(|message| (Some(id), message))
        });
        match found {
            Ok((article, comment)) => {
                take(Item::Article(Box::new(article)))?;
                take(Item::Comment(Box::new(comment)))?;
            }
            Err((id, message)) => take(Item::Malformed(Malformed { at, id, message }))?,
        }
    }
    Ok(())
}

fn meta(text: &[u8], line: u64) -> Result<(), Broken> {
    let meta: Meta = serde_json::from_slice(text).map_err(|error| {
        let message =
            format!("this is no Remark42 backup: its first line is not the header ({error})");
        Broken::line(line, message)
    })?;
    if meta.version > 1 {
        let message = format!(
            "the backup is of version {}; 0 and 1 are known",
            meta.version
        );
        return Err(Broken::line(line, message));
    }
    Ok(())
}

fn comment(stored: Stored, at: &str) -> Result<(Article, Comment), String> {
    let url = stored.locator.url;
    let id = article_id(&url);
    if id.is_empty() {
        return Err("`locator.url` is empty".to_owned());
    }
    let article = Article {
        at: at.to_owned(),
        id: id.clone(),
        url: Some(url),
        title: stored.title,
        ..Article::default()
    };
    // Of who was deleted with the comment nothing is left but the word.
    let name = some(&stored.user.name).filter(|name| !(stored.delete && name == "deleted"));
    let comment = Comment {
        at: at.to_owned(),
        id: stored.id,
        article: id,
        parent: some(&stored.pid),
        author: Author {
            account: some(&stored.user.id),
            name,
        },
        body: stored.text.trim().to_owned(),
        format: Format::Html,
        written: when::rfc3339("time", &stored.time)?,
        state: if stored.delete {
            ImportedState::Deleted
        } else {
            ImportedState::Visible
        },
        score: stored.score,
        url: None,
    };
    Ok((article, comment))
}
