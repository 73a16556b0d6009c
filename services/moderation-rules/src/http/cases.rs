//! `GET /admin/cases`: the queue, or what was closed.
//!
//! Open cases come by priority, highest first, and among equals oldest first; closed ones come
//! newest first. `next` of one page is `after` of the next, and absent on the last. A case that is
//! opened or closed between two pages is neither repeated nor does it push another one out.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use stoa_daemon::Problem;
use stoa_daemon::auth::{Principal, Role};
use stoa_proto::Verdict;

use super::{Admin, MAX_SCAN, bad_query, limit, time};
use crate::record::{Closing, Opening};
use crate::view::rows::{CaseRow, ClosedRow};
use crate::view::{CASES, CLOSED, OPEN};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    #[default]
    Open,
    Closed,
}

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    #[serde(default)]
    status: Status,
    site: Option<String>,
    label: Option<String>,
    rule: Option<String>,
    author: Option<String>,
    comment: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

impl Asked {
    fn matches(&self, case: &CaseRow) -> bool {
        let is = |asked: &Option<String>, value: &String| {
            asked.as_ref().is_none_or(|asked| asked == value)
        };
        let has = |asked: &Option<String>, values: &Vec<String>| {
            asked.as_ref().is_none_or(|asked| values.contains(asked))
        };
        is(&self.site, &case.site)
            && is(&self.author, &case.author)
            && is(&self.comment, &case.comment)
            && has(&self.label, &case.labels)
            && has(&self.rule, &case.rules)
    }
}

/// A case, without words.
#[derive(Debug, Serialize)]
pub(crate) struct Case {
    #[serde(rename = "case")]
    id: String,
    status: &'static str,
    site: String,
    article: String,
    comment: String,
    revision: u32,
    author: String,
    reason: Opening,
    priority: i64,
    version: u64,
    labels: Vec<String>,
    rules: Vec<String>,
    opened_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<Closed>,
}

/// How a case ended.
#[derive(Debug, Serialize)]
pub(crate) struct Closed {
    at: Option<String>,
    reason: Closing,
    decision: Option<String>,
    verdict: Option<Verdict>,
    moderator: Option<String>,
}

impl From<ClosedRow> for Closed {
    fn from(row: ClosedRow) -> Self {
        Self {
            at: time(row.at),
            reason: row.reason,
            decision: row.decision,
            verdict: row.verdict,
            moderator: row.moderator,
        }
    }
}

impl Case {
    /// Shows a row.
    pub(crate) fn new(id: String, row: CaseRow) -> Self {
        Self {
            id,
            status: if row.closed.is_some() {
                "closed"
            } else {
                "open"
            },
            site: row.site,
            article: row.article,
            comment: row.comment,
            revision: row.revision,
            author: row.author,
            reason: row.reason,
            priority: row.priority,
            version: row.version,
            labels: row.labels,
            rules: row.rules,
            opened_at: time(row.opened_at),
            closed: row.closed.map(Closed::from),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Listing {
    cases: Vec<Case>,
    /// How many cases are open, of all sites; for tokens that are for all sites.
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<u64>,
    next: Option<String>,
}

/// Lists cases.
pub(crate) async fn list(
    State(admin): State<Admin>,
    headers: HeaderMap,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Listing>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Viewer)?;
    let Query(asked) = query.map_err(bad_query)?;
    if let Some(site) = &asked.site {
        principal.require_site(site)?;
    }
    let cursor = asked.after.as_deref().map(Cursor::parse).transpose()?;
    admin
        .blocking(move |admin| page(admin, &principal, &asked, cursor))
        .await
        .map(Json)
}

/// A place in the list: negated priority (0 for closed cases) and record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cursor(i64, u64);

impl Cursor {
    fn parse(text: &str) -> Result<Self, Problem> {
        text.split_once('.')
            .and_then(|(priority, seq)| Some(Self(priority.parse().ok()?, seq.parse().ok()?)))
            .ok_or_else(|| {
                Problem::bad_request("`after` is not a `next` of this list").with_field("after")
            })
    }

    fn text(self) -> String {
        format!("{}.{}", self.0, self.1)
    }
}

fn page(
    admin: &Admin,
    principal: &Principal,
    asked: &Asked,
    cursor: Option<Cursor>,
) -> anyhow::Result<Listing> {
    let view = &admin.index.view;
    let limit = limit(asked.limit);
    let mut cases = Vec::new();
    let mut next = None;
    let mut take = |place: Cursor, id: String, scanned: usize| -> anyhow::Result<bool> {
        if let Some(row) = view.get(&CASES, &id)?
            && principal.allows_site(&row.site)
            && asked.matches(&row)
        {
            cases.push(Case::new(id, row));
        }
        let full = cases.len() >= limit || scanned >= MAX_SCAN;
        if full {
            next = Some(place.text());
        }
        Ok(full)
    };
    match asked.status {
        Status::Open => {
            let from = cursor.map_or((i64::MIN, 0), |Cursor(priority, seq)| {
                (priority, seq.saturating_add(1))
            });
            for (scanned, entry) in view.range(&OPEN, from..).enumerate() {
                let ((priority, seq), id) = entry?;
                if take(Cursor(priority, seq), id, scanned)? {
                    break;
                }
            }
        }
        Status::Closed => {
            let to = cursor.map_or(u64::MAX, |Cursor(_, seq)| seq);
            for (scanned, entry) in view.range(&CLOSED, ..to).rev().enumerate() {
                let (seq, id) = entry?;
                if take(Cursor(0, seq), id, scanned)? {
                    break;
                }
            }
        }
    }
    let open = match principal.sites {
        stoa_daemon::auth::Sites::All => Some(admin.index.open_cases()?),
        stoa_daemon::auth::Sites::Only(_) => None,
    };
    Ok(Listing { cases, open, next })
}
