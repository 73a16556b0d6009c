//! From the reader to Stoa: batches, in the order of the file, one at a time.

use std::time::Duration;

use bytes::Bytes;
use stoa_proto::{Code, limits};
use tokio::sync::mpsc;

use super::events::Job;
use super::item::Broken;
use super::report::{Entry, Problem, Report, Result as Outcome};
use crate::client::{Failure, Target};

/// Bytes of a batch: half of what ingest takes, so that a little overhead never matters.
const BATCH_BYTES: usize = limits::BATCH_BYTES / 2;
/// What is only reported is handed over in portions of this size.
const ENTRIES: usize = 1_000;

/// What is said of a comment whose id came with other content.
const OTHER_CONTENT: &str = "the comment came before with another text, parent or state, and an \
    import does not rewrite: send the change as `comment.edited`, or decide it in Stoa";

/// What is sent and reported together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    jobs: Vec<Job>,
    n_events: usize,
    n_bytes: usize,
}

#[cfg(test)]
impl Batch {
    /// Returns what is in it.
    pub(super) fn into_jobs(self) -> Vec<Job> {
        self.jobs
    }
}

/// Gathers batches, on the reader's thread.
#[derive(Debug)]
pub(super) struct Batches {
    size: usize,
    waiting: Batch,
    out: mpsc::Sender<Batch>,
}

impl Batches {
    pub(super) fn new(size: usize, out: mpsc::Sender<Batch>) -> Self {
        Self {
            size,
            waiting: Batch::default(),
            out,
        }
    }

    /// Adds to the batch, and hands it over when it is full.
    pub(super) fn push(&mut self, job: Job) -> Result<(), Broken> {
        let n_bytes = job.body.as_ref().map_or(0, Bytes::len);
        if self.waiting.n_bytes + n_bytes > BATCH_BYTES {
            self.finish()?;
        }
        self.waiting.n_events += usize::from(job.body.is_some());
        self.waiting.n_bytes += n_bytes;
        self.waiting.jobs.push(job);
        if self.waiting.n_events >= self.size || self.waiting.jobs.len() >= ENTRIES {
            self.finish()?;
        }
        Ok(())
    }

    /// Hands over what waits; fails if nobody takes it.
    pub(super) fn finish(&mut self) -> Result<(), Broken> {
        let batch = std::mem::take(&mut self.waiting);
        if batch.jobs.is_empty() {
            return Ok(());
        }
        self.out.blocking_send(batch).map_err(|_| Broken::Stopped)
    }
}

/// Sends batch after batch, until there are no more or one can't be delivered; without a target
/// everything is reported alone.
pub(super) async fn all(
    mut batches: mpsc::Receiver<Batch>,
    target: Option<Target>,
    patience: Duration,
    mut report: Report,
) -> anyhow::Result<Report> {
    while let Some(batch) = batches.recv().await {
        let is_sent = target.is_some() && batch.n_events > 0;
        let (mut entries, mut bodies) = (Vec::new(), Vec::new());
        for job in batch.jobs {
            entries.push((job.entry, job.body.is_some()));
            bodies.extend(job.body);
        }
        let answer = match &target {
            Some(target) if is_sent => target.deliver(&bodies, patience).await,
            _ => Ok(crate::client::Answer::default()),
        };
        let mut place = 0;
        let failed = answer.as_ref().err().map(Failure::to_string);
        for (mut entry, has_event) in entries {
            if has_event {
                match &answer {
                    Ok(answer) if is_sent => settle(&mut entry, place, answer, target.as_ref()),
                    Ok(_) => {}
                    Err(_) => entry.result = Some(Outcome::Undelivered),
                }
                place += 1;
            }
            report.add(&entry)?;
        }
        if let Some(error) = failed {
            report.fail(format!("not delivered: {error}"));
            return Ok(report);
        }
    }
    Ok(report)
}

fn settle(
    entry: &mut Entry,
    place: usize,
    answer: &crate::client::Answer,
    target: Option<&Target>,
) {
    if let Some(refused) = answer.rejected.iter().find(|one| one.index == place) {
        entry.result = Some(Outcome::Refused);
        // What ingest advises is for who sends revisions.
        let (field, message) = if refused.code == Code::StaleRevision.as_str() {
            (None, OTHER_CONTENT.to_owned())
        } else {
            (refused.field.clone(), refused.message.clone())
        };
        entry.problem = Some(Problem::of(&refused.code, field, message));
    } else if answer.duplicates.contains(&place) {
        entry.result = Some(Outcome::Duplicate);
    } else if matches!(target, Some(Target::Amqp(_))) {
        entry.result = Some(Outcome::Sent);
    } else {
        entry.result = Some(Outcome::Imported);
    }
}
