//! What is missing or changed is named, and nothing is cut that was durable.

use std::fs;

use super::*;

fn flip(path: &Path, at: u64) {
    let mut bytes = fs::read(path).unwrap();
    bytes[usize::try_from(at).unwrap()] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

fn filled(count: u64) -> (TempDir, Vec<Position>) {
    let dir = folder();
    let journal = open(dir.path()).journal;
    let positions = fill(&journal, count);
    drop(journal);
    (dir, positions)
}

#[test]
fn damage_in_the_last_segment_is_named_with_its_place() {
    let (dir, positions) = filled(200);
    let segment = last_segment(dir.path());
    let target = positions[196];
    flip(&segment, u64::from(target.offset) + 130);
    let before = fs::read(&segment).unwrap();
    let error = try_open(dir.path()).unwrap_err();
    let text = error.to_string();
    let Error::Damaged {
        segment: named,
        seq,
        offset,
        ..
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!(
        (named, seq, offset),
        (segment.clone(), 196, u64::from(target.offset))
    );
    assert!(text.contains("stoa archive verify"), "{text}");
    assert_eq!(fs::read(&segment).unwrap(), before, "nothing is changed");
    assert!(matches!(
        verify(dir.path()),
        Err(Error::Damaged { seq: 196, .. })
    ));
}

#[test]
fn damage_in_a_full_segment_is_found_by_reading_and_verifying() {
    let (dir, positions) = filled(200);
    let first = crate::files::list_segments(dir.path()).unwrap()[1].0;
    let target = positions[usize::try_from(first + 2).unwrap()];
    flip(
        &crate::files::segment_path(dir.path(), first),
        u64::from(target.offset) + 125,
    );
    let journal = open(dir.path()).journal;
    let seq = first + 2;
    assert!(matches!(journal.read(target), Err(Error::Damaged { seq: at, .. }) if at == seq));
    assert!(matches!(verify(dir.path()), Err(Error::Damaged { seq: at, .. }) if at == seq));
    let read: Vec<_> = journal.iter(0).take_while(Result::is_ok).collect();
    assert_eq!(read.len() as u64, seq);
    assert_eq!(
        journal.read_seq(seq + 1).unwrap().unwrap().payload,
        payload(seq + 1)
    );
}

#[test]
fn a_cut_end_below_the_mark_is_damage() {
    for lost in [1, 64, 700, 3000] {
        let (dir, _) = filled(200);
        let segment = last_segment(dir.path());
        let length = fs::metadata(&segment).unwrap().len();
        let file = fs::OpenOptions::new().write(true).open(&segment).unwrap();
        file.set_len(length.saturating_sub(lost)).unwrap();
        let error = try_open(dir.path()).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
        assert!(matches!(verify(dir.path()), Err(Error::Damaged { .. })));
    }
}

#[test]
fn a_missing_segment_is_damage_wherever_it_was() {
    let (dir, _) = filled(200);
    let names = crate::files::list_segments(dir.path()).unwrap();
    for (first, path) in &names {
        let content = fs::read(path).unwrap();
        fs::remove_file(path).unwrap();
        let error = try_open(dir.path()).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{first}: {error}");
        assert!(
            matches!(verify(dir.path()), Err(Error::Damaged { .. })),
            "{first}"
        );
        fs::write(path, content).unwrap();
    }
    assert_eq!(open(dir.path()).report.next, 200);
}

#[test]
fn a_full_segment_of_another_length_is_damage() {
    let (dir, _) = filled(200);
    let (first, path) = crate::files::list_segments(dir.path()).unwrap()[1].clone();
    let content = fs::read(&path).unwrap();
    fs::write(&path, &content[..content.len() - 1]).unwrap();
    let error = try_open(dir.path()).unwrap_err();
    assert!(
        matches!(error, Error::Damaged { seq, .. } if seq > first),
        "{error}"
    );
    fs::write(&path, [&content[..], b"\0"].concat()).unwrap();
    let error = try_open(dir.path()).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
}

#[test]
fn a_swapped_segment_is_damage() {
    let (dir, _) = filled(200);
    let names = crate::files::list_segments(dir.path()).unwrap();
    fs::copy(&names[1].1, &names[2].1).unwrap();
    let error = try_open(dir.path()).unwrap_err();
    assert!(matches!(error, Error::Damaged { offset: 0, .. }), "{error}");
}

#[test]
fn a_segment_of_another_journal_breaks_the_chain() {
    let (dir, _) = filled(60);
    let (other, _) = filled(60);
    let name = crate::files::list_segments(dir.path()).unwrap()[1].0;
    let path = |dir: &Path| crate::files::segment_path(dir, name);
    fs::copy(path(other.path()), path(dir.path())).unwrap();
    assert!(matches!(verify(dir.path()), Err(Error::Damaged { .. })));
}

#[test]
fn a_newer_format_is_named() {
    let (dir, _) = filled(1);
    let path = last_segment(dir.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes[8..10].copy_from_slice(&9_u16.to_le_bytes());
    let crc = crc32c::crc32c(&bytes[..92]);
    bytes[92..96].copy_from_slice(&crc.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let error = try_open(dir.path()).unwrap_err();
    assert!(matches!(
        error,
        Error::FormatVersion {
            found: 9,
            supported: 2,
            ..
        }
    ));
    assert!(error.to_string().contains("use the version that wrote it"));
}

#[test]
fn a_changed_record_with_right_checksums_breaks_the_chain() {
    use crate::format::{RECORD_HEADER_LEN, RecordHeader};
    let (dir, positions) = filled(200);
    let target = positions[197];
    let path = last_segment(dir.path());
    let mut bytes = fs::read(&path).unwrap();
    let start = usize::try_from(target.offset).unwrap();
    let body = start + RECORD_HEADER_LEN;
    let mut header = RecordHeader::decode(&bytes[start..]).unwrap();
    bytes[body] ^= 1;
    let end = body + usize::try_from(header.length).unwrap();
    header.payload_crc = crc32c::crc32c(&bytes[body..end]);
    let mut encoded = Vec::new();
    header.encode(&mut encoded);
    bytes[start..body].copy_from_slice(&encoded);
    fs::write(&path, &bytes).unwrap();
    let error = verify(dir.path()).unwrap_err();
    assert!(matches!(error, Error::Damaged { seq: 197, .. }), "{error}");

    // With a commitment to match, it is the chain that tells.
    header.commitment = crate::format::commitment(&header.salt, &bytes[body..end]);
    encoded.clear();
    header.encode(&mut encoded);
    bytes[start..body].copy_from_slice(&encoded);
    fs::write(&path, &bytes).unwrap();
    let error = try_open(dir.path()).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Damaged {
                reason: "the chain is broken",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn damage_is_found_while_the_journal_is_in_use() {
    let (dir, positions) = filled(200);
    let journal = open(dir.path()).journal;
    let first = crate::files::list_segments(dir.path()).unwrap()[1].0;
    let target = positions[usize::try_from(first + 2).unwrap()];
    flip(
        &crate::files::segment_path(dir.path(), first),
        u64::from(target.offset) + 125,
    );
    let error = runtime().block_on(journal.damaged(Arc::new(|| 7)));
    assert_eq!(journal.verified_us(), None);
    assert!(
        matches!(error, Error::Damaged { seq, .. } if seq == first + 2),
        "{error}"
    );
}

#[test]
fn when_a_whole_journal_was_verified_is_known() {
    let (dir, _) = filled(20);
    let journal = open(dir.path()).journal;
    assert_eq!(journal.verified_us(), None);
    runtime().block_on(async {
        let damaged = journal.damaged(Arc::new(|| 7));
        let looked = async {
            while journal.verified_us().is_none() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            error = damaged => panic!("{error}"),
            () = looked => {}
        }
    });
    assert_eq!(journal.verified_us(), Some(7));
}
