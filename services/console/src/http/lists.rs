//! The lists of the rules: what is in them, where a text is found, and their terms changed.

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use percent_encoding::utf8_percent_encode;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use stoa_daemon::auth::Role;

use super::Desk;
use super::page::{Fault, Shell, render, see};
use super::visit::Visit;
use crate::accounts::User;
use crate::backend::rules::{List, ListHit, Lists, Term};
use crate::backend::{Question, SEGMENT};

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
}

fn link(list: &str) -> String {
    format!("/lists/{}", utf8_percent_encode(list, SEGMENT))
}

#[derive(Template)]
#[template(path = "lists.html")]
struct Page {
    shell: Shell,
    q: String,
    lists: Vec<(String, List)>,
    hits: Vec<ListHit>,
}

async fn ask(desk: &Desk, user: &User, q: &str) -> Result<Lists, Fault> {
    let query = [("q", q)];
    let query = query.get(usize::from(q.is_empty())..).unwrap_or_default();
    let path = ["admin", "rules", "lists"];
    Ok(desk.moderation.get(user, &path, query).await?)
}

/// `GET /lists`
pub(super) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let q = asked.q.trim().to_owned();
    let found = ask(&desk, visit.user()?, &q).await?;
    let page = Page {
        shell: Shell::new("lists-title", &visit),
        lists: found
            .lists
            .into_iter()
            .map(|list| (link(&list.name), list))
            .collect(),
        hits: found.hits,
        q,
    };
    Ok(render(StatusCode::OK, &page))
}

#[derive(Template)]
#[template(path = "list.html")]
struct One {
    shell: Shell,
    told: Option<String>,
    q: String,
    hash: String,
    link: String,
    list: List,
    terms: Vec<Term>,
    may_change: bool,
    add: String,
    note: String,
}

/// `GET /lists/{list}`
pub(super) async fn one(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    answer(&desk, &visit, &name, asked.q.trim(), None).await
}

async fn answer(
    desk: &Desk,
    visit: &Visit,
    name: &str,
    q: &str,
    told: Option<String>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    let hash = super::rules::hash(desk, user).await?;
    let path = ["admin", "rules", "lists", name];
    let mut list: List = desk.moderation.get(user, &path, &[]).await?;
    let mut terms = std::mem::take(&mut list.terms);
    let sought = q.to_lowercase();
    terms.retain(|term| term.term.to_lowercase().contains(&sought));
    let is_editor = user.role.at_least(Role::Editor) && user.sites == ["*"];
    let status = if told.is_some() {
        StatusCode::CONFLICT
    } else {
        StatusCode::OK
    };
    let page = One {
        shell: Shell::new("lists-title", visit),
        told,
        q: q.to_owned(),
        hash,
        link: link(&list.name),
        may_change: is_editor && list.terms_file.is_some(),
        list,
        terms,
        add: visit.field("add").to_owned(),
        note: visit.field("note").to_owned(),
    };
    Ok(render(status, &page))
}

/// `POST /lists/{list}`
pub(super) async fn change(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
) -> Result<Response, Fault> {
    let add: Vec<&str> = visit
        .field("add")
        .lines()
        .map(str::trim)
        .filter(|term| !term.is_empty())
        .collect();
    let remove: Vec<&str> = visit.fields_of("remove").map(|(_, term)| term).collect();
    let body = json!({"add": add, "remove": remove, "note": visit.field("note").trim()});
    let question = Question {
        method: Method::POST,
        path: &["admin", "rules", "lists", &name],
        replaces: Some(visit.field("hash")),
        query: &[],
        body: Some(&body),
    };
    let answered = desk.moderation.ask(visit.user()?, question).await?;
    if answered.status.is_success() {
        return Ok(see(&link(&name)));
    }
    let diagnostics = answered.body.get("diagnostics");
    let first = diagnostics.and_then(|all| all.get(0)?.get("message")?.as_str());
    let told = match first {
        Some(message) => message.to_owned(),
        None => answered.refusal().told(visit.words),
    };
    answer(&desk, &visit, &name, "", Some(told)).await
}
