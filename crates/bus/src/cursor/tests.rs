use proptest::prelude::*;

use super::*;

#[test]
fn a_position_survives_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/cursor");
    let cursor = CursorFile::open(&path).unwrap();
    assert_eq!(cursor.position(), 0);
    for position in [1, 7, 7, 3] {
        cursor.save(position).unwrap();
        assert_eq!(CursorFile::open(&path).unwrap().position(), position);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damage_falls_back_and_never_runs_ahead(
        positions in prop::collection::vec(0..1_000_000_u64, 2..6),
        at in 0..SLOT,
        bit in 0..8_u32,
        second in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cursor");
        let cursor = CursorFile::open(&path).unwrap();
        let mut saved = vec![0];
        for position in positions {
            cursor.save(position).unwrap();
            if saved.last() != Some(&position) {
                saved.push(position);
            }
        }
        drop(cursor);
        let mut bytes = std::fs::read(&path).unwrap();
        let offset = at + if second { 4096 } else { 0 };
        if offset < bytes.len() {
            bytes[offset] ^= 1 << bit;
            std::fs::write(&path, &bytes).unwrap();
        }
        let position = CursorFile::open(&path).unwrap().position();
        let last_two = &saved[saved.len().saturating_sub(2)..];
        prop_assert!(last_two.contains(&position), "{position} of {saved:?}");
    }
}

#[test]
fn a_file_of_something_else_counts_from_zero() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cursor");
    std::fs::write(&path, [7; 5000]).unwrap();
    let cursor = CursorFile::open(&path).unwrap();
    assert_eq!(cursor.position(), 0);
    cursor.save(5).unwrap();
    assert_eq!(CursorFile::open(&path).unwrap().position(), 5);
}
