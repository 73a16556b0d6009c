//! `POST /admin/decisions/{decision}/undo`: a moderator's decision is undone.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use stoa_daemon::Problem;
use stoa_daemon::auth::{Principal, Role};
use stoa_daemon::openapi::{Conflict, NotFound};

use super::case::Answer;
use super::{Admin, moderator, stopped};
use crate::engine::{UndoError, Undoing};
use crate::record::{Change, Stored};

impl Admin {
    /// Tells nothing of decisions on sites that the token is not for.
    async fn find_decision(&self, principal: &Principal, id: &str) -> Result<(), Problem> {
        let id = id.to_owned();
        let found = self.blocking(move |admin| admin.made(&id)).await?;
        found
            .filter(|stored: &Stored| principal.allows_site(stored.change.site()))
            .map(|_| ())
            .ok_or_else(|| refused(&UndoError::NotFound))
    }
}

/// Undoes a moderator's decision; its case opens again.
///
/// For as long as `review.undo` says.
///
/// `409`: `too_late`, `superseded`, `case_open`, `not_by_moderator`, `withdrawn`, `erased` or `undo_off`.
#[utoipa::path(
    post,
    path = "/admin/decisions/{decision}/undo",
    operation_id = "undo_decision",
    tag = "decisions",
    params(("decision" = String, Path, description = "The decision.")),
    extensions(("x-role" = json!(Role::Moderator))),
    responses((status = 200, description = "The decision that stands.", body = Answer), Conflict, NotFound),
)]
pub(crate) async fn decision(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(decision): Path<String>,
) -> Result<Json<Answer>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Moderator)?;
    admin.find_decision(&principal, &decision).await?;
    let undoing = Undoing {
        decision,
        moderator: moderator(&principal),
    };
    let outcome = admin.engine.undo(undoing).await.map_err(|_| stopped())?;
    let stored = outcome.map_err(|error| refused(&error))?;
    let Change::Undone(undone) = &stored.change else {
        return Err(Problem::internal());
    };
    let case = undone.case.clone();
    let row = admin.find_case(&principal, &case).await?;
    Ok(Json(Answer::new(case, row.version, &stored)))
}

/// The code by which programs tell apart why a decision is not undone.
pub(super) fn code(error: &UndoError) -> &'static str {
    match error {
        UndoError::NotFound => "not_found",
        UndoError::NotByModerator => "not_by_moderator",
        UndoError::Foreign(_) => "forbidden",
        UndoError::Superseded(_) => "superseded",
        UndoError::Reopened => "case_open",
        UndoError::Withdrawn => "withdrawn",
        UndoError::Erased => "erased",
        UndoError::Late(_) => "too_late",
        UndoError::Off => "undo_off",
    }
}

fn refused(error: &UndoError) -> Problem {
    let detail = error.to_string();
    let problem = match error {
        UndoError::NotFound => Problem::not_found(detail),
        UndoError::Foreign(_) => Problem::forbidden(detail),
        UndoError::Late(limit) => Problem::conflict(detail).with_limit(limit),
        _ => Problem::conflict(detail),
    };
    problem.with_code(code(error))
}
