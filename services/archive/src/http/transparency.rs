//! The transparency log, as `c2sp.org/tlog-tiles` has it, and proofs that a reader need not make.
//!
//! Checkpoints and tiles hold no word and no id; how many records there are and when each was made
//! shows. They are for anyone where `transparency.public` says so, otherwise for tokens.

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use stoa_daemon::Problem;
use stoa_daemon::auth::Role;
use stoa_daemon::openapi::{NotFound, Unauthorized};
use stoa_tlog::Tile;

use super::{Public, nothing};
use crate::engine::chain;
use crate::read::Audience;
use crate::transparency::{Error, Log};

const TEXT: &str = "text/plain; charset=utf-8";
const BINARY: &str = "application/octet-stream";
/// What never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";
const BRIEFLY: &str = "no-cache";

/// The latest checkpoint of the transparency log, signed: a c2sp.org/tlog-checkpoint.
///
/// Any token will do; none is needed where `transparency.public` is set.
#[utoipa::path(
    get,
    path = "/checkpoint",
    operation_id = "get_checkpoint",
    tag = "transparency",
    security((), ("bearer" = [])),
    responses((status = 200, description = "The note.", body = String), NotFound, Unauthorized),
)]
pub(super) async fn checkpoint(
    State(public): State<Public>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let log = log(&public, &headers)?;
    let signed = log.signed().ok_or_else(nothing_signed)?;
    Ok(answer(TEXT, BRIEFLY, signed.note))
}

/// A tile of the transparency log: c2sp.org/tlog-tiles.
///
/// It never changes. Any token will do; none is needed where `transparency.public` is set.
#[utoipa::path(
    get,
    path = "/tile/{*path}",
    operation_id = "get_tile",
    tag = "transparency",
    params(("path" = String, Path, description = "Level and number, as `0/x001/234` or `0/x001/234.p/5`.")),
    security((), ("bearer" = [])),
    responses((status = 200, description = "Hashes of 32 bytes.", body = Vec<u8>), NotFound, Unauthorized),
)]
pub(super) async fn tile(
    State(public): State<Public>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let log = log(&public, &headers)?;
    let tile = Tile::parse(&path).ok_or_else(no_tile)?;
    let bytes = blocking(&public, move || log.tile(tile)).await?;
    Ok(answer(BINARY, FOREVER, bytes.ok_or_else(no_tile)?))
}

/// The key that verifies checkpoints, as c2sp.org/signed-note has it.
///
/// Any token will do; none is needed where `transparency.public` is set.
#[utoipa::path(
    get,
    path = "/v1/log/key",
    operation_id = "get_log_key",
    tag = "transparency",
    security((), ("bearer" = [])),
    responses((status = 200, description = "The key.", body = String), NotFound, Unauthorized),
)]
pub(super) async fn key(
    State(public): State<Public>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let key = log(&public, &headers)?.verifier();
    Ok(answer(TEXT, BRIEFLY, format!("{key}\n")))
}

/// Which older checkpoint is meant.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Since {
    /// How many records it has.
    old: u64,
}

/// A proof that the latest checkpoint holds all that an older one held.
///
/// Any token will do; none is needed where `transparency.public` is set.
#[utoipa::path(
    get,
    path = "/v1/log/consistency",
    operation_id = "get_log_consistency",
    tag = "transparency",
    params(Since),
    security((), ("bearer" = [])),
    responses((status = 200, description = "The proof, as text.", body = String), NotFound, Unauthorized),
)]
pub(super) async fn consistency(
    State(public): State<Public>,
    since: Result<Query<Since>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let log = log(&public, &headers)?;
    let Query(Since { old }) = since?;
    let proof = blocking(&public, move || log.consistency(old)).await?;
    let proof = proof.ok_or_else(|| {
        Problem::bad_request("the latest checkpoint has fewer records").with_field("old")
    })?;
    Ok(answer(TEXT, BRIEFLY, proof.to_string()))
}

/// A proof that the log has the latest revision of a comment: a c2sp.org/tlog-proof with its record.
#[utoipa::path(
    get,
    path = "/v1/sites/{site}/comments/{comment}/proof",
    operation_id = "get_comment_proof",
    tag = "transparency",
    params(("site" = String, Path, description = "The site."), ("comment" = String, Path, description = "The comment.")),
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "The proof.", body = String), NotFound),
)]
pub(super) async fn proof(
    State(public): State<Public>,
    Path((site, comment)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // The record is the whole event, with more of its author than readers are shown.
    if public.access.site(&headers, &site)? != Audience::Reviewer {
        return Err(Problem::forbidden(
            "a proof has the whole record: it needs a token with the role viewer",
        ));
    }
    let log = public.log.clone().ok_or_else(no_log)?;
    let found = public
        .read("comment", move |reader| {
            reader.find(&site, &comment, Audience::Reviewer)
        })
        .await?;
    let content = found.and_then(|(_, row)| row.content).ok_or_else(nothing)?;
    let proof = blocking(&public, move || log.prove(content.place)).await?;
    Ok(answer(
        TEXT,
        BRIEFLY,
        proof.ok_or_else(nothing_signed)?.to_string(),
    ))
}

fn log(public: &Public, headers: &HeaderMap) -> Result<std::sync::Arc<Log>, Problem> {
    if !public.is_log_open {
        public.access.anyone_known(headers)?;
    }
    public.log.clone().ok_or_else(no_log)
}

async fn blocking<T: Send + 'static>(
    public: &Public,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Problem> {
    let done = public.context.tasks.spawn_blocking(work).await;
    match done {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            tracing::error!(reason = chain(&error), "cannot read the transparency log");
            Err(Problem::internal())
        }
        Err(error) => {
            tracing::error!(%error, "cannot read the transparency log");
            Err(Problem::internal())
        }
    }
}

fn answer(kind: &'static str, cache: &'static str, body: impl Into<axum::body::Body>) -> Response {
    let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, cache)];
    (headers, body.into()).into_response()
}

fn no_log() -> Problem {
    Problem::not_found("this archive keeps no transparency log: transparency.enabled is false")
}

fn nothing_signed() -> Problem {
    Problem::not_found("no checkpoint has this yet: try again in some seconds")
}

fn no_tile() -> Problem {
    Problem::not_found("the latest checkpoint has no such tile")
}
