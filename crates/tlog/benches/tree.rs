//! How fast a tree grows and proves.
#![expect(
    clippy::unwrap_used,
    reason = "a measurement that can't go on has failed"
)]

use criterion::{Criterion, criterion_group, criterion_main};
use stoa_tlog::{Tree, inclusion, leaf, root};

const SIZE: u64 = 1_000_000;

fn tree(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let mut tree = Tree::open(dir.path(), 0).unwrap();
    let mut number = 0_u64;
    let mut append = |tree: &mut Tree| {
        tree.append(leaf(&number.to_be_bytes())).unwrap();
        number += 1;
    };
    criterion.bench_function("tree/append", |bencher| bencher.iter(|| append(&mut tree)));
    while tree.size() < SIZE {
        append(&mut tree);
    }
    let size = tree.size();
    criterion.bench_function("tree/root", |bencher| {
        bencher.iter(|| root(&tree.reading(), size).unwrap());
    });
    let mut index = 0;
    criterion.bench_function("tree/inclusion", |bencher| {
        bencher.iter(|| {
            index = (index + 7_919) % size;
            inclusion(&tree.reading(), index, size).unwrap()
        });
    });
}

criterion_group!(benches, tree);
criterion_main!(benches);
