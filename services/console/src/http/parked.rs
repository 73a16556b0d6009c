//! What roles have parked: why, the bytes as they came, another try, and the end of it.

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::page::{Fault, Shell, render, see};
use super::time::Moment;
use super::visit::Visit;
use super::{Desk, links};
use crate::accounts::Act;
use crate::backend::{self, Backend, Parked, ParkedList, ParkedOne, Retried};

/// The roles, as addresses name them.
const ROLES: [&str; 3] = ["ingest", "moderation-rules", "archive"];
/// Messages of a page.
const PAGE: &str = "50";

impl Desk {
    /// The admin listener of a role, if the console has a token for it.
    fn admin_of(&self, role: &str) -> Option<&Backend> {
        match role {
            "ingest" => self.ingest.as_ref(),
            "moderation-rules" => Some(&self.moderation),
            "archive" => Some(&self.archive_admin),
            _ => None,
        }
    }
}

/// Where the list of a role begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    role: String,
    cursor: String,
    /// What became of what was asked before.
    done: String,
}

/// A parked message, for people.
struct Entry {
    link: String,
    parked: Parked,
    at: Option<Moment>,
}

/// What a role has parked.
struct Store {
    role: &'static str,
    /// Nothing where the role can't be asked.
    entries: Option<Vec<Entry>>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "parked.html")]
struct ParkedPage {
    shell: Shell,
    done: Option<String>,
    stores: Vec<Store>,
}

/// `GET /parked`
pub(super) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    let now = desk.clock.now();
    let mut stores = Vec::new();
    let roles = ROLES.into_iter();
    for role in roles.filter(|role| asked.role.is_empty() || asked.role == *role) {
        let mut query = vec![("limit", PAGE)];
        query.extend((!asked.cursor.is_empty()).then_some(("cursor", asked.cursor.as_str())));
        let list = match desk.admin_of(role) {
            Some(backend) => {
                let list = backend.get::<ParkedList>(user, &["admin", "parked"], &query);
                list.await.ok()
            }
            None => None,
        };
        let next = list.as_ref().and_then(|list| list.next).map(|next| {
            links::to(
                &["parked"],
                &[("role", role), ("cursor", &next.to_string())],
            )
        });
        let entry = |parked: Parked| Entry {
            link: links::to(&["parked", role, &parked.id.to_string()], &[]),
            at: Moment::new(parked.at.as_ref(), now),
            parked,
        };
        let entries = list.map(|list| list.parked.into_iter().map(entry).collect());
        stores.push(Store {
            role,
            entries,
            next,
        });
    }
    let known = ["handled", "parked", "running", "dropped"];
    let done = known.into_iter().find(|done| *done == asked.done);
    let page = ParkedPage {
        shell: Shell::new("parked-title", &visit),
        done: done.map(|done| visit.words.code("outcome", done)),
        stores,
    };
    Ok(render(StatusCode::OK, &page))
}

#[derive(Template)]
#[template(path = "parked-one.html")]
struct OnePage {
    shell: Shell,
    told: Option<String>,
    role: String,
    one: ParkedOne,
    at: Option<Moment>,
    history: Vec<(Option<Moment>, String)>,
    path: String,
}

/// `GET /parked/{role}/{id}`
pub(super) async fn one(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path((role, id)): Path<(String, String)>,
) -> Result<Response, Fault> {
    show(&desk, &visit, role, &id, None).await
}

async fn show(
    desk: &Desk,
    visit: &Visit,
    role: String,
    id: &str,
    told: Option<String>,
) -> Result<Response, Fault> {
    let backend = desk.admin_of(&role).ok_or(Fault::NotFound)?;
    let path = ["admin", "parked", id];
    let one: ParkedOne = backend.get(visit.user()?, &path, &[]).await?;
    let now = desk.clock.now();
    let history = one.history.iter();
    let status = match told {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let page = OnePage {
        shell: Shell::new("parked-one", visit),
        told,
        at: Moment::new(one.shown.at.as_ref(), now),
        history: history
            .map(|tried| (Moment::new(tried.at.as_ref(), now), tried.reason.clone()))
            .collect(),
        path: links::to(&["parked", &role, id], &[]),
        role,
        one,
    };
    Ok(render(status, &page))
}

/// `POST /parked/{role}/{id}/retry`
pub(super) async fn retry(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path((role, id)): Path<(String, String)>,
) -> Result<Response, Fault> {
    let backend = desk.admin_of(&role).ok_or(Fault::NotFound)?;
    let path = ["admin", "parked", &id, "retry"];
    let retried: Retried = backend.post(visit.user()?, &path, &json!({})).await?;
    let act = Act::Retried { role, parked: id };
    desk.accounts.note(&visit.origin, act).await?;
    Ok(see(&links::to(&["parked"], &[("done", &retried.result)])))
}

/// `POST /parked/{role}/{id}/drop`
pub(super) async fn drop(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path((role, id)): Path<(String, String)>,
) -> Result<Response, Fault> {
    let reason = visit.field("reason").trim();
    if reason.is_empty() || visit.field("confirm") != "yes" {
        let told = visit.words.t("parked-confirm-first");
        return show(&desk, &visit, role, &id, Some(told)).await;
    }
    let backend = desk.admin_of(&role).ok_or(Fault::NotFound)?;
    let path = ["admin", "parked", &id];
    let why = [("reason", reason)];
    match backend.remove(visit.user()?, &path, &why).await {
        Ok(IgnoredAny) => {}
        Err(backend::Error::Refused(refusal)) => {
            let told = refusal.told(visit.words);
            return show(&desk, &visit, role, &id, Some(told)).await;
        }
        Err(error) => return Err(error.into()),
    }
    let reason = reason.to_owned();
    let act = Act::Dropped {
        role,
        parked: id,
        reason,
    };
    desk.accounts.note(&visit.origin, act).await?;
    Ok(see(&links::to(&["parked"], &[("done", "dropped")])))
}
