//! A journal is written again from what a copy has of its records.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use super::*;
use crate::{Content, Kept, Known, Lock, Reader, Restore, Restored};

/// The record that was erased.
const ERASED: u64 = 100;

/// A journal that was redacted and repaired: it has records of every kind.
fn checkered() -> (TempDir, PathBuf) {
    let parent = folder();
    let dir = parent.path().join("journal");
    let journal = open(&dir).journal;
    fill(&journal, 120);
    drop(journal);
    let whole: Vec<_> = crate::files::list_segments(&dir).unwrap();
    // A whole segment is gone, and of another a payload.
    let (gone, hit) = (&whole[2].1, &whole[4].1);
    fs::remove_file(gone).unwrap();
    let mut bytes = fs::read(hit).unwrap();
    bytes[96 + 120 + 3] ^= 1;
    fs::write(hit, bytes).unwrap();
    let survey = crate::survey(&dir, Known::NOTHING, &mut |_| {}).unwrap();
    let lock = loop {
        match Lock::take(&dir) {
            Err(Error::Locked { .. }) => std::thread::sleep(std::time::Duration::from_millis(10)),
            lock => break lock.unwrap(),
        }
    };
    let appended = entries(["what is brought back"]);
    crate::repair(lock, &survey, &HashMap::new(), appended, &clock()).unwrap();
    let journal = open(&dir).journal;
    fill(&journal, 30);
    runtime().block_on(journal.redact(ERASED)).unwrap();
    drop(journal);
    (parent, dir)
}

fn kept(dir: &Path) -> Vec<Kept> {
    let mut reader = Reader::open(dir).unwrap();
    std::iter::from_fn(|| reader.next_kept())
        .map(Result::unwrap)
        .collect()
}

fn restore(records: &[Kept], dir: &Path) -> Result<Restored, Error> {
    let mut restore = Restore::begin(dir)?;
    for record in records {
        restore.put(record)?;
    }
    restore.finish()
}

#[test]
fn every_kind_of_record_is_restored() {
    let (parent, dir) = checkered();
    let records = kept(&dir);
    for content in Content::ALL {
        assert!(
            records.iter().any(|record| record.content == content),
            "{content:?}"
        );
    }
    let again = parent.path().join("again");
    let restored = restore(&records, &again).unwrap();
    let (was, is) = (verify(&dir).unwrap(), verify(&again).unwrap());
    assert_eq!((restored.records, restored.head), (was.next, was.head));
    assert_eq!(
        (is.next, is.head, is.redacted, is.lost, is.gone),
        (was.next, was.head, was.redacted, was.lost, was.gone)
    );
    assert_eq!(is.repairs, was.repairs);
    assert_eq!(kept(&again), records);
    // It goes on, and what it lacks at its end would be noticed.
    let journal = open(&again).journal;
    fill(&journal, 5);
    drop(journal);
    assert_eq!(verify(&again).unwrap().next, was.next + 5);
}

#[test]
fn what_is_not_the_record_is_refused_where_it_stands() {
    let (parent, dir) = checkered();
    let records = kept(&dir);
    let check = |what: &str, at: usize, change: &dyn Fn(&mut Vec<Kept>)| {
        let mut changed = records.clone();
        change(&mut changed);
        let again = parent.path().join(what.replace(' ', "-"));
        match restore(&changed, &again) {
            Err(Error::Foreign { seq, .. }) => assert_eq!(seq, at as u64, "{what}"),
            other => panic!("{what}: {other:?}"),
        }
    };
    check("two swapped", 7, &|all| all.swap(7, 8));
    check("one left out", 7, &|all| drop(all.remove(7)));
    check("words changed", 7, &|all| {
        let mut words = all[7].payload.to_vec();
        words[0] ^= 1;
        all[7].payload = words.into();
    });
    check("time changed", 7, &|all| all[7].time_us += 1);
    check("kind changed", 7, &|all| all[7].kind += 1);
    check("salt changed", 7, &|all| all[7].salt[0] ^= 1);
    check("erased with its salt", 7, &|all| {
        all[7].content = Content::Redacted;
    });
    check("longer than it was", 7, &|all| all[7].length += 1);
    check("of an erased one the length", 100, &|all| {
        all[100].length += 1;
    });
    let gap = records.iter().position(|kept| kept.content == Content::Gap);
    let behind = records
        .iter()
        .rposition(|kept| kept.content == Content::Gap)
        .unwrap();
    assert!(gap.is_some());
    check("cut in a gap", behind + 1, &|all| all.truncate(behind + 1));
}

#[test]
fn an_empty_journal_is_restored() {
    let parent = folder();
    let dir = parent.path().join("journal");
    assert_eq!(restore(&[], &dir).unwrap().records, 0);
    assert_eq!(verify(&dir).unwrap().next, 0);
    assert_eq!(open(&dir).report.next, 0);
    assert!(Restore::begin(&dir).is_err(), "nothing is written over");
}

#[test]
fn segments_are_copied_as_they_are() {
    let (_parent, dir) = checkered();
    let report = verify(&dir).unwrap();
    let extents = report.extents;
    assert!(extents.len() > 3);
    assert_eq!(extents.last().unwrap().next, report.next);
    for extent in extents {
        let mut bytes = Vec::new();
        let mut seqs = Vec::new();
        crate::copy(&dir, extent, |piece, kept| {
            bytes.extend_from_slice(piece);
            seqs.extend(kept.map(|kept| kept.seq));
            Ok::<(), Error>(())
        })
        .unwrap();
        let path = crate::files::segment_path(&dir, extent.first);
        assert_eq!(bytes.len() as u64, extent.bytes);
        assert_eq!(bytes, fs::read(path).unwrap());
        assert!(seqs.into_iter().eq(extent.first..extent.next));
    }
}
