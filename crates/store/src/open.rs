// LEAD, 16:50: this file was overwritten by accident while you wrote yours: please put your own version back.
//! Opening under a watchdog, and setting aside what can't be trusted.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::Error;

/// The key of the view's format number.
const FORMAT_KEY: [u8; 2] = [0, 1];
/// The key of the position that the view has applied.
pub(crate) const APPLIED_KEY: [u8; 2] = [0, 2];

/// How a view is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The number of the tables' format; raise it whenever a table changes, and the view is rebuilt.
    pub format: u32,
    /// The journal's next sequence: a view that claims to be further is not of this journal.
    pub next_seq: u64,
    /// How long opening may take.
    pub watchdog: Duration,
    /// Memory for pages, in bytes.
    pub cache_bytes: u64,
}

/// How a view was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// It was there and whole.
    Ready,
    /// There was none.
    Created,
    /// It could not be trusted, and an empty one has taken its place.
    Rebuilt {
        /// Why.
        reason: String,
        /// Where the old one is; it is replaced by the next that is set aside.
        set_aside: PathBuf,
    },
}

/// A database that was opened, with what it says of itself.
pub(crate) struct Found {
    pub(crate) db: sled::Db,
    pub(crate) applied: u64,
    pub(crate) opened: Opened,
}

/// Opens a view, or sets it aside and makes an empty one.
pub(crate) fn open(dir: &Path, options: Options) -> Result<Found, Error> {
    let existed = dir.exists();
    if let Some(parent) = dir.parent() {
        std::fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
    }
    let reason = match attempt(dir, options) {
        Ok((db, applied)) => {
            let opened = if existed {
                Opened::Ready
            } else {
                Opened::Created
            };
            return Ok(Found {
                db,
                applied,
                opened,
            });
        }
        Err(reason) => reason,
    };
    let set_aside = set_aside(dir)?;
    tracing::warn!(
        view = %dir.display(), reason, set_aside = %set_aside.display(),
        "the view is set aside and built again from the journal"
    );
    let (db, applied) = attempt(dir, options).map_err(|reason| Error::Damaged {
        path: dir.to_owned(),
        reason,
    })?;
    Ok(Found {
        db,
        applied,
        opened: Opened::Rebuilt { reason, set_aside },
    })
}

/// Opens a database on a thread of its own: sled can hang or panic on a damaged file.
fn attempt(dir: &Path, options: Options) -> Result<(sled::Db, u64), String> {
    let (sender, receiver) = mpsc::channel();
    let path = dir.to_owned();
    std::thread::Builder::new()
        .name("view-open".to_owned())
        .spawn(move || {
            let result = catch_unwind(AssertUnwindSafe(|| read(&path, options)))
                .unwrap_or_else(|_| Err("opening it panicked".to_owned()));
            // Nobody listens any more once the time is over; the database is closed with the result.
            drop(sender.send(result));
        })
        .map_err(|error| error.to_string())?;
    match receiver.recv_timeout(options.watchdog) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => Err(format!(
            "opening it took longer than {} s",
            options.watchdog.as_secs_f32()
        )),
        Err(RecvTimeoutError::Disconnected) => Err("opening it ended without a result".to_owned()),
    }
}

fn read(dir: &Path, options: Options) -> Result<(sled::Db, u64), String> {
    let db = sled::Config::new()
        .path(dir)
        .cache_capacity(options.cache_bytes)
        .mode(sled::Mode::HighThroughput)
        .flush_every_ms(Some(1_000))
        .open()
        .map_err(|error| error.to_string())?;
    let number = |key: [u8; 2]| db.get(key).map_err(|error| error.to_string());
    let format = number(FORMAT_KEY)?;
    let applied = number(APPLIED_KEY)?;
    match (format, applied) {
        (None, None) if db.is_empty() => {
            let mut batch = sled::Batch::default();
            batch.insert(&FORMAT_KEY, &options.format.to_be_bytes());
            batch.insert(&APPLIED_KEY, &0_u64.to_be_bytes());
            db.apply_batch(batch).map_err(|error| error.to_string())?;
            Ok((db, 0))
        }
        (Some(format), Some(applied)) => {
            if format != options.format.to_be_bytes() {
                return Err("it has another format".to_owned());
            }
            let applied = <[u8; 8]>::try_from(applied.as_ref())
                .map(u64::from_be_bytes)
                .map_err(|_| "its position can't be read".to_owned())?;
            if applied > options.next_seq {
                return Err(format!(
                    "it is ahead of its journal: at {applied}, the journal ends at {}",
                    options.next_seq
                ));
            }
            Ok((db, applied))
        }
        _ => Err("its format or position is missing".to_owned()),
    }
}

/// Moves a view out of the way, in place of the one that was moved before.
fn set_aside(dir: &Path) -> Result<PathBuf, Error> {
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    let aside = dir.with_file_name(format!("{name}.set-aside"));
    let remove = if aside.is_dir() {
        std::fs::remove_dir_all
    } else {
        std::fs::remove_file
    };
    if aside.exists() {
        remove(&aside).map_err(Error::io("remove", &aside))?;
    }
    std::fs::rename(dir, &aside).map_err(Error::io("move", dir))?;
    Ok(aside)
}
