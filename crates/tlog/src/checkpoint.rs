//! A log's state, as its signed text has it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Error;
use crate::hash::Hash;
use crate::note::{Signer, Verifier};

const WHAT: &str = "checkpoint";

/// How many entries a log has, and the root of the tree over them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// The number of entries.
    pub size: u64,
    /// The tree's root.
    pub root: Hash,
}

impl Checkpoint {
    /// Signs the checkpoint: the note that is handed out.
    pub fn sign(&self, signer: &Signer) -> String {
        let root = STANDARD.encode(self.root);
        signer.sign(&format!("{}\n{}\n{root}\n", self.origin, self.size))
    }

    /// Checks a note's signature, and reads it.
    ///
    /// # Errors
    /// [`Error::NotSigned`] and [`Error::BadSignature`]; [`Error::Malformed`] for what is no
    /// checkpoint.
    pub fn open(note: &str, verifier: &Verifier) -> Result<Self, Error> {
        let checkpoint = Self::parse(verifier.open(note)?)?;
        if checkpoint.origin != verifier.name() {
            return Err(Error::malformed(
                WHAT,
                format!("its first line should be {}", verifier.name()),
            ));
        }
        Ok(checkpoint)
    }

    /// Reads a note whose signature is checked elsewhere, or not at all.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn read_unverified(note: &str) -> Result<Self, Error> {
        Self::parse(crate::note::text(note)?)
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let mut lines = text.lines();
        let origin = lines.next().filter(|origin| !origin.is_empty());
        let origin = origin.ok_or_else(|| Error::malformed(WHAT, "it has no origin"))?;
        let size = lines
            .next()
            .and_then(|line| Some((line, line.parse::<u64>().ok()?)))
            .filter(|(line, size)| size.to_string() == *line)
            .map(|(_, size)| size)
            .ok_or_else(|| Error::malformed(WHAT, "its second line is no size"))?;
        let root = lines
            .next()
            .and_then(|line| STANDARD.decode(line).ok()?.try_into().ok())
            .ok_or_else(|| Error::malformed(WHAT, "its third line is no hash in base64"))?;
        if lines.any(str::is_empty) {
            return Err(Error::malformed(WHAT, "it has an empty line"));
        }
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
        })
    }
}
