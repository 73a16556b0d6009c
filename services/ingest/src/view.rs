//! The view: what came within the duplicate window, and where each rejection is.
//!
//! It holds digests, numbers and positions, no words; the journal has the rest.
//! One task writes it (the engine), and everything in it can be read from the journal again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};
use stoa_journal::{Journal, Record};
use stoa_proto::Code;
use stoa_store::{Table, View};

use crate::digest::Digest;
use crate::filter::Filter;
use crate::metrics::Metrics;
use crate::record::{ACCEPTED, Accepted, Claim, Mark, REJECTED, Rejected, Unreadable};

/// Raised when the tables or the meaning of their values change: the view is then rebuilt.
const FORMAT: u32 = 1;

/// Records that are applied in one batch while catching up.
const REPLAY_BATCH: usize = 4_096;

/// Something that was seen, and the record that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// The content's digest.
    pub(crate) content: Digest,
    /// The record.
    pub(crate) seq: u64,
}

/// `(source, id)` → the event.
const EVENTS: Table<Digest, Seen> = Table::new(1, "events");
/// `(site, comment)` and revision → the text.
const REVISIONS: Table<(Digest, u32), Seen> = Table::new(2, "revisions");
/// The refusals in order → the code's number.
const REJECTIONS: Table<u64, u8> = Table::new(3, "rejections");
/// The refusals by code, in order.
const REJECTIONS_BY_CODE: Table<(u8, u64), ()> = Table::new(4, "rejections_by_code");
/// Refused bytes and code → the record.
const REFUSED: Table<Digest, u64> = Table::new(5, "refused");

/// What one record changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// An event was accepted.
    Accepted(Mark),
    /// An event was rejected: its key and its code's number.
    Rejected(Digest, u8),
}

impl Change {
    /// Reads what a record changes; `None` for a record that was redacted.
    pub(crate) fn of(record: &Record) -> Result<Option<Self>, Unreadable> {
        if record.redacted {
            return Ok(None);
        }
        let change = match record.kind {
            ACCEPTED => Accepted::decode_mark(&record.payload).map(Self::Accepted),
            REJECTED => Rejected::decode(&record.payload).map(|rejected| {
                Self::Rejected(rejected.key(), code_number(rejected.refusal.rejection.code))
            }),
            _ => None,
        };
        change.map(Some).ok_or(Unreadable {
            seq: record.seq,
            kind: record.kind,
        })
    }
}

/// A code's place in the contract, which is fixed.
pub(crate) fn code_number(code: Code) -> u8 {
    Code::ALL
        .iter()
        .position(|known| *known == code)
        .and_then(|position| u8::try_from(position).ok())
        .unwrap_or(u8::MAX)
}

/// What of ingest's past can be looked up.
#[derive(Debug)]
pub(crate) struct Index {
    view: View,
    filter: Arc<Filter>,
    filling: Option<Filling>,
}

/// The thread that tells the filter what the view has.
#[derive(Debug)]
struct Filling {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Filling {
    fn start(view: View, filter: Arc<Filter>) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("filter".to_owned())
            .spawn(move || match fill(&view, &filter, &stopped) {
                Ok(true) => filter.complete(),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "new events can't be filtered: each is looked up"
                    );
                }
            })?;
        Ok(Self { stop, thread })
    }
}

/// Tells the filter what the view has; whether it was not stopped.
fn fill(view: &View, filter: &Filter, stop: &AtomicBool) -> Result<bool, stoa_store::Error> {
    let events = view.scan(&EVENTS, ());
    let events = events.map(|row| row.map(|(key, seen)| (event_hash(&key), seen.seq)));
    let revisions = view.scan(&REVISIONS, ());
    let revisions = revisions.map(|row| {
        row.map(|((comment, revision), seen)| (revision_hash(&comment, revision), seen.seq))
    });
    let mut keys = Vec::with_capacity(REPLAY_BATCH);
    for key in events.chain(revisions) {
        keys.push(key?);
        if keys.len() == REPLAY_BATCH {
            filter.insert(keys.drain(..));
            if stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
        }
    }
    filter.insert(keys);
    Ok(true)
}

/// What the filter knows a record by.
fn hashes((seq, change): &(u64, Change)) -> impl Iterator<Item = (u64, u64)> {
    let mark = match change {
        Change::Accepted(mark) => Some(mark),
        Change::Rejected(..) => None,
    };
    let revision = mark.and_then(|mark| mark.revision);
    let event = mark.map(|mark| event_hash(&mark.key));
    let revision = revision.map(|claim| revision_hash(&claim.comment, claim.revision));
    event.into_iter().chain(revision).map(|hash| (hash, *seq))
}

/// What the filter knows an event by.
fn event_hash(key: &Digest) -> u64 {
    let [first, ..] = key.as_chunks::<8>().0 else {
        return 0;
    };
    u64::from_be_bytes(*first)
}

/// What the filter knows a revision of a comment by.
fn revision_hash(comment: &Digest, revision: u32) -> u64 {
    // An odd number spreads the small ones over all bits.
    event_hash(comment) ^ u64::from(revision).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Index {
    /// Returns how many bytes the view takes on the disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.view.bytes()
    }

    /// Opens the view and applies what the journal has beyond it. Blocks: call it off the runtime.
    pub(crate) fn open(
        dir: &Path,
        config: &crate::config::ViewConfig,
        journal: &Journal,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        let options = stoa_store::Options {
            format: FORMAT,
            next_seq: journal.next(),
            watchdog: config.open_timeout.get(),
            cache_bytes: config.cache.get(),
            ..stoa_store::Options::default()
        };
        let mut index = Self {
            view: View::open(dir, options)?,
            filter: Arc::default(),
            filling: None,
        };
        index.catch_up(journal, metrics)?;
        let filling = Filling::start(index.view.clone(), Arc::clone(&index.filter))?;
        index.filling = Some(filling);
        Ok(index)
    }

    fn catch_up(&self, journal: &Journal, metrics: &Metrics) -> anyhow::Result<()> {
        let from = self.view.applied().max(journal.first());
        let total = journal.next().saturating_sub(from);
        if total == 0 {
            return Ok(());
        }
        tracing::info!(from, total, "the view catches up with the journal");
        let mut changes = Vec::with_capacity(REPLAY_BATCH);
        let mut next = from;
        let mut reported = from;
        for record in journal.iter(from) {
            let record = record?;
            next = record.seq + 1;
            if let Some(change) = Change::of(&record)? {
                changes.push((record.seq, change));
            }
            if changes.len() >= REPLAY_BATCH {
                metrics.replayed.inc_by(changes.len() as u64);
                self.apply(&changes, next)?;
                changes.clear();
                if next - reported >= 500_000 {
                    reported = next;
                    tracing::info!(done = next - from, total, "the view catches up");
                }
            }
        }
        metrics.replayed.inc_by(changes.len() as u64);
        self.apply(&changes, next)?;
        tracing::info!(applied = next, "the view has caught up");
        Ok(())
    }

    /// Applies records, and remembers that everything before `next` is applied.
    pub(crate) fn apply(
        &self,
        changes: &[(u64, Change)],
        next: u64,
    ) -> Result<(), stoa_store::Error> {
        let mut batch = self.view.batch();
        self.filter.insert(changes.iter().flat_map(hashes));
        for (seq, change) in changes {
            match change {
                Change::Accepted(mark) => {
                    let seen = Seen {
                        content: mark.content,
                        seq: *seq,
                    };
                    batch.put(&EVENTS, &mark.key, &seen);
                    if let Some(claim) = &mark.revision {
                        let seen = Seen {
                            content: claim.content,
                            seq: *seq,
                        };
                        batch.put(&REVISIONS, &(claim.comment, claim.revision), &seen);
                    }
                }
                Change::Rejected(key, code) => {
                    batch.put(&REJECTIONS, seq, code);
                    batch.put(&REJECTIONS_BY_CODE, &(*code, *seq), &());
                    batch.put(&REFUSED, key, seq);
                }
            }
        }
        self.view.commit(batch, next)
    }

    /// Forgets records; what a later record says stays.
    pub(crate) fn forget(&self, changes: &[(u64, Change)]) -> Result<(), stoa_store::Error> {
        let mut batch = self.view.batch();
        for (seq, change) in changes {
            match change {
                Change::Accepted(mark) => {
                    if self.event(&mark.key)?.is_some_and(|seen| seen.seq == *seq) {
                        batch.delete(&EVENTS, &mark.key);
                    }
                    if let Some(claim) = &mark.revision
                        && self.revision(claim)?.is_some_and(|seen| seen.seq == *seq)
                    {
                        batch.delete(&REVISIONS, &(claim.comment, claim.revision));
                    }
                }
                Change::Rejected(key, code) => {
                    batch.delete(&REJECTIONS, seq);
                    batch.delete(&REJECTIONS_BY_CODE, &(*code, *seq));
                    if self.refused(key)? == Some(*seq) {
                        batch.delete(&REFUSED, key);
                    }
                }
            }
        }
        self.view.commit(batch, self.view.applied())?;
        if let Some((last, _)) = changes.last() {
            self.filter.forget(*last);
        }
        Ok(())
    }

    /// Looks up an event by the digest of `(source, id)`.
    pub(crate) fn event(&self, key: &Digest) -> Result<Option<Seen>, stoa_store::Error> {
        if !self.filter.may_have(event_hash(key)) {
            return Ok(None);
        }
        self.view.get(&EVENTS, key)
    }

    /// Looks up a revision of a comment.
    pub(crate) fn revision(&self, claim: &Claim) -> Result<Option<Seen>, stoa_store::Error> {
        let hash = revision_hash(&claim.comment, claim.revision);
        if !self.filter.may_have(hash) {
            return Ok(None);
        }
        self.view.get(&REVISIONS, &(claim.comment, claim.revision))
    }

    /// Looks up the record of a refusal.
    pub(crate) fn refused(&self, key: &Digest) -> Result<Option<u64>, stoa_store::Error> {
        self.view.get(&REFUSED, key)
    }

    /// Whether a record is a rejection that is still remembered.
    pub(crate) fn is_rejection(&self, seq: u64) -> Result<bool, stoa_store::Error> {
        Ok(self.view.get(&REJECTIONS, &seq)?.is_some())
    }

    /// Lists up to `limit` rejections below `before`, newest first.
    pub(crate) fn rejections(
        &self,
        code: Option<Code>,
        before: u64,
        limit: usize,
    ) -> Result<Vec<u64>, stoa_store::Error> {
        match code {
            None => self
                .view
                .range(&REJECTIONS, 0..before)
                .rev()
                .take(limit)
                .map(|entry| entry.map(|(seq, _)| seq))
                .collect(),
            Some(code) => {
                let code = code_number(code);
                self.view
                    .range(&REJECTIONS_BY_CODE, (code, 0)..(code, before))
                    .rev()
                    .take(limit)
                    .map(|entry| entry.map(|((_, seq), ())| seq))
                    .collect()
            }
        }
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        if let Some(Filling { stop, thread }) = self.filling.take() {
            stop.store(true, Ordering::Relaxed);
            if thread.join().is_err() {
                tracing::error!("the filter's thread panicked");
            }
        }
    }
}
