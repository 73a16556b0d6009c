//! Words that are to be erased: what is parked of them is dropped, what passed is overwritten.

use std::path::Path;

use stoa_bus::{Events, Filter, HandlerError, Holds, Parking};
use stoa_proto::{CommentErased, Data, Event, Exchange, Outgoing, Reader};

use crate::node::{Embedded, PARKED_BYTES, READER, Transport};
use crate::recorder::{Recorder, Seen, events, numbers, outgoing};

/// Tells what holds all of some texts.
fn holding(texts: &'static [&'static str]) -> Holds {
    Holds::new(move |body, _| {
        let body = String::from_utf8_lossy(body);
        texts.iter().all(|text| body.contains(text))
    })
}

fn parked(parking: &Parking) -> Vec<u32> {
    numbers(&parking.page(&Filter::default(), None, usize::MAX).parked)
}

/// An order to erase a comment, as the n-th event of a thread.
fn order(thread: u32, n: u32) -> Outgoing {
    let data: CommentErased = serde_json::from_value(serde_json::json!({
        "site": "courrier", "article": format!("a-{thread}"), "comment": "c-7", "redaction": "r-1",
    }))
    .unwrap();
    let event = Event::new(format!("{thread}/{n}"), "/test", Data::CommentErased(data));
    Outgoing::new(Exchange::Content, &event)
}

/// Whether a file below a folder holds a text.
fn holds(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        String::from_utf8_lossy(&std::fs::read(path).unwrap()).contains(text)
    })
}

pub(crate) fn what_is_erased_is_dropped(transport: &dyn Transport) {
    let seen = Seen::default();
    let never = |thread, n| match (thread, n) {
        (1, 2) => Err(HandlerError::Reject("never".to_owned())),
        _ => Ok(Vec::new()),
    };
    let node = transport.start();
    let (parking, _) = node.park(READER, PARKED_BYTES, Events(Recorder::with(&seen, never)));
    node.wait(node.bus.publisher().publish(events(2, 6)))
        .unwrap();
    node.until("parked", || parked(&parking) == [2, 3, 4, 5]);
    let dir = transport.dir().join("parked");
    assert!(holds(&dir, "1/3") && holds(&dir, "1/4"));
    let erased = node.wait(parking.erase(holding(&["\"a-1\"", "\"c-3\""])));
    assert_eq!(erased.unwrap(), 1);
    assert!(!holds(&dir, "1/3") && holds(&dir, "1/4"));
    assert_eq!(parked(&parking), [2, 4, 5]);
    // An order passes by what is parked in its thread.
    node.wait(
        node.bus
            .publisher()
            .publish(vec![order(1, 9), outgoing(1, 6)]),
    )
    .unwrap();
    node.until("the order", || seen.all().contains(&(1, 9)));
    node.until("behind", || parked(&parking) == [2, 4, 5, 6]);
    let erased = node.wait(parking.erase(holding(&["\"a-1\"", "\"c-2\""])));
    assert!(erased.unwrap() >= 2, "with the reasons of its retries");
    node.until("the others pass", || parked(&parking).is_empty());
    assert!(!holds(&dir, "1/2"));
    drop(parking);
    node.stop();
    assert!(transport.parked().is_empty());
    assert_eq!(seen.first_of_each()[&1], [0, 1, 9, 4, 5, 6]);
}

pub(crate) fn what_all_have_passed_is_erased() {
    let transport = Embedded::new();
    let (seen, other) = (Seen::default(), Seen::default());
    let node = transport.start();
    node.read(READER, Events(Recorder::new(&seen)));
    for n in 0..4 {
        node.wait(node.bus.publisher().publish(vec![outgoing(0, n)]))
            .unwrap();
    }
    let bus = node.bus.clone();
    let erasing = node.spawn(async move { bus.erase(holding(&["\"c-1\""])).await });
    node.until("one has passed", || seen.count() == 4);
    std::thread::sleep(std::time::Duration::from_millis(600));
    assert!(!erasing.is_finished(), "another has not");
    assert!(holds(transport.dir(), "\"c-1\""));
    node.read(Reader::Archive, Events(Recorder::new(&other)));
    assert_eq!(node.wait(erasing).unwrap().unwrap(), 1);
    assert!(!holds(transport.dir(), "\"c-1\""));
    node.stop();
    // A reader that lost its position is given what is left, and goes on.
    std::fs::remove_dir_all(transport.dir().join("bus/cursors")).unwrap();
    let seen = Seen::default();
    let node = transport.start();
    let (parking, _) = node.park(READER, PARKED_BYTES, Events(Recorder::new(&seen)));
    node.wait(node.bus.publisher().publish(vec![outgoing(0, 4)]))
        .unwrap();
    node.until("all that is left", || seen.count() == 4);
    assert_eq!(seen.first_of_each()[&0], [0, 2, 3, 4]);
    assert!(parked(&parking).is_empty());
    drop(parking);
    node.stop();
}
