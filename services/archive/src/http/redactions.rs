//! Redactions for admins: asked for, confirmed, called off, and what became of them.
//!
//! - `POST /admin/redactions`: asks for one.
//! - `GET /admin/redactions?site=&open=&after=&limit=`: by site and id.
//! - `GET /admin/redactions/{site}/{redaction}`: one.
//! - `POST /admin/redactions/{site}/{redaction}/confirm` and `/cancel`.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use stoa_daemon::Problem;
use stoa_daemon::auth::{Principal, Role};
use stoa_daemon::openapi::{Conflict, NotFound, OpenApiRouter, routes};
use stoa_proto::data::Extra;
use stoa_proto::{
    AuthorErased, CommentErased, Data, ErasureScope, Event, Exchange, Outgoing, RedactionDecided,
    RedactionDecision, Time, ids,
};

use utoipa::ToSchema;

use super::admin::Admin;
use crate::engine::chain;
use crate::redaction::{RedactionRow, SOURCE, Target};
use crate::view::Error;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

/// Makes the routes.
pub(super) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::default()
        .routes(routes!(list, ask))
        .routes(routes!(one))
        .routes(routes!(confirm))
        .routes(routes!(cancel))
}

/// A request for a redaction: of a comment, or of an author.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RedactionRequest)]
struct Asked {
    site: String,
    /// The article; needed where a comment's id is in several.
    article: Option<String>,
    /// The comment; either this or an author.
    comment: Option<String>,
    /// The author, with all their comments on the site.
    author: Option<String>,
    /// What is to be forgotten; `content` unless it says otherwise.
    #[serde(default = "content")]
    scope: ErasureScope,
    /// Why it has to be, for the record.
    legal_basis: Option<String>,
}

fn content() -> ErasureScope {
    ErasureScope::Content
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// The site.
    #[param(required)]
    site: Option<String>,
    /// Leaves out what is completed or was called off.
    open: Option<bool>,
    /// `next` of the page before.
    after: Option<String>,
    /// Redactions of a page.
    #[param(default = 50, minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// A redaction, as answers show it. Once it is done it no longer tells whose words it was about.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Redaction)]
struct Shown {
    site: String,
    /// Its id.
    redaction: String,
    /// `waiting` for its grace period or for somebody to confirm it, `erasing`, `completed` or
    /// `cancelled`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    article: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    scope: Option<ErasureScope>,
    requested_at: Option<Time>,
    requested_by: Option<String>,
    /// When it is carried out, unless it is called off before.
    due_at: Option<Time>,
    needs_confirmation: bool,
    confirmed_by: Option<String>,
    cancelled_by: Option<String>,
    /// Comments whose words are gone.
    comments: u64,
    /// Records that were overwritten.
    records: u64,
}

/// A page of redactions, by id.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RedactionPage)]
struct Listing {
    redactions: Vec<Shown>,
    /// `after` of the next page; `null` on the last.
    next: Option<String>,
}

impl Shown {
    fn new(admin: &Admin, site: String, redaction: String, row: RedactionRow) -> Self {
        let due = row
            .request
            .as_ref()
            .map(|request| admin.redaction.due(request.at));
        let is_confirmed = row.confirmed.is_some() || !admin.redaction.confirm;
        let is_due = due.is_some_and(|due| due <= admin.context.clock.micros());
        let state = match () {
            () if row.completed => "completed",
            () if row.cancelled.is_some() => "cancelled",
            () if is_due && is_confirmed => "erasing",
            () => "waiting",
        };
        let mut shown = Self {
            site,
            redaction,
            state,
            article: None,
            comment: None,
            author: None,
            scope: row.request.as_ref().map(|request| request.scope),
            requested_at: row
                .request
                .as_ref()
                .map(|request| Time::from_micros(request.at)),
            requested_by: row.request.as_ref().map(|request| request.by.clone()),
            due_at: due.map(Time::from_micros),
            needs_confirmation: !is_confirmed && row.is_open(),
            confirmed_by: row.confirmed,
            cancelled_by: row.cancelled,
            comments: row.comments,
            records: row.records,
        };
        match row.request.map(|request| request.target) {
            Some(Target::Comment { article, comment }) => {
                (shown.article, shown.comment) = (Some(article), Some(comment));
            }
            Some(Target::Author { author }) if !row.completed => shown.author = Some(author),
            _ => {}
        }
        shown
    }
}

/// Asks for a redaction: a comment's or an author's words are to be forgotten everywhere.
///
/// It is carried out after its grace period, once somebody else has confirmed it where that is needed.
#[utoipa::path(
    post,
    path = "/admin/redactions",
    operation_id = "ask_redaction",
    tag = "redactions",
    request_body = Asked,
    extensions(("x-role" = json!(Role::Admin))),
    responses(
        (status = 202, description = "It is on record.", body = Shown),
        NotFound,
    ),
)]
async fn ask(
    State(admin): State<Admin>,
    headers: HeaderMap,
    asked: Result<Json<Asked>, JsonRejection>,
) -> Result<(StatusCode, Json<Shown>), Problem> {
    let principal = admin.tokens.require(&headers, Role::Admin)?;
    let Json(asked) = asked?;
    principal.require_site(&asked.site)?;
    let data = admin.request(asked, &principal).await?;
    let now = Time::from_micros(admin.context.clock.micros());
    let mut event = Event::new(unique("rq-", &data, &now), SOURCE, data);
    event.recordedtime = Some(now);
    event.check().map_err(|rejection| {
        Problem::bad_request(rejection.message.clone()).with_code("invalid")
    })?;
    let (site, redaction) = (
        event.site().to_owned(),
        ids::redaction_id(SOURCE, &event.id),
    );
    admin.publish(&event).await?;
    let row = admin
        .wait_for(&site, &redaction, |row| row.request.is_some())
        .await?;
    tracing::info!(
        site,
        redaction,
        by = principal.name,
        "a redaction was asked for"
    );
    let shown = Shown::new(&admin, site, redaction, row);
    Ok((StatusCode::ACCEPTED, Json(shown)))
}

/// Lists the redactions of a site, by id.
#[utoipa::path(
    get,
    path = "/admin/redactions",
    operation_id = "list_redactions",
    tag = "redactions",
    params(Which),
    extensions(("x-role" = json!(Role::Moderator))),
    responses((status = 200, description = "A page.", body = Listing)),
)]
async fn list(
    State(admin): State<Admin>,
    headers: HeaderMap,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Listing>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Moderator)?;
    let Query(which) = which?;
    let Some(site) = which.site else {
        return Err(Problem::bad_request("name the site: ?site=").with_field("site"));
    };
    principal.require_site(&site)?;
    let limit = which.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let (open, after) = (which.open.unwrap_or(false), which.after);
    let of = site.clone();
    let mut rows = admin
        .read(move |admin| {
            admin
                .index
                .redactions(&of, after.as_deref(), open, limit + 1)
        })
        .await?;
    let is_more = rows.len() > limit;
    rows.truncate(limit);
    let next = is_more
        .then(|| rows.last().map(|(redaction, _)| redaction.clone()))
        .flatten();
    let shown = |(redaction, row)| Shown::new(&admin, site.clone(), redaction, row);
    Ok(Json(Listing {
        redactions: rows.into_iter().map(shown).collect(),
        next,
    }))
}

/// One redaction.
#[utoipa::path(
    get,
    path = "/admin/redactions/{site}/{redaction}",
    operation_id = "get_redaction",
    tag = "redactions",
    params(("site" = String, Path, description = "The site."), ("redaction" = String, Path, description = "Its id.")),
    extensions(("x-role" = json!(Role::Moderator))),
    responses((status = 200, description = "The redaction.", body = Shown), NotFound),
)]
async fn one(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path((site, redaction)): Path<(String, String)>,
) -> Result<Json<Shown>, Problem> {
    let (_, row) = admin
        .find(&headers, Role::Moderator, &site, &redaction)
        .await?;
    Ok(Json(Shown::new(&admin, site, redaction, row)))
}

/// Confirms a redaction that somebody else asked for.
///
/// `409 same_person` for who asked for it, `409 closed` once it is completed or was called off.
#[utoipa::path(
    post,
    path = "/admin/redactions/{site}/{redaction}/confirm",
    operation_id = "confirm_redaction",
    tag = "redactions",
    params(("site" = String, Path, description = "The site."), ("redaction" = String, Path, description = "Its id.")),
    extensions(("x-role" = json!(Role::Admin))),
    responses((status = 200, description = "The redaction.", body = Shown), Conflict, NotFound),
)]
async fn confirm(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path((site, redaction)): Path<(String, String)>,
) -> Result<Json<Shown>, Problem> {
    let (principal, row) = admin.find(&headers, Role::Admin, &site, &redaction).await?;
    if row
        .request
        .as_ref()
        .is_some_and(|request| request.by == principal.name)
    {
        return Err(Problem::conflict(
            "who asked for a redaction can't confirm it: somebody else has to, with their own token",
        )
        .with_code("same_person"));
    }
    let decision = RedactionDecision::Confirmed;
    admin
        .decide(site, redaction, row, decision, principal)
        .await
}

/// Calls a redaction off before it is carried out.
///
/// `409 too_late` once its grace period is over, `409 closed` once it is completed.
#[utoipa::path(
    post,
    path = "/admin/redactions/{site}/{redaction}/cancel",
    operation_id = "cancel_redaction",
    tag = "redactions",
    params(("site" = String, Path, description = "The site."), ("redaction" = String, Path, description = "Its id.")),
    extensions(("x-role" = json!(Role::Admin))),
    responses((status = 200, description = "The redaction.", body = Shown), Conflict, NotFound),
)]
async fn cancel(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path((site, redaction)): Path<(String, String)>,
) -> Result<Json<Shown>, Problem> {
    let (principal, row) = admin.find(&headers, Role::Admin, &site, &redaction).await?;
    let is_confirmed = row.confirmed.is_some() || !admin.redaction.confirm;
    let due = row
        .request
        .as_ref()
        .map(|request| admin.redaction.due(request.at));
    let is_due = due.is_some_and(|due| due <= admin.context.clock.micros());
    if row.is_open() && is_due && is_confirmed {
        return Err(Problem::conflict(
            "its grace period is over, and the words are being erased: it can't be undone",
        )
        .with_code("too_late"));
    }
    let decision = RedactionDecision::Cancelled;
    admin
        .decide(site, redaction, row, decision, principal)
        .await
}

impl Admin {
    /// Makes the request of what was asked for.
    async fn request(&self, asked: Asked, principal: &Principal) -> Result<Data, Problem> {
        let mut extra = Extra::new();
        extra.insert("by".to_owned(), principal.name.clone().into());
        let requested_at = Some(Time::from_micros(self.context.clock.micros()));
        let Asked {
            site,
            article,
            comment,
            author,
            scope,
            legal_basis,
        } = asked;
        match (comment, author) {
            (Some(comment), None) => {
                let article = match article {
                    Some(article) => article,
                    None => self.article_of(&site, &comment).await?,
                };
                Ok(Data::CommentErased(CommentErased {
                    site,
                    article,
                    comment,
                    scope,
                    legal_basis,
                    requested_at,
                    redaction: None,
                    extra,
                }))
            }
            (None, Some(author)) => Ok(Data::AuthorErased(AuthorErased {
                site,
                author,
                scope,
                legal_basis,
                requested_at,
                redaction: None,
                extra,
            })),
            _ => Err(
                Problem::bad_request("name either a `comment` or an `author`")
                    .with_field("comment"),
            ),
        }
    }

    async fn article_of(&self, site: &str, comment: &str) -> Result<String, Problem> {
        let (site, comment) = (site.to_owned(), comment.to_owned());
        let threads = self
            .read(move |admin| admin.index.locate(&site, &comment))
            .await?;
        match threads.as_slice() {
            [] => Err(Problem::not_found(
                "this comment is not archived: name its `article` to have it forgotten all the same",
            )),
            [thread] => Ok(thread.clone()),
            _ => Err(Problem::bad_request(
                "a comment with this id is in several articles: name its `article`",
            )
            .with_field("article")),
        }
    }

    async fn decide(
        &self,
        site: String,
        redaction: String,
        row: RedactionRow,
        decision: RedactionDecision,
        principal: Principal,
    ) -> Result<Json<Shown>, Problem> {
        let is_decided = match decision {
            RedactionDecision::Confirmed => row.confirmed.is_some(),
            RedactionDecision::Cancelled => row.cancelled.is_some(),
        };
        if is_decided {
            return Ok(Json(Shown::new(self, site, redaction, row)));
        }
        if !row.is_open() {
            return Err(Problem::conflict("it is completed or was called off").with_code("closed"));
        }
        let decided_at = Time::from_micros(self.context.clock.micros());
        let data = Data::RedactionDecided(RedactionDecided {
            site: site.clone(),
            redaction: redaction.clone(),
            decision,
            by: principal.name.clone(),
            decided_at: decided_at.clone(),
            extra: Extra::new(),
        });
        let mut event = Event::new(unique("rd-", &data, &decided_at), SOURCE, data);
        event.recordedtime = Some(decided_at);
        self.publish(&event).await?;
        let row = self
            .wait_for(&site, &redaction, |row| match decision {
                RedactionDecision::Confirmed => row.confirmed.is_some(),
                RedactionDecision::Cancelled => row.cancelled.is_some(),
            })
            .await?;
        tracing::info!(
            site,
            redaction,
            ?decision,
            by = principal.name,
            "a redaction was decided"
        );
        Ok(Json(Shown::new(self, site, redaction, row)))
    }

    /// Finds a redaction for somebody who has a role for its site.
    async fn find(
        &self,
        headers: &HeaderMap,
        role: Role,
        site: &str,
        redaction: &str,
    ) -> Result<(Principal, RedactionRow), Problem> {
        let principal = self.tokens.require(headers, role)?;
        principal.require_site(site)?;
        let (site, redaction) = (site.to_owned(), redaction.to_owned());
        let row = self
            .read(move |admin| admin.index.redaction(&site, &redaction))
            .await?;
        let row = row.ok_or_else(|| {
            Problem::not_found(
                "there is no redaction with this id: GET /admin/redactions?site= lists them",
            )
        })?;
        Ok((principal, row))
    }

    /// Publishes what comes back to the archive, and is archived there.
    async fn publish(&self, event: &Event) -> Result<(), Problem> {
        let outgoing = vec![Outgoing::new(Exchange::Outcomes, event)];
        let publisher = self.bus.publisher();
        let sent = publisher.publish(outgoing);
        match tokio::time::timeout(PATIENCE, sent).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(later()),
        }
    }

    /// Waits until a redaction is as it is to be.
    async fn wait_for(
        &self,
        site: &str,
        redaction: &str,
        is_there: impl Fn(&RedactionRow) -> bool,
    ) -> Result<RedactionRow, Problem> {
        let until = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < until {
            let (of, id) = (site.to_owned(), redaction.to_owned());
            let row = self
                .read(move |admin| admin.index.redaction(&of, &id))
                .await?;
            if let Some(row) = row.filter(&is_there) {
                return Ok(row);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(later())
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Problem> {
        let admin = self.clone();
        let result = self
            .context
            .tasks
            .spawn_blocking(move || read(&admin))
            .await
            .map_err(|_| Problem::internal())?;
        result.map_err(|error| {
            tracing::error!(reason = chain(&error), "cannot read redactions");
            Problem::internal()
        })
    }
}

/// How long the bus may take to bring back what was published.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);
/// How often it is looked for.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(20);

fn later() -> Problem {
    Problem::unavailable(
        "the bus does not answer at the moment: the request may still be taken; look at \
         GET /admin/redactions before you send it again",
        5,
    )
}

/// Makes an id of what an event says and when.
fn unique(prefix: &str, data: &Data, at: &Time) -> String {
    let said = serde_json::to_string(data).unwrap_or_default();
    ids::derive(prefix, &[&said, at.as_str()])
}
