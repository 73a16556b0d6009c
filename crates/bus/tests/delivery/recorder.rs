//! Events of the tests, and handlers that write down what they are given.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stoa_bus::{EventHandler, HandlerError, Outcome, Parked};
use stoa_proto::{CommentWithdrawn, Data, Event, Exchange, Outgoing, Received};

/// Makes the n-th event of a thread.
pub(crate) fn event(thread: u32, n: u32) -> Event {
    let data: CommentWithdrawn = serde_json::from_value(serde_json::json!({
        "site": "courrier", "article": format!("a-{thread}"), "comment": format!("c-{n}"),
    }))
    .unwrap();
    Event::new(
        format!("{thread}/{n}"),
        "/test",
        Data::CommentWithdrawn(data),
    )
}

pub(crate) fn outgoing(thread: u32, n: u32) -> Outgoing {
    Outgoing::new(Exchange::Content, &event(thread, n))
}

/// Makes events of threads in turn.
pub(crate) fn events(threads: u32, per_thread: u32) -> Vec<Outgoing> {
    let per_thread = 0..per_thread;
    per_thread
        .flat_map(|n| (0..threads).map(move |thread| outgoing(thread, n)))
        .collect()
}

fn parse(id: &str) -> (u32, u32) {
    let (thread, n) = id.split_once('/').unwrap();
    (thread.parse().unwrap(), n.parse().unwrap())
}

/// Returns the numbers of the parked events.
pub(crate) fn numbers(parked: &[Parked]) -> Vec<u32> {
    let id = |one: &Parked| parse(one.event.as_deref().unwrap()).1;
    parked.iter().map(id).collect()
}

/// What was handled, in order.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<(u32, u32)>>>);

impl Seen {
    pub(crate) fn push(&self, id: &str) {
        self.0.lock().unwrap().push(parse(id));
    }

    pub(crate) fn all(&self) -> Vec<(u32, u32)> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Counts events without their repeats.
    pub(crate) fn distinct(&self) -> usize {
        self.first_of_each().values().map(Vec::len).sum()
    }

    /// Returns what each thread saw, without repeats.
    pub(crate) fn first_of_each(&self) -> BTreeMap<u32, Vec<u32>> {
        let mut threads: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (thread, n) in self.all() {
            let seen = threads.entry(thread).or_default();
            if !seen.contains(&n) {
                seen.push(n);
            }
        }
        threads
    }

    /// Each thread saw its events without a gap, as far as it came.
    pub(crate) fn assert_in_order(&self) {
        for (thread, seen) in self.first_of_each() {
            let upto = u32::try_from(seen.len()).unwrap();
            assert_eq!(seen, (0..upto).collect::<Vec<_>>(), "thread {thread}");
        }
    }

    /// Each thread saw each of its events, first in order.
    pub(crate) fn assert_complete(&self, threads: u32, per_thread: u32) {
        let seen = self.first_of_each();
        assert_eq!(seen.len(), threads as usize, "threads");
        for (thread, seen) in seen {
            assert_eq!(seen, (0..per_thread).collect::<Vec<_>>(), "thread {thread}");
        }
    }
}

type Rule = Box<dyn FnMut(u32, u32) -> Outcome + Send>;

/// Handles each event by a rule, and writes down those that it let pass.
pub(crate) struct Recorder {
    pub(crate) seen: Seen,
    rule: Rule,
    /// How long a batch takes.
    pub(crate) pause: Duration,
}

impl Recorder {
    pub(crate) fn new(seen: &Seen) -> Self {
        Self::with(seen, |_, _| Ok(Vec::new()))
    }

    pub(crate) fn with(
        seen: &Seen,
        rule: impl FnMut(u32, u32) -> Outcome + Send + 'static,
    ) -> Self {
        Self {
            seen: seen.clone(),
            rule: Box::new(rule),
            pause: Duration::ZERO,
        }
    }

    pub(crate) fn slow(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }
}

impl EventHandler for Recorder {
    async fn handle(&mut self, events: Vec<Received>) -> Vec<Outcome> {
        if !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
        let mut outcomes = Vec::with_capacity(events.len());
        let mut refused = Vec::new();
        for event in &events {
            let (thread, n) = parse(&event.id);
            if refused.contains(&thread) {
                // Nothing overtakes what is refused.
                break;
            }
            let outcome = (self.rule)(thread, n);
            if outcome.is_ok() {
                self.seen.push(&event.id);
            }
            if matches!(outcome, Err(HandlerError::Reject(_))) {
                refused.push(thread);
            }
            let held = matches!(outcome, Err(HandlerError::Retry(_)));
            outcomes.push(outcome);
            if held {
                // As a handler that stops its batch at the first event that has to wait.
                let behind = || Err(HandlerError::Retry("behind another".to_owned()));
                outcomes.resize_with(events.len(), behind);
                break;
            }
        }
        outcomes
    }
}
