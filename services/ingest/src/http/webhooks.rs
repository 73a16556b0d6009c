//! `POST /v1/webhooks/{platform}`: what a platform sends by itself, made to events.
//!
//! - `202` once every event is durable, as `POST /v1/events` answers; `200` for what is read and not kept.
//! - `400` when it can't be read; it is kept as a rejection all the same.
//! - `401` without a signature or a secret of the platform, and for a platform that is not configured.
//! - `413`, `503` as `POST /v1/events`.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use stoa_daemon::Problem;
use stoa_daemon::openapi::{BadRequest, Unauthorized, Unavailable};
use stoa_proto::codec::{self, Message};
use utoipa::ToSchema;

use super::reading::Reading;
use super::{Answer, Public, answer, stopped};
use crate::intake::Sender;
use crate::metrics::Hooked;
use crate::webhooks::{Content, Hook};

/// What became of a request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookAnswer)]
struct Taken<'a> {
    #[serde(flatten)]
    events: Answer<'a>,
    /// Whether it is about nothing that is kept here, as a ping.
    ignored: bool,
}

/// Takes what a platform sends by itself.
///
/// `platform` is the name of one of `[[webhooks]]`. Discourse signs (`x-discourse-event-signature`); Remark42 and WordPress show a secret as `x-stoa-secret`, Remark42 also as `token`.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{platform}",
    operation_id = "take_webhook",
    tag = "events",
    params(
        ("platform" = String, Path, description = "The name of one of `[[webhooks]]`."),
        ("token" = Option<String>, Query, description = "A secret of Remark42."),
        ("x-stoa-secret" = Option<String>, Header, description = "A secret of Remark42 or WordPress."),
        ("x-discourse-event-signature" = Option<String>, Header, description = "`sha256=<hex>` of the body."),
    ),
    request_body(description = "What the platform sends.", content((Value = "application/json"), (Value = "*/*"))),
    responses(
        (status = 200, description = "It was read, and is about nothing that is kept here.", body = Taken),
        (status = 202, description = "Each event was judged, and what is accepted is durable.", body = Taken),
        BadRequest,
        Unauthorized,
        Unavailable,
    ),
)]
pub(super) async fn take(
    State(public): State<Public>,
    Path(platform): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let hook = public.hooks.iter().find(|hook| hook.name == platform);
    let hook = hook.ok_or_else(unknown)?;
    let mut reading = Reading::new(&head.headers, body);
    let result = public.take(hook, &head, &mut reading).await;
    if let Err(problem) = &result {
        let is_unknown = problem.status() == StatusCode::UNAUTHORIZED;
        hook.metrics.webhook(
            hook.kind,
            if is_unknown {
                Hooked::Unsigned
            } else {
                Hooked::Refused
            },
        );
        reading.discard().await;
    }
    result
}

impl Public {
    async fn take(
        &self,
        hook: &Hook,
        head: &Parts,
        reading: &mut Reading,
    ) -> Result<Response, Problem> {
        let _memory = self.room(self.permits(reading)).await?;
        let body = self.body(reading).await?;
        let token = token(head);
        if !hook.is_from_platform(&head.headers, token.as_deref(), &body) {
            return Err(unknown());
        }
        let events = match hook.read(&head.headers, &body) {
            Content::Events(events) => events,
            Content::Nothing => {
                hook.metrics.webhook(hook.kind, Hooked::Ignored);
                let nothing = Taken {
                    events: answer(&[]),
                    ignored: true,
                };
                return Ok((StatusCode::OK, Json(nothing)).into_response());
            }
            Content::Unreadable => return Err(self.unreadable(hook, body).await?),
        };
        let body = Value::Array(events).to_string();
        let message = message(codec::BATCH, body.into());
        let items = self
            .intake
            .prepare(&message, Sender::Token(&hook.principal));
        let outcomes = self.engine.submit(items).await.map_err(|_| stopped())?;
        hook.metrics.webhook(hook.kind, Hooked::Taken);
        let events = Taken {
            events: answer(&outcomes),
            ignored: false,
        };
        Ok((StatusCode::ACCEPTED, Json(events)).into_response())
    }

    /// Keeps what can't be read, and says so.
    async fn unreadable(&self, hook: &Hook, body: Bytes) -> Result<Problem, Problem> {
        let message = message(codec::STRUCTURED, body);
        let items = self
            .intake
            .prepare(&message, Sender::Token(&hook.principal));
        self.engine.submit(items).await.map_err(|_| stopped())?;
        let detail = format!(
            "this is nothing that webhooks of the kind {} send; it is kept among the rejections",
            hook.kind.as_str()
        );
        Ok(Problem::bad_request(detail).with_code("invalid_body"))
    }
}

fn message(content_type: &str, body: Bytes) -> Message {
    Message {
        content_type: Some(content_type.to_owned()),
        headers: Vec::new(),
        garbled: Vec::new(),
        body,
    }
}

/// The secret in the address, of a platform that can send no headers.
fn token(head: &Parts) -> Option<String> {
    let query = head.uri.query()?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs
        .find(|(name, _)| name == "token")
        .map(|(_, value)| value.into_owned())
}

/// Who is not known and what is not known are answered alike.
fn unknown() -> Problem {
    Problem::unauthorized("this platform is not known, or has not signed this: see `[[webhooks]]` in the configuration")
        .with_code("bad_signature")
}
