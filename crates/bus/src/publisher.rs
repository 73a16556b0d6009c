//! The sending half: what is handed over is confirmed in order, or not at all.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use stoa_proto::Outgoing;
use tokio::sync::{mpsc, oneshot};

use crate::Closed;
use crate::metrics::Metrics;

/// Until when events are still to be published.
///
/// What messages led to is not, once all of them were handed to another instance: this one may have
/// stood still for long, and would write late what the other one has gone beyond.
#[derive(Clone, Default)]
pub(crate) struct Lease(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl Lease {
    /// Makes a lease that holds as long as this says so.
    pub(crate) fn while_holds(holds: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(holds)))
    }

    /// Returns whether it still holds.
    pub(crate) fn holds(&self) -> bool {
        self.0.as_ref().is_none_or(|holds| holds())
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lease").field(&self.holds()).finish()
    }
}

/// Events handed over together, and whom to tell when all of them are confirmed.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) events: Vec<Outgoing>,
    pub(crate) lease: Lease,
    pub(crate) done: oneshot::Sender<()>,
}

/// Publishes events; clones publish over the same connection.
#[derive(Clone, Debug)]
pub struct Publisher {
    submissions: mpsc::UnboundedSender<Submission>,
    metrics: Metrics,
}

impl Publisher {
    pub(crate) fn new(metrics: Metrics) -> (Self, mpsc::UnboundedReceiver<Submission>) {
        // Unbounded, yet it does not grow: every caller waits for what it handed over.
        let (submissions, receiver) = mpsc::unbounded_channel();
        (
            Self {
                submissions,
                metrics,
            },
            receiver,
        )
    }

    /// Publishes events in their order and returns when every one of them is confirmed.
    ///
    /// What is not known to have arrived is sent again, until it is confirmed: a reader may see
    /// an event more than once. [`Closed`] means that the process stops before all of it was
    /// confirmed.
    pub async fn publish(&self, events: Vec<Outgoing>) -> Result<(), Closed> {
        self.submit(events).await
    }

    /// Hands over events. Those of an earlier call are sent before those of a later one.
    pub(crate) fn submit(&self, events: Vec<Outgoing>) -> Confirmed {
        self.submit_while(events, Lease::default())
    }

    /// Hands over events that are given up, as if confirmed, once their lease is over.
    pub(crate) fn submit_while(&self, events: Vec<Outgoing>, lease: Lease) -> Confirmed {
        if events.is_empty() {
            return Confirmed(None);
        }
        let (done, confirmed) = oneshot::channel();
        // A refused submission drops its sender, which the receiver sees as closed.
        let submission = Submission {
            events,
            lease,
            done,
        };
        self.submissions.send(submission).ok();
        Confirmed(Some(confirmed))
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}

/// Resolves when all events of a submission are confirmed.
#[derive(Debug)]
pub(crate) struct Confirmed(Option<oneshot::Receiver<()>>);

impl Future for Confirmed {
    type Output = Result<(), Closed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            None => Poll::Ready(Ok(())),
            Some(receiver) => Pin::new(receiver)
                .poll(context)
                .map(|done| done.map_err(|_| Closed)),
        }
    }
}

/// Resolves when several submissions are confirmed.
#[derive(Debug)]
pub(crate) struct AllConfirmed(pub(crate) Vec<Confirmed>);

impl Future for AllConfirmed {
    type Output = Result<(), Closed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        while let Some(last) = self.0.last_mut() {
            match Pin::new(last).poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(closed)) => return Poll::Ready(Err(closed)),
                Poll::Ready(Ok(())) => {
                    self.0.pop();
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}
