//! Where somebody is signed in, and how that is ended.

use axum::extract::{Extension, Path, State};
use axum::response::Response;
use jiff::Timestamp;

use super::Desk;
use super::page::{Fault, see};
use super::time::Moment;
use super::visit::Visit;
use crate::accounts::{Digest, Which};

/// A session, for its person.
pub(super) struct Shown {
    pub(super) id: String,
    pub(super) browser: String,
    pub(super) from: String,
    pub(super) opened: Moment,
    pub(super) seen: Moment,
    /// Whether it is the one that asks.
    pub(super) is_this: bool,
}

/// The sessions of who is signed in.
pub(super) fn own(desk: &Desk, visit: &Visit) -> Result<Vec<Shown>, Fault> {
    let now = desk.clock.now();
    let moment = |micros| Moment::at(Timestamp::from_microsecond(micros).unwrap_or(now), now);
    let secret = visit.session.as_deref().unwrap_or_default();
    let own = Digest::of(secret).to_string();
    let theirs = desk.accounts.sessions(&visit.user()?.id).into_iter();
    let theirs = theirs.map(|session| Shown {
        is_this: own.starts_with(&session.id),
        from: session
            .from
            .map(|from| from.to_string())
            .unwrap_or_default(),
        opened: moment(session.opened),
        seen: moment(session.seen),
        browser: session.browser,
        id: session.id,
    });
    Ok(theirs.collect())
}

/// `POST /account/sessions`
pub(super) async fn end(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    let which = match visit.field("session") {
        "others" => {
            let own = visit.session.as_deref().unwrap_or_default();
            Which::Others(Digest::of(own))
        }
        id => Which::One(id.to_owned()),
    };
    let user = &visit.user()?.id;
    desk.accounts
        .end_sessions(&visit.origin, user, &which)
        .await?;
    Ok(see("/account"))
}

/// `POST /users/{user}/sessions`
pub(super) async fn end_all(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    desk.accounts
        .end_sessions(&visit.origin, &id, &Which::All)
        .await?;
    Ok(see("/users"))
}
