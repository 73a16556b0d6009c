//! `/admin/rules/backtests`: what a draft would have made of the comments that came lately.
//!
//! One runs at a time, on threads of its own at a low priority; it can be watched and called
//! off, and what it found is kept in memory for an hour.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use stoa_daemon::openapi::{Conflict, NotFound};

use axum::Json;
use axum::extract::{FromRequest as _, Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stoa_daemon::Problem;
use stoa_daemon::auth::{Principal, Role};
use stoa_proto::ids;
use stoa_rules::RuleSet;

use super::draft::Texts;
use super::{bad_files, broken, editor};
use crate::backtest::own::{Range, Raw, read};
use crate::backtest::{self, Options, Report, Sets};
use crate::http::{Admin, time, wrong};
use crate::live::Live;

/// Days of a backtest that says nothing of them, and at most.
const DAYS: u32 = 14;
const MAX_DAYS: u32 = 90;
/// Comments of a backtest that says nothing of them, and at most: where rules read reports they
/// are kept in memory.
const COMMENTS: u32 = 20_000;
const MAX_COMMENTS: u32 = 100_000;
/// Examples of each of the six kinds of flip: 48 together.
const SAMPLES: usize = 8;
/// How long what was found is kept, in microseconds.
const KEPT: i64 = 3_600 * 1_000_000;
/// Backtests that are kept at most.
const MOST: usize = 16;
/// A tenth of what other threads get where they need all there is: with less a backtest could hold up
/// a stop.
const NICE: i32 = 10;

/// The backtests of this process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backtests(Arc<Mutex<VecDeque<Arc<Job>>>>);

/// A backtest.
#[derive(Debug)]
struct Job {
    id: String,
    by: String,
    started: i64,
    days: u32,
    max_comments: u32,
    live: String,
    draft: String,
    done: AtomicU64,
    total: AtomicU64,
    cancelled: AtomicBool,
    outcome: Mutex<Option<Outcome>>,
}

#[derive(Debug)]
struct Outcome {
    at: i64,
    /// The report, or that it was called off or failed.
    found: Result<Arc<Value>, Ended>,
}

/// Why a backtest has no report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Cancelled,
    Failed,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Backtests {
    /// Takes a backtest in, unless another one runs.
    fn begin(&self, job: Arc<Job>) -> Result<(), Problem> {
        let mut jobs = lock(&self.0);
        forget(&mut jobs, job.started);
        if let Some(running) = jobs.iter().find(|job| job.is_running()) {
            let detail = format!(
                "{} of {} runs: wait for its end, or call it off",
                running.id, running.by
            );
            return Err(Problem::conflict(detail).with_code("backtest_running"));
        }
        jobs.push_front(job);
        jobs.truncate(MOST);
        Ok(())
    }

    fn find(&self, id: &str, now: i64) -> Result<Arc<Job>, Problem> {
        let mut jobs = lock(&self.0);
        forget(&mut jobs, now);
        let found = jobs.iter().find(|job| job.id == id);
        found.cloned().ok_or_else(|| {
            Problem::not_found("no backtest has this id: what was found is kept for an hour")
        })
    }

    fn all(&self, now: i64) -> Vec<Arc<Job>> {
        let mut jobs = lock(&self.0);
        forget(&mut jobs, now);
        jobs.iter().cloned().collect()
    }
}

fn forget(jobs: &mut VecDeque<Arc<Job>>, now: i64) {
    let is_old = |job: &Job| {
        let outcome = lock(&job.outcome);
        outcome.as_ref().is_some_and(|end| end.at + KEPT <= now)
    };
    jobs.retain(|job| !is_old(job));
}

impl Job {
    fn is_running(&self) -> bool {
        lock(&self.outcome).is_none()
    }

    fn shown(&self, with_report: bool) -> Shown {
        let outcome = lock(&self.outcome);
        let (state, report) = match outcome.as_ref().map(|end| &end.found) {
            None => ("running", None),
            Some(Ok(report)) => ("done", with_report.then(|| Arc::clone(report))),
            Some(Err(Ended::Cancelled)) => ("cancelled", None),
            Some(Err(Ended::Failed)) => ("failed", None),
        };
        Shown {
            id: self.id.clone(),
            state,
            by: self.by.clone(),
            started_at: time(self.started),
            ended_at: outcome.as_ref().and_then(|end| time(end.at)),
            days: self.days,
            max_comments: self.max_comments,
            live: self.live.clone(),
            draft: self.draft.clone(),
            progress: Progress {
                done: self.done.load(Ordering::Relaxed),
                total: self.total.load(Ordering::Relaxed),
            },
            report,
        }
    }
}

/// A backtest as it is answered.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Backtest)]
struct Shown {
    id: String,
    /// `running`, `done`, `cancelled` or `failed`.
    state: &'static str,
    by: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    days: u32,
    max_comments: u32,
    /// The hashes of what is compared.
    live: String,
    draft: String,
    progress: Progress,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Report>)]
    report: Option<Arc<Value>>,
}

/// Records that were read, of those that are to be; no total until they are counted.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BacktestProgress)]
struct Progress {
    done: u64,
    total: u64,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BacktestRequest)]
struct Asked {
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    files: Texts,
    days: Option<u32>,
    max_comments: Option<u32>,
}

fn within(field: &str, asked: Option<u32>, default: u32, most: u32) -> Result<u32, Problem> {
    let number = asked.unwrap_or(default);
    if (1..=most).contains(&number) {
        return Ok(number);
    }
    let limit = format!("1 to {most}");
    Err(wrong(field, format!("send a number from {limit}")).with_limit(limit))
}

/// Begins to judge the comments that came lately by a draft.
///
/// One runs at a time: `409 backtest_running`.
#[utoipa::path(
    post,
    path = "/admin/rules/backtests",
    operation_id = "begin_backtest",
    tag = "rules",
    request_body = Asked,
    extensions(("x-role" = json!(Role::Editor)), ("x-all-sites" = json!(true))),
    responses((status = 202, description = "It runs.", body = Shown), (status = 422, description = "The rule set has errors.", body = super::Broken, content_type = "application/problem+json"), Conflict),
)]
pub(crate) async fn begin(
    State(admin): State<Admin>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let by = editor(&admin, &headers)?.name;
    let Json(asked) = Json::<Asked>::from_request(request, &())
        .await
        .map_err(bad_files)?;
    let days = within("days", asked.days, DAYS, MAX_DAYS)?;
    let max_comments = within("max_comments", asked.max_comments, COMMENTS, MAX_COMMENTS)?;
    let draft = match admin.draft(asked.files).await? {
        Ok(draft) => draft,
        Err(errors) => return Ok(broken(&errors)),
    };
    let live = admin.rules.live();
    let started = admin.context.clock.micros();
    let (live_hash, draft_hash) = (live.set.hash().to_owned(), draft.hash().to_owned());
    let job = Arc::new(Job {
        id: ids::derive("bt-", &[&by, &draft_hash, &started.to_string()]),
        by,
        started,
        days,
        max_comments,
        live: live_hash,
        draft: draft_hash,
        done: AtomicU64::new(0),
        total: AtomicU64::new(0),
        cancelled: AtomicBool::new(false),
        outcome: Mutex::new(None),
    });
    admin.backtests.begin(Arc::clone(&job))?;
    let shown = job.shown(false);
    let own = admin.clone();
    admin.context.tasks.spawn_blocking(move || {
        let found = apart(|| work(&own, &job, &live, &draft));
        let outcome = Outcome {
            at: own.context.clock.micros(),
            found,
        };
        *lock(&job.outcome) = Some(outcome);
    });
    Ok((StatusCode::ACCEPTED, Json(shown)).into_response())
}

/// Runs something on a thread whose priority, and that of all that it starts, is low.
fn apart(run: impl FnOnce() -> anyhow::Result<Option<Report>> + Send) -> Result<Arc<Value>, Ended> {
    let outcome = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if let Err(error) = rustix::process::setpriority_process(None, NICE) {
                tracing::warn!(%error, "a backtest runs at the usual priority");
            }
            run()
        });
        thread.join()
    });
    match outcome {
        Ok(Ok(Some(report))) => Ok(Arc::new(without_words(&report))),
        Ok(Ok(None)) => Err(Ended::Cancelled),
        Ok(Err(error)) => {
            tracing::error!(error = format!("{error:#}"), "a backtest failed");
            Err(Ended::Failed)
        }
        Err(_) => {
            tracing::error!("a backtest panicked");
            Err(Ended::Failed)
        }
    }
}

/// The report with ids alone: who may read a comment's words asks for them.
fn without_words(report: &Report) -> Value {
    let mut report = serde_json::to_value(report).unwrap_or_default();
    let kinds = report.get_mut("samples").and_then(Value::as_array_mut);
    for kind in kinds.into_iter().flatten() {
        let comments = kind.get_mut("comments").and_then(Value::as_array_mut);
        for comment in comments.into_iter().flatten() {
            if let Some(comment) = comment.as_object_mut() {
                comment.retain(|key, _| !matches!(key.as_str(), "text" | "cut" | "spans"));
            }
        }
    }
    report
}

/// Compares; nothing if it is called off.
fn work(admin: &Admin, job: &Job, live: &Live, draft: &RuleSet) -> anyhow::Result<Option<Report>> {
    let comments = usize::try_from(job.max_comments)?;
    let range = Range::find(&admin.journal, job.started, job.days.into(), comments)?;
    job.total.store(range.to - range.from, Ordering::Relaxed);
    let is_off = || job.cancelled.load(Ordering::Relaxed) || admin.context.shutdown.is_cancelled();
    let progress = |seq: u64| {
        job.done
            .store((seq + 1).saturating_sub(range.from), Ordering::Relaxed);
    };
    let options = Options {
        from: range.first.clone(),
        trusted_after: admin.engine_config.trusted_after,
        samples: SAMPLES,
        threads: 1,
        ..Options::default()
    };
    let sets = Sets {
        live: &live.set,
        draft,
    };
    // The error that ends it early says whether something failed.
    let decode = |raw: Raw| {
        if is_off() {
            return Err(None);
        }
        raw.decode().map_err(Some)
    };
    let read = read(&admin.journal, &admin.index, &range, progress);
    match backtest::run(sets, &options, None, read, decode) {
        Ok(report) => Ok(Some(report)),
        Err(None) => Ok(None),
        Err(Some(error)) => Err(error),
    }
}

/// Who may look: comments of all sites are among the examples.
fn viewer(admin: &Admin, headers: &HeaderMap) -> Result<Principal, Problem> {
    let principal = admin.tokens.require(headers, Role::Viewer)?;
    principal.require_all_sites()?;
    Ok(principal)
}

/// A backtest, with its report once it is done.
#[utoipa::path(
    get,
    path = "/admin/rules/backtests/{backtest}",
    operation_id = "get_backtest",
    tag = "rules",
    params(("backtest" = String, Path, description = "The backtest.")),
    extensions(("x-role" = json!(Role::Viewer)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "The backtest.", body = Shown), NotFound),
)]
pub(crate) async fn one(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    viewer(&admin, &headers)?;
    let job = admin.backtests.find(&id, admin.context.clock.micros())?;
    Ok(Json(job.shown(true)).into_response())
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BacktestList)]
struct Listing {
    backtests: Vec<Shown>,
}

/// Lists the backtests of the last hour, newest first.
#[utoipa::path(
    get,
    path = "/admin/rules/backtests",
    operation_id = "list_backtests",
    tag = "rules",
    extensions(("x-role" = json!(Role::Viewer)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "The backtests.", body = Listing)),
)]
pub(crate) async fn list(
    State(admin): State<Admin>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    viewer(&admin, &headers)?;
    let jobs = admin.backtests.all(admin.context.clock.micros());
    let backtests = jobs.iter().map(|job| job.shown(false)).collect();
    Ok(Json(Listing { backtests }).into_response())
}

/// Calls a backtest off; one that has ended stays as it is.
#[utoipa::path(
    delete,
    path = "/admin/rules/backtests/{backtest}",
    operation_id = "cancel_backtest",
    tag = "rules",
    params(("backtest" = String, Path, description = "The backtest.")),
    extensions(("x-role" = json!(Role::Editor)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "The backtest.", body = Shown), NotFound),
)]
pub(crate) async fn cancel(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    editor(&admin, &headers)?;
    let job = admin.backtests.find(&id, admin.context.clock.micros())?;
    job.cancelled.store(true, Ordering::Relaxed);
    Ok(Json(job.shown(false)).into_response())
}
