//! What only a broker can do to us.

use std::time::Duration;

use stoa_bus::{AmqpConfig, Events, Outbox};
use stoa_proto::{Event, Exchange, Outgoing, Reader, Shard};

use crate::broker::{Broker, QUEUE_LENGTH};
use crate::node::Transport as _;
use crate::recorder::{Recorder, Seen, event, events, outgoing};

const READER: Reader = Reader::Moderation;

#[test]
fn amqp_publishing_survives_cut_connections() {
    let broker = Broker::new();
    let seen = Seen::default();
    let node = broker.start();
    node.read(READER, Events(Recorder::new(&seen)));
    let publisher = node.bus.publisher();
    let publishing = node.spawn(async move {
        for n in 0..150 {
            let events = (0..20).map(|thread| outgoing(thread, n)).collect();
            publisher.publish(events).await.unwrap();
        }
    });
    for _ in 0..4 {
        std::thread::sleep(Duration::from_millis(300));
        broker.proxy.cut();
    }
    node.wait(publishing).unwrap();
    node.until("all handled", || seen.distinct() == 3_000);
    seen.assert_complete(20, 150);
    assert!(node.metric("stoa_amqp_reconnects_total") >= 2.0);
    node.until("ready", || node.bus.status().ready().is_ok());
    node.stop();
}

#[test]
fn amqp_a_connection_cut_while_it_declares_is_made_again() {
    let broker = Broker::new();
    broker.delete_queues();
    let config = AmqpConfig {
        provision: true,
        ..broker.config()
    };
    let seen = Seen::default();
    let node = broker.start_with(config);
    node.read(READER, Events(Recorder::new(&seen)));
    // As often as it takes to hit both of the links in the middle of it.
    for n in 0..60 {
        std::thread::sleep(Duration::from_millis(40 + n % 17 * 11));
        broker.proxy.cut();
    }
    node.wait(node.bus.publisher().publish(events(2, 10)))
        .unwrap();
    node.until("all handled", || seen.distinct() == 20);
    node.until("ready", || node.bus.status().ready().is_ok());
    node.stop();
}

#[test]
fn amqp_lost_confirms_are_sent_again() {
    let broker = Broker::new();
    let seen = Seen::default();
    let node = broker.start();
    node.wait(node.bus.publisher().publish(events(1, 1)))
        .unwrap();
    node.read(READER, Events(Recorder::new(&seen)));
    node.until("the first", || seen.distinct() == 1);
    // The broker gets them, and its confirms never arrive.
    broker.proxy.mute(true);
    let publisher = node.bus.publisher();
    let publishing = node.spawn(async move { publisher.publish(events(2, 50)).await });
    std::thread::sleep(Duration::from_millis(500));
    broker.proxy.cut();
    broker.proxy.mute(false);
    node.wait(publishing).unwrap().unwrap();
    node.until("all handled", || seen.distinct() == 100);
    assert!(node.metric("stoa_amqp_publish_total") >= 25.0);
    node.stop();
}

#[test]
fn amqp_what_messages_led_to_is_given_up_once_they_are_handed_out_anew() {
    let broker = Broker::new();
    let (seen, archived) = (Seen::default(), Seen::default());
    let node = broker.start();
    node.read(Reader::Archive, Events(Recorder::new(&archived)));
    let decide = |thread, n| {
        Ok(vec![Outgoing::new(
            Exchange::Outcomes,
            &event(thread, n + 100),
        )])
    };
    let slow = Recorder::with(&seen, decide).slow(Duration::from_millis(500));
    node.read(READER, Events(slow));
    let publish = |n| node.wait(node.bus.publisher().publish(vec![outgoing(1, n)]));
    publish(0).unwrap();
    node.until("both read", || archived.distinct() == 2);
    publish(1).unwrap();
    // Both readers got both, and the archive what followed from the first.
    let deliveries = "stoa_consumer_deliveries_total";
    node.until("the second has arrived", || node.metric(deliveries) >= 5.0);
    // What follows from it is published, and nobody learns that it arrived.
    broker.proxy.mute(true);
    node.until("it is handled", || seen.distinct() == 2);
    std::thread::sleep(Duration::from_millis(200));
    broker.proxy.cut();
    std::thread::sleep(Duration::from_millis(200));
    broker.proxy.mute(false);
    node.until("all archived", || archived.distinct() == 4);
    let fenced = || node.labelled("stoa_amqp_publish_total", "fenced");
    node.until("given up", || fenced() >= 1.0);
    node.stop();
}

#[test]
fn amqp_a_connection_that_no_longer_answers_is_made_anew() {
    let broker = Broker::new();
    let seen = Seen::default();
    // Heartbeats find out much later.
    let node = broker.start_with(AmqpConfig {
        heartbeat: 300,
        confirm_timeout: Duration::from_secs(1),
        ..broker.config()
    });
    node.wait(node.bus.publisher().publish(events(1, 1)))
        .unwrap();
    broker.proxy.freeze();
    node.wait(node.bus.publisher().publish(events(2, 50)))
        .unwrap();
    node.read(READER, Events(Recorder::new(&seen)));
    node.until("all handled", || seen.distinct() == 100);
    node.until("ready", || node.bus.status().ready().is_ok());
    node.stop();
}

#[test]
fn amqp_a_reader_whose_broker_falls_silent_reads_on() {
    let broker = Broker::new();
    let seen = Seen::default();
    let node = broker.start_with(AmqpConfig {
        heartbeat: 1,
        ..broker.config()
    });
    node.read(READER, Events(Recorder::new(&seen)));
    node.wait(node.bus.publisher().publish(events(1, 1)))
        .unwrap();
    node.until("the first", || seen.distinct() == 1);
    broker.proxy.freeze();
    node.wait(node.bus.publisher().publish(events(2, 50)))
        .unwrap();
    node.until("all handled", || seen.distinct() == 100);
    node.stop();
}

#[test]
fn amqp_a_broker_that_comes_late_is_waited_for() {
    let broker = Broker::new();
    broker.proxy.refuse(true);
    let seen = Seen::default();
    let node = broker.start();
    node.read(READER, Events(Recorder::new(&seen)));
    let publisher = node.bus.publisher();
    let publishing = node.spawn(async move { publisher.publish(events(3, 10)).await });
    std::thread::sleep(Duration::from_secs(1));
    let status = node.bus.status();
    assert!(!status.connected && status.ready().is_err(), "{status:?}");
    assert!(!status.detail.contains("guest:"), "{status:?}");
    let attempts = node.metric("stoa_amqp_reconnects_total");
    assert!(attempts <= 12.0, "{attempts} attempts in a second");
    broker.proxy.refuse(false);
    node.wait(publishing).unwrap().unwrap();
    node.until("all handled", || seen.distinct() == 30);
    node.stop();
}

#[test]
fn amqp_a_deleted_queue_is_subscribed_to_again() {
    let broker = Broker::new();
    let seen = Seen::default();
    let node = broker.start();
    node.read(READER, Events(Recorder::new(&seen)));
    node.wait(node.bus.publisher().publish(events(30, 5)))
        .unwrap();
    node.until("all handled", || seen.distinct() == 150);
    let queue = format!("moderation.q.{}", Shard::of("courrier", "a-1").group());
    broker.delete_queue(&queue);
    node.until("noticed", || node.bus.status().stalled);
    let status = node.bus.status();
    assert!(status.detail.contains(&queue), "{status:?}");
    assert!(status.detail.contains("definitions.json"), "{status:?}");
    assert!(node.metric("stoa_amqp_consumer_cancelled_total") >= 1.0);
    broker.declare_queue(&queue);
    node.wait(node.bus.publisher().publish(vec![outgoing(1, 5)]))
        .unwrap();
    node.until("handled again", || seen.all().contains(&(1, 5)));
    node.until("ready", || node.bus.status().ready().is_ok());
    node.stop();
}

#[test]
fn amqp_a_missing_topology_is_named_and_provisioned() {
    let broker = Broker::new();
    broker.delete_queues();
    let seen = Seen::default();
    let node = broker.start();
    node.read(READER, Events(Recorder::new(&seen)));
    node.until("named", || {
        node.bus.status().detail.contains("`moderation.q.0`")
    });
    let tries = node.metric("stoa_amqp_reconnects_total");
    std::thread::sleep(Duration::from_secs(2));
    let tries = node.metric("stoa_amqp_reconnects_total") - tries;
    assert!(tries <= 8.0 * 8.0, "{tries} attempts in 2 s is a hot loop");
    node.stop();
    let node = broker.start_with(AmqpConfig {
        provision: true,
        ..broker.config()
    });
    node.read(READER, Events(Recorder::new(&seen)));
    node.wait(node.bus.publisher().publish(events(5, 5)))
        .unwrap();
    node.until("all handled", || seen.distinct() == 25);
    node.until("ready", || node.bus.status().ready().is_ok());
    node.stop();
}

#[test]
fn amqp_what_no_queue_takes_is_not_confirmed() {
    let broker = Broker::new();
    broker.unbind_content();
    let node = broker.start();
    let publisher = node.bus.publisher();
    let publishing = node.spawn(async move { publisher.publish(events(20, 10)).await });
    node.until("named", || {
        node.bus.status().detail.contains("no queue takes")
    });
    assert!(!publishing.is_finished());
    broker.bind_content();
    let seen = Seen::default();
    node.read(READER, Events(Recorder::new(&seen)));
    node.wait(publishing).unwrap().unwrap();
    node.until("all handled", || seen.distinct() == 200);
    node.until("ready", || node.bus.status().ready().is_ok());
    node.stop();
}

#[test]
fn amqp_a_full_queue_holds_the_publisher() {
    let broker = Broker::new();
    let node = broker.start_with(AmqpConfig {
        batch_events: 1,
        ..broker.config()
    });
    let publisher = node.bus.publisher();
    // Of a thread one message is on its way at a time, so many threads of one queue fill it.
    let per_thread = 100;
    let count = u32::try_from(QUEUE_LENGTH).unwrap() + 500;
    let group = outgoing(1, 0).shard.group();
    let in_queue = |thread: &u32| outgoing(*thread, 0).shard.group() == group;
    let threads = (0..count).filter(in_queue);
    let threads: Vec<u32> = threads.take((count / per_thread) as usize).collect();
    let all = (0..per_thread)
        .flat_map(|n| threads.iter().map(move |thread| outgoing(*thread, n)))
        .collect();
    let publishing = node.spawn(async move { publisher.publish(all).await });
    node.until("named", || {
        node.bus.status().detail.contains("a queue is full")
    });
    assert!(!publishing.is_finished());
    let seen = Seen::default();
    node.read(READER, Events(Recorder::new(&seen)));
    // The archive's queues are full of the same events.
    let archived = Seen::default();
    node.read(Reader::Archive, Events(Recorder::new(&archived)));
    node.wait(publishing).unwrap().unwrap();
    node.until("all handled", || {
        seen.distinct() == count as usize && archived.distinct() == count as usize
    });
    node.stop();
}

#[test]
fn amqp_nobody_has_to_listen_to_decisions() {
    let broker = Broker::new();
    let node = broker.start();
    let decision = Outgoing {
        exchange: Exchange::Decisions,
        routing_key: "courrier.hold".to_owned(),
        ..outgoing(1, 1)
    };
    node.wait(node.bus.publisher().publish(vec![decision]))
        .unwrap();
    node.stop();
}

#[test]
fn amqp_acknowledgements_go_on_while_the_broker_blocks() {
    let broker = Broker::new();
    let node = broker.start();
    let seen = Seen::default();
    node.wait(node.bus.publisher().publish(events(8, 100)))
        .unwrap();
    Broker::control(&["set_vm_memory_high_watermark", "0.00001"]);
    let publisher = node.bus.publisher();
    let publishing = node.spawn(async move { publisher.publish(vec![outgoing(99, 0)]).await });
    node.until("blocked", || node.bus.status().blocked);
    assert_eq!(node.metric("stoa_amqp_connection_blocked"), 1.0);
    node.read(READER, Events(Recorder::new(&seen)));
    node.until("all handled", || seen.distinct() >= 800);
    let queues = READER.queues();
    node.until("all acknowledged", || {
        queues.iter().all(|queue| broker.ready(queue) == 0)
    });
    Broker::control(&["set_vm_memory_high_watermark", "0.4"]);
    node.wait(publishing).unwrap().unwrap();
    node.until("unblocked", || node.bus.status().ready().is_ok());
    node.stop();
}

#[test]
fn amqp_the_operator_can_close_all_connections() {
    let broker = Broker::new();
    let node = broker.start();
    let seen = Seen::default();
    node.read(READER, Events(Recorder::new(&seen)));
    let publisher = node.bus.publisher();
    let publishing = node.spawn(async move {
        for n in 0..200 {
            publisher
                .publish((0..10).map(|thread| outgoing(thread, n)).collect())
                .await
                .unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    Broker::control(&["close_all_connections", "test"]);
    node.wait(publishing).unwrap();
    node.until("all handled", || seen.distinct() == 2_000);
    seen.assert_complete(10, 200);
    node.stop();
}

#[test]
fn amqp_an_outbox_waits_for_the_broker() {
    let broker = Broker::new();
    broker.proxy.refuse(true);
    let path = broker.dir().join("journal");
    std::fs::create_dir_all(&path).unwrap();
    let options = stoa_journal::Options::default();
    let clock = std::sync::Arc::new(|| 1_700_000_000_000_000 - 5_000_000);
    let journal = stoa_journal::Journal::open(&path, options, clock)
        .unwrap()
        .journal;
    let node = broker.start();
    let entries = (0..500)
        .map(|n| stoa_journal::Entry {
            kind: 1,
            payload: event(1, n).to_json(),
        })
        .collect();
    node.wait(journal.append(entries)).unwrap();
    let outbox = Outbox::open(journal, &broker.dir().join("cursor")).unwrap();
    let handle = outbox.handle();
    let map = |record: stoa_journal::Record| {
        vec![Outgoing::new(
            Exchange::Content,
            &Event::from_json(&record.payload).unwrap(),
        )]
    };
    node.spawn(outbox.run(node.bus.publisher(), map, node.shutdown.clone()));
    node.until("pending", || {
        node.metric("stoa_outbox_pending_records") == 500.0
    });
    assert_eq!(handle.pending_records(), 500);
    assert!(handle.pending_bytes() > 500 * 100);
    assert_eq!(handle.oldest_age_us(1_700_000_000_000_000), Some(5_000_000));
    assert_eq!(node.metric("stoa_outbox_oldest_age_seconds"), 5.0);
    broker.proxy.refuse(false);
    node.until("published", || handle.pending_records() == 0);
    node.stop();
}
