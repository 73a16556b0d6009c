//! `POST /admin/rules/{rule}/mode`: a rule is put to shadow, to a share of threads, or to work.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use stoa_daemon::Problem;
use stoa_daemon::auth::Role;
use stoa_daemon::openapi::{Conflict, NotFound, PreconditionFailed, PreconditionRequired};
use stoa_rules::{Mode, RuleSet};

use super::change::{activate, check_live, check_note, compile, required};
use super::draft::{Texts, bytes};
use super::{broken, editor};
use crate::http::{Admin, wrong};
use crate::live::Live;
use crate::versions::{How, Why};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RuleModeRequest)]
pub(crate) struct Asked {
    mode: String,
    note: Option<String>,
}

/// Returns the files of a set with the rules in shadow that the live set has not, or has with another
/// content.
pub(super) fn in_shadow(live: &Live, set: &RuleSet) -> Result<Texts, Problem> {
    let is_new = |rule: &&str| live.set.content(rule) != set.content(rule);
    let rules: Vec<&str> = set
        .rules()
        .map(|info| info.id.as_str())
        .filter(is_new)
        .collect();
    written(set, &rules, Mode::Shadow)
}

fn written(set: &RuleSet, rules: &[&str], mode: Mode) -> Result<Texts, Problem> {
    set.with_mode(rules, mode).map_err(|refused| {
        Problem::new(StatusCode::CONFLICT, "mode_not_written").with_detail(refused.to_string())
    })
}

/// Makes a version live in which a rule has another mode.
#[utoipa::path(
    post,
    path = "/admin/rules/{rule}/mode",
    operation_id = "set_rule_mode",
    tag = "rules",
    params(("rule" = String, Path, description = "The rule."), ("If-Match" = Option<String>, Header, description = "The `ETag` of what was read, or `*`.")),
    request_body = Asked,
    extensions(("x-role" = json!(Role::Editor)), ("x-all-sites" = json!(true))),
    responses(Conflict, (status = 200, description = "The rule set.", body = super::Shown), (status = 422, description = "The rule set has errors.", body = super::Broken, content_type = "application/problem+json"), PreconditionFailed, PreconditionRequired, NotFound),
)]
pub(crate) async fn set(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(rule): Path<String>,
    body: Result<Json<Asked>, JsonRejection>,
) -> Result<Response, Problem> {
    let principal = editor(&admin, &headers)?;
    let expected = required(&headers)?;
    check_live(&admin, &expected)?;
    let Json(asked) = body?;
    check_note(asked.note.as_ref())?;
    let mode = Mode::parse(&asked.mode).map_err(|help| wrong("mode", help))?;
    let live = admin.rules.live();
    if !live.set.rules().any(|info| info.id == rule) {
        return Err(Problem::not_found(
            "the live rule set has no rule with this id",
        ));
    }
    let files = written(&live.set, &[&rule], mode)?;
    let set = match compile(&admin, bytes(files)).await? {
        Ok(set) => set,
        Err(errors) => return Ok(broken(&errors)),
    };
    let why = Why {
        how: How::Put,
        by: principal.name,
        note: asked.note,
    };
    activate(&admin, set, why, expected).await
}
