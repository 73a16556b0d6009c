//! What is read of the journal's events to show them; fields that are not shown are skipped.

use serde::{Deserialize, Serialize};
use stoa_proto::data::Extra;
use stoa_proto::{AuthorRole, By, FiredRule, Format, Statement, Time, Verdict};
use utoipa::ToSchema;

/// An event, as far as it is shown.
#[derive(Debug, Deserialize)]
pub(crate) struct Stored<T> {
    /// When ingest accepted it.
    pub(crate) recordedtime: Option<Time>,
    /// What it says.
    pub(crate) data: T,
}

/// A revision of a comment as it is stored.
#[derive(Debug, Deserialize)]
pub(crate) struct StoredComment {
    revision: u32,
    author: ShownAuthor,
    body: String,
    #[serde(default)]
    format: Format,
    language: Option<String>,
    submitted_at: Option<Time>,
    pub(crate) score: Option<i64>,
    url: Option<String>,
    normalized: Option<StoredText>,
}

/// An article as it is stored, but for its words.
#[derive(Debug, Deserialize)]
pub(crate) struct StoredTitle {
    pub(crate) title: String,
}

#[derive(Debug, Deserialize)]
struct StoredText {
    text: Option<String>,
    language: Option<String>,
}

/// An author, as answers show them.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ShownAuthor {
    /// The platform's id.
    pub(crate) id: String,
    /// The name that the platform shows.
    pub(crate) display_name: Option<String>,
    /// The real name, if the platform shows it.
    pub(crate) name: Option<String>,
    /// Reader, staff or moderator.
    #[serde(default)]
    pub(crate) role: AuthorRole,
}

/// A revision of a comment, as answers show it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Words {
    /// The revision.
    pub(crate) revision: u32,
    /// Who wrote it.
    pub(crate) author: ShownAuthor,
    /// As the platform sent it.
    pub(crate) body: String,
    /// As plain text.
    pub(crate) text: String,
    /// What `body` is written in.
    pub(crate) format: Format,
    /// The language, from the platform or detected.
    pub(crate) language: Option<String>,
    /// When it was written.
    pub(crate) submitted_at: Option<Time>,
    /// Where the comment stands on the platform.
    pub(crate) url: Option<String>,
}

impl From<StoredComment> for Words {
    fn from(stored: StoredComment) -> Self {
        let (text, detected) = stored.normalized.map_or((None, None), |normalized| {
            (normalized.text, normalized.language)
        });
        Self {
            revision: stored.revision,
            author: stored.author,
            text: text.unwrap_or_else(|| stored.body.clone()),
            body: stored.body,
            format: stored.format,
            language: stored.language.or(detected),
            submitted_at: stored.submitted_at,
            url: stored.url,
        }
    }
}

/// When a comment came to be what it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dates {
    /// When its earliest revision was written.
    pub(crate) published: Option<Time>,
    /// When its latest revision was written, if it is not the first.
    pub(crate) updated: Option<Time>,
    /// When ingest accepted the latest revision.
    pub(crate) captured: Option<Time>,
    /// When its words, or its author's name, were erased.
    pub(crate) erased: Option<Time>,
}

impl Dates {
    /// Returns when it last changed, as far as that is known.
    pub(crate) fn changed(&self) -> Option<&Time> {
        self.updated
            .as_ref()
            .or(self.published.as_ref())
            .or(self.captured.as_ref())
    }
}

/// A decision, as threads show it.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ShownDecision {
    /// The decision's id.
    pub(crate) decision: String,
    /// The revision that was judged.
    pub(crate) revision: u32,
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// What it was called.
    #[serde(default)]
    pub(crate) labels: Vec<String>,
    /// Who decided.
    pub(crate) by: ShownBy,
    /// When it was decided.
    pub(crate) decided_at: Time,
}

/// Who decided; a moderator's id is for reviewers alone.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum ShownBy {
    /// A rule set.
    Rules {
        /// Its hash.
        ruleset: String,
    },
    /// A person.
    Moderator {
        /// Their id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
}

impl From<By> for ShownBy {
    fn from(by: By) -> Self {
        match by {
            By::Rules { ruleset } => Self::Rules { ruleset },
            By::Moderator { id } => Self::Moderator { id: Some(id) },
        }
    }
}

impl ShownBy {
    /// Leaves out who a moderator is.
    pub(crate) fn without_person(self) -> Self {
        match self {
            Self::Moderator { .. } => Self::Moderator { id: None },
            rules @ Self::Rules { .. } => rules,
        }
    }
}

/// A decision in a comment's history.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct DecisionInHistory {
    /// What everyone sees.
    #[serde(flatten)]
    pub(crate) shown: ShownDecision,
    /// Whether it is the one that stands for its revision.
    pub(crate) effective: bool,
    /// The decision that it replaces.
    pub(crate) supersedes: Option<String>,
    /// The rest, for reviewers.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<DecisionDetail>,
}

/// What only reviewers see of a decision: it quotes the comment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct DecisionDetail {
    /// The rules that fired, with what they matched.
    pub(crate) rules: Vec<FiredRule>,
    /// The statement of reasons.
    pub(crate) statement: Option<Statement>,
    /// Facts that were missing.
    pub(crate) partial: Vec<String>,
    /// Fields that this version does not know, as the moderator's reason.
    #[serde(flatten)]
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    pub(crate) extra: Extra,
}
