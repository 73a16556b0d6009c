//! `GET /admin/decisions`: the log of decisions, oldest first, and one decision by its id.
//!
//! `next` is the place behind the last record that was looked at, also on the last page: asking
//! again with it, and with `wait`, follows the log as it grows.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use stoa_daemon::Problem;
use stoa_daemon::auth::{Principal, Role};
use stoa_proto::Verdict;

use super::{Admin, MAX_SCAN, bad_query, limit};
use crate::record::{Change, FACT, Stored};
use crate::view::{DECISIONS, decision_key};

/// Seconds that a request may wait for something new.
const MAX_WAIT: u64 = 30;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum By {
    Rules,
    Moderator,
}

/// What is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    site: Option<String>,
    verdict: Option<Verdict>,
    by: Option<By>,
    comment: Option<String>,
    after: Option<u64>,
    limit: Option<usize>,
    wait: Option<u64>,
}

impl Asked {
    fn matches(&self, principal: &Principal, change: &Change) -> bool {
        let (about, verdict, by) = match (change, change.decided()) {
            (_, Some(decided)) => (&decided.about, decided.verdict, By::Rules),
            (Change::Reviewed(reviewed), None) => {
                (&reviewed.about, reviewed.verdict, By::Moderator)
            }
            _ => return false,
        };
        principal.allows_site(&about.site)
            && self.site.as_ref().is_none_or(|site| *site == about.site)
            && self
                .comment
                .as_ref()
                .is_none_or(|comment| *comment == about.comment)
            && self.verdict.is_none_or(|asked| asked == verdict)
            && self.by.is_none_or(|asked| asked == by)
    }
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

#[derive(Debug, Serialize)]
pub(crate) struct Listing {
    decisions: Vec<Entry>,
    /// `after` of the next request.
    next: u64,
    /// Whether there may be more right now.
    more: bool,
}

/// Lists decisions; with `wait`, until there is one or the time is over.
pub(crate) async fn list(
    State(admin): State<Admin>,
    headers: HeaderMap,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Listing>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Viewer)?;
    let Query(mut asked) = query.map_err(bad_query)?;
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

fn page(admin: &Admin, principal: &Principal, asked: &Asked) -> anyhow::Result<Listing> {
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
        if record.kind == FACT {
            continue;
        }
        if let Some(stored) = Stored::read(&record)? {
            decisions.extend(entry(record.seq, &stored, principal, asked));
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
            decisions.extend(entry(seq, &stored, principal, asked));
        }
    }
    Ok(Listing {
        decisions,
        next,
        more: false,
    })
}

fn entry(seq: u64, stored: &Stored, principal: &Principal, asked: &Asked) -> Option<Entry> {
    if !asked.matches(principal, &stored.change) {
        return None;
    }
    Entry::of(seq, stored)
}

/// Shows one decision.
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
