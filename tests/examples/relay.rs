//! The relay that does nothing: Stoa's hops over the broker without Stoa's work.
//!
//! ```text
//! producer → inbox queue → hop 1 → direct exchange → moderation queue → hop 2 → outcomes exchange
//!                                                  ↘ archive queue ← ─────────────────┘
//!                                                        ↓            hop 2 → decisions (no queue)
//!                                                       sink
//! ```
//!
//! Every hop has connections of its own, publishes with confirms in a window, and acknowledges
//! what it received once what it published is confirmed. What it reaches is what the broker and
//! the client allow on this machine; Stoa's rate is put in ratio with it.

use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use futures_util::StreamExt as _;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions,
    QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer,
    ExchangeKind, PublisherConfirm,
};

const PREFETCH: u16 = 500;
const WINDOW: usize = 500;
const ACK_GROUP: usize = 64;
/// What is received and not complete is acknowledged after this at the latest.
const FLUSH: Duration = Duration::from_millis(20);

const INBOX: &str = "relay.inbox";
const CONTENT: &str = "relay.content";
const OUTCOMES: &str = "relay.outcomes";
const DECISIONS: &str = "relay.decisions";
const MODERATION: &str = "relay.moderation.q";
const ARCHIVE: &str = "relay.archive.q";
const KEY: &str = "s.00";

const USAGE: &str = "usage: cargo run --release -p stoa-tests --example relay -- --url AMQP_URL [--events N] [--bytes N] [--batch N] \
                     [--publisher-batch N]";

/// What is asked for.
#[derive(Clone, Debug)]
struct Args {
    url: String,
    events: u64,
    bytes: usize,
    /// Events in a message between hops.
    batch: u64,
    /// Events in a message of the producer.
    publisher_batch: u64,
}

impl Args {
    fn read() -> anyhow::Result<Self> {
        let mut args = Self {
            url: String::new(),
            events: 20_000,
            bytes: 800,
            batch: 1,
            publisher_batch: 1,
        };
        let mut words = std::env::args().skip(1);
        while let Some(option) = words.next() {
            let value = words.next().context(USAGE)?;
            match option.as_str() {
                "--url" => args.url = value,
                "--events" => args.events = value.parse().context(USAGE)?,
                "--bytes" => args.bytes = value.parse().context(USAGE)?,
                "--batch" => args.batch = value.parse().context(USAGE)?,
                "--publisher-batch" => args.publisher_batch = value.parse().context(USAGE)?,
                _ => bail!(USAGE),
            }
        }
        if args.url.is_empty() || args.batch == 0 || args.publisher_batch == 0 || args.events == 0 {
            bail!(USAGE);
        }
        Ok(args)
    }
}

/// A message of `events` events; what is in them does not matter, only how long they are.
fn body(events: u64, bytes: usize) -> Vec<u8> {
    vec![
        b'x';
        usize::try_from(events)
            .unwrap_or(usize::MAX)
            .saturating_mul(bytes)
    ]
}

async fn connect(url: &str, name: &str) -> anyhow::Result<Connection> {
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    Connection::connect(url, properties)
        .await
        .context("can't connect to the broker")
}

/// Publishes with confirms in a window.
struct Publisher {
    _connection: Connection,
    channel: Channel,
    window: VecDeque<PublisherConfirm>,
}

impl Publisher {
    async fn open(url: &str, name: &str) -> anyhow::Result<Self> {
        let connection = connect(url, name).await?;
        let channel = connection.create_channel().await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        Ok(Self {
            _connection: connection,
            channel,
            window: VecDeque::new(),
        })
    }

    async fn publish(&mut self, exchange: &str, key: &str, body: &[u8]) -> anyhow::Result<()> {
        if self.window.len() >= WINDOW {
            self.confirm_one().await?;
        }
        let options = BasicPublishOptions {
            mandatory: exchange != DECISIONS,
            ..Default::default()
        };
        let properties = BasicProperties::default()
            .with_delivery_mode(2)
            .with_content_type("application/cloudevents+json".into())
            .with_message_id("relay".into());
        let publishing =
            self.channel
                .basic_publish(exchange.into(), key.into(), options, body, properties);
        self.window.push_back(publishing.await?);
        Ok(())
    }

    async fn confirm_one(&mut self) -> anyhow::Result<()> {
        match self.window.pop_front() {
            Some(confirm) => match confirm.await? {
                Confirmation::Ack(None) => Ok(()),
                other => bail!("a message was not taken: {other:?}"),
            },
            None => Ok(()),
        }
    }

    async fn confirm_all(&mut self) -> anyhow::Result<()> {
        while !self.window.is_empty() {
            self.confirm_one().await?;
        }
        Ok(())
    }
}

/// Receives, and acknowledges in groups.
struct Reader {
    _connection: Connection,
    channel: Channel,
    consumer: Consumer,
}

impl Reader {
    async fn open(url: &str, queue: &str) -> anyhow::Result<Self> {
        let connection = connect(url, queue).await?;
        let channel = connection.create_channel().await?;
        channel
            .basic_qos(PREFETCH, BasicQosOptions::default())
            .await?;
        let consumer = channel
            .basic_consume(
                queue.into(),
                "".into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await?;
        Ok(Self {
            _connection: connection,
            channel,
            consumer,
        })
    }

    /// Receives up to a group of messages; the tag of the last and how many bytes each has.
    async fn group(&mut self) -> anyhow::Result<(u64, Vec<Vec<u8>>)> {
        let first = self.consumer.next().await.context("the consumer ended")??;
        let (mut tag, mut bodies) = (first.delivery_tag, vec![first.data]);
        while bodies.len() < ACK_GROUP {
            match tokio::time::timeout(FLUSH, self.consumer.next()).await {
                Ok(delivery) => {
                    let delivery = delivery.context("the consumer ended")??;
                    tag = delivery.delivery_tag;
                    bodies.push(delivery.data);
                }
                Err(_) => break,
            }
        }
        Ok((tag, bodies))
    }

    async fn ack(&self, tag: u64) -> anyhow::Result<()> {
        Ok(self
            .channel
            .basic_ack(tag, BasicAckOptions { multiple: true })
            .await?)
    }
}

/// Counts the events in messages by their length.
fn count(bodies: &[Vec<u8>], bytes: usize) -> u64 {
    bodies
        .iter()
        .map(|body| u64::try_from(body.len() / bytes.max(1)).unwrap_or_default())
        .sum()
}

/// A hop: what it receives leaves it in messages of `batch` events, to each of some exchanges.
async fn hop(
    args: Args,
    queue: &'static str,
    to: &'static [(&'static str, bool)],
) -> anyhow::Result<()> {
    let mut reader = Reader::open(&args.url, queue).await?;
    let mut publisher = Publisher::open(&args.url, queue).await?;
    // Acknowledgements wait for the confirms of the group, while the next group is received.
    let mut unconfirmed: VecDeque<(u64, usize)> = VecDeque::new();
    loop {
        let (tag, bodies) = reader.group().await?;
        let mut left = count(&bodies, args.bytes);
        let mut sent = 0;
        let singles = left;
        while left > 0 {
            let events = left.min(args.batch);
            left -= events;
            let message = body(events, args.bytes);
            for (exchange, _) in to.iter().filter(|(_, batched)| *batched) {
                publisher.publish(exchange, KEY, &message).await?;
                sent += 1;
            }
        }
        for (exchange, _) in to.iter().filter(|(_, batched)| !*batched) {
            for _ in 0..singles {
                publisher
                    .publish(exchange, "relay.hold", &body(1, args.bytes))
                    .await?;
                sent += 1;
            }
        }
        unconfirmed.push_back((tag, sent));
        // What is still in the window belongs to the newest groups.
        let mut open = publisher.window.len();
        let mut done = None;
        let mut kept = VecDeque::new();
        for (tag, sent) in unconfirmed.drain(..).rev() {
            if open == 0 {
                done = done.max(Some(tag));
            } else {
                kept.push_front((tag, sent));
                open = open.saturating_sub(sent);
            }
        }
        unconfirmed = kept;
        if unconfirmed.len() > usize::from(PREFETCH) / ACK_GROUP / 2 || singles < 64 {
            publisher.confirm_all().await?;
            done = unconfirmed.back().map(|(tag, _)| *tag).or(done);
            unconfirmed.clear();
        }
        if let Some(tag) = done {
            reader.ack(tag).await?;
        }
    }
}

async fn sink(args: Args, seen: Arc<AtomicU64>) -> anyhow::Result<()> {
    let mut reader = Reader::open(&args.url, ARCHIVE).await?;
    loop {
        let (tag, bodies) = reader.group().await?;
        reader.ack(tag).await?;
        seen.fetch_add(count(&bodies, args.bytes), Ordering::Relaxed);
    }
}

async fn produce(args: Args) -> anyhow::Result<()> {
    let mut publisher = Publisher::open(&args.url, "producer").await?;
    let mut left = args.events;
    while left > 0 {
        let events = left.min(args.publisher_batch);
        left -= events;
        publisher
            .publish("", INBOX, &body(events, args.bytes))
            .await?;
    }
    publisher.confirm_all().await
}

async fn declare(channel: &Channel) -> anyhow::Result<()> {
    for (name, kind) in [
        (CONTENT, ExchangeKind::Direct),
        (OUTCOMES, ExchangeKind::Direct),
        (DECISIONS, ExchangeKind::Topic),
    ] {
        let options = ExchangeDeclareOptions {
            durable: true,
            ..Default::default()
        };
        channel
            .exchange_declare(name.into(), kind, options, FieldTable::default())
            .await?;
    }
    for queue in [INBOX, MODERATION, ARCHIVE] {
        channel
            .queue_delete(queue.into(), QueueDeleteOptions::default())
            .await?;
        let mut arguments = FieldTable::default();
        arguments.insert(
            "x-queue-type".into(),
            AMQPValue::LongString("quorum".into()),
        );
        arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
        let options = QueueDeclareOptions {
            durable: true,
            ..Default::default()
        };
        channel
            .queue_declare(queue.into(), options, arguments)
            .await?;
    }
    for (queue, exchange) in [
        (MODERATION, CONTENT),
        (ARCHIVE, CONTENT),
        (ARCHIVE, OUTCOMES),
    ] {
        let options = QueueBindOptions::default();
        channel
            .queue_bind(
                queue.into(),
                exchange.into(),
                KEY.into(),
                options,
                FieldTable::default(),
            )
            .await?;
    }
    Ok(())
}

async fn remove(channel: &Channel) -> anyhow::Result<()> {
    for queue in [INBOX, MODERATION, ARCHIVE] {
        channel
            .queue_delete(queue.into(), QueueDeleteOptions::default())
            .await?;
    }
    for exchange in [CONTENT, OUTCOMES, DECISIONS] {
        channel
            .exchange_delete(exchange.into(), ExchangeDeleteOptions::default())
            .await?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::read()?;
    let connection = connect(&args.url, "relay").await?;
    let channel = connection.create_channel().await?;
    declare(&channel).await?;
    let seen = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(hop(args.clone(), INBOX, &[(CONTENT, true)]));
    tasks.spawn(hop(
        args.clone(),
        MODERATION,
        &[(OUTCOMES, true), (DECISIONS, false)],
    ));
    tasks.spawn(sink(args.clone(), Arc::clone(&seen)));
    let producer = produce(args.clone());
    let arrived = async {
        // Each event arrives twice: as content and as an outcome.
        while seen.load(Ordering::Relaxed) < args.events * 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok::<_, anyhow::Error>(())
    };
    tokio::select! {
        ended = async { tokio::try_join!(producer, arrived) } => { ended?; }
        Some(ended) = tasks.join_next() => ended??,
    }
    let seconds = started.elapsed().as_secs_f64();
    tasks.shutdown().await;
    remove(&channel).await?;
    let events = f64::from(u32::try_from(args.events)?);
    let report = serde_json::json!({
        "events": args.events,
        "bytes": args.bytes,
        "batch": args.batch,
        "publisher_batch": args.publisher_batch,
        "seconds": seconds,
        "events_per_second": (events / seconds).round(),
    });
    writeln!(std::io::stdout(), "{report}")?;
    Ok(())
}
