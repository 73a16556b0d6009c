//! The bus's side: events in, what follows from them out.

use stoa_bus::{EventHandler, HandlerError, Outcome};
use stoa_proto::Received;

use crate::engine::Handle;
use crate::metrics::{Metrics, Processed};

/// Hands events to the engine; the bus publishes what comes back, and acknowledges.
#[derive(Debug)]
pub(crate) struct Consumer {
    engine: Handle,
    metrics: Metrics,
}

impl Consumer {
    pub(crate) fn new(engine: Handle, metrics: Metrics) -> Self {
        Self { engine, metrics }
    }
}

impl EventHandler for Consumer {
    async fn handle(&mut self, events: Vec<Received>) -> Vec<Outcome> {
        let kinds: Vec<_> = events.iter().map(|event| event.kind()).collect();
        match self.engine.events(events).await {
            Ok(outgoing) => outgoing.into_iter().map(Ok).collect(),
            Err(stopped) => kinds
                .into_iter()
                .map(|kind| {
                    self.metrics.processed(kind, Processed::Failed);
                    Err(HandlerError::Retry(stopped.to_string()))
                })
                .collect(),
        }
    }
}
