//! Reads journals for a reader: its exchanges in turn, each in its order.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use stoa_journal::{Iter, Journal, Record};
use stoa_proto::codec::{BATCH, Message, STRUCTURED};
use stoa_proto::{Exchange, Reader};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Place;
use super::writer::SEVERAL;
use crate::consume::{Delivery, Source};
use crate::handler::Incoming;
use crate::metrics::Metrics;
use crate::{BatchLimits, Env, Error};

/// An exchange, as one reader sees it.
pub(super) struct Feed {
    exchange: Exchange,
    durable: watch::Receiver<u64>,
    place: Arc<Place>,
    /// Goes on where it stopped; it is away while a read is under way.
    iter: Option<Iter>,
    /// What was handed out is below this.
    next: u64,
    /// Records below this were there when the bus was opened: they may have been handled before.
    redelivered_below: u64,
}

impl Feed {
    pub(super) fn new(exchange: Exchange, journal: &Journal, place: Arc<Place>) -> Self {
        let end = journal.next();
        let mut from = place.settled.load(Ordering::Acquire);
        if from > end {
            // The journal is another one: whatever it gets next must not be left out.
            tracing::warn!(
                exchange = exchange.name(),
                position = from,
                end,
                "a reader's position is beyond the journal's end; it goes on at the end"
            );
            from = end;
            place.settled.store(end, Ordering::Release);
        }
        let iter = journal.iter(from);
        Self {
            exchange,
            durable: journal.durable(),
            place,
            next: iter.position(),
            iter: Some(iter),
            redelivered_below: end,
        }
    }

    fn has_more(&self) -> bool {
        *self.durable.borrow() > self.next
    }
}

/// A message's journal, by its place in the list, and sequence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    feed: usize,
    seq: u64,
}

type Reading = (Iter, Result<Vec<Record>, stoa_journal::Error>);

/// The receiving half of the embedded bus.
pub(super) struct EmbeddedSource {
    reader: Reader,
    feeds: Vec<Feed>,
    env: Env,
    metrics: Metrics,
    /// The feed that is looked at first, so that none starves.
    turn: usize,
    /// A read that is under way; it outlives a dropped [`Source::receive`].
    reading: Option<(usize, JoinHandle<Reading>)>,
}

impl EmbeddedSource {
    pub(super) fn new(reader: Reader, feeds: Vec<Feed>, env: Env, metrics: Metrics) -> Self {
        Self {
            reader,
            feeds,
            env,
            metrics,
            turn: 0,
            reading: None,
        }
    }

    /// Finds the next feed that has something, in turn.
    fn find(&mut self) -> Option<usize> {
        let count = self.feeds.len();
        let found = (0..count)
            .map(|step| (self.turn + step) % count)
            .find(|index| self.feeds.get(*index).is_some_and(Feed::has_more))?;
        self.turn = (found + 1) % count;
        Some(found)
    }

    /// Waits until a feed has something.
    async fn arrived(&mut self) {
        let changes = self.feeds.iter_mut().map(|feed| {
            let next = feed.next;
            let durable = &mut feed.durable;
            Box::pin(async move { durable.wait_for(move |end| *end > next).await.is_ok() })
        });
        let changes: Vec<_> = changes.collect();
        if changes.is_empty() {
            return std::future::pending().await;
        }
        let (first, _, _) = futures_util::future::select_all(changes).await;
        if !first {
            // The journal is closed, which a shutdown follows; never a hot loop.
            std::future::pending::<()>().await;
        }
    }

    fn start_reading(&mut self, index: usize, limits: BatchLimits) {
        let Some(mut iter) = self.feeds.get_mut(index).and_then(|feed| feed.iter.take()) else {
            return;
        };
        let handle = self.env.tasks.spawn_blocking(move || {
            let records = read(&mut iter, limits);
            (iter, records)
        });
        self.reading = Some((index, handle));
    }

    fn deliver(&mut self, index: usize, records: Vec<Record>) -> Vec<Delivery<Token>> {
        let Some(feed) = self.feeds.get_mut(index) else {
            return Vec::new();
        };
        let mut redelivered = 0;
        let mut deliveries = Vec::with_capacity(records.len());
        for record in records {
            feed.next = record.seq + 1;
            if cfg!(feature = "ack-before-apply") {
                feed.place.settled.store(feed.next, Ordering::Release);
            }
            let again = record.seq < feed.redelivered_below;
            redelivered += u64::from(again);
            // What was erased is a message without events.
            let (content_type, body) = match record.kind {
                _ if record.redacted => (BATCH, Bytes::from_static(b"[]")),
                SEVERAL => (BATCH, record.payload),
                _ => (STRUCTURED, record.payload),
            };
            deliveries.push(Delivery {
                incoming: Incoming {
                    message: Message {
                        content_type: Some(content_type.to_owned()),
                        body,
                        ..Message::default()
                    },
                    redelivered: again,
                    user_id: None,
                },
                token: Token {
                    feed: index,
                    seq: record.seq,
                },
                suspect: false,
            });
        }
        let queue = format!("{}.{}", self.reader.name(), feed.exchange.name());
        let count = u64::try_from(deliveries.len()).unwrap_or_default();
        let counters = &self.metrics.deliveries;
        counters
            .with_label_values(&[queue.as_str(), "true"])
            .inc_by(redelivered);
        counters
            .with_label_values(&[queue.as_str(), "false"])
            .inc_by(count - redelivered);
        deliveries
    }
}

fn read(iter: &mut Iter, limits: BatchLimits) -> Result<Vec<Record>, stoa_journal::Error> {
    let mut records = Vec::new();
    let mut bytes = 0;
    while records.len() < limits.max_messages && bytes < limits.max_bytes {
        match iter.next() {
            Some(Ok(record)) => {
                bytes += record.payload.len();
                records.push(record);
            }
            // What was read before is still handled; the error comes back with the next read.
            Some(Err(_)) if !records.is_empty() => break,
            Some(Err(error)) => return Err(error),
            None => break,
        }
    }
    Ok(records)
}

impl Source for EmbeddedSource {
    type Token = Token;

    async fn receive(
        &mut self,
        limits: BatchLimits,
    ) -> Result<Option<Vec<Delivery<Token>>>, Error> {
        let shutdown = self.env.shutdown.clone();
        loop {
            if shutdown.is_cancelled() {
                return Ok(None);
            }
            if let Some((index, handle)) = &mut self.reading {
                let index = *index;
                let read = handle.await;
                self.reading = None;
                let (iter, records) = read.map_err(|_| Error::Task)?;
                if let Some(feed) = self.feeds.get_mut(index) {
                    feed.iter = Some(iter);
                }
                let deliveries = self.deliver(index, records?);
                if !deliveries.is_empty() {
                    return Ok(Some(deliveries));
                }
            } else if let Some(index) = self.find() {
                self.start_reading(index, limits);
            } else {
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = self.arrived() => {}
                }
            }
        }
    }

    fn is_stale(&self, _: &Token) -> bool {
        false
    }

    async fn settle(&mut self, settled: Vec<Delivery<Token>>) -> Result<(), Error> {
        for delivery in &settled {
            if let Some(feed) = self.feeds.get(delivery.token.feed) {
                feed.place
                    .settled
                    .store(delivery.token.seq + 1, Ordering::Release);
            }
        }
        Ok(())
    }

    async fn close(self) -> Result<(), Error> {
        let places: Vec<_> = self
            .feeds
            .iter()
            .map(|feed| Arc::clone(&feed.place))
            .collect();
        let save = move || places.iter().try_for_each(|place| place.save());
        self.env
            .tasks
            .spawn_blocking(save)
            .await
            .map_err(|_| Error::Task)?
    }
}
