//! Who sent a request, and in which words they are answered.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use stoa_daemon::http::{RequestId, client};

use super::Desk;
use super::page::Fault;
use crate::accounts::{Digest, Origin, Settings, User, random};
use crate::language::{Language, Words};

/// A request, as far as it is known who sent it.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    /// Who is signed in.
    pub(crate) user: Option<User>,
    /// How they want their pages.
    pub(crate) settings: Settings,
    /// Whether they sign in with a second step.
    pub(crate) has_second: bool,
    /// Whether a provider signs them in.
    pub(crate) is_linked: bool,
    /// What their browser keeps while they are at the provider.
    pub(crate) way: Option<String>,
    /// What pages say to them.
    pub(crate) words: Words,
    /// The secret of their session.
    pub(crate) session: Option<String>,
    /// What the forms of this visit's pages prove their origin by.
    pub(crate) form: String,
    /// The same of a session that has ended: it tells a page that is still open from a forged one.
    pub(super) ended: Option<String>,
    /// What tells the form that was sent from others, so that sending it twice is one request; empty
    /// if nothing does.
    pub(crate) once: String,
    /// Who and from where, for the journal.
    pub(crate) origin: Origin,
    /// What their browser says of itself.
    pub(crate) agent: String,
    /// What was heard last of cases, when the request came.
    pub(crate) heard: Option<u64>,
    /// The path that was asked for.
    pub(crate) path: String,
    pub(super) fields: Arc<[(String, String)]>,
}

impl Visit {
    /// Who is signed in.
    pub(crate) fn user(&self) -> Result<&User, Fault> {
        self.user.as_ref().ok_or(Fault::SignedOut)
    }

    /// A field of the form that was sent; empty if it is not there.
    pub(crate) fn field(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

impl Visit {
    /// All fields of the form that was sent whose names begin so, without that beginning.
    pub(crate) fn fields_of(&self, beginning: &str) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.fields.iter();
        fields
            .filter_map(move |(name, value)| Some((name.strip_prefix(beginning)?, value.as_str())))
    }
}

/// Finds out who sent a request, and writes the page of a fault in their language.
pub(super) async fn meet(State(desk): State<Desk>, mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    let sent = cookie(headers, desk.session_cookie());
    let person = sent.as_deref();
    let person = person.and_then(|session| desk.accounts.signed_in(session));
    let ended = sent.as_deref().filter(|_| person.is_none());
    let ended = ended.map(form_token);
    let session = sent.filter(|_| person.is_some());
    // Who is not signed in has forms, too; their cookie is another, so that it never takes the place of a session.
    let known = cookie(headers, desk.form_cookie());
    let fresh = (session.is_none() && known.is_none()).then(random);
    let key = session.as_ref().or(known.as_ref()).or(fresh.as_ref());
    let form = key.map(|key| form_token(key)).unwrap_or_default();
    let settings = person.as_ref().map(|person| person.settings);
    let settings = settings.unwrap_or_default();
    let has_second = person.as_ref().is_some_and(|person| person.has_second);
    let is_linked = person.as_ref().is_some_and(|person| person.is_linked);
    let user = person.map(|person| person.user);
    let visit = Visit {
        form,
        ended,
        once: String::new(),
        origin: Origin {
            by: user.as_ref().map(|user| user.id.clone()),
            from: client(&request, &desk.proxies),
            request: request
                .extensions()
                .get::<RequestId>()
                .map(|id| id.0.to_string()),
        },
        user,
        words: Words(settings.language.unwrap_or_else(|| accepted(headers))),
        settings,
        has_second,
        is_linked,
        way: cookie(headers, desk.way_cookie()),
        session,
        agent: header(headers, &header::USER_AGENT).to_owned(),
        heard: desk.watch.last(),
        path: request.uri().path().to_owned(),
        fields: Arc::default(),
    };
    request.extensions_mut().insert(visit.clone());
    let mut response = next.run(request).await;
    if let Some(fault) = response.extensions_mut().remove::<Fault>() {
        response = if visit.path.starts_with("/api/") {
            fault.problem().into_response()
        } else {
            fault.page(&visit)
        };
    }
    if let Some(fresh) = fresh
        && is_page(&response)
    {
        desk.set_cookie(&mut response, desk.form_cookie(), &fresh);
    }
    response
}

fn accepted(headers: &HeaderMap) -> Language {
    Language::accepted(header(headers, &header::ACCEPT_LANGUAGE))
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

impl Desk {
    pub(super) fn session_cookie(&self) -> &'static str {
        if self.insecure_cookie {
            "stoa"
        } else {
            "__Host-stoa"
        }
    }

    fn form_cookie(&self) -> &'static str {
        if self.insecure_cookie {
            "stoa-form"
        } else {
            "__Host-stoa-form"
        }
    }

    fn way_cookie(&self) -> &'static str {
        if self.insecure_cookie {
            "stoa-way"
        } else {
            "__Host-stoa-way"
        }
    }

    /// Sets the cookie that a browser has while its person is at the provider, which leads back from another site.
    pub(super) fn set_way_cookie(&self, response: &mut Response, value: &str) {
        self.set(response, self.way_cookie(), value, "Lax");
    }

    /// Sets a cookie that ends with the browser; an empty one ends at once.
    pub(super) fn set_cookie(&self, response: &mut Response, name: &str, value: &str) {
        self.set(response, name, value, "Strict");
    }

    fn set(&self, response: &mut Response, name: &str, value: &str, same_site: &str) {
        let secure = if self.insecure_cookie { "" } else { "; Secure" };
        let over = if value.is_empty() { "; Max-Age=0" } else { "" };
        let cookie =
            format!("{name}={value}; Path=/; HttpOnly; SameSite={same_site}{secure}{over}");
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let values = headers.get_all(header::COOKIE).iter();
    let pairs = values.filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|value| value.split(';'));
    pairs.find_map(|pair| {
        let (known, value) = pair.trim().split_once('=')?;
        (known == name && !value.is_empty()).then(|| value.to_owned())
    })
}

/// What a form has to send back. It follows from a cookie, which another site can neither read nor set.
fn form_token(cookie: &str) -> String {
    Digest::of(&format!("form {cookie}")).to_string()
}

fn is_page(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}
