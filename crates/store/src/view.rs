//! An open view: reading rows, and committing batches of them.

use std::ops::{Bound, RangeBounds};
use std::path::Path;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sled::IVec;

use crate::open::{self, Opened, Options};
use crate::overlay::{Change, Freeze, Store};
use crate::scan::{Scan, after_prefix};
use crate::state::FolderLock;
use crate::{AsKey, Error, Key, Prefix, Table, state};

/// How long sled may take to end.
const RELEASE: Duration = Duration::from_secs(10);

/// An open view; clones share it. One task commits; any number may read.
///
/// When the last clone is dropped, everything goes to the disk, so that the next start is quick.
#[derive(Clone)]
pub struct View {
    handle: Arc<Handle>,
}

/// What all clones share.
struct Handle {
    /// `None` only while it is dropped.
    store: Option<Arc<Store>>,
    thread: Mutex<Option<Thread>>,
    opened: Opened,
    _lock: FolderLock,
}

/// The thread that takes rows to sled.
struct Thread {
    freeze: SyncSender<Freeze>,
    handle: JoinHandle<()>,
}

/// Rows to write together.
#[derive(Debug, Default)]
pub struct Batch {
    /// In the order of the calls: a later one about the same row counts.
    rows: Vec<(IVec, Change)>,
    /// The first value that could not be serialised; the commit fails with it.
    error: Option<Error>,
}

impl View {
    /// Opens the view in a folder, or creates it. Blocks, for up to twice the watchdog's time.
    ///
    /// What is damaged, of another format, or does not open in time is renamed, and an empty view
    /// takes its place.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process has it, [`Error::Ahead`] if it is ahead of the journal,
    /// [`Error::Io`] if the system refuses.
    pub fn open(dir: &Path, options: Options) -> Result<View, Error> {
        open::open(dir, &options)
    }

    /// Returns the position of a view that no process has open: the next journal sequence to apply.
    /// `None` if there is no view, or none that can be trusted; nothing is set aside. Blocks.
    ///
    /// # Errors
    /// [`Error::Locked`] if a process has it, [`Error::Io`] if the system refuses.
    pub fn position(dir: &Path, options: Options) -> Result<Option<u64>, Error> {
        open::applied(dir, &options)
    }

    pub(crate) fn start(store: Store, lock: FolderLock, opened: Opened) -> Result<View, Error> {
        let store = Arc::new(store);
        let (freeze, commands) = std::sync::mpsc::sync_channel(1);
        let shared = Arc::clone(&store);
        let handle = std::thread::Builder::new()
            .name("view".to_owned())
            .spawn(move || shared.run(&commands))
            .map_err(Error::io("start the writer of", &store.dir))?;
        let thread = Mutex::new(Some(Thread { freeze, handle }));
        let handle = Handle {
            store: Some(store),
            thread,
            opened,
            _lock: lock,
        };
        Ok(View {
            handle: Arc::new(handle),
        })
    }

    /// Tells whether the view was there, is new, or has to be built again.
    pub fn opened(&self) -> &Opened {
        &self.handle.opened
    }

    /// Returns the next journal sequence to apply; 0 when the view is empty.
    pub fn applied(&self) -> u64 {
        self.store().map_or(0, |store| store.read().applied)
    }

    /// Returns how many bytes the view takes on the disk; 0 if that can't be told.
    pub fn bytes(&self) -> u64 {
        self.store()
            .map_or(0, |store| store.db.size_on_disk().unwrap_or(0))
    }

    /// Reads one row.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the row can't be read.
    pub fn get<K, V>(
        &self,
        table: &Table<K, V>,
        key: &(impl AsKey<K> + ?Sized),
    ) -> Result<Option<V>, Error>
    where
        K: Key,
        V: Serialize + DeserializeOwned,
    {
        let store = self.store()?;
        let value = raw_get(store, &table.key(key))?;
        value
            .map(|value| table.read(&value))
            .transpose()
            .map_err(|reason| store.damaged(reason))
    }

    /// Tells whether there is a row.
    ///
    /// # Errors
    /// [`Error::Damaged`] if sled can't tell.
    pub fn contains<K, V>(
        &self,
        table: &Table<K, V>,
        key: &(impl AsKey<K> + ?Sized),
    ) -> Result<bool, Error>
    where
        K: Key,
        V: Serialize + DeserializeOwned,
    {
        Ok(raw_get(self.store()?, &table.key(key))?.is_some())
    }

    /// Reads the rows whose keys start with a prefix, in order; `.rev()` reads them backwards.
    ///
    /// Rows that are committed meanwhile may or may not be seen.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a prefix is made for one call"
    )]
    pub fn scan<'a, K, V>(
        &'a self,
        table: &'a Table<K, V>,
        prefix: impl Prefix<K>,
    ) -> Scan<'a, K, V>
    where
        K: Key,
        V: Serialize + DeserializeOwned,
    {
        let start = table.prefix(&prefix);
        let end = after_prefix(&start);
        Scan::new(self, table, Bound::Included(start), end)
    }

    /// Reads the rows whose keys are in a range, in order; `.rev()` reads them backwards.
    ///
    /// Rows that are committed meanwhile may or may not be seen.
    pub fn range<'a, K, V>(
        &'a self,
        table: &'a Table<K, V>,
        range: impl RangeBounds<K>,
    ) -> Scan<'a, K, V>
    where
        K: Key,
        V: Serialize + DeserializeOwned,
    {
        let all = table.prefix(&());
        let start = match range.start_bound() {
            Bound::Included(key) => Bound::Included(table.key(key)),
            Bound::Excluded(key) => Bound::Excluded(table.key(key)),
            Bound::Unbounded => Bound::Included(all.clone()),
        };
        let end = match range.end_bound() {
            Bound::Included(key) => Bound::Included(table.key(key)),
            Bound::Excluded(key) => Bound::Excluded(table.key(key)),
            Bound::Unbounded => after_prefix(&all),
        };
        Scan::new(self, table, start, end)
    }

    /// Starts a batch.
    pub fn batch(&self) -> Batch {
        Batch::default()
    }

    /// Applies a batch, and with it the position: the next journal sequence to apply.
    ///
    /// Reads see it at once. It blocks only while the disk is far behind.
    ///
    /// # Errors
    /// [`Error::Backwards`] if the view is further already, [`Error::Value`] if a row could not be
    /// serialised, [`Error::Poisoned`] if an earlier write failed, [`Error::Closed`].
    pub fn commit(&self, batch: Batch, applied: u64) -> Result<(), Error> {
        if let Some(error) = batch.error {
            return Err(error);
        }
        let thread = self.handle.thread();
        let freeze = &thread.as_ref().ok_or(Error::Closed)?.freeze;
        let store = self.store()?;
        let is_full = {
            let mut layers = store.write();
            if let Some(reason) = &layers.poison {
                let (path, reason) = (store.dir.clone(), Arc::clone(reason));
                return Err(Error::Poisoned { path, reason });
            }
            if applied < layers.applied {
                return Err(Error::Backwards {
                    applied: layers.applied,
                    wanted: applied,
                });
            }
            layers.applied = applied;
            for (key, value) in batch.rows {
                layers.active_bytes += key.len() + value.as_ref().map_or(0, |value| value.len());
                layers.active.insert(key, value);
            }
            layers.is_full()
        };
        if is_full {
            // One map is on its way and one is full: the disk has to catch up first.
            store.wait();
            match freeze.try_send(Freeze) {
                // A full channel means that the thread is about to look already.
                Ok(()) | Err(TrySendError::Full(_)) => {}
                Err(TrySendError::Disconnected(_)) => return Err(Error::Closed),
            }
        }
        Ok(())
    }

    /// Takes everything to the disk. Blocks. Rows can still be read afterwards, and not be written.
    ///
    /// # Errors
    /// [`Error::Poisoned`] if an earlier write failed, [`Error::Damaged`] if this one does.
    pub fn close(&self) -> Result<(), Error> {
        self.handle.stop();
        let store = self.store()?;
        if let Some(reason) = &store.read().poison {
            let (path, reason) = (store.dir.clone(), Arc::clone(reason));
            return Err(Error::Poisoned { path, reason });
        }
        flush(&store.db).map_err(|error| store.failed(&error))
    }

    pub(crate) fn store(&self) -> Result<&Store, Error> {
        self.handle.store.as_deref().ok_or(Error::Closed)
    }
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View")
            .field("applied", &self.applied())
            .finish_non_exhaustive()
    }
}

impl Handle {
    fn thread(&self) -> std::sync::MutexGuard<'_, Option<Thread>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the thread, which takes the rest to sled before.
    fn stop(&self) {
        let Some(Thread { freeze, handle }) = self.thread().take() else {
            return;
        };
        drop(freeze);
        if handle.join().is_err() {
            tracing::error!("a view's writer panicked");
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop();
        let Some(store) = self.store.take().and_then(Arc::into_inner) else {
            return;
        };
        let is_whole = store.read().poison.is_none();
        let Store { dir, db, .. } = store;
        let flushed = flush(&db);
        // sled writes until the last handle is gone, its threads' own among them, so its files can
        // be sealed only then.
        drop(db);
        let sealed = match flushed {
            Ok(()) if is_whole => seal(&dir),
            Ok(()) => Err("an earlier write failed".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = sealed {
            // The next start looks at it as after a crash.
            tracing::warn!(view.dir = %dir.display(), error, "a view was not closed cleanly");
        }
    }
}

fn seal(dir: &Path) -> Result<(), String> {
    match state::wait_until_released(dir, RELEASE) {
        Ok(true) => state::seal(dir).map_err(|error| error.to_string()),
        Ok(false) => Err(format!("sled did not end within {} s", RELEASE.as_secs())),
        Err(error) => Err(error.to_string()),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "not to be durable, but to start quickly and to be ahead of a full disk"
)]
pub(crate) fn flush(db: &sled::Db) -> sled::Result<()> {
    db.flush().map(|_| ())
}

fn raw_get(store: &Store, key: &[u8]) -> Result<Option<IVec>, Error> {
    if let Some(change) = store.read().get(key) {
        return Ok(change.clone());
    }
    store.db.get(key).map_err(|error| store.failed(&error))
}

impl Batch {
    /// Writes a row, over one that is there.
    pub fn put<K, V>(&mut self, table: &Table<K, V>, key: &(impl AsKey<K> + ?Sized), value: &V)
    where
        K: Key,
        V: Serialize + DeserializeOwned,
    {
        match table.value(value) {
            Ok(value) => {
                self.rows.push((table.key(key).into(), Some(value.into())));
            }
            Err(error) => self.error = self.error.take().or(Some(error)),
        }
    }

    /// Deletes a row, if it is there.
    pub fn delete<K, V>(&mut self, table: &Table<K, V>, key: &(impl AsKey<K> + ?Sized))
    where
        K: Key,
        V: Serialize + DeserializeOwned,
    {
        self.rows.push((table.key(key).into(), None));
    }

    /// Returns how many rows the batch writes or deletes, one that it writes twice counted twice.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Tells whether the batch changes nothing.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}
