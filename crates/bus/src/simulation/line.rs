//! Connections over which is published: messages that are late, confirms that are late or lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lapin::Confirmation;
use stoa_proto::Exchange;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::Instant;

use super::broker::{Broker, NET_MS};
use super::process::Process;
use super::world::World;
use crate::amqp::publish::{Confirm, Line, Outlet, Sender};
use crate::pack::Packet;

/// The longest that the broker takes to make a message safe, in milliseconds.
const CONFIRM_MS: u64 = 200;
/// Messages in a hundred that arrive although their channel has ended.
const PASSED_ON: u64 = 30;
/// Confirms in a hundred that never come.
const SWALLOWED: u64 = 1;

/// A connection over which a process publishes.
pub(super) struct LineState {
    process: Process,
    is_open: AtomicBool,
    /// Cuts the channel that is open, and not the connection.
    pub(super) cut: Notify,
    ended: Notify,
}

impl LineState {
    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    pub(super) fn end(&self) {
        self.is_open.store(false, Ordering::Relaxed);
        self.ended.notify_one();
    }
}

/// A connection to the simulated broker.
pub(super) struct SimLine {
    state: Arc<LineState>,
    broker: Arc<Broker>,
    world: Arc<World>,
}

/// Connects, again and again.
pub(super) async fn connect(
    process: Process,
    broker: Arc<Broker>,
    world: Arc<World>,
    connected: watch::Sender<Option<Arc<SimLine>>>,
) {
    loop {
        process.step().await;
        world.sleep(4 * NET_MS).await;
        if broker.is_down() {
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        }
        let state = Arc::new(LineState {
            process: process.clone(),
            is_open: AtomicBool::new(true),
            cut: Notify::new(),
            ended: Notify::new(),
        });
        broker.add_line(&state);
        connected.send_replace(Some(Arc::new(SimLine {
            state: Arc::clone(&state),
            broker: Arc::clone(&broker),
            world: Arc::clone(&world),
        })));
        state.ended.notified().await;
        world.sleep(NET_MS).await;
        connected.send_replace(None);
    }
}

impl Line for SimLine {
    type Outlet = SimOutlet;

    fn is_open(&self) -> bool {
        self.state.is_open()
    }

    fn is_blocked(&self) -> bool {
        self.broker.is_blocked()
    }

    async fn open(&self, _: Duration) -> Result<SimOutlet, String> {
        self.state.process.step().await;
        self.world.sleep(NET_MS).await;
        if !self.is_open() {
            return Err("the connection ended".to_owned());
        }
        let (pipe, sent) = mpsc::unbounded_channel();
        let shared = Arc::new(Channel {
            line: Arc::clone(&self.state),
            is_open: AtomicBool::new(true),
            swallowed: Mutex::default(),
        });
        let carrier = Carrier {
            channel: Arc::clone(&shared),
            broker: Arc::clone(&self.broker),
            world: Arc::clone(&self.world),
        };
        self.world.spawn(carrier.run(sent));
        Ok(SimOutlet {
            channel: shared,
            world: Arc::clone(&self.world),
            pipe,
            last: Mutex::new(Instant::now()),
        })
    }

    async fn check(&self, _: Exchange, _: Duration) -> Result<(), String> {
        self.world.sleep(NET_MS).await;
        Ok(())
    }
}

/// A channel, as both ends see it.
struct Channel {
    line: Arc<LineState>,
    is_open: AtomicBool,
    /// Confirms that never come.
    swallowed: Mutex<Vec<oneshot::Sender<bool>>>,
}

impl Channel {
    fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed) && self.line.is_open()
    }
}

/// A message on its way: when it arrives, and whom to tell that it is confirmed or refused.
type Sent = (Instant, Packet, oneshot::Sender<bool>);

pub(super) struct SimOutlet {
    channel: Arc<Channel>,
    world: Arc<World>,
    pipe: mpsc::UnboundedSender<Sent>,
    /// When the message before arrives: none overtakes another.
    last: Mutex<Instant>,
}

impl Outlet for SimOutlet {
    fn is_open(&self) -> bool {
        self.channel.is_open()
    }

    fn publish(
        &self,
        number: u64,
        packet: &Packet,
        _: &Sender,
    ) -> impl Future<Output = Confirm> + Send + 'static {
        let goes_on = self.channel.line.process.goes_on();
        let (confirm, confirmed) = oneshot::channel();
        if goes_on {
            let mut last = self.last.lock().unwrap();
            *last = (*last).max(Instant::now() + self.world.delay(NET_MS));
            self.pipe.send((*last, packet.clone(), confirm)).ok();
        }
        async move {
            let confirm = match confirmed.await {
                Ok(true) => Ok(Confirmation::Ack(None)),
                Ok(false) => Ok(Confirmation::Nack(None)),
                Err(_) => Err(std::io::Error::other("the channel ended").into()),
            };
            (number, confirm)
        }
    }

    fn barrier(&self) {}

    async fn close(&self) {
        self.channel.is_open.store(false, Ordering::Relaxed);
        self.channel.swallowed.lock().unwrap().clear();
    }
}

/// Carries the messages of a channel to the broker, one after the other.
struct Carrier {
    channel: Arc<Channel>,
    broker: Arc<Broker>,
    world: Arc<World>,
}

impl Carrier {
    async fn run(self, mut sent: mpsc::UnboundedReceiver<Sent>) {
        loop {
            let next = tokio::select! {
                biased;
                () = self.channel.line.cut.notified() => {
                    self.channel.is_open.store(false, Ordering::Relaxed);
                    continue;
                }
                next = sent.recv() => next,
            };
            let Some((due, packet, confirm)) = next else {
                return;
            };
            tokio::time::sleep_until(due).await;
            while self.broker.is_blocked() && self.channel.is_open() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            if self.channel.is_open() {
                self.arrive(packet, confirm);
            } else if packet.exchange != Exchange::Inbox
                && !self.broker.is_down()
                && self.world.percent(PASSED_ON)
            {
                // Nodes of a cluster had it, and pass it on without those before it. The platform,
                // which does not wait for its confirms, would have to.
                let crashes = self.broker.crashes();
                let kept = self.broker.accept(&packet);
                self.broker.keep(&packet, &kept, crashes);
            }
            // Its sender is told that the channel ended, whatever became of it.
        }
    }

    fn arrive(&self, packet: Packet, confirm: oneshot::Sender<bool>) {
        let late = self.world.delay(CONFIRM_MS);
        let (channel, broker) = (Arc::clone(&self.channel), Arc::clone(&self.broker));
        if broker.is_refusing() {
            if packet.exchange == Exchange::Inbox {
                broker.note_refused(&packet);
            }
            self.world.note("refuses", &packet.id);
            self.world.spawn(async move {
                tokio::time::sleep(late).await;
                if channel.is_open() {
                    confirm.send(false).ok();
                }
            });
            return;
        }
        let crashes = broker.crashes();
        let kept = broker.accept(&packet);
        let swallows = self.world.percent(SWALLOWED);
        self.world.spawn(async move {
            tokio::time::sleep(late).await;
            broker.keep(&packet, &kept, crashes);
            if swallows {
                channel.swallowed.lock().unwrap().push(confirm);
            } else if channel.is_open() {
                confirm.send(true).ok();
            }
        });
    }
}
