//! What one rule did, in shadow too, and what can be done with it.

use askama::Template;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use reqwest::Method;
use serde_json::json;
use stoa_daemon::auth::Role;

use super::super::chart::{Chart, Row};
use super::super::page::{Fault, Shell, render, see};
use super::super::visit::Visit;
use super::super::{Desk, assets};
use super::{live, may_edit, percent, segment};
use crate::backend::rules::{Insights, Rule, RuleInsight};
use crate::backend::{Answered, Question};

#[derive(Template)]
#[template(path = "rule.html")]
struct Page {
    shell: Shell,
    told: Option<String>,
    rule: Rule,
    hash: String,
    did: Option<RuleInsight>,
    overrides: String,
    shadow_overrides: String,
    chart: Chart,
    may_edit: bool,
    may_reset: bool,
    link: String,
}

/// The address of a rule's page.
pub(super) fn link(rule: &str) -> String {
    format!("/rules/results/{}", segment(rule))
}

/// `GET /rules/results/{rule}`
pub(crate) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    answer(&desk, &visit, &id, None).await
}

async fn answer(
    desk: &Desk,
    visit: &Visit,
    id: &str,
    told: Option<String>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    let set = live(desk, user).await?;
    let rule = set.rules.into_iter().find(|rule| rule.id == id);
    let rule = rule.ok_or(Fault::NotFound)?;
    let mut insights: Insights = desk
        .moderation
        .get(user, &["admin", "insights"], &[("rule", id)])
        .await?;
    let did = insights.rules.pop();
    let shell = Shell::new("rules-results", visit);
    let rate = |of: fn(&RuleInsight) -> Option<f64>| percent(did.as_ref().and_then(of));
    let status = if told.is_some() {
        StatusCode::CONFLICT
    } else {
        StatusCode::OK
    };
    let page = Page {
        chart: chart(&shell, &insights, did.as_ref()),
        overrides: rate(|did| did.judged.override_rate),
        shadow_overrides: rate(|did| did.shadow_judged.override_rate),
        may_edit: may_edit(user),
        may_reset: user.role.at_least(Role::Moderator) && user.sites == ["*"],
        link: link(&rule.id),
        hash: set.hash,
        shell,
        told,
        rule,
        did,
    };
    Ok(render(status, &page))
}

fn chart(shell: &Shell, insights: &Insights, did: Option<&RuleInsight>) -> Chart {
    let at = |counts: fn(&RuleInsight) -> &[u64], place: usize| {
        let counts = did.map_or(&[][..], counts);
        counts.get(place).copied().unwrap_or_default()
    };
    let rows = insights.slots.iter().enumerate().map(|(place, slot)| Row {
        label: slot.at.clone(),
        at: Some(slot.at.clone()),
        cells: vec![
            at(|did| &did.hits_by_slot, place).into(),
            at(|did| &did.shadow_by_slot, place).into(),
        ],
    });
    let head = ["insights-day", "rules-hits", "rules-shadow-hits"];
    Chart {
        kind: "line",
        title: shell.t("insights-hits"),
        summary: shell.t("chart-table"),
        rows: rows.collect(),
        head: head.iter().map(|id| shell.t(id)).collect(),
        plain: 0,
    }
}

/// Leads back to the rule, or shows it with why nothing was done.
async fn follow(
    desk: &Desk,
    visit: &Visit,
    id: &str,
    answered: Answered,
) -> Result<Response, Fault> {
    if answered.status.is_success() {
        return Ok(see(&link(id)));
    }
    let told = answered.refusal().told(visit.words);
    answer(desk, visit, id, Some(told)).await
}

/// `POST /rules/results/{rule}/mode`
pub(crate) async fn mode(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let mode = match visit.field("mode") {
        "percent" => format!("{}%", visit.field("percent")),
        mode => mode.to_owned(),
    };
    let body = json!({"mode": mode, "note": visit.field("note").trim()});
    let question = Question {
        method: Method::POST,
        path: &["admin", "rules", &id, "mode"],
        replaces: Some(visit.field("hash")),
        query: &[],
        body: Some(&body),
    };
    let answered = desk.moderation.ask(visit.user()?, question).await?;
    follow(&desk, &visit, &id, answered).await
}

/// `POST /rules/results/{rule}/breaker`
pub(crate) async fn reset(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let question = Question {
        method: Method::POST,
        path: &["admin", "rules", &id, "breaker"],
        replaces: None,
        query: &[],
        body: Some(&json!({"state": "reset"})),
    };
    let answered = desk.moderation.ask(visit.user()?, question).await?;
    follow(&desk, &visit, &id, answered).await
}
