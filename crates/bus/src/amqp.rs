//! The transport over `RabbitMQ`.
//!
//! Two connections per process: the broker stops reading from one that publishes when it runs out
//! of memory or disk, and acknowledgements must not wait behind that. Each has its own supervisor
//! that connects again with full jitter; the client's own recovery is not used, since it hides
//! which messages are unknown.
//!
//! The topology comes from `stoa_proto::topology`. In production the definitions file made it, and
//! only its existence is checked; `provision` declares it, without the policies, which AMQP can't
//! declare: no delivery limit, no dead-lettering, no length limit.

mod address;
mod connection;
mod consume;
mod live;
mod probe;
pub(crate) mod publish;
mod tls;
mod topology;

use std::sync::Arc;
use std::time::Duration;

use stoa_proto::Reader;
use tokio::sync::watch;

pub(crate) use self::address::account;
use self::live::Live;
pub use self::probe::{Probe, probe};
use crate::consume as consume_loop;
use crate::consume::Setting;
use crate::handler::Handler;
use crate::health::{Health, Link};
use crate::life::Life;
use crate::metrics::Metrics;
use crate::parking::Parking;
use crate::publisher::Publisher;
use crate::{AmqpConfig, BatchLimits, Env, Error};

/// Whether there is a connection, and which.
type Connected = watch::Receiver<Option<Arc<Live>>>;

/// What all tasks of the transport share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) config: Arc<AmqpConfig>,
    pub(crate) env: Env,
    pub(crate) metrics: Metrics,
    pub(crate) health: Arc<Health>,
    pub(crate) life: Life,
}

/// The bus over a broker.
#[derive(Debug)]
pub struct Amqp {
    shared: Shared,
    publisher: Publisher,
    consume: Connected,
}

impl Amqp {
    /// Starts the tasks that connect and publish.
    pub(crate) fn start(config: AmqpConfig, env: Env) -> Result<Self, Error> {
        config.validate()?;
        // All is read again at each connect; here only to refuse what is wrong early.
        for turn in 0..=config.nodes.len() {
            address::address(&config, turn)?;
        }
        tls::connector(&config)?;
        let metrics = Metrics::new(&env)?;
        metrics.fill_labels();
        let shared = Shared {
            life: Life::new(env.shutdown.clone()),
            config: Arc::new(config),
            metrics: metrics.clone(),
            health: Arc::new(Health::default()),
            env,
        };
        let (publisher, submissions) = Publisher::new(metrics);
        let done = tokio_util::sync::CancellationToken::new();
        let publish = connection::supervise(&shared, Link::Publish, {
            let done = done.clone();
            async move { done.cancelled().await }
        });
        let life = shared.life.clone();
        let consume = connection::supervise(&shared, Link::Consume, async move {
            life.consumers_ended().await;
        });
        let task = publish::PublishTask::new(shared.clone(), publish);
        shared.env.tasks.spawn(async move {
            task.run(submissions).await;
            done.cancel();
        });
        Ok(Self {
            shared,
            publisher,
            consume,
        })
    }

    pub(crate) fn health(&self) -> &Health {
        &self.shared.health
    }

    pub(crate) fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    /// Runs the consumer loop of a reader.
    pub(crate) async fn run(
        &self,
        reader: Reader,
        handler: impl Handler,
        limits: BatchLimits,
        parking: Parking,
    ) -> Result<(), Error> {
        let _running = self.shared.life.consumer();
        let source = consume::AmqpSource::subscribe(&self.shared, reader, &self.consume);
        let setting = Setting {
            reader,
            publisher: self.publisher.clone(),
            metrics: self.shared.metrics.clone(),
            health: Arc::clone(&self.shared.health),
            limits,
            parking,
            shutdown: self.shared.env.shutdown.clone(),
        };
        consume_loop::run(source, handler, setting).await
    }
}

/// Returns a random pause below a bound that doubles with each attempt: 0.2 s to 4 s.
///
/// A broker that is back is found within seconds, and a role, which has two connections, makes
/// one attempt a second on average while it is away.
fn jitter(attempt: u32) -> Duration {
    let most = 400_u64.saturating_mul(1 << attempt.min(10)).min(4_000);
    crate::seam::pause(most)
}
