//! `GET /admin/rules/versions`: what was live, when, by whom and why; and the files of a version.

use std::collections::BTreeMap;
use stoa_daemon::openapi::{Gone, NotFound};

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use stoa_daemon::Problem;
use stoa_daemon::auth::Role;

use crate::http::{Admin, limit};
use crate::versions::{Activation, How, Versions};

/// A rule set became live.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Activation)]
pub(super) struct Activated {
    /// Its place in the log, from 1.
    number: usize,
    hash: String,
    at: String,
    by: String,
    how: How,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced: Option<String>,
    /// Whether its files are still there.
    kept: bool,
}

impl Activated {
    fn new(versions: &Versions, index: usize, activation: &Activation) -> Self {
        Self {
            number: index + 1,
            hash: activation.hash.clone(),
            at: activation.at.to_string(),
            by: activation.by.clone(),
            how: activation.how,
            note: activation.note.clone(),
            replaced: activation.replaced.clone(),
            kept: versions.has_files(&activation.hash),
        }
    }

    /// Returns when a rule set became live last.
    pub(super) fn last_of(versions: &Versions, hash: &str) -> Option<Self> {
        let mut activations = versions.activations().iter().enumerate().rev();
        let (index, activation) = activations.find(|(_, one)| one.hash == hash)?;
        Some(Self::new(versions, index, activation))
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// `next` of the page before.
    after: Option<usize>,
    /// Entries of a page.
    #[param(default = 50, minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RuleSetVersions)]
pub(crate) struct Listing {
    versions: Vec<Activated>,
    /// `after` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<usize>,
}

/// Lists the rule sets that were live, newest first.
#[utoipa::path(
    get,
    path = "/admin/rules/versions",
    operation_id = "list_rules_versions",
    tag = "rules",
    params(Asked),
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "A page.", body = Listing)),
)]
pub(crate) async fn list(
    State(admin): State<Admin>,
    headers: HeaderMap,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Listing>, Problem> {
    admin.tokens.require(&headers, Role::Viewer)?;
    let Query(asked) = query?;
    admin
        .blocking(move |admin| {
            Ok(admin.rules.versions(|versions| {
                let all = versions.activations();
                // The number of the last one of a page is that of the first that is left out.
                let end = asked
                    .after
                    .map_or(all.len(), |after| after.saturating_sub(1));
                let end = end.min(all.len());
                let start = end.saturating_sub(limit(asked.limit));
                let page = all.iter().enumerate().take(end).skip(start).rev();
                Listing {
                    versions: page
                        .map(|(index, one)| Activated::new(versions, index, one))
                        .collect(),
                    next: (start > 0).then_some(start + 1),
                }
            }))
        })
        .await
        .map(Json)
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RuleSetVersion)]
pub(crate) struct Version {
    hash: String,
    /// The text of each file, by its path.
    files: BTreeMap<String, String>,
    /// When it became live, newest first.
    activations: Vec<Activated>,
}

/// Why a version can't be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// It was never live.
    Unknown,
    /// It was live, and its files were removed since.
    Removed,
}

impl Missing {
    pub(super) fn problem(self, hash: &str) -> Problem {
        match self {
            Self::Unknown => Problem::not_found(format!("{hash} was never live")),
            Self::Removed => Problem::new(StatusCode::GONE, "version_removed").with_detail(
                format!("{hash} was live, and its files are not kept any more"),
            ),
        }
    }
}

impl Admin {
    /// Reads the files of a version.
    pub(super) fn version(
        &self,
        hash: &str,
    ) -> anyhow::Result<Result<BTreeMap<String, Vec<u8>>, Missing>> {
        self.rules.versions(|versions| {
            Ok(match versions.files(hash)? {
                Some(files) => Ok(files),
                None if versions.activations().iter().any(|one| one.hash == hash) => {
                    Err(Missing::Removed)
                }
                None => Err(Missing::Unknown),
            })
        })
    }
}

/// Completes a hash that was given without its kind.
pub(super) fn whole(hash: &str) -> String {
    if hash.contains(':') {
        hash.to_owned()
    } else {
        format!("sha256:{hash}")
    }
}

/// The files of a rule set that was live.
#[utoipa::path(
    get,
    path = "/admin/rules/versions/{hash}",
    operation_id = "get_rules_version",
    tag = "rules",
    params(("hash" = String, Path, description = "The rule set's hash, or its beginning.")),
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "The version.", body = Version), NotFound, Gone),
)]
pub(crate) async fn one(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(hash): Path<String>,
) -> Result<Json<Version>, Problem> {
    admin.tokens.require(&headers, Role::Viewer)?;
    let hash = whole(&hash);
    let asked = hash.clone();
    let found = admin
        .blocking(move |admin| {
            let files = match admin.version(&asked)? {
                Ok(files) => files,
                Err(missing) => return Ok(Err(missing)),
            };
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            let activations = admin.rules.versions(|versions| {
                let all = versions.activations().iter().enumerate().rev();
                all.filter(|(_, one)| one.hash == asked)
                    .map(|(index, one)| Activated::new(versions, index, one))
                    .collect()
            });
            Ok(Ok(Version {
                files: files
                    .iter()
                    .map(|(path, bytes)| (path.clone(), text(bytes)))
                    .collect(),
                activations,
                hash: asked,
            }))
        })
        .await?;
    found.map(Json).map_err(|missing| missing.problem(&hash))
}
