//! Where endpoints stand, durably: a journal of its own in the role's folder, and its one writer.
//!
//! **Constraints.** What was delivered is written before the next step is taken, and what waits is
//! never forgotten: a crash at any time leads to repeats at most.
//!
//! **Layout.** [`Entry`] after entry, with all that is known written out from time to time, so that
//! the oldest segments can be dropped. What is kept beyond that is the log of deliveries, newest
//! [`LOG_ROWS`] entries of the last [`LOG_DAYS`] days.
//!
//! **Recovery.** Everything is read again at the start. A damaged journal is set aside: it is not
//! the record of what was decided, so it does not stop the role; endpoints then begin anew and say
//! so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stoa_daemon::Context;
use stoa_journal::{Error, Journal, Options};
use tokio::sync::{mpsc, oneshot};

use super::entry::{Entry, Tried};
use super::state::{SECOND, Standing};

/// Attempts that the log has at most.
const LOG_ROWS: u64 = 100_000;
/// Days that the log goes back.
const LOG_DAYS: i64 = 30;
/// Records after which all that is known is written out.
const STANDS_EVERY: u64 = 10_000;
const SEGMENT_BYTES: u64 = 4 * 1024 * 1024;
const MAX_RECORD_BYTES: u32 = 8 * 1024 * 1024;
/// Writes that are done together.
const TOGETHER: usize = 256;
/// How often a full disk is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Records of the log that are read at a time.
const CHUNK: u64 = 512;
/// Folders that are set aside at most.
const MAX_ASIDE: u32 = 1_000;

/// The writer is gone: the process stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the webhooks' journal takes nothing any more")]
pub(crate) struct Stopped;

struct Write {
    entries: Vec<Entry>,
    reply: oneshot::Sender<()>,
}

type Standings = Arc<Mutex<BTreeMap<String, Standing>>>;

/// What is known of all endpoints; clones share it.
#[derive(Clone)]
pub(crate) struct Store {
    journal: Journal,
    standings: Standings,
    writes: mpsc::Sender<Write>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// The one that writes.
pub(crate) struct Writer {
    journal: Journal,
    standings: Standings,
    writes: mpsc::Receiver<Write>,
    /// Records since all that is known was written out.
    since: u64,
}

/// An attempt, with its place in the log.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) seq: u64,
    pub(crate) tried: Tried,
}

/// Lines of the log, newest first, and where it goes on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    pub(crate) lines: Vec<Line>,
    pub(crate) next: Option<u64>,
}

impl Store {
    /// Opens the journal, or makes it. This blocks on the disk.
    pub(crate) fn open(
        dir: &Path,
        reserve_bytes: u64,
        clock: &stoa_journal::Clock,
    ) -> anyhow::Result<(Self, Writer)> {
        let read = match open(dir, reserve_bytes, clock) {
            Err(error) if is_damage(&error) => {
                let aside = set_aside(dir)?;
                tracing::error!(
                    error = format!("{error:#}"),
                    aside = %aside.display(),
                    "where webhooks were is not known any more: they begin anew"
                );
                open(dir, reserve_bytes, clock)
            }
            read => read,
        };
        let (journal, standings) = read?;
        let standings = Arc::new(Mutex::new(standings));
        let (sender, received) = mpsc::channel(TOGETHER);
        let one = Writer {
            since: journal.next() - journal.first(),
            journal: journal.clone(),
            standings: Arc::clone(&standings),
            writes: received,
        };
        let store = Self {
            journal,
            standings,
            writes: sender,
        };
        Ok((store, one))
    }

    /// Writes entries down, in order; they are durable and applied when this returns.
    pub(crate) async fn write(&self, entries: Vec<Entry>) -> Result<(), Stopped> {
        let (reply, answer) = oneshot::channel();
        let write = Write { entries, reply };
        self.writes.send(write).await.map_err(|_| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }

    /// Looks at where an endpoint stands.
    pub(crate) fn with<T>(&self, endpoint: &str, look: impl FnOnce(&Standing) -> T) -> Option<T> {
        lock(&self.standings).get(endpoint).map(look)
    }

    /// Returns the endpoints that are known.
    pub(crate) fn endpoints(&self) -> Vec<String> {
        lock(&self.standings).keys().cloned().collect()
    }

    /// Reads the log backwards from before a place; `most` records are looked at. This blocks on
    /// the disk.
    pub(crate) fn log(
        &self,
        before: Option<u64>,
        (limit, most): (usize, u64),
        wanted: impl Fn(&Tried) -> bool,
    ) -> anyhow::Result<Lines> {
        let start = self.journal.first();
        let mut next = before.unwrap_or(u64::MAX).min(self.journal.next());
        let end = next.saturating_sub(most).max(start);
        let mut lines = Vec::new();
        while next > end {
            let from = next.saturating_sub(CHUNK).max(end);
            let records = self.journal.iter(from);
            let records =
                records.take_while(|record| record.as_ref().is_ok_and(|it| it.seq < next));
            let records: Vec<_> = records.collect::<Result<_, _>>()?;
            for record in records.iter().rev() {
                let Some(Entry::Tried(tried)) = Entry::read(record) else {
                    continue;
                };
                if !wanted(&tried) {
                    continue;
                }
                if lines.len() >= limit {
                    let next = lines.last().map(|line: &Line| line.seq);
                    return Ok(Lines { lines, next });
                }
                lines.push(Line {
                    seq: record.seq,
                    tried: *tried,
                });
            }
            next = from;
        }
        let next = (end > start).then_some(end);
        Ok(Lines { lines, next })
    }
}

impl Writer {
    /// Writes until every [`Store`] is gone, or until shutdown if the disk is full then.
    pub(crate) async fn run(mut self, context: Context) -> anyhow::Result<()> {
        let mut together = Vec::with_capacity(TOGETHER);
        loop {
            if self.writes.recv_many(&mut together, TOGETHER).await == 0 {
                self.journal.close().await;
                return Ok(());
            }
            let (entries, replies): (Vec<_>, Vec<_>) = together
                .drain(..)
                .map(|write| (write.entries, write.reply))
                .unzip();
            let entries: Vec<Entry> = entries.into_iter().flatten().collect();
            if !self.append(&entries, &context).await? {
                return Ok(());
            }
            for reply in replies {
                reply.send(()).ok();
            }
            if self.since >= STANDS_EVERY {
                self.tidy(&context).await?;
            }
        }
    }

    /// Appends and applies; false if the disk is full at shutdown.
    async fn append(&mut self, entries: &[Entry], context: &Context) -> anyhow::Result<bool> {
        let raw: Vec<_> = entries.iter().map(Entry::raw).collect::<Result<_, _>>()?;
        loop {
            match self.journal.append(raw.clone()).await {
                Ok(_) => break,
                Err(Error::NoSpace { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = context.shutdown.cancelled() => return Ok(false),
            }
        }
        self.since += entries.len() as u64;
        let mut standings = lock(&self.standings);
        for entry in entries {
            apply(&mut standings, entry);
        }
        Ok(true)
    }

    /// Writes out all that is known, and drops what the log has no room for.
    async fn tidy(&mut self, context: &Context) -> anyhow::Result<()> {
        let before = self.journal.next();
        let stands: Vec<Entry> = lock(&self.standings)
            .iter()
            .map(|(endpoint, standing)| Entry::Stands {
                endpoint: endpoint.clone(),
                standing: Box::new(standing.clone()),
            })
            .collect();
        for entry in stands {
            if !self.append(&[entry], context).await? {
                return Ok(());
            }
        }
        self.since = 0;
        let oldest = context.clock.micros() - LOG_DAYS * 86_400 * SECOND;
        let journal = self.journal.clone();
        let trim = move || {
            let rows = before.saturating_sub(LOG_ROWS);
            let days = journal.first_since(oldest)?;
            journal.trim(rows.max(days).min(before))
        };
        context.tasks.spawn_blocking(trim).await??;
        Ok(())
    }
}

fn lock(
    standings: &Mutex<BTreeMap<String, Standing>>,
) -> MutexGuard<'_, BTreeMap<String, Standing>> {
    standings.lock().unwrap_or_else(PoisonError::into_inner)
}

fn apply(standings: &mut BTreeMap<String, Standing>, entry: &Entry) {
    let endpoint = entry.endpoint();
    if matches!(entry, Entry::Forgotten { .. }) {
        standings.remove(endpoint);
    } else if let Some(standing) = standings.get_mut(endpoint) {
        standing.apply(entry);
    } else if matches!(entry, Entry::Began { .. } | Entry::Stands { .. }) {
        // Anything else is older than what was dropped, and is in what was written out after it.
        let mut standing = Standing::default();
        standing.apply(entry);
        standings.insert(endpoint.to_owned(), standing);
    }
}

type Opened = (Journal, BTreeMap<String, Standing>);

fn open(dir: &Path, reserve_bytes: u64, clock: &stoa_journal::Clock) -> anyhow::Result<Opened> {
    let options = Options {
        segment_bytes: SEGMENT_BYTES,
        max_record_bytes: MAX_RECORD_BYTES,
        reserve_bytes,
    };
    let journal = Journal::open(dir, options, Arc::clone(clock))?.journal;
    let mut standings = BTreeMap::new();
    for record in journal.iter(journal.first()) {
        let record = record?;
        let Some(entry) = Entry::read(&record) else {
            anyhow::bail!(
                "record {} of {} can't be read: it was written by a newer version, use that one",
                record.seq,
                dir.display()
            );
        };
        apply(&mut standings, &entry);
    }
    Ok((journal, standings))
}

fn is_damage(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Error::Damaged { .. }))
}

/// Gives a folder another name.
fn set_aside(dir: &Path) -> anyhow::Result<PathBuf> {
    for number in 1..=MAX_ASIDE {
        let aside = dir.with_extension(format!("damaged-{number}"));
        if !aside.exists() {
            std::fs::rename(dir, &aside)?;
            return Ok(aside);
        }
    }
    anyhow::bail!("remove what was set aside beside {}", dir.display())
}
