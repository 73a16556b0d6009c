//! The texts of statements: `GET` and `PUT /admin/texts`, their versions, and what an author would
//! read.

use std::collections::BTreeMap;
use stoa_daemon::openapi::{
    NotFound, OpenApiRouter, PreconditionFailed, PreconditionRequired, routes,
};

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use stoa_daemon::Problem;
use stoa_daemon::auth::{Principal, Role};
use stoa_proto::{Comment, Data, Statement};

use super::case::check_reason;
use super::{Admin, stopped, time, wrong};
use crate::engine::texts::{Stale, Texting};
use crate::record::{Change, Stored};
use crate::statement::texts::{self, Edited, Key, OF_REASONS, Texts, Written};
use crate::statement::{ReviewReason, Statements, Subject, Tongue};
use crate::view::{AUTHORS, CASES, COMMENTS, TEXTS};

/// Characters of a note.
const MAX_NOTE: usize = 2_000;
/// Versions of a list.
const MAX_VERSIONS: usize = 500;
/// What stands for the decision in a preview.
const NO_DECISION: &str = "";

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::default()
        .routes(routes!(live, put))
        .routes(routes!(preview))
        .routes(routes!(rollback))
        .routes(routes!(versions))
        .routes(routes!(version))
}

/// The texts that are live.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Texts)]
struct Live {
    version: u64,
    languages: Vec<&'static str>,
    /// What can stand in each text.
    placeholders: BTreeMap<String, &'static [&'static str]>,
    /// What is said unless an editor says it otherwise.
    #[schema(value_type = std::collections::BTreeMap<String, std::collections::BTreeMap<String, String>>)]
    defaults: Edited,
    /// What editors say otherwise.
    #[schema(value_type = std::collections::BTreeMap<String, std::collections::BTreeMap<String, String>>)]
    texts: Edited,
}

/// A version of the texts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TextsVersion)]
struct Version {
    #[serde(rename = "version")]
    number: u64,
    at: Option<String>,
    by: String,
    /// The earlier version that was taken again.
    #[serde(skip_serializing_if = "Option::is_none")]
    restores: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, std::collections::BTreeMap<String, String>>>)]
    texts: Option<Edited>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TextsVersions)]
struct Listing {
    versions: Vec<Version>,
}

impl Admin {
    fn live_texts(&self) -> Response {
        let live = self.statements.texts();
        let mut defaults = Edited::new();
        let mut placeholders = BTreeMap::new();
        for key in Key::ALL {
            placeholders.insert(key.as_str().to_owned(), key.placeholders());
            let texts = Tongue::ALL.map(|tongue| {
                let text = self.statements.default_text(key, tongue);
                (tongue.as_str().to_owned(), text)
            });
            defaults.insert(key.as_str().to_owned(), texts.into());
        }
        for reason in &self.review.reasons {
            let key = format!("reason.{}", reason.code);
            placeholders.insert(key.clone(), OF_REASONS);
            defaults.entry(key).or_insert_with(|| reason.text.clone());
        }
        let tag = format!("\"{}\"", live.version);
        let live = Live {
            version: live.version,
            languages: Tongue::ALL.map(Tongue::as_str).to_vec(),
            placeholders,
            defaults,
            texts: live.edited.clone(),
        };
        ([(header::ETAG, tag)], Json(live)).into_response()
    }

    fn written(&self, version: u64) -> anyhow::Result<Option<Version>> {
        let Some(seq) = self.index.view.get(&TEXTS, &version)? else {
            return Ok(None);
        };
        let Some(stored) = self.stored(seq)? else {
            return Ok(None);
        };
        let Some(Written { texts, note }) = stored.texts() else {
            return Ok(None);
        };
        let Change::Texted(texted) = stored.change else {
            return Ok(None);
        };
        Ok(Some(Version {
            number: version,
            at: time(texted.at),
            by: texted.by,
            restores: texted.restores,
            note,
            texts: Some(texts),
        }))
    }

    /// Says which role changes texts, and that they are those of all sites.
    fn text_editor(&self, headers: &HeaderMap) -> Result<Principal, Problem> {
        let principal = self.tokens.require(headers, Role::Editor)?;
        principal.require_all_sites()?;
        Ok(principal)
    }

    async fn write_texts(&self, texting: Texting) -> Result<Response, Problem> {
        texts::check(&texting.texts, &self.review.reasons).map_err(|wrong| {
            let problem = self::wrong(&wrong.field, &wrong.detail);
            match wrong.limit {
                Some(limit) => problem.with_limit(limit),
                None => problem,
            }
        })?;
        let outcome = self.engine.texts(texting).await.map_err(|_| stopped())?;
        outcome.map_err(|Stale(version)| {
            let detail = format!(
                "somebody else has changed the texts: read version {version}, and send yours again with its ETag"
            );
            Problem::new(StatusCode::PRECONDITION_FAILED, "precondition_failed").with_detail(detail)
        })?;
        Ok(self.live_texts())
    }
}

/// Reads `If-Match`: the versions of which one is to be live; none if any will do.
fn seen(headers: &HeaderMap) -> Result<Option<Vec<u64>>, Problem> {
    let mut values = headers.get_all(header::IF_MATCH).iter().peekable();
    if values.peek().is_none() {
        let status = StatusCode::PRECONDITION_REQUIRED;
        return Err(Problem::new(status, "precondition_required").with_detail(
            "say which texts are to be replaced: send `If-Match` with the ETag of GET /admin/texts",
        ));
    }
    let mut versions = Vec::new();
    for value in values {
        for tag in value.to_str().unwrap_or_default().split(',').map(str::trim) {
            if tag == "*" {
                return Ok(None);
            }
            let version = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            versions.extend(version.and_then(|version| version.parse::<u64>().ok()));
        }
    }
    Ok(Some(versions))
}

fn check_note(note: Option<&String>) -> Result<(), Problem> {
    if note.is_some_and(|note| note.chars().count() > MAX_NOTE) {
        let detail = format!("a note has at most {MAX_NOTE} characters: shorten it");
        return Err(wrong("note", detail).with_limit(format!("{MAX_NOTE} characters")));
    }
    Ok(())
}

/// The texts of statements that are live, and what may stand in them.
#[utoipa::path(
    get,
    path = "/admin/texts",
    operation_id = "get_texts",
    tag = "texts",
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "The texts.", body = Live, headers(("ETag" = String, description = "Their version.")))),
)]
async fn live(State(admin): State<Admin>, headers: HeaderMap) -> Result<Response, Problem> {
    admin.tokens.require(&headers, Role::Viewer)?;
    Ok(admin.live_texts())
}

/// Other texts.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TextsChange)]
struct Sent {
    #[schema(value_type = std::collections::BTreeMap<String, std::collections::BTreeMap<String, String>>)]
    texts: Edited,
    #[serde(default)]
    note: Option<String>,
}

/// Makes other texts live; what is left out is said as by default.
#[utoipa::path(
    put,
    path = "/admin/texts",
    operation_id = "put_texts",
    tag = "texts",
    params(("If-Match" = Option<String>, Header, description = "The `ETag` of what was read, or `*`.")),
    request_body = Sent,
    extensions(("x-role" = json!(Role::Editor)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "The texts.", body = Live), PreconditionFailed, PreconditionRequired),
)]
async fn put(
    State(admin): State<Admin>,
    headers: HeaderMap,
    body: Result<Json<Sent>, JsonRejection>,
) -> Result<Response, Problem> {
    let principal = admin.text_editor(&headers)?;
    let Json(Sent { texts, note }) = body?;
    let seen = seen(&headers)?;
    check_note(note.as_ref())?;
    let texting = Texting {
        texts,
        note,
        by: principal.name,
        restores: None,
        seen,
    };
    admin.write_texts(texting).await
}

/// An earlier version.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TextsRollback)]
struct Back {
    to: u64,
    #[serde(default)]
    note: Option<String>,
}

/// Makes the texts of an earlier version live; 0 are the defaults.
#[utoipa::path(
    post,
    path = "/admin/texts/rollback",
    operation_id = "roll_back_texts",
    tag = "texts",
    params(("If-Match" = Option<String>, Header, description = "The `ETag` of what was read, or `*`.")),
    request_body = Back,
    extensions(("x-role" = json!(Role::Editor)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "The texts.", body = Live), PreconditionFailed, PreconditionRequired),
)]
async fn rollback(
    State(admin): State<Admin>,
    headers: HeaderMap,
    body: Result<Json<Back>, JsonRejection>,
) -> Result<Response, Problem> {
    let principal = admin.text_editor(&headers)?;
    let Json(Back { to, note }) = body?;
    let seen = seen(&headers)?;
    check_note(note.as_ref())?;
    let texts = if to == 0 {
        Edited::new()
    } else {
        let found = admin.blocking(move |admin| admin.written(to)).await?;
        let found = found.and_then(|version| version.texts);
        found.ok_or_else(|| wrong("to", format!("there is no version {to} of the texts")))?
    };
    let texting = Texting {
        texts,
        note,
        by: principal.name,
        restores: Some(to),
        seen,
    };
    admin.write_texts(texting).await
}

/// Lists the versions of the texts, newest first, up to 500.
#[utoipa::path(
    get,
    path = "/admin/texts/versions",
    operation_id = "list_texts_versions",
    tag = "texts",
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "The versions.", body = Listing)),
)]
async fn versions(
    State(admin): State<Admin>,
    headers: HeaderMap,
) -> Result<Json<Listing>, Problem> {
    admin.tokens.require(&headers, Role::Viewer)?;
    admin
        .blocking(|admin| {
            let mut versions = Vec::new();
            for entry in admin.index.view.scan(&TEXTS, ()).rev().take(MAX_VERSIONS) {
                let (version, _) = entry?;
                let written = admin.written(version)?;
                versions.extend(written.map(|written| Version {
                    texts: None,
                    ..written
                }));
            }
            Ok(Listing { versions })
        })
        .await
        .map(Json)
}

/// One version of the texts.
#[utoipa::path(
    get,
    path = "/admin/texts/versions/{version}",
    operation_id = "get_texts_version",
    tag = "texts",
    params(("version" = u64, Path, description = "Its number.")),
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "The version.", body = Version), NotFound),
)]
async fn version(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(version): Path<u64>,
) -> Result<Json<Version>, Problem> {
    admin.tokens.require(&headers, Role::Viewer)?;
    let found = admin.blocking(move |admin| admin.written(version)).await?;
    found
        .map(Json)
        .ok_or_else(|| Problem::not_found(format!("there is no version {version} of the texts")))
}

/// What an author would be told.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StatementPreviewRequest)]
struct Previewing {
    /// The case whose comment is rejected; without one the ids stand for themselves.
    #[serde(default)]
    case: Option<String>,
    /// The rule that decides.
    #[serde(default)]
    rule: Option<String>,
    /// The reason for which a moderator rejects.
    #[serde(default)]
    reason: Option<ReviewReason>,
    /// The language; absent: that which the author would be told in.
    #[serde(default)]
    language: Option<String>,
    /// Texts that are not live.
    #[serde(default)]
    #[schema(value_type = Option<std::collections::BTreeMap<String, std::collections::BTreeMap<String, String>>>)]
    texts: Option<Edited>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = StatementPreview)]
struct Preview {
    statement: Statement,
}

/// What an author would be told.
#[utoipa::path(
    post,
    path = "/admin/texts/preview",
    operation_id = "preview_statement",
    tag = "texts",
    request_body = Previewing,
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "The statement.", body = Preview), NotFound),
)]
async fn preview(
    State(admin): State<Admin>,
    headers: HeaderMap,
    body: Result<Json<Previewing>, JsonRejection>,
) -> Result<Json<Preview>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Viewer)?;
    let Json(asked) = body?;
    if let Some(reason) = &asked.reason {
        check_reason(reason)?;
    }
    if asked.rule.is_some() && asked.reason.is_some() {
        return Err(wrong("rule", "name one of `rule` and `reason`, or neither"));
    }
    if let Some(language) = &asked.language
        && Tongue::of(language).is_none()
    {
        let detail = format!("there are no texts in `{language}`: use en, fr, de or ru");
        return Err(wrong("language", detail));
    }
    if let Some(edited) = &asked.texts {
        texts::check(edited, &admin.review.reasons)
            .map_err(|wrong| self::wrong(&wrong.field, &wrong.detail))?;
    }
    if let Some(case) = &asked.case {
        admin.find_case(&principal, case).await?;
    }
    let live = admin.rules.live();
    let rule = asked.rule.as_ref();
    let rule = rule.map(|id| {
        let found = live.set.rules().find(|rule| rule.id == *id);
        found.ok_or_else(|| wrong("rule", format!("the live rule set has no rule `{id}`")))
    });
    let rule = rule.transpose()?.cloned();
    admin
        .blocking(move |admin| {
            let statement = admin.would_tell(asked, rule.as_deref())?;
            Ok(Preview { statement })
        })
        .await
        .map(Json)
}

impl Admin {
    fn would_tell(
        &self,
        asked: Previewing,
        rule: Option<&stoa_rules::RuleInfo>,
    ) -> anyhow::Result<Statement> {
        let (mut comment, author, earlier) = match &asked.case {
            Some(case) => self.previewed(case)?,
            None => (Comment::default(), None, None),
        };
        if asked.language.is_some() {
            comment.language = asked.language;
        }
        let drafts = asked.texts.map(|edited| {
            let texts = Texts { version: 0, edited };
            self.statements.with_texts(texts)
        });
        let statements: &Statements = drafts.as_ref().unwrap_or(&self.statements);
        let subject = Subject {
            comment: &comment,
            author,
            decision: NO_DECISION,
            at: self.context.clock.micros(),
            appealable: false,
            is_reported: false,
        };
        Ok(match &asked.reason {
            Some(reason) => {
                let listed = self.review.reason(&comment.site, &reason.code);
                statements.by_moderator(&subject, reason, listed, earlier.as_ref())
            }
            None => statements.by_rule(&subject, rule, rule.and_then(|rule| rule.reason.as_ref())),
        })
    }

    /// Reads a case's comment, the language of its author, and the statement of the rules' decision.
    fn previewed(
        &self,
        case: &String,
    ) -> anyhow::Result<(Comment, Option<Tongue>, Option<Statement>)> {
        let view = &self.index.view;
        let Some(case) = view.get(&CASES, case)? else {
            return Ok((Comment::default(), None, None));
        };
        let author = view.get(&AUTHORS, &(case.site.clone(), case.author.clone()))?;
        let author = author.and_then(|author| author.language);
        let row = view.get(&COMMENTS, &(case.site.clone(), case.comment.clone()))?;
        let is_erased = row.as_ref().is_some_and(|row| row.erased_seq.is_some());
        let decided = self.stored(case.decided_seq)?.filter(|_| !is_erased);
        let comment = decided.as_ref().and_then(Stored::submission);
        let comment = comment.and_then(|event| match event.data {
            Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => Some(comment),
            _ => None,
        });
        let again = row.and_then(|row| row.rejudged_seq);
        let again = again.map(|seq| self.stored(seq)).transpose()?.flatten();
        let decision = again.or(decided).and_then(|stored| stored.decision());
        let comment = comment.unwrap_or_else(|| Comment {
            site: case.site,
            article: case.article,
            comment: case.comment,
            ..Comment::default()
        });
        Ok((
            comment,
            author,
            decision.and_then(|decision| decision.statement),
        ))
    }
}
