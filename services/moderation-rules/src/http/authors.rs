//! One author: `GET /admin/authors/{site}/{author}` and `POST …/sanctions`.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use stoa_daemon::Problem;
use stoa_daemon::auth::{Principal, Role};
use stoa_daemon::openapi::{Conflict, NotFound};
use stoa_proto::{By, Sanction, Time, limits};

use super::{Admin, key, stopped, time, wrong};
use crate::engine::sanction::Sanctioning;
use crate::record::{Change, Stored};
use crate::view::rows::AuthorRow;
use crate::view::{AUTHORS, SANCTIONS};

/// Sanctions that are shown.
const MAX_SHOWN: usize = 100;
/// Characters of a reason.
const MAX_REASON: usize = 4_000;

/// What is known of an author.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AuthorRecord)]
pub(crate) struct Author {
    site: String,
    #[serde(rename = "author")]
    id: String,
    /// Comments by the verdict that stands.
    approved: u64,
    held: u64,
    rejected: u64,
    first_seen: Option<String>,
    /// Whether they have earned trust as a reader.
    trusted: bool,
    reports: Reporter,
    /// What they are under now.
    sanction: Option<Act>,
    /// What was imposed and lifted, newest first, up to 100.
    sanctions: Vec<Act>,
}

/// What came of an author's reports of others.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Reporter {
    upheld: u64,
    dismissed: u64,
    /// What the next one weighs.
    weight: f64,
}

/// What a moderator put an author under, or that it was lifted.
#[derive(Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = SanctionRecord)]
pub(crate) struct Act {
    sanction: Sanction,
    since: Option<String>,
    until: Option<Time>,
    by: String,
    reason: Option<String>,
}

impl Act {
    /// Reads it from its record.
    fn of(stored: &Stored) -> Option<Self> {
        let Change::Sanctioned(sanctioned) = &stored.change else {
            return None;
        };
        let told = stored.sanctioned()?;
        Some(Self {
            sanction: sanctioned.sanction,
            since: time(sanctioned.at),
            until: told.until,
            by: match told.by {
                Some(By::Moderator { id }) => id,
                _ => sanctioned.moderator.clone(),
            },
            reason: told.reason,
        })
    }
}

fn unknown() -> Problem {
    Problem::not_found("no author has this id on this site")
}

/// Tells nothing of authors on sites that the token is not for.
fn admit(principal: &Principal, site: &str) -> Result<(), Problem> {
    principal
        .allows_site(site)
        .then_some(())
        .ok_or_else(unknown)
}

impl Admin {
    fn author(&self, site: String, author: String) -> anyhow::Result<Option<Author>> {
        let view = &self.index.view;
        let id = (site, author);
        let Some(row) = view.get(&AUTHORS, &id)? else {
            return Ok(None);
        };
        let act = |seq| anyhow::Ok(self.stored(seq)?.as_ref().and_then(Act::of));
        let mut sanctions = Vec::new();
        let of_author = (id.0.as_str(), id.1.as_str());
        for entry in view.scan(&SANCTIONS, of_author).rev().take(MAX_SHOWN) {
            let ((_, _, seq), ()) = entry?;
            sanctions.extend(act(seq)?);
        }
        let sanction = match row.sanction(self.context.clock.micros()) {
            Some(open) => act(open.seq)?,
            None => None,
        };
        let trusted = row.is_trusted(self.engine_config.trusted_after);
        let weight = row.weight();
        let AuthorRow {
            approved,
            held,
            rejected,
            upheld,
            dismissed,
            first_seen,
            ..
        } = row;
        Ok(Some(Author {
            site: id.0,
            id: id.1,
            approved,
            held,
            rejected,
            first_seen: first_seen.and_then(time),
            trusted,
            reports: Reporter {
                upheld,
                dismissed,
                weight,
            },
            sanction,
            sanctions,
        }))
    }
}

/// What is known of an author.
#[utoipa::path(
    get,
    path = "/admin/authors/{site}/{author}",
    operation_id = "get_author",
    tag = "authors",
    params(("site" = String, Path, description = "The site."), ("author" = String, Path, description = "The author.")),
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "The author.", body = Author), NotFound),
)]
pub(crate) async fn one(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path((site, author)): Path<(String, String)>,
) -> Result<Json<Author>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Viewer)?;
    admit(&principal, &site)?;
    let found = admin
        .blocking(move |admin| admin.author(site, author))
        .await?;
    found.map(Json).ok_or_else(unknown)
}

/// What a moderator puts an author under.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SanctionRequest)]
pub(crate) struct Asked {
    sanction: Sanction,
    #[serde(default)]
    until: Option<String>,
    #[serde(default)]
    reason: Option<String>,
}

impl Asked {
    /// Checks the reason, and returns until when the sanction is to hold.
    fn check(&self, now: i64) -> Result<Option<Time>, Problem> {
        let reason = self.reason.as_deref().unwrap_or_default();
        if reason.chars().count() > MAX_REASON {
            let detail = format!("a reason has at most {MAX_REASON} characters: shorten it");
            return Err(wrong("reason", detail).with_limit(format!("{MAX_REASON} characters")));
        }
        let Some(until) = &self.until else {
            return match self.sanction {
                Sanction::Suspend => Err(wrong(
                    "until",
                    "a suspension needs an end: give `until`, or impose `ban`",
                )),
                _ => Ok(None),
            };
        };
        if !matches!(self.sanction, Sanction::Suspend | Sanction::Premoderate) {
            let name = self.sanction.as_str();
            let detail = format!("`{name}` takes no end: leave `until` out, or impose `suspend`");
            return Err(wrong("until", detail));
        }
        let until = Time::parse(until).map_err(|_| {
            wrong(
                "until",
                "`until` is no time: write it as RFC 3339, such as 2026-12-31T18:00:00Z",
            )
        })?;
        if until.micros() <= now {
            return Err(wrong(
                "until",
                "`until` is over already: give a time in the future, or impose `lift` to end what is open",
            ));
        }
        Ok(Some(until))
    }
}

/// Checks an id that may not be known yet.
fn check_id(field: &str, id: &str) -> Result<(), Problem> {
    if id.is_empty() || id.len() > limits::ID_BYTES || id.chars().any(char::is_control) {
        let limit = limits::ID_BYTES;
        let detail = format!("an id has 1 to {limit} bytes and no control characters");
        return Err(wrong(field, detail).with_limit(format!("{limit} bytes")));
    }
    Ok(())
}

/// Sanctions an author, or lifts what is open.
///
/// The author need not be known yet.
#[utoipa::path(
    post,
    path = "/admin/authors/{site}/{author}/sanctions",
    operation_id = "sanction_author",
    tag = "authors",
    params(("site" = String, Path, description = "The site."), ("author" = String, Path, description = "The author.")),
    request_body = Asked,
    extensions(("x-role" = json!(Role::Moderator))),
    responses((status = 200, description = "The sanction.", body = Act), Conflict, NotFound),
)]
pub(crate) async fn sanction(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path((site, author)): Path<(String, String)>,
    body: Result<Json<Asked>, JsonRejection>,
) -> Result<Json<Act>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Moderator)?;
    admit(&principal, &site)?;
    check_id("site", &site)?;
    check_id("author", &author)?;
    let key = key(&headers)?;
    let Json(asked) = body?;
    let until = asked.check(admin.context.clock.micros())?;
    let asked = Sanctioning {
        site,
        author,
        sanction: asked.sanction,
        until,
        reason: asked.reason,
        moderator: principal.name,
        key,
    };
    let outcome = admin.engine.sanction(asked).await.map_err(|_| stopped())?;
    let stored = outcome.map_err(|nothing| {
        Problem::conflict(format!("{nothing}, so there is nothing to lift"))
            .with_code("nothing_open")
            .with_field("sanction")
    })?;
    Act::of(&stored).map(Json).ok_or_else(Problem::internal)
}
