//! Checks that exchanges and queues are there, or declares them.

use std::time::Duration;

use lapin::options::{
    BasicGetOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ErrorKind, ExchangeKind};
use stoa_proto::Exchange;
use stoa_proto::topology::{Declaration, declarations};

use super::connection::describe;
use super::live::Live;

/// The broker's code for a queue that hands out no single message.
const RESOURCE_LOCKED: u16 = 405;

/// Declares all exchanges, queues and bindings; none may take longer than the limit.
pub(super) async fn provision(connection: &Live, limit: Duration) -> Result<(), String> {
    let failed = |error: lapin::Error| describe(&error);
    let opening = connection.create_channel();
    let channel = connection.answer(limit, opening).await?.map_err(failed)?;
    for declaration in declarations() {
        let queue = match &declaration {
            Declaration::Queue { name, .. } => Some(name.clone()),
            _ => None,
        };
        let declaring = declare(&channel, declaration);
        connection.answer(limit, declaring).await??;
        if let Some(queue) = queue {
            // The broker has compared the arguments.
            connection.know(&queue, Some(Ok(())));
        }
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

/// Checks that a queue is there, and that it is a quorum queue with a single active consumer.
pub(super) async fn check_queue(
    connection: &Live,
    channel: &Channel,
    queue: &str,
) -> Result<(), String> {
    let options = QueueDeclareOptions {
        passive: true,
        ..Default::default()
    };
    let asking = channel.queue_declare(queue.into(), options, FieldTable::default());
    let n_ready = match asking.await {
        Ok(found) => found.message_count(),
        Err(error) => {
            connection.know(queue, None);
            return Err(missing("queue", queue, &describe(&error)));
        }
    };
    match connection.known(queue) {
        // Another look would take the first message out once more, and count as a delivery of it.
        Some(found) if found.is_ok() || n_ready > 0 => found,
        _ => {
            let found = probe(connection, queue).await?;
            connection.know(queue, Some(found.clone()));
            found
        }
    }
}

/// Finds out what kind of queue it is, on a channel of its own. A passive declaration compares
/// nothing, and an account that may declare nothing can't ask in another way: but of all queues
/// only a quorum queue with a single active consumer refuses to hand out one message (measured on
/// 3.10.8).
async fn probe(connection: &Live, queue: &str) -> Result<Result<(), String>, String> {
    let failed = |error: lapin::Error| describe(&error);
    let channel = connection.create_channel().await.map_err(failed)?;
    let getting = channel.basic_get(queue.into(), BasicGetOptions::default());
    match getting.await {
        Err(error) if is_locked(&error) => Ok(Ok(())),
        Err(error) => Err(missing("queue", queue, &describe(&error))),
        Ok(_) => {
            // That gives the message back.
            channel.close(200, "checked".into()).await.map_err(failed)?;
            Ok(Err(format!(
                "the queue `{queue}` is of another kind: `x-queue-type` must be `quorum` and \
                 `x-single-active-consumer` true; move away what is in it, delete it, and import \
                 deploy/rabbitmq/definitions.json into the broker"
            )))
        }
    }
}

fn is_locked(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(error) if error.get_id() == RESOURCE_LOCKED)
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
