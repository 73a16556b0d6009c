//! Ends that a crash leaves: torn writes, half-made segments, interrupted trims.

use std::fs;

use super::*;
use crate::mark::{Mark, MarkFile};

/// A journal whose mark is behind, as it is after a crash, and the length before its last write.
fn crashed(dir: &Path, last: Vec<Entry>) -> u64 {
    let journal = open(dir).journal;
    fill(&journal, 4);
    drop(journal);
    let mark = fs::read(dir.join(crate::mark::FILE)).unwrap();
    let length = fs::metadata(last_segment(dir)).unwrap().len();
    let journal = open(dir).journal;
    runtime().block_on(journal.append(last)).unwrap();
    drop(journal);
    fs::write(dir.join(crate::mark::FILE), mark).unwrap();
    length
}

#[test]
fn a_torn_write_is_cut_at_the_last_whole_record_and_reported() {
    let dir = folder();
    let start = crashed(dir.path(), entries(["first of three", "second", "third"]));
    let segment = last_segment(dir.path());
    let whole = fs::read(&segment).unwrap();
    let start = usize::try_from(start).unwrap();
    let mark = fs::read(dir.path().join(crate::mark::FILE)).unwrap();
    for end in start..whole.len() {
        fs::write(&segment, &whole[..end]).unwrap();
        fs::write(dir.path().join(crate::mark::FILE), &mark).unwrap();
        let opened = open(dir.path());
        let kept = fs::metadata(&segment).unwrap().len();
        let report = opened.report;
        assert!((4..7).contains(&report.next));
        match report.torn {
            Some(torn) => {
                assert_eq!(torn.segment, segment);
                assert_eq!((torn.at, torn.at + torn.bytes), (kept, end as u64));
            }
            None => assert_eq!(kept, end as u64),
        }
        assert_eq!(collect(&opened.journal).unwrap().len() as u64, report.next);
        drop(opened.journal);
        assert_eq!(open(dir.path()).report.torn, None);
    }
}

#[test]
fn a_torn_write_with_its_front_missing_is_cut_too() {
    let dir = folder();
    let start = crashed(dir.path(), entries(["first of three", "second", "third"]));
    let segment = last_segment(dir.path());
    let mut bytes = fs::read(&segment).unwrap();
    // Pages reach the disk in any order: the later records are whole, the first one is not there.
    let at = usize::try_from(start).unwrap();
    bytes[at..at + 130].fill(0);
    fs::write(&segment, bytes).unwrap();
    let report = open(dir.path()).report;
    assert_eq!(report.next, 4);
    assert_eq!(report.torn.unwrap().at, start);
}

#[test]
fn a_tail_of_zeros_is_cut() {
    let dir = folder();
    fill(&open(dir.path()).journal, 4);
    let segment = last_segment(dir.path());
    let mut bytes = fs::read(&segment).unwrap();
    bytes.resize(bytes.len() + 5000, 0);
    fs::write(&segment, bytes).unwrap();
    let report = open(dir.path()).report;
    assert_eq!((report.next, report.torn.unwrap().bytes), (4, 5000));
}

#[test]
fn a_hole_before_a_later_write_is_damage_even_without_a_mark() {
    let dir = folder();
    let start = crashed(dir.path(), entries(["first of three", "second", "third"]));
    let journal = open(dir.path()).journal;
    runtime()
        .block_on(journal.append(entries(["a later write"])))
        .unwrap();
    drop(journal);
    fs::remove_file(dir.path().join(crate::mark::FILE)).unwrap();
    let segment = last_segment(dir.path());
    let mut bytes = fs::read(&segment).unwrap();
    bytes[usize::try_from(start).unwrap() + 40] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let error = try_open(dir.path()).unwrap_err();
    assert!(matches!(error, Error::Damaged { seq: 4, .. }), "{error}");
}

#[test]
fn text_cannot_look_like_a_record() {
    // A torn record whose payload held a whole later record would pass for damage; JSON can't.
    assert!(String::from_utf8(crate::format::RECORD_MAGIC.to_vec()).is_err());
}

#[test]
fn a_half_made_segment_is_removed() {
    let dir = folder();
    let journal = open(dir.path()).journal;
    fill(&journal, 30);
    drop(journal);
    let header = crate::format::SegmentHeader {
        version: crate::format::FORMAT_VERSION,
        first: 30,
        created_us: 0,
        previous_chain: [0; 32],
        previous_first: 0,
        previous_bytes: 0,
    };
    let path = crate::files::segment_path(dir.path(), 30);
    for length in [0, 1, 50, 95] {
        fs::write(&path, &header.encode()[..length]).unwrap();
        assert_eq!(verify(dir.path()).unwrap().next, 30);
        let opened = open(dir.path());
        assert_eq!(opened.report.next, 30);
        assert!(!path.exists());
    }
    fs::write(&path, [0; 96]).unwrap();
    assert_eq!(open(dir.path()).report.next, 30);
}

#[test]
fn a_half_made_first_segment_is_made_again() {
    let dir = folder();
    fs::create_dir_all(dir.path()).unwrap();
    fs::write(crate::files::segment_path(dir.path(), 0), [0; 10]).unwrap();
    let opened = open(dir.path());
    assert_eq!(opened.report.next, 0);
    fill(&opened.journal, 3);
}

#[test]
fn an_interrupted_trim_is_finished() {
    let dir = folder();
    let journal = open(dir.path()).journal;
    fill(&journal, 200);
    drop(journal);
    let names = crate::files::list_segments(dir.path()).unwrap();
    let mut mark = MarkFile::open(dir.path()).unwrap();
    let first = names[3].0;
    mark.set(Mark { first, next: 200 }).unwrap();
    fs::remove_file(&names[0].1).unwrap();
    assert_eq!(verify(dir.path()).unwrap().first, first);
    let opened = open(dir.path());
    assert_eq!(opened.report.first, first);
    assert!(!names[2].1.exists());
    assert_eq!(verify(dir.path()).unwrap().first, first);
}

#[test]
fn a_journal_without_its_mark_opens() {
    let dir = folder();
    let journal = open(dir.path()).journal;
    fill(&journal, 200);
    let first = journal.trim(100).unwrap();
    drop(journal);
    for content in [None, Some("not a mark")] {
        let path = dir.path().join(crate::mark::FILE);
        fs::remove_file(&path).unwrap();
        if let Some(content) = content {
            fs::write(&path, content).unwrap();
        }
        assert_eq!(verify(dir.path()).unwrap().next, 200);
        let report = open(dir.path()).report;
        assert_eq!((report.first, report.next), (first, 200));
    }
}

#[test]
fn a_mark_survives_the_loss_of_its_newer_slot() {
    let dir = folder();
    let mut mark = MarkFile::open(dir.path()).unwrap();
    for next in 1..6 {
        mark.set(Mark { first: 0, next }).unwrap();
    }
    drop(mark);
    let path = dir.path().join(crate::mark::FILE);
    let whole = fs::read(&path).unwrap();
    assert_eq!(MarkFile::open(dir.path()).unwrap().mark().next, 5);
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!((4..=5).contains(&MarkFile::open(dir.path()).unwrap().mark().next));
    }
}
