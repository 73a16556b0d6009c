//! `POST /admin/held`: which events are not held.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use stoa_daemon::Problem;
use stoa_daemon::auth::Role;
use stoa_proto::{Code, Held, Question, Rejection};

use super::admin::Admin;
use crate::engine::chain;
use crate::view::{Error, Index};

/// Bytes of a question: as many events as may be asked about, with the longest ids.
pub(super) const MAX_BODY: usize = 16 * 1024 * 1024;

/// Says which events are not held.
///
/// Asks about 10000 events at most; the body has 16 MiB at most.
#[utoipa::path(
    post,
    path = "/admin/held",
    operation_id = "ask_held",
    tag = "status",
    request_body(content = Question, description = "What the events are known by."),
    extensions(("x-role" = json!(Role::Admin)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "Which are missing.", body = Held)),
)]
pub(super) async fn ask(
    State(admin): State<Admin>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Held>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Admin)?;
    principal.require_all_sites()?;
    let body = body.map_err(|error| {
        Problem::new(error.status(), "too_large")
            .with_detail(error.body_text())
            .with_limit(format!("{MAX_BODY} bytes"))
    })?;
    let index = admin.index;
    let answer = move || match Question::read(&body) {
        Ok(question) => held(&index, &question).map_err(|error| {
            tracing::error!(reason = chain(&error), "cannot look events up");
            Problem::internal()
        }),
        Err(rejection) => Err(refused(&rejection)),
    };
    let answer = admin.context.tasks.spawn_blocking(answer).await;
    answer.map_err(|_| Problem::internal())?.map(Json)
}

fn held(index: &Index, question: &Question<'_>) -> Result<Held, Error> {
    let mut held = Held {
        asked: question.events.len(),
        missing: Vec::new(),
    };
    for (place, event) in question.events.iter().enumerate() {
        if !index.holds(event)? {
            held.missing.push(place);
        }
    }
    Ok(held)
}

fn refused(rejection: &Rejection) -> Problem {
    let status = match rejection.code {
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    let problem = Problem::new(status, rejection.code.as_str())
        .with_detail(rejection.message.clone())
        .with_field("events");
    match &rejection.limit {
        Some(limit) => problem.with_limit(limit.clone()),
        None => problem,
    }
}
