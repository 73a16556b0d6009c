//! Tokens for programs.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use stoa_daemon::Problem;
use stoa_daemon::auth::Role;
use stoa_daemon::openapi::NotFound;
use utoipa::ToSchema;

use super::users::Part;
use super::{refused, time};
use crate::accounts::{Caller, Token, Wanted};
use crate::http::Desk;
use crate::http::visit::Visit;

/// Days that a token holds, unless it is said.
const DAYS: u32 = 30;

/// A token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
pub(in crate::http) struct Shown {
    /// Its id; it opens nothing.
    token: String,
    /// What its person calls it.
    name: String,
    /// Whose it is.
    user: String,
    role: Role,
    /// For which sites; `*` for all.
    sites: Vec<String>,
    #[schema(format = DateTime)]
    made_at: Option<String>,
    /// Until when it holds.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// When it was used last; null if it never was.
    #[schema(format = DateTime)]
    used_at: Option<String>,
}

impl Shown {
    fn new(token: Token, used: Option<i64>) -> Self {
        Self {
            token: token.id,
            name: token.name,
            user: token.user,
            role: token.role,
            sites: token.sites,
            made_at: time(token.made),
            expires_at: time(token.until),
            used_at: used.and_then(time),
        }
    }
}

/// A page of tokens, by id.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TokenPage)]
pub(in crate::http) struct Listing {
    tokens: Vec<Shown>,
    /// `after` of the next page; null on the last.
    next: Option<String>,
}

/// A token that was made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TokenMade)]
pub(in crate::http) struct Made {
    #[serde(flatten)]
    token: Shown,
    /// What a program sends. It is shown this once.
    secret: String,
}

/// A token that was ended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TokenEnded)]
pub(in crate::http) struct Ended {
    /// Its id.
    token: String,
    name: String,
    /// Whose it was.
    user: String,
}

/// Whose tokens a caller sees and ends; an admin everyone's.
fn whose(caller: &Caller) -> Option<&str> {
    if caller.role.at_least(Role::Admin) {
        return None;
    }
    // A token of the configuration is nobody's, and so has none itself.
    Some(caller.user.as_deref().unwrap_or_default())
}

/// Lists one's own tokens; for an admin, everyone's.
#[utoipa::path(
    get,
    path = "/api/tokens",
    operation_id = "list_tokens",
    tag = "tokens",
    params(Part),
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "A page.", body = Listing)),
)]
pub(in crate::http) async fn list(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Json<Listing>, Problem> {
    let Query(part) = part?;
    let mut tokens = desk.accounts.tokens(whose(&caller));
    tokens.sort_by(|(one, _), (other, _)| one.id.cmp(&other.id));
    let (tokens, next) = part.of(tokens, |(token, _)| token.id.clone());
    let tokens = tokens
        .into_iter()
        .map(|(token, used)| Shown::new(token, used));
    Ok(Json(Listing {
        tokens: tokens.collect(),
        next,
    }))
}

/// A token that is to be made: with no more than its person has, and than the token that it is made with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TokenNew)]
pub(in crate::http) struct New {
    /// What it is called: small letters, digits, dots, hyphens and underscores.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    role: Role,
    /// For which sites; `*` alone for all.
    #[schema(min_items = 1)]
    sites: Vec<String>,
    /// For how many days it holds.
    #[schema(default = 30, minimum = 1, maximum = 365)]
    days: Option<u32>,
    /// Whose it is to be; an admin may make others theirs.
    user: Option<String>,
}

/// Makes a token, and shows its secret this once.
///
/// It does not outlive the token that it is made with.
#[utoipa::path(
    post,
    path = "/api/tokens",
    operation_id = "make_token",
    tag = "tokens",
    request_body = New,
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 201, description = "It is made.", body = Made)),
)]
pub(in crate::http) async fn add(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<New>, JsonRejection>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    let Json(new) = body?;
    let user = new.user.or_else(|| caller.user.clone());
    let user = user.ok_or_else(|| {
        Problem::bad_request("say whose it is to be: a token of the configuration is nobody's")
            .with_field("user")
    })?;
    if whose(&caller).is_some_and(|own| own != user) {
        let detail = "this needs the role admin, as it is for somebody else";
        return Err(Problem::forbidden(detail).with_field("user"));
    }
    let wanted = Wanted {
        name: new.name,
        user,
        role: new.role,
        sites: new.sites,
        days: new.days.unwrap_or(DAYS),
    };
    let made = desk
        .accounts
        .make_token(&visit.origin, wanted, &caller)
        .await;
    let (token, secret) = made.map_err(refused)?;
    let token = Shown::new(token, None);
    Ok((StatusCode::CREATED, Json(Made { token, secret })))
}

/// Ends a token: one's own; for an admin, anyone's.
#[utoipa::path(
    delete,
    path = "/api/tokens/{token}",
    operation_id = "end_token",
    tag = "tokens",
    params(("token" = String, Path, description = "Its id.")),
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "It is ended.", body = Ended), NotFound),
)]
pub(in crate::http) async fn end(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Ended>, Problem> {
    let of = whose(&caller);
    let tokens = desk.accounts.tokens(of).into_iter();
    let found = tokens.map(|(token, _)| token).find(|token| token.id == id);
    let found = found.ok_or_else(|| Problem::not_found("there is no such token"))?;
    let ended = desk.accounts.end_token(&visit.origin, &id, of).await;
    ended.map_err(refused)?;
    Ok(Json(Ended {
        token: found.id,
        name: found.name,
        user: found.user,
    }))
}
