//! What can go wrong with a journal, and what the operator does about it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An error of the journal.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process has the folder open: stop it, or use another data folder.
    #[error("the journal {} is in use by another process; stop that one first", .path.display())]
    Locked {
        /// The journal's folder.
        path: PathBuf,
    },
    /// Something that was durable is missing or was changed: restore the segment from a backup, or
    /// repair the journal.
    #[error(
        "the journal is damaged at {}, record {seq}, byte {offset}: {reason}; nothing was changed; \
         restore the file from a backup, or see with `stoa archive repair --dry-run --data {}` \
         what can be restored (`stoa archive verify --data {}` checks the journal)",
        .segment.display(), folder(.segment), folder(.segment)
    )]
    Damaged {
        /// The segment file.
        segment: PathBuf,
        /// The first record that is not what was written.
        seq: u64,
        /// Where that record is, or should be, in the segment.
        offset: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The folder was written by a newer version: run that version, or a newer one.
    #[error(
        "{} has journal format version {found}, and this program knows {supported}; \
         use the version that wrote it, or a newer one",
        .segment.display()
    )]
    FormatVersion {
        /// The segment file.
        segment: PathBuf,
        /// The version it says it has.
        found: u16,
        /// The newest version that this program reads.
        supported: u16,
    },
    /// An earlier write or sync failed, so nothing can be promised any more: see to the disk, and
    /// start again.
    #[error("the journal takes no more records, because a write failed: {reason}")]
    Poisoned {
        /// The failure.
        reason: Arc<str>,
    },
    /// The disk is full down to its reserve, so nothing was written: free some space. Nothing else
    /// has to be done; the next append looks again.
    #[error(
        "less than {reserve} bytes would be left free where {} is, so nothing is written; \
         free some disk space, and it goes on by itself",
        .path.display()
    )]
    NoSpace {
        /// The journal's folder.
        path: PathBuf,
        /// The bytes that are left free.
        reserve: u64,
    },
    /// A record or a batch is over its limit: the caller sent what it should have refused.
    #[error("{what} of {bytes} bytes is over the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A record is not the one that the journal which is restored has here: the copy was changed or
    /// cut.
    #[error("record {seq} is not what the journal had: {reason}")]
    Foreign {
        /// The record that comes next.
        seq: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The record was dropped by [`Journal::trim`](crate::Journal::trim).
    #[error("record {seq} has been trimmed; the journal starts at {first}")]
    Trimmed {
        /// The record that was asked for.
        seq: u64,
        /// The first record that is kept.
        first: u64,
    },
    /// The record is not durable yet, or was never written.
    #[error("record {seq} has not been written; the next one is {next}")]
    NotWritten {
        /// The record that was asked for.
        seq: u64,
        /// The sequence that the next durable record will have.
        next: u64,
    },
    /// The journal has been closed.
    #[error("the journal is closed")]
    Closed,
    /// The operating system refused: see to rights, space and the disk.
    #[error("can't {action} {}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: Arc<io::Error>,
    },
}

/// The folder of a segment, as commands take it.
fn folder(segment: &Path) -> std::path::Display<'_> {
    segment.parent().unwrap_or(segment).display()
}

impl Error {
    /// Builds the function that gives an [`io::Error`] its place.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        move |source| Error::Io {
            action,
            path: path.to_owned(),
            source: Arc::new(source),
        }
    }
}
