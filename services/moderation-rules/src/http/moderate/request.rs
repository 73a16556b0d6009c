//! Reading a request for verdicts: comments as `comment.submitted` has them.

use std::time::Duration;

use serde_json::{Map, Value};
use stoa_daemon::Problem;
use stoa_daemon::auth::Principal;
use stoa_proto::{Code, Time, component};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::http::judging::MAX_COMMENTS;
use crate::http::judging::subject::{Reader, STOAS_OWN, SiteLanguages, Subject, wrong};

/// What `POST /v1/moderate` takes: many comments, or a single one.
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it only describes what is read here by hand")]
pub(super) enum ModerateAsks {
    Many(Many),
    One(One),
}

/// Comments to judge.
#[derive(utoipa::ToSchema)]
#[schema(as = ModerateMany)]
#[expect(dead_code, reason = "it only describes what is read here by hand")]
pub(super) struct Many {
    #[schema(min_items = 1, max_items = 100)]
    comments: Vec<ModerateComment>,
    /// The language of those that name none.
    language: Option<String>,
    #[serde(flatten)]
    how: How,
}

/// A comment to judge.
#[derive(utoipa::ToSchema)]
#[schema(as = ModerateSingle)]
#[expect(dead_code, reason = "it only describes what is read here by hand")]
pub(super) struct One {
    #[serde(flatten)]
    comment: ModerateComment,
    #[serde(flatten)]
    how: How,
}

/// How comments are judged.
#[derive(utoipa::ToSchema)]
#[schema(as = ModerateHow)]
#[expect(dead_code, reason = "it only describes what is read here by hand")]
pub(super) struct How {
    /// Milliseconds after which there is an answer; what the configuration says if absent.
    #[schema(minimum = 1, maximum = 10_000)]
    deadline_ms: Option<u64>,
    /// Whether it is decided for good, as if the comments had come as events.
    #[schema(default = false)]
    record: Option<bool>,
}

/// A comment as `comment.submitted` has it; its id may be left out where nothing is recorded.
struct ModerateComment;

impl PartialSchema for ModerateComment {
    fn schema() -> RefOr<Schema> {
        Ref::from_schema_name("ModerateComment").into()
    }
}

impl ToSchema for ModerateComment {}

/// The schemas of events, and that of a comment that is asked about.
pub(super) fn schemas() -> Map<String, Value> {
    let mut schemas = component::schemas();
    let mut comment = schemas.get("Comment").cloned().unwrap_or_default();
    if let Some(Value::Array(required)) = comment.get_mut("required") {
        required.retain(|name| name != "comment");
    }
    if let Some(Value::Object(fields)) = comment.get_mut("properties") {
        fields.retain(|name, _| !STOAS_OWN.contains(&name.as_str()));
    }
    schemas.insert("ModerateComment".to_owned(), comment);
    schemas
}

/// Milliseconds that a request may take.
const MAX_DEADLINE: u64 = 10_000;
/// What is asked for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) comments: Vec<Subject>,
    pub(super) deadline: Option<Duration>,
    pub(super) record: bool,
    /// Whether the body is one comment, and not a list of them.
    pub(super) is_single: bool,
}

/// Reads a request's body.
pub(super) fn read(
    body: &[u8],
    languages: &SiteLanguages,
    principal: &Principal,
    at: &Time,
) -> Result<Asked, Problem> {
    let body: Value = serde_json::from_slice(body).map_err(|error| {
        Problem::bad_request(format!("the body is not JSON: {error}"))
            .with_code(Code::InvalidJson.as_str())
    })?;
    let Value::Object(mut body) = body else {
        return Err(Problem::bad_request(
            "send a comment, or `{\"comments\": [ … ]}`",
        ));
    };
    let deadline = deadline(body.remove("deadline_ms"))?;
    let record = match body.remove("record") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(record)) => record,
        Some(_) => return Err(wrong(Code::InvalidField, "record", "send true or false")),
    };
    let (comments, language, is_single) = match body.remove("comments") {
        Some(Value::Array(comments)) => {
            let language = body.remove("language").filter(|value| !value.is_null());
            if let Some(key) = body.keys().next() {
                let detail = "known beside `comments` are deadline_ms, record and language";
                return Err(wrong(Code::InvalidField, key, detail));
            }
            (comments, language, false)
        }
        Some(_) => {
            let detail = "send a list of comments";
            return Err(wrong(Code::InvalidField, "comments", detail));
        }
        None => (vec![Value::Object(body)], None, true),
    };
    if comments.is_empty() || comments.len() > MAX_COMMENTS {
        let (code, limit) = (Code::InvalidField, format!("1 to {MAX_COMMENTS} comments"));
        let detail = format!(
            "there are {} comments: send {limit} at a time",
            comments.len()
        );
        return Err(wrong(code, "comments", detail).with_limit(limit));
    }
    let reader = Reader {
        languages,
        principal,
        at,
        record,
        language,
    };
    let comments = comments
        .into_iter()
        .enumerate()
        .map(|(index, comment)| {
            let place = (!is_single).then(|| format!("comments[{index}]"));
            reader.subject(comment, place.as_deref())
        })
        .collect::<Result<_, _>>()?;
    Ok(Asked {
        comments,
        deadline,
        record,
        is_single,
    })
}

fn deadline(value: Option<Value>) -> Result<Option<Duration>, Problem> {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    if let Some(millis @ 1..=MAX_DEADLINE) = value.as_u64() {
        return Ok(Some(Duration::from_millis(millis)));
    }
    let detail = "send a whole number of milliseconds from 1 to 10000";
    Err(wrong(Code::InvalidField, "deadline_ms", detail).with_limit("1 to 10000"))
}
