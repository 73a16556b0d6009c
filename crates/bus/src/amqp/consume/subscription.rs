//! One queue, subscribed to again whenever its consumer ends.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use lapin::message::Delivery as Received;
use lapin::options::{BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::amqp::connection::describe;
use crate::amqp::live::{GOODBYE, Live};
use crate::amqp::topology::check_queue;
use crate::amqp::{Connected, Shared, jitter};
use crate::health::Link;

/// The longest pause before a queue is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Numbers channels: a tag means nothing on another one.
static EPOCHS: AtomicU64 = AtomicU64::new(0);

/// A message of a queue, and over which channel it came.
pub(super) struct Arrived {
    pub(super) epoch: u64,
    pub(super) queue: Arc<str>,
    pub(super) received: Received,
}

/// The task of a queue.
pub(super) struct Subscription {
    pub(super) shared: Shared,
    pub(super) queue: String,
    pub(super) prefetch: u16,
    pub(super) connected: Connected,
    pub(super) sender: mpsc::UnboundedSender<Arrived>,
    pub(super) stop: CancellationToken,
}

/// Why a consumer ended.
enum Ended {
    /// It was told to, once everything in flight was settled.
    Stopped(Channel),
    /// It could not be made.
    Refused(String),
    /// The broker cancelled it, or the channel is gone.
    Lost(String),
}

impl Subscription {
    pub(super) async fn run(mut self) {
        let mut attempt = 0;
        let stop = self.stop.clone();
        let channel = loop {
            let connection = tokio::select! {
                connection = self.connection() => connection,
                () = stop.cancelled() => None,
            };
            let Some(connection) = connection else { return };
            let started = Instant::now();
            let metrics = &self.shared.metrics;
            let (label, reason) = match self.consume(&connection).await {
                Ended::Stopped(channel) => break channel,
                Ended::Refused(reason) => {
                    // Said once: it is tried again and again.
                    self.shared
                        .health
                        .problem(&self.queue, Some(reason.clone()));
                    ("queue", reason)
                }
                Ended::Lost(reason) => {
                    if connection.status().connected() {
                        metrics.consumers_cancelled.inc();
                    }
                    ("consumer", reason)
                }
            };
            if attempt == 0 {
                tracing::warn!(
                    queue = self.queue,
                    reason,
                    "nothing is received; trying again"
                );
            }
            metrics
                .reconnects
                .with_label_values(&[Link::Consume.name(), label])
                .inc();
            attempt = if started.elapsed() > LONGEST_PAUSE {
                0
            } else {
                attempt + 1
            };
            tokio::select! {
                () = tokio::time::sleep(jitter(attempt).min(LONGEST_PAUSE)) => {}
                () = stop.cancelled() => return,
            }
        };
        let closing = channel.close(200, "goodbye".into());
        tokio::time::timeout(GOODBYE, closing).await.ok();
    }

    async fn connection(&mut self) -> Option<Arc<Live>> {
        let found = self.connected.wait_for(Option::is_some).await.ok()?;
        found.clone()
    }

    /// Consumes until the consumer ends.
    async fn consume(&self, connection: &Live) -> Ended {
        let limit = self.shared.config.confirm_timeout;
        let opened = connection.answer(limit, self.open(connection)).await;
        let (channel, mut consumer) = match opened.flatten() {
            Ok(opened) => opened,
            Err(reason) => return Ended::Refused(reason),
        };
        self.shared.health.problem(&self.queue, None);
        let epoch = EPOCHS.fetch_add(1, Ordering::Relaxed);
        let queue: Arc<str> = Arc::from(self.queue.as_str());
        let send = |received| {
            let arrived = Arrived {
                epoch,
                queue: Arc::clone(&queue),
                received,
            };
            // The source is gone only after a stop.
            self.sender.send(arrived).ok();
        };
        let mut gone = pin!(connection.gone());
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                received = consumer.next() => match received {
                    Some(Ok(received)) => send(received),
                    Some(Err(error)) => return Ended::Lost(describe(&error)),
                    None => return Ended::Lost("the broker cancelled the consumer".to_owned()),
                },
                reason = &mut gone => return Ended::Lost(reason),
            }
        }
        // Neither cancelled nor nacked (measured on 3.10.8): after a cancel the broker returns what
        // is on its way at once, ahead of what came before and is not settled yet; a nack of more
        // than 32 messages returns them in no order. Closing the channel keeps the order.
        Ended::Stopped(channel)
    }

    async fn open(&self, connection: &Live) -> Result<(Channel, Consumer), String> {
        let channel = connection
            .create_channel()
            .await
            .map_err(|error| describe(&error))?;
        check_queue(connection, &channel, &self.queue).await?;
        let opened = async {
            channel
                .basic_qos(self.prefetch, BasicQosOptions::default())
                .await?;
            channel
                .basic_consume(
                    self.queue.as_str().into(),
                    format!("stoa.{}", self.queue).into(),
                    BasicConsumeOptions {
                        no_ack: cfg!(feature = "ack-before-apply"),
                        ..BasicConsumeOptions::default()
                    },
                    FieldTable::default(),
                )
                .await
        };
        let consumer = opened.await.map_err(|error| {
            format!(
                "the queue `{}` can't be read: {}",
                self.queue,
                describe(&error)
            )
        })?;
        Ok((channel, consumer))
    }
}
