//! What an outbox has published, read again from its journal: to be compared with what readers
//! hold, and sent again where it is missing.
//!
//! A confirm says that the broker had an event. A broker that loses its data, or a queue that is
//! purged, loses what was confirmed and not handled yet; the journal still has it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use stoa_journal::Record;
use stoa_proto::{Event, Outgoing, Reference, Time};
use utoipa::{IntoParams, ToSchema};

use crate::outbox::{OutboxHandle, WINDOW_BYTES};
use crate::publisher::Publisher;
use crate::{Closed, Error};

/// Events of a page, unless the request says otherwise.
const DEFAULT_LIMIT: usize = 500;
/// Events of a page at most; those of one record stay together, so there may be a few more.
const MAX_LIMIT: usize = 2_000;
/// Records and bytes that are read for one page: where few records lead to events, a page is short.
const MAX_SCAN: usize = 20_000;
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// How long the broker may take to confirm what is sent again.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is asked for of all that was published.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// The record to begin with; it goes before `since`.
    from: Option<u64>,
    /// The time to begin with.
    since: Option<Time>,
    /// Leaves out what was recorded within so many seconds, because it may still be on its way.
    settle: Option<u32>,
    /// Events that are wanted.
    #[param(default = 500, maximum = 2000)]
    limit: Option<usize>,
}

/// A part of what was published.
#[derive(Debug, Serialize, ToSchema)]
pub struct Published {
    /// What each event is known by, with the sequence of its record.
    #[schema(value_type = Vec<Listed>)]
    events: Vec<Box<RawValue>>,
    /// `from` of the next page; none on the last.
    next: Option<u64>,
    /// The record that this page began with.
    from: u64,
    /// The record before which the last page ends.
    end: u64,
}

/// What an event is known by.
#[derive(Serialize, ToSchema)]
#[schema(as = PublishedEvent)]
struct Listed<'a> {
    /// The sequence number of its record.
    seq: u64,
    #[serde(flatten)]
    reference: Reference<'a>,
}

/// What was sent again.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Resent {
    /// The records whose events were sent and confirmed.
    pub resent: Vec<u64>,
    /// Records that lead to no event, are not kept any more, or were erased.
    pub gone: Vec<u64>,
}

/// Why something was not sent again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResendError {
    /// The broker did not confirm in time; what was handed over may still arrive.
    #[error("the broker has not confirmed within {} s", PATIENCE.as_secs())]
    Unconfirmed,
    /// The process stops.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// The journal can't be read.
    #[error(transparent)]
    Bus(#[from] Error),
}

impl OutboxHandle {
    /// Reads a page of what was published. `events_of` says which events a record stands for.
    ///
    /// This blocks on the disk.
    pub fn page<E>(
        &self,
        asked: &Asked,
        now_us: i64,
        mut events_of: impl FnMut(&Record) -> Result<Vec<Event>, E>,
    ) -> Result<Published, E>
    where
        E: From<stoa_journal::Error> + From<serde_json::Error>,
    {
        let limit = asked.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
        let journal = self.journal();
        let from = match (asked.from, &asked.since) {
            (Some(from), _) => from,
            (None, Some(since)) => journal.first_since(since.micros())?,
            (None, None) => 0,
        };
        let from = from.max(journal.first());
        let settled = match asked.settle {
            Some(settle) => journal.first_since(now_us - i64::from(settle) * 1_000_000)?,
            None => u64::MAX,
        };
        let end = self.next().min(settled).max(from);
        let mut page = Published {
            events: Vec::with_capacity(limit),
            next: None,
            from,
            end,
        };
        let mut bytes = 0;
        for (scanned, record) in journal.iter(from).enumerate() {
            let record = record?;
            if record.seq >= end {
                break;
            }
            if page.events.len() >= limit || scanned >= MAX_SCAN || bytes >= MAX_BYTES {
                page.next = Some(record.seq);
                break;
            }
            bytes += record.payload.len();
            for event in events_of(&record)? {
                page.events.push(serde_json::value::to_raw_value(&Listed {
                    seq: record.seq,
                    reference: Reference::of(&event),
                })?);
            }
        }
        Ok(page)
    }

    /// Publishes again what records led to, in the order of the journal, and returns when all of
    /// it is confirmed. `map` says which events a record stands for.
    pub async fn resend(
        &self,
        publisher: &Publisher,
        mut seqs: Vec<u64>,
        map: impl Fn(Record) -> Vec<Outgoing> + Clone + Send + 'static,
    ) -> Result<Resent, ResendError> {
        seqs.sort_unstable();
        seqs.dedup();
        let mut all = Resent::default();
        while !seqs.is_empty() {
            let (outbox, map) = (self.clone(), map.clone());
            let read = move || outbox.read_again(seqs, map);
            let read = tokio::task::spawn_blocking(read);
            let (events, part, rest) = read
                .await
                .map_err(|_| Error::Task)?
                .map_err(Error::Journal)?;
            tokio::time::timeout(PATIENCE, publisher.publish(events))
                .await
                .map_err(|_| ResendError::Unconfirmed)??;
            all.resent.extend(part.resent);
            all.gone.extend(part.gone);
            seqs = rest;
        }
        Ok(all)
    }

    /// Reads as many of the records as fit into one window, and returns those that are left.
    fn read_again(
        &self,
        seqs: Vec<u64>,
        map: impl Fn(Record) -> Vec<Outgoing>,
    ) -> Result<(Vec<Outgoing>, Resent, Vec<u64>), stoa_journal::Error> {
        let (mut events, mut part) = (Vec::new(), Resent::default());
        let mut seqs = seqs.into_iter();
        let mut bytes = 0;
        while bytes < WINDOW_BYTES {
            let Some(seq) = seqs.next() else { break };
            // What is not published yet follows by itself.
            let record = if seq < self.next() {
                self.journal().read_seq(seq)?
            } else {
                None
            };
            let found = record.map(&map).unwrap_or_default();
            if found.is_empty() {
                part.gone.push(seq);
            } else {
                part.resent.push(seq);
            }
            bytes += found.iter().map(|event| event.body.len()).sum::<usize>();
            events.extend(found);
        }
        Ok((events, part, seqs.collect()))
    }
}
