//! `POST /admin/held`: which events have not been taken in.
//!
//! Nothing here is kept by the events' ids: a comment is known by its revision, a report and an
//! appeal by their own ids, an article and a withdrawal by what ingest recorded last. What is never
//! taken in, such as votes, is not missing either.

use std::collections::HashSet;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use stoa_daemon::Problem;
use stoa_daemon::auth::Role;
use stoa_proto::{Code, Held, Kind, Question, Reference, Rejection, Time};

use super::Admin;
use crate::view::{APPEALS, ARTICLES, COMMENTS, REPORTS, REVISIONS, appeal_id};

/// Bytes of a question: as many events as may be asked about, with the longest ids.
pub(super) const MAX_BODY: usize = 16 * 1024 * 1024;

/// Says which events have not been taken in.
///
/// Asks about 10000 events at most; the body has 16 MiB at most.
#[utoipa::path(
    post,
    path = "/admin/held",
    operation_id = "ask_held",
    tag = "published",
    request_body = Question,
    extensions(("x-role" = json!(Role::Admin)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "Which are missing.", body = Held)),
)]
pub(super) async fn ask(
    State(admin): State<Admin>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Held>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Admin)?;
    principal.require_all_sites()?;
    let body = body.map_err(|error| {
        Problem::new(error.status(), "too_large")
            .with_detail(error.body_text())
            .with_limit(format!("{MAX_BODY} bytes"))
    })?;
    let held = move |admin: &Admin| {
        Ok(match Question::read(&body) {
            Ok(question) => Ok(Looking::new(admin).held(&question)?),
            Err(rejection) => Err(refused(&rejection)),
        })
    };
    admin.blocking(held).await?.map(Json)
}

fn refused(rejection: &Rejection) -> Problem {
    let status = match rejection.code {
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    let problem = Problem::new(status, rejection.code.as_str())
        .with_detail(rejection.message.clone())
        .with_field("events");
    match &rejection.limit {
        Some(limit) => problem.with_limit(limit.clone()),
        None => problem,
    }
}

/// Looks events up, in their order.
struct Looking<'a> {
    admin: &'a Admin,
    /// The comments that are missing so far.
    missing: HashSet<(&'a str, &'a str)>,
}

impl<'a> Looking<'a> {
    fn new(admin: &'a Admin) -> Self {
        Self {
            admin,
            missing: HashSet::new(),
        }
    }

    fn held(mut self, question: &'a Question<'a>) -> anyhow::Result<Held> {
        let mut held = Held {
            asked: question.events.len(),
            missing: Vec::new(),
        };
        for (place, event) in question.events.iter().enumerate() {
            if !self.is_held(event)? {
                held.missing.push(place);
            }
        }
        Ok(held)
    }

    fn is_held(&mut self, event: &'a Reference<'a>) -> anyhow::Result<bool> {
        let view = &self.admin.index.view;
        let site = event.site.as_ref();
        if let Some(comment) = event.comment.as_deref() {
            let row = view.get(&COMMENTS, &(site, comment))?;
            if row.is_some_and(|row| row.erased_seq.is_some()) {
                return Ok(true);
            }
        }
        let recorded = event.time.as_ref().map(Time::micros);
        match (
            event.kind,
            event.thread.as_deref(),
            event.comment.as_deref(),
        ) {
            (
                Kind::ArticlePublished | Kind::ArticleUpdated | Kind::ArticleRemoved,
                Some(article),
                _,
            ) => {
                let row = view.get(&ARTICLES, &(site, article))?;
                Ok(row.is_some_and(|row| row.recorded.is_none() || row.recorded >= recorded))
            }
            (Kind::CommentSubmitted | Kind::CommentEdited, _, Some(comment)) => {
                let is_held = self.is_decided(site, comment, event.revision.unwrap_or(1))?;
                if !is_held {
                    self.missing.insert((site, comment));
                }
                Ok(is_held)
            }
            (Kind::CommentWithdrawn, _, Some(comment)) => {
                let Some(row) = view.get(&COMMENTS, &(site, comment))? else {
                    return Ok(false);
                };
                if row.withdrawn_seq.is_some() || row.revision == 0 {
                    return Ok(row.withdrawn_seq.is_some());
                }
                // A newer revision took it back, or the comment was erased.
                let decided = row.recorded(&self.admin.journal)?;
                Ok(decided.is_none() || decided > recorded)
            }
            (Kind::CommentReported, _, Some(comment)) => {
                let report = event.report.as_deref().unwrap_or_default();
                Ok(view.get(&REPORTS, &(site, comment, report))?.is_some())
            }
            (Kind::DecisionAppealed, _, Some(comment)) => {
                let appeal = event.appeal.as_deref().unwrap_or_default();
                let is_known = view
                    .get(&APPEALS, &appeal_id(site, comment, appeal))?
                    .is_some();
                let row = view.get(&COMMENTS, &(site, comment))?;
                let is_decided = row.is_some_and(|row| row.revision > 0);
                // An appeal against a decision that was never made is not taken in.
                Ok(is_known || !(is_decided || self.missing.contains(&(site, comment))))
            }
            _ => Ok(true),
        }
    }

    fn is_decided(&self, site: &str, comment: &str, revision: u32) -> anyhow::Result<bool> {
        let view = &self.admin.index.view;
        let row = view.get(&COMMENTS, &(site, comment))?;
        match row.map_or(0, |row| row.revision) {
            highest if highest > revision => {
                let key = (site, comment, revision);
                Ok(view.get(&REVISIONS, &key)?.is_some())
            }
            highest => Ok(highest == revision),
        }
    }
}
