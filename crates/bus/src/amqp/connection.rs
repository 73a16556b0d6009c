//! One connection, kept up.

use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::tcp::RustlsConnector;
use lapin::uri::{AMQPAuthority, AMQPUri};
use lapin::{AsyncTcpStream, Connection, ConnectionProperties, ErrorKind, Event};
use tokio::sync::watch;
use tokio::time::Instant;

use super::address::address;
use super::live::{LOOK_EVERY, Live};
use super::{Connected, Shared, jitter, tls, topology};
use crate::AmqpConfig;
use crate::config::without_password;
use crate::health::Link;

/// Longer than this a broker may not take to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Longer than this one of its addresses may not take, so that there is time for another.
const DIAL_TIMEOUT: Duration = Duration::from_secs(5);
/// The broker's code for a wrong account or password.
const ACCESS_REFUSED: u16 = 403;
/// The broker's code for a virtual host that is not there, or not for this account.
const NOT_ALLOWED: u16 = 530;
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
        // Roles spread over the nodes.
        let mut turn = rand::random_range(0..=task.shared.config.nodes.len());
        let mut said = BTreeSet::new();
        loop {
            let started = Instant::now();
            tokio::select! {
                lost = task.connect_once(turn) => {
                    if started.elapsed() > WORKED {
                        said.clear();
                    }
                    task.lost(&lost, said.insert(lost.detail.clone()));
                }
                () = &mut done => break,
            }
            turn = turn.wrapping_add(1);
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

struct Supervisor {
    shared: Shared,
    link: Link,
    sender: watch::Sender<Option<Arc<Live>>>,
}

impl Supervisor {
    /// Connects to the node whose turn it is, and returns why it failed or why the connection was
    /// lost.
    async fn connect_once(&self, turn: usize) -> Lost {
        let config = &self.shared.config;
        let (connection, broker) = match open(config, turn, self.link.name()).await {
            Ok(opened) => opened,
            Err(lost) => return lost,
        };
        let lost = |label, reason: String| Lost::new(label, format!("{broker}: {reason}"));
        let mut events = Box::pin(connection.events_listener());
        if config.provision
            && let Err(error) = topology::provision(&connection, config.confirm_timeout).await
        {
            connection.goodbye("topology refused").await;
            return lost("topology", error);
        }
        self.up(&broker);
        self.sender.send_replace(Some(Arc::clone(&connection)));
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                reason = connection.gone() => return lost("lost", reason),
                () = tokio::time::sleep(LOOK_EVERY) => {
                    self.blocked(connection.status().blocked().then(String::new));
                    continue;
                }
            };
            match event {
                Some(Event::ConnectionBlocked(reason)) => self.blocked(Some(reason)),
                Some(Event::ConnectionUnblocked) => self.blocked(None),
                Some(Event::Error(error)) if !connection.status().connected() => {
                    return lost("lost", describe(&error));
                }
                Some(_) => {}
                None => return lost("lost", "the connection ended".to_owned()),
            }
        }
    }

    fn up(&self, broker: &str) {
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

    fn lost(&self, lost: &Lost, is_news: bool) {
        self.sender.send_replace(None);
        self.blocked(None);
        let (connection, reason) = (self.link.name(), lost.detail.as_str());
        if is_news {
            tracing::warn!(
                connection,
                reason,
                "no connection to the broker; trying again"
            );
        } else {
            tracing::debug!(connection, reason, "still no connection to the broker");
        }
        self.shared.health.down(self.link, Some(reason.to_owned()));
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

/// Connects once to the node whose turn it is; `purpose` is shown by the broker. The address comes without a password.
pub(super) async fn open(
    config: &AmqpConfig,
    turn: usize,
    purpose: &str,
) -> Result<(Arc<Live>, String), Lost> {
    let read = address(config, turn).and_then(|uri| Ok((uri, tls::connector(config)?)));
    let (uri, connector) = read.map_err(|error| {
        let broker = without_password(&config.url);
        Lost::new("address", format!("{broker}: {}", describe(&error)))
    })?;
    let broker = without_password(&uri.to_string());
    let host = uri.authority.host.clone();
    let lost = |label, reason: String| Lost::new(label, format!("{broker}: {reason}"));
    let name = format!("stoa/{}/{purpose}", config.role);
    let properties = ConnectionProperties::default()
        .with_connection_name(name.as_str().into())
        .with_client_property("product".into(), "stoa".into())
        .with_client_property("version".into(), env!("CARGO_PKG_VERSION").into());
    let encrypted = connector.is_some();
    let connecting = connect(uri, connector, properties);
    match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(Ok(connection)) => Ok((Arc::new(Live::new(connection)), broker)),
        Ok(Err(error)) => {
            let (label, reason) = refusal(&error, encrypted.then_some(&*host));
            Err(lost(label, reason))
        }
        Err(_) => Err(lost("timeout", "no answer".to_owned())),
    }
}

/// Why there is no connection.
pub(super) struct Lost {
    /// From a closed set, for the metric.
    label: &'static str,
    /// The broker's address and what is wrong.
    pub(super) detail: String,
}

impl Lost {
    fn new(label: &'static str, detail: String) -> Self {
        Self { label, detail }
    }
}

/// Connects to whatever address of the host answers; the name is looked up each time.
async fn connect(
    uri: AMQPUri,
    connector: Option<RustlsConnector>,
    properties: ConnectionProperties,
) -> lapin::Result<Connection> {
    let dial = async move |uri: AMQPUri, runtime| {
        let AMQPAuthority { host, port, .. } = uri.authority;
        let mut failed = io::Error::other("its name has no address");
        for address in tokio::net::lookup_host((host.as_str(), port)).await? {
            let dialling = AsyncTcpStream::connect(&runtime, address);
            match tokio::time::timeout(DIAL_TIMEOUT, dialling).await {
                Ok(Ok(stream)) => {
                    return Ok(match &connector {
                        Some(connector) => stream.into_rustls(connector, &host).await?,
                        None => stream,
                    });
                }
                Ok(Err(error)) => failed = error,
                Err(_) => failed = io::Error::other(format!("{address} does not answer")),
            }
        }
        Err(failed.into())
    };
    Connection::connector(uri, lapin::runtime::default_runtime()?, dial, properties).await
}

/// Says why the broker could not be connected to, and what to do about it; with TLS, the host's
/// name matters.
fn refusal(error: &lapin::Error, tls_host: Option<&str>) -> (&'static str, String) {
    let text = describe(error);
    if let Some(reason) = tls_host.and_then(|host| tls::explain(error, &text, host)) {
        return ("tls", reason);
    }
    let remedy = match error.kind() {
        ErrorKind::ProtocolError(error) => match error.get_id() {
            ACCESS_REFUSED => "correct the account in `bus.url`, or its password",
            NOT_ALLOWED => {
                "correct the virtual host at the end of `bus.url`, or give the account \
                 permissions there"
            }
            _ => return ("refused", text),
        },
        _ => return ("refused", text),
    };
    ("refused", format!("{text}; {remedy}"))
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
