//! Reading beside the process that owns the journal.

use super::*;
use crate::Reader;

#[test]
fn reads_what_the_owner_wrote_while_it_is_open() {
    let dir = folder();
    let journal = open(dir.path()).journal;
    assert_eq!(Reader::open(dir.path()).unwrap().count(), 0);
    fill(&journal, 200);
    let mut reader = Reader::open(dir.path()).unwrap();
    let records: Vec<Record> = reader.by_ref().collect::<Result<_, _>>().unwrap();
    assert_eq!(records, collect(&journal).unwrap());
    assert_eq!(reader.bytes(), reader.total_bytes());
}

#[test]
fn an_unfinished_end_is_the_end_and_damage_is_an_error() {
    let dir = folder();
    fill(&open(dir.path()).journal, 200);
    let last = last_segment(dir.path());
    let whole = std::fs::read(&last).unwrap();
    // Half of a record that was never promised.
    let torn = [whole.as_slice(), &whole[whole.len() - 50..]].concat();
    std::fs::write(&last, torn).unwrap();
    assert_eq!(Reader::open(dir.path()).unwrap().flatten().count(), 200);
    let (first, path) = crate::files::list_segments(dir.path()).unwrap().remove(1);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let mut results: Vec<_> = Reader::open(dir.path()).unwrap().collect();
    let error = results.pop().unwrap();
    assert!(matches!(error, Err(Error::Damaged { seq, .. }) if seq >= first));
    assert!(results.iter().all(Result::is_ok));
    std::fs::remove_file(&path).unwrap();
    assert!(
        Reader::open(dir.path())
            .unwrap()
            .any(|record| record.is_err())
    );
}

#[test]
fn the_first_record_since_a_time_is_found() {
    let dir = folder();
    let journal = open(dir.path()).journal;
    assert_eq!(journal.first_since(0).unwrap(), 0);
    fill(&journal, 200);
    journal.trim(100).unwrap();
    let records = collect(&journal).unwrap();
    assert!(journal.first() > 0);
    for time in [records[0].time_us, records[40].time_us, i64::MIN, i64::MAX] {
        for time in [time.saturating_sub(1), time, time.saturating_add(1)] {
            let first = records.iter().find(|record| record.time_us >= time);
            let expected = first.map_or(journal.next(), |record| record.seq);
            assert_eq!(journal.first_since(time).unwrap(), expected, "{time}");
        }
    }
}
