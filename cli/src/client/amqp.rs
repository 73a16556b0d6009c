//! Publishing to `stoa.inbox` with confirms.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use serde::Deserialize;
use stoa_proto::{Exchange, codec, ids};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::{Answer, Failure, chain};

/// How long a connection or a confirm may take before its outcome counts as unknown.
const PATIENCE: Duration = Duration::from_secs(15);

/// A broker; clones publish over the same connection, which is made at the first batch, and again
/// after a failure.
#[derive(Clone)]
pub(crate) struct Amqp {
    url: String,
    open: Arc<Mutex<Option<Link>>>,
}

/// An open connection with its one channel.
#[derive(Clone)]
struct Link {
    connection: Arc<Connection>,
    channel: Channel,
}

impl Link {
    fn is_up(&self) -> bool {
        self.connection.status().connected() && self.channel.status().connected()
    }
}

impl Amqp {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            open: Arc::default(),
        }
    }

    /// Publishes a batch as one message and waits for its confirm.
    pub(super) async fn send(&self, events: &[Bytes]) -> Result<Answer, Failure> {
        let (kind, body) = match events {
            [] => return Ok(Answer::default()),
            [one] => (codec::STRUCTURED, one.clone()),
            many => (codec::BATCH, codec::batch(many)),
        };
        let link = self.link().await?;
        let outcome = publish(&link.channel, kind, &body, message_id(events)).await;
        if outcome.is_err() {
            // What is unknown of a connection is settled by another one.
            let mut open = self.open.lock().await;
            open.take_if(|open| Arc::ptr_eq(&open.connection, &link.connection));
        }
        outcome.map(|()| Answer {
            accepted: u64::try_from(events.len()).unwrap_or(u64::MAX),
            ..Answer::default()
        })
    }

    async fn link(&self) -> Result<Link, Failure> {
        let mut open = self.open.lock().await;
        if let Some(link) = open.as_ref().filter(|link| link.is_up()) {
            return Ok(link.clone());
        }
        *open = None;
        rustls::crypto::aws_lc_rs::default_provider()
            .install_default()
            .ok();
        let connect = async {
            let properties =
                ConnectionProperties::default().with_connection_name("stoa publish".into());
            let connection = Connection::connect(&self.url, properties).await?;
            let channel = connection.create_channel().await?;
            channel
                .confirm_select(ConfirmSelectOptions::default())
                .await?;
            let connection = Arc::new(connection);
            Ok::<_, lapin::Error>(Link {
                connection,
                channel,
            })
        };
        let link = timeout(PATIENCE, connect)
            .await
            .map_err(|_| later("the broker does not answer"))?
            .map_err(|error| later(&chain(&error)))?;
        Ok(open.insert(link).clone())
    }
}

async fn publish(channel: &Channel, kind: &str, body: &[u8], id: String) -> Result<(), Failure> {
    let exchange = Exchange::Inbox;
    let publish = async {
        channel
            .basic_publish(
                exchange.name().into(),
                "".into(),
                BasicPublishOptions {
                    mandatory: true,
                    ..BasicPublishOptions::default()
                },
                body,
                BasicProperties::default()
                    .with_content_type(kind.into())
                    .with_message_id(id.into())
                    .with_delivery_mode(2),
            )
            .await?
            .await
    };
    match timeout(PATIENCE, publish).await {
        Err(_) | Ok(Ok(Confirmation::NotRequested)) => Err(later("the broker does not confirm")),
        Ok(Err(error)) => Err(later(&chain(&error))),
        Ok(Ok(Confirmation::Ack(None))) => Ok(()),
        Ok(Ok(Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)))) => Err(later(
            "the broker returns the message: no queue is bound to `stoa.inbox` yet",
        )),
        Ok(Ok(Confirmation::Nack(None))) => Err(later("the broker can't take the message now")),
    }
}

fn later(message: &str) -> Failure {
    Failure::Later {
        message: message.to_owned(),
        after: None,
    }
}

/// Returns the event's id, or an id that the batch's bytes determine.
fn message_id(events: &[Bytes]) -> String {
    #[derive(Deserialize)]
    struct Named {
        id: String,
    }
    if let [one] = events
        && let Ok(Named { id }) = serde_json::from_slice(one)
        && id.len() <= 255
    {
        return id;
    }
    let texts: Vec<_> = events
        .iter()
        .map(|event| String::from_utf8_lossy(event))
        .collect();
    ids::derive(
        "batch-",
        &texts.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
    )
}
