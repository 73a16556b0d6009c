//! Appending, reading, rolling, trimming, and what a failing disk does.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::files::{Disk, RealDisk, Sink};

#[test]
fn what_was_appended_is_read_in_every_way() {
    let dir = folder();
    let journal = open(dir.path()).journal;
    let positions = fill(&journal, 300);
    assert!(positions.iter().map(|position| position.seq).eq(0..300));
    assert!(crate::files::list_segments(dir.path()).unwrap().len() > 5);
    let all = collect(&journal).unwrap();
    assert_eq!(all.len(), 300);
    for (seq, position) in (0..).zip(positions) {
        let record = journal.read(position).unwrap();
        assert_eq!(record.seq, seq);
        assert_eq!(record.kind, 7);
        assert_eq!(record.payload, payload(seq));
        assert_eq!(record, all[usize::try_from(seq).unwrap()]);
        assert_eq!(journal.read_seq(seq).unwrap(), Some(record));
    }
    assert_eq!(journal.read_seq(300).unwrap(), None);
    assert!(matches!(
        journal.read(Position {
            seq: 300,
            offset: 96
        }),
        Err(Error::NotWritten {
            seq: 300,
            next: 300
        })
    ));
    assert_eq!(*journal.durable().borrow(), 300);
    let report = verify(dir.path()).unwrap();
    assert_eq!((report.records, report.next), (300, 300));
    assert_eq!(report.bytes, journal.bytes());
}

#[test]
fn reading_from_the_back_of_a_large_segment_works_and_is_remembered() {
    let dir = folder();
    let options = Options::default();
    let journal = Journal::open(dir.path(), options, clock()).unwrap().journal;
    fill(&journal, 1000);
    for seq in [999, 0, 640, 639, 641, 998] {
        assert_eq!(
            journal.read_seq(seq).unwrap().unwrap().payload,
            payload(seq)
        );
    }
}

#[test]
fn a_wrong_position_is_refused() {
    let dir = folder();
    let journal = open(dir.path()).journal;
    let positions = fill(&journal, 3);
    let other = Position {
        seq: 1,
        offset: positions[2].offset,
    };
    assert!(matches!(
        journal.read(other),
        Err(Error::Damaged { seq: 1, .. })
    ));
    let nowhere = Position {
        seq: 1,
        offset: positions[1].offset + 1,
    };
    assert!(matches!(
        journal.read(nowhere),
        Err(Error::Damaged { seq: 1, .. })
    ));
}

#[test]
fn an_iterator_goes_on_after_it_caught_up() {
    let dir = folder();
    let journal = open(dir.path()).journal;
    let mut iter = journal.iter(0);
    assert!(iter.next().is_none());
    fill(&journal, 2);
    assert_eq!(iter.next().unwrap().unwrap().seq, 0);
    assert_eq!(iter.next().unwrap().unwrap().seq, 1);
    assert!(iter.next().is_none());
    fill(&journal, 200);
    assert!(iter.map(|record| record.unwrap().seq).eq(2..202));
}

#[test]
fn a_reopened_journal_continues() {
    let dir = folder();
    for round in 0..5 {
        let opened = open(dir.path());
        let report = (opened.report.first, opened.report.next, opened.report.torn);
        assert_eq!(report, (0, round * 20, None));
        fill(&opened.journal, 20);
    }
    assert_eq!(verify(dir.path()).unwrap().records, 100);
}

#[test]
fn empty_payloads_and_empty_batches_are_allowed() {
    let dir = folder();
    let journal = open(dir.path()).journal;
    runtime().block_on(async {
        assert_eq!(journal.append(Vec::new()).await.unwrap(), []);
        let position = journal.append(entries([""])).await.unwrap()[0];
        assert!(journal.read(position).unwrap().payload.is_empty());
    });
    assert_eq!(verify(dir.path()).unwrap().records, 1);
}

#[test]
fn a_record_over_the_limit_is_refused_with_its_batch() {
    let dir = folder();
    let options = Options {
        max_record_bytes: 10,
        ..small()
    };
    let journal = Journal::open(dir.path(), options, clock()).unwrap().journal;
    runtime().block_on(async {
        let result = journal.append(entries(["fine", "much too long"])).await;
        assert!(matches!(
            result,
            Err(Error::TooLarge {
                bytes: 13,
                limit: 10,
                ..
            })
        ));
        assert_eq!(journal.next(), 0);
    });
}

#[test]
fn a_batch_larger_than_a_segment_gets_one_of_its_own() {
    let dir = folder();
    let journal = open(dir.path()).journal;
    fill(&journal, 3);
    let large = vec![b'x'; 10_000];
    let position = runtime()
        .block_on(journal.append(vec![entry(&large), entry("after")]))
        .unwrap()[0];
    assert_eq!(journal.read(position).unwrap().payload, large);
    assert_eq!(journal.read_seq(4).unwrap().unwrap().payload, "after");
    drop(journal);
    assert_eq!(open(dir.path()).report.next, 5);
}

#[test]
fn concurrent_appends_keep_each_batch_together() {
    let dir = folder();
    let journal = open(dir.path()).journal;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..64_u32 {
            let journal = journal.clone();
            tasks.spawn(async move {
                for round in 0..10_u32 {
                    let batch = (0..3)
                        .map(|n| entry(format!("{task}/{round}/{n}")))
                        .collect();
                    let places = journal.append(batch).await.unwrap();
                    assert_eq!(places[0].seq + 2, places[2].seq);
                    let read = journal.read(places[2]).unwrap();
                    assert_eq!(read.payload, format!("{task}/{round}/2"));
                }
            });
        }
        while let Some(task) = tasks.join_next().await {
            task.unwrap();
        }
    });
    assert_eq!(collect(&journal).unwrap().len(), 64 * 10 * 3);
    assert_eq!(verify(dir.path()).unwrap().records, 64 * 10 * 3);
}

#[test]
fn a_second_opener_is_told_plainly() {
    let dir = folder();
    let first = open(dir.path());
    let error = Journal::open(dir.path(), small(), clock()).unwrap_err();
    assert!(matches!(&error, Error::Locked { path } if path == dir.path()));
    assert!(error.to_string().contains("in use by another process"));
    drop(first);
    open(dir.path());
}

#[test]
fn closing_frees_the_folder_and_ends_appends() {
    let dir = folder();
    let journal = open(dir.path()).journal;
    let other = journal.clone();
    fill(&journal, 5);
    runtime().block_on(async {
        journal.close().await;
        let again = open(dir.path());
        assert_eq!(again.report.next, 5);
        assert!(matches!(
            other.append(entries(["late"])).await,
            Err(Error::Closed)
        ));
        assert_eq!(other.read_seq(4).unwrap().unwrap().payload, payload(4));
    });
}

#[test]
fn trimming_drops_whole_segments_and_the_chain_goes_on() {
    let dir = folder();
    let journal = open(dir.path()).journal;
    let positions = fill(&journal, 200);
    assert_eq!(journal.trim(3).unwrap(), 0);
    let first = journal.trim(100).unwrap();
    assert!(first > 50 && first <= 100, "{first}");
    assert_eq!(journal.first(), first);
    assert_eq!(journal.read_seq(first - 1).unwrap(), None);
    assert!(matches!(
        journal.read(positions[0]),
        Err(Error::Trimmed { seq: 0, .. })
    ));
    assert_eq!(journal.iter(0).next().unwrap().unwrap().seq, first);
    assert_eq!(verify(dir.path()).unwrap().first, first);
    drop(journal);
    let opened = open(dir.path());
    assert_eq!((opened.report.first, opened.report.next), (first, 200));
    assert!(
        opened.journal.trim(u64::MAX).unwrap() < 200,
        "the last segment stays"
    );
    fill(&opened.journal, 10);
    assert_eq!(verify(dir.path()).unwrap().next, 210);
}

/// A disk that fails when it is told to.
struct FailingDisk {
    /// How many syncs still succeed.
    syncs: AtomicU32,
    /// What the write fails with, halfway; none if it is the sync that fails.
    tears: Option<io::ErrorKind>,
}

struct FailingSink {
    file: Box<dyn Sink>,
    disk: Arc<FailingDisk>,
}

struct Shared(Arc<FailingDisk>);

impl Disk for Shared {
    fn open(&self, path: &Path, at: u64) -> io::Result<Box<dyn Sink>> {
        let file = RealDisk.open(path, at)?;
        Ok(Box::new(FailingSink {
            file,
            disk: Arc::clone(&self.0),
        }))
    }
}

impl Sink for FailingSink {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(kind) = self.disk.tears
            && self.disk.syncs.load(Ordering::Relaxed) == 0
        {
            self.file.append(&bytes[..bytes.len() / 2])?;
            return Err(io::Error::from(kind));
        }
        self.file.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        let left = self.disk.syncs.fetch_sub(1, Ordering::Relaxed);
        if left == 0 {
            self.disk.syncs.store(0, Ordering::Relaxed);
            return Err(io::Error::other("the disk is on fire"));
        }
        self.file.sync()
    }

    fn cut(&mut self, at: u64) -> io::Result<()> {
        self.file.cut(at)
    }
}

/// Opens a journal whose disk fails after two syncs.
fn on_failing_disk(dir: &Path, tears: Option<io::ErrorKind>) -> (Journal, Arc<FailingDisk>) {
    let disk = Arc::new(FailingDisk {
        syncs: AtomicU32::new(2),
        tears,
    });
    let shared = Arc::new(Shared(Arc::clone(&disk)));
    let opened = crate::open::open(dir, small(), clock(), shared).unwrap();
    (opened.journal, disk)
}

fn check_failing_disk(tears: Option<io::ErrorKind>) {
    let dir = folder();
    let (journal, _) = on_failing_disk(dir.path(), tears);
    runtime().block_on(async {
        journal.append(entries(["one"])).await.unwrap();
        journal.append(entries(["two"])).await.unwrap();
        for _ in 0..3 {
            let result = journal.append(entries(["three", "four"])).await;
            assert!(matches!(result, Err(Error::Poisoned { .. })), "{result:?}");
        }
        assert!(matches!(
            journal.redact(0).await,
            Err(Error::Poisoned { .. })
        ));
    });
    assert_eq!(journal.next(), 2);
    assert_eq!(*journal.durable().borrow(), 2);
    assert_eq!(journal.read_seq(2).unwrap(), None);
    assert_eq!(collect(&journal).unwrap().len(), 2);
    drop(journal);
    let opened = open(dir.path());
    assert!(opened.report.next >= 2);
    assert_eq!(opened.report.torn.is_some(), tears.is_some());
    fill(&opened.journal, 3);
    verify(dir.path()).unwrap();
}

#[test]
fn a_failed_sync_poisons() {
    check_failing_disk(None);
}

#[test]
fn a_failed_write_poisons() {
    check_failing_disk(Some(io::ErrorKind::BrokenPipe));
}

#[test]
fn a_full_disk_takes_nothing_and_goes_on_when_there_is_room() {
    let dir = folder();
    let (journal, disk) = on_failing_disk(dir.path(), Some(io::ErrorKind::StorageFull));
    runtime().block_on(async {
        journal.append(entries(["one"])).await.unwrap();
        journal.append(entries(["two"])).await.unwrap();
        let length = std::fs::metadata(last_segment(dir.path())).unwrap().len();
        for _ in 0..3 {
            let result = journal.append(entries(["three", "four"])).await;
            assert!(matches!(result, Err(Error::NoSpace { .. })), "{result:?}");
        }
        let kept = std::fs::metadata(last_segment(dir.path())).unwrap().len();
        assert_eq!(kept, length, "half a write is taken back");
        disk.syncs.store(u32::MAX, Ordering::Relaxed);
        let positions = journal.append(entries(["five"])).await.unwrap();
        assert_eq!(positions[0].seq, 2);
    });
    drop(journal);
    assert_eq!(open(dir.path()).report.torn, None);
    assert_eq!(verify(dir.path()).unwrap().next, 3);
}

#[test]
fn the_reserve_is_never_touched() {
    let dir = folder();
    let options = Options {
        reserve_bytes: u64::MAX,
        ..small()
    };
    let journal = Journal::open(dir.path(), options, clock()).unwrap().journal;
    let length = journal.bytes();
    assert!(matches!(journal.room(), Err(Error::NoSpace { .. })));
    let error = runtime()
        .block_on(journal.append(entries(["one"])))
        .unwrap_err();
    assert!(matches!(error, Error::NoSpace { .. }), "{error}");
    assert_eq!((journal.bytes(), journal.next()), (length, 0));
}
