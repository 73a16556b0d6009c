//! Durable appends, against a bare loop of write and fdatasync on the same disk.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark may stop at the first error"
)]

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use stoa_journal::{Entry, Journal, Options};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const PAYLOAD: usize = 800;

fn folder() -> TempDir {
    // Beside the build, since /tmp may be memory.
    tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap()
}

fn journal(dir: &Path) -> Journal {
    Journal::open(dir, Options::default(), Arc::new(|| 0))
        .unwrap()
        .journal
}

fn entry() -> Entry {
    Entry {
        kind: 1,
        payload: Bytes::from(vec![b'x'; PAYLOAD]),
    }
}

/// Appends at least `n` records from so many tasks, and returns how long `n` of them took.
async fn append(journal: &Journal, n: u64, tasks: u64, batch: usize) -> Duration {
    let rounds = n.div_ceil(tasks * batch as u64);
    let start = Instant::now();
    let mut set = JoinSet::new();
    for _ in 0..tasks {
        let journal = journal.clone();
        set.spawn(async move {
            for _ in 0..rounds {
                journal.append(vec![entry(); batch]).await.unwrap();
            }
        });
    }
    while let Some(result) = set.join_next().await {
        result.unwrap();
    }
    let done = u128::from(rounds * tasks * batch as u64);
    Duration::from_nanos_u128(start.elapsed().as_nanos() * u128::from(n) / done)
}

fn appends(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("append");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(4));
    group.throughput(Throughput::ElementsAndBytes {
        elements: 1,
        bytes: PAYLOAD as u64,
    });

    group.bench_function("bare write and fdatasync", |bencher| {
        let dir = folder();
        let mut file = File::create(dir.path().join("bare")).unwrap();
        let record = [b'x'; PAYLOAD + 120];
        bencher.iter(|| {
            file.write_all(&record).unwrap();
            file.sync_data().unwrap();
        });
    });
    for (tasks, batch) in [(1, 1), (16, 1), (256, 1), (1, 512), (4, 512), (256, 32)] {
        let id = BenchmarkId::new("appenders x batch", format!("{tasks} x {batch}"));
        group.bench_function(id, |bencher| {
            let dir = folder();
            let journal = journal(dir.path());
            bencher.iter_custom(|n| runtime.block_on(append(&journal, n, tasks, batch)));
        });
    }
    group.finish();
}

fn reads(criterion: &mut Criterion) {
    const RECORDS: u64 = 1_000_000;
    let runtime = Runtime::new().unwrap();
    let dir = folder();
    let first = journal(dir.path());
    runtime.block_on(append(&first, RECORDS, 4, 512));
    let mut position = first.read_seq(0).unwrap().unwrap().position;
    drop(first);
    let mut group = criterion.benchmark_group("read");
    group.sample_size(10);
    group.bench_function("open 1 M records", |bencher| {
        bencher.iter(|| journal(dir.path()));
    });
    let journal = journal(dir.path());
    group.throughput(Throughput::ElementsAndBytes {
        elements: 1,
        bytes: PAYLOAD as u64,
    });
    group.bench_function("one by position", |bencher| {
        bencher.iter(|| {
            let record = journal.read(position).unwrap();
            position.seq = (record.seq + 1) % 60_000;
            position.offset = 96 + u32::try_from(position.seq).unwrap() * 920;
            record
        });
    });
    group.throughput(Throughput::ElementsAndBytes {
        elements: 100_000,
        bytes: 80_000_000,
    });
    group.bench_function("100 000 in order", |bencher| {
        bencher.iter(|| journal.iter(0).take(100_000).map(Result::unwrap).count());
    });
    group.throughput(Throughput::ElementsAndBytes {
        elements: RECORDS,
        bytes: RECORDS * PAYLOAD as u64,
    });
    group.bench_function("verify 1 M records", |bencher| {
        bencher.iter(|| stoa_journal::verify(dir.path(), &mut |_| {}).unwrap());
    });
    group.finish();
}

criterion_group!(benches, appends, reads);
criterion_main!(benches);
