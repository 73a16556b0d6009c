//! Tokens of programs, for the person who made them; for admins, everyone's.

use askama::Template;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use stoa_daemon::auth::Role;

use super::Desk;
use super::page::{Fault, Shell, render, see, told};
use super::time::Moment;
use super::users::ROLES;
use super::visit::Visit;
use crate::accounts::{MAX_DAYS, Refused, Token, User, Wanted};

/// A token, for people.
struct Shown {
    token: Token,
    until: Moment,
    is_over: bool,
    used: Option<Moment>,
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct Tokens {
    shell: Shell,
    told: Option<String>,
    /// A secret that was just made, and its token's name; it is shown this once.
    secret: Option<(String, String)>,
    known: Vec<Shown>,
    user: User,
    /// The roles that a token of this person may have.
    roles: Vec<Role>,
    max_days: u32,
}

fn answer(
    desk: &Desk,
    visit: &Visit,
    status: StatusCode,
    told: Option<String>,
    secret: Option<(String, String)>,
) -> Result<Response, Fault> {
    let user = visit.user()?.clone();
    let now = desk.clock.now();
    let moment = |micros| Moment::at(Timestamp::from_microsecond(micros).unwrap_or(now), now);
    let of = whose(&user);
    let known = desk.accounts.tokens(of).into_iter();
    let known = known.map(|(token, used)| Shown {
        until: moment(token.until),
        is_over: token.until <= now.as_microsecond(),
        used: used.map(moment),
        token,
    });
    let roles = ROLES.into_iter().filter(|role| user.role.at_least(*role));
    let page = Tokens {
        shell: Shell::new("tokens-title", visit),
        told,
        secret,
        known: known.collect(),
        roles: roles.collect(),
        user,
        max_days: MAX_DAYS,
    };
    Ok(render(status, &page))
}

/// Whose tokens a person sees and ends; an admin everyone's.
fn whose(user: &User) -> Option<&str> {
    let is_admin = user.role.at_least(Role::Admin);
    (!is_admin).then_some(user.id.as_str())
}

fn refuse(desk: &Desk, visit: &Visit, refused: Refused) -> Result<Response, Fault> {
    let (status, told) = told(visit.words, refused)?;
    answer(desk, visit, status, Some(told), None)
}

/// `GET /tokens`
pub(super) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    answer(&desk, &visit, StatusCode::OK, None, None)
}

/// `POST /tokens`
pub(super) async fn add(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    let role = visit.field("role");
    let role = ROLES.into_iter().find(|known| known.as_str() == role);
    let Some(role) = role else {
        return refuse(&desk, &visit, Refused::Said("users-choose-role"));
    };
    let sites = visit.field("sites").lines().map(str::trim);
    let sites = sites.filter(|site| !site.is_empty());
    let wanted = Wanted {
        name: visit.field("name").trim().to_owned(),
        user: user.id.clone(),
        role,
        sites: sites.map(str::to_owned).collect(),
        days: visit.field("days").parse().unwrap_or_default(),
    };
    let made = desk
        .accounts
        .make_token(&visit.origin, wanted, &user.into())
        .await;
    match made {
        Ok((token, secret)) => {
            let secret = Some((token.name, secret));
            answer(&desk, &visit, StatusCode::OK, None, secret)
        }
        Err(refused) => refuse(&desk, &visit, refused),
    }
}

/// `POST /tokens/{token}/end`
pub(super) async fn end(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let of = whose(visit.user()?);
    match desk.accounts.end_token(&visit.origin, &id, of).await {
        Ok(()) => Ok(see("/tokens")),
        Err(refused) => refuse(&desk, &visit, refused),
    }
}
