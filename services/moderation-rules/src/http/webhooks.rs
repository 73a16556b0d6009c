//! The admin routes for webhooks: how endpoints stand, what was delivered to them, and what an
//! operator does about it.
//!
//! What is done is written to the journal with the name of who did it.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use stoa_daemon::Problem;
use stoa_daemon::auth::{Principal, Role};
use stoa_daemon::openapi::{Conflict, NotFound, OpenApiRouter, TooManyRequests, routes};
use stoa_proto::Time;

use super::{Admin, limit, stopped, time, wrong};
use crate::record::{WebhookAct, Webhooked};
use crate::webhooks::entry::{Class, Then, Why};
use crate::webhooks::store::Line;
use crate::webhooks::{ActError, Endpoint, Replay, ReplayError, Webhooks};

/// Entries of the log that one request looks at.
const MAX_LINES: u64 = 20_000;
/// What was done with an endpoint, at most.
const ACTS: usize = 20;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(deliveries))
        .routes(routes!(test))
        .routes(routes!(replay))
        .routes(routes!(enable))
        .routes(routes!(disable))
}

/// How an endpoint stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = WebhookState)]
enum Standing {
    /// It takes events, as far as is known.
    Up,
    /// It takes nothing, and is tried less often.
    Failing,
    /// It is sent nothing until somebody enables it.
    Disabled,
}

/// An endpoint.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Webhook)]
struct Webhook {
    name: String,
    /// Without what is behind `?`, which may be a secret.
    url: String,
    sites: Vec<String>,
    events: Vec<String>,
    state: Standing,
    /// Why, by whom and since when it is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled: Option<Disabled>,
    /// Whether it had been sent events before, and which ones is not known any more.
    lost: bool,
    /// Events that wait for another attempt.
    retrying: u64,
    /// Events that wait for their first one.
    ready: u64,
    /// Records of the journal that were not read for it yet; some have nothing for it.
    unread: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest: Option<String>,
    /// Events that were delivered, and given up, since it began.
    delivered: u64,
    given_up: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    began: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_success: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure: Option<Failure>,
    /// Since when there have been nothing but failures.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<String>,
    /// Until when it is left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_until: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WebhookDisabled)]
struct Disabled {
    why: Why,
    by: String,
    at: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WebhookFailure)]
struct Failure {
    at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Class>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
}

impl Webhook {
    fn of(webhooks: &Webhooks, endpoint: &Endpoint, now: i64) -> anyhow::Result<Self> {
        let standing = webhooks.standing(endpoint);
        let backlog = webhooks.backlog(endpoint)?;
        let config = &endpoint.config;
        let state = match standing.disabled {
            Some(_) => Standing::Disabled,
            None if standing.is_failing() => Standing::Failing,
            None => Standing::Up,
        };
        let failure = standing.last_failure.map(|at| Failure {
            at: time(at),
            result: standing.last_class,
            status: standing.last_status,
        });
        Ok(Self {
            name: config.name.clone(),
            url: shown(&config.url),
            sites: config.sites.clone(),
            events: config.events.clone(),
            state,
            disabled: standing.disabled.map(|(why, by, at)| Disabled {
                why,
                by,
                at: time(at),
            }),
            lost: standing.lost,
            retrying: backlog.retrying,
            ready: backlog.ready,
            unread: backlog.unread,
            oldest: backlog.oldest.and_then(time),
            delivered: standing.delivered,
            given_up: standing.given_up,
            began: Some(standing.began).filter(|at| *at > 0).and_then(time),
            last_success: standing.last_success.and_then(time),
            last_failure: failure,
            failing_since: standing.failing_since.and_then(time),
            paused_until: Some(standing.paused_until)
                .filter(|until| *until > now)
                .and_then(time),
        })
    }
}

impl Admin {
    /// What is sent may be of every site.
    fn webhook_reader(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let principal = self.tokens.require(headers, Role::Auditor)?;
        principal.require_all_sites()
    }

    fn webhook_admin(&self, headers: &HeaderMap) -> Result<Principal, Problem> {
        let principal = self.tokens.require(headers, Role::Admin)?;
        principal.require_all_sites()?;
        Ok(principal)
    }

    /// Returns the endpoints, of which one with this name is.
    fn webhooks_with(&self, name: &str) -> Result<Webhooks, Problem> {
        let webhooks = self.webhooks.clone();
        let webhooks = webhooks.ok_or_else(|| refused(ActError::Unknown))?;
        webhooks.find(name).map_err(refused)?;
        Ok(webhooks)
    }

    /// Shows an endpoint.
    async fn webhook(&self, name: String) -> Result<Webhook, Problem> {
        let webhooks = self.webhooks_with(&name)?;
        let now = self.context.clock.micros();
        let show = move |_: &Self| {
            let endpoint = webhooks.find(&name)?;
            Webhook::of(&webhooks, endpoint, now)
        };
        self.blocking(show).await
    }
}

/// Leaves out what is behind `?`.
fn shown(url: &str) -> String {
    let shown = url.split_once('?').map_or(url, |(before, _)| before);
    shown.to_owned()
}

fn refused(error: ActError) -> Problem {
    match error {
        ActError::Unknown => Problem::not_found("the configuration has no webhook of this name"),
        ActError::Stopped => stopped(),
        ActError::Busy => {
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy").with_detail(error.to_string())
        }
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WebhookList)]
struct Listing {
    webhooks: Vec<Webhook>,
}

/// Lists the endpoints that what was decided is posted to, and how they stand.
#[utoipa::path(
    get,
    path = "/admin/webhooks",
    operation_id = "list_webhooks",
    tag = "webhooks",
    extensions(("x-role" = json!(Role::Auditor)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "The endpoints.", body = Listing)),
)]
async fn list(State(admin): State<Admin>, headers: HeaderMap) -> Result<Json<Listing>, Problem> {
    admin.webhook_reader(&headers)?;
    let now = admin.context.clock.micros();
    let show = move |admin: &Admin| {
        let Some(webhooks) = &admin.webhooks else {
            return Ok(Vec::new());
        };
        let all = webhooks.endpoints().iter();
        all.map(|endpoint| Webhook::of(webhooks, endpoint, now))
            .collect()
    };
    let webhooks = admin.blocking(show).await?;
    Ok(Json(Listing { webhooks }))
}

/// An endpoint, and what was done with it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WebhookShown)]
struct Shown {
    #[serde(flatten)]
    webhook: Webhook,
    /// What was done with it last, newest first.
    acts: Vec<Act>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WebhookActDone)]
struct Act {
    /// `began`, `forgotten`, `enabled`, `disabled`, `tested` or `replayed`.
    #[serde(rename = "act")]
    what: &'static str,
    /// Events that were sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<u64>,
    by: String,
    at: Option<String>,
}

impl From<Webhooked> for Act {
    fn from(done: Webhooked) -> Self {
        let (act, events) = match done.act {
            WebhookAct::Began => ("began", None),
            WebhookAct::Forgotten => ("forgotten", None),
            WebhookAct::Enabled => ("enabled", None),
            WebhookAct::Disabled => ("disabled", None),
            WebhookAct::Tested => ("tested", None),
            WebhookAct::Replayed { events } => ("replayed", Some(events)),
        };
        Self {
            what: act,
            events,
            by: done.by,
            at: time(done.at),
        }
    }
}

/// Shows an endpoint, and what was done with it.
#[utoipa::path(
    get,
    path = "/admin/webhooks/{name}",
    operation_id = "get_webhook",
    tag = "webhooks",
    params(("name" = String, Path, description = "The endpoint's name.")),
    extensions(("x-role" = json!(Role::Auditor)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "The endpoint.", body = Shown), NotFound),
)]
async fn one(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Json<Shown>, Problem> {
    admin.webhook_reader(&headers)?;
    let webhooks = admin.webhooks_with(&name)?;
    let webhook = admin.webhook(name.clone()).await?;
    let acts = admin.blocking(move |_| webhooks.acts(&name, ACTS)).await?;
    let acts = acts.into_iter().map(Act::from).collect();
    Ok(Json(Shown { webhook, acts }))
}

/// Which attempts are listed.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Those alone that ended so.
    result: Option<Class>,
    /// Those alone after which the event stood so.
    #[param(inline)]
    outcome: Option<Outcome>,
    /// Those of this event alone.
    event: Option<String>,
    /// `next` of the page before.
    before: Option<u64>,
    /// How many at most, up to 500.
    limit: Option<usize>,
}

/// What becomes of an event after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookOutcome)]
enum Outcome {
    /// It is done with.
    Done,
    /// It is tried again.
    Waits,
    /// It is given up.
    GivenUp,
}

impl From<Then> for Outcome {
    fn from(then: Then) -> Self {
        match then {
            Then::Done => Self::Done,
            Then::Again(_) => Self::Waits,
            Then::GivenUp => Self::GivenUp,
        }
    }
}

/// An attempt.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WebhookDelivery)]
struct Delivery {
    at: Option<String>,
    /// The event's id, which is its `webhook-id`.
    event: String,
    #[serde(rename = "type")]
    kind: String,
    site: String,
    /// From 1.
    attempt: u32,
    result: Class,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// How long it took, in milliseconds.
    duration_ms: u32,
    outcome: Outcome,
    /// When it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt: Option<String>,
}

impl From<Line> for Delivery {
    fn from(line: Line) -> Self {
        let tried = line.tried;
        let next_attempt = match tried.then {
            Then::Again(at) => time(at),
            Then::Done | Then::GivenUp => None,
        };
        Self {
            at: time(tried.at),
            event: tried.event,
            kind: tried.kind,
            site: tried.site,
            attempt: tried.attempt,
            result: tried.class,
            status: tried.status,
            duration_ms: tried.millis,
            outcome: tried.then.into(),
            next_attempt,
        }
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WebhookDeliveries)]
struct Deliveries {
    deliveries: Vec<Delivery>,
    /// Where the next page begins, if there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// Lists the attempts to deliver to an endpoint, newest first.
///
/// The log has no words of comments. It goes back 30 days, and has the last 100 000 attempts.
#[utoipa::path(
    get,
    path = "/admin/webhooks/{name}/deliveries",
    operation_id = "list_webhook_deliveries",
    tag = "webhooks",
    params(("name" = String, Path, description = "The endpoint's name."), Asked),
    extensions(("x-role" = json!(Role::Auditor)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "A page.", body = Deliveries), NotFound),
)]
async fn deliveries(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(name): Path<String>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Deliveries>, Problem> {
    admin.webhook_reader(&headers)?;
    let Query(asked) = query?;
    let webhooks = admin.webhooks_with(&name)?;
    let read = move |_: &Admin| {
        let page = (limit(asked.limit), MAX_LINES);
        webhooks.store().log(asked.before, page, |tried| {
            tried.endpoint == name
                && asked.result.is_none_or(|result| result == tried.class)
                && asked
                    .event
                    .as_ref()
                    .is_none_or(|event| *event == tried.event)
                && asked
                    .outcome
                    .is_none_or(|outcome| outcome == Outcome::from(tried.then))
        })
    };
    let lines = admin.blocking(read).await?;
    Ok(Json(Deliveries {
        deliveries: lines.lines.into_iter().map(Delivery::from).collect(),
        next: lines.next,
    }))
}

/// What came of a test.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WebhookTested)]
struct Tested {
    /// The `webhook-id` that was sent.
    event: String,
    result: Class,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    duration_ms: u32,
}

/// Sends a signed ping to an endpoint, and says what came of it.
///
/// It is sent to one that is disabled, too, and changes nothing about what is sent otherwise.
#[utoipa::path(
    post,
    path = "/admin/webhooks/{name}/test",
    operation_id = "test_webhook",
    tag = "webhooks",
    params(("name" = String, Path, description = "The endpoint's name.")),
    extensions(("x-role" = json!(Role::Admin)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "What came of it.", body = Tested), NotFound, TooManyRequests),
)]
async fn test(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Json<Tested>, Problem> {
    let principal = admin.webhook_admin(&headers)?;
    let webhooks = admin.webhooks_with(&name)?;
    let tested = webhooks.test(&name, &principal.name).await;
    let (event, answer) = tested.map_err(refused)?;
    Ok(Json(Tested {
        event,
        result: answer.class,
        status: answer.status,
        duration_ms: answer.millis,
    }))
}

/// What is to be sent again: one event, or what was recorded within a time.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookReplay)]
struct Again {
    /// The event's id.
    #[serde(default)]
    event: Option<String>,
    /// From this moment on.
    #[serde(default)]
    since: Option<Time>,
    /// Until before this moment; absent: now.
    #[serde(default)]
    until: Option<Time>,
    /// Of the time those alone that were given up in it.
    #[serde(default)]
    given_up: bool,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WebhookReplayed)]
struct Replayed {
    /// How many events are sent again.
    events: u64,
    /// With this as `since`, another request finds the rest, if there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Has events sent again to an endpoint: one by its id, or those of a time, up to 10 000 at once.
///
/// They have the ids that they had. `409` with `full`: as many wait as may.
#[utoipa::path(
    post,
    path = "/admin/webhooks/{name}/replay",
    operation_id = "replay_webhook",
    tag = "webhooks",
    params(("name" = String, Path, description = "The endpoint's name.")),
    request_body = Again,
    extensions(("x-role" = json!(Role::Admin)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "How many.", body = Replayed), NotFound, Conflict),
)]
async fn replay(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(name): Path<String>,
    body: Result<Json<Again>, JsonRejection>,
) -> Result<Json<Replayed>, Problem> {
    let principal = admin.webhook_admin(&headers)?;
    let Json(again) = body?;
    let webhooks = admin.webhooks_with(&name)?;
    let now = admin.context.clock.micros().saturating_add(1);
    let until = again.until.as_ref().map_or(now, Time::micros);
    let replay = match (again.event, again.since) {
        (Some(id), None) if again.until.is_none() && !again.given_up => Replay::Event(id),
        (None, Some(since)) if since.micros() < until => {
            let since = since.micros();
            if again.given_up {
                Replay::GivenUp { since, until }
            } else {
                Replay::Within { since, until }
            }
        }
        (None, Some(_)) => return Err(wrong("until", "send a moment after `since`")),
        _ => {
            return Err(wrong(
                "event",
                "send either `event`, or `since` and, if you like, `until` and `given_up`",
            ));
        }
    };
    let by = &principal.name;
    let replayed = webhooks.replay(&name, replay, by, &admin.context).await;
    let replayed = replayed.map_err(|error| match error {
        ReplayError::Act(error) => refused(error),
        ReplayError::NoEvent => Problem::not_found(error.to_string()),
        ReplayError::Full => Problem::conflict(error.to_string()).with_code("full"),
        ReplayError::Unreadable(error) => {
            tracing::error!(
                error = format!("{error:#}"),
                "cannot find what is to be sent again"
            );
            Problem::internal()
        }
    })?;
    Ok(Json(Replayed {
        events: replayed.events,
        next: replayed.next.and_then(time),
    }))
}

/// Enables an endpoint: it goes on where it was, and what waits is tried at once.
#[utoipa::path(
    post,
    path = "/admin/webhooks/{name}/enable",
    operation_id = "enable_webhook",
    tag = "webhooks",
    params(("name" = String, Path, description = "The endpoint's name.")),
    extensions(("x-role" = json!(Role::Admin)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "The endpoint.", body = Webhook), NotFound),
)]
async fn enable(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Json<Webhook>, Problem> {
    let principal = admin.webhook_admin(&headers)?;
    let webhooks = admin.webhooks_with(&name)?;
    let enabled = webhooks.enable(&name, &principal.name).await;
    enabled.map_err(refused)?;
    admin.webhook(name).await.map(Json)
}

/// Disables an endpoint: what is decided waits in the journal until somebody enables it.
#[utoipa::path(
    post,
    path = "/admin/webhooks/{name}/disable",
    operation_id = "disable_webhook",
    tag = "webhooks",
    params(("name" = String, Path, description = "The endpoint's name.")),
    extensions(("x-role" = json!(Role::Admin)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "The endpoint.", body = Webhook), NotFound),
)]
async fn disable(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Json<Webhook>, Problem> {
    let principal = admin.webhook_admin(&headers)?;
    let webhooks = admin.webhooks_with(&name)?;
    let disabled = webhooks.disable(&name, &principal.name).await;
    disabled.map_err(refused)?;
    admin.webhook(name).await.map(Json)
}
