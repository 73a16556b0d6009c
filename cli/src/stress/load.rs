//! The load: batches in flight, each sent until its outcome is known.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use futures_util::future::try_join_all;
use indicatif::ProgressBar;
use tokio::time::Instant;

use super::StressArgs;
use super::run::Run;
use crate::client::{Failure, Target};
use crate::output;

/// Articles in one batch.
const ARTICLES: usize = 100;

/// Comments that are written before the first is sent: some 150 MB.
const AHEAD: u32 = 200_000;

/// Sends the articles, then the comments.
pub(super) async fn load(run: &Run, args: &StressArgs) -> anyhow::Result<()> {
    let target = args.target.target()?;
    let articles: Vec<Bytes> = (0..run.corpus.n_threads())
        .map(|thread| run.corpus.article(thread))
        .collect();
    for part in articles.chunks(ARTICLES) {
        let answer = target
            .deliver(part, args.target.patience())
            .await
            .context("the articles can't be delivered")?;
        if let Some(refused) = answer.rejected.first() {
            bail!(
                "an article is refused: {}: {}",
                refused.code,
                refused.message
            );
        }
    }
    let written = write_ahead(run, args);
    let bar = output::progress(u64::from(run.corpus.len()), "comments");
    let next = AtomicU32::new(0);
    let started = Instant::now();
    let mut workers = Vec::new();
    for _ in 0..args.concurrency {
        workers.push(
            Worker {
                run,
                args,
                written: &written,
                next: &next,
                started,
                bar: &bar,
            }
            .work(target.clone()),
        );
    }
    let outcome = try_join_all(workers).await;
    bar.finish_and_clear();
    outcome.map(|_| ())
}

struct Worker<'a> {
    run: &'a Run,
    args: &'a StressArgs,
    written: &'a [Bytes],
    next: &'a AtomicU32,
    started: Instant,
    bar: &'a ProgressBar,
}

/// Writes the first comments before the clock runs, so that the machine is measured with the work
/// of the system, not with that of its load. A rate leaves time to write them as they are sent.
fn write_ahead(run: &Run, args: &StressArgs) -> Vec<Bytes> {
    let n_ahead = match args.rate {
        Some(_) => 0,
        None => run.corpus.len().min(AHEAD),
    };
    (0..n_ahead).map(|n| run.corpus.comment(n)).collect()
}

impl Worker<'_> {
    fn comment(&self, n: u32) -> Bytes {
        let ahead = usize::try_from(n).ok().and_then(|n| self.written.get(n));
        ahead.map_or_else(|| self.run.corpus.comment(n), Bytes::clone)
    }

    async fn work(self, target: Target) -> anyhow::Result<()> {
        let size = u32::from(self.args.batch);
        let mut before: Vec<Bytes> = Vec::new();
        loop {
            let first = self.next.fetch_add(size, Ordering::Relaxed);
            let last = first.saturating_add(size).min(self.run.corpus.len());
            if first >= last {
                return Ok(());
            }
            if let Some(rate) = self.args.rate.filter(|rate| *rate > 0.0) {
                let due = Duration::from_secs_f64(f64::from(first) / rate);
                tokio::time::sleep_until(self.started + due).await;
            }
            let mut events: Vec<Bytes> = (first..last).map(|n| self.comment(n)).collect();
            // Repeats of the batch before follow the new ones, so that indices stay what they are.
            let n_repeats = events.len() * usize::from(self.args.duplicates) / 100;
            events.extend(before.iter().take(n_repeats).cloned());
            self.send(&target, &events, first, last).await?;
            events.truncate((last - first) as usize);
            before = events;
            self.bar.inc(u64::from(last - first));
        }
    }

    /// Sends a batch until its outcome is known, or patience is over and it stays unknown.
    async fn send(
        &self,
        target: &Target,
        events: &[Bytes],
        first: u32,
        last: u32,
    ) -> anyhow::Result<()> {
        for n in first..last {
            self.run.attempt(n);
        }
        let patience = Instant::now() + self.args.target.patience();
        let mut pause = Duration::from_millis(20);
        loop {
            let sent = Instant::now();
            match target.send(events).await {
                Ok(answer) => {
                    let took = sent.elapsed();
                    let n_new = (last - first) as usize;
                    let refused: Vec<usize> = answer
                        .rejected
                        .iter()
                        .map(|refused| refused.index)
                        .filter(|index| *index < n_new)
                        .collect();
                    for (index, n) in (first..last).enumerate() {
                        if !refused.contains(&index) {
                            self.run.acknowledge(n, took);
                        }
                    }
                    if let Some(refused) = answer.rejected.first() {
                        tracing::debug!(code = refused.code, "an event is refused");
                    }
                    self.run
                        .n_refused
                        .fetch_add(answer.rejected.len() as u64, Ordering::Relaxed);
                    self.run
                        .n_duplicate
                        .fetch_add(answer.duplicate, Ordering::Relaxed);
                    return Ok(());
                }
                Err(Failure::Never(message)) => bail!("{message}"),
                Err(Failure::Later { message, after }) => {
                    self.run.n_retries.fetch_add(1, Ordering::Relaxed);
                    let wait = after
                        .unwrap_or(pause)
                        .max(pause)
                        .min(Duration::from_secs(5));
                    if Instant::now() + wait > patience {
                        // It stays attempted and not acknowledged: the check finds out.
                        tracing::debug!(error = message, "a batch stays unknown");
                        return Ok(());
                    }
                    tokio::time::sleep(wait).await;
                    pause = (pause * 2).min(Duration::from_secs(1));
                }
            }
        }
    }
}
