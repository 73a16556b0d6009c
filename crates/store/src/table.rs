//! A table: the type of its keys and values, and the byte that tells it apart.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{AsKey, Error, Key, Prefix};

/// A table with keys `K` and values `V`; a constant of the service that uses it.
///
/// ```
/// use stoa_store::Table;
///
/// /// When a thread had its last comment, by site and thread.
/// static LAST_COMMENT: Table<(String, String), i64> = Table::new(1, "last_comment");
/// ```
pub struct Table<K, V> {
    id: u8,
    name: &'static str,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Table<K, V> {
    /// Names a table. The id is the first byte of its keys: never give it to another table without
    /// raising the view's format number. 0 belongs to the view itself.
    ///
    /// # Panics
    /// If the id is 0, which for a constant is an error of the compiler.
    pub const fn new(id: u8, name: &'static str) -> Table<K, V> {
        assert!(id != 0, "table id 0 belongs to the view itself");
        Table {
            id,
            name,
            types: PhantomData,
        }
    }

    /// Returns the table's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<K, V> std::fmt::Debug for Table<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish()
    }
}

impl<K: Key, V: Serialize + DeserializeOwned> Table<K, V> {
    pub(crate) fn key(&self, key: &(impl AsKey<K> + ?Sized)) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        out.push(self.id);
        key.encode(&mut out);
        out
    }

    pub(crate) fn prefix(&self, prefix: &impl Prefix<K>) -> Vec<u8> {
        let mut out = vec![self.id];
        prefix.encode_prefix(&mut out);
        out
    }

    pub(crate) fn value(&self, value: &V) -> Result<Vec<u8>, Error> {
        postcard::to_stdvec(value).map_err(|error| Error::Value {
            table: self.name,
            reason: error.to_string(),
        })
    }

    /// Reads a row back; the reason if it is not one.
    pub(crate) fn row(&self, key: &[u8], value: &[u8]) -> Result<(K, V), String> {
        let mut input = key.get(1..).unwrap_or_default();
        let decoded = K::decode(&mut input).filter(|_| input.is_empty());
        let key = decoded.ok_or_else(|| format!("a key of table {} is not valid", self.name))?;
        Ok((key, self.read(value)?))
    }

    /// Reads a value back; the reason if it is not one.
    pub(crate) fn read(&self, value: &[u8]) -> Result<V, String> {
        postcard::from_bytes(value)
            .map_err(|error| format!("a value of table {} is not valid: {error}", self.name))
    }
}
