//! `POST /v1/compat/coral`: an external moderation phase of Coral.
//!
//! Coral publishes a comment whose phase fails or does not answer, so whatever is signed is answered: what can't be
//! judged goes into Coral's queue (`PREMOD`).

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use stoa_daemon::Problem;
use stoa_daemon::auth::signature::Secrets;
use stoa_daemon::auth::{Principal, Role, Sites};
use stoa_daemon::openapi::{BadRequest, Unauthorized};
use stoa_proto::Verdict;
use stoa_rules::{Ground, RuleInfo};

use super::{Compat, Said, read};
use crate::config::{CoralConfig, CoralFormat, CoralReason, CoralTag};
use crate::http::judging::{Judged, Wanted};
use crate::metrics::Protocol;

/// The header with the signatures.
const SIGNATURE: &str = "x-coral-signature";
/// Characters of an explanation.
const MAX_EXPLANATION: usize = 500;

/// A site of Coral.
#[derive(Debug)]
pub(super) struct Coral {
    site: String,
    secrets: Secrets,
    format: CoralFormat,
    reasons: BTreeMap<String, CoralReason>,
    tags: BTreeMap<String, CoralTag>,
}

/// A comment as a phase sends it.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = CoralAsks)]
pub(super) struct Asks {
    /// Both are judged alike: the words as they are now.
    #[expect(dead_code, reason = "an edit is judged as a new comment is")]
    action: Action,
    comment: Body,
    author: Author,
    story: Story,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = CoralAction)]
enum Action {
    New,
    Edit,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = CoralComment)]
struct Body {
    /// In the format of the phase, which the configuration names as well.
    body: String,
    #[serde(rename = "parentID", default)]
    parent: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = CoralAuthor)]
struct Author {
    id: String,
    /// `STAFF`, `MODERATOR`, `ADMIN`; all others are readers.
    #[serde(default)]
    role: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = CoralStory)]
struct Story {
    id: String,
}

/// What is thought of a comment; what is absent changes nothing.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CoralAnswer)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<Flag>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<CoralTag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    moderation_action: Option<ModerationAction>,
}

#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = CoralStatus)]
enum Status {
    Premod,
    Rejected,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CoralFlag)]
struct Flag {
    action_type: FlagAction,
    reason: FlagReason,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = CoralFlagAction)]
enum FlagAction {
    Flag,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = CoralFlagReason)]
enum FlagReason {
    CommentDetectedToxic,
    CommentDetectedSpam,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CoralModerationAction)]
struct ModerationAction {
    status: Status,
    rejection_reason: RejectionReason,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CoralRejectionReason)]
struct RejectionReason {
    code: CoralReason,
    /// The clause or law, where the code is `ILLEGAL_CONTENT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    legal_grounds: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detailed_explanation: Option<String>,
}

/// Judges a comment for Coral.
///
/// The body is signed with a secret of `compat.coral`, which also says the site. Whatever is signed and can't be judged is answered `PREMOD`: Coral publishes what its phases fail on.
#[utoipa::path(
    post,
    path = "/v1/compat/coral",
    operation_id = "coral_moderate",
    tag = "compat",
    params(("x-coral-signature" = String, Header, description = "`sha256=<hex>` of the body, or several of them with commas between.")),
    request_body(content = Asks),
    responses(
        (status = 200, description = "The comment is held or rejected, or gets a tag.", body = Answer),
        (status = 204, description = "No opinion: it may be published."),
        BadRequest,
        Unauthorized,
    ),
)]
pub(super) async fn moderate(State(compat): State<Compat>, request: Request) -> Response {
    let answer = compat.count(Protocol::Coral, compat.coral(request));
    match answer.await {
        Ok(response) => response,
        // Nothing is told by it, and nothing is published because of it.
        Err(problem) if problem.status().is_server_error() => held(),
        Err(problem) => problem.into_response(),
    }
}

impl Coral {
    pub(super) fn all(configs: &[CoralConfig]) -> anyhow::Result<Vec<Self>> {
        let all = configs.iter().enumerate();
        all.map(|(index, config)| {
            let key = format!("compat.coral[{index}].secrets");
            Ok(Self {
                site: config.site.clone(),
                secrets: Secrets::new(&config.secrets, &key)?,
                format: config.format,
                reasons: config.reasons.clone(),
                tags: config.tags.clone(),
            })
        })
        .collect()
    }

    fn answer(&self, judged: &Judged) -> Answer {
        let outcome = &judged.trial.outcome;
        let mut tags: Vec<CoralTag> = outcome
            .labels
            .iter()
            .filter_map(|label| self.tags.get(label).copied())
            .collect();
        tags.sort_unstable();
        tags.dedup();
        let status = match outcome.verdict {
            Verdict::Approve => None,
            Verdict::Hold => Some(Status::Premod),
            Verdict::Reject => Some(Status::Rejected),
        };
        let rule = outcome.decided_by.as_deref();
        let code = rule.map(|rule| self.code(rule));
        let flag = status.and(code).and_then(flag);
        Answer {
            status,
            actions: flag
                .map(|reason| Flag {
                    action_type: FlagAction::Flag,
                    reason,
                })
                .into_iter()
                .collect(),
            tags,
            moderation_action: match (outcome.verdict, rule) {
                (Verdict::Reject, Some(rule)) => Some(ModerationAction {
                    status: Status::Rejected,
                    rejection_reason: self.reason(rule),
                }),
                _ => None,
            },
        }
    }

    fn reason(&self, rule: &RuleInfo) -> RejectionReason {
        let code = self.code(rule);
        let reference = rule
            .reason
            .as_ref()
            .and_then(|reason| reason.reference.clone());
        let explain = rule
            .explain
            .get("en")
            .or_else(|| rule.explain.values().next());
        RejectionReason {
            code,
            legal_grounds: reference.filter(|_| code == CoralReason::IllegalContent),
            detailed_explanation: explain.map(|text| text.chars().take(MAX_EXPLANATION).collect()),
        }
    }

    /// Coral's code for why a rule restricts.
    fn code(&self, rule: &RuleInfo) -> CoralReason {
        let Some(reason) = &rule.reason else {
            return CoralReason::Other;
        };
        if let Some(code) = self.reasons.get(&reason.code) {
            return *code;
        }
        match reason.code.replace('-', "_").to_ascii_lowercase().as_str() {
            "offensive" | "shouting" => CoralReason::Offensive,
            "abusive" | "abuse" | "insult" => CoralReason::Abusive,
            "spam" | "flood" | "link" => CoralReason::Spam,
            "banned_word" | "profanity" => CoralReason::BannedWord,
            "ad" | "advertising" => CoralReason::Ad,
            "harassment" | "bullying" | "threat" => CoralReason::HarassmentBullying,
            "misinformation" => CoralReason::Misinformation,
            "hate" | "hate_speech" => CoralReason::HateSpeech,
            "off_topic" | "irrelevant" => CoralReason::IrrelevantContent,
            _ if reason.ground == Ground::Legal => CoralReason::IllegalContent,
            _ => CoralReason::Other,
        }
    }
}

/// What a comment is flagged as: the two that a phase may say, where they are true.
fn flag(code: CoralReason) -> Option<FlagReason> {
    match code {
        CoralReason::Spam | CoralReason::Ad => Some(FlagReason::CommentDetectedSpam),
        CoralReason::Offensive
        | CoralReason::Abusive
        | CoralReason::BannedWord
        | CoralReason::HarassmentBullying
        | CoralReason::HateSpeech => Some(FlagReason::CommentDetectedToxic),
        CoralReason::IllegalContent
        | CoralReason::Misinformation
        | CoralReason::IrrelevantContent
        | CoralReason::Other => None,
    }
}

/// The answer about what could not be judged.
fn held() -> Response {
    let answer = Answer {
        status: Some(Status::Premod),
        ..Answer::default()
    };
    Json(answer).into_response()
}

impl Compat {
    async fn coral(&self, request: Request) -> Result<Response, Problem> {
        let (head, body) = request.into_parts();
        let body = self.judging.read_one(body).await?;
        let signature = head.headers.get(SIGNATURE);
        let signature = signature.and_then(|value| value.to_str().ok());
        let signature = signature.unwrap_or_default();
        // Every site's secrets are tried, so that the time says nothing about which is whose.
        let mut signed = None;
        for coral in &self.settings.coral {
            if coral.secrets.signed(signature, &body) {
                signed = Some(coral);
            }
        }
        let coral = signed.ok_or_else(|| {
            Problem::unauthorized("no secret of `compat.coral` has signed this body")
                .with_code("bad_signature")
                .with_field(SIGNATURE)
        })?;
        let judged = match self.coral_judged(coral, &body).await {
            Ok(judged) => judged,
            // What is no comment, words that are none, or more than can be judged.
            Err(problem) => {
                tracing::warn!(
                    code = problem.code(),
                    field = problem.field(),
                    "a comment of Coral can't be judged, and is held"
                );
                None
            }
        };
        let Some(judged) = judged else {
            return Ok(held());
        };
        let answer = coral.answer(&judged);
        if answer.status.is_none() && answer.tags.is_empty() {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        Ok(Json(answer).into_response())
    }

    async fn coral_judged(&self, coral: &Coral, body: &[u8]) -> Result<Option<Judged>, Problem> {
        let asks: Asks = read(body)?;
        let said = Said {
            site: &coral.site,
            article: Some(&asks.story.id),
            parent: asks.comment.parent.as_deref(),
            author: Some(&asks.author.id),
            role: match asks.author.role.as_deref() {
                Some("STAFF") => "staff",
                Some("MODERATOR" | "ADMIN") => "moderator",
                _ => "reader",
            },
            body: &asks.comment.body,
            format: coral.format.as_str(),
            ..Said::default()
        };
        let principal = Principal {
            name: "coral".to_owned(),
            role: Role::Publisher,
            sites: Sites::All,
        };
        let (protocol, wanted) = (Protocol::Coral, Wanted::new());
        let answers = self
            .judge(protocol, principal, vec![said.comment()], &wanted)
            .await?;
        Ok(answers.into_iter().next().and_then(|(_, judged)| judged))
    }
}
