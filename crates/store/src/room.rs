//! Room on the disk for what sled is about to write.
//!
//! Once sled has met a full disk, it gives up for good, reads included, and it writes when it likes. So
//! its file gets the blocks before the rows are handed over, and where there are none, the rows wait
//! in memory. The blocks are behind the file's end, where sled, which goes by its length, does not
//! see them until it writes there.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use crate::state::DB;

/// With so much free nobody is in a hurry, and nothing is set aside.
const PLENTY_BYTES: u64 = 1024 * 1024 * 1024;
/// What sled takes beside the rows: the rest of its segments.
const SEGMENT_BYTES: u64 = 2 * 1024 * 1024;
/// How many times its size a row takes on the way: in a chunk, in its place, and in sled's log.
const FACTOR: u64 = 3;
/// The unit in which the system counts the blocks of a file.
const BLOCK_BYTES: u64 = 512;

/// The room that sled's file has.
#[derive(Debug)]
pub(crate) struct Room {
    dir: PathBuf,
    /// Whether rows wait.
    waits: bool,
}

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    /// Enough for long.
    Plenty,
    /// Enough for these rows, which are to be written out at once.
    Enough,
    /// Not enough.
    None,
}

impl Room {
    pub(crate) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            waits: false,
        }
    }

    /// Makes room for so many bytes of rows.
    pub(crate) fn make(&mut self, bytes: usize) -> Space {
        let space = self.find(u64::try_from(bytes).unwrap_or(u64::MAX));
        let waits = space == Space::None;
        if waits != self.waits {
            self.waits = waits;
            let dir = self.dir.display();
            if waits {
                tracing::warn!(
                    view.dir = %dir,
                    "the disk is full: a view's rows wait in memory until there is room"
                );
            } else {
                tracing::info!(view.dir = %dir, "there is room for a view's rows again");
            }
        }
        space
    }

    fn find(&self, bytes: u64) -> Space {
        let Ok(stat) = statvfs(&self.dir) else {
            return Space::Plenty;
        };
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        if free >= PLENTY_BYTES {
            return Space::Plenty;
        }
        let wanted = SEGMENT_BYTES.saturating_add(bytes.saturating_mul(FACTOR));
        match allocate(&self.dir.join(DB).join("db"), wanted, free) {
            Ok(()) => Space::Enough,
            Err(error) if error.kind() == io::ErrorKind::StorageFull => Space::None,
            // The file system has no such call.
            Err(_) if free >= wanted => Space::Enough,
            Err(_) => Space::None,
        }
    }
}

/// Gives a file blocks for so many bytes behind its end, out of so many that are free.
fn allocate(path: &Path, wanted: u64, free: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    let metadata = file.metadata()?;
    // Less than there is while the file has holes.
    let held = (metadata.blocks() * BLOCK_BYTES).saturating_sub(metadata.len());
    if held >= wanted {
        return Ok(());
    }
    // Half of it would be of no use and be taken from others.
    if free < wanted - held {
        return Err(io::ErrorKind::StorageFull.into());
    }
    // From the start: sled leaves holes, and comes back to them.
    let until = metadata.len() + wanted;
    Ok(fallocate(&file, FallocateFlags::KEEP_SIZE, 0, until)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gets_blocks_behind_its_end_and_keeps_its_length() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        std::fs::write(&path, [1; 5_000]).unwrap();
        let full = |wanted, free| {
            let error = allocate(&path, wanted, free).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{error}");
        };
        full(SEGMENT_BYTES, 0);
        allocate(&path, SEGMENT_BYTES, u64::MAX).unwrap();
        allocate(&path, SEGMENT_BYTES, 0).unwrap();
        full(2 * SEGMENT_BYTES, 0);
        assert_eq!(std::fs::read(&path).unwrap(), [1; 5_000]);

        // Cutting the file gives them back.
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(4_096).unwrap();
        full(SEGMENT_BYTES, 0);
    }
}
