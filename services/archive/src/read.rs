//! Reading: the view says where the words are, the journal has them.
//!
//! What a reader may see is decided here, once, for JSON and for pages: see [`Audience`].

pub(crate) mod comment;
pub(crate) mod context;
pub(crate) mod latest;
mod past;
pub(crate) mod thread;
pub(crate) mod version;
pub(crate) mod words;

use std::sync::Arc;

use serde::de::DeserializeOwned;
use stoa_journal::Journal;

use self::words::Stored;
use crate::place::Place;
use crate::row::CommentRow;
use crate::standing::Status;
use crate::view::{Error, Index};

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Anyone who may read the site: approved comments.
    Public,
    /// A token with a role: everything.
    Reviewer,
}

impl Audience {
    /// Whether the words of a comment are for them.
    pub(crate) fn may_read(self, row: &CommentRow) -> bool {
        match self {
            Self::Reviewer => row.content.is_some(),
            Self::Public => row.status() == Status::Approved,
        }
    }
}

/// Reads threads and comments; clones share it. Its functions block: call them off the runtime.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) journal: Journal,
    pub(crate) index: Arc<Index>,
    /// Only records before this one are seen; all without it.
    pub(crate) until: Option<u64>,
}

impl Reader {
    /// Reads an event's payload; `None` when it was redacted.
    pub(crate) fn load<T: DeserializeOwned>(
        &self,
        place: Place,
    ) -> Result<Option<Stored<T>>, Error> {
        let record = self.journal.read(place.into())?;
        if record.redacted {
            return Ok(None);
        }
        serde_json::from_slice(&record.payload)
            .map(Some)
            .map_err(|source| Error::Misplaced {
                seq: place.seq,
                source,
            })
    }
}
