//! Authors' appeals against decisions.

use serde::{Deserialize, Serialize};
use stoa_proto::Verdict;

use super::{About, Step};

/// An appeal, as it was taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Appeal {
    pub(crate) about: About,
    /// What the platform calls it.
    pub(crate) name: String,
    /// The decision that it is against.
    pub(crate) decision: String,
    /// What was decided, and about which revision; none of a decision that is not known.
    pub(crate) verdict: Option<Verdict>,
    pub(crate) revision: u32,
    /// Whose decision it is, and whose the one that stands: moderators who may not decide it.
    pub(crate) moderators: Vec<String>,
    /// The comment's author.
    pub(crate) author: String,
    /// When it was made, as the platform says.
    pub(crate) appealed_at: i64,
    pub(crate) at: i64,
    pub(crate) case: Step,
    pub(crate) intake: Intake,
}

/// What becomes of an appeal when it comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Intake {
    /// It waits for a moderator.
    Open,
    /// What it asks for has happened: this decision approves the comment.
    Reversed { decision: String },
    /// Nobody has to decide it.
    Refused(Refusal),
}

/// Why nobody has to decide an appeal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Refusal {
    /// There is no such decision about the comment.
    UnknownDecision,
    /// Somebody else than the comment's author appeals.
    NotAuthor,
    /// The decision restricts nothing.
    NotRestricted,
    /// It comes too late.
    TooLate,
    /// The same decision was appealed before.
    Repeated,
    /// The decision is itself the answer to an appeal against a rejection.
    Exhausted,
    /// The author has taken the comment back.
    Withdrawn,
    /// The comment has as many appeals as it may have.
    TooMany,
}

impl Refusal {
    /// Returns the name that events use.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::UnknownDecision => "unknown_decision",
            Self::NotAuthor => "not_author",
            Self::NotRestricted => "not_restricted",
            Self::TooLate => "too_late",
            Self::Repeated => "repeated",
            Self::Exhausted => "exhausted",
            Self::Withdrawn => "withdrawn",
            Self::TooMany => "too_many",
        }
    }
}
