//! `/admin/rules`: what is live, what was live, and how it is changed.
//!
//! Whoever changes it says which one they have read (`If-Match`), so that nobody undoes what
//! somebody else has done meanwhile.

pub(crate) mod backtests;
mod breaker;
mod change;
mod diff;
pub(crate) mod draft;
mod lists;
mod mode;
mod versions;

use std::collections::BTreeMap;
use std::sync::Arc;
use stoa_daemon::openapi::{OpenApiRouter, PreconditionFailed, routes};

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use stoa_daemon::auth::{Principal, Role};
use stoa_daemon::{Problem, problem};
use stoa_proto::Verdict;
use stoa_rules::{Diagnostic, Errors};

use self::breaker::Breaker;
use self::versions::Activated;
use super::{Admin, time};
use crate::engine::limits;
use crate::live::Refused;
use crate::view::limits::day;
use crate::view::rows::RuleRow;
use crate::view::{REJECTIONS, RULES};

/// Bytes of a request with a whole rule set: a list of a million terms fits.
const MAX_BODY: usize = 32 * 1024 * 1024;

/// Tells what can't be read of a request with a whole rule set.
fn bad_files(rejection: JsonRejection) -> Problem {
    match Problem::from(rejection) {
        problem if problem.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::too_large(MAX_BODY)
        }
        problem => problem,
    }
}

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::default()
        .routes(routes!(change::put))
        .routes(routes!(draft::check))
        .routes(routes!(draft::try_text))
        .routes(routes!(backtests::begin))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .routes(routes!(show))
        .routes(routes!(backtests::list))
        .routes(routes!(backtests::one, backtests::cancel))
        .routes(routes!(lists::list))
        .routes(routes!(lists::one, lists::change))
        .routes(routes!(reload))
        .routes(routes!(change::rollback))
        .routes(routes!(versions::list))
        .routes(routes!(versions::one))
        .routes(routes!(diff::diff))
        .routes(routes!(breaker::reset))
        .routes(routes!(mode::set))
}

/// The live rule set.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RuleSet)]
pub(crate) struct Shown {
    hash: String,
    loaded_at: String,
    source: String,
    /// Since when, by whom and why it is live.
    activated: Option<Activated>,
    /// What is wrong with the folder, while another rule set than the one in it is live.
    pending_errors: Option<Pending>,
    rules: Vec<Rule>,
}

impl IntoResponse for Shown {
    fn into_response(self) -> Response {
        ([(header::ETAG, etag(&self.hash))], Json(self)).into_response()
    }
}

fn etag(hash: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{hash}\""))
        .unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PendingRuleSet)]
struct Pending {
    since: String,
    diagnostics: Vec<Shortcoming>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
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
    /// Since when it is live with the content that it has; absent if that was always so.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    breaker: Breaker,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<Quota>,
    since_start: Counts,
    total: Counts,
}

/// What a rule may reject in a day, in UTC.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RuleQuota)]
struct Quota {
    limit: u64,
    used: u64,
}

/// What a rule did.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RuleCounts)]
struct Counts {
    /// How often it fired and acted.
    hits: u64,
    /// How often it fired without acting.
    shadow_hits: u64,
    /// The decisions in which it acted, by verdict.
    verdicts: Verdicts,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RuleVerdicts)]
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
            let quota = match limits::quota(info, &self.engine_config) {
                Some(limit) => {
                    let today = (day(self.context.clock.micros()), info.id.clone());
                    let used = self.index.view.get(&REJECTIONS, &today)?;
                    let used = used.unwrap_or_default();
                    Some(Quota { limit, used })
                }
                None => None,
            };
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
                since: live.since.get(&info.id).copied().and_then(time),
                breaker: self.breaker_of(&live, info)?,
                quota,
                since_start: self.rules.since_start(&info.id).into(),
                total: total.into(),
            });
        }
        let hash = live.set.hash().to_owned();
        Ok(Shown {
            activated: self
                .rules
                .versions(|versions| Activated::last_of(versions, &hash)),
            pending_errors: self.rules.pending().map(|pending| Pending {
                since: pending.at.to_string(),
                diagnostics: shortcomings(&pending.errors),
            }),
            hash,
            loaded_at: live.loaded_at.to_string(),
            source: self.rules.source(),
            rules,
        })
    }
}

/// The live rule set, and what its rules did.
#[utoipa::path(
    get,
    path = "/admin/rules",
    operation_id = "get_rules",
    tag = "rules",
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "The rule set.", body = Shown, headers(("ETag" = String, description = "Its hash.")))),
)]
pub(crate) async fn show(State(admin): State<Admin>, headers: HeaderMap) -> Result<Shown, Problem> {
    admin.tokens.require(&headers, Role::Viewer)?;
    admin.blocking(Admin::rule_set).await
}

/// Who may change the rules: they are those of all sites.
fn editor(admin: &Admin, headers: &HeaderMap) -> Result<Principal, Problem> {
    let principal = admin.tokens.require(headers, Role::Editor)?;
    principal.require_all_sites()?;
    Ok(principal)
}

/// Reads the rule set from its folder again.
#[utoipa::path(
    post,
    path = "/admin/rules/reload",
    operation_id = "reload_rules",
    tag = "rules",
    extensions(("x-role" = json!(Role::Editor)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "The rule set.", body = Shown), (status = 422, description = "The rule set has errors.", body = Broken, content_type = "application/problem+json"), PreconditionFailed),
)]
pub(crate) async fn reload(
    State(admin): State<Admin>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let by = editor(&admin, &headers)?.name;
    tracing::info!(by, "the rule set is to be read again");
    let rules = Arc::clone(&admin.rules);
    let reloaded = admin.blocking(move |_| Ok(rules.reload(&by))).await?;
    match reloaded {
        Ok(_) => admin
            .blocking(Admin::rule_set)
            .await
            .map(IntoResponse::into_response),
        Err(refused) => Ok(refusal(&admin, refused)),
    }
}

/// Says why a rule set does not become live.
fn refusal(admin: &Admin, refused: Refused) -> Response {
    match refused {
        Refused::Broken(errors) => broken(&errors),
        Refused::Stale => stale(admin).into_response(),
        Refused::Unkept(error) => {
            tracing::error!(
                error = format!("{error:#}"),
                "the rule set can't be kept: the old one stays live"
            );
            Problem::unavailable("the rule set can't be kept: the old one stays live", 30)
                .into_response()
        }
    }
}

fn stale(admin: &Admin) -> Problem {
    let live = admin.rules.live();
    let hash = live.set.hash();
    Problem::new(StatusCode::PRECONDITION_FAILED, "rules_changed")
        .with_detail(format!("{hash} is live: read it, and change that"))
        .with_header(header::ETAG, etag(hash))
}

/// The problem document of a rule set that was refused: the usual members, and every error with
/// its place.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BrokenRuleSet)]
struct Broken {
    #[serde(flatten)]
    problem: Problem,
    #[schema(required = false)]
    diagnostics: Vec<Shortcoming>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Diagnostic)]
struct Shortcoming {
    file: String,
    line: u32,
    column: u32,
    message: String,
    help: Option<String>,
    snippet: Option<String>,
}

impl From<&Diagnostic> for Shortcoming {
    fn from(diagnostic: &Diagnostic) -> Self {
        Self {
            file: diagnostic.file.clone(),
            line: diagnostic.line,
            column: diagnostic.column,
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
            snippet: diagnostic.snippet.clone(),
        }
    }
}

fn shortcomings(errors: &Errors) -> Vec<Shortcoming> {
    errors.0.iter().map(Shortcoming::from).collect()
}

fn broken(errors: &Errors) -> Response {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let detail = format!(
        "{} errors: the rule set that was live stays live",
        errors.0.len()
    );
    let broken = Broken {
        problem: Problem::new(status, "invalid_rules").with_detail(detail),
        diagnostics: shortcomings(errors),
    };
    (
        status,
        [(header::CONTENT_TYPE, problem::CONTENT_TYPE)],
        Json(broken),
    )
        .into_response()
}
