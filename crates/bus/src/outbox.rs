//! From a journal to the bus: what is durable is published, in order, and nothing is left out.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fail::fail_point;
use stoa_journal::Record;
use stoa_proto::Outgoing;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::metrics::{Metrics, gauge_value};
use crate::publisher::{Confirmed, Publisher};
use crate::seam::{Iter, Journal, blocking};
use crate::{CursorFile, Error};

/// Records in one submission.
const WINDOW_RECORDS: usize = 1024;
/// Bytes in one submission.
pub(crate) const WINDOW_BYTES: usize = 1024 * 1024;
/// Submissions on their way at a time.
const DEPTH: usize = 3;
/// After a crash at most this much is published again.
const SAVE_EVERY: Duration = Duration::from_millis(250);
/// How often the oldest record is looked for, in microseconds.
const LOOK_EVERY_US: i64 = 100_000;
/// How often the metrics follow while events wait.
const SHOW_EVERY: Duration = Duration::from_millis(100);

/// Publishes the records of a journal.
///
/// Its position is saved after the confirms: a crash makes it publish some records again, and
/// never leaves one out.
pub struct Outbox {
    journal: Journal,
    cursor: Arc<CursorFile>,
    handle: OutboxHandle,
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox")
            .field("next", &self.handle.next())
            .finish_non_exhaustive()
    }
}

/// Shows how far an [`Outbox`] is; clones show the same one.
#[derive(Clone)]
pub struct OutboxHandle {
    journal: Journal,
    confirmed: Arc<AtomicU64>,
    /// What was looked up last, so that it is not read at every question.
    oldest: Arc<Mutex<Option<Oldest>>>,
}

impl std::fmt::Debug for OutboxHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboxHandle")
            .field("next", &self.next())
            .finish_non_exhaustive()
    }
}

/// The oldest record that waits, when it was written, and when that was looked up.
#[derive(Clone, Copy, Debug)]
struct Oldest {
    seq: u64,
    time_us: i64,
    looked_us: i64,
}

impl OutboxHandle {
    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Returns how many records are not confirmed yet.
    pub fn pending_records(&self) -> u64 {
        self.journal.next().saturating_sub(self.next())
    }

    /// Returns how many bytes of the journal are not confirmed yet, estimated by the mean size of
    /// its records.
    pub fn pending_bytes(&self) -> u64 {
        let kept = self
            .journal
            .next()
            .saturating_sub(self.journal.first())
            .max(1);
        let bytes = u128::from(self.journal.bytes()) * u128::from(self.pending_records());
        u64::try_from(bytes / u128::from(kept)).unwrap_or(u64::MAX)
    }

    /// Returns how long the oldest unconfirmed record has waited, in microseconds; `None` if none
    /// waits. It may read one record from the disk, which it does ten times a second at most: the
    /// answer may be about the record that was the oldest up to a tenth of a second before.
    pub fn oldest_age_us(&self, now_us: i64) -> Option<i64> {
        let next = self.next().max(self.journal.first());
        if next >= self.journal.next() {
            return None;
        }
        let mut oldest = self.oldest.lock().unwrap_or_else(PoisonError::into_inner);
        let known = oldest.filter(|oldest| {
            let looked = now_us.saturating_sub(oldest.looked_us);
            oldest.seq == next || (0..LOOK_EVERY_US).contains(&looked)
        });
        let since = if let Some(oldest) = known {
            oldest.time_us
        } else {
            let record = self.journal.read_seq(next).ok().flatten()?;
            *oldest = Some(Oldest {
                seq: next,
                time_us: record.time_us,
                looked_us: now_us,
            });
            record.time_us
        };
        Some(now_us.saturating_sub(since).max(0))
    }

    /// Returns the first sequence that is not confirmed.
    pub fn next(&self) -> u64 {
        self.confirmed.load(Ordering::Acquire)
    }
}

type Reading = (Iter, Result<Vec<Record>, stoa_journal::Error>);

impl Outbox {
    /// Opens the position in a file, or makes it at the journal's start.
    pub fn open(journal: Journal, cursor_path: &Path) -> Result<Self, Error> {
        Ok(Self::over(journal, CursorFile::open(cursor_path)?))
    }

    /// Goes on at a position.
    pub(crate) fn over(journal: Journal, cursor: CursorFile) -> Self {
        let (position, end) = (cursor.position(), journal.next());
        if position > end {
            // What the journal gets next must not be left out.
            tracing::warn!(
                position,
                end,
                "the outbox's position is beyond the journal's end; it goes on at the end"
            );
        }
        let handle = OutboxHandle {
            journal: journal.clone(),
            confirmed: Arc::new(AtomicU64::new(position.min(end))),
            oldest: Arc::default(),
        };
        Self {
            journal,
            cursor: Arc::new(cursor),
            handle,
        }
    }

    /// Returns what shows how far it is.
    pub fn handle(&self) -> OutboxHandle {
        self.handle.clone()
    }

    /// Publishes every record that is or becomes durable, until shutdown. `map` says which events
    /// a record stands for; none is fine.
    pub async fn run(
        self,
        publisher: Publisher,
        mut map: impl FnMut(Record) -> Vec<Outgoing>,
        shutdown: CancellationToken,
    ) -> Result<(), Error> {
        let metrics = publisher.metrics().clone();
        let mut durable = self.journal.durable();
        let mut iter = Some(self.journal.iter(self.handle.next()));
        let mut window: VecDeque<(u64, Confirmed)> = VecDeque::new();
        let (mut saved, mut shown) = (Instant::now(), Instant::now());
        loop {
            let Some(read) = iter.as_ref().map(Iter::position) else {
                return Err(Error::Task);
            };
            if window.len() < DEPTH && read < self.journal.next() && !shutdown.is_cancelled() {
                let Some(source) = iter.take() else {
                    return Err(Error::Task);
                };
                let (source, records) = read_window(source).await?;
                let end = source.position();
                iter = Some(source);
                let events = records?.into_iter().flat_map(&mut map).collect();
                fail_point!("outbox_before_submit");
                window.push_back((end, publisher.submit(events)));
                continue;
            }
            // The age of the oldest is read from the disk, which is not worth it at every confirm.
            if window.is_empty() || shown.elapsed() >= SHOW_EVERY {
                self.show(&metrics);
                shown = Instant::now();
            }
            let has_room = window.len() < DEPTH;
            let Some((end, confirmed)) = window.front_mut() else {
                if saved.elapsed() >= SAVE_EVERY || shutdown.is_cancelled() {
                    self.save().await?;
                    saved = Instant::now();
                }
                if shutdown.is_cancelled() {
                    return Ok(());
                }
                let unsaved = self.cursor.position() != self.handle.next();
                tokio::select! {
                    biased;
                    () = grown(&mut durable, read) => {}
                    () = tokio::time::sleep_until(saved + SAVE_EVERY), if unsaved => {}
                    () = shutdown.cancelled() => {}
                }
                continue;
            };
            let end = *end;
            tokio::select! {
                biased;
                done = confirmed => {
                    if done.is_err() {
                        self.save().await?;
                        return if shutdown.is_cancelled() { Ok(()) } else { Err(Error::Task) };
                    }
                    fail_point!("outbox_after_confirm");
                    window.pop_front();
                    self.handle.confirmed.store(end, Ordering::Release);
                }
                // The first waits for the broker; more is read ahead meanwhile.
                () = grown(&mut durable, read), if has_room && !shutdown.is_cancelled() => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
            if saved.elapsed() >= SAVE_EVERY {
                self.save().await?;
                saved = Instant::now();
            }
        }
    }

    fn show(&self, metrics: &Metrics) {
        metrics
            .outbox_records
            .set(gauge_value(self.handle.pending_records()));
        metrics
            .outbox_bytes
            .set(gauge_value(self.handle.pending_bytes()));
        let age_us = self
            .handle
            .oldest_age_us((metrics.clock)())
            .unwrap_or_default();
        metrics.outbox_age.set(age_us / 1_000_000);
    }

    async fn save(&self) -> Result<(), Error> {
        let (cursor, position) = (Arc::clone(&self.cursor), self.handle.next());
        blocking(move || cursor.save(position)).await?
    }
}

async fn read_window(mut iter: Iter) -> Result<Reading, Error> {
    blocking(move || {
        let records = read(&mut iter);
        (iter, records)
    })
    .await
}

fn read(iter: &mut Iter) -> Result<Vec<Record>, stoa_journal::Error> {
    let mut records = Vec::new();
    let mut bytes = 0;
    while records.len() < WINDOW_RECORDS && bytes < WINDOW_BYTES {
        match iter.next() {
            Some(Ok(record)) => {
                bytes += record.payload.len();
                records.push(record);
            }
            Some(Err(_)) if !records.is_empty() => break,
            Some(Err(error)) => return Err(error),
            None => break,
        }
    }
    Ok(records)
}

/// Waits until the journal has more; a closed journal never has.
async fn grown(durable: &mut watch::Receiver<u64>, read: u64) {
    if durable.wait_for(|end| *end > read).await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests;
