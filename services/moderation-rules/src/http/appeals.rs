//! Authors' appeals: `GET /admin/appeals`, one of them, and `POST /admin/appeals/{appeal}/resolution`.
//!
//! Open appeals come oldest first, ended ones newest first. `next` of one page is `after` of the
//! next, and absent on the last.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use stoa_daemon::Problem;
use stoa_daemon::auth::{Principal, Role};
use stoa_daemon::openapi::{Conflict, NotFound, OpenApiRouter, routes};
use stoa_proto::{AppealOutcome, Data, Decision, Event, Verdict, ids};

use super::case::check_reason;
use super::{Admin, MAX_SCAN, limit, moderator, time, wrong};
use crate::engine::review::{Moderator, Review};
use crate::record::Stored;
use crate::statement::ReviewReason;
use crate::view::appeals::AppealRow;
use crate::view::rows::CaseRow;
use crate::view::{self, ALL_APPEALS, APPEALS, COMMENTS, OPEN_APPEALS};

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(resolve))
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AppealStatus)]
enum Status {
    #[default]
    Open,
    Upheld,
    Reversed,
    Moot,
    Refused,
    All,
}

impl Status {
    fn matches(self, row: &AppealRow) -> bool {
        let name = match self {
            Self::All => return true,
            Self::Open => "open",
            Self::Upheld => "upheld",
            Self::Reversed => "reversed",
            Self::Moot => "moot",
            Self::Refused => "refused",
        };
        row.status.as_str() == name
    }
}

/// What is asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// How they stand.
    #[serde(default)]
    #[param(inline)]
    status: Status,
    /// Of this site alone.
    site: Option<String>,
    /// About this comment.
    comment: Option<String>,
    /// Of this author.
    author: Option<String>,
    /// Against this decision.
    decision: Option<String>,
    /// Whether the token may decide it.
    decidable: Option<bool>,
    /// `next` of the page before.
    after: Option<u64>,
    /// Entries of a page.
    #[param(default = 50, minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// An appeal, without words.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Appeal {
    /// The id by which it is known here.
    id: String,
    /// What the platform calls it.
    #[serde(rename = "appeal")]
    name: String,
    status: &'static str,
    /// Why it is moot or refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    site: String,
    article: String,
    comment: String,
    author: String,
    case: String,
    /// The decision that it is against, what was decided, and about which revision.
    decision: Option<String>,
    verdict: Option<Verdict>,
    revision: u32,
    /// Moderators who may not decide it: the decision is theirs.
    moderators: Vec<String>,
    /// Whether the token may decide it.
    decidable: bool,
    appealed_at: Option<String>,
    received_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution: Option<Resolution>,
}

/// How an appeal ended.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AppealEnd)]
struct Resolution {
    at: Option<String>,
    decision: Option<String>,
    moderator: Option<String>,
}

/// An appeal with the author's words; absent if they were erased, or if there were none.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WordedAppeal)]
pub(super) struct Worded {
    #[serde(flatten)]
    appeal: Appeal,
    text: Option<String>,
}

/// An appeal with all that is needed to decide it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AppealDetail)]
struct Whole {
    #[serde(flatten)]
    worded: Worded,
    /// The version of the case.
    version: Option<u64>,
    /// The decision that it is against.
    appealed: Option<Decision>,
    /// The one that stands.
    stands: Option<Decision>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AppealPage)]
struct Listing {
    appeals: Vec<Appeal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

impl Admin {
    /// Tells whether a case waits for another moderator, because an appeal is against a decision
    /// of this one.
    pub(super) fn is_own_appeal(&self, by: &Moderator, case: &CaseRow) -> anyhow::Result<bool> {
        if !case.appealed || self.review.appeals.same_moderator {
            return Ok(false);
        }
        for id in &case.appeals {
            let row = self.index.view.get(&APPEALS, id)?;
            if row.is_some_and(|row| row.is_open() && row.is_against(&by.name)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn appeal(&self, principal: &Principal, id: String, row: AppealRow) -> Appeal {
        let may = self.review.appeals.same_moderator || !row.is_against(&principal.name);
        let resolution = row.ended.map(|ended| Resolution {
            at: time(ended.at),
            decision: ended.decision,
            moderator: ended.moderator,
        });
        Appeal {
            id,
            case: ids::case_id(&row.about.site, &row.about.comment),
            decidable: may
                && row.status == view::appeals::Status::Open
                && principal.role.at_least(Role::Moderator),
            name: row.name,
            status: row.status.as_str(),
            why: row.status.why(),
            site: row.about.site,
            article: row.about.article,
            comment: row.about.comment,
            author: row.author,
            decision: Some(row.decision).filter(|decision| !decision.is_empty()),
            verdict: row.verdict,
            revision: row.revision,
            moderators: row.moderators,
            appealed_at: time(row.appealed_at),
            received_at: time(row.at),
            resolution,
        }
    }

    /// Reads the words of an appeal; none of a comment whose words are erased.
    fn worded(&self, principal: &Principal, id: String, row: AppealRow) -> anyhow::Result<Worded> {
        let comment = (row.about.site.clone(), row.about.comment.clone());
        let comment = self.index.view.get(&COMMENTS, &comment)?;
        let is_erased = comment.is_some_and(|row| row.erased_seq.is_some());
        let stored = if is_erased {
            None
        } else {
            self.stored(row.seq)?
        };
        Ok(Worded {
            text: stored.and_then(|stored| words(&stored)),
            appeal: self.appeal(principal, id, row),
        })
    }

    /// Reads the appeals that a case had or has, oldest first.
    pub(super) fn appeals_of(
        &self,
        principal: &Principal,
        case: &CaseRow,
    ) -> anyhow::Result<Vec<Worded>> {
        let mut appeals = Vec::with_capacity(case.appeals.len());
        for id in &case.appeals {
            if let Some(row) = self.index.view.get(&APPEALS, id)? {
                appeals.push(self.worded(principal, id.clone(), row)?);
            }
        }
        Ok(appeals)
    }

    /// Finds an appeal that the principal may see.
    async fn find_appeal(&self, principal: &Principal, id: &str) -> Result<AppealRow, Problem> {
        let id = id.to_owned();
        let row = self
            .blocking(move |admin| Ok(admin.index.view.get(&APPEALS, &id)?))
            .await?;
        row.filter(|row| principal.allows_site(&row.about.site))
            .ok_or_else(|| Problem::not_found("no appeal has this id"))
    }

    fn decision(&self, id: &str) -> anyhow::Result<Option<Decision>> {
        Ok(self.made(id)?.and_then(|stored| stored.decision()))
    }
}

fn words(stored: &Stored) -> Option<String> {
    match Event::from_json(&stored.input).ok()?.data {
        Data::DecisionAppealed(appealed) => appealed.text,
        _ => None,
    }
}

/// Lists appeals: open ones oldest first, ended ones newest first.
#[utoipa::path(
    get,
    path = "/admin/appeals",
    operation_id = "list_appeals",
    tag = "appeals",
    params(Asked),
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "A page.", body = Listing)),
)]
async fn list(
    State(admin): State<Admin>,
    headers: HeaderMap,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Listing>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Viewer)?;
    let Query(asked) = query?;
    if let Some(site) = &asked.site {
        principal.require_site(site)?;
    }
    admin
        .blocking(move |admin| page(admin, &principal, &asked))
        .await
        .map(Json)
}

fn page(admin: &Admin, principal: &Principal, asked: &Asked) -> anyhow::Result<Listing> {
    let view = &admin.index.view;
    let limit = limit(asked.limit);
    let places: Box<dyn Iterator<Item = Result<(u64, String), stoa_store::Error>>> =
        if asked.status == Status::Open {
            let from = asked.after.map_or(0, |after| after.saturating_add(1));
            Box::new(view.range(&OPEN_APPEALS, from..))
        } else {
            let to = asked.after.unwrap_or(u64::MAX);
            Box::new(view.range(&ALL_APPEALS, ..to).rev())
        };
    let is =
        |asked: &Option<String>, value: &String| asked.as_ref().is_none_or(|asked| asked == value);
    let mut listing = Listing {
        appeals: Vec::new(),
        next: None,
    };
    for (scanned, place) in places.enumerate() {
        let (seq, id) = place?;
        if let Some(row) = view.get(&APPEALS, &id)?
            && principal.allows_site(&row.about.site)
            && asked.status.matches(&row)
            && is(&asked.site, &row.about.site)
            && is(&asked.comment, &row.about.comment)
            && is(&asked.author, &row.author)
            && is(&asked.decision, &row.decision)
        {
            let appeal = admin.appeal(principal, id, row);
            if asked
                .decidable
                .is_none_or(|asked| asked == appeal.decidable)
            {
                listing.appeals.push(appeal);
            }
        }
        if listing.appeals.len() >= limit || scanned >= MAX_SCAN {
            listing.next = Some(seq);
            break;
        }
    }
    Ok(listing)
}

/// One appeal with all that is needed to decide it.
#[utoipa::path(
    get,
    path = "/admin/appeals/{appeal}",
    operation_id = "get_appeal",
    tag = "appeals",
    params(("appeal" = String, Path, description = "The appeal's `id`.")),
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "The appeal.", body = Whole), NotFound),
)]
async fn one(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Whole>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Viewer)?;
    let row = admin.find_appeal(&principal, &id).await?;
    admin
        .blocking(move |admin| {
            let view = &admin.index.view;
            let (site, comment) = (&row.about.site, &row.about.comment);
            let stands = view.get(&COMMENTS, &(site.clone(), comment.clone()))?;
            let stands = stands
                .map(|row| admin.decision(&row.decision))
                .transpose()?;
            let case = view.get(&view::CASES, &ids::case_id(site, comment))?;
            Ok(Whole {
                version: case.map(|case| case.version),
                appealed: admin.decision(&row.decision)?,
                stands: stands.flatten(),
                worded: admin.worded(&principal, id, row)?,
            })
        })
        .await
        .map(Json)
}

/// How an appeal is decided.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AppealResolution)]
struct Resolving {
    outcome: AppealOutcome,
    #[serde(default)]
    reason: Option<ReviewReason>,
    /// The version of the case that the moderator saw.
    #[serde(default)]
    version: Option<u64>,
}

/// What was decided.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AppealAnswer)]
struct Answer {
    #[serde(flatten)]
    appeal: Appeal,
    version: u64,
    /// The decision that stands now.
    stands: Option<Decision>,
}

/// Decides an appeal, by deciding its case.
///
/// `409`: `same_moderator` for whose decision it is, `appeal_closed`, or as for a case.
#[utoipa::path(
    post,
    path = "/admin/appeals/{appeal}/resolution",
    operation_id = "resolve_appeal",
    tag = "appeals",
    params(("appeal" = String, Path, description = "The appeal's `id`.")),
    request_body = Resolving,
    extensions(("x-role" = json!(Role::Moderator))),
    responses((status = 200, description = "What was decided.", body = Answer), Conflict, NotFound),
)]
async fn resolve(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Result<Json<Resolving>, JsonRejection>,
) -> Result<Json<Answer>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Moderator)?;
    let row = admin.find_appeal(&principal, &id).await?;
    let Json(asked) = body?;
    asked.reason.as_ref().map_or(Ok(()), check_reason)?;
    let verdict = match asked.outcome {
        AppealOutcome::Upheld => Verdict::Reject,
        AppealOutcome::Reversed => Verdict::Approve,
    };
    let is_refused = matches!(
        row.status,
        view::appeals::Status::Refused(_) | view::appeals::Status::Moot(_)
    );
    if is_refused {
        let why = row.status.why().unwrap_or_default();
        let detail = format!("there is nothing to decide about this appeal: {why}");
        return Err(Problem::conflict(detail).with_code("appeal_closed"));
    }
    let comment = (row.about.site.clone(), row.about.comment.clone());
    let stands = admin
        .blocking(move |admin| Ok(admin.index.view.get(&COMMENTS, &comment)?))
        .await?;
    let is_rejected = stands.is_some_and(|row| row.verdict == Verdict::Reject);
    if verdict == Verdict::Reject && asked.reason.is_none() && !is_rejected {
        let detail = "the decision that stands does not reject the comment, so its reason can't be \
                      confirmed: give one, {\"code\": \"…\"}";
        return Err(wrong("reason", detail));
    }
    let review = Review {
        case: ids::case_id(&row.about.site, &row.about.comment),
        verdict,
        reason: asked.reason,
        version: asked.version,
        moderator: moderator(&principal),
    };
    let (stored, version) = admin.review(&principal, review).await?;
    let row = admin.find_appeal(&principal, &id).await?;
    Ok(Json(Answer {
        appeal: admin.appeal(&principal, id, row),
        version,
        stands: stored.decision(),
    }))
}
