//! `GET /admin/reasons`: the reasons that moderators choose from.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use stoa_daemon::Problem;
use stoa_daemon::auth::Role;

use super::Admin;
use crate::config::ReasonConfig;

/// What is asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Of this site alone.
    site: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ReasonList)]
pub(crate) struct Listing {
    reasons: Vec<ReasonConfig>,
}

/// Lists the reasons of a site, or of all that the token is for.
#[utoipa::path(
    get,
    path = "/admin/reasons",
    operation_id = "list_reasons",
    tag = "cases",
    params(Asked),
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "The reasons.", body = Listing)),
)]
pub(crate) async fn list(
    State(admin): State<Admin>,
    headers: HeaderMap,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Listing>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Viewer)?;
    let Query(Asked { site }) = query?;
    if let Some(site) = &site {
        principal.require_site(site)?;
    }
    let is_asked = |reason: &&ReasonConfig| {
        if let Some(site) = &site {
            return reason.is_for(site);
        }
        let mut sites = reason.sites.iter();
        reason.sites.is_empty() || sites.any(|site| principal.allows_site(site))
    };
    let reasons = admin.review.reasons.iter().filter(is_asked);
    Ok(Json(Listing {
        reasons: reasons.cloned().collect(),
    }))
}
