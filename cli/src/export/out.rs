//! The file that an export is written to: there as a whole, or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::output;

/// Bytes that are written at a time.
const PIECE: usize = 1 << 20;

/// Where an export goes.
pub(super) enum Out {
    /// Standard output.
    Pipe(Box<dyn Write + Send>),
    /// A file, under another name until it is whole.
    File {
        file: BufWriter<File>,
        part: Part,
        path: PathBuf,
    },
}

/// A file that goes away unless it was finished.
pub(super) struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // It is gone when it was finished.
        std::fs::remove_file(&self.0).ok();
    }
}

impl Out {
    /// Begins a file; `-` is standard output.
    pub(super) fn create(path: &Path, force: bool) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            let out = BufWriter::with_capacity(PIECE, output::stdout());
            return Ok(Self::Pipe(Box::new(out)));
        }
        free(path, force)?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = path.with_file_name(name);
        let opened = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&part);
        let file = opened.with_context(|| format!("can't write {}", part.display()))?;
        Ok(Self::File {
            file: BufWriter::with_capacity(PIECE, file),
            part: Part(part),
            path: path.to_owned(),
        })
    }

    /// Whether what is printed besides would mix with it.
    pub(super) fn is_pipe(&self) -> bool {
        matches!(self, Self::Pipe(_))
    }

    /// Makes the file durable under its name.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::Pipe(mut out) => Ok(out.flush()?),
            Self::File {
                mut file,
                part,
                path,
            } => {
                let mut end = || {
                    file.flush()?;
                    file.get_ref().sync_all()?;
                    std::fs::rename(&part.0, &path)
                };
                end().with_context(|| format!("can't write {}", path.display()))
            }
        }
    }
}

/// Refuses to write where something is, unless it may be replaced.
pub(super) fn free(path: &Path, force: bool) -> anyhow::Result<()> {
    if !force && path.exists() {
        bail!(
            "{} exists: name another one with --out, or replace it with --force",
            path.display()
        );
    }
    Ok(())
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Pipe(out) => out.write(bytes),
            Self::File { file, .. } => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Pipe(out) => out.flush(),
            Self::File { file, .. } => file.flush(),
        }
    }
}
