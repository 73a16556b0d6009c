//! A rule's breaker: how it stands, and `POST /admin/rules/{rule}/breaker`, which resets it.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use stoa_daemon::Problem;
use stoa_daemon::auth::Role;
use stoa_daemon::openapi::NotFound;
use stoa_rules::RuleInfo;

use crate::engine::limits;
use crate::http::{Admin, stopped, time};
use crate::live::Live;
use crate::view::BREAKERS;

/// How a rule's breaker stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Breaker {
    state: Standing,
    /// Until when hits are counted; absent if they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    watched_until: Option<String>,
    /// The rule's hits within the window, or those that opened it.
    hits: u64,
    /// All comments within the window, or when it opened.
    comments: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    opened_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset: Option<Reset>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = BreakerState)]
enum Standing {
    Closed,
    Open,
}

/// Who reset it last.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BreakerReset)]
struct Reset {
    by: String,
    at: Option<String>,
}

impl Admin {
    /// Returns how a rule's breaker stands.
    pub(super) fn breaker_of(&self, live: &Live, rule: &RuleInfo) -> anyhow::Result<Breaker> {
        let now = self.context.clock.micros();
        let content = live.set.content(&rule.id).unwrap_or_default();
        let until = limits::watched_until(live, rule, self.breaker).filter(|until| now < *until);
        let row = self.index.view.get(&BREAKERS, &rule.id)?;
        let row = row.filter(|row| row.content == content).unwrap_or_default();
        let mut breaker = Breaker {
            state: Standing::Closed,
            watched_until: until.and_then(time),
            hits: 0,
            comments: 0,
            opened_at: None,
            reset: row.reset.clone().map(|(by, at)| Reset { by, at: time(at) }),
        };
        if let Some(opened) = row.opened {
            breaker.state = Standing::Open;
            breaker.hits = opened.hits;
            breaker.comments = opened.comments;
            breaker.opened_at = time(opened.at);
        } else if until.is_some() && row.content == content {
            let window = limits::window(self.breaker);
            let sum = self.index.hits(&rule.id, &row, window, now)?;
            breaker.hits = sum.hits;
            breaker.comments = sum.comments;
        }
        Ok(breaker)
    }
}

/// What is asked for.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BreakerRequest)]
pub(crate) struct Asked {
    state: Wanted,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = BreakerWanted)]
enum Wanted {
    Reset,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BreakerAnswer)]
pub(crate) struct Answer {
    rule: String,
    /// Whether it was open.
    was_open: bool,
    breaker: Breaker,
}

/// Lets a rule reject again.
#[utoipa::path(
    post,
    path = "/admin/rules/{rule}/breaker",
    operation_id = "reset_breaker",
    tag = "rules",
    params(("rule" = String, Path, description = "The rule.")),
    request_body = Asked,
    extensions(("x-role" = json!(Role::Moderator)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "How its breaker stands.", body = Answer), NotFound),
)]
pub(crate) async fn reset(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(rule): Path<String>,
    body: Result<Json<Asked>, JsonRejection>,
) -> Result<Json<Answer>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Moderator)?;
    principal.require_all_sites()?;
    let Json(Asked {
        state: Wanted::Reset,
    }) = body?;
    let find = |live: &Live| {
        let found = live.set.rules().find(|info| info.id == rule).cloned();
        found.ok_or_else(|| Problem::not_found("the live rule set has no rule with this id"))
    };
    find(&admin.rules.live())?;
    let was_open = admin
        .engine
        .reset(rule.clone(), principal.name)
        .await
        .map_err(|_| stopped())?;
    let live = admin.rules.live();
    let info = find(&live)?;
    let breaker = admin
        .blocking(move |admin| admin.breaker_of(&live, &info))
        .await?;
    Ok(Json(Answer {
        rule,
        was_open,
        breaker,
    }))
}
