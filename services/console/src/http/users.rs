//! Everyone's accounts, for admins.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use stoa_daemon::auth::Role;

use super::Desk;
use super::page::{Fault, Shell, render, see, told};
use super::visit::Visit;
use crate::accounts::{Refused, User};

/// The roles that people have.
pub(super) const ROLES: [Role; 5] = [
    Role::Viewer,
    Role::Moderator,
    Role::Editor,
    Role::Auditor,
    Role::Admin,
];

#[derive(Template)]
#[template(path = "users.html")]
struct Users {
    shell: Shell,
    told: Option<String>,
    /// A link that was just made, and for whom; it is shown this once.
    link: Option<(String, String)>,
    known: Vec<User>,
    /// Those who have a second step.
    seconds: BTreeSet<String>,
    roles: [Role; 5],
}

fn answer(
    desk: &Desk,
    visit: &Visit,
    status: StatusCode,
    told: Option<String>,
    link: Option<(String, String)>,
) -> Response {
    let known = desk.accounts.users();
    let page = Users {
        shell: Shell::new("users-title", visit),
        told,
        link: link.map(|(user, link)| (user, format!("{}/set-up/{link}", desk.base))),
        seconds: known
            .iter()
            .filter(|user| desk.accounts.spare(&user.id).is_some())
            .map(|user| user.id.clone())
            .collect(),
        known,
        roles: ROLES,
    };
    render(status, &page)
}

fn refuse(desk: &Desk, visit: &Visit, refused: Refused) -> Result<Response, Fault> {
    let (status, told) = told(visit.words, refused)?;
    Ok(answer(desk, visit, status, Some(told), None))
}

/// `GET /users`
pub(super) async fn page(State(desk): State<Desk>, Extension(visit): Extension<Visit>) -> Response {
    answer(&desk, &visit, StatusCode::OK, None, None)
}

/// Reads a user from a form.
fn sent(visit: &Visit, id: String) -> Result<User, Refused> {
    let role = visit.field("role");
    let role = ROLES.into_iter().find(|known| known.as_str() == role);
    let sites = visit.field("sites").lines().map(str::trim);
    let sites = sites.filter(|site| !site.is_empty());
    Ok(User {
        id,
        name: visit.field("name").to_owned(),
        role: role.ok_or(Refused::Said("users-choose-role"))?,
        sites: sites.map(str::to_owned).collect(),
        disabled: visit.field("disabled") == "yes",
    })
}

/// `POST /users`
pub(super) async fn add(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    let id = visit.field("id").trim().to_owned();
    let added = match sent(&visit, id.clone()) {
        Ok(user) => desk.accounts.add(&visit.origin, user).await,
        Err(refused) => Err(refused),
    };
    match added {
        Ok(link) => Ok(answer(
            &desk,
            &visit,
            StatusCode::OK,
            None,
            Some((id, link)),
        )),
        Err(refused) => refuse(&desk, &visit, refused),
    }
}

/// `POST /users/{user}`
pub(super) async fn change(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let changed = match sent(&visit, id) {
        Ok(user) => desk.accounts.change(&visit.origin, user).await,
        Err(refused) => Err(refused),
    };
    match changed {
        Ok(()) => Ok(see("/users")),
        Err(refused) => refuse(&desk, &visit, refused),
    }
}

/// `POST /users/{user}/link`
pub(super) async fn link(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    match desk.accounts.link_for(&visit.origin, &id).await {
        Ok(link) => Ok(answer(
            &desk,
            &visit,
            StatusCode::OK,
            None,
            Some((id, link)),
        )),
        Err(refused) => refuse(&desk, &visit, refused),
    }
}

/// `POST /users/{user}/second-step`
pub(super) async fn reset(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    match desk.accounts.reset(&visit.origin, &id).await {
        Ok(()) => Ok(see("/users")),
        Err(refused) => refuse(&desk, &visit, refused),
    }
}
