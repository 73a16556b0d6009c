//! The first words of a case's comment, so that a page of the queue is one request.

use serde::Serialize;
use stoa_proto::Data;

use super::Case;
use crate::http::Admin;
use crate::view::COMMENTS;
use crate::view::rows::CaseRow;

/// Characters of an excerpt.
pub(super) const MAX_EXCERPT: usize = 1_000;

/// A case of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ListedCase)]
pub(crate) struct Listed {
    #[serde(flatten)]
    case: Case,
    /// Who reported it since a moderator last decided; with an excerpt.
    #[serde(skip_serializing_if = "Option::is_none")]
    reporters: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    excerpt: Option<Excerpt>,
}

impl Listed {
    /// Returns the case.
    pub(crate) fn case(&self) -> &Case {
        &self.case
    }
}

/// The first words of a comment, on one line, and who wrote them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Excerpt {
    text: String,
    author: Option<String>,
    language: Option<String>,
}

impl Admin {
    /// Shows a case in a list, with so many characters of its comment if they are asked for and
    /// were not erased.
    pub(crate) fn listed(
        &self,
        id: String,
        row: CaseRow,
        chars: Option<usize>,
        now: i64,
    ) -> anyhow::Result<Listed> {
        let (mut reporters, mut excerpt) = (None, None);
        if let Some(chars) = chars {
            let key = (row.site.clone(), row.comment.clone());
            let comment = self.index.view.get(&COMMENTS, &key)?.unwrap_or_default();
            reporters = Some(comment.open_reports().count());
            if comment.erased_seq.is_none() {
                excerpt = self.excerpt(row.decided_seq, chars)?;
            }
        }
        Ok(Listed {
            case: Case::new(id, row, now),
            reporters,
            excerpt,
        })
    }

    fn excerpt(&self, seq: u64, chars: usize) -> anyhow::Result<Option<Excerpt>> {
        let event = self.stored(seq)?.and_then(|stored| stored.submission());
        Ok(event.and_then(|event| match event.data {
            Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => Some(Excerpt {
                text: first_words(comment.text(), chars),
                author: comment.author.display_name.clone(),
                language: comment.language.clone(),
            }),
            _ => None,
        }))
    }
}

/// The first words of a text, on one line; `…` says that there is more.
fn first_words(text: &str, chars: usize) -> String {
    let mut short = String::new();
    let words = text.split_whitespace();
    let mut line = words.flat_map(|word| std::iter::once(' ').chain(word.chars()));
    line.next();
    short.extend(line.by_ref().take(chars));
    if line.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::first_words;

    #[test]
    fn first_words_are_on_one_line_and_say_that_there_is_more() {
        for (text, chars, words) in [
            ("", 5, ""),
            ("  one\n\ttwo ", 7, "one two"),
            ("one two", 6, "one tw…"),
            ("äöü", 2, "äö…"),
            ("word", 0, "…"),
        ] {
            assert_eq!(first_words(text, chars), words, "{text:?}");
        }
    }
}
