//! `POST /1.1/comment-check` and its sisters: as Akismet answers them.
//!
//! The key is a token of Stoa: the field `api_key`, or else the first name of the host, as in `<key>.rest.akismet.com`.

use std::collections::HashMap;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use stoa_daemon::Problem;
use stoa_daemon::auth::Principal;
use stoa_daemon::openapi::{BadRequest, Unavailable};
use stoa_proto::{Verdict, ids, limits};

use super::{Compat, Said};
use crate::http::judging::Wanted;
use crate::metrics::Protocol;

/// The name that always is spam, for trying a site out, and the address.
const ALWAYS: [(&str, &str); 2] = [
    ("comment_author", "viagra-test-123"),
    (
        "comment_author_email",
        "akismet-guaranteed-spam@example.com",
    ),
];

/// Tells what is so bad that it may be dropped unseen.
const TIP: HeaderName = HeaderName::from_static("x-akismet-pro-tip");
/// Tells what is wrong.
const HELP: HeaderName = HeaderName::from_static("x-akismet-debug-help");

/// A comment as Akismet's clients send it; fields that are not here are accepted and change nothing.
#[derive(utoipa::ToSchema)]
#[schema(as = AkismetAsks)]
#[expect(dead_code, reason = "it only describes what is read here by hand")]
pub(super) struct Asks {
    /// A token of Stoa.
    api_key: Option<String>,
    /// The site's address.
    blog: String,
    user_ip: String,
    /// What the comment stands under; it is the article's id.
    permalink: Option<String>,
    comment_author: Option<String>,
    comment_author_email: Option<String>,
    /// HTML.
    comment_content: Option<String>,
    /// ISO 8601.
    comment_date_gmt: Option<String>,
    /// What an `administrator` writes is never spam.
    user_role: Option<String>,
    /// Judged all the same: nothing is kept anyway.
    is_test: Option<String>,
}

/// A key to look at.
#[derive(utoipa::ToSchema)]
#[schema(as = AkismetKey)]
#[expect(dead_code, reason = "it only describes what is read here by hand")]
pub(super) struct Verifies {
    /// A token of Stoa; `api_key` is read as well.
    key: Option<String>,
    api_key: Option<String>,
    blog: String,
}

/// Says whether a comment is spam: whether the rules would not approve it.
///
/// As Akismet's `comment-check`; the answer is `true` or `false`, or `invalid` for a key that is not known. `true` is also answered for what was not judged in time. The key is a token with the role `publisher` or `moderator`.
#[utoipa::path(
    post,
    path = "/1.1/comment-check",
    operation_id = "akismet_check",
    tag = "compat",
    request_body(content = Asks, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "`true`, `false` or `invalid`.", body = String, content_type = "text/plain", headers(
            ("x-akismet-pro-tip" = String, description = "`discard` for a rejected comment with a label of `compat.akismet.discard`."),
            ("x-akismet-debug-help" = String, description = "What is wrong with the key, or why it is `true` without a verdict."),
        )),
        BadRequest,
        Unavailable,
    ),
)]
pub(super) async fn check(State(compat): State<Compat>, request: Request) -> Response {
    let answer = compat.count(Protocol::Akismet, compat.akismet_check(request));
    answer.await.unwrap_or_else(refused)
}

/// Says whether a key is good.
///
/// As Akismet's `verify-key`: the answer is `valid` or `invalid`.
#[utoipa::path(
    post,
    path = "/1.1/verify-key",
    operation_id = "akismet_verify",
    tag = "compat",
    request_body(content = Verifies, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "`valid` or `invalid`.", body = String, content_type = "text/plain"),
        BadRequest,
        Unavailable,
    ),
)]
pub(super) async fn verify(State(compat): State<Compat>, request: Request) -> Response {
    let answer = compat.count(Protocol::Akismet, async {
        let form = compat.form(request).await?;
        Ok(match compat.akismet_principal(&form) {
            Ok(_) => plain("valid"),
            Err(problem) => invalid("invalid", &problem),
        })
    });
    answer.await.unwrap_or_else(refused)
}

/// Takes word of spam that was missed, and counts it: no rule changes by it.
#[utoipa::path(
    post,
    path = "/1.1/submit-spam",
    operation_id = "akismet_spam",
    tag = "compat",
    request_body(content = Asks, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Thanks, or `invalid`.", body = String, content_type = "text/plain"),
        BadRequest,
        Unavailable,
    ),
)]
pub(super) async fn spam(State(compat): State<Compat>, request: Request) -> Response {
    let answer = compat.count(Protocol::Akismet, compat.told("submit-spam", request));
    answer.await.unwrap_or_else(refused)
}

/// Takes word of a comment that is no spam, and counts it: no rule changes by it.
#[utoipa::path(
    post,
    path = "/1.1/submit-ham",
    operation_id = "akismet_ham",
    tag = "compat",
    request_body(content = Asks, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Thanks, or `invalid`.", body = String, content_type = "text/plain"),
        BadRequest,
        Unavailable,
    ),
)]
pub(super) async fn ham(State(compat): State<Compat>, request: Request) -> Response {
    let answer = compat.count(Protocol::Akismet, compat.told("submit-ham", request));
    answer.await.unwrap_or_else(refused)
}

/// A form, with the headers that came with it.
struct Form {
    fields: HashMap<String, String>,
    headers: HeaderMap,
}

impl Form {
    fn read(headers: HeaderMap, body: &Bytes) -> Self {
        let mut fields = HashMap::new();
        for (name, value) in form_urlencoded::parse(body) {
            // Of a field that comes twice the first one counts.
            fields
                .entry(name.into_owned())
                .or_insert_with(|| value.into_owned());
        }
        Self { fields, headers }
    }

    /// A field, unless it is empty.
    fn get(&self, name: &str) -> Option<&str> {
        let value = self.fields.get(name).map(|value| value.trim());
        value.filter(|value| !value.is_empty())
    }

    fn required(&self, name: &str) -> Result<&str, Problem> {
        self.get(name).ok_or_else(|| {
            Problem::bad_request(format!("missing required field: {name}"))
                .with_code("missing_field")
                .with_field(name)
        })
    }

    /// The key: a field, or the first name of the host.
    fn key(&self) -> Option<&str> {
        let field = self.get("api_key").or_else(|| self.get("key"));
        field.or_else(|| {
            let host = self.headers.get(header::HOST)?.to_str().ok()?;
            let (name, rest) = host.split_once('.')?;
            rest.contains(|sign: char| sign.is_ascii_alphabetic())
                .then_some(name)
        })
    }

    /// The article: its address without what is in it alone.
    fn article(&self) -> Option<String> {
        let address = self.get("permalink")?;
        let address = address.split('#').next().unwrap_or(address);
        let is_id = address.len() <= limits::ID_BYTES && !address.chars().any(char::is_control);
        Some(if is_id {
            address.to_owned()
        } else {
            ids::derive("permalink-", &[address])
        })
    }

    fn submitted_at(&self) -> Option<String> {
        let text = self.get("comment_date_gmt")?;
        let civil = |text: &str| {
            let civil: jiff::civil::DateTime = text.parse().ok()?;
            jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()
        };
        let at = text.parse::<jiff::Timestamp>().ok().or_else(|| civil(text));
        at.map(|at| at.to_string())
    }
}

impl Compat {
    async fn form(&self, request: Request) -> Result<Form, Problem> {
        let (head, body) = request.into_parts();
        let body = self.judging.read_one(body).await?;
        Ok(Form::read(head.headers, &body))
    }

    fn akismet_principal(&self, form: &Form) -> Result<Principal, Problem> {
        // In open mode whoever sends nothing may ask; a client of Akismet always sends a key.
        match form.key() {
            Some(key) => self.principal(Some(key), &form.headers),
            None => self.principal(None, &form.headers),
        }
    }

    async fn akismet_check(&self, request: Request) -> Result<Response, Problem> {
        let form = self.form(request).await?;
        let principal = match self.akismet_principal(&form) {
            Ok(principal) => principal,
            Err(problem) => return Ok(invalid("invalid", &problem)),
        };
        form.required("blog")?;
        form.required("user_ip")?;
        if form.get("user_role") == Some("administrator") {
            return Ok(plain("false"));
        }
        if ALWAYS
            .iter()
            .any(|(name, value)| form.get(name) == Some(value))
        {
            return Ok(plain("true"));
        }
        let site = self.site(&principal)?;
        let article = form.article();
        let said = Said {
            site: &site,
            article: article.as_deref(),
            name: form.get("comment_author"),
            role: "reader",
            body: form.required("comment_content")?,
            format: "html",
            submitted_at: form.submitted_at(),
            ..Said::default()
        };
        let (protocol, wanted) = (Protocol::Akismet, Wanted::new());
        let judged = self
            .judge(protocol, principal, vec![said.comment()], &wanted)
            .await;
        let judged = match judged {
            Ok(answers) => answers.into_iter().next().and_then(|(_, judged)| judged),
            // Words that are none, or more than can be judged.
            Err(problem) if problem.field() == Some("body") => {
                return Ok(([(HELP, help(&problem))], plain("true")).into_response());
            }
            Err(problem) => return Err(problem),
        };
        let Some(judged) = judged else {
            let help = HeaderValue::from_static("there was no time to judge it");
            return Ok(([(HELP, help)], plain("true")).into_response());
        };
        let outcome = &judged.trial.outcome;
        let mut labels = outcome.labels.iter();
        let discard = outcome.verdict == Verdict::Reject
            && labels.any(|label| self.settings.discard.contains(label));
        Ok(match outcome.verdict {
            Verdict::Approve => plain("false"),
            _ if discard => {
                let tip = HeaderValue::from_static("discard");
                ([(TIP, tip)], plain("true")).into_response()
            }
            _ => plain("true"),
        })
    }

    async fn told(&self, kind: &'static str, request: Request) -> Result<Response, Problem> {
        let form = self.form(request).await?;
        if let Err(problem) = self.akismet_principal(&form) {
            return Ok(invalid("invalid", &problem));
        }
        form.required("blog")?;
        self.metrics.feedback(kind);
        Ok(plain("Thanks for making the web a better place."))
    }
}

fn plain(body: &'static str) -> Response {
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}

/// Says that a key is not good, as Akismet's clients want to hear it: with 200.
fn invalid(body: &'static str, problem: &Problem) -> Response {
    let help = help(problem);
    ([(HELP, help)], plain(body)).into_response()
}

fn refused(problem: Problem) -> Response {
    let help = help(&problem);
    problem.with_header(HELP, help).into_response()
}

fn help(problem: &Problem) -> HeaderValue {
    let text = problem.detail().unwrap_or_default();
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("see the body"))
}
