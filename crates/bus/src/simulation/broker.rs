//! The broker: exchanges that lead to queues, of each queue one active consumer at a time, and
//! connections that end.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use stoa_proto::codec::Message;
use stoa_proto::{Exchange, Reader, Shard};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::line::LineState;
use super::process::Process;
use super::world::{World, ids};
use crate::consume::Delivery;
use crate::handler::Incoming;
use crate::pack::Packet;

/// The longest that a message takes over the network, in milliseconds.
pub(super) const NET_MS: u64 = 60;

/// A message in a queue.
#[derive(Clone)]
struct Stored {
    content_type: &'static str,
    body: Bytes,
    /// How often it was handed out and came back.
    count: i64,
    /// Whether a crash of the broker keeps it.
    kept: Arc<AtomicBool>,
}

/// What identifies a message to the broker.
pub(super) struct Token {
    pub(super) epoch: u64,
    pub(super) tag: u64,
    pub(super) usable: Arc<AtomicBool>,
}

/// A consumer as its process knows it.
pub(super) struct Subscribed {
    pub(super) queue: String,
    pub(super) usable: Arc<AtomicBool>,
}

struct Consumer {
    epoch: u64,
    process: Process,
    prefetch: usize,
    unacked: VecDeque<(u64, Stored)>,
    next_tag: u64,
    sender: mpsc::UnboundedSender<Delivery<Token>>,
    usable: Arc<AtomicBool>,
    ended: Arc<Notify>,
}

#[derive(Default)]
struct Queue {
    ready: VecDeque<Stored>,
    /// The first is the active one.
    consumers: VecDeque<Consumer>,
}

#[derive(Default)]
struct State {
    queues: BTreeMap<String, Queue>,
    lines: Vec<Arc<LineState>>,
    next_epoch: u64,
    /// Counts crashes.
    crashes: u64,
    down: Option<Instant>,
    blocked: Option<Instant>,
    refusing: Option<Instant>,
    /// The events that it will not lose.
    kept: HashSet<String>,
    /// Threads of which it refused a message of the platform, which sends on: their order is not
    /// promised.
    refused: HashSet<String>,
}

/// Asked whether an event is done with in a role, when that acknowledges it.
type Check = Box<dyn Fn(usize, &str) -> Result<(), String> + Send + Sync>;

pub(super) struct Broker {
    world: Arc<World>,
    state: Mutex<State>,
    check: Check,
}

fn is_before(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() < until)
}

impl Broker {
    pub(super) fn new(world: &Arc<World>, check: Check) -> Self {
        Self {
            world: Arc::clone(world),
            state: Mutex::default(),
            check,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Declares a queue.
    pub(super) fn declare(&self, queue: String) {
        self.lock().queues.insert(queue, Queue::default());
    }

    pub(super) fn is_down(&self) -> bool {
        is_before(self.lock().down)
    }

    pub(super) fn is_blocked(&self) -> bool {
        is_before(self.lock().blocked)
    }

    pub(super) fn is_refusing(&self) -> bool {
        is_before(self.lock().refusing)
    }

    /// Takes nothing for so long.
    pub(super) fn block(&self, pause: Duration) {
        self.lock().blocked = Some(Instant::now() + pause);
    }

    /// Refuses messages for so long.
    pub(super) fn refuse(&self, pause: Duration) {
        self.lock().refusing = Some(Instant::now() + pause);
    }

    pub(super) fn note_refused(&self, packet: &Packet) {
        let threads = ids(&packet.body)
            .into_iter()
            .map(|id| thread_of(&id).to_owned());
        self.lock().refused.extend(threads);
    }

    pub(super) fn was_refused(&self, thread: &str) -> bool {
        self.lock().refused.contains(thread)
    }

    pub(super) fn has_kept(&self, id: &str) -> bool {
        self.lock().kept.contains(id)
    }

    pub(super) fn crashes(&self) -> u64 {
        self.lock().crashes
    }

    pub(super) fn add_line(&self, line: &Arc<LineState>) {
        let mut state = self.lock();
        state.lines.retain(|line| line.is_open());
        state.lines.push(Arc::clone(line));
    }

    /// Ends the connections over which a role publishes.
    pub(super) fn end_lines(&self, of: impl Fn(&Process) -> bool) {
        for line in &self.lock().lines {
            if of(line.process()) {
                line.end();
            }
        }
    }

    /// Ends the channels over which a role publishes, and not its connections.
    pub(super) fn cut_channels(&self, of: impl Fn(&Process) -> bool) {
        for line in &self.lock().lines {
            if of(line.process()) {
                line.cut.notify_one();
            }
        }
    }

    /// Takes a message into its queues; what is returned says later that it is safe.
    pub(super) fn accept(&self, packet: &Packet) -> Arc<AtomicBool> {
        self.world.note("accepts", ids(&packet.body));
        let kept = Arc::new(AtomicBool::new(false));
        let stored = Stored {
            content_type: packet.content_type,
            body: packet.body.clone(),
            count: 0,
            kept: Arc::clone(&kept),
        };
        let mut state = self.lock();
        for name in queues_of(packet) {
            let Some(queue) = state.queues.get_mut(&name) else {
                self.world.fail(|| format!("nothing reads {name}"));
                continue;
            };
            queue.ready.push_back(stored.clone());
            self.pump(&name, queue);
        }
        kept
    }

    /// Makes a message safe, unless a crash came first.
    pub(super) fn keep(&self, packet: &Packet, kept: &AtomicBool, crashes: u64) {
        let mut state = self.lock();
        if state.crashes == crashes {
            kept.store(true, Ordering::Relaxed);
            state.kept.extend(ids(&packet.body));
        }
    }

    /// Hands out what the active consumer has room for.
    fn pump(&self, name: &str, queue: &mut Queue) {
        let Some(consumer) = queue.consumers.front_mut() else {
            return;
        };
        while consumer.unacked.len() < consumer.prefetch
            && let Some(stored) = queue.ready.pop_front()
        {
            let tag = consumer.next_tag;
            consumer.next_tag += 1;
            let delivery = Delivery {
                incoming: Incoming {
                    message: Message {
                        content_type: Some(stored.content_type.to_owned()),
                        body: stored.body.clone(),
                        ..Message::default()
                    },
                    redelivered: stored.count > 0,
                    user_id: None,
                },
                token: Token {
                    epoch: consumer.epoch,
                    tag,
                    usable: Arc::clone(&consumer.usable),
                },
                suspect: stored.count >= 2,
            };
            self.world.note("hands out", (name, consumer.epoch, tag));
            consumer.unacked.push_back((tag, stored));
            consumer.sender.send(delivery).ok();
        }
    }

    /// Adds a consumer to a queue, behind those that are there.
    pub(super) fn subscribe(
        &self,
        queue: &str,
        process: &Process,
        prefetch: usize,
        sender: &mpsc::UnboundedSender<Delivery<Token>>,
        ended: &Arc<Notify>,
    ) -> Subscribed {
        let mut state = self.lock();
        let epoch = state.next_epoch;
        state.next_epoch += 1;
        let usable = Arc::new(AtomicBool::new(true));
        let found = state.queues.get_mut(queue).unwrap();
        found.consumers.push_back(Consumer {
            epoch,
            process: process.clone(),
            prefetch,
            unacked: VecDeque::new(),
            next_tag: 0,
            sender: sender.clone(),
            usable: Arc::clone(&usable),
            ended: Arc::clone(ended),
        });
        self.world
            .note("subscribes", (queue, process.role(), epoch));
        self.pump(queue, found);
        Subscribed {
            queue: queue.to_owned(),
            usable,
        }
    }

    /// Ends consumers; their messages go back to the front, in their order.
    pub(super) fn end_consumers(&self, of: impl Fn(&str, &Process) -> bool) {
        let mut state = self.lock();
        for (name, queue) in &mut state.queues {
            let mut index = 0;
            while let Some(consumer) = queue.consumers.get(index) {
                if !of(name, &consumer.process) {
                    index += 1;
                    continue;
                }
                let consumer = queue.consumers.remove(index).unwrap();
                self.world.note("ends a consumer", (name, consumer.epoch));
                for (_, mut stored) in consumer.unacked.into_iter().rev() {
                    stored.count += 1;
                    queue.ready.push_front(stored);
                }
                // The process finds out a little later.
                let late = self.world.delay(NET_MS);
                self.world.spawn(async move {
                    tokio::time::sleep(late).await;
                    consumer.usable.store(false, Ordering::Relaxed);
                    consumer.ended.notify_one();
                });
            }
            self.pump(name, queue);
        }
    }

    /// Gets an acknowledgement of a message and all before it, unless the connection ends first.
    pub(super) fn acknowledge(self: &Arc<Self>, process: &Process, epoch: u64, tag: u64) {
        for (_, stored) in self.unacked(epoch, tag) {
            for id in ids(&stored.body) {
                if let Err(why) = (self.check)(process.role(), &id) {
                    self.world
                        .fail(|| format!("role {} acknowledges {id}, and {why}", process.role()));
                }
            }
        }
        self.world
            .note("acknowledges", (process.role(), epoch, tag));
        let (broker, late) = (Arc::clone(self), self.world.delay(NET_MS));
        self.world.spawn(async move {
            tokio::time::sleep(late).await;
            let mut state = broker.lock();
            for (name, queue) in &mut state.queues {
                for consumer in &mut queue.consumers {
                    if consumer.epoch == epoch {
                        consumer.unacked.retain(|(other, _)| *other > tag);
                    }
                }
                broker.pump(name, queue);
            }
        });
    }

    fn unacked(&self, epoch: u64, tag: u64) -> Vec<(u64, Stored)> {
        let state = self.lock();
        let consumers = state.queues.values().flat_map(|queue| &queue.consumers);
        let own = consumers.filter(|consumer| consumer.epoch == epoch);
        let unacked = own.flat_map(|consumer| consumer.unacked.iter());
        unacked
            .filter(|(other, _)| *other <= tag)
            .cloned()
            .collect()
    }

    /// Crashes and comes back after so long, without some of what it never confirmed.
    pub(super) fn crash(&self, pause: Duration) {
        self.world.note("the broker crashes", pause);
        self.lock().down = Some(Instant::now() + pause);
        self.end_lines(|_| true);
        self.end_consumers(|_, _| true);
        let mut state = self.lock();
        state.crashes += 1;
        let mut survivors = Vec::new();
        for queue in state.queues.values_mut() {
            let is_kept = |stored: &Stored| stored.kept.load(Ordering::Relaxed);
            let loose = queue
                .ready
                .iter()
                .rev()
                .take_while(|stored| !is_kept(stored));
            let lost = self.world.below(loose.count() as u64 + 1);
            queue
                .ready
                .truncate(queue.ready.len() - usize::try_from(lost).unwrap());
            for stored in &queue.ready {
                survivors.push((Arc::clone(&stored.kept), ids(&stored.body)));
            }
        }
        for (kept, ids) in survivors {
            kept.store(true, Ordering::Relaxed);
            state.kept.extend(ids);
        }
    }

    /// Counts messages in all queues.
    pub(super) fn n_messages(&self) -> usize {
        let state = self.lock();
        let unacked = |queue: &Queue| -> usize {
            queue
                .consumers
                .iter()
                .map(|consumer| consumer.unacked.len())
                .sum()
        };
        state
            .queues
            .values()
            .map(|queue| queue.ready.len() + unacked(queue))
            .sum()
    }
}

/// Names the queues that a message goes to.
fn queues_of(packet: &Packet) -> Vec<String> {
    if packet.exchange == Exchange::Inbox {
        return Reader::Ingest.queues();
    }
    let index = packet.routing_key.trim_start_matches("s.").parse();
    let group = usize::from(Shard::from_index(index.unwrap()).unwrap().group());
    let readers = [Reader::Moderation, Reader::Archive];
    let reads = |reader: &Reader| reader.exchanges().contains(&packet.exchange);
    let readers = readers.into_iter().filter(reads);
    readers
        .map(|reader| reader.queues().remove(group))
        .collect()
}

/// Reads the thread from an event's id.
pub(super) fn thread_of(id: &str) -> &str {
    let id = id.strip_prefix("d.").unwrap_or(id);
    id.split('-').next().unwrap_or_default()
}
