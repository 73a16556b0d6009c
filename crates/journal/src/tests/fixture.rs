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

const REPAIRED: [(u64, &[u8]); 2] = [
    (
        0,
        include_bytes!("../../tests/fixtures/v2/00000000000000000000.seg"),
    ),
    (
        5,
        include_bytes!("../../tests/fixtures/v2/00000000000000000005.seg"),
    ),
];

/// The second version: "one" has lost its payload, "two" and "three" are gone, "two again" brings one
/// of them back.
#[test]
fn the_fixture_of_a_repair_opens() {
    let dir = folder();
    for (first, bytes) in REPAIRED {
        std::fs::write(crate::files::segment_path(dir.path(), first), bytes).unwrap();
    }
    let opened = open(dir.path());
    assert_eq!((opened.report.first, opened.report.next), (0, 7));
    let records = collect(&opened.journal).unwrap();
    let payloads = ["zero", "", "", "", "four", "", "two again"];
    assert!(records.iter().map(|record| &record.payload).eq(&payloads));
    let without: Vec<bool> = records.iter().map(|record| record.redacted).collect();
    assert_eq!(without, [false, true, true, true, false, true, false]);
    let report = verify(dir.path()).unwrap();
    assert_eq!((report.lost, report.gone), (1, 2));
    let range = |first, last, outcome| crate::Repaired {
        first,
        last,
        outcome,
    };
    let ranges = vec![
        range(1, 1, crate::Outcome::Lost),
        range(2, 3, crate::Outcome::Gone),
    ];
    let repair = crate::Repair {
        seq: 5,
        time_us: 1_700_000_000_000_000,
        ranges,
        appended: 1,
    };
    assert_eq!(report.repairs, [repair]);
}

/// Reads what the second version adds without any of the journal's code.
#[test]
fn the_bytes_of_a_repair_are_as_documented() {
    let [(_, segment), (_, note)] = REPAIRED;
    assert_eq!((segment[8], note[8]), (2, 2), "version");
    // Offsets of the records: payloads have 4, 3, 0, 0 and 4 bytes.
    let [lost, gap, end, four] = [96 + 124, 96 + 247, 96 + 367, 96 + 487];
    assert_eq!(
        (segment[lost + 37], &segment[lost + 120..gap]),
        (2, &[0; 3][..])
    );
    assert_eq!((segment[gap + 37], segment[end + 37]), (4, 4));
    assert_eq!(segment[gap + 56..gap + 88], [0; 32]);
    let chain_at = |at: usize| &segment[at + 88..at + 120];
    assert_eq!(
        &segment[end + 56..end + 88],
        chain_at(four),
        "where it resumes"
    );
    let mut input = chain_at(gap).to_vec();
    input.extend_from_slice(&3_u64.to_le_bytes());
    input.extend_from_slice(&segment[end + 24..end + 32]);
    input.extend_from_slice(&[0; 5]);
    input.extend_from_slice(chain_at(four));
    assert_eq!(chain_at(end), &Sha256::digest(input)[..]);

    assert_eq!(note[96 + 37], 8);
    let mut expected = 1_u64.to_le_bytes().to_vec();
    for (from, to, outcome, at) in [(1_u64, 1_u64, 2, lost), (2, 3, 3, end)] {
        expected.extend_from_slice(&from.to_le_bytes());
        expected.extend_from_slice(&to.to_le_bytes());
        expected.push(outcome);
        expected.extend_from_slice(chain_at(at));
    }
    assert_eq!(note[96 + 120..96 + 120 + expected.len()], expected);
}
