//! Rows that are committed and not yet in sled.
//!
//! sled takes rows best when they are sorted, and a row that is written ten times in a second need
//! reach it only once. So a commit goes into a sorted map in memory; when the map is large or old, a
//! thread takes it to sled while the next one fills. Reads look at both maps before sled.
//!
//! How a map gets there as a whole or not at all is told in [`crate::redo`].

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use sled::IVec;

use crate::redo::{invalid, write_rows};
use crate::room::{Room, Space};
use crate::view::flush;
use crate::{Error, state};

/// So many rows go to sled together, or
const FULL_ROWS: usize = 32 * 1024;
/// so many bytes of them, or what has come in the time of [`crate::Options::write_behind`].
const FULL_BYTES: usize = 6 * 1024 * 1024;

/// A row's new value; `None` if it is deleted.
pub(crate) type Change = Option<IVec>;

/// Rows by key.
pub(crate) type Rows = BTreeMap<IVec, Change>;

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
    write_behind: Duration,
    /// Told when the frozen map has arrived.
    thawed: (Mutex<()>, Condvar),
}

/// Asks the thread to take the active map to sled.
pub(crate) struct Freeze;

impl Store {
    pub(crate) fn new(dir: PathBuf, db: sled::Db, applied: u64, write_behind: Duration) -> Store {
        let layers = Layers {
            applied,
            stored: applied,
            ..Layers::default()
        };
        Store {
            dir,
            db,
            layers: RwLock::new(layers),
            write_behind,
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
        let mut room = Room::new(&self.dir);
        while !matches!(
            commands.recv_timeout(self.write_behind),
            Err(RecvTimeoutError::Disconnected)
        ) {
            self.thaw(&mut room);
        }
        self.thaw(&mut room);
    }

    /// Waits until the map that is on its way has arrived.
    pub(crate) fn wait(&self) {
        let (mutex, condvar) = &self.thawed;
        let mut guard = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        while self.read().frozen.is_some() {
            guard = condvar.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Freezes the active map and takes it to sled; without room for it, its rows wait in memory, and
    /// after a stop they come from the journal again.
    fn thaw(&self, room: &mut Room) {
        let space = room.make(self.read().active_bytes);
        if space == Space::None {
            return;
        }
        let Some((rows, applied)) = self.freeze() else {
            return;
        };
        // sled panics on some damage, and whoever waits must not wait for ever.
        let written = catch_unwind(AssertUnwindSafe(|| {
            write_rows(&self.db, &rows, applied)?;
            if space == Space::Enough {
                flush(&self.db)?;
            }
            Ok(())
        }));
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
