//! The public listener: `POST /v1/events`, and `POST /v1/webhooks/{platform}` ([`webhooks`]).
//!
//! - `202` with `{"accepted", "duplicate", "duplicates", "rejected": [{"index", "id", "code", "field",
//!   "message"}]}` once every event is durable; each event is judged by itself, and a request of which every
//!   event is rejected is answered the same way.
//! - `400` when the body can't be split into events; it is kept as a rejection all the same.
//! - `401` and `403` by the token, `413` and `415` by size and media type.
//! - `503` with `Retry-After` while the budget is spent or the journal can't be written.

mod attribute;
mod published;
mod reading;
pub(crate) mod rejections;
mod webhooks;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Serialize;
use stoa_daemon::Problem;
use stoa_daemon::auth::{Principal, Role, Tokens};
use stoa_daemon::openapi::{
    BadRequest, Listener, OpenApiRouter, Unavailable, UtoipaMethodRouterExt as _, routes,
};
use stoa_proto::codec::{self, Message};
use stoa_proto::trace::TRACEPARENT;
use stoa_proto::{Code, Event, Rejection};
use tokio::sync::{Semaphore, SemaphorePermit};
use utoipa::ToSchema;

use crate::budget::Budget;
use crate::config::HttpConfig;
use crate::engine::{Handle, Outcome};
use crate::intake::{Intake, Item, Sender};
use crate::webhooks::Hook;

use self::reading::{Reading, Unread};

/// Memory is counted in steps of this many bytes.
const PERMIT_BYTES: u64 = 1_024;

/// The public listener, for its document.
pub(crate) const LISTENER: Listener = Listener {
    role: "ingest",
    name: "public",
    about: "Platforms send their events here.",
    schemas: stoa_proto::component::schemas,
    has_keys: false,
};

/// The public routes, for their document.
pub(crate) fn routes() -> OpenApiRouter<Public> {
    // The limit is enforced while the body is read, so that it can be answered with its number.
    OpenApiRouter::default()
        .routes(routes!(publish).layer(DefaultBodyLimit::disable()))
        .routes(routes!(webhooks::take).layer(DefaultBodyLimit::disable()))
}

/// What the public routes share.
#[derive(Clone)]
pub(crate) struct Public {
    tokens: Tokens,
    hooks: Arc<[Hook]>,
    intake: Arc<Intake>,
    engine: Handle,
    budget: Budget,
    max_body: u64,
    in_flight: Arc<Semaphore>,
}

impl Public {
    pub(crate) fn new(
        config: &HttpConfig,
        tokens: Tokens,
        hooks: Arc<[Hook]>,
        intake: Arc<Intake>,
        engine: Handle,
        budget: Budget,
    ) -> Self {
        let permits = usize::try_from(config.in_flight.get().div_ceil(PERMIT_BYTES))
            .unwrap_or(usize::MAX)
            .clamp(1, Semaphore::MAX_PERMITS);
        Self {
            tokens,
            hooks,
            intake,
            engine,
            budget,
            max_body: config.max_body.get(),
            in_flight: Arc::new(Semaphore::new(permits)),
        }
    }

    /// Sends what comes to another engine.
    #[cfg(test)]
    pub(crate) fn replace_engine(&mut self, engine: Handle) {
        self.engine = engine;
    }

    /// The routes.
    pub(crate) fn router(self) -> Router {
        LISTENER.router(routes().with_state(self))
    }

    /// Takes a request of a client that may publish; its body is read as far as need be.
    async fn accept(
        &self,
        headers: &HeaderMap,
        principal: &Principal,
        reading: &mut Reading,
    ) -> Result<Response, Problem> {
        let mode = Mode::of(headers)?;
        let _memory = self.room(self.permits(reading)).await?;
        let body = self.body(reading).await?;
        let mut attributes = mode.attributes(headers)?;
        let traceparent = header_text(headers, TRACEPARENT);
        attributes.extend(traceparent.map(|text| (TRACEPARENT.to_owned(), text)));
        let message = Message {
            content_type: header_text(headers, header::CONTENT_TYPE.as_str()),
            headers: attributes,
            garbled: Vec::new(),
            body,
        };
        let items = self.intake.prepare(&message, Sender::Token(principal));
        let unreadable = unreadable(&items, &message, mode);
        let outcomes = self.engine.submit(items).await.map_err(|_| stopped())?;
        match unreadable {
            Some(problem) => Err(problem),
            None => Ok((StatusCode::ACCEPTED, Json(answer(&outcomes))).into_response()),
        }
    }

    /// Waits for memory, unless nothing is accepted at the moment.
    async fn room(&self, permits: u32) -> Result<SemaphorePermit<'_>, Problem> {
        self.budget
            .check()
            .map_err(|reason| Problem::unavailable(reason, self.budget.retry_after()))?;
        let memory = self.in_flight.acquire_many(permits).await;
        memory.map_err(|_| stopped())
    }

    async fn body(&self, reading: &mut Reading) -> Result<Bytes, Problem> {
        let read = reading.bytes(self.max_body).await;
        read.map_err(|unread| match unread {
            Unread::TooLarge => self.too_large(),
            Unread::Cut => Problem::bad_request("the body ended before its end"),
        })
    }

    /// How much memory a request may need: what it announces, or else the most that it may send.
    fn permits(&self, reading: &Reading) -> u32 {
        let length = reading
            .announced()
            .unwrap_or(self.max_body)
            .min(self.max_body);
        u32::try_from(length.div_ceil(PERMIT_BYTES).max(1)).unwrap_or(u32::MAX)
    }

    fn too_large(&self) -> Problem {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, Code::TooLarge.as_str())
            .with_detail(format!(
                "a request may have {} bytes: send smaller batches",
                self.max_body
            ))
            .with_limit(format!("{} bytes", self.max_body))
    }
}

/// What became of the events of a request, each judged by itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventsAnswer)]
struct Answer<'a> {
    /// Events that are now durable.
    accepted: usize,
    /// Events that had come before, byte for byte.
    duplicate: usize,
    /// Which ones they are, from 0.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    duplicates: Vec<usize>,
    rejected: Vec<Refused<'a>>,
}

/// An event that was not accepted, and why; it is kept as a rejection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventRejection)]
struct Refused<'a> {
    /// Its place in the request, from 0.
    index: usize,
    /// Its id, if that could be read.
    id: Option<&'a str>,
    code: Code,
    /// What is wrong of it, as `data.body`.
    field: Option<&'a str>,
    /// What is wrong with it, for a person.
    message: &'a str,
}

/// Publishes events.
///
/// One event as `application/cloudevents+json`, up to 1000 of them as
/// `application/cloudevents-batch+json`, or the `data` of one as `application/json` with the
/// envelope in `ce-` headers. All in UTF-8. The answer comes once every event is durable.
///
/// Sending an event again is safe: it is known by its `source` and `id`. After a 503, or no answer,
/// send the whole request again.
#[utoipa::path(
    post,
    path = "/v1/events",
    operation_id = "publish_events",
    tag = "events",
    request_body(description = "The events.", content(
        (Event = "application/cloudevents+json"),
        (Vec<Event> = "application/cloudevents-batch+json"),
        (serde_json::Value = "application/json"),
    )),
    extensions(("x-role" = json!(Role::Publisher))),
    responses(
        (status = 202, description = "Each event was judged, and what is accepted is durable.", body = Answer),
        BadRequest,
        Unavailable,
    ),
)]
async fn publish(State(public): State<Public>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let principal = public.tokens.require(&parts.headers, Role::Publisher)?;
    let mut reading = Reading::new(&parts.headers, body);
    let result = public
        .accept(&parts.headers, &principal, &mut reading)
        .await;
    if result.is_err() {
        reading.discard().await;
    }
    result
}

fn answer(outcomes: &[Outcome]) -> Answer<'_> {
    let mut answer = Answer {
        accepted: 0,
        duplicate: 0,
        duplicates: Vec::new(),
        rejected: Vec::new(),
    };
    for (index, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Outcome::Accepted => answer.accepted += 1,
            Outcome::Duplicate => {
                answer.duplicate += 1;
                answer.duplicates.push(index);
            }
            Outcome::Rejected { id, rejection } => answer.rejected.push(Refused {
                index,
                id: id.as_deref(),
                code: rejection.code,
                field: rejection.field.as_deref(),
                message: &rejection.message,
            }),
        }
    }
    answer
}

/// The problem document for a body that can't be split into events.
fn unreadable(items: &[Item], message: &Message, mode: Mode) -> Option<Problem> {
    let [Item::Refused(rejected)] = items else {
        return None;
    };
    let rejection = &rejected.refusal.rejection;
    let whole = rejected.original.len() == message.body.len();
    // Of a single event, a part may be refused while the event is known by its id.
    let no_events = match mode {
        Mode::Batch => true,
        Mode::Structured | Mode::Binary => {
            rejected.refusal.id.is_none()
                && matches!(
                    rejection.code,
                    Code::InvalidEncoding | Code::InvalidJson | Code::TooDeep
                )
        }
    };
    (whole && no_events).then(|| problem(rejection))
}

fn problem(rejection: &Rejection) -> Problem {
    let status = match rejection.code {
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    let mut problem =
        Problem::new(status, rejection.code.as_str()).with_detail(rejection.message.clone());
    if let Some(field) = &rejection.field {
        problem = problem.with_field(field.clone());
    }
    if let Some(limit) = &rejection.limit {
        problem = problem.with_limit(limit.clone());
    }
    problem
}

fn stopped() -> Problem {
    Problem::unavailable("events can't be made durable at the moment", 5)
}

/// How a request carries its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// One event, envelope and all.
    Structured,
    /// An array of events.
    Batch,
    /// The data as the body, the envelope as headers.
    Binary,
}

impl Mode {
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let unsupported = || {
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
                .with_field("content-type")
                .with_detail(format!(
                    "send {}, {}, or application/json with `ce-` headers, in UTF-8",
                    codec::STRUCTURED,
                    codec::BATCH
                ))
        };
        let text = header_text(headers, header::CONTENT_TYPE.as_str()).ok_or_else(unsupported)?;
        let mut parts = text.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        for parameter in parts {
            if let Some((name, value)) = parameter.split_once('=')
                && name.trim().eq_ignore_ascii_case("charset")
                && !value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            {
                return Err(unsupported());
            }
        }
        if media.eq_ignore_ascii_case(codec::STRUCTURED) {
            Ok(Self::Structured)
        } else if media.eq_ignore_ascii_case(codec::BATCH) {
            Ok(Self::Batch)
        } else if media.eq_ignore_ascii_case("application/json") {
            Ok(Self::Binary)
        } else {
            Err(unsupported())
        }
    }

    /// The headers that belong to the event.
    fn attributes(self, headers: &HeaderMap) -> Result<Vec<(String, String)>, Problem> {
        if self != Self::Binary {
            return Ok(Vec::new());
        }
        headers
            .iter()
            .filter(|(name, _)| name.as_str().starts_with("ce-"))
            .map(|(name, value)| {
                let text = attribute::decode(value.as_bytes()).ok_or_else(|| {
                    Problem::new(StatusCode::BAD_REQUEST, Code::InvalidEncoding.as_str())
                        .with_field(name.as_str())
                        .with_detail("the header is not UTF-8")
                })?;
                Ok((name.as_str().to_owned(), text))
            })
            .collect()
    }
}

fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}
