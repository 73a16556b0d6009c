//! Parks a message on a broker that has no policies: `provision` can't declare dead-lettering, and
//! to reject a message there would lose it.

use std::time::Duration;

use lapin::options::BasicPublishOptions;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Confirmation};
use stoa_proto::topology::DEAD_LETTERS;

use crate::amqp::connection::describe;
use crate::amqp::live::GOODBYE;
use crate::amqp::topology::confirming_channel;
use crate::amqp::{Connected, Shared};
use crate::handler::Incoming;

/// Publishes a refused message to where the broker's policy would have sent it. It tries until it
/// is confirmed, or until shutdown: then the message is handed out again.
pub(super) async fn publish(
    shared: &Shared,
    connected: &Connected,
    queue: &str,
    incoming: &Incoming,
    reason: &str,
) -> bool {
    while !shared.env.shutdown.is_cancelled() {
        match attempt(shared, connected, queue, incoming, reason).await {
            Ok(()) => return true,
            Err(error) => tracing::warn!(queue, error, "a refused message can't be parked"),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    false
}

async fn attempt(
    shared: &Shared,
    connected: &Connected,
    queue: &str,
    incoming: &Incoming,
    reason: &str,
) -> Result<(), String> {
    let limit = shared.config.confirm_timeout;
    let connection = connected.borrow().clone().ok_or("no connection")?;
    let channel = confirming_channel(&connection, limit).await?;
    let mut headers = FieldTable::default();
    for (name, value) in &incoming.message.headers {
        headers.insert(
            name.as_str().into(),
            AMQPValue::LongString(value.as_str().into()),
        );
    }
    headers.insert("x-stoa-reason".into(), AMQPValue::LongString(reason.into()));
    let mut properties = BasicProperties::default()
        .with_delivery_mode(2)
        .with_headers(headers);
    if let Some(content_type) = &incoming.message.content_type {
        properties = properties.with_content_type(content_type.as_str().into());
    }
    let options = BasicPublishOptions {
        mandatory: true,
        ..Default::default()
    };
    let body = &incoming.message.body;
    let publishing = async {
        channel
            .basic_publish(DEAD_LETTERS.into(), queue.into(), options, body, properties)
            .await?
            .await
    };
    let confirm = connection
        .answer(limit, publishing)
        .await?
        .map_err(|error| describe(&error))?;
    // What is confirmed is parked, whatever becomes of the channel.
    let closing = channel.close(200, "parked".into());
    tokio::time::timeout(GOODBYE, closing).await.ok();
    match confirm {
        Confirmation::Ack(None) => Ok(()),
        _ => Err(format!("no queue takes messages of `{DEAD_LETTERS}`")),
    }
}
