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

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde::Serialize;
use stoa_daemon::Problem;
use stoa_daemon::auth::{Principal, Role};
use stoa_daemon::openapi::{
    Forbidden, Listener, OpenApiRouter, Unauthorized, Unavailable, UtoipaMethodRouterExt as _,
    routes,
};
use stoa_proto::Time;
use tokio::time::{Instant, timeout_at};

use self::answer::{LATE, Verdicted};
use self::request::{Asked, ModerateAsks};
use super::judging::{Judging, Wanted};
use super::{nothing, stopped};
use crate::engine::{Batch, Handle};
use crate::live::Live;
use crate::scorers::Scores;

/// The public listener, for its document.
pub(crate) const LISTENER: Listener = Listener {
    role: "moderation-rules",
    name: "public",
    about: "Verdicts within a deadline, and the pages on which authors appeal.",
    schemas: request::schemas,
    has_keys: false,
};

/// The route, for its document.
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

/// What `POST /v1/moderate` needs.
#[derive(Clone, Debug)]
pub(crate) struct Public {
    judging: Judging,
    engine: Handle,
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
    pub(crate) fn new(judging: Judging, engine: Handle) -> Self {
        Self { judging, engine }
    }

    /// The routes, with those that are beside it.
    pub(crate) fn router(self, others: OpenApiRouter) -> Router {
        let api = routes().with_state(self).merge(others);
        LISTENER.router(api).fallback(nothing)
    }

    fn admit(&self, headers: &HeaderMap) -> Result<Principal, Problem> {
        let principal = self.judging.tokens.check(headers)?;
        may_ask(&principal)?;
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

    async fn answer(&self, request: Request) -> Result<Response, Problem> {
        let (head, body) = request.into_parts();
        let principal = self.admit(&head.headers)?;
        let body = self.judging.read(body).await?;
        let started = Instant::now();
        let timer = self.judging.metrics.seconds.start_timer();
        let languages = Arc::clone(&self.judging.languages);
        let at = Time::from_timestamp(self.judging.context.clock.now());
        let read = move || request::read(&body, &languages, &principal, &at);
        let asked = self.judging.context.tasks.spawn_blocking(read).await;
        let asked = asked.map_err(|_| Problem::internal())??;
        let deadline = started + asked.deadline.unwrap_or(self.judging.deadline);

        let live = self.judging.parts.rules.live();
        let wanted = Wanted::default();
        let scores = self
            .judging
            .scores(&live, &asked.comments, &wanted, started, deadline)
            .await;
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
            self.judging
                .metrics
                .comment(result.verdict, record, is_late);
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

    /// Judges comments one after the other until the deadline.
    async fn judge(
        &self,
        live: &Arc<Live>,
        asked: Asked,
        scores: Vec<Scores>,
        deadline: Instant,
    ) -> Result<Vec<Verdicted>, Problem> {
        let subjects = Arc::new(asked.comments);
        let judged = self
            .judging
            .judge(live, &subjects, scores, deadline)
            .await?;
        let results = judged.into_iter().zip(subjects.iter());
        Ok(results
            .map(|(judged, subject)| match judged {
                Some(judged) => Verdicted::tried(subject, judged),
                None => Verdicted::held(subject, LATE),
            })
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
    let metrics = &public.judging.metrics;
    let _place = public
        .judging
        .place()
        .inspect_err(|_| metrics.request("busy"))?;
    let result = public.answer(request).await;
    let is_ok = result.is_ok();
    metrics.request(if is_ok { "answered" } else { "refused" });
    result
}

/// 403 unless a principal may ask for verdicts: a platform, or a moderator.
pub(super) fn may_ask(principal: &Principal) -> Result<(), Problem> {
    principal
        .require(Role::Publisher)
        .or_else(|_| principal.require(Role::Moderator))
}
