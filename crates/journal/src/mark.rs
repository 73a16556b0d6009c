//! The mark: a small file that remembers how far the journal is known to be durable.
//!
//! A record that is missing below the mark was lost, and is not an unfinished write. The mark is
//! brought up to date when the journal is opened, idle, trimmed or closed and when a segment is
//! full; between these moments it is behind, and only makes the judgement less sharp.
//! Two slots are written in turn, so that one of them is always whole.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::format::take;
use crate::scan::read_full;

pub(crate) const FILE: &str = "mark";
const MAGIC: [u8; 8] = *b"\x89STOAM\r\n";
const SLOT: u64 = 64;
const SLOT_LEN: usize = 64;

/// The first kept sequence and the next durable one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) first: u64,
    pub(crate) next: u64,
}

impl Mark {
    /// What is known when the file is missing: no record is, and any segment may be the first.
    pub(crate) const UNKNOWN: Mark = Mark {
        first: u64::MAX,
        next: 0,
    };
}

/// The open mark file.
pub(crate) struct MarkFile {
    file: File,
    generation: u64,
    mark: Mark,
}

impl MarkFile {
    /// Opens or creates the file and reads its newest whole slot.
    pub(crate) fn open(dir: &Path) -> io::Result<MarkFile> {
        let path = dir.join(FILE);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let (generation, mark) = newest(&file)?.unwrap_or((0, Mark::UNKNOWN));
        Ok(MarkFile {
            file,
            generation,
            mark,
        })
    }

    pub(crate) fn mark(&self) -> Mark {
        self.mark
    }

    /// Writes a mark, durably, unless it is the one that is there.
    pub(crate) fn set(&mut self, mark: Mark) -> io::Result<()> {
        if mark == self.mark && self.generation > 0 {
            return Ok(());
        }
        let generation = self.generation + 1;
        let mut slot = Vec::with_capacity(SLOT_LEN);
        slot.extend_from_slice(&MAGIC);
        for number in [generation, mark.first, mark.next] {
            slot.extend_from_slice(&number.to_le_bytes());
        }
        slot.resize(SLOT_LEN - 4, 0);
        slot.extend_from_slice(&crc32c::crc32c(&slot).to_le_bytes());
        self.file.write_all_at(&slot, (generation % 2) * SLOT)?;
        self.file.sync_data()?;
        self.generation = generation;
        self.mark = mark;
        Ok(())
    }
}

/// Reads the mark of a folder that another process may have open.
pub(crate) fn read(dir: &Path) -> io::Result<Mark> {
    match File::open(dir.join(FILE)) {
        Ok(file) => Ok(newest(&file)?.map_or(Mark::UNKNOWN, |(_, mark)| mark)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Mark::UNKNOWN),
        Err(error) => Err(error),
    }
}

fn newest(file: &File) -> io::Result<Option<(u64, Mark)>> {
    let mut slots = [0; 2 * SLOT_LEN];
    let read = read_full(file, &mut slots, 0)?;
    let slots = slots.get(..read).unwrap_or_default();
    Ok(slots
        .chunks_exact(SLOT_LEN)
        .filter_map(decode)
        .max_by_key(|(generation, _)| *generation))
}

fn decode(slot: &[u8]) -> Option<(u64, Mark)> {
    let (covered, crc) = slot.split_last_chunk::<4>()?;
    let mut input = covered;
    if crc32c::crc32c(covered) != u32::from_le_bytes(*crc) || take(&mut input)? != MAGIC {
        return None;
    }
    let generation = u64::from_le_bytes(take(&mut input)?);
    let first = u64::from_le_bytes(take(&mut input)?);
    let next = u64::from_le_bytes(take(&mut input)?);
    Some((generation, Mark { first, next }))
}
