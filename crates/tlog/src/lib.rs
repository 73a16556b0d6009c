//! A transparency log: a Merkle tree over entries, whose state is signed, so that nobody, its owner
//! included, can change or remove an entry without being found out by whoever kept a checkpoint.
//!
//! The tree and its proofs are those of RFC 6962, its files those of [tlog-tiles], its signed states
//! [checkpoints] that are [signed notes], and its proofs [tlog-proof] files: verifiers that know
//! these formats need not know Stoa.
//!
//! [`Tree`] is a tree on the disk, [`Frontier`] what its root is made of, [`Signer`] and [`Verifier`] are for notes, [`Checkpoint`] is a
//! state, [`InclusionProof`] and [`ConsistencyProof`] are what is handed out.
//!
//! [tlog-tiles]: https://c2sp.org/tlog-tiles
//! [checkpoints]: https://c2sp.org/tlog-checkpoint
//! [signed notes]: https://c2sp.org/signed-note
//! [tlog-proof]: https://c2sp.org/tlog-proof

mod checkpoint;
mod file;
mod frontier;
mod hash;
mod note;
mod path;
mod proof;
mod tile;
mod tree;

pub use checkpoint::Checkpoint;
pub use file::{ConsistencyProof, InclusionProof};
pub use frontier::Frontier;
pub use hash::{Hash, empty, leaf, node};
pub use note::{Signer, Verifier};
pub use proof::{Nodes, consistency, inclusion, root, verify_consistency, verify_inclusion};
pub use tile::{Kind, Tile};
pub use tree::{Reading, Tree};

/// Why a text, a proof or a tree is not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not what it should be.
    #[error("this is not a {what}: {reason}")]
    Malformed {
        /// What it should be.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A note has no signature by the key.
    #[error(
        "the note is not signed by {name}: it was made by another log, or the key is another's"
    )]
    NotSigned {
        /// The key's name.
        name: String,
    },
    /// The signature is not by the key that it names.
    #[error("the signature by {name} is wrong: the note was changed after it was signed")]
    BadSignature {
        /// The key's name.
        name: String,
    },
    /// The proof does not lead to the root.
    #[error("the proof does not hold: {0}")]
    Unproven(&'static str),
    /// What is asked for is not in the tree.
    #[error("{what} {number} is not in a tree of {size} entries")]
    OutOfRange {
        /// What is asked for.
        what: &'static str,
        /// Its number.
        number: u64,
        /// The tree's size.
        size: u64,
    },
    /// The system refused.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn io(
        action: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    pub(crate) fn malformed(what: &'static str, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::Malformed { what, reason }
    }
}
