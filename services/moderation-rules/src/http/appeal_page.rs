//! `GET` and `POST /v1/appeals/{token}`: the page by which authors appeal, without an account.
//!
//! It shows the decision and its statement, and the author's own comment; nobody else's words, and
//! no moderator's name. An appeal that is sent goes into the inbox, as one of a platform does: so
//! ingest, the archive and the rules hear of it in the same way.

mod rate;
mod words;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Form, Path, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use stoa_bus::Bus;
use stoa_daemon::http::{client, network};
use stoa_daemon::openapi::{OpenApiRouter, UtoipaMethodRouterExt as _, routes};
use stoa_daemon::{Context, Problem};
use stoa_proto::{Data, Decision, DecisionAppealed, Event, Exchange, Outgoing, Time, Verdict, ids};
use tokio::time::timeout;

use self::rate::Rate;
use self::words::Words;
use crate::engine::Parts;
use crate::engine::conclude::SOURCE;
use crate::record::Stored;
use crate::statement::Tongue;
use crate::statement::link::{Links, Opened};
use crate::view::appeals::Status;
use crate::view::rows::CommentRow;
use crate::view::{APPEALED, APPEALS, CASES, COMMENTS, DECISIONS, State as View};

/// Characters of an appeal.
const MAX_TEXT: usize = 4_000;
/// Characters of the comment that are shown.
const MAX_SHOWN: usize = 1_000;
/// Bytes of a form: each character may take twelve.
const MAX_FORM: usize = 64 * 1024;
/// How long the broker may take to confirm an appeal.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an appeal that was sent is said to be received before it has come round.
const ON_ITS_WAY: i64 = 3_600 * 1_000_000;
/// Appeals that are remembered until they have come round.
const MOST_SENT: usize = 10_000;

const STYLE: &str = include_str!("../../assets/appeals.css");
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; \
     frame-ancestors 'none'; base-uri 'none'";
const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");

/// What the page needs.
#[derive(Clone, Debug)]
pub(crate) struct AppealPage {
    parts: Arc<Parts>,
    bus: Bus,
    context: Context,
    rate: Arc<Rate>,
    /// Whose `X-Forwarded-For` is believed.
    proxies: Arc<[IpAddr]>,
    /// Decisions that were appealed here, and when: until the appeal has come round.
    sent: Arc<Mutex<HashMap<[u8; 16], i64>>>,
}

/// What a link leads to.
struct Found {
    opened: Opened,
    decision: Decision,
    author: String,
    /// The author's own words, if they are kept.
    text: Option<String>,
    tongue: Tongue,
    state: Standing,
}

/// What can be done about the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It can be appealed.
    Open,
    /// It was appealed.
    Appealed(Status),
    /// The comment is approved by now, or the decision approves it.
    Approved,
    /// It answers an appeal itself.
    Final,
    /// It is too late.
    Over,
    /// The comment was taken back or erased.
    Gone,
}

#[derive(Template)]
#[template(path = "appeal.html")]
struct Page<'a> {
    lang: &'a str,
    words: &'a Words,
    alert: Option<&'a str>,
    status: Option<&'a str>,
    told: Option<Told<'a>>,
    /// What was typed; absent where there is nothing to type.
    typed: Option<&'a str>,
    most: usize,
}

struct Told<'a> {
    what: &'a str,
    at: &'a str,
    day: String,
    facts: &'a str,
    ground: &'a str,
    reference: Option<&'a str>,
    redress: Option<&'a str>,
    text: Option<&'a str>,
}

#[derive(Deserialize)]
struct Sent {
    text: String,
}

/// The routes, for the document of the listener that has them.
pub(crate) fn routes() -> OpenApiRouter<AppealPage> {
    OpenApiRouter::default()
        .routes(routes!(show, send).layer(DefaultBodyLimit::max(MAX_FORM)))
        .routes(routes!(style))
}

impl AppealPage {
    pub(crate) fn new(parts: Arc<Parts>, bus: Bus, proxies: &[IpAddr], context: &Context) -> Self {
        Self {
            parts,
            bus,
            context: context.clone(),
            rate: Arc::default(),
            proxies: proxies.into(),
            sent: Arc::default(),
        }
    }

    /// The routes.
    pub(crate) fn routes(self) -> OpenApiRouter {
        let admit = middleware::from_fn_with_state(self.clone(), admit);
        routes().layer(admit).with_state(self)
    }

    /// Finds what a link leads to; none if it was not made here.
    async fn find(&self, token: String) -> Result<Option<Found>, Problem> {
        let page = self.clone();
        let found = self
            .context
            .tasks
            .spawn_blocking(move || page.look(&token))
            .await;
        match found {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => {
                let error = format!("{error:#}");
                tracing::error!(error, "cannot read what an appeal is against");
                Err(Problem::internal())
            }
            Err(_) => Err(Problem::internal()),
        }
    }

    fn look(&self, token: &str) -> anyhow::Result<Option<Found>> {
        let view = &self.parts.index.view;
        let (Some(links), Some(opened)) = (self.parts.statements.links(), Links::read(token))
        else {
            return Ok(None);
        };
        let Some(seq) = view.get(&DECISIONS, &opened.decision)? else {
            return Ok(None);
        };
        let Some(decision) = self.stored(seq)?.and_then(|stored| stored.decision()) else {
            return Ok(None);
        };
        if !links.made(&opened, &decision.site, &decision.comment) {
            return Ok(None);
        }
        let key = (decision.site.clone(), decision.comment.clone());
        let Some(row) = view.get(&COMMENTS, &key)? else {
            return Ok(None);
        };
        let statement = decision.statement.as_ref();
        let language = statement.and_then(|statement| statement.language.as_deref());
        let tongue = language.and_then(Tongue::of);
        let state = self.standing(&opened, &decision, &row)?;
        let text = match state {
            Standing::Gone => None,
            _ => self.own_words(&row, decision.revision)?,
        };
        Ok(Some(Found {
            tongue: tongue.unwrap_or(self.parts.statements.language()),
            author: row.author,
            state,
            text,
            opened,
            decision,
        }))
    }

    fn standing(
        &self,
        opened: &Opened,
        decision: &Decision,
        row: &CommentRow,
    ) -> anyhow::Result<Standing> {
        let view = &self.parts.index.view;
        if row.erased_seq.is_some() {
            return Ok(Standing::Gone);
        }
        if let Some(id) = view.get(&APPEALED, &opened.decision)? {
            let appeal = view.get(&APPEALS, &id)?;
            return Ok(appeal.map_or(Standing::Open, |appeal| Standing::Appealed(appeal.status)));
        }
        let now = self.parts.clock.micros();
        if self.is_on_its_way(&opened.decision, now) {
            return Ok(Standing::Appealed(Status::Open));
        }
        if row.withdrawn_seq.is_some() {
            return Ok(Standing::Gone);
        }
        if decision.verdict == Verdict::Approve || row.verdict == Verdict::Approve {
            return Ok(Standing::Approved);
        }
        let case = ids::case_id(&decision.site, &decision.comment);
        if let Some(case) = view.get(&CASES, &case)? {
            let appeals = View::new(&self.parts.index).appeals_of(&case)?;
            let mut appeals = appeals.iter();
            if appeals.any(|appeal| appeal.is_exhausted_by(&decision.decision)) {
                return Ok(Standing::Final);
            }
        }
        let is_over = now / 1_000_000 > opened.until;
        Ok(if is_over {
            Standing::Over
        } else {
            Standing::Open
        })
    }

    /// Reads the author's words, as they were decided about.
    fn own_words(&self, row: &CommentRow, revision: u32) -> anyhow::Result<Option<String>> {
        if row.revision != revision {
            return Ok(None);
        }
        let stored = self.stored(row.decided_seq)?;
        let submission = stored.and_then(|stored| stored.submission());
        Ok(submission.and_then(|event| match event.data {
            Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => {
                let text = comment.text();
                let shown: String = text.chars().take(MAX_SHOWN).collect();
                let is_cut = shown.len() < text.len();
                Some(if is_cut { format!("{shown}…") } else { shown })
            }
            _ => None,
        }))
    }

    fn stored(&self, seq: u64) -> anyhow::Result<Option<Stored>> {
        match self.parts.journal.read_seq(seq)? {
            Some(record) => Ok(Stored::read(&record)?),
            None => Ok(None),
        }
    }

    fn is_on_its_way(&self, decision: &[u8; 16], now: i64) -> bool {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.get(decision).is_some_and(|at| now - at < ON_ITS_WAY)
    }

    /// Sends an appeal into the inbox; true once that is confirmed.
    async fn publish(&self, found: &Found, text: String) -> bool {
        let Decision {
            site,
            article,
            comment,
            decision,
            ..
        } = &found.decision;
        let now = self.parts.clock.micros();
        let appealed = DecisionAppealed {
            site: site.clone(),
            article: article.clone(),
            comment: comment.clone(),
            decision: decision.clone(),
            // A decision is appealed once, so this is known again whatever is typed.
            appeal: ids::derive("p-", &[decision]),
            author: Some(found.author.clone()),
            appealed_at: Some(Time::from_timestamp(self.parts.clock.now())),
            extra: serde_json::Map::new(),
            text: Some(text),
        };
        let words = appealed.text.as_deref().unwrap_or_default();
        let id = ids::derive("appeal-", &[decision, words]);
        let mut event = Event::new(id, SOURCE, Data::DecisionAppealed(appealed));
        event.subject = Some(comment.clone());
        let outgoing = Outgoing::new(Exchange::Inbox, &event);
        let sending = self.bus.publisher();
        let is_sent = matches!(
            timeout(PATIENCE, sending.publish(vec![outgoing])).await,
            Ok(Ok(()))
        );
        if is_sent {
            let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
            if sent.len() >= MOST_SENT {
                sent.retain(|_, at| now - *at < ON_ITS_WAY);
            }
            if sent.len() < MOST_SENT {
                sent.insert(found.opened.decision, now);
            }
        }
        is_sent
    }

    fn nothing(&self, status: StatusCode, say: fn(&Words) -> &'static str) -> Response {
        let tongue = self.parts.statements.language();
        let words = Words::of(tongue);
        let page = Page {
            lang: tongue.as_str(),
            words,
            alert: Some(say(words)),
            status: None,
            told: None,
            typed: None,
            most: MAX_TEXT,
        };
        render(status, &page)
    }
}

impl Found {
    /// Shows it, with what was typed and what is wrong with that.
    fn page(&self, typed: &str, wrong: Option<(StatusCode, &'static str)>) -> Response {
        let words = Words::of(self.tongue);
        let (status, said) = match self.state {
            Standing::Open => (StatusCode::OK, None),
            Standing::Appealed(Status::Open | Status::Refused(_)) => {
                (StatusCode::OK, Some(words.received))
            }
            Standing::Appealed(Status::Upheld) => (StatusCode::OK, Some(words.upheld)),
            Standing::Appealed(Status::Reversed) => (StatusCode::OK, Some(words.reversed)),
            Standing::Appealed(Status::Moot(_)) => (StatusCode::OK, Some(words.moot)),
            Standing::Approved => (StatusCode::OK, Some(words.approved)),
            Standing::Final => (StatusCode::OK, Some(words.final_word)),
            Standing::Over => (StatusCode::GONE, Some(words.over)),
            Standing::Gone => (StatusCode::GONE, Some(words.gone)),
        };
        let statement = self.decision.statement.as_ref();
        let told = statement.filter(|_| self.state != Standing::Gone);
        let told = told.map(|statement| Told {
            what: match self.decision.verdict {
                Verdict::Hold => words.held,
                _ => words.rejected,
            },
            at: self.decision.decided_at.as_str(),
            day: self.decision.decided_at.as_str().chars().take(10).collect(),
            facts: &statement.facts,
            ground: match statement.ground.as_str() {
                "legal" => words.legal,
                _ => words.terms,
            },
            reference: statement.reference.as_deref(),
            redress: statement.redress.as_deref(),
            text: self.text.as_deref(),
        });
        let page = Page {
            lang: self.tongue.as_str(),
            words,
            alert: wrong.map(|(_, wrong)| wrong),
            status: said,
            told,
            typed: (self.state == Standing::Open).then_some(typed),
            most: MAX_TEXT,
        };
        render(wrong.map_or(status, |(status, _)| status), &page)
    }
}

fn render(status: StatusCode, page: &Page<'_>) -> Response {
    let html = match page.render() {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "cannot write the page for appeals");
            return Problem::internal().into_response();
        }
    };
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(CONTENT_POLICY),
        ),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-store"),
        ),
        (ROBOTS, HeaderValue::from_static("noindex, nofollow")),
    ];
    let mut response = (status, headers, html).into_response();
    if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
        let after = HeaderValue::from_static("60");
        response.headers_mut().insert(header::RETRY_AFTER, after);
    }
    response
}

/// Answers who asks too often that they are to wait.
async fn admit(State(page): State<AppealPage>, request: Request, next: Next) -> Response {
    let from = client(&request, &page.proxies).map(network);
    let now = page.parts.clock.micros();
    if from.is_some_and(|from| !page.rate.answers_to(from, now)) {
        return page.nothing(StatusCode::TOO_MANY_REQUESTS, |words| words.busy);
    }
    next.run(request).await
}

/// What was decided and why, as a page with a form to appeal.
///
/// The link is in the statement of reasons, as `appeal_url`.
#[utoipa::path(
    get,
    path = "/v1/appeals/{token}",
    operation_id = "page_of_appeal",
    tag = "appeals",
    params(("token" = String, Path, description = "What the link has.")),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"), (status = 404, description = "The page, saying that the link is not known.", body = String, content_type = "text/html"), (status = 410, description = "The page, saying that it is too late, or the comment is gone.", body = String, content_type = "text/html"), (status = 413, description = "The page, saying that the text is too long.", body = String, content_type = "text/html"), (status = 429, description = "The page, saying that it is too much at once.", body = String, content_type = "text/html"), (status = 503, description = "The page, saying that it can't be taken at the moment.", body = String, content_type = "text/html")),
)]
async fn show(
    State(page): State<AppealPage>,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    if !page.rate.answers(page.parts.clock.micros()) {
        return Ok(page.nothing(StatusCode::TOO_MANY_REQUESTS, |words| words.busy));
    }
    Ok(match page.find(token).await? {
        Some(found) => found.page("", None),
        None => page.nothing(StatusCode::NOT_FOUND, |words| words.unknown),
    })
}

/// Takes an appeal from the page's form.
#[utoipa::path(
    post,
    path = "/v1/appeals/{token}",
    operation_id = "send_appeal",
    tag = "appeals",
    params(("token" = String, Path, description = "What the link has.")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded", description = "`text`, up to 4000 characters."),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"), (status = 404, description = "The page, saying that the link is not known.", body = String, content_type = "text/html"), (status = 410, description = "The page, saying that it is too late, or the comment is gone.", body = String, content_type = "text/html"), (status = 413, description = "The page, saying that the text is too long.", body = String, content_type = "text/html"), (status = 429, description = "The page, saying that it is too much at once.", body = String, content_type = "text/html"), (status = 503, description = "The page, saying that it can't be taken at the moment.", body = String, content_type = "text/html")),
)]
async fn send(
    State(page): State<AppealPage>,
    Path(token): Path<String>,
    form: Result<Form<Sent>, FormRejection>,
) -> Result<Response, Problem> {
    let now = page.parts.clock.micros();
    if !page.rate.answers(now) {
        return Ok(page.nothing(StatusCode::TOO_MANY_REQUESTS, |words| words.busy));
    }
    let Some(found) = page.find(token.clone()).await? else {
        return Ok(page.nothing(StatusCode::NOT_FOUND, |words| words.unknown));
    };
    if found.state != Standing::Open {
        return Ok(found.page("", None));
    }
    let words = Words::of(found.tongue);
    let typed = match form {
        Ok(Form(Sent { text })) => text.replace('\0', "").replace("\r\n", "\n"),
        Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return Ok(found.page("", Some((StatusCode::PAYLOAD_TOO_LARGE, words.long))));
        }
        Err(_) => return Ok(found.page("", Some((StatusCode::BAD_REQUEST, words.empty)))),
    };
    let text = typed.trim();
    if text.is_empty() {
        return Ok(found.page("", Some((StatusCode::UNPROCESSABLE_ENTITY, words.empty))));
    }
    if text.chars().count() > MAX_TEXT {
        return Ok(found.page(text, Some((StatusCode::UNPROCESSABLE_ENTITY, words.long))));
    }
    if !page.rate.sends(found.opened.decision, now) {
        return Ok(found.page(text, Some((StatusCode::TOO_MANY_REQUESTS, words.busy))));
    }
    if !page.publish(&found, text.to_owned()).await {
        let later = (StatusCode::SERVICE_UNAVAILABLE, words.later);
        return Ok(found.page(text, Some(later)));
    }
    // Reading the page anew sends nothing again.
    let location = HeaderValue::from_str(&token).map_err(|_| Problem::internal())?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
}

/// The style of the page.
#[utoipa::path(
    get,
    path = "/v1/appeals.css",
    operation_id = "get_appeal_style",
    tag = "appeals",
    responses((status = 200, description = "The style.", body = String, content_type = "text/css")),
)]
async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=86400"),
    ];
    (headers, STYLE).into_response()
}
