//! A segment that version 1 wrote stays readable, and is what `docs/journal-format.md` says.

use sha2::{Digest as _, Sha256};

use super::*;

const SEGMENT: &[u8] = include_bytes!("../../tests/fixtures/v1/00000000000000000000.seg");
const PAYLOADS: [&str; 3] = ["first", "", "{\"comment\":\"déjà vu\"}"];

#[test]
fn the_fixture_opens() {
    let dir = folder();
    std::fs::write(crate::files::segment_path(dir.path(), 0), SEGMENT).unwrap();
    let opened = open(dir.path());
    assert_eq!((opened.report.first, opened.report.next), (0, 3));
    assert_eq!(opened.report.torn, None);
    let records = collect(&opened.journal).unwrap();
    assert!(records.iter().map(|record| &record.payload).eq(&PAYLOADS));
    assert_eq!(records[0].time_us, 1_700_000_001_000_000);
    assert_eq!(verify(dir.path()).unwrap().records, 3);
    fill(&opened.journal, 5);
    assert_eq!(verify(dir.path()).unwrap().records, 8);
}

/// Reads the fixture without any of the journal's code.
#[test]
fn the_bytes_are_as_documented() {
    let u16_at = |at: usize| u16::from_le_bytes(SEGMENT[at..at + 2].try_into().unwrap());
    let u32_at = |at: usize| u32::from_le_bytes(SEGMENT[at..at + 4].try_into().unwrap());
    let u64_at = |at: usize| u64::from_le_bytes(SEGMENT[at..at + 8].try_into().unwrap());
    assert_eq!(&SEGMENT[..8], b"\x89STOAJ\r\n");
    assert_eq!(u16_at(8), 1);
    assert_eq!(SEGMENT[10..16], [0; 6]);
    assert_eq!(u64_at(16), 0, "first sequence");
    assert_eq!(u64_at(24), 1_700_000_000_000_000, "created");
    assert_eq!(SEGMENT[32..64], [0; 32], "chain hash before");
    assert_eq!((u64_at(64), u64_at(72)), (0, 0), "previous segment");
    assert_eq!(SEGMENT[80..92], [0; 12]);
    assert_eq!(u32_at(92), crc32c::crc32c(&SEGMENT[..92]));

    let mut at = 96;
    let mut chain = [0; 32];
    for (seq, payload) in (0_u64..).zip(PAYLOADS) {
        assert_eq!(&SEGMENT[at..at + 4], [0xF7, b'r', b'c', 0xFF]);
        assert_eq!(u32_at(at + 4), crc32c::crc32c(&SEGMENT[at + 8..at + 120]));
        assert_eq!(u32_at(at + 8), crc32c::crc32c(payload.as_bytes()));
        assert_eq!(u32_at(at + 12) as usize, payload.len());
        assert_eq!(u64_at(at + 16), seq);
        let time = u64_at(at + 24);
        assert_eq!(
            u64::from(u32_at(at + 32)),
            seq.saturating_sub(1),
            "place in its write"
        );
        assert_eq!(SEGMENT[at + 36..at + 40], [7, 0, 0, 0], "kind, flags");
        let salt = &SEGMENT[at + 40..at + 56];
        let commitment = &SEGMENT[at + 56..at + 88];
        assert_eq!(
            commitment,
            &Sha256::digest([salt, payload.as_bytes()].concat())[..]
        );
        let mut input = chain.to_vec();
        input.extend_from_slice(&seq.to_le_bytes());
        input.extend_from_slice(&time.to_le_bytes());
        input.push(7);
        input.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_le_bytes());
        input.extend_from_slice(commitment);
        chain = Sha256::digest(input).into();
        assert_eq!(SEGMENT[at + 88..at + 120], chain);
        assert_eq!(
            &SEGMENT[at + 120..at + 120 + payload.len()],
            payload.as_bytes()
        );
        at += 120 + payload.len();
    }
    assert_eq!(at, SEGMENT.len());
}
