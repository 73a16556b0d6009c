use proptest::prelude::*;

use super::*;
use crate::hash::{empty, leaf};
use crate::proof::{consistency, inclusion, root, verify_consistency, verify_inclusion};

fn hash_of(number: u64) -> Hash {
    leaf(&number.to_be_bytes())
}

fn grown(dir: &Path, size: u64) -> Tree {
    let mut tree = Tree::open(dir, 0).unwrap();
    for number in 0..size {
        tree.append(hash_of(number)).unwrap();
    }
    tree
}

/// The root by the definition.
fn defined(from: u64, to: u64) -> Hash {
    match to - from {
        0 => empty(),
        1 => hash_of(from),
        length => {
            let middle = from + (1 << (length - 1).ilog2());
            crate::node(&defined(from, middle), &defined(middle, to))
        }
    }
}

#[test]
fn roots_of_all_sizes_are_those_of_the_definition() {
    let dir = tempfile::tempdir().unwrap();
    let tree = grown(dir.path(), 700);
    let mut frontier = crate::Frontier::default();
    for size in 0..=700 {
        let defined = defined(0, size);
        assert_eq!(root(&tree, size).unwrap(), defined, "{size}");
        assert_eq!(frontier.root(), defined, "{size}");
        frontier.push(hash_of(frontier.size()));
    }
}

#[test]
fn a_large_tree_has_full_tiles_of_two_levels() {
    let dir = tempfile::tempdir().unwrap();
    let tree = grown(dir.path(), 70_000);
    assert_eq!(root(&tree, 70_000).unwrap(), defined(0, 70_000));
    for path in ["0/272", "0/273.p/112", "1/000", "1/001.p/17", "2/000.p/1"] {
        let tile = Tile::parse(path).unwrap();
        let bytes = tree.tile(tile).unwrap().unwrap();
        assert_eq!(bytes.len() as u64, 32 * tile.width, "{path}");
    }
    let last = tree
        .tile(Tile::parse("2/000.p/1").unwrap())
        .unwrap()
        .unwrap();
    assert_eq!(last, defined(0, 65_536));
    assert_eq!(tree.tile(Tile::parse("0/273").unwrap()).unwrap(), None);
    for (index, size) in [(0, 70_000), (69_999, 70_000), (65_535, 65_537), (300, 513)] {
        let path = inclusion(&tree, index, size).unwrap();
        let root = root(&tree, size).unwrap();
        verify_inclusion(&hash_of(index), index, size, &path, &root).unwrap();
    }
}

#[test]
fn a_tree_goes_on_after_it_was_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    for size in [0, 1, 255, 256, 257, 65_536, 66_000] {
        let folder = dir.path().join(size.to_string());
        let mut tree = grown(&folder, size);
        tree.sync().unwrap();
        drop(tree);
        let mut tree = Tree::open(&folder, size).unwrap();
        assert_eq!(tree.size(), size - size % 256);
        for number in tree.size()..size + 300 {
            tree.append(hash_of(number)).unwrap();
        }
        assert_eq!(root(&tree, size + 300).unwrap(), defined(0, size + 300));
    }
}

#[test]
fn a_tile_that_is_missing_or_short_is_named() {
    let dir = tempfile::tempdir().unwrap();
    drop(grown(dir.path(), 600));
    std::fs::write(dir.path().join("0/001"), b"short").unwrap();
    let error = Tree::open(dir.path(), 600).unwrap_err().to_string();
    assert!(error.contains("0/001 has 5 bytes"), "{error}");
    std::fs::remove_file(dir.path().join("0/000")).unwrap();
    let error = Tree::open(dir.path(), 600).unwrap_err().to_string();
    assert!(
        error.contains("cannot read") && error.contains("0/000"),
        "{error}"
    );
}

#[test]
fn a_tile_that_was_changed_is_not_handed_out() {
    let dir = tempfile::tempdir().unwrap();
    let size = 65_536 + 512;
    let right = root(&grown(dir.path(), size), size).unwrap();
    for (level, index, is_found_at_once) in [(0, 7, false), (0, 257, true), (1, 0, true)] {
        let file = format!("{level}/{index:03}");
        let path = dir.path().join(&file);
        let whole = std::fs::read(&path).unwrap();
        let mut changed = whole.clone();
        changed[100] ^= 1;
        let opened_before = Tree::open(dir.path(), size).unwrap();
        std::fs::write(&path, changed).unwrap();
        let opened_after = Tree::open(dir.path(), size).unwrap();
        // Those on the right edge change the root, which is compared with what was signed.
        let is_right = root(&opened_after, size).unwrap() == right;
        assert_eq!(is_right, !is_found_at_once, "{file}");
        let tile = Tile {
            kind: Kind::Hashes(level),
            index,
            width: WIDTH,
        };
        for tree in [opened_before, opened_after]
            .iter()
            .take(1 + usize::from(is_right))
        {
            let entry = index << (HEIGHT * (level + 1));
            let errors = [
                tree.tile(tile).unwrap_err(),
                inclusion(tree, entry, size).unwrap_err(),
            ];
            for error in errors.map(|error| error.to_string()) {
                assert!(
                    error.contains(&file) && error.contains("was changed"),
                    "{error}"
                );
            }
        }
        std::fs::write(&path, whole).unwrap();
    }
}

#[test]
fn what_is_behind_the_trusted_size_is_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    drop(grown(dir.path(), 1_024));
    let mut tree = Tree::open(dir.path(), 300).unwrap();
    assert_eq!(tree.size(), 256);
    for number in 256..1_024 {
        tree.append(leaf(&[7, u8::try_from(number % 251).unwrap()]))
            .unwrap();
    }
    let path = inclusion(&tree, 1_000, 1_024).unwrap();
    let root = root(&tree, 1_024).unwrap();
    let other = leaf(&[7, u8::try_from(1_000 % 251).unwrap()]);
    verify_inclusion(&other, 1_000, 1_024, &path, &root).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn proofs_hold_and_changed_ones_do_not(
        size in 1_u64..900,
        index in any::<prop::sample::Index>(),
        old in any::<prop::sample::Index>(),
        change in any::<prop::sample::Index>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let tree = grown(dir.path(), size);
        let new_root = root(&tree, size).unwrap();

        let index = index.index(usize::try_from(size).unwrap()) as u64;
        let path = inclusion(&tree, index, size).unwrap();
        let holds = |leaf: &Hash, index, size, path: &[Hash]| {
            verify_inclusion(leaf, index, size, path, &new_root).is_ok()
        };
        let leaf = hash_of(index);
        prop_assert!(holds(&leaf, index, size, &path));
        prop_assert!(!holds(&hash_of(index + 1), index, size, &path));
        let mut longer = path.clone();
        longer.push(leaf);
        prop_assert!(!holds(&leaf, index, size, &longer));
        if !path.is_empty() {
            prop_assert!(!holds(&leaf, index, size, &path[1..]));
            let mut changed = path.clone();
            changed[change.index(path.len())][change.index(32)] ^= 1 << change.index(8);
            prop_assert!(!holds(&leaf, index, size, &changed));
        }

        let old = old.index(usize::try_from(size).unwrap() + 1) as u64;
        let old_root = root(&tree, old).unwrap();
        let path = consistency(&tree, old, size).unwrap();
        let holds = |old_root: &Hash, path: &[Hash]| {
            verify_consistency((old, old_root), (size, &new_root), path).is_ok()
        };
        prop_assert!(holds(&old_root, &path));
        if old > 0 {
            prop_assert!(!holds(&hash_of(1_000_000), &path));
        }
        let mut longer = path.clone();
        longer.push(leaf);
        prop_assert!(!holds(&old_root, &longer));
        if !path.is_empty() {
            prop_assert!(!holds(&old_root, &path[1..]));
            let mut changed = path.clone();
            changed[change.index(path.len())][change.index(32)] ^= 1 << change.index(8);
            prop_assert!(!holds(&old_root, &changed));
        }
    }
}
