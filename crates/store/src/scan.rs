// LEAD, 16:50: this file was overwritten by accident while you wrote yours: please put your own version back.
//! Rows in the order of their keys, from either end.

use std::collections::VecDeque;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::overlay::Change;
use crate::{Error, Key, Table, View};

/// A row as bytes.
type Raw = (Vec<u8>, Vec<u8>);

/// An iterator over rows of a table: the database's, with the pending ones over them.
pub struct Scan<'a, K, V> {
    view: &'a View,
    table: &'a Table<K, V>,
    rows: sled::Iter,
    pending: VecDeque<(Vec<u8>, Change)>,
    /// Rows that were taken from either end of `rows` and not given out yet.
    front: Option<Raw>,
    back: Option<Raw>,
}

impl<'a, K, V> Scan<'a, K, V> {
    pub(crate) fn new(
        view: &'a View,
        table: &'a Table<K, V>,
        rows: sled::Iter,
        pending: Vec<(Vec<u8>, Change)>,
    ) -> Self {
        Self {
            view,
            table,
            rows,
            pending: pending.into(),
            front: None,
            back: None,
        }
    }

    fn raw(row: sled::Result<(sled::IVec, sled::IVec)>) -> Result<Raw, sled::Error> {
        row.map(|(key, value)| (key.to_vec(), value.to_vec()))
    }

    /// Takes the next raw row from the front.
    fn take_front(&mut self) -> Result<Option<Raw>, sled::Error> {
        loop {
            if self.front.is_none() {
                self.front = match self.rows.next() {
                    Some(row) => Some(Self::raw(row)?),
                    None => self.back.take(),
                };
            }
            let order = match (&self.front, self.pending.front()) {
                (None, None) => return Ok(None),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(row), Some(change)) => row.0.cmp(&change.0),
            };
            if order.is_lt() {
                return Ok(self.front.take());
            }
            if order.is_eq() {
                self.front = None;
            }
            if let Some((key, Some(value))) = self.pending.pop_front() {
                return Ok(Some((key, value)));
            }
        }
    }

    /// Takes the next raw row from the back.
    fn take_back(&mut self) -> Result<Option<Raw>, sled::Error> {
        loop {
            if self.back.is_none() {
                self.back = match self.rows.next_back() {
                    Some(row) => Some(Self::raw(row)?),
                    None => self.front.take(),
                };
            }
            let order = match (&self.back, self.pending.back()) {
                (None, None) => return Ok(None),
                (Some(_), None) => std::cmp::Ordering::Greater,
                (None, Some(_)) => std::cmp::Ordering::Less,
                (Some(row), Some(change)) => row.0.cmp(&change.0),
            };
            if order.is_gt() {
                return Ok(self.back.take());
            }
            if order.is_eq() {
                self.back = None;
            }
            if let Some((key, Some(value))) = self.pending.pop_back() {
                return Ok(Some((key, value)));
            }
        }
    }
}

impl<K: Key, V: Serialize + DeserializeOwned> Scan<'_, K, V> {
    fn typed(&self, raw: Result<Option<Raw>, sled::Error>) -> Option<Result<(K, V), Error>> {
        let row = match raw {
            Ok(None) => return None,
            Ok(Some((key, value))) => self.table.row(&key, &value),
            Err(error) => Err(error.to_string()),
        };
        Some(row.map_err(|reason| self.view.damaged(reason)))
    }
}

impl<K: Key, V: Serialize + DeserializeOwned> Iterator for Scan<'_, K, V> {
    type Item = Result<(K, V), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let raw = self.take_front();
        self.typed(raw)
    }
}

impl<K: Key, V: Serialize + DeserializeOwned> DoubleEndedIterator for Scan<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let raw = self.take_back();
        self.typed(raw)
    }
}
