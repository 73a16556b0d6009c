use super::*;
use crate::hash::leaf;

/// The entries of the reference implementation's tests of RFC 6962.
const ENTRIES: [&[u8]; 8] = [
    b"",
    &[0x00],
    &[0x10],
    &[0x20, 0x21],
    &[0x30, 0x31],
    &[0x40, 0x41, 0x42, 0x43],
    &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
    &[
        0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e,
        0x6f,
    ],
];

/// And the roots over the first one, two … eight of them.
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

struct Vectors;

impl Nodes for Vectors {
    fn node(&self, level: u32, index: u64) -> Result<Hash, Error> {
        let width = 1_usize << level;
        let first = usize::try_from(index).unwrap() * width;
        let leaves: Vec<Hash> = ENTRIES[first..first + width]
            .iter()
            .map(|entry| leaf(entry))
            .collect();
        Ok(crate::hash::subtree(&leaves))
    }
}

fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_roots_of_the_reference_implementation() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(hex(&root(&Vectors, 0).unwrap()), empty);
    for (size, expected) in (1..).zip(ROOTS) {
        assert_eq!(hex(&root(&Vectors, size).unwrap()), expected, "{size}");
    }
}

#[test]
fn all_proofs_between_all_sizes_hold() {
    for size in 1..=8 {
        let new = root(&Vectors, size).unwrap();
        for index in 0..size {
            let path = inclusion(&Vectors, index, size).unwrap();
            let entry = leaf(ENTRIES[usize::try_from(index).unwrap()]);
            verify_inclusion(&entry, index, size, &path, &new).unwrap();
        }
        for old in 0..=size {
            let path = consistency(&Vectors, old, size).unwrap();
            let root = root(&Vectors, old).unwrap();
            verify_consistency((old, &root), (size, &new), &path).unwrap();
        }
    }
}

/// The same trees by an implementation that is not ours.
#[test]
fn roots_and_proofs_are_those_of_another_implementation() {
    use ct_merkle::mem_backed_tree::MemoryBackedTree;

    let mut other = MemoryBackedTree::<sha2::Sha256, Vec<u8>>::new();
    for (size, entry) in (1_u64..).zip(ENTRIES) {
        other.push(entry.to_vec());
        assert_eq!(other.root().as_bytes()[..], root(&Vectors, size).unwrap());
        for index in 0..size {
            let theirs = other.prove_inclusion(usize::try_from(index).unwrap());
            let ours = inclusion(&Vectors, index, size).unwrap().concat();
            assert_eq!(theirs.as_bytes(), ours, "entry {index} of {size}");
        }
        for old in 1..size {
            let theirs = other.prove_consistency(usize::try_from(size - old).unwrap());
            let ours = consistency(&Vectors, old, size).unwrap().concat();
            assert_eq!(theirs.as_bytes(), ours, "from {old} to {size}");
        }
    }
}

#[test]
fn what_is_not_in_the_tree_is_refused() {
    assert!(matches!(
        inclusion(&Vectors, 8, 8),
        Err(Error::OutOfRange { number: 8, .. })
    ));
    assert!(consistency(&Vectors, 9, 8).is_err());
    let root = root(&Vectors, 8).unwrap();
    assert!(verify_inclusion(&leaf(b""), 8, 8, &[], &root).is_err());
    assert!(verify_consistency((9, &root), (8, &root), &[]).is_err());
    assert!(verify_consistency((8, &root), (8, &leaf(b"")), &[]).is_err());
}
