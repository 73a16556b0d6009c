//! Reading and writing rows, through the maps in memory and through sled.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[test]
fn rows_are_seen_at_once_and_after_they_left_memory() {
    let (_guard, dir) = folder();
    let view = open(&dir);
    assert_eq!(view.opened(), &Opened::Created);
    assert_eq!(view.applied(), 0);
    put(&view, [5, 1, 3], 7);
    for _ in 0..2 {
        assert_eq!(view.applied(), 7);
        assert_eq!(view.get(&NUMBERS, &3).unwrap().as_deref(), Some("row 3"));
        assert!(view.contains(&NUMBERS, &5).unwrap());
        assert_eq!(view.get(&NUMBERS, &4).unwrap(), None);
        assert_eq!(numbers(&view), [1, 3, 5]);
        settle(&view);
    }
    let mut batch = view.batch();
    batch.delete(&NUMBERS, &3);
    batch.put(&NUMBERS, &1, &"new".to_owned());
    assert_eq!(batch.len(), 2);
    view.commit(batch, 8).unwrap();
    for _ in 0..2 {
        assert_eq!(numbers(&view), [1, 5]);
        assert_eq!(view.get(&NUMBERS, &3).unwrap(), None);
        assert_eq!(view.get(&NUMBERS, &1).unwrap().as_deref(), Some("new"));
        settle(&view);
    }
}

#[test]
fn the_last_change_of_a_key_in_a_batch_wins() {
    let (_guard, dir) = folder();
    let view = open(&dir);
    let mut batch = view.batch();
    batch.put(&NUMBERS, &1, &"one".to_owned());
    batch.delete(&NUMBERS, &1);
    batch.delete(&NUMBERS, &2);
    batch.put(&NUMBERS, &2, &"two".to_owned());
    view.commit(batch, 1).unwrap();
    assert_eq!(numbers(&view), [2]);
}

#[test]
fn a_reopened_view_has_its_rows_and_position() {
    let (_guard, dir) = folder();
    for round in 0..4 {
        let view = open(&dir);
        assert_eq!(
            view.opened(),
            if round == 0 {
                &Opened::Created
            } else {
                &Opened::Ready
            }
        );
        assert_eq!(view.applied(), round * 10);
        assert_eq!(numbers(&view).len() as u64, round * 100);
        put(&view, round * 100..(round + 1) * 100, (round + 1) * 10);
    }
}

#[test]
fn a_closed_view_is_read_and_not_written() {
    let (_guard, dir) = folder();
    let view = open(&dir);
    put(&view, 0..10, 1);
    view.close().unwrap();
    view.close().unwrap();
    assert_eq!(numbers(&view).len(), 10);
    assert!(matches!(view.commit(view.batch(), 2), Err(Error::Closed)));
    drop(view);
    let view = open(&dir);
    assert_eq!((view.opened(), view.applied()), (&Opened::Ready, 1));
}

#[test]
fn a_batch_cannot_go_back() {
    let (_guard, dir) = folder();
    let view = open(&dir);
    put(&view, [1], 5);
    put(&view, [2], 5);
    let result = view.commit(view.batch(), 4);
    assert!(matches!(
        result,
        Err(Error::Backwards {
            applied: 5,
            wanted: 4
        })
    ));
    assert_eq!(view.applied(), 5);
}

#[test]
fn a_second_opener_is_told_plainly() {
    let (_guard, dir) = folder();
    let view = open(&dir);
    let error = View::open(&dir, options()).unwrap_err();
    assert!(
        error.to_string().contains("in use by another process"),
        "{error}"
    );
    drop(view);
    assert_eq!(open(&dir).opened(), &Opened::Ready);
}

#[test]
fn tables_do_not_mix() {
    let (_guard, dir) = folder();
    let view = open(&dir);
    let mut batch = view.batch();
    for n in 0..100 {
        batch.put(&NUMBERS, &n, &String::new());
        batch.put(
            &PAIRS,
            &(format!("p{}", n % 3), u32::try_from(n).unwrap()),
            &1,
        );
        batch.put(&LAST, &n, &n);
    }
    view.commit(batch, 1).unwrap();
    for _ in 0..2 {
        assert_eq!(view.scan(&NUMBERS, ()).count(), 100);
        assert_eq!(view.scan(&PAIRS, ()).count(), 100);
        assert_eq!(view.scan(&LAST, ()).rev().count(), 100);
        assert_eq!(view.scan(&PAIRS, ("p1",)).count(), 33);
        assert_eq!(view.scan(&PAIRS, ("p",)).count(), 0);
        settle(&view);
    }
}

#[test]
fn a_row_of_another_type_is_damage_and_the_next_start_builds_again() {
    const WRONG: Table<u64, (u64, String)> = Table::new(1, "numbers");
    const SHORT: Table<u8, String> = Table::new(1, "numbers");
    let (_guard, dir) = folder();
    let view = open(&dir);
    put(&view, [1], 1);
    let error = view.get(&WRONG, &1).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
    let mut scan = view.scan(&SHORT, ());
    assert!(matches!(scan.next(), Some(Err(Error::Damaged { .. }))));
    assert!(scan.next().is_none());
    drop(view);
    let view = open(&dir);
    assert!(matches!(view.opened(), Opened::Rebuilt { reason, .. } if reason.contains("numbers")));
}

#[test]
fn readers_see_a_growing_view_without_gaps() {
    let (_guard, dir) = folder();
    let view = open(&dir);
    let reader = {
        let view = view.clone();
        std::thread::spawn(move || {
            loop {
                let applied = view.applied();
                let found = numbers(&view);
                // What was committed before the scan began is in it, wherever it was meanwhile.
                assert!(found.len() as u64 >= applied);
                assert!(found.iter().copied().eq(0..found.len() as u64));
                for number in [0, applied / 2, applied.saturating_sub(1)] {
                    assert_eq!(
                        view.get(&NUMBERS, &number).unwrap().is_some(),
                        applied > 0 || found.is_empty()
                    );
                }
                if applied == 20_000 {
                    return;
                }
            }
        })
    };
    put(&view, [0], 1);
    for start in (0..20_000).step_by(100) {
        put(&view, start..start + 100, start + 100);
    }
    reader.join().unwrap();
}

#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<(u8, Option<u8>)>),
    Settle,
    Reopen,
    Range { from: u8, to: u8, takes: Vec<bool> },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let change = (any::<u8>(), any::<Option<u8>>());
    let changes = prop::collection::vec(change, 0..120);
    let range = (
        any::<u8>(),
        any::<u8>(),
        prop::collection::vec(any::<bool>(), 0..200),
    );
    let step = prop_oneof![
        8 => changes.prop_map(Step::Commit),
        1 => Just(Step::Settle),
        1 => Just(Step::Reopen),
        8 => range.prop_map(|(from, to, takes)| Step::Range { from, to, takes }),
    ];
    prop::collection::vec(step, 1..25)
}

const SMALL: Table<u8, u8> = Table::new(9, "small");

/// Takes rows from either end as told, then the rest from the front.
fn pull<T>(mut rows: impl DoubleEndedIterator<Item = T>, takes: &[bool]) -> Vec<T> {
    let mut out = Vec::new();
    for front in takes {
        out.extend(if *front {
            rows.next()
        } else {
            rows.next_back()
        });
    }
    out.extend(rows);
    out
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_view_is_like_a_sorted_map(steps in steps()) {
        let (_guard, dir) = folder();
        let mut view = open(&dir);
        let mut model = BTreeMap::new();
        for (applied, step) in (1..).zip(steps) {
            match step {
                Step::Commit(changes) => {
                    let mut batch = view.batch();
                    for (key, value) in changes {
                        if let Some(value) = value {
                            batch.put(&SMALL, &key, &value);
                            model.insert(key, value);
                        } else {
                            batch.delete(&SMALL, &key);
                            model.remove(&key);
                        }
                    }
                    view.commit(batch, applied).unwrap();
                }
                Step::Settle => settle(&view),
                Step::Reopen => {
                    drop(view);
                    view = open(&dir);
                    prop_assert!(!matches!(view.opened(), Opened::Rebuilt { .. }), "{:?}", view.opened());
                }
                Step::Range { from, to, takes } => {
                    let rows = view.range(&SMALL, from..to).map(Result::unwrap);
                    let expected = model.iter().filter(|(key, _)| (from..to).contains(key));
                    let expected = expected.map(|(key, value)| (*key, *value));
                    prop_assert_eq!(pull(rows, &takes), pull(expected, &takes));
                    let rows = view.range(&SMALL, from..=to).rev().map(Result::unwrap);
                    let expected = model.iter().filter(|(key, _)| (from..=to).contains(key));
                    let expected = expected.rev().map(|(key, value)| (*key, *value));
                    prop_assert_eq!(pull(rows, &takes), pull(expected, &takes));
                    let value = view.get(&SMALL, &from).unwrap();
                    prop_assert_eq!(value.as_ref(), model.get(&from));
                }
            }
        }
        let rows: BTreeMap<_, _> = view.scan(&SMALL, ()).map(Result::unwrap).collect();
        prop_assert_eq!(rows, model);
    }
}
