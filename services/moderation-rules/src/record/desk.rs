//! What moderators do at a case without deciding it.

use serde::{Deserialize, Serialize};
use stoa_proto::Verdict;

use super::{About, Opening};

/// Something that a moderator did at a case without deciding it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Handled {
    pub(crate) about: About,
    pub(crate) case: String,
    pub(crate) moderator: String,
    pub(crate) what: Handling,
    pub(crate) at: i64,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Handling {
    /// The case is the moderator's until then.
    Claimed { until: i64 },
    /// It is nobody's again.
    Released,
    /// A note was written; the fingerprint tells whether a second request asks for the same.
    Noted { fingerprint: String },
    /// The case goes before all that are not escalated, with a note's fingerprint if there is one.
    Escalated { note: Option<String> },
    /// It goes by its priority again.
    Calmed,
}

/// A note's words, where a record has the event that led to it, so that they can be erased; it
/// names the comment and its author, as an event's data does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NoteWords {
    pub(crate) site: String,
    pub(crate) comment: String,
    pub(crate) author: String,
    pub(crate) text: String,
}

/// A moderator's decision was undone, and its case opened again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Undone {
    pub(crate) about: About,
    pub(crate) case: String,
    pub(crate) revision: u32,
    /// The decision that stood.
    pub(crate) undoes: String,
    /// The one that stands now, with the verdict before.
    pub(crate) decision: String,
    pub(crate) verdict: Verdict,
    pub(crate) moderator: String,
    /// What the case was about, and its priority.
    pub(crate) reason: Opening,
    pub(crate) priority: i64,
    pub(crate) at: i64,
}

/// Many cases were decided in one go; each has a record of its own before this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bulked {
    pub(crate) id: String,
    pub(crate) moderator: String,
    /// Cases and their decisions.
    pub(crate) decided: Vec<(String, String)>,
    /// Cases that could not be decided, and the code that says why.
    pub(crate) refused: Vec<(String, String)>,
    pub(crate) at: i64,
}
