//! Taking a map of rows to sled so that a crash leaves all or nothing of it.
//!
//! sled's own batches apply in the random order of a hash map and keep all readers out meanwhile.
//! Instead, the map is first written as a few large values (the *redo* chunks) and a head that
//! counts them, then its rows in order, then the position. sled recovers a prefix of what it was
//! told, so after a crash a head that is ahead of the position says that rows may be missing, its
//! chunks are all there, and opening writes their rows again.

use fail::fail_point;
use serde::{Deserialize, Serialize};
use sled::IVec;

use crate::overlay::Rows;

/// The position that the rows in sled add up to.
pub(crate) const APPLIED: &[u8] = b"\0applied";
/// The format of the tables.
pub(crate) const FORMAT: &[u8] = b"\0format";
/// Which chunks hold the rows that are being written: a position and a count.
const HEAD: &[u8] = b"\0redo";
/// A chunk, before its number in big endian.
const CHUNK: &[u8] = b"\0redo/";
/// sled keeps larger values than a fraction of its segment outside of its log.
const CHUNK_BYTES: usize = 512 * 1024;

/// A row as it is in a chunk.
type Row<'a> = (&'a [u8], Option<&'a [u8]>);

#[derive(Serialize, Deserialize)]
struct Head {
    applied: u64,
    n_chunks: u32,
}

#[derive(Serialize, Deserialize)]
struct Chunk<R> {
    applied: u64,
    rows: R,
}

/// Writes rows and position so that a crash leaves all or nothing of them.
pub(crate) fn write_rows(db: &sled::Db, rows: &Rows, applied: u64) -> sled::Result<()> {
    write_redo(db, rows, applied)?;
    fail_point!("view_half_written");
    for (key, value) in rows {
        put(db, key, value.as_ref())?;
    }
    db.insert(APPLIED, &applied.to_be_bytes())?;
    Ok(())
}

/// Writes what completes an interrupted [`write_rows`].
pub(crate) fn write_redo(db: &sled::Db, rows: &Rows, applied: u64) -> sled::Result<()> {
    let mut n_chunks = 0;
    let mut chunk: Vec<Row<'_>> = Vec::new();
    let mut bytes = 0;
    for (key, value) in rows {
        bytes += key.len() + value.as_ref().map_or(0, |value| value.len());
        chunk.push((key, value.as_deref()));
        if bytes >= CHUNK_BYTES {
            write_chunk(db, n_chunks, applied, &mut chunk)?;
            n_chunks += 1;
            bytes = 0;
        }
    }
    if !chunk.is_empty() {
        write_chunk(db, n_chunks, applied, &mut chunk)?;
        n_chunks += 1;
    }
    db.insert(HEAD, encode(&Head { applied, n_chunks })?)?;
    Ok(())
}

fn write_chunk(
    db: &sled::Db,
    number: u32,
    applied: u64,
    rows: &mut Vec<Row<'_>>,
) -> sled::Result<()> {
    let encoded = encode(&Chunk {
        applied,
        rows: &*rows,
    })?;
    db.insert(chunk_key(number), encoded)?;
    rows.clear();
    Ok(())
}

/// Completes what a crash interrupted, and returns the position.
pub(crate) fn redo(db: &sled::Db) -> sled::Result<u64> {
    let applied = match db.get(APPLIED)? {
        Some(bytes) => <[u8; 8]>::try_from(bytes.as_ref()).map(u64::from_be_bytes),
        None => Ok(0),
    };
    let applied = applied.map_err(|_| invalid("its position can't be read"))?;
    let Some(head) = db.get(HEAD)? else {
        return Ok(applied);
    };
    let head: Head =
        postcard::from_bytes(&head).map_err(|_| invalid("its redo head can't be read"))?;
    if head.applied <= applied {
        return Ok(applied);
    }
    for number in 0..head.n_chunks {
        let encoded = db
            .get(chunk_key(number))?
            .ok_or_else(|| invalid("a redo chunk is missing"))?;
        let chunk: Chunk<Vec<Row<'_>>> =
            postcard::from_bytes(&encoded).map_err(|_| invalid("a redo chunk can't be read"))?;
        if chunk.applied != head.applied {
            return Err(invalid("a redo chunk belongs to another write"));
        }
        for (key, value) in chunk.rows {
            put(db, key, value)?;
        }
    }
    db.insert(APPLIED, &head.applied.to_be_bytes())?;
    Ok(head.applied)
}

fn put<V: Into<IVec>>(db: &sled::Db, key: &[u8], value: Option<V>) -> sled::Result<()> {
    match value {
        Some(value) => db.insert(key, value)?,
        None => db.remove(key)?,
    };
    Ok(())
}

fn chunk_key(number: u32) -> Vec<u8> {
    [CHUNK, &number.to_be_bytes()].concat()
}

fn encode(value: &impl Serialize) -> sled::Result<Vec<u8>> {
    postcard::to_stdvec(value).map_err(|error| invalid(&error.to_string()))
}

pub(crate) fn invalid(reason: &str) -> sled::Error {
    sled::Error::Unsupported(reason.to_owned())
}
