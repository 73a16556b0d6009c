//! Committing rows to a view, against sled's own batches.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark may stop at the first error"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{
    BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use serde::{Deserialize, Serialize};
use stoa_store::{Options, Table, View};
use tempfile::TempDir;

const ROWS: u64 = 1_000_000;
const BATCH: u64 = 500;
const TABLE: Table<[u8; 16], Row> = Table::new(1, "rows");

#[derive(Serialize, Deserialize)]
struct Row(#[serde(with = "serde_bytes_60")] [u8; 60]);

/// Arrays of 60 bytes as they are.
mod serde_bytes_60 {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8; 60], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_bytes(bytes)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<[u8; 60], D::Error> {
        let bytes = <&[u8]>::deserialize(input)?;
        bytes.try_into().map_err(D::Error::custom)
    }
}

fn folder() -> TempDir {
    tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap()
}

/// A key that is random, and always the same for the same number.
fn key(number: u64) -> [u8; 16] {
    let mix = |mut n: u64| {
        n = (n ^ (n >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        n = (n ^ (n >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        n ^ (n >> 31)
    };
    let one = mix(number.wrapping_add(0x9E37_79B9_7F4A_7C15));
    let both = u128::from(one) << 64 | u128::from(mix(one));
    both.to_be_bytes()
}

/// How the number of a row is chosen.
fn number(row: u64, distinct: u64) -> u64 {
    if distinct == ROWS {
        row
    } else {
        u64::from(key(row)[0]) << 8 | u64::from(key(row)[1])
    }
}

fn with_view(rows: u64, batch: u64, distinct: u64) -> Duration {
    let dir = folder();
    let view = View::open(&dir.path().join("view"), Options::default()).unwrap();
    let start = Instant::now();
    for first in (0..rows).step_by(usize::try_from(batch).unwrap()) {
        let mut rows = view.batch();
        for row in first..first + batch {
            rows.put(&TABLE, &key(number(row, distinct)), &Row([7; 60]));
        }
        view.commit(rows, first + batch).unwrap();
    }
    view.close().unwrap();
    start.elapsed()
}

fn with_sled(rows: u64, batch: u64, distinct: u64) -> Duration {
    let dir = folder();
    let config = sled::Config::new()
        .path(dir.path())
        .cache_capacity(64 << 20);
    let db = config.mode(sled::Mode::HighThroughput).open().unwrap();
    let start = Instant::now();
    for first in (0..rows).step_by(usize::try_from(batch).unwrap()) {
        let mut rows = sled::Batch::default();
        for row in first..first + batch {
            rows.insert(&key(number(row, distinct)), &[7; 60][..]);
        }
        rows.insert(b"applied", &(first + batch).to_be_bytes());
        db.apply_batch(rows).unwrap();
    }
    drop(db);
    start.elapsed()
}

fn commits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("commit");
    // One sample is one load: criterion would otherwise do 55 of them.
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    group.throughput(Throughput::Elements(ROWS));
    group.warm_up_time(Duration::from_millis(1));
    for (what, distinct) in [("1 M rows once", ROWS), ("65 536 rows, 15 times", 65_536)] {
        let id = |name| BenchmarkId::new(name, what);
        group.bench_function(id("view"), |bencher| {
            bencher.iter_custom(|n| (0..n).map(|_| with_view(ROWS, BATCH, distinct)).sum());
        });
        group.bench_function(id("sled's batch"), |bencher| {
            bencher.iter_custom(|n| (0..n).map(|_| with_sled(ROWS, BATCH, distinct)).sum());
        });
    }
    group.finish();
}

fn reads(criterion: &mut Criterion) {
    let dir = folder();
    let dir = dir.path().join("view");
    let view = View::open(&dir, Options::default()).unwrap();
    for first in (0..ROWS).step_by(1000) {
        let mut rows = view.batch();
        for row in first..first + 1000 {
            rows.put(&TABLE, &key(row), &Row([7; 60]));
        }
        view.commit(rows, first + 1000).unwrap();
    }
    drop(view);
    let mut group = criterion.benchmark_group("read");
    group.sample_size(10);
    group.bench_function("open 1 M rows", |bencher| {
        bencher.iter_custom(|n| {
            let time = |_| {
                let start = Instant::now();
                let view = View::open(&dir, Options::default()).unwrap();
                let time = start.elapsed();
                drop(view);
                time
            };
            (0..n).map(time).sum()
        });
    });
    let view = View::open(&dir, Options::default()).unwrap();
    let mut row = 0;
    group.throughput(Throughput::Elements(1));
    group.bench_function("one that is there", |bencher| {
        bencher.iter(|| {
            row = (row + 7919) % ROWS;
            view.get(&TABLE, &key(row)).unwrap().unwrap()
        });
    });
    group.bench_function("one that is not there", |bencher| {
        bencher.iter(|| {
            row += 1;
            view.get(&TABLE, &key(ROWS + row)).unwrap().is_none()
        });
    });
    group.throughput(Throughput::Elements(1000));
    group.bench_function("1000 in order", |bencher| {
        bencher.iter(|| {
            view.range(&TABLE, key(0)..)
                .take(1000)
                .map(Result::unwrap)
                .count()
        });
    });
    group.finish();
}

criterion_group!(benches, commits, reads);
criterion_main!(benches);
