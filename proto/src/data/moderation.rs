//! Decisions, cases, sanctions and appeals.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Extra;
use crate::Time;

/// What is to happen to a comment. The order is that of strictness.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It may be published.
    #[default]
    Approve,
    /// It waits for a moderator.
    Hold,
    /// It may not be published.
    Reject,
}

impl Verdict {
    /// Returns the verdict as it stands in events and routing keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Hold => "hold",
            Self::Reject => "reject",
        }
    }
}

/// A verdict about one revision of one comment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// The site's id.
    pub site: String,
    /// The article's id.
    pub article: String,
    /// The comment's id.
    pub comment: String,
    /// The revision that was judged.
    pub revision: u32,
    /// The decision's id, derived from site, comment, revision and rule set.
    pub decision: String,
    /// The verdict.
    pub verdict: Verdict,
    /// What the rules or the moderator called it.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Who decided.
    pub by: By,
    /// The rules that fired.
    #[serde(default)]
    pub rules: Vec<FiredRule>,
    /// The statement of reasons of a restriction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Statement>,
    /// When it was decided.
    pub decided_at: Time,
    /// The decision that this one replaces.
    #[serde(default)]
    pub supersedes: Option<String>,
    /// Facts that were missing, in which case the verdict is at least `hold`.
    #[serde(default)]
    pub partial: Vec<String>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Who decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum By {
    /// A rule set.
    Rules {
        /// The rule set's hash, `sha256:…`.
        ruleset: String,
    },
    /// A person.
    Moderator {
        /// The moderator's id.
        id: String,
    },
}

/// A rule that fired.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FiredRule {
    /// The rule's id.
    pub id: String,
    /// `live`, `shadow` or a percentage such as `10%`.
    pub mode: String,
    /// What the rule is about, per language.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub explain: BTreeMap<String, String>,
    /// Where it matched.
    #[serde(default)]
    pub spans: Vec<Span>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A place in the plain text where a rule matched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// The first code point.
    pub start: u32,
    /// The code point after the last.
    pub end: u32,
    /// The original characters.
    pub text: String,
    /// The list that the term is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// The term.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
    /// The transformations that the hit needed.
    #[serde(default)]
    pub via: Vec<String>,
}

/// The statement of reasons of a restriction, in the vocabulary of the Digital Services Act.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Statement {
    /// `terms` or `legal`.
    pub ground: String,
    /// The clause or law.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What happened.
    pub facts: String,
    /// `STATEMENT_CATEGORY_…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Whether it was found by a machine.
    pub automated_detection: bool,
    /// `AUTOMATED_DECISION_FULLY`, `…_PARTIALLY` or `…_NOT_AUTOMATED`.
    pub automated_decision: String,
    /// The language of this statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What the author can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redress: Option<String>,
    /// Where the author can appeal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appeal_url: Option<String>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A comment waits for a moderator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseOpened {
    /// The site's id.
    pub site: String,
    /// The article's id.
    pub article: String,
    /// The comment's id.
    pub comment: String,
    /// The case's id.
    pub case: String,
    /// `rules`, `reported` or `appeal`.
    pub reason: String,
    /// Higher comes first.
    pub priority: i64,
    /// When it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Time>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A case needs nobody any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseClosed {
    /// The site's id.
    pub site: String,
    /// The article's id.
    pub article: String,
    /// The comment's id.
    pub comment: String,
    /// The case's id.
    pub case: String,
    /// `decided`, `withdrawn`, `superseded` or `erased`.
    pub reason: String,
    /// The priority that it had.
    pub priority: i64,
    /// The decision that closed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// When it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Time>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An author was sanctioned, or a sanction lifted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuthorSanctioned {
    /// The site's id.
    pub site: String,
    /// The author's id.
    pub author: String,
    /// What was imposed.
    pub sanction: Sanction,
    /// Until when; absent is without end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who imposed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What an author can be put under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sanction {
    /// A warning.
    Warn,
    /// Every comment waits for a moderator.
    Premoderate,
    /// No comments until a time.
    Suspend,
    /// No comments.
    Ban,
    /// What was imposed ends.
    Lift,
}

impl Sanction {
    /// Returns the sanction as it stands in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Premoderate => "premoderate",
            Self::Suspend => "suspend",
            Self::Ban => "ban",
            Self::Lift => "lift",
        }
    }
}

/// An author appeals against a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionAppealed {
    /// The site's id.
    pub site: String,
    /// The article's id.
    pub article: String,
    /// The comment's id.
    pub comment: String,
    /// The decision's id.
    pub decision: String,
    /// The appeal's id.
    pub appeal: String,
    /// Who appeals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The author's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// When the appeal was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appealed_at: Option<Time>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An appeal was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AppealResolved {
    /// The site's id.
    pub site: String,
    /// The comment's id.
    pub comment: String,
    /// The appeal's id.
    pub appeal: String,
    /// What came of it.
    pub outcome: AppealOutcome,
    /// The decision that stands now.
    pub decision: String,
    /// The decision that was appealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appealed: Option<String>,
    /// Why no moderator decided it; absent if one did, or if the decision was reversed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What came of an appeal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AppealOutcome {
    /// The decision stands.
    Upheld,
    /// The decision was reversed.
    Reversed,
}
