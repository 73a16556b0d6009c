//! The transparency log over the archive's records: whoever keeps a checkpoint of it can prove later
//! that a record was changed or removed, by anyone, the archive's owner included.
//!
//! ```text
//! DATA/tlog/key           the signing key; nobody but the archive reads it
//! DATA/tlog/checkpoint    the latest signed checkpoint
//! DATA/tlog/tile/         the tree's full tiles; made again from the journal where they are missing
//! ```
//!
//! Entry N of the log is about record N of the journal; [`leaf`] says what it has of it.
//!
//! **Invariant:** what is signed begins with everything that was signed before. Where the journal
//! no longer leads to the latest checkpoint, nothing more is signed.

mod file;
mod follow;
pub(crate) mod leaf;
mod offline;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

use stoa_journal::Journal;
use stoa_tlog::{
    Checkpoint, ConsistencyProof, Hash, InclusionProof, Kind, Signer, Tile, Tree, Verifier,
};

pub(crate) use self::follow::follow;
pub use self::offline::{
    Proven, Published, Verified, consistency, end_if_broken, install, latest, prove, read_proof,
    verifier, verify,
};
use crate::place::Place;

/// The folder in the archive's data folder.
const FOLDER: &str = "tlog";
/// The entries of a bundle.
const BUNDLE: u64 = 256;

/// Why there is no log, or no proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of the log can't be read or written, or is not what it should be.
    #[error(transparent)]
    Log(#[from] stoa_tlog::Error),
    /// The journal can't be read.
    #[error(transparent)]
    Journal(#[from] stoa_journal::Error),
    /// A file of the log can't be read or written.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The configured name is not that of the key.
    #[error(
        "transparency.origin is {configured}, but the log in {dir} is {known}: a log keeps its name; \
         set it back, or move the folder away to begin another log"
    )]
    Renamed {
        /// The configured name.
        configured: String,
        /// The name of the log.
        known: String,
        /// The log's folder.
        dir: PathBuf,
    },
    /// The journal has fewer records than were signed.
    #[error(
        "the journal has {records} records, and a checkpoint over {signed} was signed: its end is \
         missing; restore it from a backup"
    )]
    Shortened {
        /// The records that there are.
        records: u64,
        /// The records that were signed.
        signed: u64,
    },
    /// The records are not those that were signed.
    #[error(
        "the first {size} records of the journal are not those that were signed: one of them was \
         changed or removed; nothing more is signed. `stoa archive verify` says what it finds; \
         restore the journal from a backup"
    )]
    Inconsistent {
        /// The records that were signed.
        size: u64,
    },
}

/// The log, opened.
#[derive(Debug)]
pub(crate) struct Log {
    dir: PathBuf,
    signer: Signer,
    journal: Journal,
    grown: RwLock<Grown>,
    signed: Mutex<Option<Signed>>,
}

/// The tree, and whether it is known to begin with what was signed.
#[derive(Debug)]
struct Grown {
    tree: Tree,
    is_checked: bool,
    /// Whether hashes are from tiles that were there, which may be to blame for a wrong root.
    from_tiles: bool,
}

/// The latest checkpoint.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) note: String,
}

impl Log {
    /// Opens the log in an archive's data folder, or begins one; without an `origin` it is named after
    /// its key. Blocks.
    pub(crate) fn open(data_dir: &Path, origin: &str, journal: &Journal) -> Result<Self, Error> {
        let dir = data_dir.join(FOLDER);
        std::fs::create_dir_all(&dir).map_err(io("make the folder", &dir))?;
        let signer = open_key(&dir, origin)?;
        let latest = read_checkpoint(&dir, &signer.verifier())?;
        let size = latest.as_ref().map_or(0, |signed| signed.checkpoint.size);
        if size > journal.next() {
            return Err(Error::Shortened {
                records: journal.next(),
                signed: size,
            });
        }
        let tree = Tree::open(&dir.join("tile"), size).or_else(|error| {
            tracing::warn!(
                reason = crate::engine::chain(&error),
                "the log's tiles could not be used: they are made again from the journal"
            );
            begin_tiles(&dir)
        })?;
        let grown = Grown {
            is_checked: latest.is_none(),
            from_tiles: tree.size() > 0,
            tree,
        };
        Ok(Self {
            dir,
            signer,
            journal: journal.clone(),
            grown: RwLock::new(grown),
            signed: Mutex::new(latest),
        })
    }

    /// What others check the log's signatures with.
    pub(crate) fn verifier(&self) -> Verifier {
        self.signer.verifier()
    }

    /// The latest checkpoint.
    pub(crate) fn signed(&self) -> Option<Signed> {
        let signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        signed.clone()
    }

    /// Reads a tile that the latest checkpoint has; `None` if it does not have it. Blocks.
    pub(crate) fn tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, Error> {
        let size = self.signed().map_or(0, |signed| signed.checkpoint.size);
        if !tile.is_in(size) {
            return Ok(None);
        }
        if tile.kind == Kind::Entries {
            return self.bundle(tile.index * BUNDLE, tile.width).map(Some);
        }
        Ok(self.grown().tree.tile(tile)?)
    }

    /// Proves that a record is in the latest checkpoint; `None` as long as it is not. Blocks.
    pub(crate) fn prove(&self, place: Place) -> Result<Option<InclusionProof>, Error> {
        let covers = |signed: &Signed| place.seq < signed.checkpoint.size;
        let Some(signed) = self.signed().filter(covers) else {
            return Ok(None);
        };
        let record = self.journal.read(place.into())?;
        let size = signed.checkpoint.size;
        let path = stoa_tlog::inclusion(&self.grown().tree.reading(), place.seq, size)?;
        Ok(Some(file::proof(&record, path, signed.note)))
    }

    /// Proves that the latest checkpoint begins with the first `old` records; `None` if it has fewer.
    /// Blocks.
    pub(crate) fn consistency(&self, old: u64) -> Result<Option<ConsistencyProof>, Error> {
        let Some(signed) = self.signed().filter(|signed| old <= signed.checkpoint.size) else {
            return Ok(None);
        };
        let path =
            stoa_tlog::consistency(&self.grown().tree.reading(), old, signed.checkpoint.size)?;
        let note = signed.note;
        Ok(Some(ConsistencyProof { old, path, note }))
    }

    /// Entries one after the other, each behind its length.
    fn bundle(&self, first: u64, width: u64) -> Result<Vec<u8>, Error> {
        let mut bundle = Vec::new();
        let width = usize::try_from(width).unwrap_or(usize::MAX);
        for record in self.journal.iter(first).take(width) {
            bundle.extend_from_slice(&leaf::LENGTH.to_be_bytes());
            bundle.extend_from_slice(&leaf::of(&record?));
        }
        Ok(bundle)
    }

    fn grown(&self) -> std::sync::RwLockReadGuard<'_, Grown> {
        self.grown.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the signing key, or makes one.
fn open_key(dir: &Path, origin: &str) -> Result<Signer, Error> {
    let path = dir.join("key");
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let signer = Signer::parse(&text)?;
            if !origin.is_empty() && origin != signer.name() {
                return Err(Error::Renamed {
                    configured: origin.to_owned(),
                    known: signer.name().to_owned(),
                    dir: dir.to_owned(),
                });
            }
            Ok(signer)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let named_after_key = || format!("stoa-archive-{:016x}", rand::random::<u64>());
            let name = Some(origin.to_owned()).filter(|origin| !origin.is_empty());
            let signer = Signer::generate(&name.unwrap_or_else(named_after_key))?;
            file::write_durably(&path, &format!("{}\n", signer.secret()), 0o600)?;
            tracing::info!(key = %signer.verifier(), "the transparency log begins");
            Ok(signer)
        }
        Err(error) => Err(io("read", &path)(error)),
    }
}

fn read_checkpoint(dir: &Path, verifier: &Verifier) -> Result<Option<Signed>, Error> {
    let path = dir.join("checkpoint");
    let note = match std::fs::read_to_string(&path) {
        Ok(note) => note,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io("read", &path)(error)),
    };
    let checkpoint = Checkpoint::open(&note, verifier)?;
    Ok(Some(Signed { checkpoint, note }))
}

/// Begins the tiles anew.
fn begin_tiles(dir: &Path) -> Result<Tree, stoa_tlog::Error> {
    let tiles = dir.join("tile");
    match std::fs::remove_dir_all(&tiles) {
        Err(source) if source.kind() != ErrorKind::NotFound => Err(stoa_tlog::Error::Io {
            action: "remove",
            path: tiles,
            source,
        }),
        _ => Tree::open(&tiles, 0),
    }
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io {
        action,
        path,
        source,
    }
}

/// Returns the hash in the tree of a record, as a copy of the journal has it.
pub fn entry(kept: &stoa_journal::Kept) -> Hash {
    let leaf = leaf::Leaf {
        seq: kept.seq,
        time_us: kept.time_us,
        kind: kept.kind,
        length: kept.length,
        commitment: kept.commitment,
    };
    stoa_tlog::leaf(&leaf.encode())
}

/// A record's hash in the tree.
fn hash(record: &stoa_journal::Record) -> Hash {
    stoa_tlog::leaf(&leaf::of(record))
}

#[cfg(test)]
mod tests;
