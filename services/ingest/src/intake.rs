//! From a message to work for the engine: decode, judge, normalise, mark.
//!
//! All of it happens in the task that received the message, so that requests run side by side and
//! the engine only compares digests and writes.

mod mark;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::value::RawValue;
use stoa_daemon::Clock;
use stoa_daemon::auth::Principal;
use stoa_proto::codec::{self, Message, Mode};
use stoa_proto::{Code, Kind, Rejection, Time, limits};

use crate::digest::{self, Digest};
use crate::metrics::Metrics;
use crate::policy::Policy;
use crate::record::{Accepted, Mark, Refusal, Rejected, Transport};

/// Who sent a message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sender<'a> {
    /// Over HTTP, whom the token is for.
    Token(&'a Principal),
    /// Over the bus, the account that the broker vouches for.
    Account(Option<&'a str>),
}

impl<'a> Sender<'a> {
    fn transport(self) -> Transport {
        match self {
            Self::Token(_) => Transport::Http,
            Self::Account(_) => Transport::Bus,
        }
    }

    fn name(self) -> Option<&'a str> {
        match self {
            Self::Token(principal) => Some(&principal.name),
            Self::Account(account) => account,
        }
    }
}

/// One event on its way to the engine.
#[derive(Debug)]
pub(crate) enum Item {
    /// It is valid, and accepted unless it is a repeat or a conflict.
    Event(Box<Prepared>),
    /// It is rejected, whatever came before.
    Refused(Box<Rejected>),
}

/// A valid event, ready to be written.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) mark: Mark,
    pub(crate) kind: Kind,
    /// The payload of its record.
    pub(crate) payload: Bytes,
    /// The comment whose words it may hold.
    pub(crate) worded: Option<Digest>,
    /// Whether it orders that words be erased.
    pub(crate) is_order: bool,
    id: String,
    source: String,
    /// Its place in the message.
    index: usize,
    origin: Arc<Origin>,
}

impl Prepared {
    /// Makes the rejection of this event.
    pub(crate) fn refuse(self, rejection: Rejection) -> Rejected {
        let original = self.origin.original(self.index);
        self.origin.refuse(
            Some(self.id),
            Some(self.source),
            Some(self.kind.as_str().to_owned()),
            rejection,
            original,
        )
    }
}

/// Where a message came from and when.
#[derive(Debug)]
pub(crate) struct Origin {
    transport: Transport,
    content_type: Option<String>,
    publisher: Option<String>,
    received_at: Time,
    body: Bytes,
    /// The events of a batch as they came; split only once one of them is refused.
    parts: Option<OnceLock<Vec<Bytes>>>,
}

impl Origin {
    /// Returns an event's bytes as they came.
    fn original(&self, index: usize) -> Bytes {
        let Some(parts) = &self.parts else {
            return self.body.clone();
        };
        let parts = parts.get_or_init(|| {
            let events: Vec<&RawValue> = serde_json::from_slice(&self.body).unwrap_or_default();
            events
                .iter()
                .map(|event| self.body.slice_ref(event.get().as_bytes()))
                .collect()
        });
        parts
            .get(index)
            .cloned()
            .unwrap_or_else(|| self.body.clone())
    }

    fn refuse(
        &self,
        id: Option<String>,
        source: Option<String>,
        kind: Option<String>,
        rejection: Rejection,
        original: Bytes,
    ) -> Rejected {
        let refusal = Refusal {
            id,
            source,
            kind,
            rejection,
            received_at: self.received_at.clone(),
            transport: self.transport,
            content_type: self.content_type.clone(),
            publisher: self.publisher.clone(),
            original_bytes: original.len() as u64,
            original_digest: None,
        };
        Rejected { refusal, original }
    }
}

/// Turns messages into work.
#[derive(Debug)]
pub(crate) struct Intake {
    policy: Policy,
    clock: Clock,
    metrics: Metrics,
    /// When the last event was recorded, in microseconds.
    recorded: AtomicI64,
}

impl Intake {
    pub(crate) fn new(policy: Policy, clock: Clock, metrics: Metrics) -> Self {
        Self {
            policy,
            clock,
            metrics,
            recorded: AtomicI64::new(i64::MIN),
        }
    }

    /// Prepares every event of a message, in order.
    pub(crate) fn prepare(&self, message: &Message, sender: Sender<'_>) -> Vec<Item> {
        let _timer = self.metrics.prepare.start_timer();
        let origin = self.origin(message, sender);
        codec::decode(message)
            .into_iter()
            .enumerate()
            .map(|(index, result)| match result {
                Ok(event) => self.event(event, index, &origin, sender),
                Err(bad) => Item::Refused(Box::new(origin.refuse(
                    bad.id,
                    bad.source,
                    bad.kind,
                    bad.rejection,
                    bad.original,
                ))),
            })
            .collect()
    }

    /// Makes the rejection of a message that is too large to be kept here.
    pub(crate) fn oversize(&self, message: &Message, sender: Sender<'_>) -> Item {
        let length = message.body.len();
        let rejection = Rejection::too_large("message", length, limits::BATCH_BYTES, "bytes");
        let origin = self.origin(message, sender);
        let mut rejected = origin.refuse(None, None, None, rejection, Bytes::new());
        rejected.refusal.original_bytes = length as u64;
        rejected.refusal.original_digest = Some(digest::hex(digest::of(&[&message.body])));
        Item::Refused(Box::new(rejected))
    }

    fn origin(&self, message: &Message, sender: Sender<'_>) -> Arc<Origin> {
        Arc::new(Origin {
            transport: sender.transport(),
            content_type: message.content_type.clone(),
            publisher: sender.name().map(str::to_owned),
            received_at: Time::from_timestamp(self.clock.now()),
            body: message.body.clone(),
            parts: (Mode::of(message) == Some(Mode::Batch)).then(OnceLock::new),
        })
    }

    /// Returns the time of an event, later than that of every one before, so that events that come
    /// again out of order can be put in order by it.
    fn recorded(&self) -> Time {
        let now = self.clock.micros();
        let later = |last: i64| now.max(last.saturating_add(1));
        let last = self
            .recorded
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(later(last))
            });
        Time::from_micros(later(last.unwrap_or_default()))
    }

    fn event(
        &self,
        mut event: stoa_proto::Event,
        index: usize,
        origin: &Arc<Origin>,
        sender: Sender<'_>,
    ) -> Item {
        let kind = event.kind();
        mark::clear_normalized(&mut event);
        let judged = self.policy.admit(&event, sender).and_then(|languages| {
            let mark = mark::of(&event).ok_or_else(unserialisable)?;
            stoa_normalise::event(&mut event, languages)?;
            Ok(mark)
        });
        let mark = match judged {
            Ok(mark) => mark,
            Err(rejection) => {
                return Item::Refused(Box::new(origin.refuse(
                    Some(event.id),
                    Some(event.source),
                    Some(kind.as_str().to_owned()),
                    rejection,
                    origin.original(index),
                )));
            }
        };
        event.recordedtime = Some(self.recorded());
        let (worded, is_order) = (mark::worded(&event), event.is_order());
        let accepted = Accepted {
            mark,
            shard: event.shard(),
            kind,
            event: event.to_json(),
            id: event.id,
        };
        Item::Event(Box::new(Prepared {
            mark,
            kind,
            payload: accepted.encode(),
            worded,
            is_order,
            id: accepted.id,
            source: event.source,
            index,
            origin: Arc::clone(origin),
        }))
    }
}

/// What was read as JSON can be written as JSON; this is for the day on which that is not so.
fn unserialisable() -> Rejection {
    Rejection::field(
        Code::InvalidField,
        "data",
        "`data` can't be written as JSON",
    )
}
