//! Reading rows in order, from both maps in memory and from sled.

use std::collections::VecDeque;
use std::ops::Bound;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sled::IVec;

use crate::overlay::{Change, Store};
use crate::{Error, Key, Table, View};

/// How many rows are read at first, and at most, in one go.
const FIRST_PIECE: usize = 16;
const PIECE: usize = 512;

type Row = (IVec, IVec);
type RawBound = Bound<Vec<u8>>;

/// Rows in order; an iterator from both ends.
///
/// Rows are read in pieces, so a scan that is given up early costs little, and a long one does not
/// keep writers waiting. After an error it ends.
pub struct Scan<'a, K, V> {
    view: &'a View,
    table: &'a Table<K, V>,
    start: RawBound,
    end: RawBound,
    front: VecDeque<Row>,
    back: VecDeque<Row>,
    piece: usize,
    /// Whether there is nothing left between what was read from either end.
    is_read: bool,
}

impl<'a, K, V> Scan<'a, K, V> {
    pub(crate) fn new(
        view: &'a View,
        table: &'a Table<K, V>,
        start: RawBound,
        end: RawBound,
    ) -> Scan<'a, K, V> {
        let is_read = is_empty(&start, &end);
        let (front, back) = (VecDeque::new(), VecDeque::new());
        Scan {
            view,
            table,
            start,
            end,
            front,
            back,
            piece: FIRST_PIECE,
            is_read,
        }
    }

    fn fill(&mut self, forwards: bool) -> Result<(), Error> {
        let rows = piece(
            self.view.store()?,
            (&self.start, &self.end),
            self.piece,
            forwards,
        )?;
        self.is_read = rows.len() < self.piece;
        self.piece = (self.piece * 4).min(PIECE);
        if let Some((key, _)) = rows.last() {
            let seen = Bound::Excluded(key.to_vec());
            *(if forwards {
                &mut self.start
            } else {
                &mut self.end
            }) = seen;
            self.is_read |= is_empty(&self.start, &self.end);
        }
        if forwards {
            self.front.extend(rows);
        } else {
            self.back.extend(rows.into_iter().rev());
        }
        Ok(())
    }

    fn fail(&mut self, error: Error) -> Error {
        self.front.clear();
        self.back.clear();
        self.is_read = true;
        error
    }
}

impl<K: Key, V: Serialize + DeserializeOwned> Scan<'_, K, V> {
    fn take(&mut self, forwards: bool) -> Option<Result<(K, V), Error>> {
        let is_dry = if forwards {
            self.front.is_empty()
        } else {
            self.back.is_empty()
        };
        if is_dry
            && !self.is_read
            && let Err(error) = self.fill(forwards)
        {
            return Some(Err(self.fail(error)));
        }
        let (key, value) = if forwards {
            self.front.pop_front().or_else(|| self.back.pop_front())?
        } else {
            self.back.pop_back().or_else(|| self.front.pop_back())?
        };
        let row = self
            .table
            .row(&key, &value)
            .map_err(|reason| match self.view.store() {
                Ok(store) => store.damaged(reason),
                Err(error) => error,
            });
        Some(row.map_err(|error| self.fail(error)))
    }
}

impl<K: Key, V: Serialize + DeserializeOwned> Iterator for Scan<'_, K, V> {
    type Item = Result<(K, V), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.take(true)
    }
}

impl<K: Key, V: Serialize + DeserializeOwned> DoubleEndedIterator for Scan<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.take(false)
    }
}

/// The end of the keys that start with a prefix.
pub(crate) fn after_prefix(prefix: &[u8]) -> RawBound {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(more) = last.checked_add(1) {
            end.push(more);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

/// Whether no key can be between the bounds; maps panic on bounds that are the wrong way round.
fn is_empty(start: &RawBound, end: &RawBound) -> bool {
    match (start, end) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(start), Bound::Included(end)) => start > end,
        (Bound::Included(start) | Bound::Excluded(start), Bound::Excluded(end))
        | (Bound::Excluded(start), Bound::Included(end)) => start >= end,
    }
}

/// Reads up to `limit` rows, of all layers as they are at one moment.
fn piece(
    store: &Store,
    (start, end): (&RawBound, &RawBound),
    limit: usize,
    forwards: bool,
) -> Result<Vec<Row>, Error> {
    let layers = store.read();
    let bounds = (
        start.as_ref().map(Vec::as_slice),
        end.as_ref().map(Vec::as_slice),
    );
    let active = layers.active.range::<[u8], _>(bounds);
    let frozen = layers
        .frozen
        .iter()
        .flat_map(|rows| rows.range::<[u8], _>(bounds));
    let stored = store.db.range::<&[u8], _>(bounds);
    let rows = if forwards {
        merge(active, frozen, stored, limit, |one, other| one < other)
    } else {
        merge(
            active.rev(),
            frozen.rev(),
            stored.rev(),
            limit,
            |one, other| one > other,
        )
    };
    drop(layers);
    rows.map_err(|error| store.failed(&error))
}

/// Merges three ordered layers; where a key is in more than one, the first says what it is.
fn merge<'a>(
    active: impl Iterator<Item = (&'a IVec, &'a Change)>,
    frozen: impl Iterator<Item = (&'a IVec, &'a Change)>,
    mut stored: impl Iterator<Item = sled::Result<Row>>,
    limit: usize,
    is_before: fn(&IVec, &IVec) -> bool,
) -> sled::Result<Vec<Row>> {
    let mut active = active.peekable();
    let mut frozen = frozen.peekable();
    let mut next_stored = stored.next().transpose()?;
    let mut out = Vec::with_capacity(limit.min(FIRST_PIECE));
    while out.len() < limit {
        let first = [
            active.peek().map(|(key, _)| *key),
            frozen.peek().map(|(key, _)| *key),
            next_stored.as_ref().map(|(key, _)| key),
        ];
        let first = first.into_iter().flatten();
        let Some(key) = first.reduce(|one, other| if is_before(other, one) { other } else { one })
        else {
            break;
        };
        let key = key.clone();
        let from_active = active.next_if(|(other, _)| **other == key);
        let from_frozen = frozen.next_if(|(other, _)| **other == key);
        let from_stored = if next_stored.as_ref().is_some_and(|(other, _)| *other == key) {
            std::mem::replace(&mut next_stored, stored.next().transpose()?)
        } else {
            None
        };
        let value = match from_active.or(from_frozen) {
            Some((_, value)) => value.clone(),
            None => from_stored.map(|(_, value)| value),
        };
        if let Some(value) = value {
            out.push((key, value));
        }
    }
    Ok(out)
}
