//! A look at the broker, as a role will find it.
//!
//! **Invariant:** it changes nothing: no message is left, taken or counted as handed out more than `check_queue` does.

use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, Channel};
use stoa_proto::{Exchange, Reader};

use super::connection::{describe, open};
use super::live::Live;
use super::topology;
use crate::AmqpConfig;

/// What a role finds at its broker.
#[derive(Debug)]
pub struct Probe {
    /// The address, without a password.
    pub broker: String,
    /// What was looked at, and what is wrong with it and helps.
    pub checks: Vec<(String, Result<(), String>)>,
}

/// Connects to each node as a role does, and looks whether its queues and exchanges are there and of the right kind,
/// and whether its account may publish.
pub async fn probe(config: &AmqpConfig, reader: Reader) -> Vec<Probe> {
    let mut probes = Vec::new();
    for turn in 0..=config.nodes.len() {
        probes.push(match open(config, turn, "doctor").await {
            Ok((connection, broker)) => {
                let checks = looks(config, &connection, reader).await;
                connection.goodbye("looked").await;
                Probe { broker, checks }
            }
            Err(lost) => Probe {
                broker: String::new(),
                checks: vec![("connection".to_owned(), Err(lost.detail))],
            },
        });
    }
    probes
}

async fn looks(
    config: &AmqpConfig,
    connection: &Live,
    reader: Reader,
) -> Vec<(String, Result<(), String>)> {
    let limit = config.confirm_timeout;
    let mut checks = vec![("connection".to_owned(), Ok(()))];
    for queue in reader.queues() {
        let looking = async {
            // A queue that is missing closes the channel.
            let channel = connection.create_channel().await;
            let channel = channel.map_err(|error| describe(&error))?;
            topology::check_queue(connection, &channel, &queue).await?;
            channel.close(200, "looked".into()).await.ok();
            Ok(())
        };
        let found = connection
            .answer(limit, looking)
            .await
            .and_then(|found| found);
        checks.push((format!("queue {queue}"), found));
    }
    for &exchange in reader.publishes_to() {
        let mut found = topology::check_exchange(connection, exchange, limit).await;
        if found.is_ok() {
            let asking = may_publish(connection, exchange);
            found = connection
                .answer(limit, asking)
                .await
                .and_then(|found| found);
        }
        checks.push((format!("exchange {}", exchange.name()), found));
    }
    checks
}

/// Publishes in a transaction that is rolled back: the broker checks the right to at once, and nobody gets the message.
async fn may_publish(connection: &Live, exchange: Exchange) -> Result<(), String> {
    let publishing = async {
        let channel: Channel = connection.create_channel().await?;
        channel.tx_select().await?;
        let message = channel.basic_publish(
            exchange.name().into(),
            "".into(),
            BasicPublishOptions::default(),
            b"",
            BasicProperties::default(),
        );
        drop(message.await?);
        channel.tx_rollback().await?;
        channel.close(200, "looked".into()).await
    };
    publishing.await.map_err(|error: lapin::Error| {
        format!(
            "the account may not publish to `{}`: {}; give it the permissions of deploy/rabbitmq/accounts.tsv",
            exchange.name(),
            describe(&error)
        )
    })
}
