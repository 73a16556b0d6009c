//! What can go wrong, and what the operator does about it.

use std::io;
use std::path::PathBuf;

/// A failure of the bus that no retry heals.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The broker's address can't be read; correct `bus.url`.
    #[error(
        "the broker's address is not an AMQP URL such as amqp://user:password@host:5672/%2f: {reason}"
    )]
    Url {
        /// What is wrong with it, without the address itself: it holds a password.
        reason: String,
    },
    /// A setting has no usable value; correct it.
    #[error("`{setting}` {reason}")]
    Setting {
        /// The setting's name.
        setting: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A journal of the bus can't be opened, read or written; its own message names the remedy.
    #[error("the bus's journal failed")]
    Journal(#[from] stoa_journal::Error),
    /// A record of the parked messages can't be read: run the version that wrote it, or a newer one.
    #[error("record {seq} of the parked messages can't be read: {reason}")]
    Parked {
        /// The record's sequence.
        seq: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of the bus can't be read or written; look at the disk and at the folder's owner.
    #[error("can't {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A metric is registered twice; one process may hold one bus per registry.
    #[error("a metric of the bus can't be registered")]
    Metrics(#[from] prometheus::Error),
    /// A task of the bus ended early; the log says why.
    #[error("a task of the bus ended early")]
    Task,
    /// The reader does not read; ask again once it does.
    #[error("the reader is stopped")]
    Stopped,
}

/// The bus is shutting down: what was handed over is not confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bus is shutting down")]
pub struct Closed;
