//! What a statement of reasons says beside what it rests on, without words of people: so that it
//! can still be told of once the record's events are erased.

use serde::{Deserialize, Serialize};
use stoa_proto::{By, Comment, Data};

use super::Stored;

/// What is said of a decision, and of the comment that it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// The decision's labels; a moderator's is the reason's code.
    pub(crate) labels: Vec<String>,
    /// The clause or law, and the facts, of a rule; what a moderator wrote is not kept.
    pub(crate) reference: Option<String>,
    pub(crate) facts: Option<String>,
    /// The statement's language.
    pub(crate) language: Option<String>,
    /// The comment's language, where the record has the comment.
    pub(crate) content_language: Option<String>,
}

impl Told {
    /// Takes it from a record; none of one that has neither a decision nor a comment.
    pub(crate) fn of(stored: &Stored) -> Option<Self> {
        let decision = stored.decision();
        let comment = stored.submission().and_then(|event| match event.data {
            Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => Some(comment),
            _ => None,
        });
        if decision.is_none() && comment.is_none() {
            return None;
        }
        let language = comment.as_ref().and_then(Comment::known_language);
        let mut told = Self {
            content_language: language.map(str::to_owned),
            ..Self::default()
        };
        if let Some(decision) = decision {
            told.labels = decision.labels;
            if let Some(statement) = decision.statement {
                told.language = statement.language;
                if matches!(decision.by, By::Rules { .. }) {
                    // By the link the author's words can be read, and an appeal sent.
                    let link = statement.appeal_url.unwrap_or_default();
                    told.reference = statement.reference.filter(|text| !text.is_empty());
                    told.facts = Some(match link.as_str() {
                        "" => statement.facts,
                        link => statement.facts.replace(link, "…"),
                    });
                }
            }
        }
        Some(told)
    }
}
