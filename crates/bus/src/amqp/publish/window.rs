//! The messages that are sent and not yet confirmed.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use lapin::Confirmation;
use lapin::message::BasicReturnMessage;
use stoa_proto::Exchange;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::line::Outlet;
use crate::amqp::connection::describe;
use crate::pack::Packet;
use crate::publisher::Lease;

/// A submission that waits for its messages.
///
/// If a message is given up unconfirmed, its submitter sees that the sender is gone.
#[derive(Clone, Debug)]
pub(super) struct Done(Arc<Waiter>);

#[derive(Debug)]
struct Waiter {
    unconfirmed: AtomicUsize,
    sender: Mutex<Option<oneshot::Sender<()>>>,
}

impl Done {
    /// Waits for a number of messages.
    pub(super) fn new(sender: oneshot::Sender<()>, messages: usize) -> Self {
        let sender = Mutex::new(Some(sender));
        Self(Arc::new(Waiter {
            unconfirmed: AtomicUsize::new(messages),
            sender,
        }))
    }

    /// One message is confirmed, or given up; the last one tells the submitter.
    pub(super) fn confirmed(&self) {
        if self.0.unconfirmed.fetch_sub(1, Ordering::AcqRel) == 1 {
            let mut sender = self.0.sender.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(sender) = sender.take() {
                // Nobody waits any more if the caller was dropped.
                sender.send(()).ok();
            }
        }
    }
}

/// A message on its way.
#[derive(Debug)]
pub(super) struct Message {
    /// Its place in the order of all messages of this process.
    pub(super) number: u64,
    pub(super) packet: Packet,
    pub(super) lease: Lease,
    pub(super) done: Done,
    /// How often the broker refused it.
    pub(super) attempts: u32,
}

/// A thread of an exchange.
type Lane = (Exchange, u64);

/// The threads of a message; what is not ordered has none.
fn lanes(message: &Message) -> impl Iterator<Item = Lane> {
    let packet = &message.packet;
    packet.lanes.iter().map(|lane| (packet.exchange, *lane))
}

/// Who publishes.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(super) app_id: String,
    /// The account, where it is known: the broker refuses messages that name another one, and so
    /// vouches for it to their readers.
    pub(super) account: Option<String>,
}

/// What the broker said of a message.
#[derive(Debug)]
pub(super) enum Verdict {
    Confirmed,
    Nacked,
    Returned(String),
}

struct Sent {
    message: Message,
    at: Instant,
    returned: Option<String>,
}

/// The number of a message, and what became of it.
pub(crate) type Confirm = (u64, lapin::Result<Confirmation>);

type Confirming = Pin<Box<dyn Future<Output = Confirm> + Send>>;

/// Sent messages, by their number.
#[derive(Default)]
pub(super) struct Window {
    pub(super) confirms: FuturesUnordered<Confirming>,
    sent: BTreeMap<u64, Sent>,
    /// The threads of what is sent.
    busy: HashSet<Lane>,
    /// Acknowledged or nacked; a return may still be attributed to them.
    noted: Vec<(u64, bool)>,
}

impl Window {
    pub(super) fn len(&self) -> usize {
        self.sent.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// Returns when the message that has waited longest was sent.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.sent.values().map(|sent| sent.at).min()
    }

    /// Gives up the window: what was sent is unknown.
    pub(super) fn into_messages(self) -> Vec<Message> {
        self.sent.into_values().map(|sent| sent.message).collect()
    }

    /// Takes out up to so many messages that may be sent now: of their threads nothing is
    /// unconfirmed, and nothing waits before them.
    pub(super) fn take_free(
        &self,
        waiting: &mut VecDeque<Message>,
        room: usize,
    ) -> VecDeque<Message> {
        let (mut free, mut behind) = (VecDeque::new(), VecDeque::new());
        let mut before: HashSet<Lane> = HashSet::new();
        while free.len() < room
            && let Some(message) = waiting.pop_front()
        {
            let is_busy =
                lanes(&message).any(|lane| self.busy.contains(&lane) || before.contains(&lane));
            before.extend(lanes(&message));
            if is_busy { &mut behind } else { &mut free }.push_back(message);
        }
        behind.append(waiting);
        *waiting = behind;
        free
    }

    /// Sends a message.
    pub(super) fn send(&mut self, channel: &impl Outlet, message: Message, from: &Sender) {
        let number = message.number;
        self.busy.extend(lanes(&message));
        let mut confirming = Box::pin(channel.publish(number, &message.packet, from));
        // The client takes its place in the channel's order when it is first polled.
        match confirming.as_mut().now_or_never() {
            Some(confirm) => self.confirms.push(Box::pin(std::future::ready(confirm))),
            None => self.confirms.push(confirming),
        }
        self.sent.insert(
            number,
            Sent {
                message,
                at: Instant::now(),
                returned: None,
            },
        );
    }

    /// Notes what the client says of a message; an error is one of the channel.
    pub(super) fn note(&mut self, (number, confirm): Confirm) -> Result<(), String> {
        match confirm {
            Ok(Confirmation::Ack(returned)) => {
                self.noted.push((number, true));
                self.returned(returned);
                Ok(())
            }
            Ok(Confirmation::Nack(returned)) => {
                self.noted.push((number, false));
                self.returned(returned);
                Ok(())
            }
            Ok(Confirmation::NotRequested) => Err("the channel does not confirm".to_owned()),
            Err(error) => Err(describe(&error)),
        }
    }

    /// Notes all that is known by now.
    pub(super) fn note_ready(&mut self) -> Result<(), String> {
        while let Some(Some(confirm)) = self.confirms.next().now_or_never() {
            self.note(confirm)?;
        }
        Ok(())
    }

    /// Takes out what was noted.
    pub(super) fn take_noted(&mut self) -> Vec<(Message, Instant, Verdict)> {
        let noted = std::mem::take(&mut self.noted);
        noted
            .into_iter()
            .filter_map(|(number, acknowledged)| {
                let sent = self.sent.remove(&number)?;
                for lane in lanes(&sent.message) {
                    self.busy.remove(&lane);
                }
                let verdict = match sent.returned {
                    Some(reason) => Verdict::Returned(reason),
                    None if acknowledged => Verdict::Confirmed,
                    None => Verdict::Nacked,
                };
                Some((sent.message, sent.at, verdict))
            })
            .collect()
    }

    /// Marks every message that this return may be of.
    fn returned(&mut self, returned: Option<BasicReturnMessage>) {
        let Some(returned) = returned else { return };
        let id = returned
            .properties
            .message_id()
            .as_ref()
            .map(lapin::types::ShortString::as_str);
        for sent in self.sent.values_mut() {
            let packet = &sent.message.packet;
            if returned.exchange.as_str() == packet.exchange.name()
                && id.is_none_or(|id| id == short(&packet.id))
            {
                sent.returned = Some(returned.reply_text.as_str().to_owned());
            }
        }
    }
}

/// Cuts an id to what the protocol's short strings hold, 255 bytes. The event in the body has it
/// whole.
pub(super) fn short(id: &str) -> &str {
    let mut end = id.len().min(255);
    while !id.is_char_boundary(end) {
        end -= 1;
    }
    id.get(..end).unwrap_or_default()
}
