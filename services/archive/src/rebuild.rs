//! Building the view anew from the journal, while the archive is stopped.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stoa_journal::Journal;

use crate::service::MAX_RECORD_BYTES;
use crate::view::{Index, OpenOptions};

/// Memory for the view's pages while it is built.
const CACHE_BYTES: u64 = 256 * 1024 * 1024;

/// How long the empty view may take to open.
const WATCHDOG: Duration = Duration::from_secs(30);

/// What was rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// Records that were applied.
    pub records: u64,
}

/// Deletes the view in an archive's data folder and builds it from the journal.
///
/// `progress` is given the records that are done and the records that there are.
/// It blocks, and fails if the archive is running: the journal is then locked.
pub fn rebuild(data_dir: &Path, progress: &mut dyn FnMut(u64, u64)) -> anyhow::Result<Rebuilt> {
    let options = stoa_journal::Options {
        max_record_bytes: MAX_RECORD_BYTES,
        ..stoa_journal::Options::default()
    };
    // Nothing is appended, so no record takes its time from this clock.
    let opened = Journal::open(&data_dir.join("journal"), options, Arc::new(|| 0))?;
    opened.journal.never_trimmed()?;
    let dir = data_dir.join("view");
    let (applied, next) = (crate::known(data_dir)?.next, opened.journal.next());
    if applied > next {
        // It is the only one that knows so.
        return Err(stoa_store::Error::Ahead {
            path: dir,
            applied,
            next,
        }
        .into());
    }
    match std::fs::remove_dir_all(&dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let options = OpenOptions {
        watchdog: WATCHDOG,
        cache_bytes: CACHE_BYTES,
    };
    let index = Index::open(&dir, options, &opened.journal)?;
    let records = index.catch_up(&opened.journal, progress)?;
    Ok(Rebuilt { records })
}
