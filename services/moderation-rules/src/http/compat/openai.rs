//! `POST /v1/moderations`: as `OpenAI` answers it.
//!
//! Every category has a number, as the shape demands. Which ones are made of something is told by
//! `category_applied_input_types`, which is empty for the others, and by the header `stoa-categories`.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stoa_daemon::Problem;
use stoa_proto::Verdict;

use super::served::Served;
use super::{Compat, Said, late, read, shaped, unknown};
use crate::config::CATEGORIES;
use crate::http::judging::{Judged, MAX_COMMENTS};
use crate::metrics::Protocol;

/// Says which categories are made of something.
const SERVED: HeaderName = HeaderName::from_static("stoa-categories");

/// Texts to judge.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = OpenAiAsks)]
pub(super) struct Asks {
    input: Input,
    /// Accepted, and without effect: the rules judge.
    #[serde(default)]
    #[expect(dead_code, reason = "the rules judge, whatever it names")]
    model: Option<String>,
}

/// A text; up to 100 texts; or the parts of one, which are joined by line breaks.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
#[schema(as = OpenAiInput)]
enum Input {
    One(String),
    Many(Vec<String>),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = OpenAiPart)]
struct Part {
    /// `text`; `image_url` is refused.
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    text: Option<String>,
}

/// What the rules and scorers say about each text.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiAnswer)]
struct Answer {
    id: String,
    /// `stoa/` and the hash of the rule set.
    model: String,
    results: Vec<Judgement>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiJudgement)]
struct Judgement {
    /// Whether a category is true, or the rules would not approve it for whatever reason.
    flagged: bool,
    /// All thirteen; those that nothing serves are false.
    #[schema(value_type = HashMap<String, bool>)]
    categories: Map<String, Value>,
    /// All thirteen; those that nothing serves are 0.
    #[schema(value_type = HashMap<String, f64>)]
    category_scores: Map<String, Value>,
    /// `["text"]` for those that are served, and `[]` for the others.
    #[schema(value_type = HashMap<String, Vec<String>>)]
    category_applied_input_types: Map<String, Value>,
}

/// An error as `OpenAI` has it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiError)]
pub(super) struct Refusal {
    error: RefusalDetail,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiErrorDetail)]
struct RefusalDetail {
    message: String,
    /// `invalid_request_error` or `server_error`.
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<String>,
    code: String,
}

/// Says which categories texts belong to.
///
/// As `OpenAI`'s `/v1/moderations`, for texts alone. Needs a token with the role `publisher` or `moderator`.
#[utoipa::path(
    post,
    path = "/v1/moderations",
    operation_id = "openai_moderations",
    tag = "compat",
    request_body(content = Asks),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "A result for each text.", body = Answer,
            headers(("stoa-categories" = String, description = "The categories that are served, with commas between."))),
        (status = 400, description = "The request can't be understood, or has an image.", body = Refusal),
        (status = 401, description = "A token is missing or not known.", body = Refusal),
        (status = 403, description = "The token's role or sites don't allow it.", body = Refusal),
        (status = 413, description = "The body or a text is too large.", body = Refusal),
        (status = 500, description = "It failed; the cause is in the log.", body = Refusal),
        (status = 503, description = "There was no time to judge, or a score is missing: ask again.", body = Refusal),
    ),
)]
pub(super) async fn moderations(State(compat): State<Compat>, request: Request) -> Response {
    let answer = compat.count(Protocol::OpenAi, compat.moderations(request));
    answer.await.unwrap_or_else(refused)
}

impl Compat {
    async fn moderations(&self, request: Request) -> Result<Response, Problem> {
        let (head, body) = request.into_parts();
        let principal = self.principal(None, &head.headers)?;
        let body = self.judging.read(body).await?;
        let Asks { input, .. } = read(&body)?;
        let texts = input.texts()?;
        let site = self.site(&principal)?;
        let comments = texts.iter().map(|text| {
            let said = Said {
                site: &site,
                role: "reader",
                body: text,
                format: "plain",
                ..Said::default()
            };
            said.comment()
        });
        let (comments, served) = (comments.collect(), &self.settings.categories);
        let (protocol, wanted) = (Protocol::OpenAi, Served::wanted(served.iter()));
        let answers = self.judge(protocol, principal, comments, &wanted).await?;
        let results = answers.into_iter().map(|(_, judged)| {
            let judged = judged.ok_or_else(late)?;
            Judgement::of(served, &judged)
        });
        let results = results.collect::<Result<_, Problem>>()?;
        let live = self.judging.parts.rules.live();
        let answer = Answer {
            id: format!("modr-{:032x}", rand::random::<u128>()),
            model: format!("stoa/{}", live.set.hash()),
            results,
        };
        let names: Vec<&str> = served.iter().map(|served| served.name.as_str()).collect();
        let names = HeaderValue::from_str(&names.join(", "));
        let names = names.unwrap_or_else(|_| HeaderValue::from_static(""));
        Ok(([(SERVED, names)], Json(answer)).into_response())
    }
}

impl Input {
    fn texts(self) -> Result<Vec<String>, Problem> {
        let wrong = |field: String, detail: String| {
            Problem::bad_request(detail)
                .with_code("invalid_field")
                .with_field(field)
        };
        let texts = match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
            Self::Parts(parts) => {
                let mut texts = Vec::with_capacity(parts.len());
                for (index, part) in parts.into_iter().enumerate() {
                    let field = format!("input[{index}]");
                    let text = match (part.kind.as_str(), part.text) {
                        ("text", Some(text)) => text,
                        ("image_url", _) => {
                            let detail =
                                "images are not judged here: send parts of the type text alone";
                            return Err(
                                wrong(field, detail.to_owned()).with_code("unsupported_input")
                            );
                        }
                        _ => {
                            let detail = "a part is {\"type\": \"text\", \"text\": …}";
                            return Err(wrong(field, detail.to_owned()));
                        }
                    };
                    texts.push(text);
                }
                vec![texts.join("\n")]
            }
        };
        if (1..=MAX_COMMENTS).contains(&texts.len()) {
            return Ok(texts);
        }
        let limit = format!("1 to {MAX_COMMENTS} texts");
        let detail = format!("there are {} texts: send {limit} at a time", texts.len());
        Err(wrong("input".to_owned(), detail).with_limit(limit))
    }
}

impl Judgement {
    fn of(served: &[Served], judged: &Judged) -> Result<Self, Problem> {
        let mut judgement = Self {
            flagged: judged.trial.outcome.verdict != Verdict::Approve,
            categories: Map::new(),
            category_scores: Map::new(),
            category_applied_input_types: Map::new(),
        };
        for name in CATEGORIES {
            let found = served.iter().find(|served| served.name == name);
            let (is_true, value, types) = match found {
                Some(served) => {
                    let value = served.value(judged).ok_or_else(|| unknown(name))?;
                    (
                        value > 0.0 && value >= served.threshold,
                        value,
                        vec!["text"],
                    )
                }
                None => (false, 0.0, Vec::new()),
            };
            let key = name.to_owned();
            judgement.flagged |= is_true;
            judgement.categories.insert(key.clone(), is_true.into());
            judgement.category_scores.insert(key.clone(), value.into());
            judgement
                .category_applied_input_types
                .insert(key, types.into());
        }
        Ok(judgement)
    }
}

/// A problem as `OpenAI` tells it.
fn refused(problem: Problem) -> Response {
    let status = problem.status();
    let is_own = status.is_server_error();
    let refusal = Refusal {
        error: RefusalDetail {
            message: problem
                .detail()
                .unwrap_or("it failed; the cause is in the service's log")
                .to_owned(),
            kind: if is_own {
                "server_error"
            } else {
                "invalid_request_error"
            },
            param: problem.field().map(own_name),
            code: if status == StatusCode::UNAUTHORIZED {
                "invalid_api_key".to_owned()
            } else {
                problem.code().to_owned()
            },
        },
    };
    shaped(problem, &refusal)
}

/// What a field of a comment is called in a request.
fn own_name(field: &str) -> String {
    match field.strip_suffix("body") {
        Some(place) => format!("input{}", place.trim_end_matches('.')),
        None => field.to_owned(),
    }
}
