//! Opening a view, under a watchdog, and setting aside what does not open.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::overlay::Store;
use crate::redo::{FORMAT, redo};
use crate::state::{self, DB, FolderLock};
use crate::{Error, View};

/// How many views that were set aside are kept, for whoever wants to know why.
const KEPT_ASIDE: usize = 2;
/// Larger pieces of log make writing quicker and take more memory.
const SEGMENT_BYTES: usize = 2 * 1024 * 1024;
/// How often sled writes out what it has; nothing depends on it but the time to catch up.
const FLUSH_EVERY_MS: u64 = 2_000;

/// How a view is opened.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The number of the tables' format: raise it whenever a table changes, and old views are
    /// built again.
    pub format: u32,
    /// The journal's next sequence. A view that is further knows that the journal's end is missing,
    /// and is not opened.
    pub next_seq: u64,
    /// How long sled may take to open. Too short, and a large view on a slow disk is set aside.
    pub watchdog: Duration,
    /// How much memory sled may use for pages. Less makes reads of old rows slower.
    pub cache_bytes: u64,
    /// How long a row may wait in memory. Longer spares rows that change often; after a crash so
    /// much is applied from the journal again.
    pub write_behind: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            format: 1,
            next_seq: u64::MAX,
            watchdog: Duration::from_secs(30),
            cache_bytes: 64 * 1024 * 1024,
            write_behind: Duration::from_secs(1),
        }
    }
}

/// How a view was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// It was there and is used.
    Ready,
    /// There was none.
    Created,
    /// There was one that can't be used; it has to be built again.
    Rebuilt {
        /// Why.
        reason: String,
        /// Where the old one is now; only the latest few are kept.
        set_aside: PathBuf,
    },
}

pub(crate) fn open(dir: &Path, options: &Options) -> Result<View, Error> {
    fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
    let lock = FolderLock::take(dir)?;
    // Held locks are no damage: this process had the view open a moment ago, and sled is ending.
    match state::wait_until_released(dir, options.watchdog) {
        Ok(true) => {}
        Ok(false) => {
            return Err(Error::Locked {
                path: dir.to_owned(),
            });
        }
        Err(error) => return Err(Error::io("lock", dir)(error)),
    }
    let is_new = state::is_new(dir).map_err(Error::io("list", dir))?;
    let distrust = state::distrust(dir).map_err(Error::io("read the state of", dir))?;
    let tried = match distrust {
        Some(reason) => Err(Failure::Unusable(reason)),
        None => try_open(dir, options),
    };
    let reason = match tried {
        Ok((db, applied)) => {
            let opened = if is_new {
                Opened::Created
            } else {
                Opened::Ready
            };
            return View::start(
                Store::new(dir.to_owned(), db, applied, options.write_behind),
                lock,
                opened,
            );
        }
        Err(failure) => failure.reason(dir)?,
    };
    let set_aside = set_aside(dir).map_err(Error::io("set aside", dir))?;
    tracing::warn!(
        view.dir = %dir.display(),
        view.set_aside = %set_aside.display(),
        reason,
        "a view can't be used and is set aside"
    );
    drop(lock);
    fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
    let lock = FolderLock::take(dir)?;
    match try_open(dir, options) {
        Ok((db, applied)) => {
            let opened = Opened::Rebuilt { reason, set_aside };
            View::start(
                Store::new(dir.to_owned(), db, applied, options.write_behind),
                lock,
                opened,
            )
        }
        Err(failure) => Err(Error::Damaged {
            path: dir.to_owned(),
            reason: failure.reason(dir)?,
        }),
    }
}

/// Returns the position of a view that is closed; `None` if it can't be trusted or there is none.
pub(crate) fn applied(dir: &Path, options: &Options) -> Result<Option<u64>, Error> {
    if !dir.join(DB).is_dir() {
        return Ok(None);
    }
    let _lock = FolderLock::take(dir)?;
    let distrust = state::distrust(dir).map_err(Error::io("read the state of", dir))?;
    if distrust.is_some() {
        return Ok(None);
    }
    let Ok((db, applied)) = try_open(dir, options) else {
        return Ok(None);
    };
    drop(db);
    let released = state::wait_until_released(dir, options.watchdog);
    if released.map_err(Error::io("close", dir))? {
        state::seal(dir).map_err(Error::io("close", dir))?;
    }
    Ok(Some(applied))
}

enum Failure {
    /// The system refused; the view's files are not to blame.
    Refused(io::Error),
    /// The view is not what it should be.
    Unusable(String),
    /// The view is at a position that the journal does not have.
    Ahead {
        /// The view's.
        applied: u64,
        /// The journal's.
        next: u64,
    },
}

impl Failure {
    /// Returns why the view can't be used; an error if that is not the view's fault.
    fn reason(self, dir: &Path) -> Result<String, Error> {
        match self {
            Self::Refused(error) => Err(Error::io("open", dir)(error)),
            Self::Unusable(reason) => Ok(reason),
            Self::Ahead { applied, next } => Err(Error::Ahead {
                path: dir.to_owned(),
                applied,
                next,
            }),
        }
    }
}

impl From<sled::Error> for Failure {
    fn from(error: sled::Error) -> Failure {
        use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        match error {
            sled::Error::Io(error)
                if matches!(
                    error.kind(),
                    PermissionDenied | QuotaExceeded | ReadOnlyFilesystem | StorageFull
                ) =>
            {
                Failure::Refused(error)
            }
            error => Failure::Unusable(error.to_string()),
        }
    }
}

fn try_open(dir: &Path, options: &Options) -> Result<(sled::Db, u64), Failure> {
    state::mark_open(dir).map_err(Failure::Refused)?;
    let config = sled::Config::new()
        .path(dir.join(DB))
        .mode(sled::Mode::HighThroughput)
        .segment_size(SEGMENT_BYTES)
        .cache_capacity(options.cache_bytes)
        .flush_every_ms(Some(FLUSH_EVERY_MS));
    let (format, next_seq) = (options.format, options.next_seq);
    watched(options.watchdog, move || {
        let db = config.open()?;
        check_format(&db, format)?;
        let applied = redo(&db)?;
        if applied > next_seq {
            return Err(Failure::Ahead {
                applied,
                next: next_seq,
            });
        }
        Ok((db, applied))
    })
}

fn check_format(db: &sled::Db, format: u32) -> Result<(), Failure> {
    match db.get(FORMAT)? {
        Some(found) if found.as_ref() == format.to_be_bytes() => Ok(()),
        Some(found) => {
            let found = <[u8; 4]>::try_from(found.as_ref()).map(u32::from_be_bytes);
            let found = found.map_or("unreadable".to_owned(), |found| found.to_string());
            Err(Failure::Unusable(format!(
                "its format is {found}, and this program's is {format}"
            )))
        }
        None if db.is_empty() => {
            db.insert(FORMAT, &format.to_be_bytes())?;
            Ok(())
        }
        None => Err(Failure::Unusable("its format is missing".to_owned())),
    }
}

/// Runs `work` in a thread of its own, and gives up on it if it hangs or panics.
fn watched<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let thread = std::thread::Builder::new()
        .name("view-open".to_owned())
        .spawn(move || {
            let result = catch_unwind(AssertUnwindSafe(work));
            // Nobody listens any more if it took too long: then this drops what was opened.
            sender.send(result).unwrap_or(());
        });
    thread.map_err(Failure::Refused)?;
    match receiver.recv_timeout(limit) {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(Failure::Unusable("opening it panicked".to_owned())),
        Err(RecvTimeoutError::Timeout) => Err(Failure::Unusable(format!(
            "it did not open within {} s",
            limit.as_secs_f32()
        ))),
        Err(RecvTimeoutError::Disconnected) => {
            Err(Failure::Unusable("opening it stopped halfway".to_owned()))
        }
    }
}

/// Renames the folder, and removes those that were set aside long ago.
fn set_aside(dir: &Path) -> io::Result<PathBuf> {
    let mut older = aside(dir)?;
    older.sort();
    let number = older.last().map_or(1, |(number, _)| number + 1);
    while older.len() >= KEPT_ASIDE {
        let (_, path) = older.remove(0);
        fs::remove_dir_all(path)?;
    }
    let target = dir.with_file_name(format!("{}{number}", aside_prefix(dir)));
    fs::rename(dir, &target)?;
    Ok(target)
}

fn aside_prefix(dir: &Path) -> String {
    format!(
        "{}.set-aside-",
        dir.file_name().unwrap_or_default().to_string_lossy()
    )
}

/// The views that were set aside before, with their numbers.
fn aside(dir: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let prefix = aside_prefix(dir);
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut found = Vec::new();
    for entry in fs::read_dir(parent.unwrap_or(Path::new(".")))? {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if let Some(number) = name
            .strip_prefix(&prefix)
            .and_then(|rest| rest.parse().ok())
        {
            found.push((number, path));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason<T>(result: Result<T, Failure>) -> String {
        match result {
            Err(Failure::Unusable(reason)) => reason,
            Err(Failure::Refused(error)) => panic!("refused: {error}"),
            Err(Failure::Ahead { .. }) => panic!("ahead"),
            Ok(_) => panic!("opened"),
        }
    }

    #[test]
    fn a_hang_and_a_panic_are_caught() {
        let limit = Duration::from_millis(50);
        let hang = || {
            std::thread::sleep(Duration::from_secs(2));
            Ok(())
        };
        assert!(reason(watched(limit, hang)).contains("did not open within 0.05 s"));
        let panic = || -> Result<(), Failure> { panic!("a sled bug") };
        assert!(reason(watched(Duration::from_secs(20), panic)).contains("panicked"));
    }
}
