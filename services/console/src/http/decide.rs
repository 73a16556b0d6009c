//! A case is decided, and the next one found.
//!
//! The script sends decisions in the background, with the header [`PART`]: it shows the next case
//! already, and gets what became of the decision as a part of a page.

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;

use super::Desk;
use super::case::refuse;
use super::page::{Fault, Shell, render, see};
use super::queue::Filter;
use super::undo::{Done, Just};
use super::visit::Visit;
use crate::accounts::{Act, User};
use crate::backend::{self, Answer, Case, Listing, Reasons};

/// The header by which the script asks for a part of a page, and by which it knows one.
const PART: HeaderName = HeaderName::from_static("stoa-part");
/// Cases that are looked at to find one that nobody else works on.
const LOOKED: &str = "30";

/// What became of a decision.
#[derive(Template)]
#[template(path = "part.html")]
struct Part {
    shell: Shell,
    told: Option<String>,
    done: Option<Done>,
    /// The case that was to be decided.
    back: String,
}

impl Part {
    fn answer(self, status: StatusCode) -> Response {
        let mut response = render(status, &self);
        let part = HeaderValue::from_static("1");
        response.headers_mut().insert(PART, part);
        response
    }
}

/// `POST /cases/{case}/decision`
pub(super) async fn decide(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Query(filter): Query<Filter>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let is_part = headers.contains_key(PART);
    let user = visit.user()?;
    let verdict = visit.field("verdict");
    let code = visit.field("reason");
    let is_known = match verdict {
        "approve" => true,
        "reject" => is_listed(&desk, user, &id, code).await?,
        _ => false,
    };
    let version = visit.field("version").parse::<u64>().ok();
    let (Some(version), true) = (version, is_known) else {
        let told = visit.words.t("case-choose-reason");
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        if is_part {
            return Ok(part(&visit, &id, &filter, Err(told)).answer(status));
        }
        return refuse(&desk, &visit, &id, &filter, told, status).await;
    };
    let code = (verdict == "reject").then_some(code);
    // What else a statement says of a listed reason, moderation-rules takes from its list.
    let said = code.map(|code| json!({"code": code}));
    let body = json!({"verdict": verdict, "reason": said, "version": version});
    let path = ["admin", "cases", &id, "decision"];
    let answer: Result<Answer, backend::Error> = desk
        .moderation
        .post_once((user, &visit.once), &path, &body)
        .await;
    let result = if answer.is_ok() { "done" } else { "refused" };
    desk.metrics.decisions.with_label_values(&[result]).inc();
    let answer = match answer {
        Ok(answer) => answer,
        Err(backend::Error::Refused(refusal)) => {
            let why = refusal.told(visit.words);
            let told = visit.words.with("case-not-decided", "why", why);
            if is_part {
                return Ok(part(&visit, &id, &filter, Err(told)).answer(StatusCode::CONFLICT));
            }
            return refuse(&desk, &visit, &id, &filter, told, StatusCode::CONFLICT).await;
        }
        Err(error) if is_part => {
            let fault = Fault::from(error);
            let told = visit.words.t("live-lost");
            let part = part(&visit, &id, &filter, Err(told));
            return Ok(part.answer(fault.into_response().status()));
        }
        Err(error) => return Err(error.into()),
    };
    let decided = Act::Decided {
        case: id.clone(),
        verdict: verdict.to_owned(),
        reason: code.map(str::to_owned),
        version,
    };
    desk.accounts.note(&visit.origin, decided).await?;
    let decision = answer.decision.map(|made| made.id);
    if is_part {
        let just = Just::decided(verdict, &id, decision);
        return Ok(part(&visit, &id, &filter, Ok(just)).answer(StatusCode::OK));
    }
    let mut done = vec![("done", verdict)];
    if let Some(decision) = &decision {
        done.extend([("of", id.as_str()), ("decision", decision.as_str())]);
    }
    let next = next(&desk, user, &[&id], &filter).await;
    Ok(see(&match next {
        Some(next) => filter.case(&next, &done),
        None => filter.link("/", &done),
    }))
}

fn part(visit: &Visit, id: &str, filter: &Filter, outcome: Result<Just, String>) -> Part {
    let (done, told) = match outcome {
        Ok(just) => (just.told(filter), None),
        Err(told) => (None, Some(told)),
    };
    Part {
        shell: Shell::new("case-title", visit),
        told,
        done,
        back: filter.case(id, &[]),
    }
}

/// The case that comes next, if there is one and it can be had.
async fn next(desk: &Desk, user: &User, not: &[&str], filter: &Filter) -> Option<String> {
    let mut query = filter.pairs();
    query.push(("limit", LOOKED));
    let listing: Listing = desk
        .moderation
        .get(user, &["admin", "cases"], &query)
        .await
        .ok()?;
    let is_free = |case: &Case| {
        let claim = case.assignee.as_ref();
        claim.is_none_or(|claim| claim.moderator == user.id) && !not.contains(&case.id.as_str())
    };
    let mut cases = listing.cases.into_iter().map(|listed| listed.case);
    cases.find(is_free).map(|case| case.id)
}

/// What the next case is not to be.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(flatten)]
    filter: Filter,
    /// Cases, with commas between them.
    #[serde(default)]
    not: String,
}

/// `GET /next`: leads to the next case of a queue, or to nothing if there is none.
pub(super) async fn next_page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(Asked { filter, not }): Query<Asked>,
) -> Result<Response, Fault> {
    let not: Vec<&str> = not.split(',').collect();
    let next = next(&desk, visit.user()?, &not, &filter).await;
    Ok(match next {
        Some(next) => see(&filter.case(&next, &[])),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

/// Whether a code is among the reasons of a case's site.
async fn is_listed(desk: &Desk, user: &User, id: &str, code: &str) -> Result<bool, backend::Error> {
    let path = ["admin", "cases", id];
    let case: Case = desk.moderation.get(user, &path, &[]).await?;
    let reasons = reasons(desk, user, Some(&case.site)).await?;
    Ok(reasons.iter().any(|reason| reason.code == code))
}

/// The reasons of a site, or of all that the person is for, in the order of the configuration.
pub(super) async fn reasons(
    desk: &Desk,
    user: &User,
    site: Option<&str>,
) -> Result<Vec<backend::Reason>, backend::Error> {
    let path = ["admin", "reasons"];
    let site: Vec<(&str, &str)> = site.map(|site| ("site", site)).into_iter().collect();
    let listed: Reasons = desk.moderation.get(user, &path, &site).await?;
    Ok(listed.reasons)
}
