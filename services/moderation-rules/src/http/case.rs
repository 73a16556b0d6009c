//! One case: `GET /admin/cases/{case}` and `POST /admin/cases/{case}/decision`.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use stoa_daemon::Problem;
use stoa_daemon::auth::{Principal, Role};
use stoa_proto::{Data, Decision, ReportReason, Verdict};

use super::cases::{Case, Closed};
use super::{Admin, bad_body, stopped, time};
use crate::engine::review::{Review, ReviewError};
use crate::record::Stored;
use crate::statement::ReviewReason;
use crate::view::reports::Reports;
use crate::view::rows::{AuthorRow, CaseRow};
use crate::view::{AUTHORS, CASES, CHILDREN, COMMENTS};

/// Neighbours and decisions that are shown with a case.
const MAX_SHOWN: usize = 100;

/// Characters of a reason's parts.
const MAX_CODE: usize = 64;
const MAX_TEXT: usize = 4_000;

/// A case with all that is needed to decide it.
#[derive(Debug, Serialize)]
pub(crate) struct Whole {
    #[serde(flatten)]
    case: Case,
    /// The plain text, in which spans are counted; absent if it was erased.
    text: Option<String>,
    /// The event that the comment came in.
    event: Option<Box<RawValue>>,
    /// The decisions about the comment, oldest first.
    decisions: Vec<Decision>,
    thread: Thread,
    history: History,
    /// All reports, ever.
    reports: u32,
    /// Those since a moderator last decided.
    open_reports: OpenReports,
}

/// What readers said against the comment, as conditions see it.
#[derive(Debug, Serialize)]
struct OpenReports {
    reporters: u64,
    weight: f64,
    reasons: Vec<ReportReason>,
}

impl From<Reports> for OpenReports {
    fn from(reports: Reports) -> Self {
        Self {
            reporters: reports.count(),
            weight: reports.weight(),
            reasons: reports.reasons(),
        }
    }
}

/// Where the comment stands.
#[derive(Debug, Serialize)]
struct Thread {
    article: String,
    parent: Option<String>,
    depth: Option<u32>,
    /// Comments that answer the same comment, up to 100; none for a comment at top level, whose
    /// neighbours the archive's thread shows.
    siblings: Vec<String>,
    /// Comments that answer it, up to 100.
    children: Vec<String>,
}

/// What is known of the author.
#[derive(Debug, Serialize)]
struct History {
    approved: u64,
    held: u64,
    rejected: u64,
    first_seen: Option<String>,
}

impl From<AuthorRow> for History {
    fn from(row: AuthorRow) -> Self {
        Self {
            approved: row.approved,
            held: row.held,
            rejected: row.rejected,
            first_seen: row.first_seen.and_then(time),
        }
    }
}

fn unknown() -> Problem {
    Problem::not_found("no case has this id")
}

impl Admin {
    /// Finds a case that the principal may see.
    async fn find_case(&self, principal: &Principal, id: &str) -> Result<CaseRow, Problem> {
        let id = id.to_owned();
        let row = self
            .blocking(move |admin| Ok(admin.index.view.get(&CASES, &id)?))
            .await?;
        row.filter(|row| principal.allows_site(&row.site))
            .ok_or_else(unknown)
    }

    fn neighbours(&self, row: &CaseRow, parent: &str) -> anyhow::Result<Vec<String>> {
        let prefix = (row.site.as_str(), row.article.as_str(), parent);
        let mut ids = Vec::new();
        for entry in self.index.view.scan(&CHILDREN, prefix).take(MAX_SHOWN + 1) {
            let ((_, _, _, id), ()) = entry?;
            if id != row.comment && ids.len() < MAX_SHOWN {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    fn whole(&self, id: String, row: CaseRow) -> anyhow::Result<Whole> {
        let view = &self.index.view;
        let key = (row.site.clone(), row.comment.clone());
        let comment = view.get(&COMMENTS, &key)?.unwrap_or_default();
        let stored = self.stored(row.decided_seq)?;
        // Its words are on the disk for some moments more.
        let stored = stored.filter(|_| comment.erased_seq.is_none());
        let event = stored
            .as_ref()
            .and_then(|stored| std::str::from_utf8(&stored.input).ok());
        let event = event.and_then(|text| RawValue::from_string(text.to_owned()).ok());
        let mut decisions = Vec::new();
        for seq in self
            .index
            .decisions_of(&row.site, &row.comment, MAX_SHOWN)?
        {
            decisions.extend(self.stored(seq)?.as_ref().and_then(Stored::decision));
        }
        let author = view.get(&AUTHORS, &(row.site.clone(), row.author.clone()))?;
        let siblings = match &comment.parent {
            Some(parent) => self.neighbours(&row, parent)?,
            None => Vec::new(),
        };
        let thread = Thread {
            article: row.article.clone(),
            siblings,
            children: self.neighbours(&row, &row.comment)?,
            parent: comment.parent.clone(),
            depth: comment.depth,
        };
        Ok(Whole {
            text: stored.as_ref().and_then(text),
            event,
            decisions,
            thread,
            history: author.unwrap_or_default().into(),
            reports: comment.n_reports,
            open_reports: comment.open_reports().into(),
            case: Case::new(id, row),
        })
    }
}

fn text(stored: &Stored) -> Option<String> {
    match stored.submission()?.data {
        Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => {
            Some(comment.text().to_owned())
        }
        _ => None,
    }
}

/// Shows one case.
pub(crate) async fn one(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Whole>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Viewer)?;
    let row = admin.find_case(&principal, &id).await?;
    admin
        .blocking(move |admin| admin.whole(id, row))
        .await
        .map(Json)
}

/// What a moderator decides.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    verdict: Verdict,
    #[serde(default)]
    reason: Option<ReviewReason>,
    /// The version of the case that the moderator saw.
    #[serde(default)]
    version: Option<u64>,
}

impl Asked {
    fn check(&self) -> Result<(), Problem> {
        let wrong = |field: &str, detail: &str| {
            Err(Problem::bad_request(detail)
                .with_code("invalid_field")
                .with_field(field))
        };
        match (self.verdict, &self.reason) {
            (Verdict::Hold, _) => wrong("verdict", "decide `approve` or `reject`"),
            (Verdict::Reject, None) => {
                wrong("reason", "a rejection needs a reason: {\"code\": \"…\"}")
            }
            (_, None) => Ok(()),
            (_, Some(reason)) => {
                let code = &reason.code;
                if code.is_empty()
                    || code.len() > MAX_CODE
                    || !code
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
                {
                    return wrong(
                        "reason.code",
                        "use 1 to 64 letters, digits, `_`, `-` or `.`",
                    );
                }
                let long = |text: &Option<String>| {
                    text.as_ref()
                        .is_some_and(|text| text.chars().count() > MAX_TEXT)
                };
                if long(&reason.text) || long(&reason.reference) {
                    return wrong("reason", "a reason's parts have at most 4000 characters");
                }
                Ok(())
            }
        }
    }
}

/// What was decided.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    case: String,
    version: u64,
    decision: Option<Decision>,
}

/// Decides a case.
pub(crate) async fn decide(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Result<Json<Asked>, JsonRejection>,
) -> Result<Json<Answer>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Moderator)?;
    admin.find_case(&principal, &id).await?;
    let Json(asked) = body.map_err(bad_body)?;
    asked.check()?;
    let review = Review {
        case: id.clone(),
        verdict: asked.verdict,
        reason: asked.reason,
        version: asked.version,
        moderator: principal.name.clone(),
    };
    let outcome = admin.engine.review(review).await.map_err(|_| stopped())?;
    let stored = outcome.map_err(|error| refused(&error))?;
    let row = admin.find_case(&principal, &id).await?;
    Ok(Json(Answer {
        case: id,
        version: row.version,
        decision: stored.decision(),
    }))
}

fn refused(error: &ReviewError) -> Problem {
    match error {
        ReviewError::NotFound => unknown(),
        ReviewError::Erased => {
            Problem::conflict("the comment was erased, so it can't be decided").with_code("erased")
        }
        ReviewError::Version(version) => Problem::conflict(format!(
            "the case has changed and has version {version}: read it again"
        ))
        .with_code("version_conflict")
        .with_field("version"),
        ReviewError::Closed(row) => {
            let closed = row.closed.clone().map(Closed::from);
            let what = closed.and_then(|closed| serde_json::to_value(closed).ok());
            let said = |key: &str| {
                let value = what
                    .as_ref()
                    .and_then(|what| what.get(key))
                    .and_then(Value::as_str);
                value.map(str::to_owned)
            };
            let by = match (said("verdict"), said("moderator"), said("decision")) {
                (Some(verdict), Some(moderator), Some(decision)) => {
                    format!(": {moderator} decided {verdict} in {decision}")
                }
                _ => format!(": {}", said("reason").unwrap_or_default()),
            };
            Problem::conflict(format!("the case is closed{by}")).with_code("case_closed")
        }
    }
}
