//! Checks that exchanges and queues are there, or declares them.

use std::time::Duration;

use lapin::options::{
    ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};
use stoa_proto::Exchange;
use stoa_proto::topology::{Declaration, declarations};

use super::connection::describe;
use super::live::Live;

/// Declares all exchanges, queues and bindings; none may take longer than the limit.
pub(super) async fn provision(connection: &Live, limit: Duration) -> Result<(), String> {
    let failed = |error: lapin::Error| describe(&error);
    let opening = connection.create_channel();
    let channel = connection.answer(limit, opening).await?.map_err(failed)?;
    for declaration in declarations() {
        let declaring = declare(&channel, declaration);
        connection.answer(limit, declaring).await??;
    }
    let closing = channel.close(200, "declared".into());
    connection.answer(limit, closing).await?.map_err(failed)
}

async fn declare(channel: &Channel, declaration: Declaration) -> Result<(), String> {
    let (what, result) = match declaration {
        Declaration::Exchange { name, kind } => {
            let kind = ExchangeKind::Custom(kind.to_owned());
            let options = ExchangeDeclareOptions {
                durable: true,
                ..Default::default()
            };
            let declaring = channel.exchange_declare(
                name.as_str().into(),
                kind,
                options,
                FieldTable::default(),
            );
            (format!("exchange `{name}`"), declaring.await)
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
                arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
            }
            let options = QueueDeclareOptions {
                durable: true,
                ..Default::default()
            };
            let declaring = channel.queue_declare(name.as_str().into(), options, arguments);
            (format!("queue `{name}`"), declaring.await.map(|_| ()))
        }
        Declaration::Binding {
            exchange,
            queue,
            routing_key,
        } => {
            let binding = channel.queue_bind(
                queue.as_str().into(),
                exchange.as_str().into(),
                routing_key.as_str().into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            );
            (
                format!("binding of `{queue}` to `{exchange}`"),
                binding.await,
            )
        }
    };
    result.map_err(|error| {
        format!(
            "the broker refuses the {what}: {}; if it was declared otherwise before, delete it, \
             and import deploy/rabbitmq/definitions.json",
            describe(&error)
        )
    })
}

/// Checks that a queue is there.
pub(super) async fn check_queue(channel: &Channel, queue: &str) -> Result<(), String> {
    let options = QueueDeclareOptions {
        passive: true,
        ..Default::default()
    };
    match channel
        .queue_declare(queue.into(), options, FieldTable::default())
        .await
    {
        Ok(_) => Ok(()),
        Err(error) => Err(missing("queue", queue, &describe(&error))),
    }
}

/// Checks that an exchange is there, on a channel of its own: a missing one closes the channel.
pub(super) async fn check_exchange(
    connection: &Live,
    exchange: Exchange,
    limit: Duration,
) -> Result<(), String> {
    let checking = async {
        let channel = connection.create_channel().await?;
        let options = ExchangeDeclareOptions {
            passive: true,
            ..Default::default()
        };
        let kind = ExchangeKind::Custom(exchange.kind().to_owned());
        channel
            .exchange_declare(exchange.name().into(), kind, options, FieldTable::default())
            .await?;
        channel.close(200, "checked".into()).await
    };
    connection
        .answer(limit, checking)
        .await?
        .map_err(|error: lapin::Error| missing("exchange", exchange.name(), &describe(&error)))
}

fn missing(what: &str, name: &str, error: &str) -> String {
    format!(
        "the {what} `{name}` can't be used: {error}; import deploy/rabbitmq/definitions.json into \
         the broker, or start once with --provision"
    )
}

/// Opens a channel whose publishes are confirmed.
pub(super) async fn confirming_channel(
    connection: &Live,
    limit: Duration,
) -> Result<Channel, String> {
    let opening = async {
        let channel = connection.create_channel().await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        Ok::<_, lapin::Error>(channel)
    };
    connection
        .answer(limit, opening)
        .await?
        .map_err(|error| describe(&error))
}
