//! From events to messages: several events of one queue group travel in one message.

use bytes::Bytes;
use stoa_proto::codec::{self, BATCH, STRUCTURED};
use stoa_proto::{Exchange, Kind, Outgoing};

/// A message, ready to be published.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Packet {
    pub(crate) exchange: Exchange,
    /// What tells the threads of its events from others, see [`Outgoing::lane`]; none where events
    /// have no order.
    pub(crate) lanes: Vec<u64>,
    /// The key of its first event; every event in it goes to the same queues.
    pub(crate) routing_key: String,
    /// The id of its first event.
    pub(crate) id: String,
    /// The type of its events, if all have the same.
    pub(crate) kind: Option<Kind>,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
}

/// How much goes into one message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PackLimits {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
    /// Whether a message may hold events of several queue groups: where a reader has one queue.
    pub(crate) across_groups: bool,
}

struct Open {
    exchange: Exchange,
    group: u8,
    lanes: Vec<u64>,
    bytes: usize,
    events: Vec<Outgoing>,
}

impl Open {
    fn close(mut self) -> Option<Packet> {
        let same = self
            .events
            .windows(2)
            .all(|pair| matches!(pair, [first, second] if first.kind == second.kind));
        let (content_type, body) = match self.events.as_slice() {
            [one] => (STRUCTURED, one.body.clone()),
            many => (BATCH, codec::batch(many.iter().map(|event| &event.body))),
        };
        if self.events.is_empty() {
            return None;
        }
        let first = self.events.swap_remove(0);
        Some(Packet {
            exchange: self.exchange,
            lanes: self.lanes,
            routing_key: first.routing_key,
            id: first.id,
            kind: same.then_some(first.kind),
            content_type,
            body,
        })
    }
}

/// Packs events into messages. Events of one group and exchange keep their order.
pub(crate) fn pack(events: Vec<Outgoing>, limits: PackLimits) -> Vec<Packet> {
    let mut packets = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for event in events {
        let exchange = event.exchange;
        let group = if limits.across_groups {
            0
        } else {
            event.shard.group()
        };
        let size = event.body.len() + 1;
        // What is sharded is in order within a thread, and several may travel together.
        let lane = exchange.batched().then_some(event.lane);
        let batched = exchange.batched() && limits.events > 1;
        let place = open
            .iter()
            .position(|o| batched && o.exchange == exchange && o.group == group);
        match place.and_then(|place| open.get_mut(place)) {
            Some(batch) if batch.bytes + size <= limits.bytes => {
                batch.bytes += size;
                batch.lanes.extend(lane);
                batch.events.push(event);
            }
            Some(batch) => {
                let fresh = Open {
                    exchange,
                    group,
                    lanes: lane.into_iter().collect(),
                    bytes: size,
                    events: vec![event],
                };
                packets.extend(std::mem::replace(batch, fresh).close());
            }
            None => {
                let fresh = Open {
                    exchange,
                    group,
                    lanes: lane.into_iter().collect(),
                    bytes: size,
                    events: vec![event],
                };
                if batched {
                    open.push(fresh);
                } else {
                    packets.extend(fresh.close());
                }
            }
        }
        if let Some(place) = open.iter().position(|o| o.events.len() >= limits.events) {
            packets.extend(open.remove(place).close());
        }
    }
    packets.extend(open.into_iter().filter_map(Open::close));
    packets
}

#[cfg(test)]
mod tests;
