//! Rows that are committed and not yet in sled.
//!
//! sled takes rows best when they are sorted, and a row that is written ten times in a second need
//! reach it only once. So a commit goes into a sorted map in memory; when the map is large or old, a
//! thread takes it to sled while the next one fills. Reads look at both maps before sled.
//!
//! **Atomic.** sled's own batches apply in the random order of a hash map and keep all readers out
//! meanwhile. Instead, the whole map is first written as one value (the *redo* row), then its rows
//! in order, then the position. sled recovers a prefix of what it was told, so after a crash a redo
//! row that is ahead of the position says which rows may be missing, and opening writes them again.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sled::IVec;

use crate::{Error, state};

/// The position that the rows in sled add up to.
pub(crate) const APPLIED: &[u8] = b"\0applied";
/// The format of the tables.
pub(crate) const FORMAT: &[u8] = b"\0format";
/// The rows that are being written.
pub(crate) const REDO: &[u8] = b"\0redo";

/// So many rows go to sled together, or
const FULL_ROWS: usize = 4096;
/// so many bytes of them, or
const FULL_BYTES: usize = 512 * 1024;
/// what has come in so long a time.
const OLD: Duration = Duration::from_millis(500);

/// A row's new value; `None` if it is deleted.
pub(crate) type Change = Option<IVec>;

/// Rows by key.
pub(crate) type Rows = BTreeMap<IVec, Change>;

/// A row as it is in the redo row.
type RedoRow<'a> = (&'a [u8], Option<&'a [u8]>);

/// The two maps, and the position that the view has with them.
#[derive(Default)]
pub(crate) struct Layers {
    pub(crate) active: Rows,
    pub(crate) active_bytes: usize,
    /// On the way to sled, and still to be read from here.
    pub(crate) frozen: Option<Arc<Rows>>,
    pub(crate) applied: u64,
    /// The position that sled has.
    stored: u64,
    pub(crate) poison: Option<Arc<str>>,
}

impl Layers {
    pub(crate) fn is_full(&self) -> bool {
        self.active.len() >= FULL_ROWS || self.active_bytes >= FULL_BYTES
    }

    /// What the maps say about a key: nothing, or its value, or that it is deleted.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&Change> {
        let frozen = || self.frozen.as_ref().and_then(|rows| rows.get(key));
        self.active.get(key).or_else(frozen)
    }
}

/// A view's data.
pub(crate) struct Store {
    pub(crate) dir: PathBuf,
    pub(crate) db: sled::Db,
    layers: RwLock<Layers>,
    /// Told when the frozen map has arrived.
    thawed: (Mutex<()>, Condvar),
}

/// Asks the thread to take the active map to sled.
pub(crate) struct Freeze;

#[derive(Serialize, Deserialize)]
struct Redo<R> {
    applied: u64,
    rows: R,
}

impl Store {
    pub(crate) fn new(dir: PathBuf, db: sled::Db, applied: u64) -> Store {
        let layers = Layers {
            applied,
            stored: applied,
            ..Layers::default()
        };
        Store {
            dir,
            db,
            layers: RwLock::new(layers),
            thawed: Default::default(),
        }
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Layers> {
        self.layers.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Layers> {
        self.layers.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works until nobody can send any more; then takes the rest to sled.
    pub(crate) fn run(&self, commands: &Receiver<Freeze>) {
        while !matches!(
            commands.recv_timeout(OLD),
            Err(RecvTimeoutError::Disconnected)
        ) {
            self.thaw();
        }
        self.thaw();
    }

    /// Waits until the map that is on its way has arrived.
    pub(crate) fn wait(&self) {
        let (mutex, condvar) = &self.thawed;
        let mut guard = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        while self.read().frozen.is_some() {
            guard = condvar.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Freezes the active map and takes it to sled.
    fn thaw(&self) {
        let Some((rows, applied)) = self.freeze() else {
            return;
        };
        // sled panics on some damage, and whoever waits must not wait for ever.
        let written = catch_unwind(AssertUnwindSafe(|| write_rows(&self.db, &rows, applied)));
        let written = written.unwrap_or_else(|_| Err(invalid("sled panicked")));
        if let Err(error) = &written {
            self.suspect(error);
        }
        {
            let mut layers = self.write();
            layers.frozen = None;
            match written {
                Ok(()) => layers.stored = applied,
                Err(error) => {
                    // Reads still see what did not get through; nothing more is taken.
                    let newer = std::mem::take(&mut layers.active);
                    layers.active = rows.as_ref().clone();
                    layers.active.extend(newer);
                    layers.poison = Some(error.to_string().into());
                }
            }
        }
        let (mutex, condvar) = &self.thawed;
        let guard = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        condvar.notify_all();
        drop(guard);
    }

    fn freeze(&self) -> Option<(Arc<Rows>, u64)> {
        let mut layers = self.write();
        if layers.stored == layers.applied && layers.active.is_empty() {
            return None;
        }
        if layers.poison.is_some() {
            return None;
        }
        let rows = Arc::new(std::mem::take(&mut layers.active));
        layers.active_bytes = 0;
        layers.frozen = Some(Arc::clone(&rows));
        Some((rows, layers.applied))
    }

    /// Turns a failure of sled into an error, and notes it for the next start if it is damage.
    pub(crate) fn failed(&self, error: &sled::Error) -> Error {
        self.suspect(error);
        Error::Damaged {
            path: self.dir.clone(),
            reason: error.to_string(),
        }
    }

    /// Notes that a row is not what was written.
    pub(crate) fn damaged(&self, reason: String) -> Error {
        state::write_suspect(&self.dir, &reason);
        Error::Damaged {
            path: self.dir.clone(),
            reason,
        }
    }

    fn suspect(&self, error: &sled::Error) {
        let reason = error.to_string();
        tracing::error!(view.dir = %self.dir.display(), error = %reason, "a view failed");
        if !matches!(error, sled::Error::Io(_)) {
            state::write_suspect(&self.dir, &reason);
        }
    }
}

/// Writes rows and position so that a crash leaves all or nothing of them.
pub(crate) fn write_rows(db: &sled::Db, rows: &Rows, applied: u64) -> sled::Result<()> {
    write_redo(db, rows, applied)?;
    for (key, value) in rows {
        match value {
            Some(value) => db.insert(key, value)?,
            None => db.remove(key)?,
        };
    }
    db.insert(APPLIED, &applied.to_be_bytes())?;
    Ok(())
}

pub(crate) fn write_redo(db: &sled::Db, rows: &Rows, applied: u64) -> sled::Result<()> {
    let pairs = rows
        .iter()
        .map(|(key, value)| (key.as_ref(), value.as_deref()));
    let redo = Redo {
        applied,
        rows: pairs.collect::<Vec<RedoRow<'_>>>(),
    };
    let encoded = postcard::to_stdvec(&redo).map_err(|error| invalid(&error.to_string()))?;
    db.insert(REDO, encoded)?;
    Ok(())
}

/// Completes what a crash interrupted, and returns the position.
pub(crate) fn redo(db: &sled::Db) -> sled::Result<u64> {
    let applied = match db.get(APPLIED)? {
        Some(bytes) => <[u8; 8]>::try_from(bytes.as_ref()).map(u64::from_be_bytes),
        None => Ok(0),
    };
    let applied = applied.map_err(|_| invalid("its position can't be read"))?;
    let Some(encoded) = db.get(REDO)? else {
        return Ok(applied);
    };
    let redo: Redo<Vec<RedoRow<'_>>> =
        postcard::from_bytes(&encoded).map_err(|_| invalid("its redo row can't be read"))?;
    if redo.applied <= applied {
        return Ok(applied);
    }
    for (key, value) in redo.rows {
        match value {
            Some(value) => db.insert(key, value)?,
            None => db.remove(key)?,
        };
    }
    db.insert(APPLIED, &redo.applied.to_be_bytes())?;
    Ok(redo.applied)
}

fn invalid(reason: &str) -> sled::Error {
    sled::Error::Unsupported(reason.to_owned())
}
