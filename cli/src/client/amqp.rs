//! Publishing to `stoa.inbox` with confirms.

use std::time::Duration;

use bytes::Bytes;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use stoa_proto::{Exchange, codec, ids};
use tokio::time::timeout;

use super::{Answer, Failure, chain};

/// How long a connection or a confirm may take before its outcome counts as unknown.
const PATIENCE: Duration = Duration::from_secs(15);

/// A broker. The connection is made at the first batch, and again after a failure.
pub(crate) struct Amqp {
    url: String,
    open: Option<(Connection, Channel)>,
}

impl Amqp {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            open: None,
        }
    }

    pub(super) fn again(&self) -> Self {
        Self::new(&self.url)
    }

    /// Publishes a batch as one message and waits for its confirm.
    pub(super) async fn send(&mut self, events: &[Bytes]) -> Result<Answer, Failure> {
        let (kind, body) = match events {
            [] => return Ok(Answer::default()),
            [one] => (codec::STRUCTURED, one.clone()),
            many => (codec::BATCH, codec::batch(many)),
        };
        let outcome = self.publish(kind, &body, message_id(events)).await;
        if outcome.is_err() {
            // What is unknown of a connection is settled by another one.
            self.open = None;
        }
        outcome.map(|()| Answer {
            accepted: u64::try_from(events.len()).unwrap_or(u64::MAX),
            ..Answer::default()
        })
    }

    async fn publish(&mut self, kind: &str, body: &[u8], id: String) -> Result<(), Failure> {
        let channel = self.channel().await?;
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
            Err(_) | Ok(Ok(Confirmation::NotRequested)) => {
                Err(later("the broker does not confirm"))
            }
            Ok(Err(error)) => Err(later(&chain(&error))),
            Ok(Ok(Confirmation::Ack(None))) => Ok(()),
            Ok(Ok(Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)))) => Err(later(
                "the broker returns the message: no queue is bound to `stoa.inbox` yet",
            )),
            Ok(Ok(Confirmation::Nack(None))) => Err(later("the broker can't take the message now")),
        }
    }

    async fn channel(&mut self) -> Result<Channel, Failure> {
        if let Some((connection, channel)) = &self.open
            && connection.status().connected()
            && channel.status().connected()
        {
            return Ok(channel.clone());
        }
        self.open = None;
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
            Ok::<_, lapin::Error>((connection, channel))
        };
        let (connection, channel) = timeout(PATIENCE, connect)
            .await
            .map_err(|_| later("the broker does not answer"))?
            .map_err(|error| later(&chain(&error)))?;
        self.open = Some((connection, channel.clone()));
        Ok(channel)
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
    if let [one] = events
        && let Ok(event) = stoa_proto::Event::from_json(one)
        && event.id.len() <= 255
    {
        return event.id;
    }
    let texts: Vec<String> = events
        .iter()
        .map(|event| String::from_utf8_lossy(event).into_owned())
        .collect();
    ids::derive(
        "batch-",
        &texts.iter().map(String::as_str).collect::<Vec<_>>(),
    )
}
