//! The publishing task: a window of unconfirmed messages over one channel.
//!
//! **What is unknown is sent again.** A message leaves the window only when the broker confirmed
//! it and did not return it. After a nack or a return it is sent again, after a pause in which
//! nothing else is sent; after a timeout, an error of the channel or of the connection everything
//! in the window is sent again, in its order.
//!
//! **One message of a thread is unconfirmed at a time.** A broker may lose a message and keep the
//! next one: when a queue is full, or when nodes of a cluster lose sight of each other and the
//! publisher's node is given up with what it had passed on in part. What comes behind a message in
//! one of its threads is sent once that is confirmed, so it can never come before.
//!
//! **Returns.** The broker sends a return before the confirm of that message, but the client hands
//! it to whichever confirm it handles next, and one confirm may stand for many messages. So a
//! return is matched by exchange and id, and confirms count only after all that the client
//! resolved together have been looked at ([`Outlet::barrier`]).

mod line;
mod window;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use fail::fail_point;
use futures_util::StreamExt;
use stoa_proto::Exchange;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use self::window::{Message, Verdict, Window};
use super::{Shared, address, jitter};
use crate::health::Link;
use crate::pack::{PackLimits, pack};
use crate::publisher::Submission;

pub(crate) use self::line::{Line, Outlet};
#[cfg(test)]
pub(crate) use self::window::Confirm;
pub(crate) use self::window::Sender;

/// Submissions that are taken at a time.
const GATHERED: usize = 64;
/// Messages that wait for those before them in their threads; beyond it nothing more is taken.
const WAITING: usize = 64;

/// Publishes what is submitted.
pub(crate) struct PublishTask<L> {
    shared: Shared,
    connected: watch::Receiver<Option<Arc<L>>>,
    /// Not sent, or to be sent again, in order.
    waiting: VecDeque<Message>,
    next_number: u64,
}

/// Why a channel is given up.
enum Broken {
    /// It is made anew.
    Because(&'static str, String),
    /// Nothing is to be published any more.
    Done,
}

impl<L: Line> PublishTask<L> {
    pub(crate) fn new(shared: Shared, connected: watch::Receiver<Option<Arc<L>>>) -> Self {
        Self {
            shared,
            connected,
            waiting: VecDeque::new(),
            next_number: 0,
        }
    }

    /// Runs until shutdown, when nothing is in flight any more or the time for that is over.
    pub(crate) async fn run(mut self, mut submissions: mpsc::UnboundedReceiver<Submission>) {
        let (life, drain) = (self.shared.life.clone(), self.shared.config.drain);
        let mut over = Box::pin(async move {
            life.shutdown().cancelled().await;
            tokio::time::sleep(drain).await;
        });
        let shutdown = self.shared.env.shutdown.clone();
        let mut attempt = 0;
        loop {
            let connection = tokio::select! {
                biased;
                connection = self.connection() => connection,
                () = &mut over => break,
                () = shutdown.cancelled() => break,
            };
            let Some(connection) = connection else { break };
            let started = Instant::now();
            let broken = tokio::select! {
                biased;
                broken = self.session(&connection, &mut submissions) => broken,
                () = &mut over => break,
            };
            let Broken::Because(label, reason) = broken else {
                break;
            };
            let metrics = &self.shared.metrics;
            metrics
                .reconnects
                .with_label_values(&[Link::Publish.name(), label])
                .inc();
            tracing::warn!(
                reason,
                unconfirmed = self.waiting.len(),
                "publishing is interrupted"
            );
            attempt = if started.elapsed() > Duration::from_secs(10) {
                0
            } else {
                attempt + 1
            };
            tokio::select! {
                biased;
                () = tokio::time::sleep(jitter(attempt).min(Duration::from_secs(5))) => {}
                () = &mut over => break,
            }
        }
        if !self.waiting.is_empty() {
            tracing::info!(
                unconfirmed = self.waiting.len(),
                "stopped with unconfirmed messages"
            );
        }
    }

    /// Waits for a connection; `None` if none will come.
    async fn connection(&mut self) -> Option<Arc<L>> {
        let found = self.connected.wait_for(Option::is_some).await.ok()?;
        found.clone()
    }

    /// Publishes over one channel until it breaks.
    async fn session(
        &mut self,
        connection: &L,
        submissions: &mut mpsc::UnboundedReceiver<Submission>,
    ) -> Broken {
        let limit = self.shared.config.confirm_timeout;
        let channel = match connection.open(limit).await {
            Ok(channel) => channel,
            Err(reason) => return Broken::Because("channel", reason),
        };
        let mut window = Window::default();
        let broken = self
            .work(connection, &channel, &mut window, submissions)
            .await;
        // What was in the window is older than what waits.
        let unknown = window.into_messages();
        if !unknown.is_empty() {
            for message in unknown.into_iter().rev() {
                self.count(message.packet.exchange, "unknown", 1);
                self.waiting.push_front(message);
            }
        }
        channel.close().await;
        broken
    }

    async fn work(
        &mut self,
        connection: &L,
        channel: &L::Outlet,
        window: &mut Window,
        submissions: &mut mpsc::UnboundedReceiver<Submission>,
    ) -> Broken {
        let config = Arc::clone(&self.shared.config);
        let sender = Sender {
            app_id: format!("stoa/{}", config.role),
            account: address::account(&config),
        };
        let ended = self.shared.life.clone();
        let mut consumers_ended = Box::pin(async move { ended.consumers_ended().await });
        let mut checked: HashSet<Exchange> = HashSet::new();
        let mut gathered = Vec::new();
        let mut ending = false;
        let mut hold_until: Option<Instant> = None;
        let mut look = tokio::time::interval(Duration::from_millis(500));
        loop {
            if hold_until.is_some_and(|until| Instant::now() >= until) {
                hold_until = None;
            }
            let room = config.confirm_window.saturating_sub(window.len());
            let mut free = match hold_until {
                None => window.take_free(&mut self.waiting, room),
                Some(_) => VecDeque::new(),
            };
            while let Some(message) = free.pop_front() {
                let exchange = message.packet.exchange;
                if !message.lease.holds() {
                    self.count(exchange, "fenced", 1);
                    message.done.confirmed();
                    continue;
                }
                if !checked.contains(&exchange) {
                    let check = connection.check(exchange, config.confirm_timeout).await;
                    self.shared
                        .health
                        .problem(exchange.name(), check.clone().err());
                    if let Err(reason) = check {
                        free.push_front(message);
                        self.put_back(free);
                        return Broken::Because("exchange", reason);
                    }
                    checked.insert(exchange);
                }
                window.send(channel, message, &sender);
                fail_point!("amqp_after_publish");
            }
            if window.is_empty() && hold_until.is_none() && !self.waiting.is_empty() {
                // Those before them were given up.
                continue;
            }
            if ending && window.is_empty() && self.waiting.is_empty() {
                return Broken::Done;
            }
            let has_room = window.len() < config.confirm_window && self.waiting.len() < WAITING;
            tokio::select! {
                biased;
                first = window.confirms.next(), if !window.is_empty() => {
                    let Some(first) = first else {
                        return Broken::Because("channel", "a confirm is missing".to_owned());
                    };
                    if let Err(reason) = window.note(first) {
                        return Broken::Because("channel", reason);
                    }
                    if let Err(reason) = self.settle(channel, window, &mut hold_until) {
                        return Broken::Because("channel", reason);
                    }
                }
                count = submissions.recv_many(&mut gathered, GATHERED), if has_room && !ending => {
                    ending |= count == 0;
                    self.take(&mut gathered);
                }
                () = &mut consumers_ended, if !ending => {
                    // What was handed over before still goes out; nothing more is taken.
                    submissions.close();
                    while let Ok(submission) = submissions.try_recv() {
                        gathered.push(submission);
                    }
                    self.take(&mut gathered);
                    ending = true;
                }
                _ = look.tick() => {
                    if !channel.is_open() || !connection.is_open() {
                        return Broken::Because("lost", "the channel ended".to_owned());
                    }
                    let waited = window.oldest().map(|sent| sent.elapsed()).unwrap_or_default();
                    // A blocked broker confirms nothing until it is unblocked; to send again then
                    // would only add to what it has to store.
                    if waited > config.confirm_timeout && !connection.is_blocked() {
                        let reason = format!("no confirm for {} s", waited.as_secs());
                        return Broken::Because("timeout", reason);
                    }
                }
                () = sleep_until(hold_until) => {}
            }
        }
    }

    /// Puts messages that were taken out back in their order.
    fn put_back(&mut self, free: VecDeque<Message>) {
        self.waiting.extend(free);
        self.waiting
            .make_contiguous()
            .sort_by_key(|message| message.number);
    }

    /// Makes messages of submissions.
    fn take(&mut self, gathered: &mut Vec<Submission>) {
        let config = &self.shared.config;
        let limits = PackLimits {
            events: config.batch_events,
            bytes: config.batch_bytes,
            across_groups: false,
        };
        for submission in gathered.drain(..) {
            let packets = pack(submission.events, limits);
            let done = window::Done::new(submission.done, packets.len());
            for packet in packets {
                let number = self.next_number;
                self.next_number += 1;
                self.waiting.push_back(Message {
                    number,
                    packet,
                    lease: submission.lease.clone(),
                    done: done.clone(),
                    attempts: 0,
                });
            }
        }
    }

    /// Settles what is confirmed, and takes back what was nacked or returned.
    fn settle(
        &mut self,
        channel: &L::Outlet,
        window: &mut Window,
        hold_until: &mut Option<Instant>,
    ) -> Result<(), String> {
        window.note_ready()?;
        channel.barrier();
        window.note_ready()?;
        let mut again = Vec::new();
        for (message, sent, verdict) in window.take_noted() {
            let exchange = message.packet.exchange;
            match verdict {
                Verdict::Confirmed => {
                    self.count(exchange, "confirmed", 1);
                    self.shared.metrics.confirm_duration.observe(sent.elapsed().as_secs_f64());
                    if message.attempts > 0 {
                        self.shared.health.problem(exchange.name(), None);
                    }
                    fail_point!("amqp_after_confirm");
                    message.done.confirmed();
                }
                Verdict::Nacked => again.push((message, "nacked", "it refuses messages; a queue is full".to_owned())),
                Verdict::Returned(reason) => again.push((
                    message,
                    "returned",
                    format!("no queue takes its messages ({reason}); bind the queues of deploy/rabbitmq/definitions.json, or start once with --provision"),
                )),
            }
        }
        // Back to the front in their order, before what was never sent.
        again.sort_by_key(|(message, _, _)| message.number);
        for (mut message, label, reason) in again.into_iter().rev() {
            let exchange = message.packet.exchange;
            self.count(exchange, label, 1);
            message.attempts += 1;
            if message.attempts == 1 {
                tracing::warn!(
                    exchange = exchange.name(),
                    reason,
                    "a message is sent again"
                );
            }
            if message.attempts >= 3 {
                self.shared.health.problem(exchange.name(), Some(reason));
            }
            let pause = Duration::from_millis(50 << message.attempts.min(6));
            let until = Instant::now() + pause;
            *hold_until = Some(hold_until.map_or(until, |other| other.max(until)));
            self.waiting.push_front(message);
        }
        Ok(())
    }

    fn count(&self, exchange: Exchange, result: &str, n: u64) {
        self.shared
            .metrics
            .publishes
            .with_label_values(&[exchange.name(), result])
            .inc_by(n);
    }
}

async fn sleep_until(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}
