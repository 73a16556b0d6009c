//! Roots and proofs of RFC 6962, section 2.1, and their verification after RFC 9162, section 2.1.

use std::ops::Range;

use crate::Error;
use crate::hash::{Hash, empty, node};

/// Where the hashes of complete subtrees come from.
pub trait Nodes {
    /// Returns the hash of entries `index * 2^level` to `(index + 1) * 2^level`, all of which the tree
    /// has.
    ///
    /// # Errors
    /// Those of the source.
    fn node(&self, level: u32, index: u64) -> Result<Hash, Error>;
}

/// Returns the root of the first `size` entries.
///
/// # Errors
/// Those of the source.
pub fn root(nodes: &impl Nodes, size: u64) -> Result<Hash, Error> {
    if size == 0 {
        return Ok(empty());
    }
    range(nodes, 0..size)
}

/// Proves that entry `index` is among the first `size`: the hashes from its sibling upwards.
///
/// # Errors
/// [`Error::OutOfRange`] if it is not, and those of the source.
pub fn inclusion(nodes: &impl Nodes, index: u64, size: u64) -> Result<Vec<Hash>, Error> {
    if index >= size {
        return Err(Error::OutOfRange {
            what: "entry",
            number: index,
            size,
        });
    }
    let mut path = Vec::new();
    let mut span = 0..size;
    while span.end - span.start > 1 {
        let middle = span.start + split(span.end - span.start);
        if index < middle {
            path.push(range(nodes, middle..span.end)?);
            span.end = middle;
        } else {
            path.push(range(nodes, span.start..middle)?);
            span.start = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// Proves that the first `old` entries are the same in both trees.
///
/// # Errors
/// [`Error::OutOfRange`] if the old tree is the larger, and those of the source.
pub fn consistency(nodes: &impl Nodes, old: u64, size: u64) -> Result<Vec<Hash>, Error> {
    if old > size {
        return Err(Error::OutOfRange {
            what: "tree size",
            number: old,
            size,
        });
    }
    let mut path = Vec::new();
    if old == 0 || old == size {
        return Ok(path);
    }
    let mut span = 0..size;
    // Whether the subtree that is left is one that the old root shows.
    let mut known = true;
    while span.end != old {
        let middle = span.start + split(span.end - span.start);
        if old <= middle {
            path.push(range(nodes, middle..span.end)?);
            span.end = middle;
        } else {
            path.push(range(nodes, span.start..middle)?);
            span.start = middle;
            known = false;
        }
    }
    if !known {
        path.push(range(nodes, span)?);
    }
    path.reverse();
    Ok(path)
}

/// Checks that an entry's hash leads to a root.
///
/// # Errors
/// [`Error::OutOfRange`] and [`Error::Unproven`].
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    root: &Hash,
) -> Result<(), Error> {
    if index >= size {
        return Err(Error::OutOfRange {
            what: "entry",
            number: index,
            size,
        });
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return Err(Error::Unproven("it has too many hashes"));
        }
        if at % 2 == 1 || at == last {
            hash = node(sibling, &hash);
            // Levels at which the last subtree has no sibling are passed over.
            while at % 2 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(Error::Unproven("it has too few hashes"));
    }
    if hash != *root {
        return Err(Error::Unproven("it leads to another root"));
    }
    Ok(())
}

/// Checks that a tree begins with an older one.
///
/// # Errors
/// [`Error::OutOfRange`] and [`Error::Unproven`].
pub fn verify_consistency(
    old: (u64, &Hash),
    new: (u64, &Hash),
    path: &[Hash],
) -> Result<(), Error> {
    let ((old_size, old_root), (size, root)) = (old, new);
    if old_size > size {
        return Err(Error::OutOfRange {
            what: "tree size",
            number: old_size,
            size,
        });
    }
    if old_size == size || old_size == 0 {
        if !path.is_empty() {
            return Err(Error::Unproven("it has too many hashes"));
        }
        let same = if old_size == 0 { empty() } else { *root };
        return if same == *old_root {
            Ok(())
        } else {
            Err(Error::Unproven("trees of the same size have other roots"))
        };
    }
    let mut path = path.iter();
    let (mut at, mut last) = (old_size - 1, size - 1);
    while at % 2 == 1 {
        at >>= 1;
        last >>= 1;
    }
    // An old tree that is complete is itself the first hash.
    let first = if old_size.is_power_of_two() {
        *old_root
    } else {
        *path.next().ok_or(Error::Unproven("it has no hashes"))?
    };
    let (mut from_old, mut from_new) = (first, first);
    for hash in path {
        if last == 0 {
            return Err(Error::Unproven("it has too many hashes"));
        }
        if at % 2 == 1 || at == last {
            from_old = node(hash, &from_old);
            from_new = node(hash, &from_new);
            while at % 2 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            from_new = node(&from_new, hash);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(Error::Unproven("it has too few hashes"));
    }
    if from_old != *old_root {
        return Err(Error::Unproven("it does not begin with the older tree"));
    }
    if from_new != *root {
        return Err(Error::Unproven("it leads to another root"));
    }
    Ok(())
}

/// The largest power of two below a length of two or more.
fn split(length: u64) -> u64 {
    1 << (length - 1).ilog2()
}

/// The hash of entries that start where a subtree as large as they are, or larger, starts.
fn range(nodes: &impl Nodes, span: Range<u64>) -> Result<Hash, Error> {
    let mut hashes = Vec::new();
    let mut at = span.start;
    while at < span.end {
        let level = (span.end - at).ilog2();
        hashes.push(nodes.node(level, at >> level)?);
        at += 1 << level;
    }
    let joined = hashes
        .into_iter()
        .rev()
        .reduce(|right, left| node(&left, &right));
    Ok(joined.unwrap_or_else(empty))
}

#[cfg(test)]
mod tests;
