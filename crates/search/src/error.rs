//! Why an index can't be used.

use std::io;
use std::path::{Path, PathBuf};

use tantivy::TantivyError;
use tantivy::directory::error::{OpenDirectoryError, OpenReadError, OpenWriteError};

/// Why an index can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused: make room on the disk, or let the process write there.
    #[error("cannot {action} the search index in {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The index is damaged or its disk failed: it is opened again, and built again if need be.
    #[error("the search index failed")]
    Index(#[from] TantivyError),
    /// A damaged index made the program stumble: it is opened again, and built again if need be.
    #[error("the search index is not what it should be")]
    Panicked,
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// Whether it is the system that refused, and not the index that is damaged.
pub(crate) fn is_refusal(error: &TantivyError) -> bool {
    use io::ErrorKind::{
        NotADirectory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
    };
    let cause: &io::Error = match error {
        TantivyError::IoError(cause)
        | TantivyError::OpenReadError(OpenReadError::IoError {
            io_error: cause, ..
        })
        | TantivyError::OpenWriteError(OpenWriteError::IoError {
            io_error: cause, ..
        })
        | TantivyError::OpenDirectoryError(OpenDirectoryError::IoError {
            io_error: cause, ..
        }) => cause,
        TantivyError::LockFailure(..) => return true,
        _ => return false,
    };
    matches!(
        cause.kind(),
        NotADirectory | PermissionDenied | QuotaExceeded | ReadOnlyFilesystem | StorageFull
    )
}
