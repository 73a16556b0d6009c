//! What both transports promise of events that are refused.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use stoa_bus::{Events, Filter, HandlerError, Outcome, Parked, Parking, Retried, Unanswered};
use stoa_proto::Shard;

use crate::node::{PARKED_BYTES, READER, Transport};
use crate::recorder::{Recorder, Seen, events, numbers, outgoing};

/// What the handler does is switched while it runs.
#[derive(Clone, Default)]
struct Version(Arc<AtomicU32>);

impl Version {
    fn set(&self, version: u32) {
        self.0.store(version, Ordering::SeqCst);
    }

    /// Refuses some events of the first version.
    fn refusing(&self, refused: &'static [(u32, u32)]) -> impl FnMut(u32, u32) -> Outcome + use<> {
        let version = self.clone();
        move |thread, n| match version.0.load(Ordering::SeqCst) {
            0 if refused.contains(&(thread, n)) => never(),
            _ => Ok(Vec::new()),
        }
    }
}

fn never() -> Outcome {
    Err(HandlerError::Reject("never".to_owned()))
}

fn list(parking: &Parking) -> Vec<Parked> {
    parking.page(&Filter::default(), None, usize::MAX).parked
}

/// Returns what a thread saw, repeats included.
fn of(seen: &Seen, thread: u32) -> Vec<u32> {
    let own = |(of, n): (u32, u32)| (of == thread).then_some(n);
    seen.all().into_iter().filter_map(own).collect()
}

/// Returns what a thread saw, without repeats.
fn first_of(seen: &Seen, thread: u32) -> Vec<u32> {
    seen.first_of_each().remove(&thread).unwrap_or_default()
}

fn upto(n: u32) -> Vec<u32> {
    (0..n).collect()
}

pub(crate) fn a_refused_event_parks_its_thread(transport: &dyn Transport) {
    let (seen, version) = (Seen::default(), Version::default());
    let node = transport.start();
    node.read(
        READER,
        Events(Recorder::with(&seen, version.refusing(&[(1, 5)]))),
    );
    node.wait(node.bus.publisher().publish(events(3, 10)))
        .unwrap();
    node.until("parked", || node.metric("stoa_parked_messages") == 5.0);
    node.until("the others handled", || seen.distinct() == 25);
    node.wait(node.bus.publisher().publish(events(3, 11).split_off(30)))
        .unwrap();
    node.until("behind", || node.metric("stoa_parked_messages") == 6.0);
    node.until("not behind", || seen.distinct() == 27);
    assert_eq!(node.metric("stoa_parked_total"), 1.0);
    assert_eq!(node.metric("stoa_parked_threads"), 1.0);
    assert!(node.metric("stoa_parked_bytes") > 6.0 * 200.0);
    assert_eq!(node.bus.status().ready(), Ok(()));
    assert_eq!(
        [0, 1, 2].map(|thread| first_of(&seen, thread)),
        [upto(11), upto(5), upto(11)]
    );
    node.stop();
    let parked = transport.parked();
    assert_eq!(numbers(&parked), [5, 6, 7, 8, 9, 10]);
    assert_eq!(parked[0].reason.as_deref(), Some("never"));
    assert_eq!(
        parked[0].thread.as_ref().unwrap().to_string(),
        "courrier/a-1"
    );
    assert_eq!(parked[0].kind.as_deref(), Some("stoa.comment.withdrawn.v1"));
    for behind in &parked[1..] {
        assert_eq!((&behind.reason, behind.behind), (&None, Some(parked[0].id)));
    }
}

pub(crate) fn a_parked_thread_passes_after_an_upgrade(transport: &dyn Transport) {
    let (seen, version) = (Seen::default(), Version::default());
    let read = || Events(Recorder::with(&seen, version.refusing(&[(1, 5)])));
    let node = transport.start();
    node.read(READER, read());
    node.wait(node.bus.publisher().publish(events(3, 10)))
        .unwrap();
    node.until("parked", || node.metric("stoa_parked_messages") == 5.0);
    node.until("the others handled", || seen.distinct() == 25);
    node.stop();
    // A restart alone changes nothing but the count.
    let node = transport.start();
    let (parking, _) = node.park(READER, PARKED_BYTES, read());
    node.until("tried at the start", || list(&parking)[0].n_attempts == 1);
    assert_eq!(numbers(&list(&parking)), [5, 6, 7, 8, 9]);
    drop(parking);
    node.crash();
    version.set(1);
    let node = transport.start();
    let (parking, _) = node.park(READER, PARKED_BYTES, read());
    node.until("free", || node.metric("stoa_parked_messages") == 0.0);
    node.wait(node.bus.publisher().publish(vec![outgoing(1, 10)]))
        .unwrap();
    node.until("the next handled", || first_of(&seen, 1).len() == 11);
    assert_eq!(first_of(&seen, 1), upto(11));
    let parked: Vec<u32> = of(&seen, 1).into_iter().filter(|n| *n >= 5).collect();
    assert_eq!(parked, upto(11)[5..], "in order, and each once");
    assert_eq!(node.metric("stoa_parked_bytes"), 0.0);
    drop(parking);
    node.stop();
    assert!(transport.parked().is_empty());
}

pub(crate) fn a_retry_stops_at_what_is_refused(transport: &dyn Transport) {
    let (seen, version) = (Seen::default(), Version::default());
    let rule = {
        let version = version.clone();
        move |thread, n| match (version.0.load(Ordering::SeqCst), thread, n) {
            (0, 1, 2) => never(),
            (1, 1, 4) => panic!("a panic, on purpose"),
            _ => Ok(Vec::new()),
        }
    };
    let node = transport.start();
    let (parking, reading) = node.park(READER, PARKED_BYTES, Events(Recorder::with(&seen, rule)));
    node.wait(node.bus.publisher().publish(events(2, 7)))
        .unwrap();
    node.until("parked", || list(&parking).len() == 5);
    let ids: Vec<u64> = list(&parking).iter().map(|one| one.id).collect();
    assert_eq!(node.wait(parking.retry(99)), Err(Unanswered::Unknown));
    let refused = Retried {
        handled: 0,
        left: 5,
        reason: Some("never".to_owned()),
    };
    assert_eq!(node.wait(parking.retry(ids[0])).as_ref(), Ok(&refused));
    // Asked of one that waits, its thread is tried from the first on.
    assert_eq!(node.wait(parking.retry(ids[3])).as_ref(), Ok(&refused));
    let first = parking.find(ids[0]).unwrap();
    assert_eq!((first.n_attempts, first.attempts.len()), (2, 2));
    assert_eq!(parking.find(ids[1]).unwrap().n_attempts, 0);
    version.set(1);
    let halted = Retried {
        handled: 2,
        left: 3,
        reason: Some("the handler panicked".to_owned()),
    };
    assert_eq!(node.wait(parking.retry(ids[0])), Ok(halted));
    assert_eq!(first_of(&seen, 1), upto(4));
    assert_eq!(parking.find(ids[1]).map(|one| one.id), None);
    assert_eq!(parking.find(ids[3]).unwrap().behind, Some(ids[2]));
    version.set(2);
    let all = Retried {
        handled: 3,
        left: 0,
        reason: None,
    };
    assert_eq!(node.wait(parking.retry(ids[4])), Ok(all));
    assert_eq!(first_of(&seen, 1), upto(7));
    node.shutdown.cancel();
    node.wait(reading).unwrap().unwrap();
    assert_eq!(node.wait(parking.retry(0)), Err(Unanswered::Stopped));
    node.stop();
}

pub(crate) fn what_is_dropped_lets_its_thread_go(transport: &dyn Transport) {
    let seen = Seen::default();
    let rule = |_, n| match n {
        3 | 6 => never(),
        _ => Ok(Vec::new()),
    };
    let node = transport.start();
    let (parking, _) = node.park(READER, PARKED_BYTES, Events(Recorder::with(&seen, rule)));
    node.wait(node.bus.publisher().publish(events(1, 9)))
        .unwrap();
    node.until("parked", || list(&parking).len() == 6);
    let drop_first = || {
        let first = list(&parking)[0].id;
        node.wait(parking.drop_message(first, "ada".to_owned(), "spam".to_owned()))
    };
    assert_eq!(drop_first(), Ok(5));
    node.until("the next is refused", || {
        list(&parking)[0].reason.as_deref() == Some("never")
    });
    assert_eq!(numbers(&list(&parking)), [6, 7, 8]);
    assert_eq!(drop_first(), Ok(2));
    node.until("free", || list(&parking).is_empty());
    assert_eq!(first_of(&seen, 0), [0, 1, 2, 4, 5, 7, 8]);
    drop(parking);
    node.stop();
    assert!(transport.parked().is_empty());
}

pub(crate) fn without_room_everything_waits(transport: &dyn Transport) {
    let (seen, version) = (Seen::default(), Version::default());
    let node = transport.start();
    let (parking, _) = node.park(
        READER,
        2_000,
        Events(Recorder::with(&seen, version.refusing(&[(1, 5)]))),
    );
    let publisher = node.bus.publisher();
    node.wait(publisher.publish(events(2, 20))).unwrap();
    node.until("shown", || node.bus.status().stalled);
    let status = node.bus.status();
    assert!(status.detail.contains("`bus.parked_bytes`"), "{status:?}");
    assert!(status.detail.contains("stoa parked list"), "{status:?}");
    let parked = list(&parking);
    assert!((1..10).contains(&parked.len()), "{}", parked.len());
    assert!(node.metric("stoa_parked_bytes") <= 2_000.0);
    version.set(1);
    assert!(node.wait(parking.retry(parked[0].id)).is_ok());
    node.until("all handled", || seen.distinct() == 40);
    seen.assert_complete(2, 20);
    node.until("ready", || node.bus.status().ready().is_ok());
    drop(parking);
    node.stop();
}

pub(crate) fn what_is_parked_is_not_parked_twice(transport: &dyn Transport) {
    let (seen, version) = (Seen::default(), Version::default());
    let read = || {
        let recorder = Recorder::with(&seen, version.refusing(&[(0, 1), (3, 9), (5, 30)]));
        Events(recorder.slow(Duration::from_millis(2)))
    };
    let node = transport.start();
    node.wait(node.bus.publisher().publish(events(8, 60)))
        .unwrap();
    node.read(READER, read());
    node.until("some parked", || {
        node.metric("stoa_parked_messages") >= 20.0
    });
    node.crash();
    let node = transport.start();
    let (parking, _) = node.park(READER, PARKED_BYTES, read());
    // Those that are refused and those behind them, among them repeats of what passed before.
    let distinct = || {
        let parked = list(&parking);
        let events: BTreeSet<_> = parked.iter().map(|one| one.event.clone()).collect();
        assert_eq!(events.len(), parked.len(), "each once");
        events.len()
    };
    node.until("all parked", || distinct() >= 59 + 51 + 30);
    node.until("the others handled", || seen.distinct() == 480 - 140);
    // What is sent again, by whomever.
    node.wait(node.bus.publisher().publish(events(8, 60)))
        .unwrap();
    node.wait(node.bus.publisher().publish(vec![outgoing(0, 60)]))
        .unwrap();
    node.until("all parked", || distinct() == 3 * 60 + 1);
    version.set(1);
    let first = list(&parking)
        .into_iter()
        .find(|one| one.event.as_deref() == Some("0/1"));
    let retried = node.wait(parking.retry(first.unwrap().id)).unwrap();
    assert_eq!(retried.handled, 61);
    assert_eq!(first_of(&seen, 0), upto(61));
    drop(parking);
    node.stop();
}

pub(crate) fn many_poisons_hold_up_nobody(transport: &dyn Transport) {
    let shard = Shard::of("courrier", "a-0");
    let poisons: Vec<u32> = (0..100_000)
        .filter(|thread| Shard::of("courrier", &format!("a-{thread}")) == shard)
        .take(1_000)
        .collect();
    let seen = Seen::default();
    let bad = poisons.clone();
    let rule = move |thread, _| match bad.binary_search(&thread) {
        Ok(_) => never(),
        Err(_) => Ok(Vec::new()),
    };
    let node = transport.start();
    let (parking, _) = node.park(READER, PARKED_BYTES, Events(Recorder::with(&seen, rule)));
    let mut all = Vec::new();
    for (n, poison) in poisons.iter().enumerate() {
        let n = u32::try_from(n).unwrap();
        all.extend([outgoing(*poison, 0), outgoing(200_000 + n % 50, n / 50)]);
    }
    let started = Instant::now();
    node.wait(node.bus.publisher().publish(all)).unwrap();
    node.until("the others handled", || seen.distinct() == 1_000);
    node.until("all parked", || list(&parking).len() == 1_000);
    let took = started.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
    for thread in 0..50 {
        assert_eq!(first_of(&seen, 200_000 + thread), upto(20));
    }
    assert_eq!(node.metric("stoa_parked_threads"), 1_000.0);
    assert_eq!(node.bus.status().ready(), Ok(()));
    drop(parking);
    node.stop();
    // All of them are tried again at the start, and what comes in passes between them.
    let node = transport.start();
    let seen = Seen::default();
    let bad = poisons;
    let rule = move |thread, _| match bad.binary_search(&thread) {
        Ok(_) => never(),
        Err(_) => Ok(Vec::new()),
    };
    let (parking, _) = node.park(READER, PARKED_BYTES, Events(Recorder::with(&seen, rule)));
    node.wait(node.bus.publisher().publish(vec![outgoing(300_000, 0)]))
        .unwrap();
    node.until("handled", || seen.count() == 1);
    node.until("all tried", || {
        list(&parking).iter().all(|one| one.n_attempts == 1)
    });
    drop(parking);
    node.stop();
}

pub(crate) fn an_unknown_version_parks_its_thread(transport: &dyn Transport) {
    let body = json!({
        "specversion": "1.0", "id": "v2", "source": "/test",
        "type": "stoa.comment.withdrawn.v2", "data": {"site": "courrier", "article": "a-1"},
    });
    transport.publish_garbage(body.to_string().as_bytes());
    let seen = Seen::default();
    let node = transport.start();
    let (parking, _) = node.park(READER, PARKED_BYTES, Events(Recorder::new(&seen)));
    node.until("parked", || list(&parking).len() == 1);
    node.wait(node.bus.publisher().publish(events(2, 3)))
        .unwrap();
    node.until("behind", || list(&parking).len() == 4);
    node.until("the others handled", || seen.count() == 3);
    let (first, message) = parking.message(list(&parking)[0].id).unwrap().unwrap();
    assert_eq!(message.body, body.to_string());
    assert_eq!(first.kind.as_deref(), Some("stoa.comment.withdrawn.v2"));
    let reason = first.reason.unwrap();
    assert!(reason.starts_with("unsupported_version: "), "{reason}");
    let dropping = parking.drop_message(first.id, "ada".to_owned(), "old".to_owned());
    assert_eq!(node.wait(dropping), Ok(3));
    node.until("free", || list(&parking).is_empty());
    seen.assert_complete(2, 3);
    drop(parking);
    node.stop();
}
