//! The receiving half: one consumer and one channel per queue, joined into one stream of batches.
//!
//! **The end of a consumer's stream is a failure.** The client ends it without an error when the
//! broker cancels the consumer, as it does when the queue is deleted: then the queue is subscribed
//! to anew, on a new channel. What was received over the old one is stale: the broker hands it out
//! again, in order.

mod subscription;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use fail::fail_point;
use lapin::Acker;
use lapin::message::Delivery as Received;
use lapin::options::{BasicAckOptions, BasicRejectOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use stoa_proto::Reader;
use stoa_proto::codec::Message;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::subscription::{Arrived, Subscription};
use super::{Connected, Shared};
use crate::consume::{Delivery, Source};
use crate::handler::Incoming;
use crate::publisher::Lease;
use crate::{BatchLimits, Error};

/// A message that was handed out this often and never settled is suspected of the crashes.
const SUSPECT: i64 = 2;
/// Longer than this the client may not take to send an acknowledgement.
const ACK_TIMEOUT: Duration = Duration::from_secs(10);

/// What identifies a message to the broker.
#[derive(Debug)]
pub(super) struct Token {
    /// The channel's number among all that this process opened: tags count per channel.
    epoch: u64,
    acker: Acker,
}

/// The receiving half of the bus over a broker.
pub(super) struct AmqpSource {
    shared: Shared,
    arrived: mpsc::UnboundedReceiver<Arrived>,
    /// Ends the subscriptions and closes their channels.
    stop: CancellationToken,
}

impl AmqpSource {
    /// Starts a task per queue of the reader.
    pub(super) fn subscribe(shared: &Shared, reader: Reader, connected: &Connected) -> Self {
        // Unbounded, yet it holds no more than the prefetch of all queues.
        let (sender, arrived) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let queues = reader.queues();
        let count = u16::try_from(queues.len()).unwrap_or(u16::MAX).max(1);
        let prefetch = (shared.config.prefetch / count).max(8);
        for queue in queues {
            // From the start, so that the first one is an increase.
            shared
                .metrics
                .strangers
                .with_label_values(&[queue.as_str()]);
            let subscription = Subscription {
                shared: shared.clone(),
                queue,
                prefetch,
                connected: connected.clone(),
                sender: sender.clone(),
                stop: stop.clone(),
            };
            shared.env.tasks.spawn(subscription.run());
        }
        Self {
            shared: shared.clone(),
            arrived,
            stop,
        }
    }

    /// Returns whether a message is of an account that is believed; any other is refused, and the
    /// broker's policy parks it.
    async fn believes(&self, arrived: &Arrived) -> bool {
        let believed = &self.shared.config.publishers;
        let account = arrived.received.properties.user_id().as_ref();
        let account = account.map(ShortString::as_str);
        if believed.is_empty()
            || account.is_some_and(|account| believed.iter().any(|known| known == account))
        {
            return true;
        }
        let queue = &*arrived.queue;
        tracing::warn!(
            queue,
            account,
            "a message is refused: its account is not in `bus.publishers`"
        );
        self.shared
            .metrics
            .strangers
            .with_label_values(&[queue])
            .inc();
        let options = BasicRejectOptions { requeue: false };
        sent(arrived.received.acker.reject(options)).await;
        false
    }

    fn take(&self, arrived: Arrived) -> Delivery<Token> {
        let Arrived {
            epoch,
            queue,
            received,
        } = arrived;
        let again = if received.redelivered {
            "true"
        } else {
            "false"
        };
        self.shared
            .metrics
            .deliveries
            .with_label_values(&[&*queue, again])
            .inc();
        let suspect = received.redelivered && delivery_count(&received) >= SUSPECT;
        let Received {
            redelivered,
            properties,
            data,
            acker,
            ..
        } = received;
        let text =
            |value: &Option<ShortString>| value.as_ref().map(|text| text.as_str().to_owned());
        let table = properties.headers().as_ref().map(FieldTable::inner);
        let (mut headers, mut garbled) = (Vec::new(), Vec::new());
        for (name, value) in table.into_iter().flatten() {
            let Some(text) = header(value) else { continue };
            let name = name.as_str().to_owned();
            headers.push(match text {
                Ok(text) => (name, text),
                Err(lossy) => {
                    garbled.push(name.clone());
                    (name, lossy)
                }
            });
        }
        Delivery {
            incoming: Incoming {
                message: Message {
                    content_type: text(properties.content_type()),
                    headers,
                    garbled,
                    body: Bytes::from(data),
                },
                redelivered,
                user_id: text(properties.user_id()),
            },
            token: Token { epoch, acker },
            suspect,
        }
    }
}

impl Source for AmqpSource {
    type Token = Token;

    async fn receive(
        &mut self,
        limits: BatchLimits,
    ) -> Result<Option<Vec<Delivery<Token>>>, Error> {
        let shutdown = self.shared.env.shutdown.clone();
        loop {
            let first = tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(None),
                first = self.arrived.recv() => first,
            };
            // Subscriptions end only when they are told to.
            let Some(first) = first else { return Ok(None) };
            let mut bytes = 0;
            let mut deliveries = Vec::new();
            let mut next = Some(first);
            while let Some(arrived) = next {
                if arrived.received.acker.usable() && self.believes(&arrived).await {
                    bytes += arrived.received.data.len();
                    deliveries.push(self.take(arrived));
                }
                next = if deliveries.len() < limits.max_messages && bytes < limits.max_bytes {
                    self.arrived.try_recv().ok()
                } else {
                    None
                };
            }
            if !deliveries.is_empty() {
                return Ok(Some(deliveries));
            }
        }
    }

    fn is_stale(&self, token: &Token) -> bool {
        !token.acker.usable()
    }

    fn channel(&self, token: &Token) -> u64 {
        token.epoch
    }

    fn lease(&self, token: &Token) -> Lease {
        let acker = token.acker.clone();
        Lease::while_holds(move || acker.usable())
    }

    async fn settle(&mut self, settled: Vec<Delivery<Token>>) -> Result<(), Error> {
        if cfg!(feature = "ack-before-apply") {
            return Ok(());
        }
        // One acknowledgement per channel, of the last message: all before it are settled too.
        let mut last = BTreeMap::new();
        for delivery in settled {
            last.insert(delivery.token.epoch, delivery.token.acker);
        }
        for acker in last.into_values() {
            fail_point!("amqp_before_ack");
            sent(acker.ack(BasicAckOptions { multiple: true })).await;
        }
        Ok(())
    }

    async fn close(self) -> Result<(), Error> {
        // Closing the channels gives back what is not settled; dropping this does it.
        Ok(())
    }
}

impl Drop for AmqpSource {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Waits for an acknowledgement to be sent. If it can't be, the broker hands the message out
/// again, which a reader must bear anyway.
async fn sent(sending: impl Future<Output = lapin::Result<bool>>) {
    match tokio::time::timeout(ACK_TIMEOUT, sending).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::debug!(
            error = &error as &dyn std::error::Error,
            "an acknowledgement could not be sent; its message comes again"
        ),
        Err(_) => tracing::warn!("an acknowledgement could not be sent in time"),
    }
}

/// Reads how often a quorum queue has handed the message out before.
fn delivery_count(received: &Received) -> i64 {
    let headers = received.properties.headers().as_ref();
    match headers.and_then(|headers| headers.inner().get("x-delivery-count")) {
        Some(AMQPValue::LongLongInt(count)) => *count,
        Some(AMQPValue::LongInt(count)) => i64::from(*count),
        Some(AMQPValue::LongUInt(count)) => i64::from(*count),
        Some(AMQPValue::ShortInt(count)) => i64::from(*count),
        Some(AMQPValue::ShortShortInt(count)) => i64::from(*count),
        Some(AMQPValue::ShortShortUInt(count)) => i64::from(*count),
        _ => 0,
    }
}

/// Writes a header's value as text; tables and arrays have none. The error is the text with
/// replacement characters for what is not UTF-8.
fn header(value: &AMQPValue) -> Option<Result<String, String>> {
    let utf8 = |bytes: &[u8]| {
        String::from_utf8(bytes.to_vec())
            .map_err(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    };
    Some(Ok(match value {
        AMQPValue::LongString(text) => return Some(utf8(text.as_bytes())),
        AMQPValue::ByteArray(bytes) => return Some(utf8(bytes.as_slice())),
        AMQPValue::ShortString(text) => text.as_str().to_owned(),
        AMQPValue::Boolean(value) => value.to_string(),
        AMQPValue::ShortShortInt(value) => value.to_string(),
        AMQPValue::ShortShortUInt(value) => value.to_string(),
        AMQPValue::ShortInt(value) => value.to_string(),
        AMQPValue::ShortUInt(value) => value.to_string(),
        AMQPValue::LongInt(value) => value.to_string(),
        AMQPValue::LongUInt(value) => value.to_string(),
        AMQPValue::LongLongInt(value) => value.to_string(),
        AMQPValue::Timestamp(value) => value.to_string(),
        AMQPValue::Float(value) => value.to_string(),
        AMQPValue::Double(value) => value.to_string(),
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_is_not_utf8_is_told_from_one_that_says_so_itself() {
        let bytes = |bytes: &[u8]| AMQPValue::LongString(bytes.into());
        assert_eq!(header(&bytes(b"e-\xff")), Some(Err("e-\u{fffd}".into())));
        let same = bytes("e-\u{fffd}".as_bytes());
        assert_eq!(header(&same), Some(Ok("e-\u{fffd}".into())));
        assert_eq!(header(&AMQPValue::LongInt(7)), Some(Ok("7".into())));
        assert_eq!(header(&AMQPValue::FieldTable(FieldTable::default())), None);
    }
}
