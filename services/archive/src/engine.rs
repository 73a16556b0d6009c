//! The engine: the one writer of the archive's journal and view.
//!
//! It takes a batch of events from the bus, drops what came before, appends the rest with one
//! durable write and applies it to the view.
//! Nothing follows from an event here, so there is nothing to publish.
//! An order to erase words is carried out before the next event is looked at (`redaction::carry`).
//!
//! On a full disk events wait in the bus until there is room.
//! Any other failed write is for good: the journal accepts nothing more, the archive becomes unready and
//! the process stops, so that no event is acknowledged that is not kept.

use std::sync::Arc;
use std::time::Instant;

use fail::fail_point;
use stoa_bus::{EventHandler, HandlerError, Outcome};
use stoa_daemon::Context;
use stoa_journal::{Entry, Journal, Position};
use stoa_proto::{Received, Time};

use crate::fact::Fact;
use crate::metrics::Metrics;
use crate::record;
use crate::stage::Stage;
use crate::view::{Error, Index};

/// The one writer.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    pub(crate) journal: Journal,
    pub(crate) index: Arc<Index>,
    pub(crate) metrics: Metrics,
    pub(crate) batch_events: usize,
    pub(crate) context: Context,
}

impl EventHandler for Engine {
    async fn handle(&mut self, mut events: Vec<Received>) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(events.len());
        while !events.is_empty() {
            let rest = events.split_off(self.batch_events.min(events.len()));
            let outcome = match self.commit(&events).await {
                Ok(()) => Ok(Vec::new()),
                Err(error) => Err(HandlerError::Retry(self.fail(&error, &events))),
            };
            outcomes.extend(events.iter().map(|_| outcome.clone()));
            events = rest;
        }
        outcomes
    }
}

impl Engine {
    /// Takes events in; repeats change nothing.
    pub(crate) async fn commit(&self, events: &[Received]) -> Result<(), Error> {
        let started = Instant::now();
        let n_events = events.len();
        let facts: Vec<Fact> = events.iter().map(|event| Fact::of(event)).collect();
        if self.index.applied() < self.journal.next() {
            // It panicked after its last append: the same events come again, and must be known.
            offload(|| self.index.catch_up(&self.journal, &mut |_, _| ()))?;
        }
        // What an order erases must be there, so what came before it is written by itself.
        let (mut events, mut facts) = (events, facts.as_slice());
        while let Some(place) = facts.iter().position(Fact::is_order) {
            let (before, from) = events.split_at(place);
            let (facts_before, facts_from) = facts.split_at(place);
            let ([event, events_after @ ..], [fact, facts_after @ ..]) = (from, facts_from) else {
                break;
            };
            self.write(before, facts_before).await?;
            self.carry_out(event, fact).await?;
            (events, facts) = (events_after, facts_after);
        }
        self.write(events, facts).await?;
        #[expect(
            clippy::cast_precision_loss,
            reason = "a batch has some hundred events"
        )]
        self.metrics.batch.observe(n_events as f64);
        self.metrics.commit.observe(started.elapsed().as_secs_f64());
        let (next, bytes) = (self.journal.next(), self.journal.bytes());
        self.metrics.progress(next, bytes, self.index.applied());
        Ok(())
    }

    /// Writes what is new to the journal, and applies it.
    pub(crate) async fn write(&self, events: &[Received], facts: &[Fact]) -> Result<(), Error> {
        let (stage, entries, new) = offload(|| self.admit(events, facts))?;
        if !entries.is_empty() {
            let positions = self.journal.append(entries).await?;
            fail_point!("archive_after_append");
            let (new, recorded): (Vec<_>, Vec<_>) = new.into_iter().unzip();
            offload(|| self.apply(stage, &positions, &new))?;
            let now = self.context.clock.micros();
            for recorded in recorded.into_iter().flatten() {
                self.metrics.archived(recorded, now);
            }
        }
        Ok(())
    }

    /// Applies what was written to the view.
    pub(crate) fn apply(
        &self,
        mut stage: Stage<'_>,
        positions: &[Position],
        facts: &[&Fact],
    ) -> Result<(), Error> {
        let mut next = self.index.applied();
        for (position, fact) in positions.iter().zip(facts) {
            stage.apply(fact, (*position).into())?;
            next = position.seq + 1;
        }
        stage.commit(next)?;
        for fact in facts {
            self.metrics.event(fact.kind, "applied");
        }
        Ok(())
    }

    /// Finds what is new, with when ingest accepted it, and makes its records.
    fn admit<'a>(&self, events: &[Received], facts: &'a [Fact]) -> Result<Admitted<'_, 'a>, Error> {
        let mut stage = Stage::new(&self.index);
        let mut entries = Vec::with_capacity(events.len());
        let mut new = Vec::with_capacity(events.len());
        for (event, fact) in events.iter().zip(facts) {
            if stage.admit(fact)? {
                entries.push(Entry {
                    kind: record::byte(fact.kind),
                    payload: event.json().clone(),
                });
                new.push((fact, event.recordedtime.as_ref().map(Time::micros)));
            } else {
                self.metrics.event(fact.kind, "duplicate");
            }
        }
        Ok((stage, entries, new))
    }

    /// Stops the process unless it is the disk that is full, and returns why.
    fn fail(&self, error: &Error, events: &[Received]) -> String {
        let reason = chain(error);
        for event in events {
            self.metrics.event(event.kind(), "failed");
        }
        let component = match error {
            // Nothing has happened, and the same events come again.
            Error::Journal(stoa_journal::Error::NoSpace { .. }) => return reason,
            Error::Journal(_) => "journal",
            _ => "view",
        };
        self.context.ready.set(component, Err(reason.clone()));
        self.context.fail(reason.clone());
        reason
    }
}

/// What is to be applied, its records, and what is new with when ingest accepted it.
type Admitted<'v, 'a> = (Stage<'v>, Vec<Entry>, Vec<(&'a Fact, Option<i64>)>);

/// Writes an error with its causes on one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

/// Runs what takes long without holding up the runtime's other tasks, where the runtime can.
pub(crate) fn offload<T>(work: impl FnOnce() -> T) -> T {
    let flavor = tokio::runtime::Handle::current().runtime_flavor();
    if flavor == tokio::runtime::RuntimeFlavor::MultiThread {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}
