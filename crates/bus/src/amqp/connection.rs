//! One connection, kept up.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties, Event};
use tokio::sync::watch;
use tokio::time::Instant;

use super::live::{LOOK_EVERY, Live};
use super::{Connected, Shared, jitter, topology};
use crate::config::without_password;
use crate::health::Link;
use crate::{AmqpConfig, Error};

/// Longer than this a broker may not take to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// A connection that lived this long counts as one that worked.
const WORKED: Duration = Duration::from_secs(10);

/// Starts the task that keeps a connection up until `done`, and then closes it.
pub(super) fn supervise(
    shared: &Shared,
    link: Link,
    done: impl Future<Output = ()> + Send + 'static,
) -> Connected {
    let (sender, receiver) = watch::channel(None);
    shared.health.down(link, Some("connecting".to_owned()));
    shared
        .metrics
        .connection_up
        .with_label_values(&[link.name()])
        .set(0);
    shared
        .metrics
        .connection_blocked
        .with_label_values(&[link.name()])
        .set(0);
    let task = Supervisor {
        shared: shared.clone(),
        link,
        sender,
    };
    shared.env.tasks.spawn(async move {
        let mut done = pin!(done);
        let mut attempt = 0;
        loop {
            let started = Instant::now();
            tokio::select! {
                lost = task.connect_once() => task.lost(&lost, attempt),
                () = &mut done => break,
            }
            attempt = if started.elapsed() > WORKED {
                0
            } else {
                attempt + 1
            };
            tokio::select! {
                () = tokio::time::sleep(jitter(attempt)) => {}
                () = &mut done => break,
            }
        }
        task.close().await;
    });
    receiver
}

/// Reads the broker's address, with the password of its file.
pub(super) fn address(config: &AmqpConfig) -> Result<AMQPUri, Error> {
    let mut uri: AMQPUri = config.url.parse().map_err(|reason| Error::Url { reason })?;
    if let Some(path) = &config.password_file {
        let password = std::fs::read_to_string(path).map_err(|source| Error::File {
            action: "read the password in",
            path: path.clone(),
            source,
        })?;
        password
            .trim_end_matches(['\r', '\n'])
            .clone_into(&mut uri.authority.userinfo.password);
    }
    uri.query.heartbeat.get_or_insert(config.heartbeat);
    uri.query.connection_timeout.get_or_insert(10_000);
    Ok(uri)
}

struct Supervisor {
    shared: Shared,
    link: Link,
    sender: watch::Sender<Option<Arc<Live>>>,
}

impl Supervisor {
    /// Connects, and returns why it failed or why the connection was lost.
    async fn connect_once(&self) -> Lost {
        let config = &self.shared.config;
        let uri = match address(config) {
            Ok(uri) => uri,
            Err(error) => return Lost::new("address", describe(&error)),
        };
        let name = format!("stoa/{}/{}", config.role, self.link.name());
        let properties = ConnectionProperties::default()
            .with_connection_name(name.as_str().into())
            .with_client_property("product".into(), "stoa".into())
            .with_client_property("version".into(), env!("CARGO_PKG_VERSION").into());
        let connecting = Connection::connect_uri(uri, properties);
        let connection = match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(connection)) => Arc::new(Live::new(connection)),
            Ok(Err(error)) => return Lost::new("refused", describe(&error)),
            Err(_) => return Lost::new("timeout", "no answer".to_owned()),
        };
        let mut events = Box::pin(connection.events_listener());
        if config.provision
            && let Err(error) = topology::provision(&connection, config.confirm_timeout).await
        {
            connection.goodbye("topology refused").await;
            return Lost::new("topology", error);
        }
        self.up();
        self.sender.send_replace(Some(Arc::clone(&connection)));
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                reason = connection.gone() => return Lost::new("lost", reason),
                () = tokio::time::sleep(LOOK_EVERY) => {
                    self.blocked(connection.status().blocked().then(String::new));
                    continue;
                }
            };
            match event {
                Some(Event::ConnectionBlocked(reason)) => self.blocked(Some(reason)),
                Some(Event::ConnectionUnblocked) => self.blocked(None),
                Some(Event::Error(error)) if !connection.status().connected() => {
                    return Lost::new("lost", describe(&error));
                }
                Some(_) => {}
                None => return Lost::new("lost", "the connection ended".to_owned()),
            }
        }
    }

    fn up(&self) {
        let broker = without_password(&self.shared.config.url);
        tracing::info!(
            connection = self.link.name(),
            broker,
            "connected to the broker"
        );
        self.shared.health.down(self.link, None);
        self.shared
            .metrics
            .connection_up
            .with_label_values(&[self.link.name()])
            .set(1);
    }

    fn lost(&self, lost: &Lost, attempt: u32) {
        self.sender.send_replace(None);
        self.blocked(None);
        let broker = without_password(&self.shared.config.url);
        let (connection, reason) = (self.link.name(), lost.detail.as_str());
        if attempt == 0 {
            tracing::warn!(
                connection,
                broker,
                reason,
                "no connection to the broker; trying again"
            );
        } else {
            tracing::debug!(
                connection,
                broker,
                reason,
                attempt,
                "still no connection to the broker"
            );
        }
        self.shared
            .health
            .down(self.link, Some(format!("{broker}: {reason}")));
        let metrics = &self.shared.metrics;
        metrics
            .connection_up
            .with_label_values(&[connection])
            .set(0);
        metrics
            .reconnects
            .with_label_values(&[connection, lost.label])
            .inc();
    }

    fn blocked(&self, reason: Option<String>) {
        let is = self.shared.health.is_blocked(self.link);
        match &reason {
            Some(reason) if !is => {
                tracing::warn!(
                    connection = self.link.name(),
                    reason,
                    "blocked by the broker"
                );
            }
            None if is => {
                tracing::info!(
                    connection = self.link.name(),
                    "no longer blocked by the broker"
                );
            }
            Some(reason) if reason.is_empty() => return,
            None => return,
            Some(_) => {}
        }
        let gauge = self
            .shared
            .metrics
            .connection_blocked
            .with_label_values(&[self.link.name()]);
        gauge.set(i64::from(reason.is_some()));
        self.shared.health.blocked(self.link, reason);
    }

    async fn close(&self) {
        let connection = self.sender.send_replace(None);
        self.shared
            .health
            .down(self.link, Some("closed".to_owned()));
        self.shared
            .metrics
            .connection_up
            .with_label_values(&[self.link.name()])
            .set(0);
        if let Some(connection) = connection {
            connection.goodbye("goodbye").await;
        }
    }
}

/// Why there is no connection.
struct Lost {
    /// From a closed set, for the metric.
    label: &'static str,
    detail: String,
}

impl Lost {
    fn new(label: &'static str, detail: String) -> Self {
        Self { label, detail }
    }
}

/// Writes an error with its sources. Errors of the client don't hold the address.
pub(super) fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}
