//! The checker: what was acknowledged against what is there.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::bail;
use reqwest::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use super::run::Run;
use super::tail::encode;
use crate::{client, output};

/// Comments at the end of a run that are asked for one by one to see that all is archived.
const LAST: u32 = 64;

/// Ids that a report names of each kind.
const NAMED: usize = 20;

/// Reads a role's JSON.
pub(super) struct Reader {
    client: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Reader {
    pub(super) fn new(client: reqwest::Client, base: &str, token: Option<String>) -> Self {
        Self {
            client,
            base: base.trim_end_matches('/').to_owned(),
            token,
        }
    }

    /// Reads an answer; `None` when nobody answers, when the answer is "later", or when there is
    /// nothing at the address.
    ///
    /// # Errors
    /// When the answer will never be another: no right to read.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Option<T>> {
        let url = format!("{}{path}", self.base);
        let mut request = self.client.get(&url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_builder() => bail!("{}", client::chain(&error)),
            Err(_) => return Ok(None),
        };
        match response.status() {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                bail!("{} answers {}: use --token", self.base, response.status())
            }
            StatusCode::BAD_REQUEST => bail!("{url} answers {}", response.status()),
            status if status.is_success() => Ok(response.json().await.ok()),
            _ => Ok(None),
        }
    }
}

/// What the comparison found, as of Jepsen's set checker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Checked {
    /// Comments that were sent.
    pub(super) attempted: u64,
    /// Comments that were acknowledged.
    pub(super) acknowledged: u64,
    /// Acknowledged, there once, decided once.
    pub(super) ok: u64,
    /// Acknowledged, and not there or not decided.
    pub(super) lost: u64,
    /// There twice, or decided twice.
    pub(super) duplicated: u64,
    /// There, and never sent.
    pub(super) unexpected: u64,
    /// Not acknowledged, and there.
    pub(super) recovered: u64,
    /// Some ids of what is wrong.
    pub(super) examples: Vec<String>,
}

impl Checked {
    fn example(&mut self, what: &str, id: &str) {
        if self.examples.len() < NAMED {
            self.examples.push(format!("{what}: {id}"));
        }
    }
}

/// Waits until every acknowledged comment was seen decided, or nothing new is seen for `patience`.
pub(super) async fn until_decided(run: &Run, patience: Duration) {
    let wanted = run.n_acknowledged.load(Ordering::Relaxed);
    let bar = output::progress(wanted, "decisions");
    let mut progress = Progress::new(patience);
    loop {
        let decided = run.n_decided.load(Ordering::Relaxed);
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
pub(super) async fn until_archived(archive: &Reader, run: &Run, patience: Duration) {
    let wanted = run.n_acknowledged.load(Ordering::Relaxed);
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
    let len = run.corpus.len();
    let mut progress = Progress::new(patience);
    let mut n = len.saturating_sub(LAST);
    while n < len {
        if !run.is_acknowledged(n) || is_decided(archive, run, n).await {
            n += 1;
        } else if progress.is_over(u64::from(n)) {
            return;
        } else {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    run.settle();
    bar.finish_and_clear();
}

async fn is_decided(archive: &Reader, run: &Run, n: u32) -> bool {
    let path = format!(
        "/v1/sites/{}/comments/{}",
        encode(run.corpus.site()),
        encode(&run.corpus.comment_id(n))
    );
    matches!(archive.get::<Value>(&path).await, Ok(Some(comment)) if comment.get("decision").is_some_and(Value::is_object))
}

/// Counts the comments that the archive holds in this run's threads.
async fn held(archive: &Reader, run: &Run) -> Option<u64> {
    let site = encode(run.corpus.site());
    let mut total = 0;
    let mut after = String::new();
    loop {
        let path = format!("/v1/sites/{site}/threads?limit=500{after}");
        let listing: Value = archive.get(&path).await.ok()??;
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

/// What the archive holds of a comment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// How often it is there.
    pub(super) copies: u64,
    /// How many decisions it has.
    pub(super) decisions: u64,
}

/// Compares until nothing is missing, or nothing moves for `patience`.
pub(super) async fn compare(
    archive: &Reader,
    run: &Run,
    patience: Duration,
) -> anyhow::Result<Checked> {
    let mut progress = Progress::new(patience);
    loop {
        let found = read(archive, run, patience).await?;
        let checked = judge(run, &found);
        if checked.lost == 0 || progress.is_over(checked.ok) {
            if checked.lost == 0 {
                run.settle();
            }
            return Ok(checked);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Reads every thread of the run.
async fn read(
    archive: &Reader,
    run: &Run,
    patience: Duration,
) -> anyhow::Result<HashMap<String, Held>> {
    let bar = output::progress(u64::from(run.corpus.n_threads()), "threads read back");
    let site = encode(run.corpus.site());
    let mut found: HashMap<String, Held> = HashMap::new();
    for thread in 0..run.corpus.n_threads() {
        let id = encode(&run.corpus.thread_id(thread));
        let mut after = String::new();
        let mut progress = Progress::new(patience.min(Duration::from_secs(5)));
        loop {
            let path = format!("/v1/sites/{site}/threads/{id}?limit=1000{after}");
            let Some(page) = archive.get::<Value>(&path).await? else {
                if progress.is_over(0) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            for comment in page
                .get("comments")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                if comment.get("ghost").and_then(Value::as_bool) == Some(true) {
                    continue;
                }
                let id = comment
                    .get("comment")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let held = found.entry(id.to_owned()).or_default();
                held.copies += 1;
                held.decisions += comment
                    .get("decisions")
                    .and_then(Value::as_u64)
                    .unwrap_or(0);
            }
            match page.get("next").and_then(Value::as_str) {
                Some(next) => after = format!("&after={}", encode(next)),
                None => break,
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(found)
}

/// Compares what was found with what was attempted and acknowledged.
pub(super) fn judge(run: &Run, found: &HashMap<String, Held>) -> Checked {
    let mut checked = Checked {
        attempted: run.n_attempted.load(Ordering::Relaxed),
        acknowledged: run.n_acknowledged.load(Ordering::Relaxed),
        ..Checked::default()
    };
    for id in found.keys() {
        let known = run
            .corpus
            .comment_of_id(id)
            .filter(|n| run.is_attempted(*n));
        if known.is_none() {
            checked.unexpected += 1;
            checked.example("unexpected", id);
        }
    }
    for n in 0..run.corpus.len() {
        let id = run.corpus.comment_id(n);
        let held = found.get(&id).copied().unwrap_or_default();
        let acknowledged = run.is_acknowledged(n);
        if held.copies > 1 || held.decisions > 1 {
            checked.duplicated += 1;
            checked.example("duplicated", &id);
        } else if acknowledged && held.copies == 1 && held.decisions == 1 {
            checked.ok += 1;
        } else if acknowledged {
            checked.lost += 1;
            let what = if held.copies == 0 {
                "lost"
            } else {
                "lost (not decided)"
            };
            checked.example(what, &id);
        }
        if !acknowledged && held.copies > 0 && run.is_attempted(n) {
            checked.recovered += 1;
        }
    }
    checked
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
