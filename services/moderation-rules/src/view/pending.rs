//! One table's rows in memory, over the view.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::RangeBounds;

use serde::Serialize;
use serde::de::DeserializeOwned;
use stoa_store::{Batch, Error, Key, Table};

use super::Index;

/// The rows of one table that were read or changed.
pub(super) struct Pending<K, V> {
    table: Table<K, V>,
    rows: HashMap<K, Row<V>>,
}

struct Row<V> {
    value: Option<V>,
    changed: bool,
}

impl<K, V> Pending<K, V>
where
    K: Key + Hash + Eq + Clone,
    V: Serialize + DeserializeOwned + Clone,
{
    /// Begins with nothing read.
    pub(super) fn new(table: Table<K, V>) -> Self {
        Self {
            table,
            rows: HashMap::new(),
        }
    }

    /// Reads a row, once.
    pub(super) fn get(&mut self, index: &Index, key: &K) -> Result<Option<V>, Error> {
        if let Some(row) = self.rows.get(key) {
            return Ok(row.value.clone());
        }
        let value = index.view.get(&self.table, key)?;
        self.rows.insert(
            key.clone(),
            Row {
                value: value.clone(),
                changed: false,
            },
        );
        Ok(value)
    }

    /// Reads a row without keeping it.
    pub(super) fn peek(&self, index: &Index, key: &K) -> Result<Option<V>, Error> {
        match self.rows.get(key) {
            Some(row) => Ok(row.value.clone()),
            None => index.view.get(&self.table, key),
        }
    }

    /// Changes a row; `None` deletes it.
    pub(super) fn set(&mut self, key: K, value: Option<V>) {
        self.rows.insert(
            key,
            Row {
                value,
                changed: true,
            },
        );
    }

    /// Writes a row.
    pub(super) fn put(&mut self, key: K, value: V) {
        self.set(key, Some(value));
    }

    /// Deletes the rows of a range, those that are not written yet among them; `is_in` tells the same
    /// of a key.
    pub(super) fn remove(
        &mut self,
        index: &Index,
        is_in: impl Fn(&K) -> bool,
        range: impl RangeBounds<K>,
    ) -> Result<(), Error> {
        for entry in index.view.range(&self.table, range) {
            let row = Row {
                value: None,
                changed: true,
            };
            self.rows.insert(entry?.0, row);
        }
        for (key, row) in &mut self.rows {
            if is_in(key) {
                (row.value, row.changed) = (None, true);
            }
        }
        Ok(())
    }

    /// Adds what was changed to a batch.
    pub(super) fn write(&self, batch: &mut Batch) {
        for (key, row) in self.rows.iter().filter(|(_, row)| row.changed) {
            match &row.value {
                Some(value) => batch.put(&self.table, key, value),
                None => batch.delete(&self.table, key),
            }
        }
    }
}
