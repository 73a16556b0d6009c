//! One's own account.

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::Desk;
use super::page::{Fault, Shell, render, see, told};
use super::sessions::{self, Shown};
use super::visit::Visit;
use crate::accounts::{Refused, Theme, User};
use crate::language::Language;

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    shell: Shell,
    told: Option<String>,
    user: User,
    languages: [Language; 4],
    themes: [Theme; 3],
    has_second: bool,
    is_linked: bool,
    sessions: Vec<Shown>,
}

fn answer(
    desk: &Desk,
    visit: &Visit,
    status: StatusCode,
    told: Option<String>,
) -> Result<Response, Fault> {
    let page = Account {
        shell: Shell::new("account-title", visit),
        told,
        user: visit.user()?.clone(),
        languages: Language::ALL,
        themes: Theme::ALL,
        has_second: visit.has_second,
        is_linked: visit.is_linked,
        sessions: sessions::own(desk, visit)?,
    };
    Ok(render(status, &page))
}

/// Shows the account again, with what was wrong.
pub(super) fn refuse(desk: &Desk, visit: &Visit, refused: Refused) -> Result<Response, Fault> {
    let (status, told) = told(visit.words, refused)?;
    answer(desk, visit, status, Some(told))
}

/// `GET /account`
pub(super) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    answer(&desk, &visit, StatusCode::OK, None)
}

/// `POST /account/password`
pub(super) async fn password(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    let (current, new) = (visit.field("current"), visit.field("password"));
    let changed = desk
        .accounts
        .change_password(&visit.origin, user, current.to_owned(), new.to_owned())
        .await;
    match changed {
        Ok(()) => {
            let mut response = see("/sign-in");
            desk.set_cookie(&mut response, desk.session_cookie(), "");
            Ok(response)
        }
        Err(refused) => refuse(&desk, &visit, refused),
    }
}
