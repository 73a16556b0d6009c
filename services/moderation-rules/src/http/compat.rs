//! Verdicts in the shapes of other services, for clients that speak these already.
//!
//! - `POST /v1alpha1/comments:analyze` and `:suggestscore`, as Perspective ([`perspective`]).
//! - `POST /v1/moderations`, as `OpenAI` ([`openai`]).
//! - `POST /1.1/comment-check` and its sisters, as Akismet ([`akismet`]).
//! - `POST /v1/compat/coral`, for Coral's external moderation phase ([`coral`]).
//!
//! All are judged as `POST /v1/moderate` judges without `record`: over the view as it is, within the same limits, and
//! without a trace. What can't be said, because time is over or a score is missing, is never said to be fine.

mod akismet;
mod coral;
mod openai;
mod perspective;
mod served;

use std::sync::Arc;

use axum::Json;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use prometheus::Registry;
use serde::Serialize;
use serde_json::{Value, json};
use stoa_daemon::Problem;
use stoa_daemon::auth::{Principal, Sites};
use stoa_daemon::openapi::{OpenApiRouter, routes};
use stoa_proto::Time;
use tokio::time::Instant;

use self::coral::Coral;
use self::served::Served;
use super::judging::subject::{Reader, Subject};
use super::judging::{Judged, Judging, Wanted};
use super::moderate::may_ask;
use crate::config::CompatConfig;
use crate::metrics::{CompatMetrics, Protocol};

/// What stands for an article or an author that a request does not name: no platform has it.
const NOT_NAMED: &str = "stoa:not-named";

/// The routes, for their document.
pub(crate) fn routes() -> OpenApiRouter<Compat> {
    let all = OpenApiRouter::default()
        .routes(routes!(perspective::analyze))
        .routes(routes!(perspective::suggest))
        .routes(routes!(openai::moderations))
        .routes(routes!(akismet::check))
        .routes(routes!(akismet::verify))
        .routes(routes!(akismet::spam))
        .routes(routes!(akismet::ham))
        .routes(routes!(coral::moderate));
    // The limit is enforced while the body is read, so that it can be answered with its number.
    all.layer(axum::extract::DefaultBodyLimit::disable())
}

/// What the routes share.
#[derive(Clone, Debug)]
pub(crate) struct Compat {
    judging: Judging,
    settings: Arc<Settings>,
    metrics: CompatMetrics,
}

#[derive(Debug)]
struct Settings {
    site: Option<String>,
    attributes: Vec<Served>,
    categories: Vec<Served>,
    discard: Vec<String>,
    coral: Vec<Coral>,
}

/// Comments with what was made of them; none of those that were not judged in time.
type Answers = Vec<(Subject, Option<Judged>)>;

impl Compat {
    pub(crate) fn new(
        config: &CompatConfig,
        judging: Judging,
        registry: &Registry,
    ) -> anyhow::Result<Self> {
        let settings = Settings {
            site: config.site.clone(),
            attributes: Served::all(&config.attributes),
            categories: Served::all(&config.categories),
            discard: config.akismet.discard.clone(),
            coral: Coral::all(&config.coral)?,
        };
        Ok(Self {
            judging,
            settings: Arc::new(settings),
            metrics: CompatMetrics::new(registry)?,
        })
    }

    /// The routes.
    pub(crate) fn routes(self) -> OpenApiRouter {
        routes().with_state(self)
    }

    /// Works on a request if not too many are worked on, and counts what became of it.
    async fn count(
        &self,
        protocol: Protocol,
        answer: impl Future<Output = Result<Response, Problem>>,
    ) -> Result<Response, Problem> {
        let place = self.judging.place();
        let _place = place.inspect_err(|_| self.metrics.request(protocol, "busy"))?;
        let result = answer.await;
        let is_ok = result.is_ok();
        self.metrics
            .request(protocol, if is_ok { "answered" } else { "refused" });
        result
    }

    /// Who sent a request: by a key, where the protocol has a place of its own for it, or by `Authorization`.
    fn principal(&self, key: Option<&str>, headers: &HeaderMap) -> Result<Principal, Problem> {
        let principal = match key {
            Some(key) => self.judging.tokens.of(key)?,
            None => self.judging.tokens.check(headers)?,
        };
        may_ask(&principal)?;
        Ok(principal)
    }

    /// The site whose rules judge what a principal sends.
    fn site(&self, principal: &Principal) -> Result<String, Problem> {
        if let Sites::Only(sites) = &principal.sites
            && let [site] = &**sites
        {
            return Ok(site.clone());
        }
        self.settings.site.clone().ok_or_else(|| {
            Problem::bad_request(
                "the request names no site: use a token for one site alone, or set `compat.site` in the configuration",
            )
            .with_code("missing_field")
            .with_field("site")
        })
    }

    /// Judges comments, each as `comment.submitted` has it, by the deadline.
    async fn judge(
        &self,
        protocol: Protocol,
        principal: Principal,
        comments: Vec<Value>,
        wanted: &Wanted,
    ) -> Result<Answers, Problem> {
        let started = Instant::now();
        let deadline = started + self.judging.deadline;
        let _timer = self.judging.metrics.seconds.start_timer();
        let context = &self.judging.context;
        let at = Time::from_timestamp(context.clock.now());
        let languages = Arc::clone(&self.judging.languages);
        let is_single = comments.len() == 1;
        let read = move || {
            let reader = Reader {
                languages: &languages,
                principal: &principal,
                at: &at,
                record: false,
                language: None,
            };
            let comments = comments.into_iter().enumerate();
            let subjects = comments.map(|(index, comment)| {
                let place = (!is_single).then(|| format!("[{index}]"));
                reader.subject(comment, place.as_deref())
            });
            subjects.collect::<Result<Vec<Subject>, Problem>>()
        };
        let subjects = context.tasks.spawn_blocking(read).await;
        let subjects = Arc::new(subjects.map_err(|_| Problem::internal())??);
        let live = self.judging.parts.rules.live();
        let scores = self
            .judging
            .scores(&live, &subjects, wanted, started, deadline)
            .await;
        let judged = self
            .judging
            .judge(&live, &subjects, scores, deadline)
            .await?;
        for judged in &judged {
            let verdict = judged.as_ref().map(|judged| judged.trial.outcome.verdict);
            self.metrics.verdict(protocol, verdict);
        }
        let subjects = match Arc::try_unwrap(subjects) {
            Ok(subjects) => subjects,
            // A comment that took too long is still looked at.
            Err(shared) => shared.to_vec(),
        };
        Ok(subjects.into_iter().zip(judged).collect())
    }
}

/// What is known of a comment that a request has.
#[derive(Debug, Default)]
struct Said<'a> {
    site: &'a str,
    article: Option<&'a str>,
    parent: Option<&'a str>,
    author: Option<&'a str>,
    name: Option<&'a str>,
    role: &'a str,
    body: &'a str,
    format: &'a str,
    language: Option<&'a str>,
    submitted_at: Option<String>,
}

impl Said<'_> {
    /// The comment as `comment.submitted` has it.
    fn comment(&self) -> Value {
        json!({
            "site": self.site,
            "article": self.article.unwrap_or(NOT_NAMED),
            "parent": self.parent,
            "author": {
                "id": self.author.unwrap_or(NOT_NAMED),
                "display_name": self.name,
                "role": self.role,
            },
            "body": self.body,
            "format": self.format,
            "language": self.language,
            "submitted_at": self.submitted_at,
        })
    }
}

/// Says that there was no time to judge.
fn late() -> Problem {
    Problem::unavailable("the comment was not judged in time: ask again", 1).with_code("deadline")
}

/// Says that a number can't be told, and of what.
fn unknown(name: &str) -> Problem {
    let detail = format!(
        "`{name}` can't be told at the moment: a scorer did not answer, or a rule failed. Ask again"
    );
    Problem::unavailable(detail, 1).with_field(name)
}

/// A problem in another service's shape, with the headers that its status needs.
fn shaped(problem: Problem, body: &impl Serialize) -> Response {
    let status = problem.status();
    let mut headers = problem.into_response().headers().clone();
    headers.remove(header::CONTENT_TYPE);
    headers.remove(header::CONTENT_LENGTH);
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().extend(headers);
    response
}

/// A value of a request's query, decoded.
fn query(head: &Parts, name: &str) -> Option<String> {
    let query = head.uri.query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// Reads a body as JSON; a problem names the field.
fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        Problem::bad_request(format!("the body can't be read: {error}")).with_code("invalid_body")
    })
}
