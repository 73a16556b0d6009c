//! `PUT /admin/rules`: another rule set, and `POST /admin/rules/rollback`: an earlier one.

use std::collections::BTreeMap;
use std::path::{Component, Path};
use std::sync::Arc;
use stoa_daemon::auth::Role;
use stoa_daemon::openapi::{Conflict, Gone, NotFound, PreconditionFailed, PreconditionRequired};

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{FromRequest as _, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use stoa_daemon::Problem;
use stoa_rules::{Errors, RuleSet};

use super::draft::bytes;
use super::mode::in_shadow;
use super::versions::whole;
use super::{bad_files, broken, editor, refusal, stale};
use crate::http::Admin;
use crate::live::{Expected, Refused};
use crate::versions::{How, Why};

/// Characters of a note.
const MAX_NOTE: usize = 2_000;
/// Files of a request.
const MAX_FILES: usize = 1_000;
/// Bytes of a part of a path, as file systems have it.
const MAX_NAME: usize = 255;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Mode {
    /// Only says what would become live.
    #[serde(default)]
    dry_run: bool,
    /// Puts rules that are new or changed to shadow.
    #[serde(default)]
    shadow: bool,
}

/// A rule set.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RuleSetChange)]
pub(crate) struct Sent {
    /// The text of each file, by its path.
    files: BTreeMap<String, String>,
    #[serde(default)]
    note: Option<String>,
}

/// An earlier version.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RuleSetRollback)]
pub(crate) struct Back {
    to: String,
    #[serde(default)]
    note: Option<String>,
}

/// What a change of the rule set is answered with.
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it only describes the answer")]
enum RuleSetAnswer {
    Live(Box<super::Shown>),
    Tried(Tried),
}

/// What a rule set would be.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RuleSetDryRun)]
struct Tried {
    hash: String,
    rules: usize,
    /// Whether it is live already.
    live: bool,
    /// Files that it does not use: they are no part of it.
    unused: Vec<String>,
}

fn wrong(field: &str, detail: impl Into<String>) -> Problem {
    Problem::bad_request(detail)
        .with_code("invalid_field")
        .with_field(field)
}

pub(super) fn check_note(note: Option<&String>) -> Result<(), Problem> {
    if note.is_some_and(|note| note.chars().count() > MAX_NOTE) {
        let detail = format!("a note has at most {MAX_NOTE} characters");
        return Err(wrong("note", detail).with_limit(MAX_NOTE.to_string()));
    }
    Ok(())
}

/// Refuses what no folder could hold.
pub(super) fn check_paths(files: &BTreeMap<String, String>) -> Result<(), Problem> {
    if files.len() > MAX_FILES {
        let detail = format!("a rule set has at most {MAX_FILES} files");
        return Err(wrong("files", detail).with_limit(MAX_FILES.to_string()));
    }
    for path in files.keys() {
        let plain = !path.is_empty()
            && !path.contains(['\\', '\0'])
            && Path::new(path).components().all(|part| match part {
                Component::Normal(name) => name.len() <= MAX_NAME,
                _ => false,
            })
            && path.split('/').all(|part| !part.is_empty() && part != ".");
        if !plain || path.len() > 1_024 {
            return Err(wrong(
                "files",
                format!("`{path}` is not a path inside a rule set's folder"),
            ));
        }
        let mut parent = Path::new(path).parent();
        while let Some(folder) = parent {
            if folder
                .to_str()
                .is_some_and(|folder| files.contains_key(folder))
            {
                let folder = folder.display();
                return Err(wrong(
                    "files",
                    format!("`{folder}` is both a file and a folder"),
                ));
            }
            parent = folder.parent();
        }
    }
    Ok(())
}

/// Reads `If-Match`: the rule sets of which one is to be live.
fn expected(headers: &HeaderMap) -> Result<Option<Expected>, Problem> {
    let mut hashes = Vec::new();
    let mut is_there = false;
    for value in headers.get_all(header::IF_MATCH) {
        is_there = true;
        let text = value.to_str().unwrap_or_default();
        for tag in text.split(',').map(str::trim) {
            if tag == "*" {
                return Ok(Some(Expected::Any));
            }
            let hash = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            // A weak tag never matches where something is changed (RFC 9110, 13.1.1).
            match hash {
                Some(hash) => hashes.push(hash.to_owned()),
                None if tag.starts_with("W/") => {}
                None => {
                    return Err(Problem::bad_request(
                        "If-Match is not an entity tag: send the ETag of GET /admin/rules with its quotes",
                    )
                    .with_field("if-match"));
                }
            }
        }
    }
    Ok(is_there.then_some(Expected::OneOf(hashes)))
}

pub(super) fn required(headers: &HeaderMap) -> Result<Expected, Problem> {
    expected(headers)?.ok_or_else(|| {
        Problem::new(StatusCode::PRECONDITION_REQUIRED, "precondition_required").with_detail(
            "say which rule set is to be replaced: send `If-Match` with the ETag of GET /admin/rules",
        )
    })
}

/// Refuses early what would be refused after compiling.
pub(super) fn check_live(admin: &Admin, expected: &Expected) -> Result<(), Problem> {
    if expected.matches(admin.rules.live().set.hash()) {
        Ok(())
    } else {
        Err(stale(admin))
    }
}

pub(super) async fn compile(
    admin: &Admin,
    files: BTreeMap<String, Vec<u8>>,
) -> Result<Result<RuleSet, Errors>, Problem> {
    let _compiling = admin.compiling.acquire().await;
    admin
        .blocking(move |admin| {
            Ok(RuleSet::from_sources(&files).and_then(|set| admin.rules.check(set)))
        })
        .await
}

pub(super) async fn activate(
    admin: &Admin,
    set: RuleSet,
    why: Why,
    expected: Expected,
) -> Result<Response, Problem> {
    let rules = Arc::clone(&admin.rules);
    let outcome = admin
        .blocking(move |_| Ok(rules.activate(set, why, Some(&expected))))
        .await?;
    match outcome {
        Ok(_) => admin
            .blocking(Admin::rule_set)
            .await
            .map(IntoResponse::into_response),
        Err(refused) => Ok(refusal(admin, refused)),
    }
}

/// Makes a rule set live, or only tries it.
///
/// The body has 32 MiB and 1000 files at most.
#[utoipa::path(
    put,
    path = "/admin/rules",
    operation_id = "put_rules",
    tag = "rules",
    params(Mode, ("If-Match" = Option<String>, Header, description = "The `ETag` of what was read, or `*`.")),
    request_body = Sent,
    extensions(("x-role" = json!(Role::Editor)), ("x-all-sites" = json!(true))),
    responses(Conflict, (status = 200, description = "The rule set, or with `dry_run` what it would be.", body = RuleSetAnswer), (status = 422, description = "The rule set has errors.", body = super::Broken, content_type = "application/problem+json"), PreconditionFailed, PreconditionRequired),
)]
pub(crate) async fn put(
    State(admin): State<Admin>,
    headers: HeaderMap,
    query: Result<Query<Mode>, QueryRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let principal = editor(&admin, &headers)?;
    let Query(mode) = query?;
    let expected = if mode.dry_run {
        expected(&headers)?.unwrap_or(Expected::Any)
    } else {
        required(&headers)?
    };
    check_live(&admin, &expected)?;
    // A large body is read only from those who may send it.
    let Json(wanted) = Json::<Sent>::from_request(request, &())
        .await
        .map_err(bad_files)?;
    check_note(wanted.note.as_ref())?;
    check_paths(&wanted.files)?;
    let paths: Vec<String> = wanted.files.keys().cloned().collect();
    let mut set = match compile(&admin, bytes(wanted.files)).await? {
        Ok(set) => set,
        Err(errors) => return Ok(broken(&errors)),
    };
    if mode.shadow {
        let files = in_shadow(&admin.rules.live(), &set)?;
        set = match compile(&admin, bytes(files)).await? {
            Ok(set) => set,
            Err(errors) => return Ok(broken(&errors)),
        };
    }
    if mode.dry_run {
        let used = |path: &String| set.sources().any(|(used, _)| used == path);
        let tried = Tried {
            hash: set.hash().to_owned(),
            rules: set.rules().len(),
            live: admin.rules.live().set.hash() == set.hash(),
            unused: paths.into_iter().filter(|path| !used(path)).collect(),
        };
        return Ok(Json(tried).into_response());
    }
    let why = Why {
        how: How::Put,
        by: principal.name,
        note: wanted.note,
    };
    activate(&admin, set, why, expected).await
}

/// Makes an earlier version live again.
#[utoipa::path(
    post,
    path = "/admin/rules/rollback",
    operation_id = "roll_back_rules",
    tag = "rules",
    params(("If-Match" = Option<String>, Header, description = "The `ETag` of what was read, or `*`.")),
    request_body = Back,
    extensions(("x-role" = json!(Role::Editor)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "The rule set.", body = super::Shown), (status = 422, description = "The rule set has errors.", body = super::Broken, content_type = "application/problem+json"), PreconditionFailed, PreconditionRequired, NotFound, Gone),
)]
pub(crate) async fn rollback(
    State(admin): State<Admin>,
    headers: HeaderMap,
    body: Result<Json<Back>, JsonRejection>,
) -> Result<Response, Problem> {
    let principal = editor(&admin, &headers)?;
    let expected = required(&headers)?;
    check_live(&admin, &expected)?;
    let Json(back) = body?;
    check_note(back.note.as_ref())?;
    let to = whole(&back.to);
    let asked = to.clone();
    let found = admin.blocking(move |admin| admin.version(&asked)).await?;
    let files = found.map_err(|missing| missing.problem(&to).with_field("to"))?;
    let set = match compile(&admin, files).await? {
        Ok(set) => set,
        Err(errors) => return Ok(broken(&errors)),
    };
    if set.hash() != to {
        let error = anyhow::anyhow!("the files of {to} were changed on the disk");
        return Ok(refusal(&admin, Refused::Unkept(error)));
    }
    let why = Why {
        how: How::Rollback,
        by: principal.name,
        note: back.note,
    };
    activate(&admin, set, why, expected).await
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn if_match_names_what_is_expected() {
        let one_of = |hashes: &[&str]| {
            let hashes = hashes.iter().map(|hash| (*hash).to_owned()).collect();
            Some(Expected::OneOf(hashes))
        };
        for (values, result) in [
            (vec![], None),
            (vec!["*"], Some(Expected::Any)),
            (vec!["\"sha256:0\""], one_of(&["sha256:0"])),
            (vec!["\"a\", \"b\"", "\"c\""], one_of(&["a", "b", "c"])),
            (vec!["W/\"a\""], one_of(&[])),
        ] {
            let mut headers = HeaderMap::new();
            for value in &values {
                headers.append(header::IF_MATCH, HeaderValue::from_static(value));
            }
            assert_eq!(expected(&headers).unwrap(), result, "{values:?}");
        }
        for value in ["sha256:0", "\"", ""] {
            let mut headers = HeaderMap::new();
            headers.append(header::IF_MATCH, HeaderValue::from_static(value));
            assert!(expected(&headers).is_err(), "{value}");
        }
    }

    #[test]
    fn paths_stay_in_their_folder() {
        let check = |paths: &[&str]| {
            let files = paths.iter().map(|path| ((*path).to_owned(), String::new()));
            check_paths(&files.collect()).is_ok()
        };
        assert!(check(&[
            "stoa.yaml",
            "lists/a.txt",
            "lists/b.txt",
            "lists.txt"
        ]));
        let long = "x".repeat(256);
        for wrong in [
            "",
            "/etc/passwd",
            "../x",
            "a/../x",
            "a//b",
            "a/./b",
            "./a",
            "a/",
            "a\\b",
            "\0",
            &long,
        ] {
            assert!(!check(&["stoa.yaml", wrong]), "{wrong:?}");
        }
        assert!(!check(&["lists", "lists/a.txt"]));
        assert!(!check(&["a", "a/b/c"]));
        let many: Vec<String> = (0..=MAX_FILES).map(|n| format!("{n}.txt")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(!check(&many) && check(&many[1..]));
    }
}
