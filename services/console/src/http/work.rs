//! What is done with a case without deciding it: working on it, giving it back, and notes.

use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde_json::json;
use stoa_daemon::auth::Role;

use super::Desk;
use super::case::{self, refuse};
use super::page::{Fault, render, see};
use super::queue::Filter;
use super::time::Moment;
use super::visit::Visit;
use crate::accounts::{Act, User};
use crate::backend::{self, Assignee, Case, Refusal};

/// Who works on a case.
pub(super) struct With {
    pub(super) name: String,
    pub(super) until: Option<Moment>,
    /// Whether it is who looks.
    pub(super) is_mine: bool,
    /// Whether who looks may give it back.
    pub(super) is_theirs: bool,
}

impl With {
    /// Shows a claim to someone.
    pub(super) fn new(assignee: &Assignee, user: &User, now: Timestamp) -> Self {
        Self {
            name: assignee.moderator.clone(),
            until: Moment::new(assignee.until.as_ref(), now),
            is_mine: assignee.moderator == user.id,
            is_theirs: assignee.moderator == user.id || user.role.at_least(Role::Admin),
        }
    }
}

/// What was noted, for people.
pub(super) struct Note {
    pub(super) author: String,
    pub(super) at: Option<Moment>,
    pub(super) text: String,
}

impl Note {
    /// Shows a note.
    pub(super) fn new(note: &backend::Note, now: Timestamp) -> Self {
        Self {
            author: note.author.clone(),
            at: Moment::new(note.at.as_ref(), now),
            text: note.text.clone(),
        }
    }
}

/// `POST /cases/{case}/claim`
pub(super) async fn claim(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    // An admin could take a case from whoever works on it: not by a button that was shown before.
    let case: Case = desk
        .moderation
        .get(user, &["admin", "cases", &id], &[])
        .await?;
    let other = case.assignee.filter(|claim| claim.moderator != user.id);
    let takes = visit.field("take") == "1";
    let claimed = if let Some(Assignee { moderator, .. }) = other.filter(|_| !takes) {
        let works = visit.words.with("case-works", "name", moderator);
        Err(backend::Error::Refused(Refusal::of(works)))
    } else {
        let path = ["admin", "cases", &id, "claim"];
        desk.moderation
            .post_once((user, &visit.once), &path, &json!({}))
            .await
    };
    follow(&desk, &visit, &id, &filter, claimed).await
}

/// `POST /cases/{case}/release`
pub(super) async fn release(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<Response, Fault> {
    let path = ["admin", "cases", &id, "claim"];
    let released = desk.moderation.delete(visit.user()?, &path).await;
    follow(&desk, &visit, &id, &filter, released).await
}

/// `POST /cases/{case}/notes`
pub(super) async fn note(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<Response, Fault> {
    // Browsers send the ends of lines as two characters.
    let text = visit.field("text").replace("\r\n", "\n");
    let path = ["admin", "cases", &id, "notes"];
    let body = json!({"text": text.trim()});
    let noted: Result<IgnoredAny, _> = desk
        .moderation
        .post_once((visit.user()?, &visit.once), &path, &body)
        .await;
    match noted {
        Err(backend::Error::Refused(refusal)) => {
            let why = refusal.told(visit.words);
            let mut page = case::read(&desk, &visit, &id, &filter).await?;
            page.told = Some(visit.words.with("case-not-done", "why", why));
            page.noting = text;
            Ok(render(StatusCode::CONFLICT, &page))
        }
        noted => follow(&desk, &visit, &id, &filter, noted).await,
    }
}

/// `POST /cases/{case}/escalate`
pub(super) async fn escalate(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<Response, Fault> {
    let path = ["admin", "cases", &id, "escalate"];
    let note = visit.field("note").replace("\r\n", "\n");
    let body = match note.trim() {
        "" => json!({}),
        note => json!({"note": note}),
    };
    let escalated: Result<IgnoredAny, _> = desk
        .moderation
        .post_once((visit.user()?, &visit.once), &path, &body)
        .await;
    if let Err(backend::Error::Refused(refusal)) = escalated {
        let why = refusal.told(visit.words);
        let mut page = case::read(&desk, &visit, &id, &filter).await?;
        page.told = Some(visit.words.with("case-not-done", "why", why));
        page.escalating = note;
        return Ok(render(StatusCode::CONFLICT, &page));
    }
    if escalated.is_ok() {
        note_escalation(&desk, &visit, &id, true).await?;
    }
    follow(&desk, &visit, &id, &filter, escalated).await
}

/// `POST /cases/{case}/calm`: it goes by its place in the queue again.
pub(super) async fn calm(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<Response, Fault> {
    let path = ["admin", "cases", &id, "escalate"];
    let calmed: Result<IgnoredAny, _> = desk.moderation.delete(visit.user()?, &path).await;
    if calmed.is_ok() {
        note_escalation(&desk, &visit, &id, false).await?;
    }
    follow(&desk, &visit, &id, &filter, calmed).await
}

async fn note_escalation(
    desk: &Desk,
    visit: &Visit,
    case: &str,
    escalated: bool,
) -> anyhow::Result<()> {
    let case = case.to_owned();
    let act = Act::Escalated { case, escalated };
    desk.accounts.note(&visit.origin, act).await
}

/// Leads back to the case, or shows it with why nothing was done.
async fn follow(
    desk: &Desk,
    visit: &Visit,
    id: &str,
    filter: &Filter,
    answer: Result<IgnoredAny, backend::Error>,
) -> Result<Response, Fault> {
    match answer {
        Ok(_) => Ok(see(&filter.case(id, &[]))),
        Err(backend::Error::Refused(refusal)) => {
            let why = refusal.told(visit.words);
            let told = visit.words.with("case-not-done", "why", why);
            refuse(desk, visit, id, filter, told, StatusCode::CONFLICT).await
        }
        Err(error) => Err(error.into()),
    }
}
