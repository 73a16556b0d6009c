//! Commento: one JSON object with comments, and behind them who wrote them.

use std::collections::HashMap;

use serde::Deserialize;
use stoa_proto::{Format, ImportedState};

use super::input::Input;
use super::item::{Article, Author, Broken, Comment, Item, Malformed, Take, article_id, some};
use super::when;

/// Bytes of a file, which is read whole: names stand behind the comments.
const FILE_BYTES: usize = 256 * 1024 * 1024;

#[derive(Deserialize)]
struct Export {
    version: u64,
    #[serde(default)]
    comments: Vec<Stored>,
    #[serde(default)]
    commenters: Vec<Commenter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    comment_hex: String,
    #[serde(default)]
    domain: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    commenter_hex: String,
    #[serde(default)]
    markdown: String,
    #[serde(default)]
    html: String,
    #[serde(default)]
    parent_hex: String,
    score: Option<i64>,
    #[serde(default)]
    state: String,
    #[serde(default)]
    creation_date: String,
    #[serde(default)]
    deleted: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Commenter {
    commenter_hex: String,
    #[serde(default)]
    name: String,
}

/// Reads an export.
pub(super) fn read(input: Input, take: Take<'_>) -> Result<(), Broken> {
    let text = input.whole(FILE_BYTES)?;
    let export: Export = serde_json::from_str(&text)
        .map_err(|error| Broken::whole(format!("this is no Commento export: {error}")))?;
    if export.version != 1 {
        return Err(Broken::whole(format!(
            "the export is of version {}; 1 is known",
            export.version
        )));
    }
    let names: HashMap<String, String> = export
        .commenters
        .into_iter()
        .map(|one| (one.commenter_hex, one.name))
        .collect();
    for (n, stored) in export.comments.into_iter().enumerate() {
        let at = format!("comment {}", n + 1);
        let id = stored.comment_hex.clone();
        match comment(stored, &names, &at) {
            Ok((article, comment)) => {
                take(Item::Article(Box::new(article)))?;
                take(Item::Comment(Box::new(comment)))?;
            }
            Err(message) => take(Item::Malformed(Malformed {
                at,
                id: Some(id),
                message,
            }))?,
        }
    }
    Ok(())
}

fn comment(
    stored: Stored,
    names: &HashMap<String, String>,
    at: &str,
) -> Result<(Article, Comment), String> {
    let state = match stored.state.as_str() {
        _ if stored.deleted => ImportedState::Deleted,
        "approved" => ImportedState::Visible,
        "unapproved" => ImportedState::Pending,
        "flagged" => ImportedState::Spam,
        _ => return Err("`state` is none of approved, unapproved, flagged".to_owned()),
    };
    let url = if stored.url.contains("://") || stored.domain.is_empty() {
        stored.url
    } else {
        let path = stored.url.trim_start_matches('/');
        format!("https://{}/{path}", stored.domain)
    };
    let id = article_id(&url);
    if id.is_empty() {
        return Err("it has neither `domain` nor `url`".to_owned());
    }
    let article = Article {
        at: at.to_owned(),
        id: id.clone(),
        url: Some(url).filter(|url| url.contains("://")),
        ..Article::default()
    };
    // The words as they were typed, or else as they were shown; of deleted ones a word is left.
    let is_gone = |words: &String| state == ImportedState::Deleted && words == "[deleted]";
    let words = |text: &str| some(text).filter(|words| !is_gone(words));
    let (body, format) = match (words(&stored.markdown), words(&stored.html)) {
        (Some(markdown), _) => (markdown, Format::Markdown),
        (None, html) => (html.unwrap_or_default(), Format::Html),
    };
    // Everybody without an account is `anonymous`, and has no name.
    let account = some(&stored.commenter_hex).filter(|hex| hex != "anonymous");
    let name = account.as_ref().and_then(|hex| names.get(hex));
    let comment = Comment {
        at: at.to_owned(),
        id: stored.comment_hex,
        article: id,
        parent: some(&stored.parent_hex).filter(|parent| parent != "root"),
        author: Author {
            name: name.and_then(|name| some(name)),
            account,
        },
        body,
        format,
        written: when::rfc3339("creationDate", &stored.creation_date)?,
        state,
        score: stored.score,
        url: None,
    };
    Ok((article, comment))
}
