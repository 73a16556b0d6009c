//! After a crash, rows and position agree.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use super::*;
use crate::redo::{APPLIED, redo, write_redo, write_rows};

const CHILD: &str = "STOA_STORE_KILL_TEST";
/// What the process says that is going to be killed.
const BEGUN: &str = "begun";
/// How many rows a commit has in the kill test.
const ROWS: u64 = 40;

#[test]
fn an_interrupted_write_is_completed() {
    let (_guard, dir) = folder();
    // Large enough for several chunks.
    let value = |value: u8| vec![value; 60_000];
    let rows = |range: std::ops::Range<u8>, of: u8| {
        range
            .map(|key| ([1, key][..].into(), Some(value(of).into())))
            .collect()
    };
    let after_redo = |n_written: usize| {
        let db = sled::Config::new()
            .path(dir.join(n_written.to_string()))
            .open()
            .unwrap();
        write_rows(&db, &rows(0..20, 1), 5).unwrap();
        let mut next: crate::overlay::Rows = rows(10..30, 2);
        next.insert([1, 0][..].into(), None);
        write_redo(&db, &next, 6).unwrap();
        for (key, value) in next.iter().take(n_written) {
            match value {
                Some(value) => db.insert(key, value).unwrap(),
                None => db.remove(key).unwrap(),
            };
        }
        db
    };
    for n_written in 0..=21 {
        let db = after_redo(n_written);
        assert_eq!(redo(&db).unwrap(), 6);
        assert_eq!(db.get(APPLIED).unwrap().unwrap(), &6_u64.to_be_bytes());
        assert_eq!(redo(&db).unwrap(), 6);
        assert_eq!(db.get([1, 0]).unwrap(), None);
        for key in 1..30 {
            let expected = value(if key < 10 { 1 } else { 2 });
            assert_eq!(db.get([1, key]).unwrap().unwrap(), &expected);
        }
    }
}

#[test]
fn a_killed_view_is_whole() {
    if let Some(dir) = std::env::var_os(CHILD) {
        return child(Path::new(&dir));
    }
    let (_guard, dir) = folder();
    let mut furthest = 0;
    // On a machine that has much else to do, a child needs longer to get anywhere.
    let mut patience = 150;
    for round in 0..40 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "tests::crash::a_killed_view_is_whole",
                "--nocapture",
            ])
            .env(CHILD, &dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // However long the process takes to start, what follows falls into its work.
        let said = BufReader::new(child.stdout.take().unwrap());
        assert!(said.lines().any(|line| line.unwrap() == BEGUN));
        std::thread::sleep(Duration::from_millis(patience + (round * 37) % 200));
        child.kill().unwrap();
        child.wait().unwrap();
        let view = open(&dir);
        assert!(
            !matches!(view.opened(), Opened::Rebuilt { .. }),
            "{:?}",
            view.opened()
        );
        check_whole(&view, round);
        furthest = furthest.max(view.applied());
        if furthest == 0 {
            patience = (patience * 2).min(2_000);
        }
        if round % 5 == 0 {
            std::fs::remove_dir_all(&dir).unwrap();
        }
    }
    assert!(furthest > 100, "nothing ever reached the disk: {furthest}");
}

/// Commit `n` writes 40 rows that depend on `n`, over those of commit `n - 100`.
fn commit(view: &View, n: u64) {
    let mut batch = view.batch();
    for row in 0..ROWS {
        batch.put(&NUMBERS, &key(n, row), &n.to_string());
    }
    batch.put(&LAST, &0, &n);
    view.commit(batch, n).unwrap();
}

fn key(n: u64, row: u64) -> u64 {
    // Spread over the tree, as digests are.
    ((n % 100) * ROWS + row).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn check_whole(view: &View, round: u64) {
    let applied = view.applied();
    let last = view.get(&LAST, &0).unwrap().unwrap_or(0);
    assert_eq!(last, applied, "round {round}");
    for n in applied.saturating_sub(99).max(1)..=applied {
        for row in 0..ROWS {
            let found = view.get(&NUMBERS, &key(n, row)).unwrap();
            assert_eq!(
                found,
                Some(n.to_string()),
                "round {round}, commit {n} of {applied}"
            );
        }
    }
}

fn child(dir: &Path) {
    let view = open(dir);
    println!("{BEGUN}");
    for n in view.applied() + 1.. {
        commit(&view, n);
    }
}
