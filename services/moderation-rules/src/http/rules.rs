//! `GET /admin/rules`: what is live, and `POST /admin/rules/reload`: reads it again.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use stoa_daemon::auth::Role;
use stoa_daemon::{Problem, problem};
use stoa_proto::Verdict;
use stoa_rules::{Diagnostic, Errors};

use super::Admin;
use crate::view::RULES;
use crate::view::rows::RuleRow;

/// The live rule set.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    hash: String,
    loaded_at: String,
    source: String,
    rules: Vec<Rule>,
}

#[derive(Debug, Serialize)]
struct Rule {
    id: String,
    file: String,
    line: u32,
    mode: String,
    verdict: Verdict,
    labels: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    explain: BTreeMap<String, String>,
    sites: Vec<String>,
    languages: Vec<String>,
    examples: usize,
    since_start: Counts,
    total: Counts,
}

/// What a rule did.
#[derive(Debug, Serialize)]
struct Counts {
    /// How often it fired and acted.
    hits: u64,
    /// How often it fired without acting.
    shadow_hits: u64,
    /// The decisions in which it acted, by verdict.
    verdicts: Verdicts,
}

#[derive(Debug, Serialize)]
struct Verdicts {
    approve: u64,
    hold: u64,
    reject: u64,
}

impl From<RuleRow> for Counts {
    fn from(row: RuleRow) -> Self {
        Self {
            hits: row.hits,
            shadow_hits: row.shadow_hits,
            verdicts: Verdicts {
                approve: row.approve,
                hold: row.hold,
                reject: row.reject,
            },
        }
    }
}

impl Admin {
    fn rule_set(&self) -> anyhow::Result<Shown> {
        let live = self.rules.live();
        let mut rules = Vec::new();
        for info in live.set.rules() {
            let total = self.index.view.get(&RULES, &info.id)?.unwrap_or_default();
            rules.push(Rule {
                id: info.id.clone(),
                file: info.file.clone(),
                line: info.line,
                mode: info.mode.to_string(),
                verdict: info.verdict,
                labels: info.labels.clone(),
                description: info.description.clone(),
                explain: info.explain.clone(),
                sites: info.sites.clone(),
                languages: info.languages.clone(),
                examples: info.examples,
                since_start: self.rules.since_start(&info.id).into(),
                total: total.into(),
            });
        }
        Ok(Shown {
            hash: live.set.hash().to_owned(),
            loaded_at: live.loaded_at.to_string(),
            source: self.rules.source(),
            rules,
        })
    }
}

/// Shows the live rule set.
pub(crate) async fn show(
    State(admin): State<Admin>,
    headers: HeaderMap,
) -> Result<Json<Shown>, Problem> {
    admin.tokens.require(&headers, Role::Viewer)?;
    admin.blocking(Admin::rule_set).await.map(Json)
}

/// Reads the rule set again.
pub(crate) async fn reload(
    State(admin): State<Admin>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = admin.tokens.require(&headers, Role::Editor)?;
    if principal.sites != stoa_daemon::auth::Sites::All {
        return Err(Problem::forbidden(
            "the rules of all sites need a token for all sites",
        ));
    }
    tracing::info!(by = principal.name, "the rule set is to be read again");
    let rules = Arc::clone(&admin.rules);
    let reloaded = admin.blocking(move |_| Ok(rules.reload())).await?;
    match reloaded {
        Ok(_) => admin
            .blocking(Admin::rule_set)
            .await
            .map(|shown| Json(shown).into_response()),
        Err(errors) => Ok(broken(&errors)),
    }
}

/// The problem document of a rule set that was refused: the usual members, and every error with
/// its place.
#[derive(Debug, Serialize)]
struct Broken<'a> {
    #[serde(flatten)]
    problem: Problem,
    diagnostics: Vec<Shortcoming<'a>>,
}

#[derive(Debug, Serialize)]
struct Shortcoming<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    message: &'a str,
    help: Option<&'a str>,
    snippet: Option<&'a str>,
}

impl<'a> From<&'a Diagnostic> for Shortcoming<'a> {
    fn from(diagnostic: &'a Diagnostic) -> Self {
        Self {
            file: &diagnostic.file,
            line: diagnostic.line,
            column: diagnostic.column,
            message: &diagnostic.message,
            help: diagnostic.help.as_deref(),
            snippet: diagnostic.snippet.as_deref(),
        }
    }
}

fn broken(errors: &Errors) -> Response {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let detail = format!(
        "{} errors: the rule set that was live stays live",
        errors.0.len()
    );
    let broken = Broken {
        problem: Problem::new(status, "invalid_rules").with_detail(detail),
        diagnostics: errors.0.iter().map(Shortcoming::from).collect(),
    };
    (
        status,
        [(header::CONTENT_TYPE, problem::CONTENT_TYPE)],
        Json(broken),
    )
        .into_response()
}
