//! A comment to judge that did not come as an event: made to one, and normalised as ingest does it.

use std::collections::{BTreeMap, HashMap};

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use stoa_daemon::auth::Principal;
use stoa_daemon::{ConfigError, Problem};
use stoa_normalise::Languages;
use stoa_proto::codec::{self, Message};
use stoa_proto::{Code, Comment, Data, Event, Kind, Received, Rejection, Time, ids};

use crate::config::ModerateConfig;

/// What a comment without an id is called while it is judged.
const NAMELESS: &str = "stoa:no-id";
/// Where the events of requests come from.
const SOURCE: &str = "stoa://moderation-rules/v1/moderate";
/// What Stoa alone says of a body; and what is asked about is judged, whatever was decided about it elsewhere.
pub(crate) const STOAS_OWN: [&str; 2] = ["normalized", "imported"];

/// The languages to tell apart, by site.
#[derive(Debug)]
pub(crate) struct SiteLanguages {
    default: Languages,
    sites: HashMap<String, Languages>,
}

impl SiteLanguages {
    pub(crate) fn new(config: &ModerateConfig) -> Result<Self, ConfigError> {
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

/// A comment to judge.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) event: Received,
    /// Whether the request gave it an id.
    pub(crate) has_id: bool,
}

impl Subject {
    /// Returns the comment.
    pub(crate) fn comment(&self) -> Option<&Comment> {
        match &self.event.data {
            Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => Some(comment),
            _ => None,
        }
    }
}

pub(crate) fn wrong(code: Code, field: impl Into<String>, detail: impl Into<String>) -> Problem {
    Problem::bad_request(detail)
        .with_code(code.as_str())
        .with_field(field)
}

/// Makes subjects of comments.
pub(crate) struct Reader<'a> {
    pub(crate) languages: &'a SiteLanguages,
    /// Who asks: it must be for the comment's site.
    pub(crate) principal: &'a Principal,
    pub(crate) at: &'a Time,
    pub(crate) record: bool,
    /// Of the comments that name none.
    pub(crate) language: Option<Value>,
}

impl Reader<'_> {
    /// Makes an event of a comment as `comment.submitted` has it, and normalises it as ingest does.
    ///
    /// A problem names the field, with `place` before it.
    pub(crate) fn subject(&self, comment: Value, place: Option<&str>) -> Result<Subject, Problem> {
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
