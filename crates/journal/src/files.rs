//! The little of the file system that the journal uses; tests put a failing disk in its place.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Opens files for the writer.
pub(crate) trait Disk: Send + Sync {
    /// Opens an existing file to write from `at` on.
    fn open(&self, path: &Path, at: u64) -> io::Result<Box<dyn Sink>>;
}

/// A file that is being appended to.
pub(crate) trait Sink: Send {
    /// Writes all of it.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns when everything written is on the disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Takes back what was written from `at` on.
    fn cut(&mut self, at: u64) -> io::Result<()>;
}

/// The operating system's files.
pub(crate) struct RealDisk;

impl Disk for RealDisk {
    fn open(&self, path: &Path, at: u64) -> io::Result<Box<dyn Sink>> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.seek(SeekFrom::Start(at))?;
        Ok(Box::new(file))
    }
}

impl Sink for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        io::Write::write_all(self, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, at: u64) -> io::Result<()> {
        self.set_len(at)?;
        self.seek(SeekFrom::Start(at)).map(|_| ())
    }
}

/// Makes created, renamed and removed names of a folder durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Creates a file with its content and makes both durable.
pub(crate) fn create_synced(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content)?;
    file.sync_all()?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The bytes that are free for this user where a folder is; `None` where the system does not say.
pub(crate) fn free_bytes(dir: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(dir).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Whether an operation failed because there was no room for what it would have written.
pub(crate) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

/// The name of the segment that starts at `first`.
pub(crate) fn segment_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.seg"))
}

/// Lists the segments of a folder by their first sequence, in order.
pub(crate) fn list_segments(dir: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let Some(stem) = name.strip_suffix(".seg") else {
            continue;
        };
        if stem.len() == 20
            && let Ok(first) = stem.parse()
        {
            found.push((first, path));
        }
    }
    found.sort_unstable();
    Ok(found)
}
