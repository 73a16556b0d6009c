//! What an author will read, before a comment is rejected.

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use stoa_proto::Statement;

use super::Desk;
use super::case::refuse;
use super::page::{Fault, Shell, render};
use super::queue::Filter;
use super::reason::category;
use super::visit::Visit;
use crate::backend::{self, WouldRead};

#[derive(Template)]
#[template(path = "statement.html")]
struct Page {
    shell: Shell,
    statement: Statement,
    reason: String,
    version: String,
    /// What the addresses of forms begin and end with.
    path: String,
    query: String,
}

/// `POST /cases/{case}/preview`
pub(super) async fn preview(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<Response, Fault> {
    let code = visit.field("reason");
    if code.is_empty() {
        let told = visit.words.t("case-choose-reason");
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return refuse(&desk, &visit, &id, &filter, told, status).await;
    }
    let body = json!({"case": id, "reason": {"code": code}});
    let path = ["admin", "texts", "preview"];
    let preview: Result<WouldRead, backend::Error> =
        desk.moderation.post(visit.user()?, &path, &body).await;
    let mut statement = preview?.statement;
    let named = statement.category.map(|code| category(visit.words, &code));
    statement.category = named;
    let page = Page {
        shell: Shell::new("statement-title", &visit),
        statement,
        reason: code.to_owned(),
        version: visit.field("version").to_owned(),
        path: Filter::default().case(&id, &[]),
        query: filter.link("", &[]),
    };
    Ok(render(StatusCode::OK, &page))
}
