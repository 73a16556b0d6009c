//! What decides an answer, found without reading its words.

use sha2::{Digest as _, Sha256};

use super::Reader;
use crate::row::{Applied, ArticleRow, CommentRow, Log};

/// A digest of what decides an answer: as long as it is the same, the answer is, also after a restart.
///
/// Rows list the events that were applied to them, so their lists stand for them. An order to erase is
/// one of these, and words may be there for a moment after it: whether they are is added.
#[derive(Clone, Debug, Default)]
pub(crate) struct Version(Sha256);

/// What was read, unless the sender has it already.
#[derive(Clone, Debug)]
pub(crate) enum Read<T> {
    /// They have it.
    Unchanged(Version),
    /// What was read, and what decided it.
    New(Version, T),
}

impl Version {
    /// Adds a number.
    pub(super) fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    /// Adds text.
    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text);
    }

    /// Adds what was applied to a row.
    pub(super) fn row(&mut self, id: &str, log: &Log) {
        self.text(id);
        self.number(log.spilled.into());
        self.events(&log.events);
    }

    /// Adds what was applied to a comment, and whether words are left that are to be erased; to be
    /// called before words are read.
    pub(super) fn comment(&mut self, reader: &Reader, id: &str, row: &CommentRow) {
        self.row(id, &row.log);
        if let Some(last) = row.last_to_erase() {
            let record = reader.journal.read(last.into());
            self.number(record.is_ok_and(|record| !record.redacted).into());
        }
    }

    /// Adds events.
    pub(super) fn events(&mut self, events: &[Applied]) {
        self.number(events.len() as u64);
        for applied in events {
            self.number(applied.place.seq);
            self.0.update(applied.event);
        }
    }

    /// Adds what is said of a thread in a list.
    pub(crate) fn thread(&mut self, thread: &str, row: &ArticleRow) {
        self.row(thread, &row.log);
        self.number(row.n_comments);
        self.number(row.last_activity.unwrap_or_default().cast_unsigned());
    }

    /// Returns the digest with what else decides the answer, in hexadecimal.
    pub(crate) fn tag(&self, salt: &[u8]) -> String {
        let digest = self.0.clone().chain_update(salt).finalize();
        digest
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}
