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
use stoa_daemon::openapi::{Conflict, NotFound};
use stoa_proto::{Data, Decision, Event, ReportReason, Verdict};

use super::appeals::Worded;
use super::cases::{Case, Closed};
use super::desk::Note;
use super::{Admin, moderator, stopped, time, wrong};
use crate::config::review::reasons::is_code;
use crate::engine::desk::MAX_NOTES;
use crate::engine::review::{Review, ReviewError};
use crate::record::Stored;
use crate::statement::ReviewReason;
use crate::view::reports::Reports;
use crate::view::rows::{AuthorRow, CaseRow};
use crate::view::{AUTHORS, CASES, CHILDREN, COMMENTS};

/// Neighbours and decisions that are shown with a case.
const MAX_SHOWN: usize = 100;

/// Characters of a reason's parts.
const MAX_TEXT: usize = 4_000;

/// A case with all that is needed to decide it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CaseDetail)]
pub(crate) struct Whole {
    #[serde(flatten)]
    case: Case,
    /// The plain text, in which spans are counted; absent if it was erased.
    text: Option<String>,
    /// The event that the comment came in.
    #[schema(value_type = Option<Event>)]
    event: Option<Box<RawValue>>,
    /// The decisions about the comment, oldest first.
    decisions: Vec<Decision>,
    thread: Thread,
    history: History,
    /// All reports, ever.
    reports: u32,
    /// Those since a moderator last decided.
    open_reports: OpenReports,
    /// What moderators noted, oldest first.
    notes: Vec<Note>,
    /// The author's appeals that a moderator had or has to decide, oldest first.
    appeals: Vec<Worded>,
}

/// What readers said against the comment, as conditions see it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
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
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CaseThread)]
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
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AuthorHistory)]
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

pub(super) fn unknown() -> Problem {
    Problem::not_found("no case has this id")
}

impl Admin {
    /// Finds a case that the principal may see.
    pub(super) async fn find_case(
        &self,
        principal: &Principal,
        id: &str,
    ) -> Result<CaseRow, Problem> {
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

    fn whole(&self, principal: &Principal, id: String, row: CaseRow) -> anyhow::Result<Whole> {
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
            notes: self.notes(&id, &comment)?,
            appeals: self.appeals_of(principal, &row)?,
            case: Case::new(id, row, self.context.clock.micros()),
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

/// One case with all that is needed to decide it.
///
/// Up to 100 neighbours and decisions.
#[utoipa::path(
    get,
    path = "/admin/cases/{case}",
    operation_id = "get_case",
    tag = "cases",
    params(("case" = String, Path, description = "The case.")),
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "The case.", body = Whole), NotFound),
)]
pub(crate) async fn one(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Whole>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Viewer)?;
    let row = admin.find_case(&principal, &id).await?;
    admin
        .blocking(move |admin| admin.whole(&principal, id, row))
        .await
        .map(Json)
}

/// What a moderator decides.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CaseDecision)]
pub(crate) struct Asked {
    verdict: Verdict,
    #[serde(default)]
    reason: Option<ReviewReason>,
    /// The version of the case that the moderator saw.
    #[serde(default)]
    version: Option<u64>,
}

/// Checks what a moderator decides.
pub(super) fn check_verdict(
    verdict: Verdict,
    reason: Option<&ReviewReason>,
) -> Result<(), Problem> {
    match (verdict, reason) {
        (Verdict::Hold, _) => Err(wrong("verdict", "decide `approve` or `reject`")),
        (Verdict::Reject, None) => {
            let detail = "a rejection needs a reason: {\"code\": \"…\"}";
            Err(wrong("reason", detail))
        }
        (_, None) => Ok(()),
        (_, Some(reason)) => check_reason(reason),
    }
}

/// Checks the reason that a moderator gives.
pub(super) fn check_reason(reason: &ReviewReason) -> Result<(), Problem> {
    if !is_code(&reason.code) {
        let detail = "use 1 to 64 letters, digits, `_`, `-` or `.`";
        return Err(wrong("reason.code", detail));
    }
    let parts = [&reason.text, &reason.reference];
    let mut parts = parts.into_iter().flatten();
    if parts.any(|text| text.chars().count() > MAX_TEXT) {
        let detail = format!("a reason's parts have at most {MAX_TEXT} characters");
        return Err(wrong("reason", detail).with_limit(format!("{MAX_TEXT} characters")));
    }
    Ok(())
}

/// What was decided.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CaseDecided)]
pub(crate) struct Answer {
    case: String,
    version: u64,
    decision: Option<Decision>,
}

impl Answer {
    /// Tells the decision of a record, and the version that the case has now.
    pub(super) fn new(case: String, version: u64, stored: &Stored) -> Self {
        Self {
            case,
            version,
            decision: stored.decision(),
        }
    }
}

/// Decides a case.
///
/// With `version`, only if the case is still as it was seen.
///
/// `409`: `version`, `claimed`, `closed`, `erased` or `same_moderator`.
#[utoipa::path(
    post,
    path = "/admin/cases/{case}/decision",
    operation_id = "decide_case",
    tag = "cases",
    params(("case" = String, Path, description = "The case.")),
    request_body = Asked,
    extensions(("x-role" = json!(Role::Moderator))),
    responses((status = 200, description = "What was decided.", body = Answer), Conflict, NotFound),
)]
pub(crate) async fn decide(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Result<Json<Asked>, JsonRejection>,
) -> Result<Json<Answer>, Problem> {
    let principal = admin.admit(&headers, &id).await?;
    let Json(asked) = body?;
    check_verdict(asked.verdict, asked.reason.as_ref())?;
    let review = Review {
        case: id.clone(),
        verdict: asked.verdict,
        reason: asked.reason,
        version: asked.version,
        moderator: moderator(&principal),
    };
    let (stored, version) = admin.review(&principal, review).await?;
    Ok(Json(Answer::new(id, version, &stored)))
}

impl Admin {
    /// Returns who may work on a case; others are not told what else is wrong with a request.
    pub(super) async fn admit(
        &self,
        headers: &HeaderMap,
        case: &str,
    ) -> Result<Principal, Problem> {
        let principal = self.tokens.require(headers, Role::Moderator)?;
        self.find_case(&principal, case).await?;
        Ok(principal)
    }

    /// Has the engine decide a case; returns the record, and the version that the case has then.
    pub(super) async fn review(
        &self,
        principal: &Principal,
        review: Review,
    ) -> Result<(Stored, u64), Problem> {
        let case = review.case.clone();
        let outcome = self.engine.review(review).await.map_err(|_| stopped())?;
        let stored = outcome.map_err(|error| refused(&error))?;
        let version = self.find_case(principal, &case).await?.version;
        Ok((stored, version))
    }
}

/// Says why something is not done at a case.
pub(super) fn refused(error: &ReviewError) -> Problem {
    let problem = match error {
        ReviewError::NotFound => unknown(),
        ReviewError::Erased => {
            Problem::conflict("the comment was erased, so nothing can be decided or noted about it")
        }
        ReviewError::Version(version) => Problem::conflict(format!(
            "the case has changed and has version {version}: read it again"
        ))
        .with_field("version"),
        ReviewError::Claimed(claim) => {
            let by = &claim.moderator;
            let until = time(claim.until).unwrap_or_default();
            Problem::conflict(format!(
                "{by} works on the case until {until}: wait for that, or ask {by} to give it back"
            ))
        }
        ReviewError::SameModerator => Problem::conflict(
            "the author appeals against your own decision: another moderator has to decide it; \
             `review.appeals.same_moderator = true` allows it where there is nobody else",
        ),
        ReviewError::Full => {
            Problem::conflict(format!("a case has at most {MAX_NOTES} notes: decide it"))
                .with_limit(format!("{MAX_NOTES} notes"))
        }
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
            Problem::conflict(format!("the case is closed{by}"))
        }
    };
    problem.with_code(error.code())
}
