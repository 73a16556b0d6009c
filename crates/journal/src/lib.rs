//! The truth: an append-only, checksummed, hash-chained file log with group commit.
//!
//! A [`Journal`] is a folder of segment files.
//! What [`Journal::append`] returned for is on the disk; what is on the disk is either returned
//! exactly as it was written, or refused with its place.
//! The format is described to the byte in `docs/journal-format.md`.
//!
//! **Constraints.** One process owns the folder (an advisory lock). One thread writes; it joins the
//! appends that are waiting into one write and one `fdatasync`. After a write or a sync has failed,
//! nothing more is accepted, since the kernel may have dropped the very pages that failed.
//!
//! **Recovery.** [`Journal::open`] reads the headers of all segments and every record of the last one.
//! An incomplete end that was never acknowledged is cut off and reported.
//! Everything else that is wrong is [`Error::Damaged`]: the journal is never shortened silently.
//!
//! **Redaction.** [`Journal::redact`] overwrites a payload and its salt with zeros. The hash chain
//! covers a salted commitment and not the payload, so it still verifies afterwards.

mod check;
mod copy;
mod declaration;
mod error;
mod files;
mod format;
mod iter;
mod journal;
mod mark;
mod open;
mod read;
mod redact;
mod repair;
mod restore;
mod scan;
mod segments;
mod survey;
mod verify;
mod writer;

#[cfg(test)]
mod tests;

pub use copy::{Extent, Kept, copy};
pub use declaration::{Outcome, Repair, Repaired};
pub use error::Error;
pub use format::Content;
pub use iter::Iter;
pub use journal::{Clock, Entry, Journal, Options, Position, Record};
pub use open::{OpenReport, Opened, Torn};
pub use read::Reader;
pub use repair::{Done, Lock, repair};
pub use restore::{Restore, Restored, settle};
pub use survey::{Damage, Known, Lost, Survey, survey};
pub use verify::{Progress, VerifyReport, verify};
