//! Endpoints that what was decided is posted to: how they stand, what was delivered, and what an
//! admin does about it.

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use stoa_daemon::auth::Role;

use super::page::{Fault, Shell, render, see};
use super::time::Moment;
use super::visit::Visit;
use super::{Desk, links};
use crate::accounts::Act;
use crate::backend::{self, Deliveries, Delivery, Tested, Webhook, Webhooks};

/// Attempts of a page.
const PAGE: &str = "50";
const OUTCOMES: [&str; 3] = ["done", "waits", "given_up"];
/// What came of what was asked before.
const DONE: [&str; 3] = ["enabled", "disabled", "replayed"];

/// An endpoint, for people.
struct Entry {
    link: String,
    webhook: Webhook,
    oldest: Option<Moment>,
    success: Option<Moment>,
    failure: Option<Moment>,
    paused: Option<Moment>,
}

impl Entry {
    fn new(webhook: Webhook, desk: &Desk) -> Self {
        let now = desk.clock.now();
        let failed = webhook.last_failure.as_ref();
        Self {
            link: links::to(&["webhooks", &webhook.name], &[]),
            oldest: Moment::new(webhook.oldest.as_ref(), now),
            success: Moment::new(webhook.last_success.as_ref(), now),
            failure: Moment::new(failed.and_then(|failed| failed.at.as_ref()), now),
            paused: Moment::new(webhook.paused_until.as_ref(), now),
            webhook,
        }
    }

    /// How the last failure ended.
    fn failed(&self) -> Option<&str> {
        let failure = self.webhook.last_failure.as_ref()?;
        failure.result.as_deref()
    }

    fn status(&self) -> Option<u16> {
        self.webhook.last_failure.as_ref()?.status
    }
}

#[derive(Template)]
#[template(path = "webhooks.html")]
struct ListPage {
    shell: Shell,
    entries: Vec<Entry>,
}

/// `GET /webhooks`
pub(super) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    let path = ["admin", "webhooks"];
    let list: Webhooks = desk.moderation.get(visit.user()?, &path, &[]).await?;
    let entries = list.webhooks.into_iter();
    let page = ListPage {
        shell: Shell::new("webhooks-title", &visit),
        entries: entries.map(|webhook| Entry::new(webhook, &desk)).collect(),
    };
    Ok(render(StatusCode::OK, &page))
}

/// Which attempts are asked for, and what was done before.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    outcome: String,
    event: String,
    before: String,
    done: String,
    result: String,
}

/// An attempt, for people.
struct Line {
    delivery: Delivery,
    at: Option<Moment>,
    next: Option<Moment>,
}

#[derive(Template)]
#[template(path = "webhook.html")]
struct OnePage {
    shell: Shell,
    told: Option<String>,
    is_bad: bool,
    entry: Entry,
    lines: Vec<Line>,
    next: Option<String>,
    asked: Asked,
    is_admin: bool,
    acts: Vec<(String, String, Option<Moment>)>,
}

/// `GET /webhooks/{name}`
pub(super) async fn one(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let told = if asked.result.is_empty() {
        let done = DONE.into_iter().find(|done| *done == asked.done);
        done.map(|done| visit.words.code("webhookdone", done))
    } else {
        let result = visit.words.code("webhookresult", &asked.result);
        Some(visit.words.with("webhook-tested", "result", result))
    };
    let is_bad = !matches!(asked.result.as_str(), "" | "ok");
    show(&desk, &visit, &name, asked, (told, is_bad)).await
}

async fn show(
    desk: &Desk,
    visit: &Visit,
    name: &str,
    asked: Asked,
    (told, is_bad): (Option<String>, bool),
) -> Result<Response, Fault> {
    let user = visit.user()?;
    let path = ["admin", "webhooks", name];
    let webhook: Webhook = desk.moderation.get(user, &path, &[]).await?;
    let mut query = vec![("limit", PAGE)];
    for (key, value) in [
        ("outcome", &asked.outcome),
        ("event", &asked.event),
        ("before", &asked.before),
    ] {
        query.extend((!value.is_empty()).then_some((key, value.as_str())));
    }
    let path = ["admin", "webhooks", name, "deliveries"];
    let log: Deliveries = desk.moderation.get(user, &path, &query).await?;
    let next = log.next.map(|next| {
        let asked = [
            ("outcome", asked.outcome.as_str()),
            ("event", &asked.event),
            ("before", &next.to_string()),
        ];
        links::to(&["webhooks", name], &asked)
    });
    let now = desk.clock.now();
    let lines = log.deliveries.into_iter().map(|delivery| Line {
        at: Moment::new(delivery.at.as_ref(), now),
        next: Moment::new(delivery.next_attempt.as_ref(), now),
        delivery,
    });
    let acts = webhook.acts.iter().map(|act| {
        let done = visit.words.code("webhookact", &act.what);
        (done, act.by.clone(), Moment::new(act.at.as_ref(), now))
    });
    let status = match told {
        Some(_) if is_bad && asked.result.is_empty() => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::OK,
    };
    let page = OnePage {
        shell: Shell::new("webhook-one", visit),
        told,
        is_bad,
        lines: lines.collect(),
        next,
        is_admin: user.role.at_least(Role::Admin),
        acts: acts.collect(),
        entry: Entry::new(webhook, desk),
        asked,
    };
    Ok(render(status, &page))
}

impl Desk {
    /// Has moderation-rules do something with an endpoint, and writes down who asked; what is
    /// refused is told on its page.
    async fn with_webhook(
        &self,
        visit: &Visit,
        name: String,
        act: &'static str,
        body: &Value,
    ) -> Result<Response, Fault> {
        let path = ["admin", "webhooks", &name, act];
        match self.moderation.post(visit.user()?, &path, body).await {
            Ok(IgnoredAny) => {}
            Err(backend::Error::Refused(refusal)) => {
                let told = Some(refusal.told(visit.words));
                return show(self, visit, &name, Asked::default(), (told, true)).await;
            }
            Err(error) => return Err(error.into()),
        }
        let done = match act {
            "enable" => "enabled",
            "disable" => "disabled",
            _ => "replayed",
        };
        let link = links::to(&["webhooks", &name], &[("done", done)]);
        let what = act.to_owned();
        let act = Act::Webhook {
            webhook: name,
            act: what,
        };
        self.accounts.note(&visit.origin, act).await?;
        Ok(see(&link))
    }

    /// Does it only if it is confirmed.
    async fn confirmed(
        &self,
        visit: &Visit,
        name: String,
        act: &'static str,
        body: &Value,
    ) -> Result<Response, Fault> {
        if visit.field("confirm") != "yes" {
            let told = Some(visit.words.t("webhook-confirm-first"));
            return show(self, visit, &name, Asked::default(), (told, true)).await;
        }
        self.with_webhook(visit, name, act, body).await
    }
}

/// `POST /webhooks/{name}/test`
pub(super) async fn test(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
) -> Result<Response, Fault> {
    let path = ["admin", "webhooks", &name, "test"];
    let tested: Tested = desk
        .moderation
        .post(visit.user()?, &path, &json!({}))
        .await?;
    let link = links::to(&["webhooks", &name], &[("result", &tested.result)]);
    let act = Act::Webhook {
        webhook: name,
        act: "test".to_owned(),
    };
    desk.accounts.note(&visit.origin, act).await?;
    Ok(see(&link))
}

/// `POST /webhooks/{name}/enable`
pub(super) async fn enable(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
) -> Result<Response, Fault> {
    desk.confirmed(&visit, name, "enable", &json!({})).await
}

/// `POST /webhooks/{name}/disable`
pub(super) async fn disable(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
) -> Result<Response, Fault> {
    desk.confirmed(&visit, name, "disable", &json!({})).await
}

/// `POST /webhooks/{name}/replay`: one event, or those of a day and later.
pub(super) async fn replay(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
) -> Result<Response, Fault> {
    let event = visit.field("event").trim();
    if !event.is_empty() {
        let body = json!({"event": event});
        return desk.with_webhook(&visit, name, "replay", &body).await;
    }
    let since = visit.field("since").trim();
    if since.parse::<jiff::civil::Date>().is_err() {
        let told = Some(visit.words.t("common-bad-day"));
        return show(&desk, &visit, &name, Asked::default(), (told, true)).await;
    }
    let body = json!({
        "since": format!("{since}T00:00:00Z"),
        "given_up": visit.field("given_up") == "yes",
    });
    desk.confirmed(&visit, name, "replay", &body).await
}
