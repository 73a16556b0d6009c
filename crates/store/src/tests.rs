//! Tests of views as a whole.

mod aside;
mod crash;
mod keys;
mod rows;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{Error, Opened, Options, Table, View};

const NUMBERS: Table<u64, String> = Table::new(1, "numbers");
const PAIRS: Table<(String, u32), u8> = Table::new(2, "pairs");
const LAST: Table<u64, u64> = Table::new(255, "last");

fn options() -> Options {
    Options {
        format: 3,
        next_seq: 1_000_000,
        cache_bytes: 8 << 20,
        // Short, so that tests which kill find something on the disk.
        write_behind: Duration::from_millis(50),
        ..Options::default()
    }
}

fn folder() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("view");
    (dir, path)
}

/// Opens a view that no other view has open.
///
/// While another test starts a process, the new process has a copy of every handle for a moment, and
/// with them the locks.
fn open(dir: &Path) -> View {
    for _ in 0..100 {
        match View::open(dir, options()) {
            Err(Error::Locked { .. }) => std::thread::sleep(Duration::from_millis(10)),
            result => return result.unwrap(),
        }
    }
    panic!("still locked");
}

fn put(view: &View, numbers: impl IntoIterator<Item = u64>, applied: u64) {
    let mut batch = view.batch();
    for number in numbers {
        batch.put(&NUMBERS, &number, &format!("row {number}"));
    }
    view.commit(batch, applied).unwrap();
}

fn numbers(view: &View) -> Vec<u64> {
    view.scan(&NUMBERS, ()).map(|row| row.unwrap().0).collect()
}

/// Waits until everything that was committed has left the maps in memory.
fn settle(view: &View) {
    let start = Instant::now();
    loop {
        let layers = view.store().unwrap().read();
        if layers.active.is_empty() && layers.frozen.is_none() {
            return;
        }
        drop(layers);
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "rows stay in memory"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
