//! Judging without deciding, for every route that is asked for verdicts: within the same limits.
//!
//! - A body is read up to `moderate.max_body`, or 1 MiB where it has one comment.
//! - Requests beyond `moderate.queue` are sent away (503), and `moderate.threads` are judged at a time.
//! - What is not judged within the deadline is not judged at all, and its route says so: never as an approval.

pub(crate) mod subject;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::StatusCode;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use stoa_daemon::auth::Tokens;
use stoa_daemon::{ConfigError, Context, Problem};
use stoa_proto::Code;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};
use tokio::time::{Instant, timeout_at};

use self::subject::{SiteLanguages, Subject};
use crate::config::ModerateConfig;
use crate::engine::Parts;
use crate::engine::trial::Trial;
use crate::live::Live;
use crate::metrics::ModerateMetrics;
use crate::scorers::{Scorers, Scores};

/// Bytes of a request that has one comment, whatever is around its words.
const MAX_ONE: u64 = 1024 * 1024;
/// Bytes that are thrown away of a body that is too large.
const DISCARDED: usize = 32 * 1024 * 1024;
/// Comments of one request.
pub(super) const MAX_COMMENTS: usize = 100;

/// Names of scores that are fetched whatever the rules read.
pub(super) type Wanted = BTreeSet<Arc<str>>;

/// What the public routes that judge share.
#[derive(Clone, Debug)]
pub(crate) struct Judging {
    pub(super) tokens: Tokens,
    pub(super) parts: Arc<Parts>,
    scorers: Option<Arc<Scorers>>,
    pub(super) languages: Arc<SiteLanguages>,
    pub(super) metrics: ModerateMetrics,
    pub(super) deadline: Duration,
    max_body: u64,
    /// Requests that are worked on or wait.
    queue: Arc<Semaphore>,
    /// Requests that are judged at a time.
    turns: Arc<Semaphore>,
    pub(super) context: Context,
}

/// A comment that was judged.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) trial: Trial,
    /// What classifiers outside said, as far as it was asked for and came in time.
    pub(super) scores: Scores,
}

impl Judging {
    pub(crate) fn new(
        config: &ModerateConfig,
        tokens: Tokens,
        parts: Arc<Parts>,
        scorers: Option<Arc<Scorers>>,
        context: &Context,
    ) -> Result<Self, ConfigError> {
        let threads = match config.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        Ok(Self {
            tokens,
            metrics: parts.metrics.moderate.clone(),
            parts,
            scorers,
            languages: Arc::new(SiteLanguages::new(config)?),
            deadline: config.deadline.get(),
            max_body: config.max_body.get(),
            queue: Arc::new(Semaphore::new(config.queue)),
            turns: Arc::new(Semaphore::new(threads)),
            context: context.clone(),
        })
    }

    /// Takes a place among the requests that are worked on; 503 if there is none.
    pub(super) fn place(&self) -> Result<SemaphorePermit<'_>, Problem> {
        let busy = || Problem::unavailable("too many requests wait already", 1);
        self.queue.try_acquire().map_err(|_| busy())
    }

    /// Reads a body up to `moderate.max_body`.
    pub(super) async fn read(&self, body: Body) -> Result<Bytes, Problem> {
        read(body, self.max_body).await
    }

    /// Reads a body that has one comment: it need not be known who sends it before.
    pub(super) async fn read_one(&self, body: Body) -> Result<Bytes, Problem> {
        read(body, self.max_body.min(MAX_ONE)).await
    }

    /// Fetches scores: what the rules could read, and what is wanted beside. A quarter of the time is left for
    /// judging.
    pub(super) async fn scores(
        &self,
        live: &Live,
        subjects: &[Subject],
        wanted: &Wanted,
        started: Instant,
        deadline: Instant,
    ) -> Vec<Scores> {
        let Some(scorers) = &self.scorers else {
            return Vec::new();
        };
        if wanted.is_empty() && !live.set.reads_scores() {
            return Vec::new();
        }
        let until = deadline - deadline.saturating_duration_since(started) / 4;
        let comments = subjects.iter().map(Subject::comment).collect();
        let now = self.context.clock.micros();
        scorers
            .of_comments(&live.set, comments, wanted, now, Some(until))
            .await
    }

    /// Judges comments one after the other until the deadline; none of those that were not judged by then.
    pub(super) async fn judge(
        &self,
        live: &Arc<Live>,
        subjects: &Arc<Vec<Subject>>,
        mut scores: Vec<Scores>,
        deadline: Instant,
    ) -> Result<Vec<Option<Judged>>, Problem> {
        let mut results: Vec<Option<Judged>> = Vec::new();
        results.resize_with(subjects.len(), || None);
        let turn = Arc::clone(&self.turns).acquire_owned();
        if let Ok(Ok(turn)) = timeout_at(deadline, turn).await {
            // What is judged is told one by one, so that a comment that takes too long costs the
            // others nothing but what is left of the time.
            let (tell, mut told) = mpsc::channel(MAX_COMMENTS);
            let (parts, live, own) = (
                Arc::clone(&self.parts),
                Arc::clone(live),
                Arc::clone(subjects),
            );
            self.context.tasks.spawn_blocking(move || {
                let _turn = turn;
                for (index, subject) in own.iter().enumerate() {
                    if Instant::now() >= deadline {
                        return;
                    }
                    let scores = scores
                        .get_mut(index)
                        .map(std::mem::take)
                        .unwrap_or_default();
                    let Some(comment) = subject.comment() else {
                        continue;
                    };
                    let trial = parts.try_comment(&live, &subject.event, comment, &scores);
                    let judged = trial.map(|trial| Judged { trial, scores });
                    // Nobody waits any more where this fails.
                    if tell.try_send((index, judged)).is_err() {
                        return;
                    }
                }
            });
            while let Ok(Some((index, judged))) = timeout_at(deadline, told.recv()).await {
                let judged = judged.map_err(|error| {
                    tracing::error!(error = format!("{error:#}"), "cannot judge a comment");
                    Problem::internal()
                })?;
                if let Some(place) = results.get_mut(index) {
                    *place = Some(judged);
                }
            }
        }
        Ok(results)
    }
}

async fn read(body: Body, limit: u64) -> Result<Bytes, Problem> {
    let mut stream = body.into_data_stream();
    let mut read = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Problem::bad_request("the body ended before its end"))?;
        if (read.len() + chunk.len()) as u64 > limit {
            drop(read);
            discard(stream).await;
            let detail = format!("a request may have {limit} bytes: send less at a time");
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return Err(Problem::new(status, Code::TooLarge.as_str())
                .with_detail(detail)
                .with_limit(format!("{limit} bytes")));
        }
        read.extend_from_slice(&chunk);
    }
    Ok(read.freeze())
}

/// Reads on and throws it away: most clients read no answer before they have sent everything.
async fn discard(mut stream: BodyDataStream) {
    let mut left = DISCARDED;
    while let Some(Ok(chunk)) = stream.next().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
