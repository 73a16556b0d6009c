//! What a view's folder says about itself, beside sled's own files.
//!
//! `state` is a text file. `open BOOT` means that a process has, or had, the view open, on a machine
//! that was started as `BOOT`. `closed` is followed by the sizes and checksums of sled's files.
//! `suspect` is followed by the reason why a running process thinks the view is damaged.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Error;

const STATE: &str = "state";
const LOCK: &str = "lock";
/// sled's folder.
pub(crate) const DB: &str = "db";
/// Larger files have their length checked, and not their content.
const CHECKED_BYTES: u64 = 256 * 1024 * 1024;

/// Keeps other processes out while it lives.
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    pub(crate) fn take(dir: &Path) -> Result<FolderLock, Error> {
        let path = dir.join(LOCK);
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(Error::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(FolderLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::Locked {
                path: dir.to_owned(),
            }),
            Err(TryLockError::Error(error)) => Err(Error::io("lock", &path)(error)),
        }
    }
}

/// Waits until sled has let go of its files, and tells whether it did within the limit.
///
/// Closing sled returns while its own threads may still be writing; they hold the lock on its file
/// until they are done.
pub(crate) fn wait_until_released(dir: &Path, limit: Duration) -> io::Result<bool> {
    let file = match File::open(dir.join(DB).join("db")) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if start.elapsed() < limit => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// Whether there is nothing in the folder but the lock.
pub(crate) fn is_new(dir: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(dir)? {
        if entry?.file_name() != LOCK {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Says why the view that is in the folder can't be trusted, if so.
pub(crate) fn distrust(dir: &Path) -> io::Result<Option<String>> {
    if is_new(dir)? {
        return Ok(None);
    }
    let state = match fs::read_to_string(dir.join(STATE)) {
        Ok(state) => state,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::InvalidData
            ) =>
        {
            return Ok(Some("its state file is missing or unreadable".to_owned()));
        }
        Err(error) => return Err(error),
    };
    let (word, rest) = state.split_once([' ', '\n']).unwrap_or((&state, ""));
    Ok(match word {
        "open" if rest.trim() == boot_id() => None,
        "open" => Some("the machine stopped while it was open".to_owned()),
        "suspect" => Some(rest.trim().to_owned()),
        "closed" if rest == fingerprint(&dir.join(DB))? => None,
        "closed" => Some("its files have changed since it was closed".to_owned()),
        _ => Some("its state file is unreadable".to_owned()),
    })
}

/// Notes that the view is open.
pub(crate) fn mark_open(dir: &Path) -> io::Result<()> {
    write(dir, &format!("open {}\n", boot_id()))
}

/// Notes that the view is damaged, as well as the disk lets it be noted.
pub(crate) fn write_suspect(dir: &Path, reason: &str) {
    if let Err(error) = write(dir, &format!("suspect {reason}\n")) {
        tracing::error!(view.dir = %dir.display(), %error, "can't note that the view is damaged");
    }
}

/// Notes that the view was closed, and what its files are, unless it is suspect.
pub(crate) fn seal(dir: &Path) -> io::Result<()> {
    if fs::read_to_string(dir.join(STATE))?.starts_with("suspect") {
        return Ok(());
    }
    let state = format!("closed\n{}", fingerprint(&dir.join(DB))?);
    write(dir, &state)
}

fn write(dir: &Path, content: &str) -> io::Result<()> {
    let new = dir.join("state.new");
    let mut file = File::create(&new)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    fs::rename(new, dir.join(STATE))
}

/// One line with size and checksum for each file of sled's.
fn fingerprint(db: &Path) -> io::Result<String> {
    let mut lines = Vec::new();
    let mut folders = vec![db.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                folders.push(path);
                continue;
            }
            let length = entry.metadata()?.len();
            let crc = if length <= CHECKED_BYTES {
                checksum(&path)?
            } else {
                0
            };
            let name = entry.file_name();
            lines.push(format!("{} {length} {crc:08x}\n", name.to_string_lossy()));
        }
    }
    lines.sort();
    Ok(lines.concat())
}

fn checksum(path: &Path) -> io::Result<u32> {
    let mut file = File::open(path)?;
    let mut piece = vec![0; 256 * 1024];
    let mut crc = 0;
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(crc);
        }
        crc = crc32c::crc32c_append(crc, piece.get(..read).unwrap_or_default());
    }
}

/// Names the current run of the machine; empty where the system does not say.
///
/// After a power failure, sled's files may hold any mix of old and new. A killed process does no such
/// harm: what it had written is in the system's memory.
fn boot_id() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}
