//! One journal against its readers, page by page.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use futures_util::future::try_join_all;
use serde::Deserialize;
use serde_json::value::RawValue;
use stoa_proto::Time;
use tokio::time::Instant;

use super::report::{Compared, Report};
use super::role::{Page, Role};
use crate::output;

/// Records that are sent again in one request.
const RESENT: usize = 1_000;

/// Between two looks for what was sent again.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// What is compared and what is done about it.
pub(super) struct Options {
    pub(super) since: Option<Time>,
    pub(super) settle: u32,
    pub(super) wait: Duration,
    pub(super) dry_run: bool,
}

/// One journal, and the roles that read what it published.
pub(super) struct Pass<'a> {
    pub(super) journal: &'a Role,
    pub(super) readers: Vec<&'a Role>,
    /// Whether decisions are sent to platforms, too.
    pub(super) decisions: bool,
    pub(super) options: &'a Options,
}

#[derive(Deserialize)]
struct Numbered {
    seq: u64,
}

fn seq(event: &RawValue) -> anyhow::Result<u64> {
    Ok(serde_json::from_str::<Numbered>(event.get())?.seq)
}

impl Pass<'_> {
    /// Compares the journal to its end as it is now.
    pub(super) async fn run(&self, report: &mut Report) -> anyhow::Result<()> {
        let mut compared = Compared::new(self.journal.name, &self.readers);
        let done = self.compare(&mut compared, report).await;
        report.compared.push(compared);
        done
    }

    async fn compare(&self, compared: &mut Compared, report: &mut Report) -> anyhow::Result<()> {
        let mut page = self.journal.page(None, self.options).await?;
        let (first, end) = (page.from, page.end);
        let bar = output::progress(end - first, "records compared");
        loop {
            let next = page.next.filter(|next| *next < end);
            let following = async {
                match next {
                    Some(next) => self.journal.page(Some(next), self.options).await.map(Some),
                    None => Ok(None),
                }
            };
            let events: Vec<&RawValue> = page.events.iter().map(AsRef::as_ref).collect();
            let asking = self.readers.iter().map(|reader| reader.missing(&events));
            let (missing, following) = tokio::try_join!(try_join_all(asking), following)?;
            compared.looked_at += events.len() as u64;
            self.heal(&page, &missing, compared, report).await?;
            bar.set_position(next.unwrap_or(end) - first);
            match following {
                Some(following) if report.error.is_none() => page = following,
                _ => break,
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Sends again what any reader misses, and waits until it has arrived.
    async fn heal(
        &self,
        page: &Page,
        missing: &[Vec<usize>],
        compared: &mut Compared,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let mut seqs = BTreeSet::new();
        let mut lost = Vec::with_capacity(missing.len());
        for (reader, places) in self.readers.iter().zip(missing) {
            let events: Vec<&RawValue> = places
                .iter()
                .filter_map(|place| page.events.get(*place).map(AsRef::as_ref))
                .collect();
            compared.missing(reader.name, events.len());
            for event in &events {
                seqs.insert(seq(event)?);
                report.name(self.journal.name, reader.name, event)?;
            }
            lost.push(events);
        }
        if self.options.dry_run || seqs.is_empty() {
            return Ok(());
        }
        let seqs: Vec<u64> = seqs.into_iter().collect();
        let mut sent = HashSet::new();
        for part in seqs.chunks(RESENT) {
            sent.extend(self.journal.resend(part, self.decisions).await?);
        }
        compared.resent += sent.len() as u64;
        for (reader, mut events) in self.readers.iter().zip(lost) {
            // What was erased or dropped since the page was made can't come.
            events.retain(|event| seq(event).is_ok_and(|seq| sent.contains(&seq)));
            let n_events = events.len();
            let n_left = self.arrive(reader, events).await?;
            compared.arrived(reader.name, n_events - n_left);
            if n_left > 0 {
                report.error = Some(format!(
                    "{n_left} of {n_events} events that were sent again have not reached {} within {} s: see whether it runs and whether its queues move, and start again",
                    reader.name,
                    self.options.wait.as_secs(),
                ));
            }
        }
        Ok(())
    }

    /// Waits until a reader holds events, and returns how many it does not when nothing has moved
    /// for a while.
    async fn arrive(&self, reader: &Role, mut left: Vec<&RawValue>) -> anyhow::Result<usize> {
        let mut moved = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let missing = reader.missing(&left).await?;
            if missing.len() < left.len() {
                moved = Instant::now();
            }
            left = missing
                .iter()
                .filter_map(|place| left.get(*place).copied())
                .collect();
            if left.is_empty() || moved.elapsed() >= self.options.wait {
                return Ok(left.len());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
