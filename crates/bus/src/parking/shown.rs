//! What is told of parked messages, and asked about them.

use stoa_proto::codec::ThreadKey;

/// A parked message, without its words.
#[derive(Clone, Debug)]
pub struct Parked {
    /// Its number; later ones have higher numbers.
    pub id: u64,
    /// Its thread; without one it is a thread of its own.
    pub thread: Option<ThreadKey>,
    /// The event's id, if it could be read.
    pub event: Option<String>,
    /// The event's source, if it could be read.
    pub source: Option<String>,
    /// The event's type, if it could be read.
    pub kind: Option<String>,
    /// Why it was refused, by the last attempt; none if it was never tried.
    pub reason: Option<String>,
    /// The first message of its thread, if that is another.
    pub behind: Option<u64>,
    /// How often it was tried again.
    pub n_attempts: u32,
    /// The last of these, latest first.
    pub attempts: Vec<Attempt>,
    /// When it was parked, in microseconds since 1970.
    pub at: i64,
    /// Bytes of its body.
    pub bytes: u64,
}

/// A retry that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When, in microseconds since 1970.
    pub at: i64,
    /// Why it failed.
    pub reason: String,
}

/// Which parked messages are wanted.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Those of this thread's id.
    pub thread: Option<String>,
    /// Those of these sites; without it all, also those that belong to none.
    pub sites: Option<Vec<String>>,
}

impl Filter {
    pub(super) fn admits(&self, of: Option<&ThreadKey>) -> bool {
        let thread = self.thread.as_ref();
        let site = |sites: &Vec<String>| of.is_some_and(|of| sites.contains(&of.site));
        thread.is_none_or(|thread| of.is_some_and(|of| of.thread == *thread))
            && self.sites.as_ref().is_none_or(site)
    }
}

/// Some of what is parked.
#[derive(Debug)]
pub struct Page {
    /// The messages, by their number.
    pub parked: Vec<Parked>,
    /// The number after which the next page begins; none on the last.
    pub next: Option<u64>,
}

/// What came of a retry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retried {
    /// Messages of the thread that were handled.
    pub handled: u64,
    /// Messages of the thread that are still parked.
    pub left: u64,
    /// Why the first of them was refused; none if none is left.
    pub reason: Option<String>,
}

/// Why nothing came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// No such message is parked; list what is.
    #[error("no message with this number is parked")]
    Unknown,
    /// The reader does not read; ask again once it does.
    #[error("the reader is stopped")]
    Stopped,
}
