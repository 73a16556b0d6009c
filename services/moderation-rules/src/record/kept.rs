//! What overwritten records changed, in a record of its own.
//!
//! ```text
//! any number of: sequence u64 · length u32 · the change · what a statement says (both postcard)
//! ```
//!
//! Numbers are little-endian. The changes are as those records had them, so that a view that is
//! built again applies each at its old place. Behind it is what a statement of reasons says
//! ([`Told`]), if the record has a decision or a comment; earlier versions wrote none of it.

use std::collections::HashMap;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use stoa_journal::{Entry, Journal, Record};

use super::stored::{Unreadable, take_part};
use super::{Change, Stored, Told};

/// The record keeps what other records changed that are overwritten.
pub(crate) const ERASURE: u8 = 7;

/// Changes of records that were overwritten, by their sequences.
#[derive(Debug, Default)]
pub(crate) struct Kept(HashMap<u64, Bytes>);

impl Kept {
    /// Makes the record that keeps what these change.
    pub(crate) fn entry(records: &[Record]) -> Result<Entry, Unreadable> {
        let mut payload = BytesMut::new();
        for record in records {
            let mut parts = record.payload.clone();
            let change = take_part(&mut parts).ok_or(Unreadable::new(record))?;
            let stored = Stored::read(record)?;
            let told = stored.as_ref().and_then(Told::of);
            let told = told.map(|told| postcard::to_stdvec(&told)).transpose();
            let told = told.map_err(|_| Unreadable::new(record))?;
            let told = told.unwrap_or_default();
            let length = change.len() + told.len();
            payload.put_u64_le(record.seq);
            payload.put_u32_le(u32::try_from(length).unwrap_or(u32::MAX));
            payload.put_slice(&change);
            payload.put_slice(&told);
        }
        Ok(Entry {
            kind: ERASURE,
            payload: payload.freeze(),
        })
    }

    /// Reads all that is kept from a record on: an overwritten one is before the record that keeps
    /// what it changed.
    pub(crate) fn read(journal: &Journal, from: u64) -> anyhow::Result<Self> {
        let mut kept = Self::default();
        for record in journal.iter(from) {
            let record = record?;
            if record.kind == ERASURE && !record.redacted {
                kept.add(&record)?;
            }
        }
        Ok(kept)
    }

    /// Reads what one record keeps.
    pub(crate) fn of(record: &Record) -> Result<Self, Unreadable> {
        let mut kept = Self::default();
        kept.add(record)?;
        Ok(kept)
    }

    fn add(&mut self, record: &Record) -> Result<(), Unreadable> {
        let mut rest = record.payload.clone();
        while !rest.is_empty() {
            let seq = rest.try_get_u64_le().map_err(|_| Unreadable::new(record))?;
            let change = take_part(&mut rest).ok_or(Unreadable::new(record))?;
            self.0.insert(seq, change);
        }
        Ok(())
    }

    /// Returns the sequences of the records of which something is kept.
    pub(crate) fn seqs(&self) -> impl Iterator<Item = u64> {
        self.0.keys().copied()
    }

    /// Returns what is kept of a record: without events, and what its statement says.
    pub(crate) fn stored(&self, seq: u64) -> Option<(Stored, Option<Told>)> {
        let (change, told) = postcard::take_from_bytes(self.0.get(&seq)?).ok()?;
        Some((Stored::of(change), postcard::from_bytes(told).ok()))
    }

    /// Returns what an overwritten record changed, if that is kept.
    pub(crate) fn change(&self, record: &Record) -> Result<Option<Change>, Unreadable> {
        let change = self.0.get(&record.seq);
        let read = change.map(|change| postcard::from_bytes(change));
        read.transpose().map_err(|_| Unreadable::new(record))
    }
}
