//! What both transports promise.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use stoa_bus::{Events, HandlerError, Outbox, Parked};
use stoa_journal::{Entry, Journal};
use stoa_proto::{Event, Exchange, Outgoing, Reader};

use crate::node::{READER, Transport};
use crate::recorder::{Recorder, Seen, event, events, numbers, outgoing};

pub(crate) fn events_of_a_thread_arrive_in_order(transport: &dyn Transport) {
    let node = transport.start();
    let seen = Seen::default();
    node.read(READER, Events(Recorder::new(&seen)));
    let publisher = node.bus.publisher();
    let mut all = events(20, 60);
    let mut size = 1;
    while !all.is_empty() {
        let rest = all.split_off(size.min(all.len()));
        node.wait(publisher.publish(all)).unwrap();
        all = rest;
        size = size * 3 % 101;
    }
    node.until("all handled", || seen.count() >= 1_200);
    seen.assert_complete(20, 60);
    assert_eq!(seen.count(), 1_200, "no repeats without a fault");
    assert_eq!(node.bus.status().ready(), Ok(()));
    node.stop();
}

pub(crate) fn a_crash_loses_nothing(transport: &dyn Transport) {
    let seen = Seen::default();
    let node = transport.start();
    node.wait(node.bus.publisher().publish(events(8, 100)))
        .unwrap();
    node.crash();
    for upto in [100, 300] {
        let node = transport.start();
        node.read(
            READER,
            Events(Recorder::new(&seen).slow(Duration::from_millis(5))),
        );
        node.until("some handled", || seen.distinct() >= upto);
        node.crash();
    }
    let node = transport.start();
    node.read(READER, Events(Recorder::new(&seen)));
    node.until("all handled", || seen.distinct() == 800);
    seen.assert_complete(8, 100);
    node.stop();
}

pub(crate) fn a_stop_gives_back_what_is_not_handled(transport: &dyn Transport) {
    let seen = Seen::default();
    let node = transport.start();
    node.wait(node.bus.publisher().publish(events(8, 100)))
        .unwrap();
    let reading = node.read(
        READER,
        Events(Recorder::new(&seen).slow(Duration::from_millis(5))),
    );
    node.until("some handled", || seen.count() >= 100);
    node.shutdown.cancel();
    node.wait(reading).unwrap().unwrap();
    let handled = seen.count();
    node.stop();
    let node = transport.start();
    node.read(READER, Events(Recorder::new(&seen)));
    node.until("all handled", || seen.distinct() == 800);
    assert_eq!(
        seen.count(),
        800,
        "{handled} were handled before the stop, and none again"
    );
    seen.assert_complete(8, 100);
    node.stop();
}

pub(crate) fn outputs_arrive_although_the_reader_crashes(transport: &dyn Transport) {
    let answer = |thread, n| Ok(vec![Outgoing::new(Exchange::Outcomes, &event(thread, n))]);
    let (seen, archived) = (Seen::default(), Seen::default());
    let node = transport.start();
    node.wait(node.bus.publisher().publish(events(8, 60)))
        .unwrap();
    node.read(
        READER,
        Events(Recorder::with(&seen, answer).slow(Duration::from_millis(2))),
    );
    node.until("some handled", || seen.distinct() >= 100);
    node.crash();
    let node = transport.start();
    node.read(READER, Events(Recorder::with(&seen, answer)));
    node.read(Reader::Archive, Events(Recorder::new(&archived)));
    // The archive sees each event twice: as content and as an outcome.
    node.until("all archived", || {
        let all = archived.all();
        archived.count() >= 960
            && seen.distinct() == 480
            && seen
                .all()
                .iter()
                .all(|one| all.iter().filter(|other| *other == one).count() >= 2)
    });
    node.stop();
}

pub(crate) fn retry_holds_the_order(transport: &dyn Transport) {
    let seen = Seen::default();
    let node = transport.start();
    let mut left = 3;
    let rule = move |_, n| {
        if n == 10 && left > 0 {
            left -= 1;
            return Err(HandlerError::Retry("not now".to_owned()));
        }
        Ok(Vec::new())
    };
    node.read(READER, Events(Recorder::with(&seen, rule)));
    node.wait(node.bus.publisher().publish(events(1, 50)))
        .unwrap();
    node.until("all handled", || seen.distinct() == 50);
    seen.assert_complete(1, 50);
    let all = seen.all();
    let tenth = all.iter().position(|(_, n)| *n == 10).unwrap();
    assert!(
        all[..tenth].iter().all(|(_, n)| *n < 10),
        "nothing overtakes: {all:?}"
    );
    assert!(node.metric("stoa_consumer_retries_total") >= 3.0);
    assert_eq!(node.metric("stoa_parked_total"), 0.0);
    node.stop();
    assert!(transport.parked().is_empty());
}

pub(crate) fn a_long_retry_is_shown(transport: &dyn Transport) {
    let seen = Seen::default();
    let node = transport.start();
    let passes = Arc::new(AtomicU32::new(0));
    let rule = {
        let passes = Arc::clone(&passes);
        move |_, _| match passes.load(Ordering::SeqCst) {
            0 => Err(HandlerError::Retry("the disk is full".to_owned())),
            _ => Ok(Vec::new()),
        }
    };
    node.read(READER, Events(Recorder::with(&seen, rule)));
    node.wait(node.bus.publisher().publish(events(1, 3)))
        .unwrap();
    node.until("shown", || node.bus.status().stalled);
    let status = node.bus.status();
    assert!(status.detail.contains("the disk is full"), "{status:?}");
    assert!(status.ready().is_err());
    passes.store(1, Ordering::SeqCst);
    node.until("all handled", || seen.distinct() == 3);
    node.until("no longer shown", || node.bus.status().ready().is_ok());
    node.stop();
}

pub(crate) fn a_panic_is_contained(transport: &dyn Transport) {
    let seen = Seen::default();
    let node = transport.start();
    let rule = |_, n| {
        assert!(n != 7, "a panic, on purpose");
        Ok(Vec::new())
    };
    node.read(READER, Events(Recorder::with(&seen, rule)));
    node.wait(node.bus.publisher().publish(events(3, 20)))
        .unwrap();
    // Of each thread seven, and then what panics and all behind it.
    node.until("parked", || node.metric("stoa_parked_messages") == 39.0);
    assert_eq!(node.metric("stoa_parked_total"), 3.0);
    node.wait(node.bus.publisher().publish(vec![outgoing(9, 0)]))
        .unwrap();
    node.until("the next handled", || seen.distinct() == 22);
    seen.assert_in_order();
    node.stop();
    let parked = transport.parked();
    assert_eq!(parked.len(), 39);
    let reason = |one: &Parked| one.reason.as_deref() == Some("the handler panicked");
    assert_eq!(parked.iter().filter(|one| reason(one)).count(), 3);
}

pub(crate) fn a_bad_event_does_not_hold_up_its_batch(transport: &dyn Transport) {
    let (seen, archived) = (Seen::default(), Seen::default());
    let node = transport.start();
    let rule = |thread, n| match n {
        2 if thread == 1 => Err(HandlerError::Reject("never".to_owned())),
        _ => Ok(vec![Outgoing::new(
            Exchange::Outcomes,
            &event(thread, 100 + n),
        )]),
    };
    node.read(READER, Events(Recorder::with(&seen, rule)));
    node.read(Reader::Archive, Events(Recorder::new(&archived)));
    // One message holds four: of two threads in one shard.
    let mut four = vec![outgoing(1, 0), outgoing(1, 1), outgoing(1, 2)];
    let other = (2..1_000).find(|other| outgoing(*other, 4).shard.group() == four[0].shard.group());
    four.push(outgoing(other.unwrap(), 4));
    four.push(outgoing(1, 3));
    node.wait(node.bus.publisher().publish(four)).unwrap();
    let answers = || {
        let mut answers: Vec<u32> = archived
            .all()
            .iter()
            .map(|(_, n)| *n)
            .filter(|n| *n >= 100)
            .collect();
        answers.dedup();
        answers
    };
    node.until("parked", || node.metric("stoa_parked_total") == 1.0);
    node.until("answers", || answers().len() == 3);
    assert_eq!(answers(), [100, 101, 104]);
    node.stop();
    assert_eq!(numbers(&transport.parked()), [2, 3]);
}

pub(crate) fn an_undecodable_message_is_parked(transport: &dyn Transport) {
    transport.publish_garbage(b"{\"neither\": fish");
    let seen = Seen::default();
    let node = transport.start();
    node.read(READER, Events(Recorder::new(&seen)));
    node.wait(node.bus.publisher().publish(events(2, 10)))
        .unwrap();
    node.until("the others handled", || seen.distinct() == 20);
    node.until("parked", || node.metric("stoa_parked_total") == 1.0);
    node.stop();
    let parked = transport.parked();
    assert_eq!(parked.len(), 1);
    assert_eq!((&parked[0].thread, parked[0].bytes), (&None, 16));
}

pub(crate) fn an_outbox_resumes_after_a_crash(transport: &dyn Transport) {
    let open = || {
        let path = transport.dir().join("journal");
        std::fs::create_dir_all(&path).unwrap();
        Journal::open(&path, stoa_journal::Options::default(), Arc::new(|| 0))
            .unwrap()
            .journal
    };
    let map = |record: stoa_journal::Record| {
        let event = Event::from_json(&record.payload).unwrap();
        vec![Outgoing::new(Exchange::Content, &event)]
    };
    let cursor = transport.dir().join("outbox.cursor");
    let seen = Seen::default();
    let mut n = 0;
    for _ in 0..3 {
        let node = transport.start();
        let journal = open();
        let outbox = Outbox::open(journal.clone(), &cursor).unwrap();
        let handle = outbox.handle();
        node.spawn(outbox.run(node.bus.publisher(), map, node.shutdown.clone()));
        node.read(READER, Events(Recorder::new(&seen)));
        for _ in 0..20 {
            let payload = |n| Entry {
                kind: 1,
                payload: event(1, n).to_json(),
            };
            let entries = (n..n + 50).map(payload).collect();
            n += 50;
            node.wait(journal.append(entries)).unwrap();
        }
        node.until("some published", || handle.next() > u64::from(n) - 500);
        drop((journal, handle));
        node.crash();
    }
    let node = transport.start();
    let outbox = Outbox::open(open(), &cursor).unwrap();
    let handle = outbox.handle();
    let running = node.spawn(outbox.run(node.bus.publisher(), map, node.shutdown.clone()));
    node.read(READER, Events(Recorder::new(&seen)));
    node.until("all handled", || seen.distinct() == 3_000);
    node.until("all confirmed", || handle.pending_records() == 0);
    assert_eq!((handle.pending_bytes(), handle.oldest_age_us(1)), (0, None));
    seen.assert_complete(1, 3_000);
    node.shutdown.cancel();
    node.wait(running).unwrap().unwrap();
    drop(handle);
    node.stop();
    let outbox = Outbox::open(open(), &cursor).unwrap();
    assert_eq!(
        outbox.handle().pending_records(),
        0,
        "the position was saved"
    );
}

pub(crate) fn publishing_ends_with_shutdown(transport: &dyn Transport) {
    let node = transport.start();
    let publisher = node.bus.publisher();
    node.wait(publisher.publish(events(1, 1))).unwrap();
    node.shutdown.cancel();
    node.until("closed", || {
        node.wait(publisher.publish(events(1, 1))).is_err()
    });
    node.stop();
}
