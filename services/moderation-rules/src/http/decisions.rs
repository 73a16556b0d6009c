//! `GET /admin/decisions`: the log of decisions, oldest first, and one decision by its id.
//!
//! `next` is the place behind the last record that was looked at, also on the last page: asking
//! again with it, and with `wait`, follows the log as it grows.
//!
//! With `order=newest` the log is read backwards, and `next` is `before` of the next page.

mod newest;

use std::time::Duration;
use stoa_daemon::openapi::NotFound;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use stoa_daemon::Problem;
use stoa_daemon::auth::{Principal, Role};
use stoa_proto::{Time, Verdict};

use super::{Admin, MAX_SCAN, limit, wrong};
use crate::record::{About, Change, FACT, HANDLED, Stored};
use crate::view::{COMMENTS, DECISIONS, decision_key};

/// Seconds that a request may wait for something new.
const MAX_WAIT: u64 = 30;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DecisionBy)]
enum By {
    Rules,
    Moderator,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DecisionOrder)]
enum Order {
    #[default]
    Oldest,
    Newest,
}

/// What is asked for.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Of this site alone.
    site: Option<String>,
    /// With this verdict.
    verdict: Option<Verdict>,
    /// Of moderators, or of rules, alone.
    #[param(inline)]
    by: Option<By>,
    /// About this comment.
    comment: Option<String>,
    /// Of this author.
    author: Option<String>,
    /// A rule that acted.
    rule: Option<String>,
    /// The name of who decided.
    moderator: Option<String>,
    /// Which come first.
    #[serde(default)]
    #[param(inline)]
    order: Order,
    /// `next` of the page before.
    after: Option<u64>,
    /// With `order=newest`: `next` of the page before.
    before: Option<u64>,
    /// Written down at this moment or later.
    from: Option<Time>,
    /// Written down before this moment.
    to: Option<Time>,
    /// Entries of a page.
    #[param(default = 50, minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// Seconds to wait for something new.
    #[param(minimum = 0, maximum = 30)]
    wait: Option<u64>,
}

impl Asked {
    fn matches(
        &self,
        admin: &Admin,
        principal: &Principal,
        change: &Change,
    ) -> Result<bool, stoa_store::Error> {
        let (about, verdict, moderator) = match (change, change.decided()) {
            (_, Some(decided)) => (&decided.about, decided.verdict, None),
            (Change::Reviewed(reviewed), None) => {
                (&reviewed.about, reviewed.verdict, Some(&reviewed.moderator))
            }
            (Change::Undone(undone), None) => {
                (&undone.about, undone.verdict, Some(&undone.moderator))
            }
            _ => return Ok(false),
        };
        let decided = change.decided();
        let is = |asked: &Option<String>, value: Option<&String>| {
            asked.as_ref().is_none_or(|asked| Some(asked) == value)
        };
        let by = moderator.map_or(By::Rules, |_| By::Moderator);
        let is_asked = principal.allows_site(&about.site)
            && is(&self.site, Some(&about.site))
            && is(&self.comment, Some(&about.comment))
            && is(&self.moderator, moderator)
            && self
                .rule
                .as_ref()
                .is_none_or(|rule| decided.is_some_and(|decided| decided.rules.contains(rule)))
            && self.verdict.is_none_or(|asked| asked == verdict)
            && self.by.is_none_or(|asked| asked == by);
        match &self.author {
            Some(author) if is_asked => admin.is_by(about, author),
            _ => Ok(is_asked),
        }
    }

    /// Refuses what only one of the two orders can do.
    fn check(&self) -> Result<(), Problem> {
        let odd = match self.order {
            Order::Oldest => &[
                ("before", self.before.is_some()),
                ("from", self.from.is_some()),
                ("to", self.to.is_some()),
            ][..],
            Order::Newest => &[
                ("after", self.after.is_some()),
                ("wait", self.wait.is_some()),
            ],
        };
        let odd = odd.iter().find(|(_, is_given)| *is_given);
        odd.map_or(Ok(()), |(field, _)| {
            let order = if self.order == Order::Oldest {
                "with"
            } else {
                "without"
            };
            Err(wrong(
                field,
                format!("`{field}` goes only {order} `order=newest`"),
            ))
        })
    }
}

/// What an [`Entry`] has, for the document.
#[derive(utoipa::ToSchema)]
#[schema(as = LoggedDecision)]
#[expect(dead_code, reason = "it only describes the answer")]
struct Logged {
    /// Its place in the log.
    seq: u64,
    #[serde(flatten)]
    decision: stoa_proto::Decision,
}

/// A decision as it was published, with its place in the log as `seq`.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Entry(Box<RawValue>);

impl Entry {
    /// Copies the decision of a record; whoever follows the log reads all of them, so they are not
    /// taken apart.
    fn of(seq: u64, stored: &Stored) -> Option<Self> {
        let fields = stored.decision_json()?.strip_prefix('{')?;
        RawValue::from_string(format!("{{\"seq\":{seq},{fields}"))
            .ok()
            .map(Self)
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DecisionPage)]
pub(crate) struct Listing {
    #[schema(value_type = Vec<Logged>)]
    decisions: Vec<Entry>,
    /// `after` of the next request.
    next: u64,
    /// Whether there may be more right now.
    more: bool,
}

/// Lists decisions, oldest first so that the log can be followed, or newest first.
///
/// With `wait`, up to 30 seconds until there is one.
#[utoipa::path(
    get,
    path = "/admin/decisions",
    operation_id = "list_decisions",
    tag = "decisions",
    params(Asked),
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "A page.", body = Listing)),
)]
pub(crate) async fn list(
    State(admin): State<Admin>,
    headers: HeaderMap,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Listing>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Viewer)?;
    let Query(mut asked) = query?;
    asked.check()?;
    if let Some(site) = &asked.site {
        principal.require_site(site)?;
    }
    let wait = Duration::from_secs(asked.wait.unwrap_or_default().min(MAX_WAIT));
    let over = tokio::time::sleep(wait);
    tokio::pin!(over);
    let mut durable = admin.journal.durable();
    loop {
        durable.mark_unchanged();
        let (principal, looked) = (principal.clone(), asked.clone());
        let listing = admin
            .blocking(move |admin| page(admin, &principal, &looked))
            .await?;
        if wait.is_zero() || !listing.decisions.is_empty() {
            return Ok(Json(listing));
        }
        asked.after = Some(listing.next);
        if listing.more {
            continue;
        }
        tokio::select! {
            () = &mut over => return Ok(Json(listing)),
            () = admin.context.shutdown.cancelled() => return Ok(Json(listing)),
            changed = durable.changed() => if changed.is_err() { return Ok(Json(listing)); },
        }
    }
}

impl Admin {
    /// Whether a comment is an author's.
    fn is_by(&self, about: &About, author: &str) -> Result<bool, stoa_store::Error> {
        let id = (about.site.as_str(), about.comment.as_str());
        let row = self.index.view.get(&COMMENTS, &id)?;
        Ok(row.is_some_and(|row| row.author == author))
    }
}

fn page(admin: &Admin, principal: &Principal, asked: &Asked) -> anyhow::Result<Listing> {
    if asked.order == Order::Newest {
        return newest::page(admin, principal, asked);
    }
    match (&asked.site, &asked.comment, asked.wait) {
        (Some(site), Some(comment), None) => of_comment(admin, principal, asked, site, comment),
        // The view may be a moment behind the journal, so a reader that waits reads the journal.
        _ => of_all(admin, principal, asked),
    }
}

fn of_all(admin: &Admin, principal: &Principal, asked: &Asked) -> anyhow::Result<Listing> {
    let limit = limit(asked.limit);
    let mut next = asked.after.unwrap_or_default().max(admin.journal.first());
    let mut decisions = Vec::new();
    for (scanned, record) in admin.journal.iter(next).enumerate() {
        if decisions.len() >= limit || scanned >= MAX_SCAN {
            return Ok(Listing {
                decisions,
                next,
                more: true,
            });
        }
        let record = record?;
        next = record.seq + 1;
        if matches!(record.kind, FACT | HANDLED) {
            continue;
        }
        if let Some(stored) = Stored::read(&record)? {
            decisions.extend(entry(admin, record.seq, &stored, principal, asked)?);
        }
    }
    Ok(Listing {
        decisions,
        next,
        more: false,
    })
}

fn of_comment(
    admin: &Admin,
    principal: &Principal,
    asked: &Asked,
    site: &str,
    comment: &str,
) -> anyhow::Result<Listing> {
    let limit = limit(asked.limit);
    let mut next = asked.after.unwrap_or_default();
    let mut decisions = Vec::new();
    for seq in admin.index.decisions_of(site, comment, MAX_SCAN)? {
        if seq < next {
            continue;
        }
        if decisions.len() >= limit {
            return Ok(Listing {
                decisions,
                next,
                more: true,
            });
        }
        next = seq + 1;
        if let Some(stored) = admin.stored(seq)? {
            decisions.extend(entry(admin, seq, &stored, principal, asked)?);
        }
    }
    Ok(Listing {
        decisions,
        next,
        more: false,
    })
}

fn entry(
    admin: &Admin,
    seq: u64,
    stored: &Stored,
    principal: &Principal,
    asked: &Asked,
) -> anyhow::Result<Option<Entry>> {
    let is_asked = asked.matches(admin, principal, &stored.change)?;
    Ok(is_asked.then(|| Entry::of(seq, stored)).flatten())
}

/// One decision, as it was published.
#[utoipa::path(
    get,
    path = "/admin/decisions/{decision}",
    operation_id = "get_decision",
    tag = "decisions",
    params(("decision" = String, Path, description = "The decision.")),
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "The decision.", body = Logged), NotFound),
)]
pub(crate) async fn one(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Entry>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Viewer)?;
    let found = admin
        .blocking(move |admin| {
            let Some(key) = decision_key(&id) else {
                return Ok(None);
            };
            let Some(seq) = admin.index.view.get(&DECISIONS, &key)? else {
                return Ok(None);
            };
            let Some(stored) = admin.stored(seq)? else {
                return Ok(None);
            };
            let site = stored.change.site();
            Ok(principal
                .allows_site(site)
                .then(|| Entry::of(seq, &stored))
                .flatten())
        })
        .await?;
    found
        .map(Json)
        .ok_or_else(|| Problem::not_found("no decision has this id"))
}
