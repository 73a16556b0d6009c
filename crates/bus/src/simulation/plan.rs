//! What a seed decides before a run begins.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use stoa_proto::event::Kind;
use stoa_proto::{Exchange, Outgoing, Reader, Shard};

use super::broker::thread_of;
use super::world::World;

/// How a role refuses an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Poison {
    /// For good.
    Always,
    /// Until the role is of a later version.
    Old,
    /// With a panic, until the role is of a later version.
    Panics,
}

pub(super) struct Plan {
    pub(super) threads: Vec<String>,
    /// The events of each thread, in their order.
    pub(super) n_events: u64,
    pub(super) two_moderators: bool,
    pub(super) n_faults: u64,
    pub(super) prefetch: u16,
    pub(super) confirm_window: usize,
    pub(super) batch_events: usize,
    pub(super) max_messages: usize,
    /// Calls of a handler in a hundred that have to wait.
    pub(super) retries: u64,
    /// Events in a hundred over which a handler panics once.
    pub(super) panics: u64,
    poison: BTreeMap<(&'static str, String), Poison>,
    /// Roles are of the later version.
    pub(super) is_upgraded: AtomicBool,
    /// Over what a handler has panicked.
    panicked: Mutex<Vec<(Reader, String)>>,
}

impl Plan {
    pub(super) fn new(world: &World) -> Self {
        let n_threads = world.between(1, 4);
        let threads: Vec<_> = (0..n_threads).map(|n| format!("t{n}")).collect();
        let n_events = world.between(2, 12);
        let mut poison = BTreeMap::new();
        if world.percent(60) {
            for _ in 0..world.between(1, 3) {
                let thread = world.one(&threads).unwrap();
                let id = event_id(thread, world.below(n_events));
                let (reader, id) = match world.below(4) {
                    0 => (Reader::Ingest, id),
                    1 => (Reader::Moderation, id),
                    2 => (Reader::Archive, id),
                    _ => (Reader::Archive, output_id(&id)),
                };
                let kinds = [Poison::Always, Poison::Old, Poison::Panics];
                poison.insert((reader.name(), id), *world.one(&kinds).unwrap());
            }
        }
        Self {
            threads,
            n_events,
            two_moderators: world.percent(35),
            n_faults: world.below(14),
            prefetch: u16::try_from(world.between(1, 12)).unwrap(),
            confirm_window: usize::try_from(world.between(1, 20)).unwrap(),
            batch_events: usize::try_from(world.between(1, 6)).unwrap(),
            max_messages: usize::try_from(world.between(1, 12)).unwrap(),
            retries: world.below(10),
            panics: world.below(5),
            poison,
            is_upgraded: AtomicBool::new(false),
            panicked: Mutex::default(),
        }
    }

    /// Tells how a role refuses an event, if it does by now.
    pub(super) fn refuses(&self, reader: Reader, id: &str) -> Option<Poison> {
        let upgraded = self.is_upgraded.load(Ordering::Relaxed);
        let poison = self.poison.get(&(reader.name(), id.to_owned())).copied();
        poison.filter(|poison| *poison == Poison::Always || !upgraded)
    }

    /// Whether a role refuses any event of a thread.
    pub(super) fn refuses_any(&self, reader: Reader, thread: &str) -> bool {
        let mut poison = self.poison.keys();
        poison.any(|(name, id)| *name == reader.name() && thread_of(id) == thread)
    }

    /// Whether a role panics over an event now, which it does once.
    pub(super) fn panics_once(&self, world: &World, reader: Reader, id: &str) -> bool {
        let mut panicked = self.panicked.lock().unwrap();
        let event = (reader, id.to_owned());
        let panics = world.percent(self.panics) && !panicked.contains(&event);
        if panics {
            panicked.push(event);
        }
        panics
    }

    pub(super) fn readers_queues(&self, reader: Reader) -> Vec<String> {
        if reader == Reader::Ingest {
            return reader.queues();
        }
        let groups = self
            .threads
            .iter()
            .map(|thread| Shard::of("s", thread).group());
        let mut queues: Vec<_> = groups
            .map(|group| reader.queues().remove(usize::from(group)))
            .collect();
        queues.sort();
        queues.dedup();
        queues
    }
}

pub(super) fn event_id(thread: &str, number: u64) -> String {
    format!("{thread}-{number}")
}

/// Names what follows from an event.
pub(super) fn output_id(id: &str) -> String {
    format!("d.{id}")
}

/// Writes an event.
pub(super) fn body(id: &str) -> Bytes {
    let thread = thread_of(id);
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"stoa.comment.withdrawn.v1","data":{{"site":"s","article":"{thread}","comment":"c"}}}}"#
    )
    .into()
}

/// Makes an event for an exchange.
pub(super) fn outgoing(exchange: Exchange, id: &str) -> Outgoing {
    let shard = Shard::of("s", thread_of(id));
    let routing_key = match exchange {
        Exchange::Inbox => String::new(),
        _ => shard.routing_key(),
    };
    Outgoing {
        exchange,
        id: id.to_owned(),
        kind: Kind::CommentWithdrawn,
        shard,
        lane: stoa_proto::shard::hash("s", thread_of(id)),
        routing_key,
        body: body(id),
    }
}
