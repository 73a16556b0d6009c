//! `POST /v1alpha1/comments:analyze` and `comments:suggestscore`: as Google's Perspective answered them.
//!
//! Spans are what Perspective's are: UTF-16 code units of the text as it was sent, the end exclusive.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_daemon::Problem;
use stoa_proto::Comment;

use super::served::Served;
use super::{Compat, Said, late, query, read, shaped, unknown};
use crate::http::judging::Judged;
use crate::http::judging::subject::Subject;
use crate::metrics::Protocol;

/// Attributes of one request.
const MAX_ATTRIBUTES: usize = 50;
/// Bytes of a client's token.
const MAX_TOKEN: usize = 4_096;
/// The one type of score that there is.
const PROBABILITY: &str = "PROBABILITY";

/// A text, and what is asked about it. What is not described here is accepted and changes nothing.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PerspectiveAsks)]
pub(super) struct Asks {
    comment: Text,
    /// By name, such as `TOXICITY`; an empty object asks for it as it is.
    #[serde(default, alias = "requested_attributes")]
    requested_attributes: BTreeMap<String, AttributeAsked>,
    /// The text's language; the first one counts. Absent: it is detected.
    #[serde(default)]
    languages: Vec<String>,
    /// Whether each place that a rule found is told.
    #[serde(default, alias = "span_annotations")]
    span_annotations: bool,
    /// Nothing is stored, whatever this says.
    #[serde(default, alias = "do_not_store")]
    #[expect(dead_code, reason = "nothing is stored anyway")]
    do_not_store: Option<bool>,
    /// Comes back as it is.
    #[serde(default, alias = "client_token")]
    client_token: Option<String>,
    #[serde(default, alias = "session_id")]
    #[expect(dead_code, reason = "it says nothing about the text")]
    session_id: Option<String>,
    #[serde(default, alias = "community_id")]
    #[expect(dead_code, reason = "the token says the site")]
    community_id: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = PerspectiveText)]
struct Text {
    text: String,
    /// `PLAIN_TEXT`, which it is if absent.
    #[serde(rename = "type", default)]
    kind: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PerspectiveAttribute)]
struct AttributeAsked {
    /// `PROBABILITY`, which it is if absent.
    #[serde(default, alias = "score_type")]
    score_type: Option<String>,
    /// What is less is left out of the answer.
    #[serde(default, alias = "score_threshold")]
    score_threshold: Option<f64>,
}

/// What the rules and scorers say about a text.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PerspectiveAnswer)]
struct Answer {
    attribute_scores: BTreeMap<String, Scores>,
    /// The language that the rules took it to be in; none where it is not known.
    languages: Vec<String>,
    /// The language that was detected, if the request names none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    detected_languages: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_token: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PerspectiveScores)]
struct Scores {
    span_scores: Vec<SpanScore>,
    summary_score: Score,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PerspectiveSpan)]
struct SpanScore {
    /// In UTF-16 code units of the text.
    begin: usize,
    /// The code unit after the last.
    end: usize,
    score: Score,
}

#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PerspectiveScore)]
struct Score {
    value: f64,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// What `comments:suggestscore` takes; nothing of it is kept. What is not described here is accepted as well.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PerspectiveSuggests)]
pub(super) struct Suggests {
    #[expect(dead_code, reason = "it is read to see that it can be")]
    comment: Text,
    #[serde(default, alias = "client_token")]
    client_token: Option<String>,
}

/// Which suggestion it was.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PerspectiveSuggested)]
struct Suggested {
    #[serde(skip_serializing_if = "Option::is_none")]
    client_token: Option<String>,
}

/// An error as Google's APIs have it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = GoogleError)]
pub(super) struct Refusal {
    error: RefusalDetail,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = GoogleErrorDetail)]
struct RefusalDetail {
    /// The status code.
    code: u16,
    message: String,
    /// `INVALID_ARGUMENT`, `UNAUTHENTICATED`, `PERMISSION_DENIED`, `UNAVAILABLE` or `INTERNAL`.
    status: &'static str,
    #[schema(value_type = Vec<Object>)]
    details: Vec<Value>,
}

/// Says how likely a text is to be each of the attributes that are asked for.
///
/// As Perspective's `comments:analyze`. Needs a token with the role `publisher` or `moderator`, as `key`, as `x-goog-api-key` or in `Authorization`. An attribute that nothing serves is refused with 400.
#[utoipa::path(
    post,
    path = "/v1alpha1/comments:analyze",
    operation_id = "perspective_analyze",
    tag = "compat",
    params(
        ("key" = Option<String>, Query, description = "A token, as `Authorization` would have it."),
        ("x-goog-api-key" = Option<String>, Header, description = "The same."),
    ),
    request_body(content = Asks),
    security((), ("bearer" = [])),
    responses(
        (status = 200, description = "A score for each attribute.", body = Answer),
        (status = 400, description = "The request can't be understood, or asks for what is not served.", body = Refusal),
        (status = 401, description = "A token is missing or not known.", body = Refusal),
        (status = 403, description = "The token's role or sites don't allow it.", body = Refusal),
        (status = 413, description = "The body or the text is too large.", body = Refusal),
        (status = 500, description = "It failed; the cause is in the log.", body = Refusal),
        (status = 503, description = "There was no time to judge, or a score is missing: ask again.", body = Refusal),
    ),
)]
pub(super) async fn analyze(State(compat): State<Compat>, request: Request) -> Response {
    let answer = compat.count(Protocol::Perspective, compat.analyze(request));
    answer.await.unwrap_or_else(refused)
}

/// Takes a suggestion of a score, and keeps nothing of it.
///
/// As Perspective's `comments:suggestscore`: its client token comes back. Rules are changed by people, not by suggestions. Needs a token as `comments:analyze` does.
#[utoipa::path(
    post,
    path = "/v1alpha1/comments:suggestscore",
    operation_id = "perspective_suggest",
    tag = "compat",
    params(
        ("key" = Option<String>, Query, description = "A token, as `Authorization` would have it."),
        ("x-goog-api-key" = Option<String>, Header, description = "The same."),
    ),
    request_body(content = Suggests),
    security((), ("bearer" = [])),
    responses(
        (status = 200, description = "It was read and counted.", body = Suggested),
        (status = 400, description = "The request can't be understood.", body = Refusal),
        (status = 401, description = "A token is missing or not known.", body = Refusal),
        (status = 403, description = "The token's role or sites don't allow it.", body = Refusal),
        (status = 413, description = "The body is too large.", body = Refusal),
        (status = 500, description = "It failed; the cause is in the log.", body = Refusal),
        (status = 503, description = "Too many requests wait: ask again.", body = Refusal),
    ),
)]
pub(super) async fn suggest(State(compat): State<Compat>, request: Request) -> Response {
    let answer = compat.count(Protocol::Perspective, compat.suggest(request));
    answer.await.unwrap_or_else(refused)
}

impl Compat {
    async fn analyze(&self, request: Request) -> Result<Response, Problem> {
        let (head, body) = request.into_parts();
        let key = query(&head, "key").or_else(|| google_key(&head.headers));
        let principal = self.principal(key.as_deref(), &head.headers)?;
        let body = self.judging.read_one(body).await?;
        let asks: Asks = read(&body)?;
        let attributes = self.attributes(&asks)?;
        let site = self.site(&principal)?;
        let said = Said {
            site: &site,
            role: "reader",
            body: &asks.comment.text,
            format: "plain",
            language: asks.languages.first().map(String::as_str),
            ..Said::default()
        };
        let wanted = Served::wanted(attributes.iter().map(|(served, _)| *served));
        let answers = self
            .judge(
                Protocol::Perspective,
                principal,
                vec![said.comment()],
                &wanted,
            )
            .await?;
        let (subject, judged) = answers.into_iter().next().ok_or_else(Problem::internal)?;
        let judged = judged.ok_or_else(late)?;
        let comment = subject.comment().ok_or_else(Problem::internal)?;
        let units = Units::of(comment);
        let mut scores = BTreeMap::new();
        for (served, asked) in attributes {
            let threshold = asked.score_threshold.unwrap_or_default();
            let found = scored(served, &judged, &units, asks.span_annotations, threshold)?;
            scores.extend(found.map(|found| (served.name.clone(), found)));
        }
        Ok(Json(Answer::new(scores, &subject, asks)).into_response())
    }

    async fn suggest(&self, request: Request) -> Result<Response, Problem> {
        let (head, body) = request.into_parts();
        let key = query(&head, "key").or_else(|| google_key(&head.headers));
        self.principal(key.as_deref(), &head.headers)?;
        let body = self.judging.read_one(body).await?;
        let suggests: Suggests = read(&body)?;
        check_token(suggests.client_token.as_deref())?;
        self.metrics.feedback("suggestscore");
        Ok(Json(Suggested {
            client_token: suggests.client_token,
        })
        .into_response())
    }

    /// Finds what serves the attributes that are asked for.
    fn attributes<'a>(
        &'a self,
        asks: &'a Asks,
    ) -> Result<Vec<(&'a Served, &'a AttributeAsked)>, Problem> {
        let wrong = |field: &str, detail: String| {
            Problem::bad_request(detail)
                .with_code("invalid_field")
                .with_field(field)
        };
        check_token(asks.client_token.as_deref())?;
        if !matches!(
            asks.comment.kind.as_deref(),
            None | Some("PLAIN_TEXT" | "TEXT_TYPE_UNSPECIFIED")
        ) {
            let detail = "only PLAIN_TEXT is judged here".to_owned();
            return Err(wrong("comment.type", detail));
        }
        let served = &self.settings.attributes;
        let names: Vec<&str> = served.iter().map(|served| served.name.as_str()).collect();
        let names = names.join(", ");
        let field = "requested_attributes";
        if asks.requested_attributes.is_empty() {
            let detail = format!("no attributes are requested; served here are: {names}");
            return Err(wrong(field, detail));
        }
        if asks.requested_attributes.len() > MAX_ATTRIBUTES {
            let detail = format!("at most {MAX_ATTRIBUTES} attributes may be requested");
            return Err(wrong(field, detail).with_limit(format!("{MAX_ATTRIBUTES} attributes")));
        }
        let find = |(name, asked): (&'a String, &'a AttributeAsked)| {
            let found = served.iter().find(|served| served.name == *name);
            let found = found.ok_or_else(|| {
                // What was sent is not repeated at any length.
                let name: String = name.chars().take(64).collect();
                wrong(
                    field,
                    format!("nothing serves the attribute `{name}`; served here are: {names}"),
                )
            })?;
            if !matches!(
                asked.score_type.as_deref(),
                None | Some("PROBABILITY" | "SCORE_TYPE_UNSPECIFIED")
            ) {
                let detail = "the only type of score is PROBABILITY".to_owned();
                return Err(wrong(field, detail));
            }
            Ok((found, asked))
        };
        asks.requested_attributes.iter().map(find).collect()
    }
}

impl Answer {
    fn new(attribute_scores: BTreeMap<String, Scores>, subject: &Subject, asks: Asks) -> Self {
        let comment = subject.comment();
        let language = comment.and_then(Comment::known_language);
        let languages: Vec<String> = language.into_iter().map(str::to_owned).collect();
        Self {
            attribute_scores,
            detected_languages: if asks.languages.is_empty() {
                languages.clone()
            } else {
                Vec::new()
            },
            languages,
            client_token: asks.client_token,
        }
    }
}

/// Says what an attribute is; nothing where it is below the threshold.
fn scored(
    served: &Served,
    judged: &Judged,
    units: &Units,
    with_spans: bool,
    threshold: f64,
) -> Result<Option<Scores>, Problem> {
    let score = |value| Score {
        value,
        kind: PROBABILITY,
    };
    let value = served.value(judged).ok_or_else(|| unknown(&served.name))?;
    if value < threshold {
        return Ok(None);
    }
    let mut span_scores = Vec::new();
    if with_spans && served.hit() >= threshold {
        let places = served.spans(judged).into_iter();
        let places = places.filter_map(|(start, end)| units.range(start, end));
        span_scores.extend(places.map(|(begin, end)| SpanScore {
            begin,
            end,
            score: score(served.hit()),
        }));
    }
    if span_scores.is_empty() {
        span_scores.push(SpanScore {
            begin: 0,
            end: units.whole,
            score: score(value),
        });
    }
    Ok(Some(Scores {
        span_scores,
        summary_score: score(value),
    }))
}

/// From code points of a comment's plain text to UTF-16 code units of the text as it was sent.
struct Units {
    /// Where each code point begins, and where the text ends; none if what was judged is not letter for letter what
    /// was sent, so that places in it are places in another text.
    starts: Option<Vec<usize>>,
    whole: usize,
}

impl Units {
    fn of(comment: &Comment) -> Self {
        let whole = comment.body.encode_utf16().count();
        let starts = (comment.text() == comment.body).then(|| {
            let mut at = 0;
            let starts = comment.body.chars().map(|sign| {
                at += sign.len_utf16();
                at
            });
            std::iter::once(0).chain(starts).collect()
        });
        Self { starts, whole }
    }

    fn range(&self, start: u32, end: u32) -> Option<(usize, usize)> {
        let starts = self.starts.as_ref()?;
        let at = |place: u32| starts.get(usize::try_from(place).ok()?).copied();
        Some((at(start)?, at(end)?))
    }
}

fn google_key(headers: &HeaderMap) -> Option<String> {
    let key = headers.get("x-goog-api-key")?;
    key.to_str().ok().map(str::to_owned)
}

fn check_token(token: Option<&str>) -> Result<(), Problem> {
    if token.is_none_or(|token| token.len() <= MAX_TOKEN) {
        return Ok(());
    }
    let detail = format!("a client token may have {MAX_TOKEN} bytes");
    Err(Problem::bad_request(detail)
        .with_code("too_large")
        .with_field("client_token")
        .with_limit(format!("{MAX_TOKEN} bytes")))
}

/// What a field of a comment is called in a request.
fn own_name(field: &str) -> &str {
    match field {
        "body" => "comment.text",
        "language" => "languages",
        other => other,
    }
}

/// A problem as Google's APIs tell it.
fn refused(problem: Problem) -> Response {
    let code = problem.status();
    let is_empty = code == StatusCode::BAD_REQUEST && problem.field() == Some("body");
    let message = match problem.detail() {
        _ if is_empty => "Comment must be non-empty.",
        Some(detail) => detail,
        None => "it failed; the cause is in the service's log",
    };
    let details = match problem.field() {
        _ if is_empty => vec![json!({
            "@type": "type.googleapis.com/google.commentanalyzer.v1alpha1.Error",
            "errorType": "COMMENT_EMPTY",
        })],
        Some(field) => vec![json!({
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": own_name(field), "description": message}],
        })],
        None => Vec::new(),
    };
    let refusal = Refusal {
        error: RefusalDetail {
            code: code.as_u16(),
            message: message.to_owned(),
            status: match code {
                StatusCode::UNAUTHORIZED => "UNAUTHENTICATED",
                StatusCode::FORBIDDEN => "PERMISSION_DENIED",
                StatusCode::SERVICE_UNAVAILABLE => "UNAVAILABLE",
                StatusCode::INTERNAL_SERVER_ERROR => "INTERNAL",
                _ => "INVALID_ARGUMENT",
            },
            details,
        },
    };
    shaped(problem, &refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_as_javascript_counts_them() {
        let comment = Comment {
            body: "e\u{301} 👩‍👧 you idiot".to_owned(),
            ..Comment::default()
        };
        let units = Units::of(&comment);
        let start = u32::try_from(comment.body.chars().count() - 5).unwrap();
        let (begin, end) = units.range(start, start + 5).unwrap();
        let all: Vec<u16> = comment.body.encode_utf16().collect();
        assert_eq!(String::from_utf16(&all[begin..end]).unwrap(), "idiot");
        assert_eq!((begin, end, units.whole), (13, 18, 18));
        assert_eq!(units.range(start, start + 6), None);
    }

    #[test]
    fn what_was_judged_in_other_letters_has_no_places() {
        let comment = Comment {
            body: "e\u{301}".to_owned(),
            normalized: Some(stoa_proto::Normalized {
                text: Some("é".to_owned()),
                ..stoa_proto::Normalized::default()
            }),
            ..Comment::default()
        };
        let units = Units::of(&comment);
        assert_eq!((units.range(0, 1), units.whole), (None, 2));
    }
}
