//! The broker under test, with Stoa's queues made anew for each test.

use std::net::ToSocketAddrs;
use std::path::Path;
use std::time::Duration;

use lapin::options::{
    BasicPublishOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
    QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind};
use stoa_bus::{AmqpConfig, Bus};
use stoa_proto::topology::{DEAD_LETTERS, Declaration, declarations};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::node::{Node, Transport};
use crate::proxy::Proxy;

/// Reads a variable of the test environment.
#[expect(
    clippy::disallowed_methods,
    reason = "tests have no configuration but the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Messages that a queue takes.
pub(crate) const QUEUE_LENGTH: i32 = 5_000;

/// The broker.
pub(crate) struct Broker {
    pub(crate) proxy: Proxy,
    url: String,
    dir: TempDir,
    channel: Channel,
    _connection: Connection,
    pub(crate) runtime: Runtime,
}

impl Broker {
    pub(crate) fn new() -> Self {
        let url = variable("STOA_TEST_AMQP_URL").unwrap_or_else(|| {
            panic!(
                "this test needs a broker: set STOA_TEST_AMQP_URL to one that nobody uses, such \
                 as amqp://guest:guest@127.0.0.1:5672/%2f, or run ./scripts/test"
            )
        });
        let uri: AMQPUri = url.parse().unwrap();
        let address = (uri.authority.host.as_str(), uri.authority.port);
        let proxy = Proxy::new(address.to_socket_addrs().unwrap().next().unwrap());
        let through = url.replacen(
            &format!("{}:{}", address.0, address.1),
            &format!("127.0.0.1:{}", proxy.port),
            1,
        );
        assert_ne!(through, url, "STOA_TEST_AMQP_URL has host and port");
        let runtime = Runtime::new().unwrap();
        let (connection, channel) = runtime.block_on(async {
            let connection = Connection::connect(&url, ConnectionProperties::default())
                .await
                .unwrap();
            let channel = connection.create_channel().await.unwrap();
            declare_anew(&channel).await;
            (connection, channel)
        });
        let dir = TempDir::new().unwrap();
        Self {
            proxy,
            url: through,
            dir,
            channel,
            _connection: connection,
            runtime,
        }
    }

    pub(crate) fn config(&self) -> AmqpConfig {
        AmqpConfig {
            url: self.url.clone(),
            role: "test".to_owned(),
            batch_events: 4,
            confirm_window: 100,
            prefetch: 256,
            confirm_timeout: Duration::from_secs(3),
            drain: Duration::from_secs(5),
            ..AmqpConfig::default()
        }
    }

    /// Starts a node with other settings.
    pub(crate) fn start_with(&self, config: AmqpConfig) -> Node {
        Node::start(self.dir.path(), |env| Bus::amqp(config, env))
    }

    pub(crate) fn delete_queue(&self, name: &str) {
        let deleting = self
            .channel
            .queue_delete(name.into(), QueueDeleteOptions::default());
        self.runtime.block_on(deleting).unwrap();
    }

    pub(crate) fn delete_queues(&self) {
        for declaration in declarations() {
            if let Declaration::Queue { name, .. } = declaration {
                self.delete_queue(&name);
            }
        }
    }

    /// Makes a queue and its bindings, as they were.
    pub(crate) fn declare_queue(&self, name: &str) {
        self.runtime.block_on(async {
            for declaration in declarations() {
                let of = match &declaration {
                    Declaration::Queue { name, .. } => name,
                    Declaration::Binding { queue, .. } => queue,
                    Declaration::Exchange { .. } => continue,
                };
                if of == name {
                    declare(&self.channel, declaration).await;
                }
            }
        });
    }

    /// Takes all bindings of the queues to the content exchange away.
    pub(crate) fn unbind_content(&self) {
        self.runtime.block_on(async {
            for declaration in declarations() {
                if let Declaration::Binding {
                    exchange,
                    queue,
                    routing_key,
                } = declaration
                    && exchange == "stoa.content"
                {
                    self.channel
                        .queue_unbind(
                            queue.as_str().into(),
                            exchange.as_str().into(),
                            routing_key.as_str().into(),
                            FieldTable::default(),
                        )
                        .await
                        .unwrap();
                }
            }
        });
    }

    pub(crate) fn bind_content(&self) {
        self.runtime.block_on(async {
            for declaration in declarations() {
                if matches!(&declaration, Declaration::Binding { exchange, .. } if exchange == "stoa.content")
                {
                    declare(&self.channel, declaration).await;
                }
            }
        });
    }

    /// Counts the messages of a queue that are ready.
    pub(crate) fn ready(&self, queue: &str) -> u32 {
        let options = QueueDeclareOptions {
            passive: true,
            ..Default::default()
        };
        let asking = self
            .channel
            .queue_declare(queue.into(), options, FieldTable::default());
        self.runtime.block_on(asking).unwrap().message_count()
    }

    /// Runs the broker's control tool.
    pub(crate) fn control(arguments: &[&str]) {
        let command = variable("STOA_TEST_RABBITMQCTL").unwrap_or_else(|| {
            panic!(
                "this test needs the broker's control tool: set STOA_TEST_RABBITMQCTL to the \
                 command that reaches it, or run ./scripts/test"
            )
        });
        let mut words = command.split_whitespace();
        let output = std::process::Command::new(words.next().unwrap())
            .args(words)
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

impl Transport for Broker {
    fn start(&self) -> Node {
        self.start_with(self.config())
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn publish_garbage(&self, body: &[u8]) {
        let publishing = self.channel.basic_publish(
            "stoa.content".into(),
            "s.00".into(),
            BasicPublishOptions::default(),
            body,
            BasicProperties::default().with_content_type("application/cloudevents+json".into()),
        );
        self.runtime
            .block_on(async { publishing.await.unwrap().await })
            .unwrap();
    }
}

/// Deletes Stoa's queues with what is in them, and declares all.
///
/// What a policy says in production, arguments say here.
async fn declare_anew(channel: &Channel) {
    for declaration in declarations() {
        if let Declaration::Queue { name, .. } = &declaration {
            channel
                .queue_delete(name.as_str().into(), QueueDeleteOptions::default())
                .await
                .unwrap();
        }
    }
    for declaration in declarations() {
        declare(channel, declaration).await;
    }
}

async fn declare(channel: &Channel, declaration: Declaration) {
    match declaration {
        Declaration::Exchange { name, kind } => {
            let options = ExchangeDeclareOptions {
                durable: true,
                ..Default::default()
            };
            let kind = ExchangeKind::Custom(kind.to_owned());
            channel
                .exchange_declare(name.as_str().into(), kind, options, FieldTable::default())
                .await
                .unwrap();
        }
        Declaration::Queue {
            name,
            single_active_consumer,
        } => {
            let mut arguments = FieldTable::default();
            arguments.insert(
                "x-queue-type".into(),
                AMQPValue::LongString("quorum".into()),
            );
            if single_active_consumer {
                let text = |text: &str| AMQPValue::LongString(text.into());
                arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
                arguments.insert("x-dead-letter-exchange".into(), text(DEAD_LETTERS));
                arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(10));
                arguments.insert("x-overflow".into(), text("reject-publish"));
                arguments.insert("x-max-length".into(), AMQPValue::LongInt(QUEUE_LENGTH));
            }
            let options = QueueDeclareOptions {
                durable: true,
                ..Default::default()
            };
            channel
                .queue_declare(name.as_str().into(), options, arguments)
                .await
                .unwrap();
        }
        Declaration::Binding {
            exchange,
            queue,
            routing_key,
        } => {
            channel
                .queue_bind(
                    queue.as_str().into(),
                    exchange.as_str().into(),
                    routing_key.as_str().into(),
                    QueueBindOptions::default(),
                    FieldTable::default(),
                )
                .await
                .unwrap();
        }
    }
}
