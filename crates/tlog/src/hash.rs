//! The hashes of RFC 6962, section 2.1.

use sha2::{Digest, Sha256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// The root of a tree without entries.
pub fn empty() -> Hash {
    Sha256::digest([]).into()
}

/// The hash of an entry.
pub fn leaf(entry: &[u8]) -> Hash {
    Sha256::new()
        .chain_update([0])
        .chain_update(entry)
        .finalize()
        .into()
}

/// The hash of two subtrees.
pub fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new()
        .chain_update([1])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// The hash of a complete subtree of hashes, whose number is a power of two.
pub(crate) fn subtree(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => empty(),
        [one] => *one,
        several => {
            let (left, right) = several.split_at(several.len() / 2);
            node(&subtree(left), &subtree(right))
        }
    }
}
