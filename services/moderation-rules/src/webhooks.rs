//! Webhooks: events are posted to endpoints of the configuration, signed, until they are taken.
//!
//! What is sent is read out of the role's journal, in its order, where all that is published
//! stands, so it is the same on RabbitMQ and on the embedded bus, and the engine never waits for
//! it. Each endpoint has a task ([`worker`]) and a place of its own ([`state`]), which are durable
//! in a journal beside the role's ([`store`], [`entry`]). Requests are signed as Standard Webhooks
//! are ([`sign`]), and go only to addresses that were looked at ([`guard`]).
//!
//! **Invariant:** an event is done with only once that is durable: a crash leads to repeats, which
//! have the same id, and leaves nothing out.
//!
//! **Invariant:** no words of comments, no secret and no address is in an entry or in a log.

pub(crate) mod entry;
pub(crate) mod guard;
mod replay;
pub(crate) mod send;
pub(crate) mod sign;
mod source;
pub(crate) mod state;
pub(crate) mod store;
mod worker;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use serde_json::json;
use stoa_daemon::{Clock, Context};
use stoa_journal::Journal;
use stoa_proto::Time;
use tokio::sync::{Notify, Semaphore};

use self::entry::{Class, Entry, Then, Tried, Why};
pub(crate) use self::replay::{Replay, ReplayError, Replayed};
use self::send::Sender;
use self::source::Filter;
use self::state::{Answer, SECOND, Standing};
use self::store::{Store, Writer};
use self::worker::Worker;
use crate::config::{Config, WebhookConfig};
use crate::engine::{Handle, Stopped};
use crate::metrics::{Metrics, WebhookMetrics};
use crate::record::{WebhookAct, Webhooked};
use crate::view::{Index, WEBHOOKS};

/// Whom entries name where nobody asked.
const STOA: &str = "stoa";
/// The type of what is sent to try an endpoint.
const PING: &str = "webhook.ping";

/// The endpoints; clones share them.
#[derive(Clone)]
pub(crate) struct Webhooks(Arc<Inner>);

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhooks").finish_non_exhaustive()
    }
}

struct Inner {
    endpoints: Vec<Arc<Endpoint>>,
    store: Store,
    journal: Journal,
    index: Arc<Index>,
    engine: Handle,
    clock: Clock,
    /// Taken when they begin to work.
    writer: Mutex<Option<Writer>>,
}

/// One endpoint.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) config: WebhookConfig,
    filter: Filter,
    sender: Sender,
    metrics: WebhookMetrics,
    /// Told when an operator did something.
    wake: Notify,
    /// Held by a test.
    testing: Semaphore,
    /// How far the journal was read, how many events of it are in memory, and since when the first
    /// of them waits.
    read: AtomicU64,
    held: AtomicU64,
    held_since: AtomicI64,
}

/// What can't be done with an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ActError {
    #[error("there is no such endpoint")]
    Unknown,
    #[error("the journal can't be written")]
    Stopped,
    #[error("another test of it is on its way")]
    Busy,
}

impl From<Stopped> for ActError {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<store::Stopped> for ActError {
    fn from(_: store::Stopped) -> Self {
        Self::Stopped
    }
}

/// What waits for an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Backlog {
    /// Events that were tried, and wait for another attempt.
    pub(crate) retrying: u64,
    /// Events that wait for their first one.
    pub(crate) ready: u64,
    /// Records of the role's journal that were not read yet; some of them have nothing for it.
    pub(crate) unread: u64,
    /// Since when the oldest of all these waits.
    pub(crate) oldest: Option<i64>,
}

impl Webhooks {
    /// Opens what is known of endpoints; none if none is configured. Blocks: call it off the
    /// runtime.
    pub(crate) fn open(
        config: &Config,
        (journal, index, engine): (&Journal, &Arc<Index>, &Handle),
        metrics: &Metrics,
        clock: &Clock,
        lookup: &guard::Lookup,
    ) -> anyhow::Result<Option<Self>> {
        if config.webhooks.is_empty() {
            return Ok(None);
        }
        let endpoints = config.webhooks.iter().enumerate().map(|(index, config)| {
            Ok(Arc::new(Endpoint {
                filter: Filter::new(config),
                sender: Sender::new(config, index, Arc::clone(lookup))?,
                metrics: metrics.webhooks.of(&config.name),
                wake: Notify::new(),
                testing: Semaphore::new(1),
                read: AtomicU64::new(u64::MAX),
                held: AtomicU64::default(),
                held_since: AtomicI64::default(),
                config: config.clone(),
            }))
        });
        let endpoints = endpoints.collect::<anyhow::Result<Vec<_>>>()?;
        let dir = config.data_dir.join("webhooks");
        let (store, writer) = Store::open(&dir, config.journal.reserve.get(), &clock.micros_fn())?;
        Ok(Some(Self(Arc::new(Inner {
            endpoints,
            store,
            journal: journal.clone(),
            index: Arc::clone(index),
            engine: engine.clone(),
            clock: clock.clone(),
            writer: Mutex::new(Some(writer)),
        }))))
    }

    /// Begins to send; a second time it changes nothing.
    pub(crate) fn start(&self, context: &Context) {
        let writer = self.0.writer.lock();
        let writer = writer.unwrap_or_else(PoisonError::into_inner).take();
        let Some(writer) = writer else {
            return;
        };
        context.supervise("webhooks", writer.run(context.clone()));
        for endpoint in &self.0.endpoints {
            let worker = Worker::new(&self.0, endpoint, context);
            context.supervise("webhook", worker.run());
        }
        let (own, shutdown) = (Arc::clone(&self.0), context.shutdown.clone());
        context.tasks.spawn(async move {
            tokio::select! {
                () = own.forget() => {}
                () = shutdown.cancelled() => {}
            }
        });
    }

    /// Returns the endpoints, in the order of the configuration.
    pub(crate) fn endpoints(&self) -> &[Arc<Endpoint>] {
        &self.0.endpoints
    }

    /// Finds an endpoint.
    pub(crate) fn find(&self, name: &str) -> Result<&Arc<Endpoint>, ActError> {
        let mut all = self.0.endpoints.iter();
        all.find(|endpoint| endpoint.config.name == name)
            .ok_or(ActError::Unknown)
    }

    /// Returns where an endpoint stands; the default before it began.
    pub(crate) fn standing(&self, endpoint: &Endpoint) -> Standing {
        let known = self.0.store.with(&endpoint.config.name, Clone::clone);
        known.unwrap_or_default()
    }

    /// Returns what waits for an endpoint. Blocks on the disk.
    pub(crate) fn backlog(&self, endpoint: &Endpoint) -> anyhow::Result<Backlog> {
        self.0.backlog(endpoint)
    }

    /// Returns the log of deliveries.
    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    /// Enables an endpoint, and tells whether it was disabled.
    pub(crate) async fn enable(&self, name: &str, by: &str) -> Result<bool, ActError> {
        let endpoint = self.find(name)?;
        let was = self.standing(endpoint).disabled.is_some();
        let at = self.0.clock.micros();
        self.0.audit(name, WebhookAct::Enabled, by).await?;
        let entry = Entry::Enabled {
            endpoint: name.to_owned(),
            at,
        };
        self.0.store.write(vec![entry]).await?;
        tracing::info!(endpoint = name, by, "the webhook was enabled");
        endpoint.wake.notify_one();
        Ok(was)
    }

    /// Disables an endpoint, and tells whether it was enabled.
    pub(crate) async fn disable(&self, name: &str, by: &str) -> Result<bool, ActError> {
        let endpoint = self.find(name)?;
        if self.standing(endpoint).disabled.is_some() {
            return Ok(false);
        }
        self.0.audit(name, WebhookAct::Disabled, by).await?;
        let entry = Entry::Disabled {
            endpoint: name.to_owned(),
            why: Why::Operator,
            by: by.to_owned(),
            at: self.0.clock.micros(),
        };
        self.0.store.write(vec![entry]).await?;
        tracing::info!(endpoint = name, by, "the webhook was disabled");
        endpoint.wake.notify_one();
        Ok(true)
    }

    /// Sends something to try an endpoint, and returns its id and what came of it. It changes
    /// nothing about what is sent otherwise.
    pub(crate) async fn test(&self, name: &str, by: &str) -> Result<(String, Answer), ActError> {
        let endpoint = self.find(name)?;
        let _turn = endpoint.testing.try_acquire().map_err(|_| ActError::Busy)?;
        self.0.audit(name, WebhookAct::Tested, by).await?;
        let at = self.0.clock.micros();
        let id = stoa_proto::ids::derive("ping-", &[name, by, &at.to_string()]);
        let body = json!({
            "specversion": "1.0",
            "id": id,
            "source": "stoa",
            "type": format!("stoa.{PING}.v1"),
            "time": Time::from_micros(at),
            "datacontenttype": "application/json",
            "data": {"endpoint": name},
        });
        let body = Bytes::from(body.to_string());
        let answer = endpoint.sender.send(&id, body, at / SECOND).await;
        endpoint.metrics.tried(answer.class);
        let tried = Tried {
            endpoint: name.to_owned(),
            place: None,
            next: 0,
            event: id.clone(),
            kind: PING.to_owned(),
            site: String::new(),
            lane: 0,
            since: at,
            attempt: 1,
            class: answer.class,
            status: answer.status,
            millis: answer.millis,
            at: self.0.clock.micros(),
            then: Then::Done,
            pause: None,
        };
        self.0
            .store
            .write(vec![Entry::Tried(Box::new(tried))])
            .await?;
        Ok((id, answer))
    }

    /// Has events sent again.
    pub(crate) async fn replay(
        &self,
        name: &str,
        replay: Replay,
        by: &str,
        context: &Context,
    ) -> Result<Replayed, ReplayError> {
        let endpoint = Arc::clone(self.find(name)?);
        let own = Arc::clone(&self.0);
        let finding = Arc::clone(&endpoint);
        let find = move || own.find_again(&finding, &replay);
        let found = context.tasks.spawn_blocking(find).await;
        let (events, replayed) = found.map_err(|_| ActError::Stopped)??;
        if events.is_empty() {
            return Ok(replayed);
        }
        let act = WebhookAct::Replayed {
            events: replayed.events,
        };
        self.0.audit(name, act, by).await.map_err(ActError::from)?;
        let entry = Entry::Replayed {
            endpoint: name.to_owned(),
            events,
            at: self.0.clock.micros(),
        };
        let written = self.0.store.write(vec![entry]).await;
        written.map_err(ActError::from)?;
        tracing::info!(
            endpoint = name,
            by,
            events = replayed.events,
            "events are sent again"
        );
        endpoint.wake.notify_one();
        Ok(replayed)
    }

    /// Says what operators did with an endpoint, newest first.
    pub(crate) fn acts(&self, name: &str, limit: usize) -> anyhow::Result<Vec<Webhooked>> {
        let mut acts = Vec::new();
        for row in self.0.index.view.scan(&WEBHOOKS, (name,)).rev().take(limit) {
            let ((_, seq), _) = row?;
            let record = self.0.journal.read_seq(seq)?;
            let stored = record.map(|record| crate::record::Stored::read(&record));
            if let Some(stored) = stored.transpose()?.flatten()
                && let crate::record::Change::Webhook(act) = stored.change
            {
                acts.push(act);
            }
        }
        Ok(acts)
    }
}

impl Inner {
    /// Writes down what was done with an endpoint, in the role's journal.
    async fn audit(&self, endpoint: &str, act: WebhookAct, by: &str) -> Result<(), Stopped> {
        let webhooked = Webhooked {
            endpoint: endpoint.to_owned(),
            act,
            by: by.to_owned(),
            at: self.clock.micros(),
        };
        self.engine.webhook(webhooked).await
    }

    /// Whether the role's journal says that an endpoint had begun.
    fn had_begun(&self, endpoint: &str) -> anyhow::Result<bool> {
        let last = self.index.view.scan(&WEBHOOKS, (endpoint,)).next_back();
        Ok(last.transpose()?.is_some_and(|(_, is_known)| is_known))
    }

    /// Forgets the endpoints that are not in the configuration any more.
    async fn forget(&self) {
        for name in self.store.endpoints() {
            let mut endpoints = self.endpoints.iter();
            if endpoints.any(|endpoint| endpoint.config.name == name) {
                continue;
            }
            tracing::warn!(
                endpoint = name,
                "the webhook is not in the configuration any more, and what waited for it is forgotten"
            );
            let entry = Entry::Forgotten {
                endpoint: name.clone(),
            };
            // The role's journal first: that an endpoint is lost is believed of what it knows.
            if self
                .audit(&name, WebhookAct::Forgotten, STOA)
                .await
                .is_err()
                || self.store.write(vec![entry]).await.is_err()
            {
                return;
            }
        }
    }

    fn backlog(&self, endpoint: &Endpoint) -> anyhow::Result<Backlog> {
        let held = endpoint.held.load(Ordering::Relaxed);
        let name = &endpoint.config.name;
        let known = self.store.with(name, |standing| {
            let rows = standing.rows.values();
            let oldest = rows.map(|row| row.since).min();
            (standing.rows.len() as u64, oldest, standing.next)
        });
        let Some((rows, oldest, next)) = known else {
            return Ok(Backlog::default());
        };
        let read = match endpoint.read.load(Ordering::Relaxed) {
            u64::MAX => next,
            read => read,
        };
        let unread = self.journal.next().saturating_sub(read);
        let mut waits = vec![oldest];
        if held > 0 {
            waits.push(Some(endpoint.held_since.load(Ordering::Relaxed)));
        } else if unread > 0 {
            let record = self.journal.read_seq(read)?;
            waits.push(record.map(|record| record.time_us));
        }
        Ok(Backlog {
            retrying: rows,
            ready: held,
            unread,
            oldest: waits.into_iter().flatten().min(),
        })
    }
}

impl Class {
    /// Whether nothing is wrong.
    pub(crate) fn is_fine(self) -> bool {
        matches!(self, Self::Ok | Self::Erased)
    }
}
