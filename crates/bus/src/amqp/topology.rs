//! Checks that exchanges and queues are there, or declares them.

use std::time::Duration;

use lapin::options::{
    ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ExchangeKind};
use stoa_proto::Exchange;
use stoa_proto::topology::{Declaration, declarations};

use super::connection::describe;

/// Longer than this an answer of the broker is not waited for.
pub(super) const ANSWER: Duration = Duration::from_secs(20);

/// Declares all exchanges, queues and bindings.
pub(super) async fn provision(connection: &Connection) -> Result<(), String> {
    let declaring = async {
        let channel = connection
            .create_channel()
            .await
            .map_err(|error| describe(&error))?;
        for declaration in declarations() {
            declare(&channel, declaration).await?;
        }
        channel
            .close(200, "declared".into())
            .await
            .map_err(|error| describe(&error))
    };
    tokio::time::timeout(ANSWER * 3, declaring)
        .await
        .unwrap_or_else(|_| Err("the broker does not answer declarations".to_owned()))
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
    let checking = channel.queue_declare(queue.into(), options, FieldTable::default());
    match tokio::time::timeout(ANSWER, checking).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(missing("queue", queue, &describe(&error))),
        Err(_) => Err(format!(
            "the broker does not answer about the queue `{queue}`"
        )),
    }
}

/// Checks that an exchange is there, on a channel of its own: a missing one closes the channel.
pub(super) async fn check_exchange(
    connection: &Connection,
    exchange: Exchange,
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
    match tokio::time::timeout(ANSWER, checking).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(missing("exchange", exchange.name(), &describe(&error))),
        Err(_) => Err(format!(
            "the broker does not answer about the exchange `{exchange:?}`"
        )),
    }
}

fn missing(what: &str, name: &str, error: &str) -> String {
    format!(
        "the {what} `{name}` can't be used: {error}; import deploy/rabbitmq/definitions.json into \
         the broker, or start once with --provision"
    )
}

/// Opens a channel whose publishes are confirmed.
pub(super) async fn confirming_channel(connection: &Connection) -> Result<Channel, String> {
    let opening = async {
        let channel = connection.create_channel().await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        Ok::<_, lapin::Error>(channel)
    };
    match tokio::time::timeout(ANSWER, opening).await {
        Ok(Ok(channel)) => Ok(channel),
        Ok(Err(error)) => Err(describe(&error)),
        Err(_) => Err("the broker does not answer".to_owned()),
    }
}
