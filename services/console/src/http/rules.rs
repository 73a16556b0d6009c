//! The rules: what is live and what each rule does, earlier versions, and the editor.

pub(super) mod backtest;
pub(super) mod edit;
pub(super) mod results;
pub(super) mod versions;

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use percent_encoding::utf8_percent_encode;
use stoa_daemon::auth::Role;

use super::Desk;
use super::page::{Fault, Shell, render};
use super::time::Moment;
use super::visit::Visit;
use crate::accounts::User;
use crate::backend::SEGMENT;
use crate::backend::rules::{Activated, Diagnostic, Insights, Rule, RuleInsight, RuleSet};

/// Characters of a hash that people tell apart.
const SHORT: usize = 12;

/// A version, for people.
struct Version {
    activated: Activated,
    at: Option<Moment>,
    short: String,
}

impl Version {
    fn new(activated: Activated, desk: &Desk) -> Self {
        Self {
            at: Moment::new(Some(&activated.at), desk.clock.now()),
            short: short(&activated.hash),
            activated,
        }
    }
}

/// The beginning of a hash.
fn short(hash: &str) -> String {
    let digits = hash.split_once(':').map_or(hash, |(_, digits)| digits);
    digits.chars().take(SHORT).collect()
}

/// Whether somebody may change the rules: they are those of all sites.
fn may_edit(user: &User) -> bool {
    user.role.at_least(Role::Editor) && user.sites == ["*"]
}

/// A share in percent.
fn percent(rate: Option<f64>) -> String {
    rate.map_or_else(|| "–".to_owned(), |rate| format!("{:.0} %", rate * 100.0))
}

async fn live(desk: &Desk, user: &User) -> Result<RuleSet, Fault> {
    Ok(desk.moderation.get(user, &["admin", "rules"], &[]).await?)
}

/// The hash of what is live.
pub(super) async fn hash(desk: &Desk, user: &User) -> Result<String, Fault> {
    Ok(live(desk, user).await?.hash)
}

struct Line {
    rule: Rule,
    link: String,
    hits: u64,
    shadow: u64,
    overrides: String,
    judged: u64,
}

#[derive(Template)]
#[template(path = "rules.html")]
struct Page {
    shell: Shell,
    version: Option<Version>,
    may_edit: bool,
    wrong: Vec<Diagnostic>,
    lines: Vec<Line>,
}

/// `GET /rules`
pub(super) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    let set = live(&desk, user).await?;
    let insights: Insights = desk
        .moderation
        .get(user, &["admin", "insights"], &[])
        .await?;
    let mut did: BTreeMap<String, RuleInsight> = insights
        .rules
        .into_iter()
        .map(|rule| (rule.rule.clone(), rule))
        .collect();
    let line = |rule: Rule| {
        let did = did.remove(&rule.id);
        let judged = did.as_ref().map(|did| {
            if rule.mode == "shadow" {
                &did.shadow_judged
            } else {
                &did.judged
            }
        });
        Line {
            link: results::link(&rule.id),
            overrides: percent(judged.and_then(|judged| judged.override_rate)),
            judged: judged.map_or(0, |judged| judged.approved + judged.rejected),
            hits: did.as_ref().map_or(0, |did| did.hits),
            shadow: did.as_ref().map_or(0, |did| did.shadow_hits),
            rule,
        }
    };
    let page = Page {
        shell: Shell::new("rules-title", &visit),
        version: set.activated.map(|one| Version::new(one, &desk)),
        may_edit: may_edit(user),
        wrong: set
            .pending_errors
            .map(|one| one.diagnostics)
            .unwrap_or_default(),
        lines: set.rules.into_iter().map(line).collect(),
    };
    Ok(render(StatusCode::OK, &page))
}

/// A segment of an address.
fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}
