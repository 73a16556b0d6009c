//! Tests of the journal as a whole.

mod crash;
mod damage;
mod fixture;
mod kill;
mod random;
mod reading;
mod redaction;
mod repair;
mod restoring;
mod writing;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{Clock, Entry, Error, Journal, Opened, Options, Position, Record, VerifyReport};

/// A clock that goes one second further each time.
fn clock() -> Clock {
    let now = AtomicI64::new(1_700_000_000_000_000);
    Arc::new(move || now.fetch_add(1_000_000, Ordering::Relaxed))
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
}

/// A folder in memory where the system has such, since thousands of syncs would take minutes.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    }
    .unwrap()
}

fn small() -> Options {
    Options {
        segment_bytes: 4096,
        ..Options::default()
    }
}

fn open(dir: &Path) -> Opened {
    try_open(dir).unwrap()
}

/// Opens a journal that no other journal has open.
///
/// While another test starts a process, the new process has a copy of every handle for a moment, and
/// with them the locks.
fn try_open(dir: &Path) -> Result<Opened, Error> {
    let mut attempts = 0;
    loop {
        match Journal::open(dir, small(), clock()) {
            Err(Error::Locked { .. }) if attempts < 100 => {
                attempts += 1;
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            result => return result,
        }
    }
}

fn entry(payload: impl AsRef<[u8]>) -> Entry {
    Entry {
        kind: 7,
        payload: Bytes::copy_from_slice(payload.as_ref()),
    }
}

fn entries<const N: usize>(payloads: [&str; N]) -> Vec<Entry> {
    payloads.into_iter().map(entry).collect()
}

/// The payload of record `seq` in a filled journal: of a length that differs from its neighbours'.
fn payload(seq: u64) -> Vec<u8> {
    let length = usize::try_from(20 + (seq * 37) % 400).unwrap();
    format!("{{\"comment\":{seq}}} ")
        .into_bytes()
        .into_iter()
        .cycle()
        .take(length)
        .collect()
}

/// Appends `payload(n)` for every sequence in turn, in batches of one to seven.
fn fill(journal: &Journal, count: u64) -> Vec<Position> {
    let mut positions = Vec::new();
    let start = journal.next();
    let mut next = start;
    runtime().block_on(async {
        while next < start + count {
            let size = (1 + next % 7).min(start + count - next);
            let batch = (next..next + size).map(|seq| entry(payload(seq))).collect();
            positions.extend(journal.append(batch).await.unwrap());
            next += size;
        }
    });
    positions
}

fn collect(journal: &Journal) -> Result<Vec<Record>, Error> {
    journal.iter(0).collect()
}

fn verify(dir: &Path) -> Result<VerifyReport, Error> {
    crate::verify(dir, &mut |_| {})
}

fn last_segment(dir: &Path) -> std::path::PathBuf {
    crate::files::list_segments(dir).unwrap().pop().unwrap().1
}

/// Whether any file of the folder has these bytes.
fn found_on_disk(dir: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(dir).unwrap().any(|file| {
        let content = std::fs::read(file.unwrap().path()).unwrap();
        content.windows(needle.len()).any(|window| window == needle)
    })
}
