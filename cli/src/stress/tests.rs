use std::collections::HashMap;
use std::time::Duration;

use super::check::{Checked, Held, judge};
use super::corpus::{Corpus, Shape};
use super::ledger::Ledger;
use super::report::{Percentiles, Report};
use super::run::Run;

fn corpus(events: u32, seed: u64) -> Corpus {
    Corpus::new(Shape {
        site: "stress".into(),
        events,
        threads: 3,
        authors: 5,
        seed,
    })
}

#[test]
fn a_seed_gives_the_same_valid_events_every_time() {
    let (a, b, c) = (corpus(500, 1), corpus(500, 1), corpus(500, 2));
    let mut n_replies = 0;
    for n in 0..500 {
        assert_eq!(a.comment(n), b.comment(n));
        assert_ne!(a.comment(n), c.comment(n));
        let message = stoa_proto::codec::Message {
            content_type: Some(stoa_proto::codec::STRUCTURED.into()),
            body: a.comment(n),
            ..Default::default()
        };
        let event = stoa_proto::codec::decode(&message).pop().unwrap().unwrap();
        assert_eq!(event.comment().and_then(|id| a.comment_of_id(id)), Some(n));
        assert_eq!(
            event.thread().and_then(|id| a.thread_of_id(id)),
            Some(a.thread_of(n))
        );
        if let stoa_proto::Data::CommentSubmitted(comment) = event.data
            && let Some(parent) = comment.parent
        {
            let parent = a.comment_of_id(&parent).unwrap();
            assert!(parent < n && a.thread_of(parent) == a.thread_of(n));
            n_replies += 1;
        }
    }
    assert!((100..300).contains(&n_replies), "{n_replies}");
    assert_eq!(a.comment_of_id("s1-c500"), None);
    assert_eq!(a.comment_of_id("s2-c1"), None);
}

#[test]
fn tells_lost_duplicated_unexpected_and_recovered() {
    let run = Run::new(corpus(6, 1), None);
    for n in 0..5 {
        run.attempt(n);
    }
    for n in [0, 1, 2, 3] {
        run.acknowledge(n, Duration::from_millis(1));
    }
    let held = |copies, decisions| Held { copies, decisions };
    let found = HashMap::from([
        ("s1-c0".to_owned(), held(1, 1)),
        ("s1-c1".to_owned(), held(1, 2)),
        ("s1-c2".to_owned(), held(1, 0)),
        // s1-c3 is not there; s1-c4 was never acknowledged; s1-c5 was never sent.
        ("s1-c4".to_owned(), held(1, 1)),
        ("s1-c5".to_owned(), held(1, 1)),
    ]);
    let checked = judge(&run, &found);
    let Checked {
        attempted,
        acknowledged,
        ok,
        lost,
        duplicated,
        unexpected,
        recovered,
        ..
    } = checked;
    assert_eq!((attempted, acknowledged), (5, 4));
    assert_eq!(
        (ok, lost, duplicated, unexpected, recovered),
        (1, 2, 1, 1, 1)
    );
    assert!(!Report::new(&run, Some(&checked)).is_sound());
}

#[test]
fn a_run_without_faults_is_sound() {
    let run = Run::new(corpus(2, 1), None);
    let mut found = HashMap::new();
    for n in 0..2 {
        run.attempt(n);
        run.acknowledge(n, Duration::from_millis(1));
        run.decide(n);
        found.insert(
            run.corpus.comment_id(n),
            Held {
                copies: 1,
                decisions: 1,
            },
        );
    }
    let checked = judge(&run, &found);
    assert!(Report::new(&run, Some(&checked)).is_sound());
    run.decide(1);
    assert!(!Report::new(&run, Some(&checked)).is_sound());
}

#[test]
fn percentiles_take_the_nearest_rank() {
    let micros: Vec<u64> = (1..=100).map(|n| n * 1_000).collect();
    let expected = Percentiles {
        p50: 50.0,
        p90: 90.0,
        p99: 99.0,
        max: 100.0,
    };
    assert_eq!(Percentiles::of(&micros), Some(expected));
    assert_eq!(Percentiles::of(&[]), None);
    assert!((Percentiles::of(&[7_000]).unwrap().p50 - 7.0).abs() < f64::EPSILON);
}

#[test]
fn the_ledger_is_whole_once_it_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let run = Run::new(corpus(100, 1), Some(Ledger::create(&path).unwrap()));
    for n in 0..100 {
        run.attempt(n);
        run.attempt(n);
        run.acknowledge(n, Duration::from_millis(1));
    }
    run.ledger.as_ref().unwrap().close().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("a s1-e"))
            .count(),
        100
    );
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("k s1-e"))
            .count(),
        100
    );
}
