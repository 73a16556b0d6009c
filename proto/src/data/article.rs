//! Articles: what is discussed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Extra, Format, Normalized};
use crate::Time;

/// An article as the platform shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Article {
    /// The site's id.
    pub site: String,
    /// The article's id, which is also its thread's.
    pub article: String,
    /// Where the article stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The headline.
    #[serde(default)]
    pub title: String,
    /// The text, in `format`.
    #[serde(default)]
    pub body: String,
    /// What `body` is written in.
    #[serde(default)]
    pub format: Format,
    /// BCP 47 language tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// The sources that the article names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attribution: Vec<Attribution>,
    /// Credits of photographs and other media.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media_credits: Vec<String>,
    /// Free keywords.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// When it was first published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Time>,
    /// When it was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Time>,
    /// What the platform allows in the discussion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comments: Option<CommentPolicy>,
    /// What ingest made of the body; set by Stoa alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalized: Option<Normalized>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A source that an article names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attribution {
    /// The source's name: a paper, an agency, a person.
    pub name: String,
    /// The title of the work that is cited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where the work stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What the platform allows in an article's discussion.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CommentPolicy {
    /// Whether comments can be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<bool>,
    /// Whether only members can write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members_only: Option<bool>,
    /// The number of comments that the platform showed when the event was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An article was taken down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArticleRemoved {
    /// The site's id.
    pub site: String,
    /// The article's id.
    pub article: String,
    /// When it was taken down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Time>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}
