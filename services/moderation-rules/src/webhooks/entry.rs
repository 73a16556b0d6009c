//! The records of the webhooks' own journal.
//!
//! Each says what it changes in one endpoint's [`Standing`], with every time that follows from the
//! configuration or the clock written out, so that reading them again gives the same.
//!
//! **Invariant:** ids, codes and times, no words.

use serde::{Deserialize, Serialize};
use stoa_journal::{Entry as Raw, Record};

use super::state::{Place, Standing};

/// The kind of every record; another shape is another kind.
const KIND: u8 = 1;

/// A record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Entry {
    /// An endpoint begins: nothing before `next` is sent to it.
    Began {
        endpoint: String,
        next: u64,
        at: i64,
        /// Whether it had begun before, and where it was is not known any more.
        lost: bool,
    },
    /// Everything before `next` is delivered, given up, waits, or is not for the endpoint.
    Read { endpoint: String, next: u64 },
    /// A request was made, or could not be.
    Tried(Box<Tried>),
    /// It was disabled.
    Disabled {
        endpoint: String,
        why: Why,
        by: String,
        at: i64,
    },
    /// It was enabled: what waits is due.
    Enabled { endpoint: String, at: i64 },
    /// Events are to be sent again: of each its place, its lane and when it was recorded.
    Replayed {
        endpoint: String,
        events: Vec<(Place, u64, i64)>,
        at: i64,
    },
    /// All that is known of an endpoint.
    Stands {
        endpoint: String,
        standing: Box<Standing>,
    },
    /// The endpoint is not in the configuration any more.
    Forgotten { endpoint: String },
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tried {
    pub(crate) endpoint: String,
    /// Where the event is; none of a test.
    pub(crate) place: Option<Place>,
    /// As [`Entry::Read`] says it, after this.
    pub(crate) next: u64,
    pub(crate) event: String,
    /// The type, as `comment.decided`.
    pub(crate) kind: String,
    pub(crate) site: String,
    pub(crate) lane: u64,
    /// When the event was recorded.
    pub(crate) since: i64,
    /// From 1.
    pub(crate) attempt: u32,
    pub(crate) class: Class,
    pub(crate) status: Option<u16>,
    pub(crate) millis: u32,
    pub(crate) at: i64,
    pub(crate) then: Then,
    /// Until when the endpoint as a whole is left alone.
    pub(crate) pause: Option<i64>,
}

/// How an attempt ended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookClass)]
pub(crate) enum Class {
    /// Answered 2xx.
    Ok,
    /// No answer in time.
    Timeout,
    /// The name is not found, or no connection comes about.
    Unreachable,
    /// The host has no address that may be used.
    Blocked,
    /// Answered 3xx; redirects are not followed.
    Redirect,
    /// Answered 4xx: this event is not wanted.
    Refused,
    /// Answered 429.
    Limited,
    /// Answered 5xx, 408, or what is no status of an answer.
    Failed,
    /// Answered 410: the endpoint wants nothing any more.
    Gone,
    /// Its words were erased before it could be sent.
    Erased,
}

impl Class {
    /// All of them.
    pub(crate) const ALL: [Self; 10] = [
        Self::Ok,
        Self::Timeout,
        Self::Unreachable,
        Self::Blocked,
        Self::Redirect,
        Self::Refused,
        Self::Limited,
        Self::Failed,
        Self::Gone,
        Self::Erased,
    ];

    /// The name that metrics and the log use.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Blocked => "blocked",
            Self::Redirect => "redirect",
            Self::Refused => "refused",
            Self::Limited => "limited",
            Self::Failed => "failed",
            Self::Gone => "gone",
            Self::Erased => "erased",
        }
    }

    /// Whether it may say more about the endpoint than about the event.
    pub(crate) fn may_pass(self) -> bool {
        matches!(
            self,
            Self::Timeout | Self::Unreachable | Self::Blocked | Self::Limited | Self::Failed
        )
    }
}

/// What becomes of an event after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Then {
    /// It is delivered, or there is nothing to deliver.
    Done,
    /// It is tried again at a time.
    Again(i64),
    /// It is given up; an operator can have it sent again.
    GivenUp,
}

/// Why an endpoint is disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookDisabledWhy)]
pub(crate) enum Why {
    /// It failed for too long.
    Failing,
    /// It answered 410.
    Gone,
    /// Somebody did it.
    Operator,
}

impl Entry {
    /// Returns the endpoint that it is about.
    pub(crate) fn endpoint(&self) -> &str {
        match self {
            Self::Tried(tried) => &tried.endpoint,
            Self::Began { endpoint, .. }
            | Self::Read { endpoint, .. }
            | Self::Disabled { endpoint, .. }
            | Self::Enabled { endpoint, .. }
            | Self::Replayed { endpoint, .. }
            | Self::Stands { endpoint, .. }
            | Self::Forgotten { endpoint } => endpoint,
        }
    }

    /// Returns the record.
    pub(crate) fn raw(&self) -> Result<Raw, postcard::Error> {
        Ok(Raw {
            kind: KIND,
            payload: postcard::to_stdvec(self)?.into(),
        })
    }

    /// Reads a record; `None` of a newer version.
    pub(crate) fn read(record: &Record) -> Option<Self> {
        (record.kind == KIND && !record.redacted)
            .then(|| postcard::from_bytes(&record.payload).ok())
            .flatten()
    }
}
