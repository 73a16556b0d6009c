//! Publishes to journals: what is handed over while one append is under way goes into the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use fail::fail_point;
use futures_util::future::try_join_all;
use stoa_journal::{Entry, Journal};
use stoa_proto::{Exchange, codec};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::health::Health;
use crate::life::Life;
use crate::metrics::Metrics;
use crate::pack::{PackLimits, pack};
use crate::publisher::Submission;
use crate::room::append_when_room;

/// A record that holds one event.
pub(super) const ONE: u8 = 1;
/// A record that holds several.
pub(super) const SEVERAL: u8 = 2;

/// Submissions that are appended together at most.
const GATHERED: usize = 64;

/// The publishing task.
pub(super) struct Writer {
    pub(super) journals: BTreeMap<Exchange, Journal>,
    pub(super) limits: PackLimits,
    pub(super) health: Arc<Health>,
    pub(super) metrics: Metrics,
    pub(super) shutdown: CancellationToken,
}

impl Writer {
    /// Runs until shutdown, when no consumer loop needs it any more, or until a journal fails.
    pub(super) async fn run(
        self,
        mut submissions: mpsc::UnboundedReceiver<Submission>,
        life: Life,
    ) {
        let mut gathered = Vec::new();
        loop {
            let count = tokio::select! {
                biased;
                count = submissions.recv_many(&mut gathered, GATHERED) => count,
                () = life.consumers_ended() => 0,
            };
            if count == 0 {
                return;
            }
            let mut events = Vec::new();
            let mut waiting = Vec::new();
            for submission in gathered.drain(..) {
                events.extend(submission.events);
                waiting.push(submission.done);
            }
            if let Err(error) = self.append(events).await {
                if matches!(error, stoa_journal::Error::NoSpace { .. }) {
                    return;
                }
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "nothing can be published any more: a journal of the bus failed"
                );
                self.health
                    .problem("bus", Some(format!("a journal failed: {error}")));
                return;
            }
            fail_point!("embedded_before_confirm");
            for done in waiting {
                // Nobody waits any more if the caller was dropped.
                done.send(()).ok();
            }
        }
    }

    async fn append(
        &self,
        mut events: Vec<stoa_proto::Outgoing>,
    ) -> Result<(), stoa_journal::Error> {
        events.retain(|event| self.journals.contains_key(&event.exchange));
        let mut entries: BTreeMap<Exchange, Vec<Entry>> = BTreeMap::new();
        for packet in pack(events, self.limits) {
            let kind = if packet.content_type == codec::BATCH {
                SEVERAL
            } else {
                ONE
            };
            let entry = Entry {
                kind,
                payload: packet.body,
            };
            entries.entry(packet.exchange).or_default().push(entry);
        }
        let appends = entries.into_iter().filter_map(|(exchange, entries)| {
            self.metrics
                .publishes
                .with_label_values(&[exchange.name(), "confirmed"])
                .inc_by(u64::try_from(entries.len()).unwrap_or_default());
            let journal = self.journals.get(&exchange)?;
            let append = move || journal.append(entries.clone());
            Some(append_when_room(append, &self.health, &self.shutdown))
        });
        try_join_all(appends).await.map(|_| ())
    }
}
