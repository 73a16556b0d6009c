//! `POST /v1/moderate`: verdicts within a deadline.
//!
//! Comments are judged over the view as it is, each by itself, off the runtime's threads; the
//! engine is not asked. Only with `record` does it decide, as if the comments had come over the
//! bus.
//!
//! - `200` with a verdict for each comment; one that was not judged in time is held, with
//!   `deadline` in its `partial`.
//! - `400` and `413` name the field and the limit; `401` and `403` by the token.
//! - `503` with `Retry-After` while too many requests wait, or the journal can't be written.

mod answer;
mod request;

use std::sync::Arc;
use std::time::Duration;
use stoa_daemon::openapi::{
    Forbidden, Listener, OpenApiRouter, Unauthorized, Unavailable, UtoipaMethodRouterExt as _,
    routes,
};

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use serde::Serialize;
use stoa_daemon::auth::{Principal, Role, Tokens};
use stoa_daemon::{ConfigError, Context, Problem};
use stoa_proto::{Code, Time};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};

use self::answer::{LATE, Verdicted};
use self::request::{Asked, ModerateAsks, SiteLanguages};
use super::{nothing, stopped};
use crate::config::Config;
use crate::engine::{Batch, Handle, Parts};
use crate::live::Live;
use crate::metrics::ModerateMetrics;
use crate::scorers::{Scorers, Scores};

/// The public listener, for its document.
pub(crate) const LISTENER: Listener = Listener {
    role: "moderation-rules",
    name: "public",
    about: "Verdicts within a deadline, and the pages on which authors appeal.",
    schemas: request::schemas,
    has_keys: false,
};

/// The public routes but those for appeals, for their document.
pub(crate) fn routes() -> OpenApiRouter<Public> {
    // The limit is enforced while the body is read, so that it can be answered with its number.
    OpenApiRouter::default().routes(routes!(moderate).layer(DefaultBodyLimit::disable()))
}

/// What `POST /v1/moderate` answers: for an array of comments, or for a single one.
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it only describes the answer")]
enum ModerateAnswers<'a> {
    Many(Answer<'a>),
    One(One<'a>),
}

/// What the public routes share.
#[derive(Clone, Debug)]
pub(crate) struct Public {
    tokens: Tokens,
    parts: Arc<Parts>,
    engine: Handle,
    scorers: Option<Arc<Scorers>>,
    languages: Arc<SiteLanguages>,
    metrics: ModerateMetrics,
    deadline: Duration,
    max_body: u64,
    /// Requests that are worked on or wait.
    queue: Arc<Semaphore>,
    /// Requests that are judged at a time.
    judging: Arc<Semaphore>,
    context: Context,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ModerateAnswer)]
struct Answer<'a> {
    results: &'a [Verdicted],
    ruleset: &'a str,
    took_ms: f64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ModerateOne)]
struct One<'a> {
    #[serde(flatten)]
    result: &'a Verdicted,
    ruleset: &'a str,
    took_ms: f64,
}

impl Public {
    pub(crate) fn new(
        config: &Config,
        tokens: Tokens,
        parts: Arc<Parts>,
        engine: Handle,
        scorers: Option<Arc<Scorers>>,
        context: &Context,
    ) -> Result<Self, ConfigError> {
        let own = &config.moderate;
        let threads = match own.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        Ok(Self {
            tokens,
            metrics: parts.metrics.moderate.clone(),
            parts,
            engine,
            scorers,
            languages: Arc::new(SiteLanguages::new(own)?),
            deadline: own.deadline.get(),
            max_body: own.max_body.get(),
            queue: Arc::new(Semaphore::new(own.queue)),
            judging: Arc::new(Semaphore::new(threads)),
            context: context.clone(),
        })
    }

    /// The routes, with those for appeals.
    pub(crate) fn router(self, appeals: OpenApiRouter) -> Router {
        let api = routes().with_state(self).merge(appeals);
        LISTENER.router(api).fallback(nothing)
    }

    fn admit(&self, headers: &HeaderMap) -> Result<Principal, Problem> {
        let principal = self.tokens.check(headers)?;
        if principal.require(Role::Publisher).is_err() {
            principal.require(Role::Moderator)?;
        }
        let is_json = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"));
        if is_json {
            return Ok(principal);
        }
        Err(
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
                .with_field("content-type")
                .with_detail("send application/json"),
        )
    }

    async fn read(&self, body: Body) -> Result<Bytes, Problem> {
        let mut stream = body.into_data_stream();
        let mut read = BytesMut::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|_| Problem::bad_request("the body ended before its end"))?;
            if (read.len() + chunk.len()) as u64 > self.max_body {
                let detail = format!(
                    "a request may have {} bytes: send fewer comments at a time",
                    self.max_body
                );
                let status = StatusCode::PAYLOAD_TOO_LARGE;
                return Err(Problem::new(status, Code::TooLarge.as_str())
                    .with_detail(detail)
                    .with_limit(format!("{} bytes", self.max_body)));
            }
            read.extend_from_slice(&chunk);
        }
        Ok(read.freeze())
    }

    async fn answer(&self, request: Request) -> Result<Response, Problem> {
        let (head, body) = request.into_parts();
        let principal = self.admit(&head.headers)?;
        let body = self.read(body).await?;
        let started = Instant::now();
        let timer = self.metrics.seconds.start_timer();
        let languages = Arc::clone(&self.languages);
        let at = Time::from_timestamp(self.context.clock.now());
        let read = move || request::read(&body, &languages, &principal, &at);
        let asked = self.context.tasks.spawn_blocking(read).await;
        let asked = asked.map_err(|_| Problem::internal())??;
        let deadline = started + asked.deadline.unwrap_or(self.deadline);

        let live = self.parts.rules.live();
        let scores = self.scores(&live, &asked, started, deadline).await;
        let (is_single, record) = (asked.is_single, asked.record);
        let mut ruleset = live.set.hash().to_owned();
        let results = if record {
            let (results, hash) = self.decide(&live, asked, scores, deadline).await?;
            ruleset = hash.unwrap_or(ruleset);
            results
        } else {
            self.judge(&live, asked, scores, deadline).await?
        };
        for result in &results {
            let is_late = result.partial.iter().any(|missing| missing == LATE);
            self.metrics.comment(result.verdict, record, is_late);
        }
        let took_ms = (started.elapsed().as_secs_f64() * 1_000_000.0).round() / 1_000.0;
        timer.observe_duration();
        let ruleset = ruleset.as_str();
        Ok(match results.first() {
            Some(result) if is_single => Json(One {
                result,
                ruleset,
                took_ms,
            })
            .into_response(),
            _ => Json(Answer {
                results: &results,
                ruleset,
                took_ms,
            })
            .into_response(),
        })
    }

    /// Fetches scores; a quarter of the time is left for judging.
    async fn scores(
        &self,
        live: &Live,
        asked: &Asked,
        started: Instant,
        deadline: Instant,
    ) -> Vec<Scores> {
        let Some(scorers) = &self.scorers else {
            return Vec::new();
        };
        if !live.set.reads_scores() {
            return Vec::new();
        }
        let until = deadline - deadline.saturating_duration_since(started) / 4;
        let comments = asked
            .comments
            .iter()
            .map(request::Subject::comment)
            .collect();
        let now = self.context.clock.micros();
        scorers
            .of_comments(&live.set, comments, now, Some(until))
            .await
    }

    /// Judges comments one after the other until the deadline.
    async fn judge(
        &self,
        live: &Arc<Live>,
        asked: Asked,
        scores: Vec<Scores>,
        deadline: Instant,
    ) -> Result<Vec<Verdicted>, Problem> {
        let subjects = Arc::new(asked.comments);
        let mut results: Vec<Option<Verdicted>> = Vec::new();
        results.resize_with(subjects.len(), || None);
        let turn = Arc::clone(&self.judging).acquire_owned();
        if let Ok(Ok(turn)) = timeout_at(deadline, turn).await {
            // What is judged is told one by one, so that a comment that takes too long costs the
            // others nothing but what is left of the time.
            let (tell, mut told) = mpsc::channel(request::MAX_COMMENTS);
            let (parts, live, own) = (
                Arc::clone(&self.parts),
                Arc::clone(live),
                Arc::clone(&subjects),
            );
            self.context.tasks.spawn_blocking(move || {
                let _turn = turn;
                for (index, subject) in own.iter().enumerate() {
                    if Instant::now() >= deadline {
                        return;
                    }
                    let scores = scores.get(index).map_or(&[][..], Vec::as_slice);
                    let Some(comment) = subject.comment() else {
                        continue;
                    };
                    let trial = parts.try_comment(&live, &subject.event, comment, scores);
                    let result = trial.map(|trial| Verdicted::tried(subject, trial, scores));
                    // Nobody waits any more where this fails.
                    if tell.try_send((index, result)).is_err() {
                        return;
                    }
                }
            });
            while let Ok(Some((index, result))) = timeout_at(deadline, told.recv()).await {
                let result = result.map_err(|error| {
                    tracing::error!(error = format!("{error:#}"), "cannot judge a comment");
                    Problem::internal()
                })?;
                if let Some(place) = results.get_mut(index) {
                    *place = Some(result);
                }
            }
        }
        let results = results.into_iter().zip(subjects.iter());
        Ok(results
            .map(|(result, subject)| result.unwrap_or_else(|| Verdicted::held(subject, LATE)))
            .collect())
    }

    /// Lets the engine decide. What it does after the deadline stays decided, and a repeat of the
    /// request is answered with it. Returns the rule set that decided, if one did.
    async fn decide(
        &self,
        live: &Live,
        asked: Asked,
        scores: Vec<Scores>,
        deadline: Instant,
    ) -> Result<(Vec<Verdicted>, Option<String>), Problem> {
        let subjects = asked.comments;
        let batch = Batch {
            events: subjects.iter().map(|one| one.event.clone()).collect(),
            scores,
            asked: true,
        };
        let outgoing = match timeout_at(deadline, self.engine.batch(batch)).await {
            Ok(Ok(outgoing)) => outgoing,
            Ok(Err(_)) => return Err(stopped()),
            Err(_) => {
                let late = subjects.iter().map(|one| Verdicted::held(one, LATE));
                return Ok((late.collect(), None));
            }
        };
        let ruleset = outgoing.first().and_then(|first| answer::ruleset(first));
        let results = subjects.iter().zip(&outgoing).map(|(subject, outgoing)| {
            Verdicted::decided(subject, &live.set, outgoing)
                .unwrap_or_else(|| Verdicted::held(subject, "decision"))
        });
        Ok((results.collect(), ruleset))
    }
}

/// Judges up to 100 comments within a deadline.
///
/// A comment that was not judged in time is held, with `deadline` in its `partial`. With `record` the verdicts are decisions, as if the comments had come as events.
///
/// Needs a token with the role `publisher` or `moderator`.
#[utoipa::path(
    post,
    path = "/v1/moderate",
    operation_id = "moderate",
    tag = "verdicts",
    request_body(content = ModerateAsks, description = "A comment, or up to 100 of them."),
    security(("bearer" = [])),
    responses((status = 200, description = "A verdict for each comment.", body = ModerateAnswers), Forbidden, Unauthorized, Unavailable),
)]
async fn moderate(State(public): State<Public>, request: Request) -> Result<Response, Problem> {
    let Ok(_place) = public.queue.try_acquire() else {
        public.metrics.request("busy");
        return Err(Problem::unavailable("too many requests wait already", 1));
    };
    let result = public.answer(request).await;
    let is_ok = result.is_ok();
    public
        .metrics
        .request(if is_ok { "answered" } else { "refused" });
    result
}
