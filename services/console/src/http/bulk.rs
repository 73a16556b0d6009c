//! Many cases at once: a page that shows what would be decided, the decision, and its undoing.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::Desk;
use super::decide::reasons;
use super::page::{Fault, Shell, render};
use super::queue::{EXCERPT, Filter};
use super::reason::Reason;
use super::visit::Visit;
use crate::accounts::{Act, User};
use crate::backend::{self, BulkDone, BulkUndone, Listed, Preview};

/// A case that is left out, and why.
struct LeftOut {
    case: String,
    link: String,
    /// The code of why.
    why: String,
}

impl LeftOut {
    fn new(left: &backend::LeftOut) -> Self {
        Self {
            case: left.case.clone(),
            link: Filter::default().case(&left.case, &[]),
            why: left.code.clone(),
        }
    }
}

/// A case that would be decided.
struct Entry {
    listed: Listed,
    link: String,
    /// The case with the version that is seen here.
    value: String,
}

#[derive(Template)]
#[template(path = "bulk.html")]
struct BulkPage {
    shell: Shell,
    told: Option<String>,
    entries: Vec<Entry>,
    labels: BTreeMap<String, u64>,
    left_out: Vec<LeftOut>,
    more: bool,
    reasons: Vec<Reason>,
}

/// What was done.
#[derive(Template)]
#[template(path = "bulk-done.html")]
struct DonePage {
    shell: Shell,
    /// The id of the text that says how many.
    said: &'static str,
    count: usize,
    left_out: Vec<LeftOut>,
    /// The bulk that can be undone.
    undo: Option<String>,
}

/// `GET /bulk`: cases that are named, an author's, or those of a comment and all that answers it.
pub(super) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let query = query.unwrap_or_default();
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let one = |name: &str| {
        let found = pairs.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    let named = pairs.iter().filter(|(name, _)| name == "case");
    let cases: Vec<&String> = named.map(|(_, case)| case).collect();
    let mut asked = match (one("site"), one("author"), one("comment")) {
        (Some(site), Some(author), _) => json!({"author": {"site": site, "author": author}}),
        (Some(site), _, Some(comment)) => json!({"subtree": {"site": site, "comment": comment}}),
        _ => json!({"cases": cases}),
    };
    if cases.is_empty() && asked.get("cases").is_some() {
        let told = visit.words.t("bulk-none");
        let page = preview(&desk, &visit, Preview::default(), Some(told)).await?;
        return Ok(render(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    let user = visit.user()?;
    add(
        &mut asked,
        &json!({"verdict": "approve", "dry_run": true, "excerpt": EXCERPT}),
    );
    let path = ["admin", "cases", "bulk"];
    let seen: Preview = desk.moderation.post(user, &path, &asked).await?;
    let page = preview(&desk, &visit, seen, None).await?;
    Ok(render(StatusCode::OK, &page))
}

fn add(to: &mut Value, more: &Value) {
    if let (Some(to), Some(more)) = (to.as_object_mut(), more.as_object()) {
        to.extend(more.clone());
    }
}

/// Shows what would be decided, with the reasons that all of the cases can be rejected for.
async fn preview(
    desk: &Desk,
    visit: &Visit,
    seen: Preview,
    told: Option<String>,
) -> Result<BulkPage, Fault> {
    let user = visit.user()?;
    let reasons = listed(desk, user, &seen).await?;
    let entry = |listed: Listed| Entry {
        link: Filter::default().case(&listed.case.id, &[]),
        value: format!("{}@{}", listed.case.id, listed.case.version),
        listed,
    };
    let reason = |reason| Reason::new(None, reason, None, visit.words);
    Ok(BulkPage {
        shell: Shell::new("bulk-title", visit),
        told,
        labels: seen.labels,
        left_out: seen.left_out.iter().map(LeftOut::new).collect(),
        more: seen.more,
        reasons: reasons.into_iter().map(reason).collect(),
        entries: seen.cases.into_iter().map(entry).collect(),
    })
}

/// The reasons of the site of all cases, or those of all sites.
async fn listed(
    desk: &Desk,
    user: &User,
    seen: &Preview,
) -> Result<Vec<backend::Reason>, backend::Error> {
    let mut sites: Vec<&String> = seen.cases.iter().map(|listed| &listed.case.site).collect();
    sites.dedup();
    match sites.as_slice() {
        [] => Ok(Vec::new()),
        [site] => reasons(desk, user, Some(site)).await,
        _ => {
            let mut reasons = reasons(desk, user, None).await?;
            reasons.retain(|reason| reason.sites.is_empty());
            Ok(reasons)
        }
    }
}

/// `POST /bulk`
pub(super) async fn decide(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    let chosen = visit.fields.iter().filter(|(name, _)| name == "case");
    let chosen: Vec<(&str, u64)> = chosen
        .filter_map(|(_, value)| {
            let (case, version) = value.rsplit_once('@')?;
            Some((case, version.parse().ok()?))
        })
        .collect();
    let (verdict, code) = (visit.field("verdict"), visit.field("reason"));
    let is_whole = match verdict {
        "approve" => true,
        "reject" => {
            let known = reasons(&desk, user, None).await?;
            known.iter().any(|reason| reason.code == code)
        }
        _ => false,
    };
    if chosen.is_empty() || !is_whole {
        let told = visit.words.t(if chosen.is_empty() {
            "bulk-none"
        } else {
            "case-choose-reason"
        });
        let cases: Vec<&str> = chosen.iter().map(|(case, _)| *case).collect();
        let mut seen = Preview::default();
        if !cases.is_empty() {
            let asked =
                json!({"cases": cases, "verdict": "approve", "dry_run": true, "excerpt": EXCERPT});
            let path = ["admin", "cases", "bulk"];
            seen = desk.moderation.post(user, &path, &asked).await?;
        }
        let page = preview(&desk, &visit, seen, Some(told)).await?;
        return Ok(render(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    let code = (verdict == "reject").then_some(code);
    let cases = chosen
        .iter()
        .map(|(case, version)| json!({"case": case, "version": version}));
    let reason = code.map(|code| json!({"code": code}));
    let body = json!({"cases": cases.collect::<Value>(), "verdict": verdict, "reason": reason});
    let done: BulkDone = desk
        .moderation
        .post_once((user, &visit.once), &["admin", "cases", "bulk"], &body)
        .await?;
    let version = |case: &str| {
        let found = chosen.iter().find(|(known, _)| *known == case);
        found.map_or(0, |(_, version)| *version)
    };
    let acts = done.decided.iter().map(|made| Act::Decided {
        version: version(&made.case),
        case: made.case.clone(),
        verdict: verdict.to_owned(),
        reason: code.map(str::to_owned),
    });
    desk.accounts
        .note_all(&visit.origin, acts.collect())
        .await?;
    let page = DonePage {
        shell: Shell::new("bulk-title", &visit),
        said: match verdict {
            "approve" => "bulk-approved",
            _ => "bulk-rejected",
        },
        count: done.decided.len(),
        left_out: done.left_out.iter().map(LeftOut::new).collect(),
        undo: (!done.decided.is_empty()).then_some(done.bulk),
    };
    Ok(render(StatusCode::OK, &page))
}

/// `POST /bulk/{bulk}/undo`
pub(super) async fn undo(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(bulk): Path<String>,
) -> Result<Response, Fault> {
    let path = ["admin", "bulk", &bulk, "undo"];
    let user = visit.user()?;
    let undone: BulkUndone = desk
        .moderation
        .post_once((user, &visit.once), &path, &json!({}))
        .await?;
    let acts = undone.undone.iter().map(|each| Act::Undone {
        case: each.case.clone(),
        decision: each.undoes.clone(),
    });
    desk.accounts
        .note_all(&visit.origin, acts.collect())
        .await?;
    let page = DonePage {
        shell: Shell::new("bulk-title", &visit),
        said: "bulk-undone",
        count: undone.undone.len(),
        left_out: undone.left_out.iter().map(LeftOut::new).collect(),
        undo: None,
    };
    Ok(render(StatusCode::OK, &page))
}
