//! A role's handler: it drops repeats by id, keeps what it handles in a journal, and names what
//! follows by what it follows from.

use std::collections::HashSet;
use std::sync::Arc;

use prometheus::IntGauge;
use stoa_journal::Entry;
use stoa_proto::{Exchange, Reader, Received};

use super::journal::Journal;
use super::plan::{Plan, Poison, body, outgoing, output_id};
use super::process::Process;
use super::world::ids;
use crate::consume::DEPTH;
use crate::handler::{EventHandler, HandlerError, Outcome};

pub(super) struct SimHandler {
    reader: Reader,
    process: Process,
    plan: Arc<Plan>,
    journal: Journal,
    known: HashSet<String>,
    /// Messages that the loop has and has not settled, and the most that these may be.
    inflight: (IntGauge, i64),
}

impl SimHandler {
    /// Goes on with what the journal has.
    pub(super) fn new(
        reader: Reader,
        process: &Process,
        plan: &Arc<Plan>,
        journal: Journal,
        inflight: IntGauge,
    ) -> Self {
        let n_queues = plan.readers_queues(reader).len();
        // What comes anew of an ended connection is counted beside what came of it before.
        let most = (DEPTH + 1) * n_queues * usize::from(plan.prefetch);

        let records = journal.iter(0);
        let known = records
            .flat_map(|record| ids(&record.unwrap().payload))
            .collect();
        Self {
            reader,
            process: process.clone(),
            plan: Arc::clone(plan),
            journal,
            known,
            inflight: (inflight, i64::try_from(most).unwrap()),
        }
    }
}

impl EventHandler for SimHandler {
    async fn handle(&mut self, events: Vec<Received>) -> Vec<Outcome> {
        self.process.step().await;
        let world = self.process.world();
        world.sleep(20).await;
        let (inflight, most) = (self.inflight.0.get(), self.inflight.1);
        if inflight > most {
            world.fail(|| format!("{inflight} messages are in flight"));
        }
        let (mut outcomes, mut entries) = (Vec::new(), Vec::new());
        let mut fresh = Vec::new();
        for event in &events {
            let id = event.id.clone();
            let poison = self.plan.refuses(self.reader, &id);
            if poison == Some(Poison::Panics) || self.plan.panics_once(world, self.reader, &id) {
                world.note("panics", (self.process.role(), &id));
                std::panic::resume_unwind(Box::new("of the simulation"));
            }
            if poison.is_some() {
                outcomes.push(Err(HandlerError::Reject("poison".to_owned())));
                break;
            }
            if world.percent(self.plan.retries) {
                outcomes.push(Err(HandlerError::Retry("not now".to_owned())));
                break;
            }
            outcomes.push(Ok(match self.reader {
                Reader::Moderation => vec![outgoing(Exchange::Outcomes, &output_id(&id))],
                Reader::Ingest | Reader::Archive => Vec::new(),
            }));
            if !self.known.contains(&id) && !fresh.contains(&id) {
                entries.push(Entry {
                    kind: 1,
                    payload: body(&id),
                });
                fresh.push(id);
            }
        }
        world.note("handles", (self.process.role(), &fresh));
        if let Err(error) = self.journal.append(entries).await {
            return vec![Err(HandlerError::Retry(error.to_string()))];
        }
        self.known.extend(fresh);
        self.process.step().await;
        outcomes
    }
}
