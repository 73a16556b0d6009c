//! How events travel: one consumer loop over two transports.
//!
//! - [`Bus::amqp`] is `RabbitMQ`: two connections, confirms in a window, supervised reconnect.
//! - [`Bus::embedded`] is one process without a broker: an exchange is a journal, a reader a
//!   durable cursor.
//!
//! **What is promised, by both.** At least once: a message is acknowledged only after its handler
//! returned and every event that it led to is confirmed. In order: events of one thread arrive in
//! the order in which they were published, as long as nothing has to be sent again; what is sent
//! again may repeat, so readers drop repeats by id. A handler's failure holds everything up
//! ([`HandlerError::Retry`]) or parks the event and its thread ([`HandlerError::Reject`],
//! [`Parking`]).
//!
//! **What is not.** Exactly once: a repeat can always come.
//!
//! **Erasure.** What passed is kept for a while on the embedded bus, and what is parked for as long
//! as it is: [`Bus::erase`] and [`Parking::erase`] overwrite what holds certain words.
//!
//! Only this crate names the AMQP client.

mod amqp;
mod config;
mod consume;
mod cursor;
mod embedded;
mod erase;
mod error;
mod handler;
mod health;
mod life;
mod metrics;
mod outbox;
mod pack;
mod parking;
mod published;
mod publisher;
mod room;
mod seam;
#[cfg(test)]
mod simulation;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use prometheus::Registry;
use stoa_proto::Reader;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use amqp::{Probe, probe};
pub use config::{AmqpConfig, BatchLimits, EmbeddedConfig, TlsConfig};
pub use cursor::CursorFile;
pub use erase::Holds;
pub use error::{Closed, Error};
pub use handler::{EventHandler, Events, Handler, HandlerError, Incoming, Outcome};
pub use health::Status;
pub use outbox::{Outbox, OutboxHandle};
pub use parking::{Attempt, Filter, Page, Parked, Parking, ParkingConfig, Retried, Unanswered};
pub use published::{Asked, Published, ResendError, Resent};
pub use publisher::Publisher;

/// What the bus takes from its process.
#[derive(Clone)]
pub struct Env {
    /// Keeps track of the bus's tasks, so that a stop can wait for them.
    pub tasks: TaskTracker,
    /// Tells the bus to finish what is in flight and end.
    pub shutdown: CancellationToken,
    /// Where metrics are registered.
    pub registry: Registry,
    /// The time in microseconds since 1970.
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").finish_non_exhaustive()
    }
}

/// The way between the roles; clones share it.
#[derive(Clone, Debug)]
pub enum Bus {
    /// Over a broker.
    Amqp(Arc<amqp::Amqp>),
    /// Inside one process.
    Embedded(Arc<embedded::Embedded>),
}

impl Bus {
    /// Makes a bus over a broker. It returns at once and connects in the background, again and
    /// again; [`Bus::status`] says how that goes.
    pub fn amqp(config: AmqpConfig, env: Env) -> Result<Self, Error> {
        amqp::Amqp::start(config, env).map(|amqp| Self::Amqp(Arc::new(amqp)))
    }

    /// Opens the bus inside one process, in a folder that no other process may use. All roles of
    /// the process share it.
    pub fn embedded(dir: &Path, config: EmbeddedConfig, env: Env) -> Result<Self, Error> {
        embedded::Embedded::open(dir, &config, env)
            .map(|embedded| Self::Embedded(Arc::new(embedded)))
    }

    /// Returns the state, for readiness.
    pub fn status(&self) -> Status {
        match self {
            Self::Amqp(amqp) => amqp.health().status(),
            Self::Embedded(embedded) => embedded.health().status(),
        }
    }

    /// Returns what publishes to this bus.
    pub fn publisher(&self) -> Publisher {
        match self {
            Self::Amqp(amqp) => amqp.publisher().clone(),
            Self::Embedded(embedded) => embedded.publisher().clone(),
        }
    }

    /// Overwrites every message that holds what is asked about, once all readers have passed what is
    /// on the bus, and returns how many there were. It waits for readers that are slow.
    ///
    /// Over a broker this does nothing: what was acknowledged is gone from its queues, and its files
    /// are its own.
    pub async fn erase(&self, holds: Holds) -> Result<u64, Error> {
        match self {
            Self::Amqp(_) => Ok(0),
            Self::Embedded(embedded) => embedded.erase(holds).await,
        }
    }

    /// Reads the queues of a reader until shutdown: receive, handle, publish, confirm,
    /// acknowledge. It returns when what was in flight is done, and closes what is parked.
    ///
    /// One call per reader and process: two would share the reader's messages without order.
    pub async fn run(
        &self,
        reader: Reader,
        handler: impl Handler,
        limits: BatchLimits,
        parking: Parking,
    ) -> Result<(), Error> {
        match self {
            Self::Amqp(amqp) => Box::pin(amqp.run(reader, handler, limits, parking)).await,
            Self::Embedded(embedded) => {
                Box::pin(embedded.run(reader, handler, limits, parking)).await
            }
        }
    }
}
