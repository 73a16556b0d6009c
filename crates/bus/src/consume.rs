//! The one consumer loop: receive, handle, publish, confirm, acknowledge.
//!
//! **Invariants.** A message is settled only after the events that it led to are confirmed, and
//! messages are settled in the order in which they were received. The next batch is handled while
//! the confirms of earlier ones are awaited; a failed message stops that until it is through.
//! An event that is refused, and what comes later in its thread, is durable among what is parked
//! before its message is settled; between two batches the loop tries that again ([`retry`]).

mod admit;
mod batch;
mod retry;

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use fail::fail_point;
use stoa_proto::Reader;
use tokio_util::sync::CancellationToken;

use self::retry::Retries;
use crate::handler::{Handler, Incoming};
use crate::health::Health;
use crate::metrics::{Metrics, gauge_value};
use crate::parking::Parking;
use crate::publisher::{AllConfirmed, Lease, Publisher};
use crate::{BatchLimits, Error};

/// Batches whose confirms are awaited while the next one is handled.
pub(crate) const DEPTH: usize = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Attempts after which the bus counts as stalled.
const PATIENCE: u32 = 5;

/// A received message and what its transport needs to settle it.
#[derive(Debug)]
pub(crate) struct Delivery<T> {
    pub(crate) incoming: Incoming,
    pub(crate) token: T,
    /// Whether it was in flight when a consumer crashed more than once: then it is handled alone,
    /// so that the crash is told from its neighbours.
    pub(crate) suspect: bool,
}

/// A transport's receiving half.
pub(crate) trait Source: Send {
    /// What identifies a message.
    type Token: Send;

    /// Waits for messages; `None` at shutdown. No message is lost if the future is dropped.
    fn receive(
        &mut self,
        limits: BatchLimits,
    ) -> impl Future<Output = Result<Option<Vec<Delivery<Self::Token>>>, Error>> + Send;

    /// Whether the transport will hand out the message anew, so that it need not be handled.
    fn is_stale(&self, token: &Self::Token) -> bool;

    /// Returns a number for what hands a message out: its messages become stale together.
    fn channel(&self, _: &Self::Token) -> u64 {
        0
    }

    /// Returns until when the messages of its channel are this process's to answer.
    fn lease(&self, _: &Self::Token) -> Lease {
        Lease::default()
    }

    /// Settles messages that are done with, in their order.
    fn settle(
        &mut self,
        settled: Vec<Delivery<Self::Token>>,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Ends; what was received and not settled is given back.
    fn close(self) -> impl Future<Output = Result<(), Error>> + Send;
}

/// What the loop needs besides source and handler.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) reader: Reader,
    pub(crate) publisher: Publisher,
    pub(crate) metrics: Metrics,
    pub(crate) health: Arc<Health>,
    pub(crate) limits: BatchLimits,
    pub(crate) parking: Parking,
    pub(crate) shutdown: CancellationToken,
}

/// Messages whose events are published and not yet confirmed.
struct Unconfirmed<T> {
    confirmed: AllConfirmed,
    settled: Vec<Delivery<T>>,
}

/// Why the loop goes no further.
enum Stop {
    /// Shutdown.
    Shutdown,
    /// Something that no retry heals.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

struct Loop<S: Source, H> {
    source: S,
    handler: H,
    setting: Setting,
    retries: Retries,
    unconfirmed: VecDeque<Unconfirmed<S::Token>>,
}

/// Runs the loop until shutdown.
pub(crate) async fn run<S: Source, H: Handler>(
    source: S,
    handler: H,
    setting: Setting,
) -> Result<(), Error> {
    let mut this = Loop {
        source,
        handler,
        retries: Retries::new(&setting)?,
        setting,
        unconfirmed: VecDeque::new(),
    };
    let stop = this.work().await;
    this.setting.metrics.inflight.set(0);
    let closed = this.source.close().await;
    this.setting.parking.close().await;
    match stop {
        Stop::Shutdown => closed,
        Stop::Failed(error) => Err(error),
    }
}

/// What the loop does next.
enum Step<T> {
    /// The oldest unconfirmed batch is confirmed, or never will be.
    Confirmed(Result<(), crate::Closed>),
    /// Messages came, or shutdown.
    Received(Result<Option<Vec<Delivery<T>>>, Error>),
    /// Something is asked about what is parked, or some of it is due.
    Parked,
}

impl<S: Source, H: Handler> Loop<S, H> {
    async fn work(&mut self) -> Stop {
        loop {
            if let Err(stop) = self.attend().await {
                return stop;
            }
            let has_room = self.unconfirmed.len() < DEPTH;
            let confirmed = async {
                match self.unconfirmed.front_mut() {
                    Some(front) => (&mut front.confirmed).await,
                    None => std::future::pending().await,
                }
            };
            let step = tokio::select! {
                biased;
                confirmed = confirmed => Step::Confirmed(confirmed),
                received = self.source.receive(self.setting.limits), if has_room => {
                    Step::Received(received)
                }
                () = self.retries.wanted() => Step::Parked,
            };
            let done = match step {
                Step::Confirmed(Ok(())) => self.settle_front().await,
                Step::Confirmed(Err(crate::Closed)) => Err(self.closed()),
                Step::Received(Ok(Some(deliveries))) => {
                    fail_point!("bus_before_handle");
                    let count = gauge_value(deliveries.len());
                    self.setting.metrics.inflight.add(count);
                    Box::pin(self.batch(deliveries)).await
                }
                Step::Received(Ok(None)) => match self.settle_all().await {
                    Ok(()) => Err(Stop::Shutdown),
                    failed => failed,
                },
                Step::Received(Err(error)) => Err(error.into()),
                Step::Parked => Ok(()),
            };
            if let Err(stop) = done {
                return stop;
            }
        }
    }

    /// Publishes what messages led to, by the channels that these came from; they are settled once
    /// that is confirmed.
    ///
    /// What came over one channel is given up together: of a thread nothing goes out once something
    /// before it was given up.
    fn submit(
        &mut self,
        mut published: BTreeMap<u64, Vec<stoa_proto::Outgoing>>,
        settled: Vec<Delivery<S::Token>>,
    ) {
        if !settled.is_empty() {
            fail_point!("bus_before_submit");
            let mut confirmed = Vec::new();
            for delivery in &settled {
                let channel = self.source.channel(&delivery.token);
                if let Some(outgoing) = published.remove(&channel) {
                    let lease = self.source.lease(&delivery.token);
                    confirmed.push(self.setting.publisher.submit_while(outgoing, lease));
                }
            }
            let confirmed = AllConfirmed(confirmed);
            self.unconfirmed
                .push_back(Unconfirmed { confirmed, settled });
        }
    }

    /// Waits until everything that is unconfirmed is confirmed, and settles it.
    async fn settle_all(&mut self) -> Result<(), Stop> {
        while let Some(front) = self.unconfirmed.front_mut() {
            if (&mut front.confirmed).await.is_err() {
                return Err(self.closed());
            }
            self.settle_front().await?;
        }
        Ok(())
    }

    async fn settle_front(&mut self) -> Result<(), Stop> {
        let Some(front) = self.unconfirmed.pop_front() else {
            return Ok(());
        };
        fail_point!("bus_before_settle");
        self.setting
            .metrics
            .inflight
            .sub(gauge_value(front.settled.len()));
        self.source.settle(front.settled).await?;
        fail_point!("bus_after_settle");
        Ok(())
    }

    /// The publisher confirms nothing any more.
    fn closed(&self) -> Stop {
        if self.setting.shutdown.is_cancelled() {
            Stop::Shutdown
        } else {
            Error::Task.into()
        }
    }
}
