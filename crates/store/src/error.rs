//! What can go wrong with a view.

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An error of a view.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process has the view open: stop it, or use another data folder.
    #[error("the view {} is in use by another process; stop that one first", .path.display())]
    Locked {
        /// The view's folder.
        path: PathBuf,
    },
    /// The view is damaged: start again, and it is set aside and built anew from the journal.
    #[error("the view {} is damaged: {reason}; it is built again at the next start", .path.display())]
    Damaged {
        /// The view's folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The journal lacks what the view has, so the journal's end is missing: restore or repair it. To
    /// go on without those records, delete the view's folder.
    #[error(
        "the view {} has the records before {applied}, and the journal only those before {next}: \
         the journal's end is missing; restore it from a backup, or see with \
         `stoa archive repair --dry-run --data {}` what can be restored; to go on without those \
         records, delete the view's folder",
        .path.display(), .path.parent().unwrap_or(.path).display()
    )]
    Ahead {
        /// The view's folder.
        path: PathBuf,
        /// The sequence that the view would apply next.
        applied: u64,
        /// The sequence that the journal would write next.
        next: u64,
    },
    /// A batch went back behind the position that the view has: the caller's books are wrong.
    #[error("the view is at position {applied}, and a batch wants to take it to {wanted}")]
    Backwards {
        /// Where the view is.
        applied: u64,
        /// Where the batch would have taken it.
        wanted: u64,
    },
    /// A value can't be serialised, which is a fault of its type.
    #[error("a value for table {table} can't be serialised: {reason}")]
    Value {
        /// The table.
        table: &'static str,
        /// What the serialiser says.
        reason: String,
    },
    /// An earlier write to the view failed, so it takes no more: see to the disk, and start again.
    #[error("the view {} takes no more rows, because a write failed: {reason}", .path.display())]
    Poisoned {
        /// The view's folder.
        path: PathBuf,
        /// The failure.
        reason: Arc<str>,
    },
    /// The view has been closed.
    #[error("the view is closed")]
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
        source: Arc<std::io::Error>,
    },
}

impl Error {
    /// Builds the function that gives an [`std::io::Error`] its place.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        move |source| Error::Io {
            action,
            path: path.to_owned(),
            source: Arc::new(source),
        }
    }
}
