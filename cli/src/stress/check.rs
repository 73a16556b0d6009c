//! The checker: what was acknowledged against what is there.
//!
//! It waits until nothing moves any more, reads every thread back, and judges event by event.

pub(super) mod found;
pub(super) mod judge;
pub(super) mod queues;
pub(super) mod refusals;

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::bail;
use serde::de::IgnoredAny;
use serde_json::Value;
use tokio::time::Instant;

use self::found::History;
pub(super) use self::judge::Checked;
use self::refusals::Refusals;
use super::plan::Kind;
use super::reader::{Read, Reader, encode};
use super::run::Run;
use super::slots::Mark;
use crate::output;

/// Events at the end of a run that are asked for one by one to see that all is archived.
const LAST: usize = 64;

/// Whom the checker asks.
pub(super) struct Readers {
    /// The archive's public listener.
    pub(super) archive: Option<Reader>,
    /// The admin listener of moderation-rules.
    pub(super) moderation: Option<Reader>,
    /// The admin listener of ingest.
    pub(super) ingest: Option<Reader>,
    /// The broker's management.
    pub(super) management: Option<Reader>,
}

impl Readers {
    /// Asks everybody once, so that a wrong address or token is known before anything is sent.
    /// Who does not answer yet may answer later.
    pub(super) async fn probe(&self, run: &Run) -> anyhow::Result<()> {
        let site = encode(run.corpus.site());
        let archive = format!("/v1/sites/{site}/threads?limit=1");
        let moderation = format!("/admin/decisions?limit=1&site={site}");
        for (reader, path) in [
            (&self.archive, archive.as_str()),
            (&self.moderation, moderation.as_str()),
            (&self.ingest, "/admin/rejections?limit=1"),
            (&self.management, queues::LIST),
        ] {
            if let Some(reader) = reader
                && reader.get::<IgnoredAny>(path).await? == Read::Nothing
            {
                bail!(
                    "{} is not there: is it the right address?",
                    reader.shown(path)
                );
            }
        }
        Ok(())
    }
}

/// What the checks found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The comparison with the archive; absent when it was not asked.
    pub(super) checked: Option<Checked>,
    /// What queues and the outbox still hold; absent when nobody was asked.
    pub(super) queues: Option<Vec<queues::Left>>,
}

/// Waits until everything is decided and archived, or nothing moves, and compares.
pub(super) async fn check(
    run: &Run,
    readers: &Readers,
    patience: Duration,
) -> anyhow::Result<Found> {
    if readers.moderation.is_some() {
        until_decided(run, patience).await;
    }
    let checked = match &readers.archive {
        Some(archive) => {
            until_archived(archive, run, patience).await;
            Some(compare(archive, readers.ingest.as_ref(), run, patience).await?)
        }
        None => None,
    };
    let queues = queues::until_empty(readers, patience).await?;
    Ok(Found { checked, queues })
}

/// Waits until every acknowledged revision was seen decided, or nothing new is seen for `patience`.
async fn until_decided(run: &Run, patience: Duration) {
    let wanted = run.counts.revisions.load(Ordering::Relaxed);
    let bar = output::progress(wanted, "decisions");
    let mut progress = Progress::new(patience);
    loop {
        let decided = run.counts.decided.load(Ordering::Relaxed);
        bar.set_position(decided);
        if decided >= wanted || progress.is_over(decided) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bar.finish_and_clear();
}

/// Waits until the archive holds as many comments as were acknowledged and has decided the last
/// ones, or nothing moves for `patience`; notes when that was.
async fn until_archived(archive: &Reader, run: &Run, patience: Duration) {
    let wanted = run.counts.comments.load(Ordering::Relaxed);
    let bar = output::progress(wanted, "comments archived");
    let mut progress = Progress::new(patience);
    loop {
        let held = held(archive, run).await.unwrap_or_default();
        bar.set_position(held);
        if held >= wanted {
            break;
        }
        if progress.is_over(held) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let is_revision = |n: &u32| run.kind(*n).and_then(|kind| kind.revision(*n)).is_some();
    let is_taken = |n: &u32| {
        run.slot(*n)
            .is_some_and(|slot| slot.has(Mark::Acknowledged))
    };
    let last = (0..run.end()).rev().filter(is_revision).filter(is_taken);
    let mut progress = Progress::new(patience);
    for (done, n) in (1..).zip(last.take(LAST)) {
        while !is_decided(archive, run, n).await {
            if progress.is_over(done) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    run.settle();
    bar.finish_and_clear();
}

async fn is_decided(archive: &Reader, run: &Run, n: u32) -> bool {
    let Some((comment, revision)) = run.kind(n).and_then(|kind| kind.revision(n)) else {
        return true;
    };
    let path = found::comment_path(run, comment);
    let history = archive.get::<History>(&path).await;
    matches!(history, Ok(Read::Found(history)) if history.n_decisions(revision) > 0)
}

/// Counts the comments that the archive holds in this run's threads.
async fn held(archive: &Reader, run: &Run) -> Option<u64> {
    let site = encode(run.corpus.site());
    let mut total = 0;
    let mut after = String::new();
    loop {
        let path = format!("/v1/sites/{site}/threads?limit=500{after}");
        let listing: Value = archive.get(&path).await.ok()?.found()?;
        for thread in listing
            .get("threads")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let id = thread
                .get("thread")
                .and_then(Value::as_str)
                .unwrap_or_default();
            if run.corpus.thread_of_id(id).is_some() {
                total += thread.get("comments").and_then(Value::as_u64).unwrap_or(0);
            }
        }
        match listing.get("next").and_then(Value::as_str) {
            Some(next) => after = format!("&after={}", encode(next)),
            None => return Some(total),
        }
    }
}

/// Compares until nothing is missing, or nothing moves for `patience`.
async fn compare(
    archive: &Reader,
    ingest: Option<&Reader>,
    run: &Run,
    patience: Duration,
) -> anyhow::Result<Checked> {
    let mut progress = Progress::new(patience);
    loop {
        let mut checked = Checked::begin(run);
        let bar = output::progress(u64::from(run.corpus.n_threads()), "threads read back");
        for thread in 0..run.corpus.n_threads() {
            let found = found::thread(archive, run, thread, patience).await?;
            judge::thread(run, thread, &found, &mut checked);
            bar.inc(1);
        }
        bar.finish_and_clear();
        let refusals = match ingest {
            Some(ingest) => Some(Refusals::read(ingest, run, patience).await?),
            None => None,
        };
        judge::refusals(run, refusals.as_ref(), &mut checked);
        let waiting = checked.lost + checked.undecided + checked.not_refused;
        if waiting == 0 {
            run.settle();
        }
        if waiting == 0 || progress.is_over(checked.ok + checked.refused) {
            return Ok(checked);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Tells whether all that is known of a comment is needed to judge it: something else than its
/// words was sent about it, or it is one of sixteen.
fn needs_history(run: &Run, comment: u32, n_events: usize) -> bool {
    n_events > 1
        || comment.is_multiple_of(16)
        || !matches!(run.kind(comment), Some(Kind::Comment { .. }))
}

/// Tells when nothing has moved for a while.
struct Progress {
    patience: Duration,
    best: u64,
    since: Instant,
}

impl Progress {
    fn new(patience: Duration) -> Self {
        Self {
            patience,
            best: 0,
            since: Instant::now(),
        }
    }

    fn is_over(&mut self, now: u64) -> bool {
        if now > self.best {
            self.best = now;
            self.since = Instant::now();
        }
        self.since.elapsed() > self.patience
    }
}
