//! The tests' broker: virtual hosts of their own, and a platform that publishes and listens.

use std::process::Command;
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::options::{
    BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions,
    QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::{PATIENCE, needed, ports};

/// A virtual host of its own on the tests' broker, removed when it goes out of scope.
#[derive(Debug)]
pub struct Vhost {
    name: String,
    /// The URL with the virtual host in it.
    pub url: String,
}

impl Vhost {
    /// Makes one.
    pub fn new() -> Self {
        let base = needed("STOA_TEST_AMQP_URL");
        let name = format!("stoa-{}-{}", std::process::id(), ports());
        rabbitmqctl(&["add_vhost", &name]);
        rabbitmqctl(&["set_permissions", "-p", &name, "guest", ".*", ".*", ".*"]);
        let slash = base.find("://").map_or(0, |at| at + 3);
        let end = base
            .get(slash..)
            .and_then(|rest| rest.find('/'))
            .map_or(base.len(), |at| slash + at);
        Self {
            url: format!("{}/{name}", base.get(..end).unwrap()),
            name,
        }
    }

    /// Declares a quorum queue that an exchange's messages of some routing keys come into.
    pub fn queue(&self, name: &str, exchange: &str, key: &str) {
        let properties = ConnectionProperties::default();
        Runtime::new().unwrap().block_on(async {
            let connection = Connection::connect(&self.url, properties).await.unwrap();
            let channel = connection.create_channel().await.unwrap();
            let durable = QueueDeclareOptions {
                durable: true,
                ..QueueDeclareOptions::default()
            };
            let mut quorum = FieldTable::default();
            let kind = AMQPValue::LongString("quorum".into());
            quorum.insert("x-queue-type".into(), kind);
            let declared = channel.queue_declare(name.into(), durable, quorum);
            declared.await.unwrap();
            let options = QueueBindOptions::default();
            let none = FieldTable::default();
            let bound = channel.queue_bind(name.into(), exchange.into(), key.into(), options, none);
            bound.await.unwrap();
            connection.close(200, "done".into()).await.unwrap();
        });
    }
}

impl Default for Vhost {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Vhost {
    fn drop(&mut self) {
        rabbitmqctl(&["delete_vhost", &self.name]);
    }
}

/// Runs a command of the tests' broker.
pub fn rabbitmqctl(args: &[&str]) -> String {
    let command = needed("STOA_TEST_RABBITMQCTL");
    let mut words = command.split_whitespace();
    let output = Command::new(words.next().unwrap())
        .args(words)
        .args(args)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{command} {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Throws away what all queues of a virtual host hold.
pub fn purge(vhost: &Vhost) {
    for (queue, _) in queues(vhost) {
        rabbitmqctl(&["purge_queue", "-p", &vhost.name, &queue]);
    }
}

/// How many messages each queue of a virtual host holds, unacknowledged ones included.
pub fn queues(vhost: &Vhost) -> Vec<(String, u64)> {
    let listed = rabbitmqctl(&[
        "-q",
        "--no-table-headers",
        "list_queues",
        "-p",
        &vhost.name,
        "name",
        "messages",
    ]);
    let line = |line: &str| {
        let (name, messages) = line.split_once('\t')?;
        Some((name.to_owned(), messages.trim().parse().ok()?))
    };
    listed.lines().filter_map(line).collect()
}

/// A platform at the broker: publishes to the inbox with confirms, and hears of decisions and rejections.
#[derive(Debug)]
pub struct Platform {
    runtime: Runtime,
    channel: Channel,
    heard: Consumer,
    // Dropping it would close the channel.
    _connection: Connection,
}

impl Platform {
    /// Connects, and listens to an exchange with a queue of its own.
    pub fn listening_to(vhost: &Vhost, exchange: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let (connection, channel, heard) = runtime.block_on(async {
            let properties = ConnectionProperties::default();
            let connection = Connection::connect(&vhost.url, properties).await.unwrap();
            let channel = connection.create_channel().await.unwrap();
            let options = ConfirmSelectOptions::default();
            channel.confirm_select(options).await.unwrap();
            let exclusive = QueueDeclareOptions {
                exclusive: true,
                ..QueueDeclareOptions::default()
            };
            let none = FieldTable::default;
            let name = ShortString::from(format!("platform.{exchange}"));
            let declared = channel.queue_declare(name.clone(), exclusive, none());
            declared.await.unwrap();
            let options = QueueBindOptions::default();
            let bound =
                channel.queue_bind(name.clone(), exchange.into(), "#".into(), options, none());
            bound.await.unwrap();
            let options = BasicConsumeOptions {
                no_ack: true,
                ..BasicConsumeOptions::default()
            };
            let heard = channel.basic_consume(name, "".into(), options, none());
            let heard = heard.await.unwrap();
            (connection, channel, heard)
        });
        Self {
            runtime,
            channel,
            heard,
            _connection: connection,
        }
    }

    /// Publishes a message to the inbox and waits until the broker has it.
    pub fn publish(&self, content_type: &str, headers: &[(String, AMQPValue)], body: &[u8]) {
        self.publish_to("stoa.inbox", "", content_type, headers, body);
    }

    /// Publishes a message to an exchange and waits until the broker has it.
    pub fn publish_to(
        &self,
        exchange: &str,
        key: &str,
        content_type: &str,
        headers: &[(String, AMQPValue)],
        body: &[u8],
    ) {
        let mut table = FieldTable::default();
        for (name, value) in headers {
            table.insert(name.as_str().into(), value.clone());
        }
        let properties = BasicProperties::default()
            .with_content_type(content_type.into())
            .with_delivery_mode(2)
            .with_headers(table);
        let options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        let confirmed = self.runtime.block_on(async {
            let publish =
                self.channel
                    .basic_publish(exchange.into(), key.into(), options, body, properties);
            publish.await.unwrap().await.unwrap()
        });
        assert!(
            matches!(confirmed, Confirmation::Ack(None)),
            "{confirmed:?}"
        );
    }

    /// Waits for the next event of the exchange that it listens to.
    #[track_caller]
    pub fn hear(&mut self) -> Value {
        let heard = self.within(PATIENCE);
        heard.unwrap_or_else(|| panic!("nothing was heard within {} s", PATIENCE.as_secs()))
    }

    /// Waits so long for the next event.
    pub fn within(&mut self, patience: Duration) -> Option<Value> {
        Some(self.message_within(patience)?.0)
    }

    /// Waits so long for the next event; returns it with the text of its message's header.
    pub fn with_header(
        &mut self,
        patience: Duration,
        header: &str,
    ) -> Option<(Value, Option<String>)> {
        let (event, headers) = self.message_within(patience)?;
        let text = match headers.inner().get(header) {
            Some(AMQPValue::LongString(text)) => Some(text.to_string()),
            _ => None,
        };
        Some((event, text))
    }

    fn message_within(&mut self, patience: Duration) -> Option<(Value, FieldTable)> {
        let heard = &mut self.heard;
        let delivery = self
            .runtime
            .block_on(async { timeout(patience, heard.next()).await });
        let delivery = delivery.ok()?.unwrap().unwrap();
        let headers = delivery.properties.headers().clone();
        let event = serde_json::from_slice(&delivery.data).unwrap();
        Some((event, headers.unwrap_or_default()))
    }

    /// Takes a message from a queue, if there is one.
    pub fn get(&self, queue: &str) -> Option<Vec<u8>> {
        let options = BasicGetOptions { no_ack: true };
        let got = self
            .runtime
            .block_on(self.channel.basic_get(queue.into(), options));
        got.unwrap().map(|message| message.delivery.data)
    }
}
