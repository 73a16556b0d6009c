// LEAD, 16:50: this file was overwritten by accident while you wrote yours: please put your own version back.
//! The view: reads, and batches that carry the position.

use std::ops::{Bound, RangeBounds};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::open::{self, Opened, Options};
use crate::overlay::{Change, Overlay};
use crate::{AsKey, Error, Key, Prefix, Scan, Table};

/// Pending rows that are written to the database at once.
///
/// More coalesces more and makes each write, and the catching up after a crash, longer.
const FLUSH_ROWS: usize = 8_192;

/// How long a row may be pending while batches come.
const FLUSH_AFTER: Duration = Duration::from_secs(1);

/// An open view. There is one writer; readers may be many.
#[derive(Debug)]
pub struct View {
    dir: PathBuf,
    db: sled::Db,
    opened: Opened,
    pending: RwLock<Overlay>,
    writer: Mutex<Writer>,
}

#[derive(Debug)]
struct Writer {
    flushed: Instant,
    poisoned: Option<Arc<str>>,
}

impl View {
    /// Opens a view; makes it if there is none, and an empty one in the place of one that can't be
    /// trusted. Blocks for up to twice the watchdog's time.
    pub fn open(dir: &Path, options: Options) -> Result<Self, Error> {
        let open::Found {
            db,
            applied,
            opened,
        } = open::open(dir, options)?;
        Ok(Self {
            dir: dir.to_owned(),
            db,
            opened,
            pending: RwLock::new(Overlay::at(applied)),
            writer: Mutex::new(Writer {
                flushed: Instant::now(),
                poisoned: None,
            }),
        })
    }

    /// Returns how the view was found.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Returns the position of the first journal record that is not applied yet.
    pub fn applied(&self) -> u64 {
        self.pending().applied
    }

    /// Returns the bytes that the view takes on disk.
    pub fn bytes(&self) -> u64 {
        self.db.size_on_disk().unwrap_or_default()
    }

    fn pending(&self) -> RwLockReadGuard<'_, Overlay> {
        self.pending.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn damaged(&self, reason: String) -> Error {
        Error::Damaged {
            path: self.dir.clone(),
            reason,
        }
    }

    /// Reads a row.
    pub fn get<K, V>(
        &self,
        table: &Table<K, V>,
        key: &(impl AsKey<K> + ?Sized),
    ) -> Result<Option<V>, Error>
    where
        K: Key,
        V: Serialize + DeserializeOwned,
    {
        let key = table.key(key);
        let read = |value: &[u8]| table.read(value).map_err(|reason| self.damaged(reason));
        let pending = self.pending();
        if let Some(change) = pending.get(&key) {
            return change.as_deref().map(read).transpose();
        }
        let found = self
            .db
            .get(&key)
            .map_err(|error| self.damaged(error.to_string()))?;
        found.as_deref().map(read).transpose()
    }

    /// Reads the rows whose keys begin with the given parts.
    pub fn scan<'a, K, V>(
        &'a self,
        table: &'a Table<K, V>,
        prefix: impl Prefix<K>,
    ) -> Scan<'a, K, V>
    where
        K: Key,
        V: Serialize + DeserializeOwned,
    {
        let from = table.prefix(&prefix);
        let to = after_prefix(&from);
        self.between(table, (Bound::Included(from), to))
    }

    /// Reads the rows whose keys are in a range.
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
        let from = match range.start_bound() {
            Bound::Included(key) => Bound::Included(table.key(key)),
            Bound::Excluded(key) => Bound::Excluded(table.key(key)),
            Bound::Unbounded => Bound::Included(all.clone()),
        };
        let to = match range.end_bound() {
            Bound::Included(key) => Bound::Included(table.key(key)),
            Bound::Excluded(key) => Bound::Excluded(table.key(key)),
            Bound::Unbounded => after_prefix(&all),
        };
        self.between(table, (from, to))
    }

    fn between<'a, K, V>(
        &'a self,
        table: &'a Table<K, V>,
        bounds: (Bound<Vec<u8>>, Bound<Vec<u8>>),
    ) -> Scan<'a, K, V> {
        // BTreeMap panics where the end is before the start; nothing lies between them.
        let bounds = if is_empty(&bounds) {
            (Bound::Included(Vec::new()), Bound::Excluded(Vec::new()))
        } else {
            bounds
        };
        // Under the lock, so that no flush comes between the two.
        let pending = self.pending();
        let over = pending.range(&bounds);
        Scan::new(self, table, self.db.range(bounds), over)
    }

    /// Begins a batch.
    #[expect(clippy::unused_self, reason = "a batch belongs to a view")]
    pub fn batch(&self) -> Batch {
        Batch::default()
    }

    /// Makes a batch visible, in one step with the position that it brings the view to.
    pub fn commit(&self, batch: Batch, applied: u64) -> Result<(), Error> {
        let Batch { changes, error } = batch;
        if let Some(error) = error {
            return Err(error);
        }
        let mut writer = self.writer();
        if let Some(reason) = &writer.poisoned {
            return Err(Error::Poisoned {
                path: self.dir.clone(),
                reason: Arc::clone(reason),
            });
        }
        let n_pending = {
            let mut pending = self.pending.write().unwrap_or_else(PoisonError::into_inner);
            if applied < pending.applied {
                return Err(Error::Backwards {
                    applied: pending.applied,
                    wanted: applied,
                });
            }
            pending.extend(changes);
            pending.applied = applied;
            pending.len()
        };
        if n_pending >= FLUSH_ROWS || writer.flushed.elapsed() >= FLUSH_AFTER {
            self.write_pending(&mut writer)?;
        }
        Ok(())
    }

    /// Writes the pending rows to the database. Readers go on; there is no other writer.
    fn write_pending(&self, writer: &mut Writer) -> Result<(), Error> {
        let batch = self.pending().batch();
        if let Err(error) = self.db.apply_batch(batch) {
            let reason: Arc<str> = error.to_string().into();
            writer.poisoned = Some(Arc::clone(&reason));
            return Err(Error::Poisoned {
                path: self.dir.clone(),
                reason,
            });
        }
        self.pending
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        writer.flushed = Instant::now();
        Ok(())
    }

    /// Writes everything out, so that the next opening has nothing to apply again.
    pub fn close(&self) -> Result<(), Error> {
        let mut writer = self.writer();
        if writer.poisoned.is_some() {
            return Ok(());
        }
        self.write_pending(&mut writer)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "at the end, to make the next start quick"
        )]
        let flushed = self.db.flush();
        flushed
            .map(|_| ())
            .map_err(|error| self.damaged(error.to_string()))
    }
}

impl Drop for View {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::warn!(view = %self.dir.display(), %error, "the view is not written out");
        }
    }
}

/// Returns the end of all keys with a prefix.
fn after_prefix(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

fn is_empty(bounds: &(Bound<Vec<u8>>, Bound<Vec<u8>>)) -> bool {
    match bounds {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (
            Bound::Included(from) | Bound::Excluded(from),
            Bound::Excluded(to) | Bound::Included(to),
        ) => from >= to,
        _ => false,
    }
}

/// Rows to write and to delete together.
#[derive(Debug, Default)]
pub struct Batch {
    changes: Vec<(Vec<u8>, Change)>,
    /// The first value that could not be serialised; the commit fails with it.
    error: Option<Error>,
}

impl Batch {
    /// Writes a row.
    pub fn put<K, V>(&mut self, table: &Table<K, V>, key: &(impl AsKey<K> + ?Sized), value: &V)
    where
        K: Key,
        V: Serialize + DeserializeOwned,
    {
        match table.value(value) {
            Ok(value) => self.changes.push((table.key(key), Some(value))),
            Err(error) => self.error = self.error.take().or(Some(error)),
        }
    }

    /// Deletes a row, if there is one.
    pub fn delete<K, V>(&mut self, table: &Table<K, V>, key: &(impl AsKey<K> + ?Sized))
    where
        K: Key,
        V: Serialize + DeserializeOwned,
    {
        self.changes.push((table.key(key), None));
    }
}
