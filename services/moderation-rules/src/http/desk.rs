//! What moderators do at a case without deciding it: claims, notes and escalations.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use stoa_daemon::Problem;
use stoa_daemon::auth::{Principal, Role};
use stoa_daemon::openapi::{Conflict, NotFound, OpenApiRouter, routes};

use super::case::refused;
use super::cases::Case;
use super::{Admin, key, moderator, stopped, time, wrong};
use crate::engine::desk::{Act, Acting};
use crate::record::{Change, Stored};
use crate::view::rows::CommentRow;

/// Characters of a note.
const MAX_NOTE: usize = 4_000;
/// Minutes of a claim.
const MAX_MINUTES: i64 = 60;
const MINUTE: i64 = 60 * 1_000_000;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::default()
        .routes(routes!(claim, release))
        .routes(routes!(note))
        .routes(routes!(escalate, calm))
}

/// What a moderator noted about a case.
#[derive(Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub(crate) struct Note {
    /// By it notes are in order.
    #[serde(rename = "note")]
    number: u64,
    author: String,
    at: Option<String>,
    text: String,
}

impl Note {
    /// Reads it from its record.
    fn of(seq: u64, stored: &Stored) -> Option<Self> {
        let Change::Handled(handled) = &stored.change else {
            return None;
        };
        Some(Self {
            number: seq,
            author: handled.moderator.clone(),
            at: time(handled.at),
            text: stored.note()?.text,
        })
    }
}

impl Admin {
    /// Reads the notes of a case, oldest first; none of a comment whose words are erased.
    pub(super) fn notes(&self, case: &str, comment: &CommentRow) -> anyhow::Result<Vec<Note>> {
        let mut notes = Vec::new();
        if comment.erased_seq.is_some() {
            return Ok(notes);
        }
        for (seq, _) in self.index.notes(case)? {
            let stored = self.stored(seq)?;
            notes.extend(stored.as_ref().and_then(|stored| Note::of(seq, stored)));
        }
        Ok(notes)
    }

    /// Has the engine do something at a case, and returns the record of it, if there is one.
    async fn act(
        &self,
        (principal, headers): (&Principal, &HeaderMap),
        case: &str,
        act: Act,
    ) -> Result<Option<u64>, Problem> {
        let acting = Acting {
            case: case.to_owned(),
            moderator: moderator(principal),
            act,
            key: key(headers)?,
        };
        let outcome = self.engine.act(acting).await.map_err(|_| stopped())?;
        outcome.map_err(|error| refused(&error))
    }

    /// Has the engine do something at a case, and shows the case then.
    async fn acted(
        &self,
        by: (&Principal, &HeaderMap),
        id: String,
        act: Act,
    ) -> Result<Json<Case>, Problem> {
        self.act(by, &id, act).await?;
        let row = self.find_case(by.0, &id).await?;
        Ok(Json(Case::new(id, row, self.context.clock.micros())))
    }
}

/// How long a case is to be a moderator's.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClaimRequest)]
struct Claim {
    #[serde(default)]
    minutes: Option<i64>,
}

/// Makes a case the moderator's, or theirs for longer.
///
/// For `minutes` (1 to 60), or as long as the configuration says.
///
/// `409`: `claimed` by somebody else, or `closed`.
#[utoipa::path(
    post,
    path = "/admin/cases/{case}/claim",
    operation_id = "claim_case",
    tag = "cases",
    params(("case" = String, Path, description = "The case.")),
    request_body = Option<Claim>,
    extensions(("x-role" = json!(Role::Moderator))),
    responses((status = 200, description = "The case.", body = Case), Conflict, NotFound),
)]
async fn claim(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Result<Option<Json<Claim>>, JsonRejection>,
) -> Result<Json<Case>, Problem> {
    let principal = admin.admit(&headers, &id).await?;
    let Claim { minutes } = body?.map_or_else(Claim::default, |Json(claim)| claim);
    let lease = match minutes {
        None => i64::try_from(admin.review.lease.get().as_micros()).unwrap_or(i64::MAX),
        Some(minutes) if (1..=MAX_MINUTES).contains(&minutes) => minutes * MINUTE,
        Some(_) => {
            let detail =
                format!("a claim holds 1 to {MAX_MINUTES} minutes: claim again before it ends");
            return Err(wrong("minutes", detail).with_limit(format!("{MAX_MINUTES} minutes")));
        }
    };
    admin
        .acted((&principal, &headers), id, Act::Claim { lease })
        .await
}

/// Gives a case back.
#[utoipa::path(
    delete,
    path = "/admin/cases/{case}/claim",
    operation_id = "release_case",
    tag = "cases",
    params(("case" = String, Path, description = "The case.")),
    extensions(("x-role" = json!(Role::Moderator))),
    responses((status = 200, description = "The case.", body = Case), Conflict, NotFound),
)]
async fn release(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Case>, Problem> {
    let principal = admin.admit(&headers, &id).await?;
    admin.acted((&principal, &headers), id, Act::Release).await
}

/// What is noted.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NoteRequest)]
struct Noting {
    text: String,
}

fn check_note(field: &str, text: &str) -> Result<(), Problem> {
    if text.trim().is_empty() || text.chars().count() > MAX_NOTE {
        let detail = format!("a note has 1 to {MAX_NOTE} characters: shorten it, or write two");
        return Err(wrong(field, detail).with_limit(format!("{MAX_NOTE} characters")));
    }
    Ok(())
}

/// Writes a note about a case.
///
/// 1 to 4000 characters, at most 1000 notes. The same text as the moderator's last note is that note.
#[utoipa::path(
    post,
    path = "/admin/cases/{case}/notes",
    operation_id = "note_case",
    tag = "cases",
    params(("case" = String, Path, description = "The case.")),
    request_body = Noting,
    extensions(("x-role" = json!(Role::Moderator))),
    responses((status = 200, description = "The note.", body = Note), Conflict, NotFound),
)]
async fn note(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Result<Json<Noting>, JsonRejection>,
) -> Result<Json<Note>, Problem> {
    let principal = admin.admit(&headers, &id).await?;
    let Json(Noting { text }) = body?;
    check_note("text", &text)?;
    let seq = admin
        .act((&principal, &headers), &id, Act::Note(text))
        .await?;
    let note = admin
        .blocking(move |admin| {
            let seq = seq.unwrap_or_default();
            let stored = admin.stored(seq)?;
            Ok(stored.as_ref().and_then(|stored| Note::of(seq, stored)))
        })
        .await?;
    note.map(Json).ok_or_else(Problem::internal)
}

/// Why a case is escalated.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EscalationRequest)]
struct Escalation {
    #[serde(default)]
    note: Option<String>,
}

/// Has a case looked at before others.
#[utoipa::path(
    post,
    path = "/admin/cases/{case}/escalate",
    operation_id = "escalate_case",
    tag = "cases",
    params(("case" = String, Path, description = "The case.")),
    request_body = Option<Escalation>,
    extensions(("x-role" = json!(Role::Moderator))),
    responses((status = 200, description = "The case.", body = Case), Conflict, NotFound),
)]
async fn escalate(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Result<Option<Json<Escalation>>, JsonRejection>,
) -> Result<Json<Case>, Problem> {
    let principal = admin.admit(&headers, &id).await?;
    let Escalation { note } = body?.map_or_else(Escalation::default, |Json(escalation)| escalation);
    if let Some(note) = &note {
        check_note("note", note)?;
    }
    admin
        .acted((&principal, &headers), id, Act::Escalate(note))
        .await
}

/// Puts an escalated case back to its place.
#[utoipa::path(
    delete,
    path = "/admin/cases/{case}/escalate",
    operation_id = "calm_case",
    tag = "cases",
    params(("case" = String, Path, description = "The case.")),
    extensions(("x-role" = json!(Role::Moderator))),
    responses((status = 200, description = "The case.", body = Case), Conflict, NotFound),
)]
async fn calm(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Case>, Problem> {
    let principal = admin.admit(&headers, &id).await?;
    admin.acted((&principal, &headers), id, Act::Calm).await
}
