//! What moderation-rules answers about appeals, statements and their texts.

use std::collections::BTreeMap;

use serde::Deserialize;
use stoa_proto::{Decision, Statement};

/// An appeal.
#[derive(Debug, Deserialize)]
pub(crate) struct Appeal {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) why: Option<String>,
    pub(crate) site: String,
    pub(crate) author: String,
    pub(crate) case: String,
    pub(crate) decision: Option<String>,
    pub(crate) verdict: Option<String>,
    pub(crate) moderators: Vec<String>,
    pub(crate) decidable: bool,
    pub(crate) received_at: Option<String>,
    pub(crate) resolution: Option<Resolution>,
    /// The author's words, where the appeal is shown with its case.
    pub(crate) text: Option<String>,
}

/// How an appeal ended.
#[derive(Debug, Deserialize)]
pub(crate) struct Resolution {
    pub(crate) at: Option<String>,
    pub(crate) moderator: Option<String>,
}

/// A page of appeals.
#[derive(Debug, Deserialize)]
pub(crate) struct Appeals {
    pub(crate) appeals: Vec<Appeal>,
    pub(crate) next: Option<u64>,
}

/// What an appeal was decided to.
#[derive(Debug, Deserialize)]
pub(crate) struct Resolved {
    pub(crate) stands: Option<Decision>,
}

/// What an author would be told.
#[derive(Debug, Deserialize)]
pub(crate) struct WouldRead {
    pub(crate) statement: Statement,
}

/// Texts by key and language.
pub(crate) type Texts = BTreeMap<String, BTreeMap<String, String>>;

/// The texts that are live.
#[derive(Debug, Deserialize)]
pub(crate) struct Live {
    pub(crate) version: u64,
    pub(crate) languages: Vec<String>,
    pub(crate) placeholders: BTreeMap<String, Vec<String>>,
    pub(crate) defaults: Texts,
    pub(crate) texts: Texts,
}

/// Who changed the texts, and when.
#[derive(Debug, Deserialize)]
pub(crate) struct Version {
    #[serde(rename = "version")]
    pub(crate) number: u64,
    pub(crate) at: Option<String>,
    pub(crate) by: String,
    pub(crate) restores: Option<u64>,
    pub(crate) note: Option<String>,
}

/// The versions of the texts, newest first.
#[derive(Debug, Deserialize)]
pub(crate) struct Versions {
    pub(crate) versions: Vec<Version>,
}

/// Counts by name.
pub(crate) type Counts = BTreeMap<String, i64>;

/// The transparency report of a year.
#[derive(Debug, Deserialize)]
pub(crate) struct Year {
    pub(crate) complete: bool,
    pub(crate) decisions: Decisions,
    pub(crate) notices: Notices,
    pub(crate) appeals: AppealCounts,
    pub(crate) sanctions: Counts,
}

/// What was decided.
#[derive(Debug, Deserialize)]
pub(crate) struct Decisions {
    pub(crate) rules: Counts,
    pub(crate) moderators: Counts,
    pub(crate) undone: i64,
    pub(crate) restrictions: Restrictions,
}

/// Decisions that hold or reject a comment.
#[derive(Debug, Deserialize)]
pub(crate) struct Restrictions {
    #[serde(rename = "by_ground")]
    pub(crate) ground: Counts,
    #[serde(rename = "by_category")]
    pub(crate) category: Counts,
    #[serde(rename = "by_detection")]
    pub(crate) detection: Counts,
    #[serde(rename = "by_automation")]
    pub(crate) automation: Counts,
}

/// Readers' reports.
#[derive(Debug, Deserialize)]
pub(crate) struct Notices {
    pub(crate) by_reason: Counts,
    pub(crate) answered: Counts,
    pub(crate) median_seconds: Option<u64>,
}

/// Authors' appeals.
#[derive(Debug, Deserialize)]
pub(crate) struct AppealCounts {
    pub(crate) received: i64,
    pub(crate) by_outcome: Counts,
    pub(crate) refused: Counts,
    pub(crate) median_seconds: Option<u64>,
}
