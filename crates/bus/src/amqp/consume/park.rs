//! Parks a message on a broker that has no policies: `provision` can't declare dead-lettering, and
//! to reject a message there would lose it.

use std::time::Duration;

use lapin::options::BasicPublishOptions;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Confirmation};
use stoa_proto::topology::DEAD_LETTERS;

use crate::amqp::connection::describe;
use crate::amqp::topology::{ANSWER, confirming_channel};
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
        match tokio::time::timeout(ANSWER, attempt(connected, queue, incoming, reason)).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => tracing::warn!(queue, error, "a refused message can't be parked"),
            Err(_) => tracing::warn!(queue, "a refused message can't be parked: no answer"),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    false
}

async fn attempt(
    connected: &Connected,
    queue: &str,
    incoming: &Incoming,
    reason: &str,
) -> Result<(), String> {
    let connection = connected.borrow().clone().ok_or("no connection")?;
    let channel = confirming_channel(&connection).await?;
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
    let confirm = channel
        .basic_publish(DEAD_LETTERS.into(), queue.into(), options, body, properties)
        .await
        .map_err(|error| describe(&error))?
        .await
        .map_err(|error| describe(&error))?;
    channel.close(200, "parked".into()).await.ok();
    match confirm {
        Confirmation::Ack(None) => Ok(()),
        _ => Err(format!("no queue takes messages of `{DEAD_LETTERS}`")),
    }
}
