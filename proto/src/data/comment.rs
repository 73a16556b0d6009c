//! Comments, their authors, and what happens to them on the platform.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::Extra;
use crate::Time;

/// One revision of a contribution to a thread.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comment {
    /// The site's id.
    pub site: String,
    /// The article's id.
    pub article: String,
    /// The comment's id.
    pub comment: String,
    /// The comment that this one answers; absent at top level.
    #[serde(default)]
    pub parent: Option<String>,
    /// Counts the versions of the body, from 1.
    #[serde(default = "first_revision", deserialize_with = "revision_or_first")]
    #[schemars(range(min = 1))]
    pub revision: u32,
    /// Who wrote it.
    pub author: Author,
    /// The words, in `format`, exactly as the platform sent them.
    pub body: String,
    /// What `body` is written in.
    #[serde(default)]
    pub format: Format,
    /// BCP 47 language tag, if the platform knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// When it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<Time>,
    /// Votes, as the platform counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<i64>,
    /// Where the comment stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What ingest made of the body; set by Stoa alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalized: Option<Normalized>,
    /// What another system had decided about it, if it is imported from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

fn first_revision() -> u32 {
    1
}

fn revision_or_first<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    Ok(Option::<u32>::deserialize(deserializer)?.unwrap_or(1))
}

impl Comment {
    /// Returns the plain text, in which spans are counted.
    pub fn text(&self) -> &str {
        self.normalized
            .as_ref()
            .and_then(|n| n.text.as_deref())
            .unwrap_or(&self.body)
    }

    /// Whether it is the mark that a deleted comment left, of which the words may be gone.
    pub fn is_deleted(&self) -> bool {
        let imported = self.imported.as_ref();
        imported.is_some_and(|imported| imported.state == ImportedState::Deleted)
    }

    /// Returns the language: what the platform said, or else what ingest found.
    pub fn known_language(&self) -> Option<&str> {
        self.language
            .as_deref()
            .or_else(|| self.normalized.as_ref().and_then(|n| n.language.as_deref()))
    }
}

/// Where an imported comment comes from, and what had been decided about it there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Imported {
    /// The system that it comes from, such as `disqus`.
    pub from: String,
    /// What had become of it there.
    pub state: ImportedState,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What had become of a comment in the system that it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImportedState {
    /// Everyone could read it.
    Visible,
    /// It waited for a moderator.
    Pending,
    /// It was put away as spam.
    Spam,
    /// It was deleted; its body may be empty.
    Deleted,
}

impl ImportedState {
    /// Returns the state as it stands in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Visible => "visible",
            Self::Pending => "pending",
            Self::Spam => "spam",
            Self::Deleted => "deleted",
        }
    }
}

/// Who wrote a comment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Author {
    /// The author's id on the platform.
    pub id: String,
    /// The name that the platform shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The real name, if it is public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When the account was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined_at: Option<Time>,
    /// What the author is on the platform.
    #[serde(default)]
    pub role: AuthorRole,
    /// What a captured page showed of the author at that time: `online` or `offline`.
    /// Kept as observed; rules never use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence: Option<Presence>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What an author is on the platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuthorRole {
    /// A reader.
    #[default]
    Reader,
    /// Staff of the publication.
    Staff,
    /// A moderator.
    Moderator,
}

/// What a captured page showed of an author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// Shown as online.
    Online,
    /// Shown as offline.
    Offline,
}

/// What a body is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Plain text.
    #[default]
    Plain,
    /// HTML.
    Html,
    /// Markdown.
    Markdown,
}

/// What ingest made of a body.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Normalized {
    /// The plain text; absent where it equals the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The language that was detected, ISO 639-1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// How sure the detection is, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language_confidence: Option<f32>,
    /// The links of an HTML or Markdown body, with what they show.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
}

/// A link of a body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// Where it leads.
    pub url: String,
    /// What it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A comment was taken back by its author.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CommentWithdrawn {
    /// The site's id.
    pub site: String,
    /// The article's id.
    pub article: String,
    /// The comment's id.
    pub comment: String,
    /// When it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn_at: Option<Time>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A comment's votes changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CommentScored {
    /// The site's id.
    pub site: String,
    /// The article's id.
    pub article: String,
    /// The comment's id.
    pub comment: String,
    /// The votes' sum.
    pub score: i64,
    /// Votes for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up: Option<u64>,
    /// Votes against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down: Option<u64>,
    /// When this was the score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scored_at: Option<Time>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A reader reported a comment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CommentReported {
    /// The site's id.
    pub site: String,
    /// The article's id.
    pub article: String,
    /// The comment's id.
    pub comment: String,
    /// The report's id.
    pub report: String,
    /// Who reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reporter: Option<Reporter>,
    /// What the report is about.
    pub reason: ReportReason,
    /// The reporter's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// When it was reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_at: Option<Time>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Who reported a comment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reporter {
    /// The reporter's id on the platform.
    pub id: String,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportReason {
    /// Offensive language.
    Offensive,
    /// Advertising or repetition.
    Spam,
    /// A person is harassed.
    Harassment,
    /// Hate against a group.
    Hate,
    /// Against the law.
    Illegal,
    /// False statements of fact.
    Misinformation,
    /// Not about the article.
    OffTopic,
    /// Something else.
    Other,
}

impl ReportReason {
    /// Every reason, in the order of the events' enumeration.
    pub const ALL: [Self; 8] = [
        Self::Offensive,
        Self::Spam,
        Self::Harassment,
        Self::Hate,
        Self::Illegal,
        Self::Misinformation,
        Self::OffTopic,
        Self::Other,
    ];

    /// Returns the reason as it stands in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offensive => "offensive",
            Self::Spam => "spam",
            Self::Harassment => "harassment",
            Self::Hate => "hate",
            Self::Illegal => "illegal",
            Self::Misinformation => "misinformation",
            Self::OffTopic => "off_topic",
            Self::Other => "other",
        }
    }
}

/// An author's account changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuthorUpdated {
    /// The site's id.
    pub site: String,
    /// The author as it is now.
    pub author: Author,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An author is to be forgotten.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuthorErased {
    /// The site's id.
    pub site: String,
    /// The author's id.
    pub author: String,
    /// What goes.
    pub scope: ErasureScope,
    /// The law or contract that asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// When it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Time>,
    /// The redaction that carries it out; the archive alone says so. Without it this is a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction: Option<String>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A comment's words are to be forgotten.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CommentErased {
    /// The site's id.
    pub site: String,
    /// The article's id.
    pub article: String,
    /// The comment's id.
    pub comment: String,
    /// What goes; the words, unless it says otherwise.
    #[serde(default = "words")]
    pub scope: ErasureScope,
    /// The law or contract that asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// When it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Time>,
    /// The redaction that carries it out; the archive alone says so. Without it this is a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction: Option<String>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

fn words() -> ErasureScope {
    ErasureScope::Content
}

/// What of an author is to be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ErasureScope {
    /// The names go, the words stay.
    Identity,
    /// The words go.
    Content,
    /// Both go.
    All,
}
