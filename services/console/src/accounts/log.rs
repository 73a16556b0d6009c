//! The journal as auditors read it: what was done, the newest first, and whether it is whole.

use std::time::Duration;

use jiff::Timestamp;

use super::entry::KIND;
use super::secret::hex;
use super::{Accounts, Entry};

/// Records that are read at a time, and that are looked through for a page.
const CHUNK: u64 = 256;
const MAX_SCAN: u64 = 100_000;
/// How long a journal that was verified counts as that.
const HOLDS: Duration = Duration::from_mins(1);

/// An entry of the journal.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) seq: u64,
    pub(crate) at: Option<Timestamp>,
    pub(crate) entry: Entry,
}

/// A part of the journal, the newest first.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) entries: Vec<Written>,
    /// Before which record the next part begins, if there may be one.
    pub(crate) next: Option<u64>,
}

/// What was found when the whole journal was verified.
#[derive(Clone, Debug)]
pub(crate) struct Verified {
    pub(crate) at: Timestamp,
    pub(crate) records: u64,
    /// The last record's link of the chain, as hexadecimal digits.
    pub(crate) head: String,
}

impl Accounts {
    /// Reads up to `limit` entries before a record for which `is_asked` holds.
    pub(crate) async fn log(
        &self,
        before: Option<u64>,
        limit: usize,
        is_asked: impl Fn(&Written) -> bool + Send + 'static,
    ) -> anyhow::Result<Part> {
        let accounts = self.clone();
        let read = move || accounts.read(before, limit, is_asked);
        self.0.tasks.spawn_blocking(read).await?
    }

    fn read(
        &self,
        before: Option<u64>,
        limit: usize,
        is_asked: impl Fn(&Written) -> bool,
    ) -> anyhow::Result<Part> {
        let journal = &self.0.journal;
        let mut next = before.unwrap_or(u64::MAX).min(journal.next());
        let last = next.saturating_sub(MAX_SCAN);
        let mut part = Part::default();
        while next > last {
            let from = next.saturating_sub(CHUNK).max(last);
            let records = journal.iter(from);
            let records =
                records.take_while(|record| record.as_ref().is_ok_and(|it| it.seq < next));
            let records: Vec<_> = records.collect::<Result<_, _>>()?;
            for record in records.iter().rev().filter(|record| record.kind == KIND) {
                let written = Written {
                    seq: record.seq,
                    at: Timestamp::from_microsecond(record.time_us).ok(),
                    entry: serde_json::from_slice(&record.payload)?,
                };
                if !is_asked(&written) {
                    continue;
                }
                if part.entries.len() >= limit {
                    part.next = Some(record.seq + 1);
                    return Ok(part);
                }
                part.entries.push(written);
            }
            next = from;
        }
        part.next = (last > 0).then_some(last);
        Ok(part)
    }

    /// Verifies the whole chain, or tells what was found within the last minute; nothing if it is damaged.
    pub(crate) async fn verified(&self) -> anyhow::Result<Option<Verified>> {
        let mut known = self.0.verified.lock().await;
        let now = self.0.clock.now();
        let holds = |known: &Verified| now.duration_since(known.at).unsigned_abs() < HOLDS;
        if let Some(known) = known.as_ref().filter(|known| holds(known)) {
            return Ok(Some(known.clone()));
        }
        let dir = self.0.journal.dir().to_owned();
        let verify = move || stoa_journal::verify(&dir, &mut |_| {});
        match self.0.tasks.spawn_blocking(verify).await? {
            Ok(report) => {
                *known = Some(Verified {
                    at: now,
                    records: report.records,
                    head: hex(&report.head),
                });
                Ok(known.clone())
            }
            Err(stoa_journal::Error::Damaged { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
