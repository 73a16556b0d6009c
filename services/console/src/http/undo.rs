//! What was just decided, for the page that follows, and how that is undone.

use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::Desk;
use super::case::refuse;
use super::page::{Fault, see};
use super::queue::Filter;
use super::visit::Visit;
use crate::accounts::Act;
use crate::backend::{self, Answer};

/// What was just done, as the address of the page that follows has it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Just {
    done: Option<String>,
    /// The case that was decided.
    of: Option<String>,
    decision: Option<String>,
}

/// What was just done, for people.
pub(super) struct Done {
    /// The id of a text.
    pub(super) said: &'static str,
    pub(super) undo: Option<Undo>,
}

impl Done {
    /// What is not undone from here.
    fn only(said: &'static str) -> Self {
        Self { said, undo: None }
    }
}

/// How it is undone.
pub(super) struct Undo {
    /// The decided case.
    pub(super) case: String,
    pub(super) action: String,
    pub(super) decision: String,
}

impl Just {
    /// A decision that was just made.
    pub(super) fn decided(verdict: &str, case: &str, decision: Option<String>) -> Self {
        Self {
            done: Some(verdict.to_owned()),
            of: Some(case.to_owned()),
            decision,
        }
    }

    /// Says what was done, with the way to undo it if it is a decision.
    pub(super) fn told(self, filter: &Filter) -> Option<Done> {
        let said = match self.done.as_deref()? {
            "approve" => "done-approve",
            "reject" => "done-reject",
            "undo" => return Some(Done::only("done-undo")),
            "measure" => return Some(Done::only("done-measure")),
            _ => return None,
        };
        let undo = self.of.zip(self.decision).map(|(case, decision)| Undo {
            action: filter.link(&format!("{}/undo", Filter::default().case(&case, &[])), &[]),
            case: filter.case(&case, &[]),
            decision,
        });
        Some(Done { said, undo })
    }
}

/// `POST /cases/{case}/undo`
pub(super) async fn undo(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<Response, Fault> {
    let decision = visit.field("decision");
    let path = ["admin", "decisions", decision, "undo"];
    let answer = desk
        .moderation
        .post_once((visit.user()?, &visit.once), &path, &json!({}))
        .await;
    let answer: Answer = match answer {
        Ok(answer) => answer,
        Err(backend::Error::Refused(refusal)) => {
            let why = refusal.told(visit.words);
            let told = visit.words.with("case-not-undone", "why", why);
            return refuse(&desk, &visit, &id, &filter, told, StatusCode::CONFLICT).await;
        }
        Err(error) => return Err(error.into()),
    };
    let undone = Act::Undone {
        case: answer.case.clone(),
        decision: decision.to_owned(),
    };
    desk.accounts.note(&visit.origin, undone).await?;
    Ok(see(&filter.case(&answer.case, &[("done", "undo")])))
}
