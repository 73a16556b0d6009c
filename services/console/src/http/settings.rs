//! How a person wants their pages: language, colours, and whether words are blurred.

use axum::extract::{Extension, State};
use axum::response::Response;

use super::page::{Fault, see};
use super::visit::Visit;
use super::{Desk, account};
use crate::accounts::{Refused, Settings, Theme};
use crate::language::Language;

/// Reads the settings of a form; an empty language is the browser's.
fn sent(visit: &Visit) -> Result<Settings, Refused> {
    const UNKNOWN: Refused = Refused::Said("account-setting-unknown");

    let (language, theme) = (visit.field("language"), visit.field("theme"));
    let known = |code: &str| Language::ALL.into_iter().find(|one| one.as_str() == code);
    Ok(Settings {
        language: match language {
            "" => None,
            code => Some(known(code).ok_or(UNKNOWN)?),
        },
        theme: Theme::ALL
            .into_iter()
            .find(|known| known.as_str() == theme)
            .ok_or(UNKNOWN)?,
        blur: visit.field("blur") == "yes",
    })
}

/// `POST /account/settings`
pub(super) async fn change(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    let changed = match sent(&visit) {
        Ok(settings) => {
            desk.accounts
                .set(&visit.origin, visit.user()?, settings)
                .await
        }
        Err(refused) => Err(refused),
    };
    match changed {
        Ok(()) => Ok(see("/account")),
        Err(refused) => account::refuse(&desk, &visit, refused),
    }
}
