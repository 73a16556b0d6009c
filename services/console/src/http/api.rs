//! The console for programs: tokens alone count here, no cookie does, and errors are problem documents.

pub(super) mod tokens;
pub(super) mod users;

use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde_json::Map;
use stoa_daemon::Problem;
use stoa_daemon::auth::{Role, Sites};
use stoa_daemon::openapi::{Listener, OpenApiRouter, Unavailable, UtoipaMethodRouter, routes};
use utoipa::openapi::OpenApi;

use super::Desk;
use super::visit::Visit;
use crate::accounts::{Act, Caller, PREFIX, Refused};
use crate::backend::{self, Backend};
use crate::language::Words;

/// The public listener, for its document.
pub(crate) const LISTENER: Listener = Listener {
    role: "console",
    name: "public",
    about: "The review desk for programs: accounts, tokens, and what the other roles have, with the rights of a token. \
        Tokens are made at `/tokens`, or are of the configuration's `[[tokens]]`; cookies don't count here. \
        The pages of the desk are for people, and not described.",
    schemas: Map::new,
    has_keys: false,
};

/// The routes for programs, each with what describes it.
pub(super) fn described() -> Vec<UtoipaMethodRouter<Desk>> {
    vec![
        routes!(read_moderation),
        routes!(post_moderation),
        routes!(put_moderation),
        routes!(delete_moderation),
        routes!(read_archive),
        routes!(users::list),
        routes!(users::add),
        routes!(users::change),
        routes!(users::link),
        routes!(users::end_sessions),
        routes!(users::reset),
        routes!(tokens::list),
        routes!(tokens::add),
        routes!(tokens::end),
    ]
}

/// What describes them all.
pub(crate) fn openapi() -> OpenApi {
    let described = described().into_iter();
    let api = described.fold(OpenApiRouter::default(), OpenApiRouter::routes);
    api.into_openapi()
}

/// Lets a program's request through if its token may.
pub(super) async fn guard(
    desk: &Desk,
    role: Role,
    mut visit: Visit,
    mut request: Request,
    next: Next,
) -> Response {
    match caller(desk, request.headers()).await {
        Ok(caller) if caller.role.at_least(role) => {
            visit.user = None;
            visit.session = None;
            visit.origin.by = Some(caller.name.clone());
            request.extensions_mut().insert(visit);
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(caller) => {
            let has = caller.role;
            let detail = format!("this needs the role {role}, and the token has {has}");
            Problem::forbidden(detail).into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

/// Who asks, by the token of a person or of the configuration.
async fn caller(desk: &Desk, headers: &HeaderMap) -> Result<Caller, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, others) = (values.next(), values.next());
    let value = value.and_then(|value| value.to_str().ok());
    let pair = value.and_then(|value| value.split_once(' '));
    if let Some((scheme, secret)) = pair
        && others.is_none()
        && scheme.eq_ignore_ascii_case("bearer")
        && secret.trim().starts_with(PREFIX)
        && let Some(caller) = desk.accounts.caller(secret.trim()).await
    {
        return Ok(caller);
    }
    let principal = desk.tokens.check(headers)?;
    Ok(Caller {
        name: principal.name,
        user: None,
        role: principal.role,
        sites: match principal.sites {
            Sites::All => vec!["*".to_owned()],
            Sites::Only(sites) => sites.to_vec(),
        },
        until: None,
    })
}

/// Says why something was not done, in English; its code is that of the text.
fn refused(refused: Refused) -> Problem {
    match refused {
        Refused::Said(id) => {
            let problem = Problem::bad_request(Words::default().t(id));
            let problem = problem.with_code(id.replace('-', "_"));
            match field(id) {
                Some(field) => problem.with_field(field),
                None => problem,
            }
        }
        Refused::Wait(seconds) => {
            Problem::unavailable(Words::default().n("sign-in-wait", seconds), seconds)
        }
        Refused::Failed(error) => {
            tracing::error!(error = format!("{error:#}"), "cannot keep accounts");
            Problem::internal()
        }
    }
}

/// The field of a body that the text of a refusal is about.
fn field(id: &str) -> Option<&'static str> {
    Some(match id {
        "users-id-form" | "users-exists" | "users-unknown-or-disabled" => "user",
        "users-name-form" | "tokens-name-form" | "tokens-exists" => "name",
        "users-publisher" | "users-last-admin" | "tokens-too-much" => "role",
        "users-sites-form" => "sites",
        "tokens-days-form" => "days",
        _ => return None,
    })
}

fn failed(error: anyhow::Error) -> Problem {
    refused(Refused::Failed(error))
}

/// A time in microseconds, as JSON has it.
fn time(micros: i64) -> Option<String> {
    let at = Timestamp::from_microsecond(micros).ok()?;
    Some(at.to_string())
}

/// Declares handlers that pass requests of a method on to a role: what is at `$ours` here is at `$theirs` there.
macro_rules! passed {
    ($($about:literal $name:ident: $method:ident $ours:literal to $role:ident $theirs:literal $(with $body:ty)?;)*) => {$(
        #[doc = $about]
        #[utoipa::path(
            $method,
            path = $ours,
            description = "The role that is asked judges it, with the role and the sites that the token has: it may \
                need more than `viewer`. The document of its own listener says what it takes and answers.",
            tag = "roles",
            params(("path" = String, Path, description = concat!("What comes after `", $theirs, "` there."))),
            $(request_body(content = $body, content_type = "*/*", description = "What the role takes."),)?
            extensions(("x-role" = json!(Role::Viewer))),
            responses(
                (status = "2XX", description = "The role's answer, as it comes.", content_type = "*/*",
                    body = serde_json::Value),
                (status = "4XX", description = "The role's refusal, as it comes.",
                    content_type = "application/problem+json", body = Problem),
                Unavailable,
            ),
        )]
        async fn $name(
            State(desk): State<Desk>,
            Extension(visit): Extension<Visit>,
            Extension(caller): Extension<Caller>,
            request: Request,
        ) -> Result<Response, Problem> {
            let prefix = ($ours.trim_end_matches("{*path}"), $theirs);
            pass(&desk, &desk.$role, prefix, &visit, &caller, request).await
        }
    )*};
}

passed! {
    "Reads what moderation-rules has."
    read_moderation: get "/api/moderation/{*path}" to moderation "/admin/";
    "Does something at moderation-rules."
    post_moderation: post "/api/moderation/{*path}" to moderation "/admin/" with Option<serde_json::Value>;
    "Changes something at moderation-rules."
    put_moderation: put "/api/moderation/{*path}" to moderation "/admin/" with Option<serde_json::Value>;
    "Ends something at moderation-rules."
    delete_moderation: delete "/api/moderation/{*path}" to moderation "/admin/";
    "Reads what the archive has."
    read_archive: get "/api/archive/{*path}" to archive "/v1/";
}

async fn pass(
    desk: &Desk,
    role: &Backend,
    (ours, theirs): (&str, &str),
    visit: &Visit,
    caller: &Caller,
    request: Request,
) -> Result<Response, Problem> {
    let method = request.method().clone();
    let path = request.uri().path();
    let rest = path.strip_prefix(ours).unwrap_or_default();
    let path = format!("{theirs}{rest}");
    let passed = role.pass(caller, &path, request).await;
    let response = passed.map_err(|error| match error {
        backend::Error::Unavailable(reason) => {
            tracing::error!(reason, "a role does not answer");
            Problem::unavailable("the role does not answer", 1)
        }
        _ => Problem::not_found("there is nothing at this path"),
    })?;
    if !method.is_safe() && response.status().is_success() {
        let changed = Act::Called {
            role: role.name().to_owned(),
            method: method.to_string(),
            path,
            status: response.status().as_u16(),
        };
        let noted = desk.accounts.note(&visit.origin, changed).await;
        noted.map_err(failed)?;
    }
    Ok(response)
}
