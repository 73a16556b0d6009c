//! Reading a request for verdicts: comments as `comment.submitted` has them, made to events and
//! normalised as ingest does it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use stoa_daemon::auth::Principal;
use stoa_daemon::{ConfigError, Problem};
use stoa_normalise::Languages;
use stoa_proto::codec::{self, Message};
use stoa_proto::{Code, Comment, Data, Event, Kind, Received, Rejection, Time, component, ids};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::config::ModerateConfig;

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

/// Comments of one request.
pub(super) const MAX_COMMENTS: usize = 100;
/// Milliseconds that a request may take.
const MAX_DEADLINE: u64 = 10_000;
/// What a comment without an id is called while it is judged.
const NAMELESS: &str = "stoa:no-id";
/// Where the events of requests come from.
const SOURCE: &str = "stoa://moderation-rules/v1/moderate";
/// What Stoa alone says of a body; and what is asked about is judged, whatever was decided about it elsewhere.
const STOAS_OWN: [&str; 2] = ["normalized", "imported"];

/// The languages to tell apart, by site.
#[derive(Debug)]
pub(crate) struct SiteLanguages {
    default: Languages,
    sites: HashMap<String, Languages>,
}

impl SiteLanguages {
    pub(super) fn new(config: &ModerateConfig) -> Result<Self, ConfigError> {
        let read = |key: String, codes: &[String]| {
            Languages::new(codes).map_err(|message| ConfigError::invalid(key, message))
        };
        let of_site = |(site, codes): (&String, &Vec<String>)| {
            let key = format!("moderate.site_languages.{site}");
            Ok((site.clone(), read(key, codes)?))
        };
        let sites: &BTreeMap<_, _> = &config.site_languages;
        Ok(Self {
            default: read("moderate.languages".to_owned(), &config.languages)?,
            sites: sites.iter().map(of_site).collect::<Result<_, _>>()?,
        })
    }

    fn of(&self, site: &str) -> &Languages {
        self.sites.get(site).unwrap_or(&self.default)
    }
}

/// What is asked for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) comments: Vec<Subject>,
    pub(super) deadline: Option<Duration>,
    pub(super) record: bool,
    /// Whether the body is one comment, and not a list of them.
    pub(super) is_single: bool,
}

/// A comment to judge.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) event: Received,
    /// Whether the request gave it an id.
    pub(super) has_id: bool,
}

impl Subject {
    /// Returns the comment.
    pub(super) fn comment(&self) -> Option<&Comment> {
        match &self.event.data {
            Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => Some(comment),
            _ => None,
        }
    }
}

fn wrong(code: Code, field: impl Into<String>, detail: impl Into<String>) -> Problem {
    Problem::bad_request(detail)
        .with_code(code.as_str())
        .with_field(field)
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
    let context = Context {
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
            context.subject(comment, place.as_deref())
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

struct Context<'a> {
    languages: &'a SiteLanguages,
    principal: &'a Principal,
    at: &'a Time,
    record: bool,
    /// Of the comments that name none.
    language: Option<Value>,
}

impl Context<'_> {
    fn subject(&self, comment: Value, place: Option<&str>) -> Result<Subject, Problem> {
        let field = |name: &str| match place {
            Some(place) if name.is_empty() => place.to_owned(),
            Some(place) => format!("{place}.{name}"),
            None => name.to_owned(),
        };
        let refused = |rejection: &Rejection| {
            let own = rejection.field.as_deref().unwrap_or_default();
            let own = own.strip_prefix("data").unwrap_or(own);
            let message = rejection.message.replace("data.", "");
            let status = match rejection.code {
                Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                _ => StatusCode::BAD_REQUEST,
            };
            let problem = Problem::new(status, rejection.code.as_str())
                .with_field(field(own.trim_start_matches('.')))
                .with_detail(message);
            match &rejection.limit {
                Some(limit) => problem.with_limit(limit.clone()),
                None => problem,
            }
        };
        let Value::Object(mut data) = comment else {
            return Err(wrong(
                Code::InvalidField,
                field(""),
                "a comment is an object",
            ));
        };
        for own in STOAS_OWN {
            data.remove(own);
        }
        let has_id = data.get("comment").is_some_and(|id| !id.is_null());
        if !has_id {
            if self.record {
                let detail = "a decision that is kept needs the comment's id";
                return Err(wrong(Code::MissingField, field("comment"), detail));
            }
            data.insert("comment".to_owned(), NAMELESS.into());
        }
        if let Some(language) = &self.language
            && data.get("language").is_none_or(Value::is_null)
        {
            data.insert("language".to_owned(), language.clone());
        }
        let mut event = event(&data).map_err(|rejection| refused(&rejection))?;
        let site = event.site();
        self.principal
            .require_site(site)
            .map_err(|problem| problem.with_field(field("site")))?;
        let languages = self.languages.of(site);
        stoa_normalise::event(&mut event, languages).map_err(|rejection| refused(&rejection))?;
        event.recordedtime = Some(self.at.clone());
        Ok(Subject {
            event: event.into(),
            has_id,
        })
    }
}

/// Makes the event that would have brought the comment.
fn event(data: &Map<String, Value>) -> Result<Event, Rejection> {
    let text = |name| data.get(name).and_then(Value::as_str).unwrap_or_default();
    let revision = data.get("revision").and_then(Value::as_u64).unwrap_or(1);
    let revision = u32::try_from(revision).unwrap_or(u32::MAX);
    let kind = if revision > 1 {
        Kind::CommentEdited
    } else {
        Kind::CommentSubmitted
    };
    let id = ids::decision_id(text("site"), text("comment"), revision, SOURCE);
    let event = json!({
        "specversion": "1.0",
        "id": format!("moderate-{id}"),
        "source": SOURCE,
        "type": kind.as_str(),
        "data": data,
    });
    // The way that an event takes into ingest, with everything that is checked there.
    let message = Message {
        content_type: Some(codec::STRUCTURED.to_owned()),
        headers: Vec::new(),
        garbled: Vec::new(),
        body: event.to_string().into(),
    };
    let nothing = || Rejection::field(Code::InvalidField, "data", "there is no comment");
    let decoded = codec::decode(&message).pop().ok_or_else(nothing)?;
    decoded.map_err(|refused| refused.rejection)
}
