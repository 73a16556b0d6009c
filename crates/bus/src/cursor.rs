//! A position in a small file that survives a crash.
//!
//! Two slots are written in turn, each with a checksum and a generation, so that a torn write
//! spoils at most the newer one: the position can fall back by one save, never run ahead.
//!
//! ```text
//! slot (32 bytes): magic "STOACUR1" | generation u64 | position u64 | CRC32C u32 | zero u32
//! ```

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use fail::fail_point;

use crate::Error;

const MAGIC: &[u8; 8] = b"STOACUR1";
const SLOT: usize = 32;
/// Slots in blocks of their own: one torn block can't spoil both.
const SLOT_OFFSET: u64 = 4096;

/// Where the slots are: a file, or what the simulation has in place of one.
pub(crate) trait Slots: std::fmt::Debug + Send {
    /// Reads all of a slot; without one the error is [`io::ErrorKind::UnexpectedEof`].
    fn read(&self, slot: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes a slot, durably.
    fn write(&self, slot: &[u8], offset: u64) -> io::Result<()>;
}

impl Slots for File {
    fn read(&self, slot: &mut [u8], offset: u64) -> io::Result<()> {
        self.read_exact_at(slot, offset)
    }

    fn write(&self, slot: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(slot, offset)?;
        fail_point!("cursor_before_sync");
        self.sync_data()
    }
}

/// A durable position.
#[derive(Debug)]
pub struct CursorFile {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: Box<dyn Slots>,
    generation: u64,
    position: u64,
}

impl CursorFile {
    /// Opens the file, or makes it with position 0.
    ///
    /// A file that has no whole slot counts from 0, and says so in the log: to publish or handle
    /// again is allowed, to leave out is not.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let failed = |action| {
            move |source| Error::File {
                action,
                path: path.to_owned(),
                source,
            }
        };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed("make the folder of"))?;
        }
        let created = !path.exists();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed("open"))?;
        if created {
            file.sync_all().map_err(failed("write"))?;
            if let Some(parent) = path.parent().and_then(|parent| File::open(parent).ok()) {
                parent.sync_all().map_err(failed("write the folder of"))?;
            }
        }
        let length = file.metadata().map_err(failed("read"))?.len();
        Self::over(path, Box::new(file), length)
    }

    /// Finds the newest position in a file of so many bytes.
    pub(crate) fn over(path: &Path, file: Box<dyn Slots>, length: u64) -> Result<Self, Error> {
        let newest = [0, SLOT_OFFSET]
            .into_iter()
            .filter_map(|offset| read_slot(&*file, offset).transpose())
            .collect::<io::Result<Vec<_>>>()
            .map_err(|source| Error::File {
                action: "read",
                path: path.to_owned(),
                source,
            })?
            .into_iter()
            .max();
        if newest.is_none() && length > 0 {
            tracing::warn!(
                path = %path.display(),
                "the position can't be read, so everything that is kept is handled again; readers drop repeats"
            );
        }
        let (generation, position) = newest.unwrap_or_default();
        Ok(Self {
            path: path.to_owned(),
            state: Mutex::new(State {
                file,
                generation,
                position,
            }),
        })
    }

    /// Returns the position that was saved last.
    pub fn position(&self) -> u64 {
        self.state().position
    }

    /// Saves a position; it is durable when this returns.
    ///
    /// This blocks on the disk.
    pub fn save(&self, position: u64) -> Result<(), Error> {
        let mut state = self.state();
        if state.position == position && state.generation > 0 {
            return Ok(());
        }
        let generation = state.generation + 1;
        let offset = if generation.is_multiple_of(2) {
            0
        } else {
            SLOT_OFFSET
        };
        state
            .file
            .write(&slot(generation, position), offset)
            .map_err(|source| Error::File {
                action: "write",
                path: self.path.clone(),
                source,
            })?;
        state.generation = generation;
        state.position = position;
        Ok(())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn slot(generation: u64, position: u64) -> [u8; SLOT] {
    let mut slot = [0; SLOT];
    let fields = MAGIC
        .iter()
        .copied()
        .chain(generation.to_le_bytes())
        .chain(position.to_le_bytes());
    for (byte, value) in slot.iter_mut().zip(fields) {
        *byte = value;
    }
    let crc = crc32c::crc32c(slot.first_chunk::<24>().map_or(&[], |head| head.as_slice()));
    for (byte, value) in slot.iter_mut().skip(24).zip(crc.to_le_bytes()) {
        *byte = value;
    }
    slot
}

fn read_slot(file: &dyn Slots, offset: u64) -> io::Result<Option<(u64, u64)>> {
    let mut bytes = [0; SLOT];
    match file.read(&mut bytes, offset) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let word = |skip: usize| {
        bytes
            .iter()
            .skip(skip)
            .take(8)
            .rev()
            .fold(0_u64, |word, byte| word << 8 | u64::from(*byte))
    };
    let (generation, position) = (word(8), word(16));
    Ok((bytes == slot(generation, position)).then_some((generation, position)))
}

#[cfg(test)]
mod tests;
