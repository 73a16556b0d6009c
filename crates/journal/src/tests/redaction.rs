//! Erasing payloads.

use super::*;
use crate::format::{RECORD_HEADER_LEN, RecordHeader};
use crate::redact::{FILE, Intent};

const SECRET: &str = "a sentence that must be gone";

fn with_secret(dir: &Path) -> (Journal, Position) {
    let journal = open(dir).journal;
    fill(&journal, 40);
    let batch = entries(["before", SECRET, "after"]);
    let position = runtime().block_on(journal.append(batch)).unwrap()[1];
    (journal, position)
}

fn header_at(dir: &Path, seq: u64, offset: u32) -> (u64, RecordHeader) {
    let segments = crate::files::list_segments(dir).unwrap();
    let (first, path) = segments.iter().rfind(|(first, _)| *first <= seq).unwrap();
    let bytes = std::fs::read(path).unwrap();
    let start = usize::try_from(offset).unwrap();
    (
        *first,
        RecordHeader::decode(&bytes[start..start + RECORD_HEADER_LEN]).unwrap(),
    )
}

#[test]
fn a_redacted_payload_is_gone_and_the_chain_verifies() {
    let dir = folder();
    let (journal, position) = with_secret(dir.path());
    let before = journal.read(position).unwrap();
    let salt = header_at(dir.path(), position.seq, position.offset).1.salt;
    let head = verify(dir.path()).unwrap().head;
    assert!(found_on_disk(dir.path(), SECRET.as_bytes()));
    assert!(found_on_disk(dir.path(), &salt));

    let runtime = runtime();
    runtime.block_on(journal.redact(position.seq)).unwrap();
    runtime.block_on(journal.redact(position.seq)).unwrap();

    assert!(!found_on_disk(dir.path(), SECRET.as_bytes()));
    assert!(!found_on_disk(dir.path(), &salt));
    let after = journal.read(position).unwrap();
    assert!(after.redacted && after.payload.is_empty());
    assert_eq!(after.commitment, before.commitment);
    assert_eq!(
        (after.seq, after.time_us, after.kind),
        (before.seq, before.time_us, before.kind)
    );
    assert_eq!(journal.read_seq(position.seq).unwrap(), Some(after.clone()));
    assert!(collect(&journal).unwrap().contains(&after));
    let report = verify(dir.path()).unwrap();
    assert_eq!((report.redacted, report.head), (1, head));

    fill(&journal, 30);
    drop(journal);
    let journal = open(dir.path()).journal;
    assert_eq!(journal.read(position).unwrap(), after);
    assert_eq!(verify(dir.path()).unwrap().redacted, 1);
}

#[test]
fn records_that_are_not_there_cannot_be_redacted() {
    let dir = folder();
    let journal = open(dir.path()).journal;
    fill(&journal, 100);
    let first = journal.trim(60).unwrap();
    runtime().block_on(async {
        assert!(matches!(
            journal.redact(100).await,
            Err(Error::NotWritten { .. })
        ));
        assert!(matches!(
            journal.redact(first - 1).await,
            Err(Error::Trimmed { .. })
        ));
        journal.redact(first).await.unwrap();
    });
}

#[test]
fn a_crash_at_any_byte_of_a_redaction_is_made_good() {
    let dir = folder();
    let (journal, position) = with_secret(dir.path());
    let (segment, header) = header_at(dir.path(), position.seq, position.offset);
    drop(journal);
    let intent = Intent::new(segment, u64::from(position.offset), &header);
    let path = crate::files::segment_path(dir.path(), segment);
    let whole = std::fs::read(&path).unwrap();
    intent.apply(dir.path()).unwrap();
    let done = std::fs::read(&path).unwrap();

    let start = usize::try_from(position.offset).unwrap();
    let end = start + RECORD_HEADER_LEN + SECRET.len();
    for cut in (start..=end).step_by(5) {
        // The disk has a part of the new bytes, and the rest of the old ones.
        std::fs::write(&path, [&done[..cut], &whole[cut..]].concat()).unwrap();
        intent.write(dir.path()).unwrap();
        let journal = open(dir.path()).journal;
        assert!(journal.read(position).unwrap().redacted);
        assert!(!found_on_disk(dir.path(), SECRET.as_bytes()));
        assert!(!dir.path().join(FILE).exists());
        assert_eq!(verify(dir.path()).unwrap().redacted, 1);
    }
}

#[test]
fn an_intent_that_is_not_whole_changes_nothing() {
    let dir = folder();
    let (journal, position) = with_secret(dir.path());
    let (segment, header) = header_at(dir.path(), position.seq, position.offset);
    drop(journal);
    Intent::new(segment, u64::from(position.offset), &header)
        .write(dir.path())
        .unwrap();
    let intent = std::fs::read(dir.path().join(FILE)).unwrap();
    for cut in 0..intent.len() {
        std::fs::write(dir.path().join(FILE), &intent[..cut]).unwrap();
        let journal = open(dir.path()).journal;
        assert_eq!(journal.read(position).unwrap().payload, SECRET);
        assert!(!dir.path().join(FILE).exists());
    }
}

#[test]
fn reading_during_redactions_never_fails() {
    let dir = folder();
    let journal = open(dir.path()).journal;
    let positions = fill(&journal, 300);
    let reader = {
        let (journal, positions) = (journal.clone(), positions.clone());
        std::thread::spawn(move || {
            for _ in 0..5 {
                for position in &positions {
                    let record = journal.read(*position).unwrap();
                    assert!(record.redacted || record.payload == payload(position.seq));
                }
                assert_eq!(collect(&journal).unwrap().len(), 300);
            }
        })
    };
    let runtime = runtime();
    for seq in (0..300).step_by(3) {
        runtime.block_on(journal.redact(seq)).unwrap();
    }
    reader.join().unwrap();
    assert_eq!(verify(dir.path()).unwrap().redacted, 100);
}
