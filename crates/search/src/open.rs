//! Opening an index, and setting aside what can't be used.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tantivy::{Index, ReloadPolicy, TantivyError};

use crate::error::{Error, is_refusal};
use crate::schema::{self, Fields};
use crate::search::Searcher;
use crate::writer::Writer;

/// Raised when the fields or the words in them change: the index is then built again.
pub const FORMAT: u32 = 1;

/// The least memory that each thread of a writer works with, in bytes.
pub const MIN_MEMORY: u64 = 15_000_000;

/// How an index is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Threads that make documents into parts of the index; at least one.
    pub threads: usize,
    /// Memory of each for documents that are not written yet, in bytes; at least [`MIN_MEMORY`].
    pub memory: u64,
    /// The journal's next sequence: an index that is further is not of this journal.
    pub next: u64,
}

/// How an index was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It was there and is used.
    Ready,
    /// There was none.
    Created,
    /// There was one that can't be used; it has to be built again.
    SetAside {
        /// Why.
        reason: String,
        /// Where the old one is now; only the latest is kept.
        path: PathBuf,
    },
}

/// An index that is open.
#[derive(Debug)]
pub struct Opened {
    /// Changes it; there is one.
    pub writer: Writer,
    /// Reads it; clones share it.
    pub searcher: Searcher,
    /// How it was found.
    pub found: Found,
}

/// What each commit carries.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payload {
    pub(crate) format: u32,
    /// The sequence of the record that is followed next.
    pub(crate) applied: u64,
}

/// Opens the index in a folder, or creates it. Blocks, and reads the whole index to check it.
pub fn open(dir: &Path, options: Options) -> Result<Opened, Error> {
    let reason = match try_open(dir, options) {
        Ok((writer, searcher, found)) => {
            return Ok(Opened {
                writer,
                searcher,
                found,
            });
        }
        Err(Failure::Refused(error)) => return Err(error),
        Err(Failure::Unusable(reason)) => reason,
    };
    let path = aside(dir);
    remove(&path)?;
    fs::rename(dir, &path).map_err(Error::io("set aside", dir))?;
    match try_open(dir, options) {
        Ok((writer, searcher, _)) => Ok(Opened {
            writer,
            searcher,
            found: Found::SetAside { reason, path },
        }),
        Err(Failure::Refused(error)) => Err(error),
        Err(Failure::Unusable(reason)) => Err(TantivyError::SystemError(reason).into()),
    }
}

/// Returns where an index that can't be used is set aside.
pub(crate) fn aside(dir: &Path) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(".set-aside");
    dir.with_file_name(name)
}

/// Removes a folder, if it is there.
pub(crate) fn remove(dir: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("remove", dir)(error))
        }
        _ => Ok(()),
    }
}

enum Failure {
    /// The system refused; the index is not to blame.
    Refused(Error),
    /// The index is not what it should be.
    Unusable(String),
}

impl From<TantivyError> for Failure {
    fn from(error: TantivyError) -> Self {
        if is_refusal(&error) {
            Self::Refused(error.into())
        } else {
            Self::Unusable(error.to_string())
        }
    }
}

fn try_open(dir: &Path, options: Options) -> Result<(Writer, Searcher, Found), Failure> {
    let create = fs::create_dir_all(dir);
    create.map_err(|error| Failure::Refused(Error::io("create", dir)(error)))?;
    let (schema, fields) = Fields::new();
    let is_new = !dir.join("meta.json").exists();
    let index = if is_new {
        Index::create_in_dir(dir, schema.clone())?
    } else {
        Index::open_in_dir(dir)?
    };
    schema::register(&index);
    let applied = if is_new {
        0
    } else {
        check(&index, &schema, options.next)?
    };
    let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual);
    let searcher = Searcher::new(reader.try_into()?, fields);
    let mut writer = Writer::new(dir, index, fields, options, applied)?;
    let found = if is_new {
        writer.commit(0)?;
        Found::Created
    } else {
        Found::Ready
    };
    Ok((writer, searcher, found))
}

/// Checks that an index can be followed on, and returns from where.
fn check(index: &Index, schema: &tantivy::schema::Schema, next: u64) -> Result<u64, Failure> {
    let payload = index.load_metas()?.payload.unwrap_or_default();
    let payload: Payload = serde_json::from_str(&payload)
        .map_err(|_| Failure::Unusable("it does not say how far it is".to_owned()))?;
    if payload.format != FORMAT || index.schema() != *schema {
        return Err(Failure::Unusable(format!(
            "its format is {}, and this program's is {FORMAT}",
            payload.format
        )));
    }
    if payload.applied > next {
        return Err(Failure::Unusable(format!(
            "it is at record {}, and the journal ends at {next}",
            payload.applied
        )));
    }
    let damaged: HashSet<PathBuf> = index.validate_checksum()?;
    match damaged.iter().next() {
        None => Ok(payload.applied),
        Some(file) => Err(Failure::Unusable(format!("{} is damaged", file.display()))),
    }
}
