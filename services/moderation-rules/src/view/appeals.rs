//! What the tables hold of authors' appeals.

use serde::{Deserialize, Serialize};
use stoa_proto::Verdict;

use crate::record::{About, Closing, Refusal};

/// An appeal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AppealRow {
    pub(crate) about: About,
    /// What the platform calls it.
    pub(crate) name: String,
    /// The decision that it is against; empty where an earlier version took it in.
    pub(crate) decision: String,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) revision: u32,
    /// Moderators who may not decide it.
    pub(crate) moderators: Vec<String>,
    pub(crate) author: String,
    pub(crate) appealed_at: i64,
    /// When it came, and its record.
    pub(crate) at: i64,
    pub(crate) seq: u64,
    pub(crate) status: Status,
    /// How it ended.
    pub(crate) ended: Option<EndedRow>,
}

impl AppealRow {
    /// Tells whether a moderator has to decide it.
    pub(crate) fn is_open(&self) -> bool {
        self.status == Status::Open
    }

    /// Tells whether a moderator may not decide it, because the decision is theirs.
    pub(crate) fn is_against(&self, moderator: &str) -> bool {
        self.moderators.iter().any(|own| own == moderator)
    }

    /// Tells whether a decision settled it by rejecting once more what was rejected.
    pub(crate) fn is_exhausted_by(&self, decision: &str) -> bool {
        let ended = self.ended.as_ref();
        self.status == Status::Upheld
            && self.verdict == Some(Verdict::Reject)
            && ended.is_some_and(|ended| ended.decision.as_deref() == Some(decision))
    }
}

/// What has become of an appeal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    /// It waits for a moderator.
    Open,
    /// The decision stands.
    Upheld,
    /// The decision does not stand any more.
    Reversed,
    /// There is nothing to decide any more, because its case was closed so.
    Moot(Closing),
    /// Nobody had to decide it.
    Refused(Refusal),
}

impl Status {
    /// Returns the name that requests use.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Upheld => "upheld",
            Self::Reversed => "reversed",
            Self::Moot(_) => "moot",
            Self::Refused(_) => "refused",
        }
    }

    /// Returns why it is moot or refused.
    pub(crate) fn why(self) -> Option<&'static str> {
        match self {
            Self::Moot(closing) => Some(closing.as_str()),
            Self::Refused(refusal) => Some(refusal.as_str()),
            _ => None,
        }
    }
}

/// How an appeal ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EndedRow {
    pub(crate) at: i64,
    /// The decision that stands.
    pub(crate) decision: Option<String>,
    pub(crate) moderator: Option<String>,
}
