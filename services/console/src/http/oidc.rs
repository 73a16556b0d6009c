//! Signing in at a provider of OpenID Connect.

use askama::Template;
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::Desk;
use super::page::{Fault, Shell, render, see, told};
use super::sign_in::{self, local};
use super::visit::Visit;
use crate::oidc::{Error, Provider};

/// Where somebody is going.
#[derive(Debug, Deserialize)]
pub(super) struct Going {
    next: Option<String>,
}

/// What the provider sends a browser back with.
#[derive(Debug, Deserialize)]
pub(super) struct Back {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

/// Leads on by itself: the cookie of a session is sent once a page of ours, and no other site, leads somewhere.
#[derive(Template)]
#[template(path = "on.html")]
struct On {
    shell: Shell,
    next: String,
}

impl Desk {
    fn provider(&self) -> Result<&Provider, Fault> {
        self.provider.as_deref().ok_or(Fault::NotFound)
    }
}

/// `GET /sign-in/oidc`
pub(super) async fn begin(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(going): Query<Going>,
) -> Result<Response, Fault> {
    let next = going.next.unwrap_or_default();
    match desk.provider()?.begin(local(&next)).await {
        Ok(way) => {
            let mut response = see(&way.url);
            desk.set_way_cookie(&mut response, &way.browser);
            Ok(response)
        }
        Err(error) => {
            let (status, text) = unavailable(&error);
            let text = visit.words.t(text);
            Ok(sign_in::show(&desk, &visit, status, text, next))
        }
    }
}

/// What is told where the provider does not answer as it should.
fn unavailable(error: &anyhow::Error) -> (StatusCode, &'static str) {
    tracing::error!(error = format!("{error:#}"), "the provider can't be asked");
    (StatusCode::BAD_GATEWAY, "oidc-unavailable")
}

/// `GET /sign-in/oidc/callback`
pub(super) async fn end(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(back): Query<Back>,
) -> Result<Response, Fault> {
    let browser = visit.way.as_deref().unwrap_or_default();
    let state = back.state.as_deref().unwrap_or_default();
    let ended = match (&back.error, &back.code) {
        (None, Some(code)) => desk.provider()?.end(browser, state, code).await,
        (error, _) => {
            desk.provider()?;
            let error = error.as_deref().unwrap_or("neither a code nor an error");
            Err(Error::Refused(anyhow::anyhow!(
                "the provider says {error:?}"
            )))
        }
    };
    let refused = match ended {
        Ok((claimed, next)) => {
            let entered = desk
                .accounts
                .enter_claimed(&visit.origin, &visit.agent, claimed)
                .await;
            desk.count_sign_in(entered.as_ref().err());
            match entered {
                Ok(session) => {
                    let shell = Shell::new("sign-in-title", &visit);
                    let mut response = render(StatusCode::OK, &On { shell, next });
                    desk.set_cookie(&mut response, desk.session_cookie(), &session);
                    desk.set_way_cookie(&mut response, "");
                    return Ok(response);
                }
                Err(refused) => {
                    let (status, told) = told(visit.words, refused)?;
                    return Ok(sign_in::show(&desk, &visit, status, told, String::new()));
                }
            }
        }
        Err(refused) => refused,
    };
    desk.metrics.sign_ins.with_label_values(&["refused"]).inc();
    let (status, text) = match refused {
        Error::Unknown => (StatusCode::UNPROCESSABLE_ENTITY, "oidc-unknown"),
        Error::NoGroup => (StatusCode::FORBIDDEN, "oidc-no-group"),
        Error::Refused(error) => {
            tracing::warn!(
                error = format!("{error:#}"),
                "a sign-in at the provider is not believed"
            );
            (StatusCode::UNPROCESSABLE_ENTITY, "oidc-refused")
        }
        Error::Unavailable(error) => unavailable(&error),
    };
    let text = visit.words.t(text);
    Ok(sign_in::show(&desk, &visit, status, text, String::new()))
}
