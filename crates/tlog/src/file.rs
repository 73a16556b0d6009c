//! Proofs as files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::hash::Hash;
use crate::note::Verifier;
use crate::proof::{verify_consistency, verify_inclusion};
use crate::{Checkpoint, Error};

const FIRST: &str = "c2sp.org/tlog-proof@v1";
/// A path has at most one hash for each level.
const MAX_HASHES: usize = 64;

/// Proves that an entry is in a log: a file of `c2sp.org/tlog-proof@v1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// What the maker added; nothing vouches for it.
    pub extra: Option<Vec<u8>>,
    /// The entry's number.
    pub index: u64,
    /// The hashes from the entry's sibling upwards.
    pub path: Vec<Hash>,
    /// The signed checkpoint.
    pub note: String,
}

impl InclusionProof {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let what = "proof of inclusion";
        let (head, note) = head_and_note(what, text)?;
        let mut lines = head.lines().peekable();
        if lines.next() != Some(FIRST) {
            return Err(Error::malformed(
                what,
                format!("its first line is not {FIRST}"),
            ));
        }
        let extra = match lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            Some(extra) => {
                lines.next();
                let extra = STANDARD.decode(extra);
                Some(extra.map_err(|_| Error::malformed(what, "`extra` is not base64"))?)
            }
            None => None,
        };
        Ok(Self {
            extra,
            index: number(what, "index", lines.next())?,
            path: hashes(what, lines)?,
            note,
        })
    }

    /// Checks the checkpoint's signature, and that it has this entry.
    ///
    /// # Errors
    /// Those of [`Checkpoint::open`] and [`verify_inclusion`].
    pub fn verify(&self, leaf: &Hash, verifier: &Verifier) -> Result<Checkpoint, Error> {
        let checkpoint = Checkpoint::open(&self.note, verifier)?;
        let (size, root) = (checkpoint.size, checkpoint.root);
        verify_inclusion(leaf, self.index, size, &self.path, &root)?;
        Ok(checkpoint)
    }
}

impl std::fmt::Display for InclusionProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{FIRST}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        write_path(f, &self.path)?;
        write!(f, "\n{}", self.note)
    }
}

/// Proves that a log begins with what an older checkpoint has: the body of a request of
/// `c2sp.org/tlog-witness`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// The size of the older tree.
    pub old: u64,
    /// The hashes of the proof.
    pub path: Vec<Hash>,
    /// The signed checkpoint of the newer tree.
    pub note: String,
}

impl ConsistencyProof {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let what = "proof of consistency";
        let (head, note) = head_and_note(what, text)?;
        let mut lines = head.lines();
        Ok(Self {
            old: number(what, "old", lines.next())?,
            path: hashes(what, lines)?,
            note,
        })
    }

    /// Checks the signatures of both checkpoints, and that the newer begins with the older.
    ///
    /// # Errors
    /// Those of [`Checkpoint::open`] and [`verify_consistency`]; [`Error::Unproven`] if the older
    /// checkpoint is of another size.
    pub fn verify(
        &self,
        old: &str,
        verifier: &Verifier,
    ) -> Result<(Checkpoint, Checkpoint), Error> {
        let old = Checkpoint::open(old, verifier)?;
        let new = Checkpoint::open(&self.note, verifier)?;
        if old.size != self.old {
            return Err(Error::Unproven("it is about an older tree of another size"));
        }
        verify_consistency((old.size, &old.root), (new.size, &new.root), &self.path)?;
        Ok((old, new))
    }
}

impl std::fmt::Display for ConsistencyProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "old {}", self.old)?;
        write_path(f, &self.path)?;
        write!(f, "\n{}", self.note)
    }
}

/// Takes a file apart at its first empty line.
fn head_and_note<'a>(what: &'static str, text: &'a str) -> Result<(&'a str, String), Error> {
    text.split_once("\n\n")
        .map(|(head, note)| (head, note.to_owned()))
        .ok_or_else(|| Error::malformed(what, "no empty line is before its checkpoint"))
}

fn number(what: &'static str, name: &str, line: Option<&str>) -> Result<u64, Error> {
    line.and_then(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .and_then(|digits| Some((digits, digits.parse::<u64>().ok()?)))
        .filter(|(digits, number)| number.to_string() == *digits)
        .map(|(_, number)| number)
        .ok_or_else(|| Error::malformed(what, format!("it has no line `{name} NUMBER`")))
}

fn hashes<'a>(
    what: &'static str,
    lines: impl Iterator<Item = &'a str>,
) -> Result<Vec<Hash>, Error> {
    let hash = |line: &str| -> Option<Hash> { STANDARD.decode(line).ok()?.try_into().ok() };
    let hashes: Option<Vec<Hash>> = lines.take(MAX_HASHES + 1).map(hash).collect();
    hashes
        .filter(|hashes| hashes.len() <= MAX_HASHES)
        .ok_or_else(|| {
            let reason = format!("its lines are not at most {MAX_HASHES} hashes in base64");
            Error::malformed(what, reason)
        })
}

fn write_path(f: &mut std::fmt::Formatter<'_>, path: &[Hash]) -> std::fmt::Result {
    path.iter()
        .try_for_each(|hash| writeln!(f, "{}", STANDARD.encode(hash)))
}
