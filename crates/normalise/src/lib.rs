//! What is made of a body: plain text, its links and its language.
//!
//! Ingest does it to every event, and so does whoever judges a comment that did not come through
//! ingest, so that both are judged alike.
//!
//! The body itself is never touched; what is made of it goes into `data.normalized`.
//! Spans in decisions are counted in the plain text made here.

mod language;
mod markup;
mod unicode;

use std::borrow::Cow;

use stoa_proto::{Code, Data, Event, Format, Normalized, Rejection};

pub use self::language::Languages;

/// Fills `data.normalized` of a comment or an article.
///
/// A comment of which nothing can be seen is refused: nobody could judge it, and nobody could
/// have meant it.
pub fn event(event: &mut Event, languages: &Languages) -> Result<(), Rejection> {
    match &mut event.data {
        Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => {
            let language = comment.language.as_deref();
            let blank = if comment.is_deleted() {
                Blank::Allowed
            } else {
                Blank::Refused
            };
            comment.normalized = body(&comment.body, comment.format, language, languages, blank)?;
        }
        Data::ArticlePublished(article) | Data::ArticleUpdated(article) => {
            let language = article.language.as_deref();
            article.normalized = body(
                &article.body,
                article.format,
                language,
                languages,
                Blank::Allowed,
            )?;
        }
        _ => {}
    }
    Ok(())
}

/// Does to events what ingest does, for what reads events that did not pass through it.
#[derive(Debug)]
pub struct Normaliser(Languages);

impl Normaliser {
    /// Tells these languages apart (ISO 639-1); the error names the code that is not known.
    pub fn new(languages: &[String]) -> Result<Self, String> {
        Languages::new(languages).map(Self)
    }

    /// Fills `data.normalized` of a comment or an article that has none.
    pub fn normalise(&self, event: &mut Event) -> Result<(), Rejection> {
        let done = match &event.data {
            Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => {
                comment.normalized.is_some()
            }
            Data::ArticlePublished(article) | Data::ArticleUpdated(article) => {
                article.normalized.is_some()
            }
            _ => true,
        };
        if done {
            return Ok(());
        }
        self::event(event, &self.0)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Blank {
    Allowed,
    Refused,
}

fn body(
    body: &str,
    format: Format,
    language: Option<&str>,
    languages: &Languages,
    blank: Blank,
) -> Result<Option<Normalized>, Rejection> {
    let seen;
    let (text, links) = match format {
        Format::Plain => (unicode::plain(body), Vec::new()),
        Format::Html | Format::Markdown => {
            seen = if format == Format::Html {
                markup::html(body)?
            } else {
                markup::markdown(body)?
            };
            (unicode::plain(&seen.text), seen.links)
        }
    };
    if blank == Blank::Refused && unicode::is_blank(&text) {
        let message = match format {
            Format::Plain => "`data.body` is empty: it has no character that can be seen",
            Format::Html | Format::Markdown => "`data.body` is empty: its markup shows no text",
        };
        return Err(Rejection::field(Code::InvalidField, "data.body", message));
    }
    let found = if language.is_some() {
        None
    } else {
        languages.detect(&text)
    };
    let normalized = Normalized {
        text: (text != body).then(|| Cow::into_owned(text)),
        language: found.map(|(code, _)| code.to_owned()),
        language_confidence: found.map(|(_, confidence)| confidence),
        links,
    };
    Ok((normalized != Normalized::default()).then_some(normalized))
}

#[cfg(test)]
mod tests;
