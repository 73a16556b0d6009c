//! Building the views anew from the journal, while the archive is stopped.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stoa_journal::Journal;

use crate::read::Reader;
use crate::search::FOLDER;
use crate::search::feed::follow_all;
use crate::service::MAX_RECORD_BYTES;
use crate::view::{Index, OpenOptions};

/// Memory for the view's pages while it is built.
pub(crate) const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// How long the empty view may take to open.
pub(crate) const WATCHDOG: Duration = Duration::from_secs(30);

/// Threads that build the search index, and memory of each for what is not written yet.
const SEARCH_THREADS: usize = 2;
const SEARCH_BYTES: u64 = 48 * 1024 * 1024;

/// What is being rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The view: where everything is.
    View,
    /// The search index.
    Search,
}

/// What was rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// Records that were applied.
    pub records: u64,
    /// Comments and articles that can be found; `None` if there was no search index.
    pub documents: Option<u64>,
}

/// Deletes the view in an archive's data folder, and its search index if there is one, and builds
/// them from the journal.
///
/// `progress` is given the records that are done and the records that there are, for each part.
/// It blocks, and fails if the archive is running: the journal is then locked.
pub fn rebuild(
    data_dir: &Path,
    progress: &mut dyn FnMut(Part, u64, u64),
) -> anyhow::Result<Rebuilt> {
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
    remove(&dir)?;
    let options = OpenOptions {
        watchdog: WATCHDOG,
        cache_bytes: CACHE_BYTES,
    };
    let index = Index::open(&dir, options, &opened.journal)?;
    let records = index.catch_up(&opened.journal, &mut |done, total| {
        progress(Part::View, done, total);
    })?;
    let reader = Reader {
        journal: opened.journal,
        index: Arc::new(index),
        until: None,
    };
    let documents = rebuild_search(data_dir, reader, &mut |done, total| {
        progress(Part::Search, done, total);
    })?;
    Ok(Rebuilt { records, documents })
}

/// Builds the search index anew, if there is one; returns how much can be found in it.
fn rebuild_search(
    data_dir: &Path,
    reader: Reader,
    progress: &mut dyn FnMut(u64, u64),
) -> anyhow::Result<Option<u64>> {
    let dir = data_dir.join(FOLDER);
    if !dir.exists() {
        return Ok(None);
    }
    remove(&dir)?;
    let options = stoa_search::Options {
        threads: SEARCH_THREADS,
        memory: SEARCH_BYTES,
        next: reader.journal.next(),
    };
    let mut opened = stoa_search::open(&dir, options)?;
    follow_all(reader, &mut opened.writer, progress)?;
    opened.searcher.reload()?;
    Ok(Some(opened.searcher.documents()))
}

fn remove(dir: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
