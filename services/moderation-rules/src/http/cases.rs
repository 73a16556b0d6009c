//! `GET /admin/cases`: the queue, or what was closed.
//!
//! Open cases come by when they are due, and among equals oldest first; closed ones come newest
//! first. What is escalated comes before everything else that is open. `next` of one page is `after`
//! of the next, and absent on the last. A case that is opened or closed between two pages is
//! neither repeated nor does it push another one out.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use stoa_daemon::Problem;
use stoa_daemon::auth::{Principal, Role, Sites};
use stoa_proto::Verdict;

use super::{Admin, MAX_SCAN, limit, time, wrong};
use crate::record::{Closing, Opening};
use crate::view::rows::{CaseRow, ClosedRow};
use crate::view::{CASES, CLOSED};

pub(super) mod excerpt;
pub(super) mod queue;

use self::excerpt::{Listed, MAX_EXCERPT};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CaseStatus)]
enum Status {
    #[default]
    Open,
    Closed,
}

/// What is asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Open ones, or closed ones.
    #[serde(default)]
    #[param(inline)]
    status: Status,
    /// Of this site alone.
    site: Option<String>,
    /// About this article.
    article: Option<String>,
    /// With this label.
    label: Option<String>,
    /// Of which this rule decided.
    rule: Option<String>,
    /// Of this author.
    author: Option<String>,
    /// About this comment.
    comment: Option<String>,
    /// `me`, `none`, or a moderator's name.
    assignee: Option<String>,
    /// Whether they are escalated.
    escalated: Option<bool>,
    /// Characters of the comment that are shown with a case.
    #[param(minimum = 0, maximum = 1000)]
    excerpt: Option<usize>,
    /// `next` of the page before.
    after: Option<String>,
    /// Entries of a page.
    #[param(default = 50, minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

impl Asked {
    fn matches(&self, case: &CaseRow, me: &str, now: i64) -> bool {
        let is = |asked: &Option<String>, value: &String| {
            asked.as_ref().is_none_or(|asked| asked == value)
        };
        let has = |asked: &Option<String>, values: &Vec<String>| {
            asked.as_ref().is_none_or(|asked| values.contains(asked))
        };
        let holder = case.assignee(now).map(|claim| claim.moderator.as_str());
        let is_assigned = match self.assignee.as_deref() {
            None => true,
            Some("none") => holder.is_none(),
            Some("me") => holder == Some(me),
            name => holder == name,
        };
        is_assigned
            && self
                .escalated
                .is_none_or(|asked| asked == case.escalated.is_some())
            && is(&self.site, &case.site)
            && is(&self.article, &case.article)
            && is(&self.author, &case.author)
            && is(&self.comment, &case.comment)
            && has(&self.label, &case.labels)
            && has(&self.rule, &case.rules)
    }
}

/// A case, without words.
#[derive(Debug, Serialize, utoipa::ToSchema)]
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
    /// By when it is to be decided.
    due_at: Option<String>,
    /// Who works on it.
    assignee: Option<Assignee>,
    /// Who wants it to be looked at before others.
    escalated: Option<Escalated>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<Closed>,
}

/// Who works on a case, and until when.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Assignee {
    moderator: String,
    until: Option<String>,
}

/// Who wants a case to be looked at before others, and since when.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Escalated {
    by: String,
    at: Option<String>,
}

/// How a case ended.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ClosedCase)]
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
    /// Returns its labels.
    pub(super) fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Shows a row as it is at a time.
    pub(crate) fn new(id: String, row: CaseRow, now: i64) -> Self {
        let assignee = row.assignee(now).map(|claim| Assignee {
            moderator: claim.moderator.clone(),
            until: time(claim.until),
        });
        let escalated = row.escalated.map(|escalated| Escalated {
            by: escalated.by,
            at: time(escalated.at),
        });
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
            due_at: time(row.due),
            assignee,
            escalated,
            closed: row.closed.map(Closed::from),
        }
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CasePage)]
pub(crate) struct Listing {
    cases: Vec<Listed>,
    /// How many cases are open, of all sites; for tokens that are for all sites.
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<u64>,
    next: Option<String>,
}

/// Lists cases: open ones by when they are due, or closed ones, newest first.
///
/// A page may be short, and have a `next`, where a filter finds little. `open` is for tokens of all sites.
#[utoipa::path(
    get,
    path = "/admin/cases",
    operation_id = "list_cases",
    tag = "cases",
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
    let Query(asked) = query?;
    if let Some(site) = &asked.site {
        principal.require_site(site)?;
    }
    check_excerpt(asked.excerpt)?;
    let cursor = asked.after.as_deref().map(Cursor::parse).transpose()?;
    admin
        .blocking(move |admin| page(admin, &principal, &asked, cursor))
        .await
        .map(Json)
}

/// Refuses an excerpt that is not one.
pub(super) fn check_excerpt(chars: Option<usize>) -> Result<(), Problem> {
    if chars.is_some_and(|chars| chars > MAX_EXCERPT) {
        let detail = format!("ask for up to {MAX_EXCERPT} characters, or read the case");
        return Err(wrong("excerpt", detail).with_limit(format!("{MAX_EXCERPT} characters")));
    }
    Ok(())
}

/// A place in the list: when it is due (0 for closed cases) and record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cursor(pub(super) i64, pub(super) u64);

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
    let now = admin.context.clock.micros();
    let mut cases = Vec::new();
    let mut next = None;
    let places: Box<dyn Iterator<Item = queue::Found>> = match asked.status {
        Status::Open => queue::open(&admin.index, principal, asked, cursor, now)?,
        Status::Closed => {
            let to = cursor.map_or(u64::MAX, |Cursor(_, seq)| seq);
            let closed = view.range(&CLOSED, ..to).rev();
            Box::new(closed.map(|entry| entry.map(|(seq, id)| (Cursor(0, seq), id))))
        }
    };
    for (scanned, found) in places.enumerate() {
        let (place, id) = found?;
        if let Some(row) = view.get(&CASES, &id)?
            && principal.allows_site(&row.site)
            && asked.matches(&row, &principal.name, now)
        {
            cases.push(admin.listed(id, row, asked.excerpt, now)?);
        }
        if cases.len() >= limit || scanned >= MAX_SCAN {
            next = Some(place.text());
            break;
        }
    }
    let open = match principal.sites {
        Sites::All => Some(admin.index.open_cases()?),
        Sites::Only(_) => None,
    };
    Ok(Listing { cases, open, next })
}
