//! The bus's side: events in, what follows from them out.

use std::sync::Arc;

use stoa_bus::{EventHandler, HandlerError, Outcome};
use stoa_daemon::Clock;
use stoa_proto::Received;

use crate::engine::{Batch, Handle};
use crate::live::Rules;
use crate::metrics::{Metrics, Processed};
use crate::scorers::Scorers;

/// Hands events to the engine; the bus publishes what comes back, and acknowledges.
#[derive(Debug)]
pub(crate) struct Consumer {
    engine: Handle,
    metrics: Metrics,
    scoring: Option<Scoring>,
}

/// How scores are found for events before the engine sees them.
#[derive(Debug)]
pub(crate) struct Scoring {
    pub(crate) scorers: Arc<Scorers>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) clock: Clock,
}

impl Consumer {
    pub(crate) fn new(engine: Handle, metrics: Metrics, scoring: Option<Scoring>) -> Self {
        Self {
            engine,
            metrics,
            scoring,
        }
    }
}

impl EventHandler for Consumer {
    async fn handle(&mut self, events: Vec<Received>) -> Vec<Outcome> {
        let kinds: Vec<_> = events.iter().map(|event| event.kind()).collect();
        let scores = match &self.scoring {
            Some(scoring) => {
                let live = scoring.rules.live();
                let now = scoring.clock.micros();
                let scorers = &scoring.scorers;
                scorers.of_events(&live.set, &events, now).await
            }
            None => Vec::new(),
        };
        let batch = Batch {
            events,
            scores,
            asked: false,
        };
        match self.engine.batch(batch).await {
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
