//! Pages: what is around each, and those that tell what went wrong.

use std::fmt::Display;

use askama::Template;
use axum::Extension;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use stoa_daemon::Problem;
use stoa_daemon::auth::Role;

use super::assets;
use super::guard::FORM_FIELD;
use super::navigation::{self, Entry, Menu};
use super::time::{Moment, Shown};
use super::visit::Visit;
use crate::accounts::{Refused, Settings, Theme, random};
use crate::backend;
use crate::language::{Count, Words};

/// What is around each page.
#[derive(Clone, Debug)]
pub(super) struct Shell {
    pub(super) title: String,
    words: Words,
    pub(super) settings: Settings,
    pub(super) style: &'static str,
    pub(super) script: &'static str,
    pub(super) name: Option<String>,
    /// What decisions of this person name.
    pub(super) me: String,
    /// What was heard last of cases, for the page to go on from there.
    pub(super) heard: String,
    role: Option<Role>,
    pub(super) path: String,
    pub(super) field: &'static str,
    /// What forms prove their origin by, and what tells those of this page from others.
    pub(super) form: String,
}

impl Shell {
    /// What is around a page for a visit; its title is given as the id of a text.
    pub(super) fn new(title: &str, visit: &Visit) -> Self {
        let user = visit.user.as_ref();
        Self {
            title: visit.words.t(title),
            words: visit.words,
            settings: visit.settings,
            style: assets::style(),
            script: assets::script(),
            name: user.map(|user| user.name.clone()),
            heard: visit
                .heard
                .map(|heard| heard.to_string())
                .unwrap_or_default(),
            me: user.map(|user| user.id.clone()).unwrap_or_default(),
            role: user.map(|user| user.role),
            path: visit.path.clone(),
            field: FORM_FIELD,
            form: match user {
                Some(_) => format!("{}.{}", visit.form, random()),
                None => visit.form.clone(),
            },
        }
    }

    /// The language of the page, as its code.
    pub(super) fn language(&self) -> &'static str {
        self.words.0.as_str()
    }

    /// The class of the colours that the page has.
    pub(super) fn theme(&self) -> &'static str {
        self.settings.theme.as_str()
    }

    /// The colours that the page has, as browsers want to know before they read the style sheet.
    pub(super) fn scheme(&self) -> &'static str {
        match self.settings.theme {
            Theme::System => "light dark",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// The parts of the console that this person may see, by themselves and in menus.
    pub(super) fn navigation(&self) -> (Vec<&'static Entry>, Vec<Menu>) {
        navigation::seen_by(self.role)
    }

    /// What `aria-current` says of an entry of the navigation: whether this is its page, or one below it.
    pub(super) fn current(&self, entry: &Entry) -> Option<&'static str> {
        let below = self.path.strip_prefix(entry.path)?;
        match below {
            "" => Some("page"),
            _ if below.starts_with('/') => Some("true"),
            _ => None,
        }
    }

    /// Whether a menu has this page, or the one above it.
    pub(super) fn is_in(&self, menu: &Menu) -> bool {
        let mut entries = menu.entries.iter();
        entries.any(|entry| self.current(entry).is_some())
    }

    /// The address of a file of the folder `assets`.
    #[expect(clippy::unused_self, reason = "templates have all through the shell")]
    pub(super) fn asset(&self, name: &str) -> &'static str {
        assets::path(name)
    }

    /// A text.
    pub(super) fn t(&self, id: &str) -> String {
        self.words.t(id)
    }

    /// A text with a number.
    pub(super) fn n(&self, id: &str, n: impl Count) -> String {
        self.words.n(id, n)
    }

    /// A text with an argument of this name.
    pub(super) fn with(&self, id: &str, name: &str, value: impl Display) -> String {
        self.words.with(id, name, value)
    }

    /// What a code of the system is called.
    pub(super) fn code(&self, of: &str, code: impl Display) -> String {
        self.words.code(of, code)
    }

    /// A moment as its date.
    #[expect(clippy::unused_self, reason = "templates have all through the shell")]
    pub(super) fn date(&self, moment: &Moment) -> Shown {
        moment.shown_as_date()
    }

    /// A moment as how long ago it was.
    pub(super) fn age(&self, moment: &Moment) -> Shown {
        moment.shown_as_age(self.words)
    }

    /// A moment as how long it is until then, or since.
    pub(super) fn due(&self, moment: &Moment) -> Shown {
        moment.shown_as_due(self.words)
    }

    /// A text with a date as its `$time`.
    pub(super) fn date_in(&self, id: &str, moment: &Moment) -> Shown {
        moment.shown_as_date().within(self.words, id)
    }

    /// A text with how long ago a moment was as its `$time`.
    pub(super) fn age_in(&self, id: &str, moment: &Moment) -> Shown {
        moment.shown_as_age(self.words).within(self.words, id)
    }

    /// A text with a time of the day as its `$time`.
    pub(super) fn time_in(&self, id: &str, moment: &Moment) -> Shown {
        moment.shown_as_time().within(self.words, id)
    }
}

/// Writes a page.
pub(super) fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => {
            let html_type = HeaderValue::from_static("text/html; charset=utf-8");
            (status, [(header::CONTENT_TYPE, html_type)], html).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "cannot write a page");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Leads to another page, after something was done.
pub(super) fn see(path: &str) -> Response {
    match HeaderValue::from_str(path) {
        Ok(path) => (StatusCode::SEE_OTHER, [(header::LOCATION, path)]).into_response(),
        Err(_) => Fault::NotFound.into_response(),
    }
}

/// Why a request is not answered as it asks for. Its page is written once it is known for whom ([`super::visit`]).
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// There is nothing there, or not for this person.
    NotFound,
    /// The address takes another method.
    Method,
    /// Nobody is signed in.
    SignedOut,
    /// Another site may have sent it.
    Forged,
    /// The form is too long.
    TooLarge,
    /// The person may not.
    Forbidden,
    /// The person has not this role.
    Role(Role),
    /// The request can't be taken: why.
    Refused(backend::Refusal),
    /// A role does not answer.
    Unavailable,
    /// The console itself is broken.
    Internal,
}

impl From<backend::Error> for Fault {
    fn from(error: backend::Error) -> Self {
        match error {
            backend::Error::NotFound => Self::NotFound,
            backend::Error::Forbidden => Self::Forbidden,
            backend::Error::Refused(refusal) => Self::Refused(refusal),
            backend::Error::Unavailable(reason) => {
                tracing::error!(reason, "a role does not answer");
                Self::Unavailable
            }
        }
    }
}

impl From<anyhow::Error> for Fault {
    fn from(error: anyhow::Error) -> Self {
        tracing::error!(error = format!("{error:#}"), "cannot keep accounts");
        Self::Internal
    }
}

/// What is told to a person whose request was refused, and the status of the answer.
pub(super) fn told(words: Words, refused: Refused) -> Result<(StatusCode, String), Fault> {
    match refused {
        Refused::Said(id) => Ok((StatusCode::UNPROCESSABLE_ENTITY, words.t(id))),
        Refused::Wait(seconds) => Ok((
            StatusCode::TOO_MANY_REQUESTS,
            words.n("sign-in-wait", seconds),
        )),
        Refused::Failed(error) => Err(error.into()),
    }
}

/// A page that says something.
#[derive(Template)]
#[template(path = "message.html")]
struct Message {
    shell: Shell,
    text: String,
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        (self.status(), Extension(self)).into_response()
    }
}

impl Fault {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::SignedOut => StatusCode::UNAUTHORIZED,
            Self::Forged | Self::Forbidden | Self::Role(_) => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Refused(_) => StatusCode::BAD_REQUEST,
            Self::Unavailable => StatusCode::BAD_GATEWAY,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Tells a program of it.
    pub(super) fn problem(&self) -> Problem {
        match self {
            Self::Refused(refusal) => Problem::bad_request(refusal.told(Words::default())),
            other => Problem::for_status(other.status()),
        }
    }

    /// Tells a visitor of it.
    pub(super) fn page(&self, visit: &Visit) -> Response {
        let words = visit.words;
        let (title, text) = match self {
            Self::NotFound => ("fault-not-found", words.t("fault-not-found-text")),
            Self::Method => ("fault-method", words.t("fault-method-text")),
            Self::SignedOut => ("fault-signed-out", words.t("fault-signed-out-text")),
            Self::Forged => ("fault-not-done", words.t("fault-forged-text")),
            Self::TooLarge => ("fault-too-large", words.t("fault-too-large-text")),
            Self::Forbidden => ("fault-forbidden", words.t("fault-forbidden-text")),
            Self::Role(role) => {
                let role = words.code("role", role);
                let text = words.with("fault-role-text", "role", role);
                ("fault-forbidden", text)
            }
            Self::Refused(refusal) => ("fault-not-done", refusal.told(words)),
            Self::Unavailable => ("fault-unavailable", words.t("fault-unavailable-text")),
            Self::Internal => ("fault-internal", words.t("fault-internal-text")),
        };
        let shell = Shell::new(title, visit);
        render(self.status(), &Message { shell, text })
    }
}
