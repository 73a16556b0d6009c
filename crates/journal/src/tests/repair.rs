//! A damaged journal is repaired: what is whole stays, what is proven comes back, the rest is said.

use std::collections::HashMap;
use std::fs;

use super::*;
use crate::format::{Content, Links, RECORD_HEADER_LEN, RecordHeader};
use crate::{Known, Lock, Outcome, Repair, Survey};

const COUNT: u64 = 150;
/// The record that was erased before.
const REDACTED: u64 = 23;

fn survey(dir: &Path, next: u64) -> Survey {
    let known = Known {
        next,
        ..Known::NOTHING
    };
    crate::survey(dir, known, &mut |_| {}).unwrap()
}

/// Repairs a journal with the given payloads, and appends one entry where something is gone.
fn repair(dir: &Path, known: u64, restored: &HashMap<u64, Bytes>) -> Repair {
    let lock = lock(dir);
    let survey = survey(dir, known);
    let gone = |damage: &crate::Damage| damage.lost.is_none() && damage.last.is_some();
    let appended = if survey.damage.iter().any(gone) {
        entries(["what is brought back"])
    } else {
        Vec::new()
    };
    crate::repair(lock, &survey, restored, appended, &clock())
        .unwrap()
        .repair
}

/// Takes the lock, which a process that another test starts may have for a moment; see [`try_open`].
fn lock(dir: &Path) -> Lock {
    loop {
        match Lock::take(dir) {
            Err(Error::Locked { .. }) => std::thread::sleep(std::time::Duration::from_millis(10)),
            lock => return lock.unwrap(),
        }
    }
}

/// A filled journal in a folder of its own within another one, where it can be set aside.
fn filled() -> (TempDir, std::path::PathBuf) {
    let parent = folder();
    let dir = parent.path().join("journal");
    let journal = open(&dir).journal;
    fill(&journal, COUNT);
    runtime().block_on(journal.redact(REDACTED)).unwrap();
    drop(journal);
    (parent, dir)
}

/// A damaged copy of a journal.
fn copy_of(dir: &Path) -> (TempDir, std::path::PathBuf) {
    let parent = folder();
    let copy = parent.path().join("journal");
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.join(path.file_name().unwrap())).unwrap();
    }
    (parent, copy)
}

fn segments(dir: &Path) -> Vec<std::path::PathBuf> {
    let names = crate::files::list_segments(dir).unwrap();
    names.into_iter().map(|(_, path)| path).collect()
}

fn payloads() -> HashMap<u64, Bytes> {
    (0..COUNT).map(|seq| (seq, payload(seq).into())).collect()
}

/// Checks a repaired journal: it verifies and says what was done, what it has is what was written,
/// and it goes on. Returns the sequences that have no content any more.
fn check(dir: &Path, repair: &Repair) -> Vec<u64> {
    let report = verify(dir).unwrap();
    assert_eq!(report.repairs.last(), Some(repair));
    let mut missing = Vec::new();
    let opened = open(dir);
    let records = collect(&opened.journal).unwrap();
    assert!(records.iter().map(|record| record.seq).eq(0..report.next));
    for record in records.iter().take(usize::try_from(COUNT).unwrap()) {
        if record.redacted {
            missing.push(record.seq);
        } else {
            assert_eq!(record.payload, payload(record.seq), "{}", record.seq);
        }
        assert_eq!(
            opened.journal.read_seq(record.seq).unwrap().unwrap(),
            *record
        );
    }
    missing.retain(|seq| *seq != REDACTED);
    let declared = |seq: &u64| {
        let holds = |range: &crate::Repaired| {
            range.outcome != Outcome::Restored && (range.first..=range.last).contains(seq)
        };
        repair.ranges.iter().any(holds)
    };
    assert!(missing.iter().all(declared), "{missing:?}: {repair:?}");
    fill(&opened.journal, 9);
    drop(opened);
    assert_eq!(verify(dir).unwrap().next, report.next + 9);
    assert!(survey(dir, 0).is_whole());
    missing
}

#[test]
fn a_whole_journal_has_no_damage() {
    let (_parent, dir) = filled();
    let mut visited = Vec::new();
    let survey = crate::survey(&dir, Known::NOTHING, &mut |record| visited.push(record)).unwrap();
    assert!(survey.is_whole(), "{:?}", survey.damage);
    assert_eq!(
        (survey.first, survey.next, survey.unfinished_bytes),
        (0, COUNT, 0)
    );
    assert_eq!(visited, collect(&open(&dir).journal).unwrap());
}

#[test]
fn any_flipped_byte_costs_one_record_at_most() {
    let (_parent, dir) = filled();
    for (place, path) in segments(&dir).iter().enumerate() {
        let length = fs::metadata(path).unwrap().len();
        for at in (0..usize::try_from(length).unwrap()).step_by(131) {
            let (_copy, copy) = copy_of(&dir);
            let damaged = &segments(&copy)[place];
            let mut bytes = fs::read(damaged).unwrap();
            bytes[at] ^= 4;
            fs::write(damaged, bytes).unwrap();
            let before = survey(&copy, 0);
            assert!(!before.is_whole(), "{path:?} {at}");
            let done = repair(&copy, 0, &HashMap::new());
            let missing = check(&copy, &done);
            assert!(missing.len() <= 1, "{path:?} {at}: {missing:?}");
        }
    }
}

#[test]
fn a_payload_that_its_commitment_proves_is_restored_bit_by_bit() {
    let (_parent, dir) = filled();
    for seq in [0, REDACTED - 1, REDACTED, 77, COUNT - 1] {
        let (_copy, copy) = copy_of(&dir);
        let position = open(&copy).journal.read_seq(seq).unwrap().unwrap().position;
        let first = crate::files::list_segments(&copy).unwrap();
        let (_, path) = first.iter().rfind(|(first, _)| *first <= seq).unwrap();
        let whole = fs::read(path).unwrap();
        let mut bytes = whole.clone();
        bytes[usize::try_from(position.offset).unwrap() + RECORD_HEADER_LEN + 5] ^= 1;
        fs::write(path, bytes).unwrap();
        // What is proven is taken from among what is not.
        let mut restored = payloads();
        let done = repair(&copy, 0, &restored);
        assert_eq!(done.ranges.len(), 1);
        assert_eq!(done.ranges[0].outcome, Outcome::Restored);
        assert_eq!(fs::read(path).unwrap(), whole, "{seq}");
        assert_eq!(check(&copy, &done), []);

        if seq != REDACTED {
            let (_copy, copy) = copy_of(&dir);
            let path = copy.join(path.file_name().unwrap());
            let mut bytes = whole;
            bytes[usize::try_from(position.offset).unwrap() + RECORD_HEADER_LEN + 5] ^= 1;
            fs::write(path, bytes).unwrap();
            restored.insert(seq, Bytes::from_static(b"something else"));
            let done = repair(&copy, 0, &restored);
            assert_eq!(check(&copy, &done), [seq]);
        }
    }
}

#[test]
fn missing_segments_and_cut_ends_are_said() {
    let (_parent, dir) = filled();
    let n_segments = segments(&dir).len();
    for place in 0..n_segments {
        let (_copy, copy) = copy_of(&dir);
        fs::remove_file(&segments(&copy)[place]).unwrap();
        let done = repair(&copy, 0, &payloads());
        assert_eq!(done.ranges.len(), 1);
        assert_eq!((done.ranges[0].outcome, done.appended), (Outcome::Gone, 1));
        assert!(!check(&copy, &done).is_empty());

        for cut in [1, 64, 1_500] {
            let (_copy, copy) = copy_of(&dir);
            let path = &segments(&copy)[place];
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            let length = file.metadata().unwrap().len();
            file.set_len(length.saturating_sub(cut)).unwrap();
            drop(file);
            let done = repair(&copy, 0, &HashMap::new());
            assert!(!check(&copy, &done).is_empty(), "{place} {cut}");
        }
    }
    // The first, and the mark: whoever never trims knows that there was one.
    let (_copy, copy) = copy_of(&dir);
    fs::remove_file(&segments(&copy)[0]).unwrap();
    fs::remove_file(copy.join(crate::mark::FILE)).unwrap();
    let known = Known {
        first: 0,
        ..Known::NOTHING
    };
    let survey_of_all = crate::survey(&copy, known, &mut |_| {}).unwrap();
    assert_eq!((survey_of_all.first, survey_of_all.damage[0].first), (0, 0));
    // All of it, and the mark too: only somebody else knows how much there was.
    let (_copy, copy) = copy_of(&dir);
    for path in segments(&copy) {
        fs::remove_file(path).unwrap();
    }
    fs::remove_file(copy.join(crate::mark::FILE)).unwrap();
    assert!(survey(&copy, 0).is_whole());
    let done = repair(&copy, COUNT, &HashMap::new());
    assert_eq!(check(&copy, &done).len() as u64, COUNT - 1);
}

#[test]
fn an_interrupted_write_is_no_damage() {
    let (_parent, dir) = filled();
    let path = last_segment(&dir);
    let mut bytes = fs::read(&path).unwrap();
    bytes.resize(bytes.len() + 200, 0);
    fs::write(&path, bytes).unwrap();
    let found = survey(&dir, 0);
    assert!(found.is_whole());
    assert_eq!(found.unfinished_bytes, 200);
}

#[test]
fn a_repaired_journal_is_repaired_again() {
    let (_parent, dir) = filled();
    let n_segments = segments(&dir).len();
    fs::remove_file(&segments(&dir)[1]).unwrap();
    repair(&dir, 0, &HashMap::new());
    // The segment that was left out, its neighbours, and the one that declares it.
    for place in [0, 1, 2, n_segments] {
        let (_copy, copy) = copy_of(&dir);
        fs::remove_file(&segments(&copy)[place]).unwrap();
        let done = repair(&copy, 0, &HashMap::new());
        check(&copy, &done);
        let (_copy, copy) = copy_of(&dir);
        let damaged = &segments(&copy)[place];
        for at in [50, 96 + 60, 96 + 120 + 60] {
            let mut bytes = fs::read(damaged).unwrap();
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1;
            }
            fs::write(damaged, bytes).unwrap();
        }
        let done = repair(&copy, 0, &HashMap::new());
        check(&copy, &done);
    }
}

#[test]
fn a_trimmed_journal_is_repaired() {
    let (_parent, dir) = filled();
    let first = open(&dir).journal.trim(80).unwrap();
    for damage in [0, 40, 110] {
        let (_copy, copy) = copy_of(&dir);
        let damaged = &segments(&copy)[0];
        let mut bytes = fs::read(damaged).unwrap();
        bytes[damage] ^= 1;
        fs::write(damaged, bytes).unwrap();
        if damage == 40 {
            let error = crate::repair(
                lock(&copy),
                &survey(&copy, 0),
                &HashMap::new(),
                Vec::new(),
                &clock(),
            );
            assert!(error.is_err(), "the chain before it is nowhere else");
            continue;
        }
        repair(&copy, 0, &HashMap::new());
        assert_eq!(verify(&copy).unwrap().first, first);
    }
    let (_copy, copy) = copy_of(&dir);
    fs::remove_file(&segments(&copy)[0]).unwrap();
    let done = repair(&copy, 0, &HashMap::new());
    assert_eq!(done.ranges[0].first, first);
    let report = verify(&copy).unwrap();
    assert_eq!(report.first, done.ranges[0].last + 1);
    assert_eq!(open(&copy).report.next, report.next);
}

#[test]
fn the_damaged_journal_is_kept_and_a_running_one_refused() {
    let (_parent, dir) = filled();
    let path = segments(&dir)[2].clone();
    let mut bytes = fs::read(&path).unwrap();
    bytes[200] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let held = lock(&dir);
    let survey = survey(&dir, 0);
    assert!(matches!(Lock::take(&dir), Err(Error::Locked { .. })));
    let done = crate::repair(held, &survey, &HashMap::new(), Vec::new(), &clock()).unwrap();
    assert_eq!(done.set_aside, dir.with_file_name("journal.damaged-1"));
    let kept = done.set_aside.join(path.file_name().unwrap());
    assert_eq!(fs::read(kept).unwrap(), bytes);
    verify(&dir).unwrap();
}

#[test]
fn a_change_by_hand_is_not_repaired() {
    let (_parent, dir) = filled();
    let (_other, other) = filled();
    let name = segments(&dir)[1].clone();
    fs::copy(other.join(name.file_name().unwrap()), &name).unwrap();
    let error = crate::survey(&dir, Known::NOTHING, &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("no accident"), "{error}");
}

#[test]
fn a_gap_that_no_repair_declares_is_damage() {
    let (_parent, dir) = filled();
    fs::remove_file(&segments(&dir)[1]).unwrap();
    repair(&dir, 0, &HashMap::new());
    verify(&dir).unwrap();
    // Somebody changes what comes before the gap, and makes new hashes up to it.
    let path = &segments(&dir)[1];
    let mut bytes = fs::read(path).unwrap();
    let before = crate::open::read_header(path, first_of(path)).unwrap();
    let mut links = Links::new(before.previous_chain);
    let mut at = 96;
    while at < bytes.len() {
        let mut header = RecordHeader::decode(&bytes[at..]).unwrap();
        assert_eq!(header.content, Content::Gap);
        header.time_us += 1;
        header.chain = links.next(&header);
        links = Links::at(&header);
        let mut encoded = Vec::new();
        header.encode(&mut encoded);
        bytes[at..at + RECORD_HEADER_LEN].copy_from_slice(&encoded);
        at += RECORD_HEADER_LEN;
    }
    fs::write(path, &bytes).unwrap();
    let next = &segments(&dir)[2];
    let mut bytes = fs::read(next).unwrap();
    bytes[32..64].copy_from_slice(&links.head);
    let crc = crc32c::crc32c(&bytes[..92]);
    bytes[92..96].copy_from_slice(&crc.to_le_bytes());
    fs::write(next, bytes).unwrap();
    let error = verify(&dir).unwrap_err();
    assert!(error.to_string().contains("no repair says so"), "{error}");
}

fn first_of(path: &Path) -> u64 {
    path.file_stem().unwrap().to_str().unwrap().parse().unwrap()
}
