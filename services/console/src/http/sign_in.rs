//! Signing in and out, and the links at which passwords are set.

use askama::Template;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;

use super::Desk;
use super::page::{Fault, Shell, render, see, told};
use super::visit::Visit;
use crate::accounts::{Entered, LinkFor, Refused};

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignIn {
    shell: Shell,
    /// What the person is told.
    told: Option<String>,
    /// The name that they gave.
    id: String,
    /// Where they were going.
    next: String,
    /// Whether there is a provider to sign in at, and the address that leads there.
    by_provider: bool,
    provider: String,
}

impl SignIn {
    fn new(desk: &Desk, visit: &Visit, told: Option<String>, next: String) -> Self {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("next", &next);
        Self {
            shell: Shell::new("sign-in-title", visit),
            told,
            id: String::new(),
            by_provider: desk.provider.is_some(),
            provider: format!("/sign-in/oidc?{}", query.finish()),
            next,
        }
    }
}

/// Asks somebody to sign in who could not, and leads them to `next` then.
pub(super) fn show(
    desk: &Desk,
    visit: &Visit,
    status: StatusCode,
    told: String,
    next: String,
) -> Response {
    let page = SignIn::new(desk, visit, Some(told), next);
    render(status, &page)
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    shell: Shell,
    told: Option<String>,
    /// What the sign-in goes on with.
    half: String,
    next: String,
}

#[derive(Template)]
#[template(path = "set-up.html")]
struct SetUp {
    shell: Shell,
    told: Option<String>,
    link: String,
    /// Whose password it is; nobody's where the first account is made.
    user: Option<String>,
    id: String,
    full_name: String,
}

/// Asks somebody to sign in, in place of what they asked for.
pub(super) fn ask(desk: &Desk, visit: &Visit, parts: &axum::http::request::Parts) -> Response {
    let is_read = parts.method == Method::GET;
    let next = parts.uri.path_and_query().filter(|_| is_read);
    let told = (!is_read).then(|| visit.words.t("sign-in-again"));
    let next = next.map(ToString::to_string).unwrap_or_default();
    let page = SignIn::new(desk, visit, told, next);
    render(StatusCode::UNAUTHORIZED, &page)
}

/// `GET /sign-in`
pub(super) async fn page(State(desk): State<Desk>, Extension(visit): Extension<Visit>) -> Response {
    let page = SignIn::new(&desk, &visit, None, String::new());
    render(StatusCode::OK, &page)
}

/// `POST /sign-in`
pub(super) async fn sign_in(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    let id = visit.field("id").trim().to_lowercase();
    let password = visit.field("password").to_owned();
    let signed_in = desk
        .accounts
        .sign_in(&visit.origin, &visit.agent, &id, password)
        .await;
    // Half of a sign-in is none so far.
    if !matches!(signed_in, Ok(Entered::Half(_))) {
        desk.count_sign_in(signed_in.as_ref().err());
    }
    let refused = match signed_in {
        Ok(Entered::Whole(session)) => return Ok(welcome(&desk, &visit, &session)),
        Ok(Entered::Half(half)) => {
            return Ok(ask_for_code(&visit, StatusCode::OK, None, half));
        }
        Err(refused) => refused,
    };
    let wait = wait(&refused);
    let (status, told) = told(visit.words, refused)?;
    let next = local(visit.field("next")).to_owned();
    let page = SignIn {
        id,
        ..SignIn::new(&desk, &visit, Some(told), next)
    };
    Ok(retry(render(status, &page), wait))
}

/// Signs a browser in, and leads it to where its person was going.
fn welcome(desk: &Desk, visit: &Visit, session: &str) -> Response {
    let mut response = see(local(visit.field("next")));
    desk.set_cookie(&mut response, desk.session_cookie(), session);
    response
}

fn wait(refused: &Refused) -> Option<u32> {
    match refused {
        Refused::Wait(seconds) => Some(*seconds),
        _ => None,
    }
}

/// Tells a browser when to come again.
fn retry(mut response: Response, wait: Option<u32>) -> Response {
    if let Some(seconds) = wait {
        let seconds = HeaderValue::from(seconds);
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

fn ask_for_code(visit: &Visit, status: StatusCode, told: Option<String>, half: String) -> Response {
    let page = CodePage {
        shell: Shell::new("sign-in-title", visit),
        told,
        half,
        next: local(visit.field("next")).to_owned(),
    };
    render(status, &page)
}

/// `POST /sign-in/code`
pub(super) async fn code(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    let (half, code) = (visit.field("half").to_owned(), visit.field("code"));
    let entered = desk
        .accounts
        .enter(&visit.origin, &visit.agent, &half, code)
        .await;
    desk.count_sign_in(entered.as_ref().err());
    let refused = match entered {
        Ok(session) => return Ok(welcome(&desk, &visit, &session)),
        Err(refused) => refused,
    };
    let wait = wait(&refused);
    let (status, told) = told(visit.words, refused)?;
    let response = ask_for_code(&visit, status, Some(told), half);
    Ok(retry(response, wait))
}

impl Desk {
    /// Counts an attempt to sign in.
    pub(super) fn count_sign_in(&self, refused: Option<&Refused>) {
        let result = match refused {
            None => "done",
            Some(Refused::Wait(_)) => "limited",
            Some(_) => "refused",
        };
        self.metrics.sign_ins.with_label_values(&[result]).inc();
    }
}

/// Where to go after signing in: a path of the console, whatever the form says.
pub(super) fn local(next: &str) -> &str {
    let is_local = next.starts_with('/')
        && !next.starts_with("//")
        && next
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_local { next } else { "/" }
}

/// `POST /sign-out`
pub(super) async fn sign_out(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    let session = visit.session.clone().unwrap_or_default();
    desk.accounts.sign_out(&visit.origin, &session).await?;
    let mut response = see("/sign-in");
    desk.set_cookie(&mut response, desk.session_cookie(), "");
    Ok(response)
}

fn whose(link: &LinkFor) -> Option<String> {
    match link {
        LinkFor::First => None,
        LinkFor::User(user) => Some(user.id.clone()),
    }
}

/// `GET /set-up/{link}`
pub(super) async fn set_up_page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(link): Path<String>,
) -> Result<Response, Fault> {
    let link_for = desk.accounts.link(&link).ok_or(Fault::NotFound)?;
    let page = SetUp {
        shell: Shell::new("set-up-title", &visit),
        told: None,
        link,
        user: whose(&link_for),
        id: String::new(),
        full_name: String::new(),
    };
    Ok(render(StatusCode::OK, &page))
}

/// `POST /set-up/{link}`
pub(super) async fn set_up(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(link): Path<String>,
) -> Result<Response, Fault> {
    let link_for = desk.accounts.link(&link).ok_or(Fault::NotFound)?;
    let (id, full_name) = (visit.field("id").to_owned(), visit.field("name").to_owned());
    let password = visit.field("password").to_owned();
    let is_first = matches!(link_for, LinkFor::First);
    let new = is_first.then(|| (id.clone(), full_name.clone()));
    let set_up = desk.accounts.set_up(&visit.origin, &link, new, password);
    match set_up.await {
        Ok(_) => Ok(see("/sign-in")),
        Err(refused) => {
            let (status, told) = told(visit.words, refused)?;
            let page = SetUp {
                shell: Shell::new("set-up-title", &visit),
                told: Some(told),
                link,
                user: whose(&link_for),
                id,
                full_name,
            };
            Ok(render(status, &page))
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn signing_in_leads_nowhere_else() {
        for (next, leads_to) in [
            ("/cases/c-1?site=a", "/cases/c-1?site=a"),
            ("", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\r\nset-cookie: b", "/"),
        ] {
            assert_eq!(super::local(next), leads_to, "{next}");
        }
    }
}
