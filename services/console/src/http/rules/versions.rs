//! Versions of the rules: who made which one live, what differs, and the way back.

use askama::Template;
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::super::Desk;
use super::super::page::{Fault, Shell, render, see};
use super::super::visit::Visit;
use super::{Version, live, may_edit, short};
use crate::backend::Question;
use crate::backend::rules::{Differences, RuleChange, Versions};

/// Versions of a page.
const PAGE: &str = "50";

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "versions.html")]
struct Page {
    shell: Shell,
    told: Option<String>,
    live: String,
    may_edit: bool,
    versions: Vec<Version>,
    next: Option<usize>,
}

/// `GET /rules/versions`
pub(crate) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    answer(&desk, &visit, &asked, None).await
}

async fn answer(
    desk: &Desk,
    visit: &Visit,
    asked: &Asked,
    told: Option<String>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    let mut query = vec![("limit", PAGE)];
    query.extend(asked.after.as_deref().map(|after| ("after", after)));
    let path = ["admin", "rules", "versions"];
    let found: Versions = desk.moderation.get(user, &path, &query).await?;
    let versions = found.versions.into_iter();
    let status = if told.is_some() {
        StatusCode::CONFLICT
    } else {
        StatusCode::OK
    };
    let page = Page {
        shell: Shell::new("rules-versions", visit),
        told,
        live: live(desk, user).await?.hash,
        may_edit: may_edit(user),
        versions: versions.map(|one| Version::new(one, desk)).collect(),
        next: found.next,
    };
    Ok(render(status, &page))
}

/// `POST /rules/rollback`
pub(crate) async fn rollback(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    let body = json!({"to": visit.field("to"), "note": visit.field("note").trim()});
    let question = Question {
        method: Method::POST,
        path: &["admin", "rules", "rollback"],
        replaces: Some(visit.field("hash")),
        query: &[],
        body: Some(&body),
    };
    let answered = desk.moderation.ask(visit.user()?, question).await?;
    if answered.status.is_success() {
        return Ok(see("/rules/versions"));
    }
    let told = answered.refusal().told(visit.words);
    answer(&desk, &visit, &Asked::default(), Some(told)).await
}

/// Which versions are compared; the second is what is live if it is not named.
#[derive(Debug, Deserialize)]
pub(crate) struct Two {
    from: String,
    #[serde(default)]
    to: String,
}

/// A line of a difference.
pub(super) struct DiffLine {
    /// `added`, `removed`, `place` or nothing.
    pub(super) class: &'static str,
    pub(super) text: String,
}

/// Takes a unified diff apart, without its two lines of names.
pub(super) fn lines(diff: &str) -> Vec<DiffLine> {
    let class = |line: &str| match line.as_bytes().first() {
        Some(b'+') => "added",
        Some(b'-') => "removed",
        Some(b'@') => "place",
        _ => "",
    };
    let lines = diff.lines().skip_while(|line| !line.starts_with('@'));
    let line = |line: &str| DiffLine {
        class: class(line),
        text: line.to_owned(),
    };
    lines.map(line).collect()
}

/// A file that differs, for people.
pub(super) struct File {
    pub(super) path: String,
    pub(super) change: String,
    pub(super) lines: Vec<DiffLine>,
}

#[derive(Template)]
#[template(path = "diff.html")]
struct Diff {
    shell: Shell,
    from: String,
    to: String,
    files: Vec<File>,
    rules: Vec<RuleChange>,
}

/// `GET /rules/diff`
pub(crate) async fn diff(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(two): Query<Two>,
) -> Result<Response, Fault> {
    let mut query = vec![("from", two.from.as_str())];
    query.extend((!two.to.is_empty()).then_some(("to", two.to.as_str())));
    let path = ["admin", "rules", "diff"];
    let found: Differences = desk.moderation.get(visit.user()?, &path, &query).await?;
    let files = found.files.into_iter().map(|file| File {
        lines: lines(&file.diff),
        path: file.path,
        change: file.change,
    });
    let page = Diff {
        shell: Shell::new("rules-difference", &visit),
        from: short(&two.from),
        to: short(&two.to),
        files: files.collect(),
        rules: found.rules.unwrap_or_default(),
    };
    Ok(render(StatusCode::OK, &page))
}
