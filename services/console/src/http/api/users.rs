//! Accounts for programs.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use stoa_daemon::Problem;
use stoa_daemon::auth::Role;
use stoa_daemon::openapi::NotFound;
use utoipa::ToSchema;

use super::{failed, refused};
use crate::accounts::{User, Which};
use crate::http::Desk;
use crate::http::visit::Visit;

/// Entries of a page, unless it is said; and at most.
const PAGE: usize = 100;
const MAX_PAGE: usize = 500;

/// Which part of a list is asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct Part {
    /// `next` of the page before.
    after: Option<String>,
    /// Entries of a page.
    #[param(default = 100, minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

impl Part {
    /// Cuts a part out of a list that is in the order of its ids; the id to go on after comes with it.
    pub(super) fn of<T>(&self, all: Vec<T>, id: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
        let limit = self.limit.unwrap_or(PAGE).clamp(1, MAX_PAGE);
        let after = |one: &T| self.after.as_ref().is_none_or(|after| id(one) > *after);
        let mut rest = all.into_iter().filter(after);
        let part: Vec<T> = rest.by_ref().take(limit).collect();
        let next = rest.next().and_then(|_| part.last().map(id));
        (part, next)
    }
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(in crate::http) struct Shown {
    /// The name that its person signs in with, and that decisions have.
    user: String,
    /// What pages call them.
    name: String,
    role: Role,
    /// For which sites; `*` for all.
    sites: Vec<String>,
    /// Whether they may not sign in.
    disabled: bool,
    /// Whether they sign in with a second step.
    second_step: bool,
    /// How many browsers they are signed in with.
    sessions: usize,
}

impl Shown {
    fn new(desk: &Desk, user: User) -> Self {
        Self {
            second_step: desk.accounts.spare(&user.id).is_some(),
            sessions: desk.accounts.sessions(&user.id).len(),
            user: user.id,
            name: user.name,
            role: user.role,
            sites: user.sites,
            disabled: user.disabled,
        }
    }
}

/// A page of accounts, by name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserPage)]
pub(in crate::http) struct Listing {
    users: Vec<Shown>,
    /// `after` of the next page; null on the last.
    next: Option<String>,
}

/// An account that was made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserMade)]
pub(in crate::http) struct Made {
    #[serde(flatten)]
    user: Shown,
    /// Where its person sets a password: it works once, and for a day.
    link: String,
}

/// Where a person sets a password.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserLink)]
pub(in crate::http) struct Link {
    user: String,
    /// It works once, and for a day.
    link: String,
}

/// Sessions that were ended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionsEnded)]
pub(in crate::http) struct Ended {
    user: String,
    /// How many.
    ended: usize,
}

/// Lists accounts by name.
#[utoipa::path(
    get,
    path = "/api/users",
    operation_id = "list_users",
    tag = "accounts",
    params(Part),
    extensions(("x-role" = json!(Role::Admin))),
    responses((status = 200, description = "A page.", body = Listing)),
)]
pub(in crate::http) async fn list(
    State(desk): State<Desk>,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Json<Listing>, Problem> {
    let Query(part) = part?;
    let (users, next) = part.of(desk.accounts.users(), |user| user.id.clone());
    let users = users.into_iter().map(|user| Shown::new(&desk, user));
    Ok(Json(Listing {
        users: users.collect(),
        next,
    }))
}

/// An account that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserNew)]
pub(in crate::http) struct New {
    /// The name to sign in with: small letters, digits, dots, hyphens and underscores.
    #[schema(min_length = 1, max_length = 64)]
    user: String,
    /// What pages call them.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// Any but `publisher`.
    role: Role,
    /// For which sites; `*` alone for all.
    #[schema(min_items = 1)]
    sites: Vec<String>,
}

/// Makes an account, with a link at which its person sets a password.
#[utoipa::path(
    post,
    path = "/api/users",
    operation_id = "make_user",
    tag = "accounts",
    request_body = New,
    extensions(("x-role" = json!(Role::Admin))),
    responses((status = 201, description = "It is made.", body = Made)),
)]
pub(in crate::http) async fn add(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    body: Result<Json<New>, JsonRejection>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    let Json(new) = body?;
    let user = User {
        id: new.user,
        name: new.name,
        role: new.role,
        sites: new.sites,
        disabled: false,
    };
    let id = user.id.clone();
    let link = desk.accounts.add(&visit.origin, user).await;
    let link = link.map_err(refused)?;
    let made = Made {
        user: Shown::new(&desk, find(&desk, &id)?),
        link: format!("{}/set-up/{link}", desk.base),
    };
    Ok((StatusCode::CREATED, Json(made)))
}

fn find(desk: &Desk, id: &str) -> Result<User, Problem> {
    let mut known = desk.accounts.users().into_iter();
    let found = known.find(|user| user.id == id);
    found.ok_or_else(|| Problem::not_found("there is no such account"))
}

/// What is to change of an account; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserChange)]
pub(in crate::http) struct Change {
    /// What pages call them.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    role: Option<Role>,
    /// For which sites; `*` alone for all.
    #[schema(min_items = 1)]
    sites: Option<Vec<String>>,
    /// Whether they may not sign in.
    disabled: Option<bool>,
}

/// Changes name, role, sites, or whether somebody may sign in.
#[utoipa::path(
    patch,
    path = "/api/users/{user}",
    operation_id = "change_user",
    tag = "accounts",
    params(("user" = String, Path, description = "The name to sign in with.")),
    request_body = Change,
    extensions(("x-role" = json!(Role::Admin))),
    responses((status = 200, description = "As it is now.", body = Shown), NotFound),
)]
pub(in crate::http) async fn change(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    body: Result<Json<Change>, JsonRejection>,
) -> Result<Json<Shown>, Problem> {
    let Json(change) = body?;
    let before = find(&desk, &id)?;
    let after = User {
        name: change.name.unwrap_or(before.name),
        role: change.role.unwrap_or(before.role),
        sites: change.sites.unwrap_or(before.sites),
        disabled: change.disabled.unwrap_or(before.disabled),
        id: before.id,
    };
    let changed = desk.accounts.change(&visit.origin, after).await;
    changed.map_err(refused)?;
    Ok(Json(Shown::new(&desk, find(&desk, &id)?)))
}

/// Makes a new link at which a person sets a password; those before work no more.
#[utoipa::path(
    post,
    path = "/api/users/{user}/link",
    operation_id = "make_user_link",
    tag = "accounts",
    params(("user" = String, Path, description = "The name to sign in with.")),
    extensions(("x-role" = json!(Role::Admin))),
    responses((status = 200, description = "The link.", body = Link), NotFound),
)]
pub(in crate::http) async fn link(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Json<Link>, Problem> {
    find(&desk, &id)?;
    let link = desk.accounts.link_for(&visit.origin, &id).await;
    let link = link.map_err(refused)?;
    let link = format!("{}/set-up/{link}", desk.base);
    Ok(Json(Link { user: id, link }))
}

/// Signs a person out everywhere.
#[utoipa::path(
    delete,
    path = "/api/users/{user}/sessions",
    operation_id = "end_user_sessions",
    tag = "accounts",
    params(("user" = String, Path, description = "The name to sign in with.")),
    extensions(("x-role" = json!(Role::Admin))),
    responses((status = 200, description = "How many were ended.", body = Ended), NotFound),
)]
pub(in crate::http) async fn end_sessions(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Json<Ended>, Problem> {
    find(&desk, &id)?;
    let ended = desk
        .accounts
        .end_sessions(&visit.origin, &id, &Which::All)
        .await;
    let ended = ended.map_err(failed)?;
    Ok(Json(Ended { user: id, ended }))
}

/// Takes the second step of a person away who has lost it.
#[utoipa::path(
    delete,
    path = "/api/users/{user}/second-step",
    operation_id = "reset_user_second_step",
    tag = "accounts",
    params(("user" = String, Path, description = "The name to sign in with.")),
    extensions(("x-role" = json!(Role::Admin))),
    responses((status = 200, description = "The account as it is now.", body = Shown), NotFound),
)]
pub(in crate::http) async fn reset(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Json<Shown>, Problem> {
    find(&desk, &id)?;
    let reset = desk.accounts.reset(&visit.origin, &id).await;
    reset.map_err(refused)?;
    Ok(Json(Shown::new(&desk, find(&desk, &id)?)))
}
