//! Random appends, cuts and flipped bits: what is before the damage is read, and nothing wrong is.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Harm {
    Cut { keep: prop::sample::Index },
    Flip { at: prop::sample::Index, bit: u8 },
    Zero { at: prop::sample::Index, length: u8 },
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        any::<prop::sample::Index>().prop_map(|keep| Harm::Cut { keep }),
        (any::<prop::sample::Index>(), 0..8_u8).prop_map(|(at, bit)| Harm::Flip { at, bit }),
        (any::<prop::sample::Index>(), 1..=255_u8)
            .prop_map(|(at, length)| Harm::Zero { at, length }),
    ]
}

fn batches() -> impl Strategy<Value = Vec<Vec<Vec<u8>>>> {
    let payload = prop::collection::vec(any::<u8>(), 0..300);
    prop::collection::vec(prop::collection::vec(payload, 1..6), 1..30)
}

/// Applies the harm and returns the first byte that may be wrong.
fn apply(harm: &Harm, bytes: &mut Vec<u8>) -> usize {
    match harm {
        Harm::Cut { keep } => {
            let keep = keep.index(bytes.len() + 1);
            bytes.truncate(keep);
            keep
        }
        Harm::Flip { at, bit } => {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            at
        }
        Harm::Zero { at, length } => {
            let at = at.index(bytes.len());
            let end = bytes.len().min(at + usize::from(*length));
            bytes[at..end].fill(0);
            at
        }
    }
}

/// Writes the batches and returns what was written, with the segment and the end of each record.
fn write(dir: &Path, batches: Vec<Vec<Vec<u8>>>) -> Vec<(Record, u64)> {
    let journal = open(dir).journal;
    runtime().block_on(async {
        for batch in batches {
            journal
                .append(batch.iter().map(entry).collect())
                .await
                .unwrap();
        }
    });
    let records = collect(&journal).unwrap();
    let end = |record: &Record| {
        u64::from(record.position.offset)
            + crate::format::RECORD_HEADER
            + record.payload.len() as u64
    };
    records
        .into_iter()
        .map(|record| (record.clone(), end(&record)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_wrong_is_ever_returned(
        batches in batches(),
        which in any::<prop::sample::Index>(),
        harm in harm(),
        has_mark in any::<bool>(),
    ) {
        let dir = folder();
        let written = write(dir.path(), batches);
        let segments = crate::files::list_segments(dir.path()).unwrap();
        let (first, path) = &segments[which.index(segments.len())];
        let mut bytes = std::fs::read(path).unwrap();
        let original = bytes.clone();
        let from = apply(&harm, &mut bytes) as u64;
        let is_changed = bytes != original;
        std::fs::write(path, bytes).unwrap();
        if !has_mark {
            std::fs::remove_file(dir.path().join(crate::mark::FILE)).unwrap();
        }
        // The records of earlier segments, and those of this one that end before the harm.
        let sound = written
            .iter()
            .filter(|(record, end)| record.seq < *first || *end <= from)
            .take_while(|(record, _)| record.seq < *first || from >= 96)
            .filter(|(record, _)| {
                let next = segments.iter().map(|(first, _)| *first).find(|next| next > first);
                next.is_none_or(|next| record.seq < next)
            })
            .count();

        let verified = verify(dir.path());
        match try_open(dir.path()) {
            Ok(opened) => {
                let read: Vec<_> = opened.journal.iter(0).take(written.len() + 1).collect();
                let right = read.iter().take_while(|record| record.is_ok()).count();
                prop_assert!(right >= sound, "{right} read of {sound} sound ones");
                for (read, (written, _)) in read.iter().flatten().zip(&written) {
                    prop_assert_eq!(read, written);
                }
                for (written, _) in &written {
                    if let Ok(read) = opened.journal.read(written.position) {
                        prop_assert_eq!(&read, written);
                    }
                    if let Ok(Some(read)) = opened.journal.read_seq(written.seq) {
                        prop_assert_eq!(&read, written);
                    }
                }
                if has_mark && opened.report.torn.is_some() {
                    prop_assert!(false, "something durable was cut");
                }
                if is_changed && has_mark {
                    prop_assert!(verified.is_err(), "verify saw nothing");
                }
            }
            Err(Error::Damaged { seq, .. }) => {
                prop_assert!(is_changed);
                prop_assert!(seq >= sound as u64, "record {seq} is sound: {sound}");
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
    }

    #[test]
    fn arbitrary_bytes_are_never_a_record(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let dir = folder();
        fill(&open(dir.path()).journal, 3);
        let path = last_segment(dir.path());
        let mut content = std::fs::read(&path).unwrap();
        let end = content.len() as u64;
        content.extend_from_slice(&bytes);
        std::fs::write(&path, content).unwrap();
        let report = open(dir.path()).report;
        prop_assert_eq!(report.next, 3);
        prop_assert_eq!(report.torn.map(|torn| (torn.at, torn.bytes)),
            (!bytes.is_empty()).then_some((end, bytes.len() as u64)));
    }
}
