//! Statements of reasons: what is told to the author of a restricted comment.
//!
//! The facts name the rule or the reason's code, never words of the comment or names of people.

pub(crate) mod link;
pub(crate) mod texts;
mod tongue;

use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use stoa_proto::{Comment, Statement};
use stoa_rules::{Ground, Outcome, Reason, RuleInfo};

use self::link::Links;
use self::texts::{Key, Texts, fill};
pub use self::tongue::Tongue;
use crate::config::{ReasonConfig, StatementConfig};

/// The reason that a moderator gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReviewReason {
    /// A short code such as `offensive`.
    pub(crate) code: String,
    /// `terms` or `legal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ground: Option<ReviewGround>,
    /// The clause or law.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    /// What the author is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
}

/// What a moderator's decision rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReviewGround {
    /// The site's terms.
    #[default]
    Terms,
    /// The law.
    Legal,
}

impl ReviewGround {
    fn as_str(self) -> &'static str {
        match self {
            Self::Terms => "terms",
            Self::Legal => "legal",
        }
    }
}

/// Whom a statement is for, and about which decision.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) comment: &'a Comment,
    /// The language that the author wrote in last, if that is known.
    pub(crate) author: Option<Tongue>,
    pub(crate) decision: &'a str,
    pub(crate) at: i64,
    /// Whether the author can appeal.
    pub(crate) appealable: bool,
    /// Whether readers' reports led to it, and no machine.
    pub(crate) is_reported: bool,
}

/// Writes statements.
#[derive(Debug)]
pub(crate) struct Statements {
    config: StatementConfig,
    texts: RwLock<Arc<Texts>>,
    links: Option<Links>,
}

impl Statements {
    /// Begins with the defaults.
    pub(crate) fn new(config: StatementConfig, links: Option<Links>) -> Self {
        Self {
            config,
            texts: RwLock::default(),
            links,
        }
    }

    /// Returns what makes links for appeals, if there is something.
    pub(crate) fn links(&self) -> Option<&Links> {
        self.links.as_ref()
    }

    /// Returns the language where no other is known.
    pub(crate) fn language(&self) -> Tongue {
        self.config.language
    }

    /// Returns what a text says in a language unless an editor says it otherwise.
    pub(crate) fn default_text(&self, key: Key, tongue: Tongue) -> String {
        let configured = self.config.redress.as_deref();
        let configured = configured.filter(|_| key == Key::Redress);
        Texts::default().text(key, tongue, configured).to_owned()
    }

    /// Returns the texts that are live.
    pub(crate) fn texts(&self) -> Arc<Texts> {
        Arc::clone(&self.texts.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes other texts live.
    pub(crate) fn set_texts(&self, texts: Texts) {
        *self.texts.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(texts);
    }

    /// Returns the same with other texts, which are not live.
    pub(crate) fn with_texts(&self, texts: Texts) -> Self {
        Self {
            config: self.config.clone(),
            texts: RwLock::new(Arc::new(texts)),
            links: None,
        }
    }

    fn tongue(&self, subject: &Subject<'_>) -> Tongue {
        let said = subject.comment.known_language().and_then(Tongue::of);
        said.or(subject.author).unwrap_or(self.config.language)
    }

    /// Returns where the author can appeal.
    fn link(&self, subject: &Subject<'_>) -> Option<String> {
        let Comment { site, comment, .. } = subject.comment;
        let links = self.links.as_ref().filter(|_| subject.appealable)?;
        links.url(site, comment, subject.decision, subject.at)
    }

    /// Returns what the author can do about a decision, and where.
    fn redress(&self, subject: &Subject<'_>, texts: &Texts, link: Option<&str>) -> String {
        let configured = self.config.redress.as_deref();
        let text = texts.text(Key::Redress, self.tongue(subject), configured);
        fill(text, &common(subject, link))
    }

    /// Returns the statement for a restriction by rules.
    pub(crate) fn by_rules(&self, subject: &Subject<'_>, outcome: &Outcome) -> Statement {
        let reason = outcome.reason.as_ref();
        let rule = outcome.decided_by.as_deref();
        self.by_rule(subject, rule, reason)
    }

    /// Returns the statement for a restriction by a rule, or because none could judge.
    pub(crate) fn by_rule(
        &self,
        subject: &Subject<'_>,
        rule: Option<&RuleInfo>,
        reason: Option<&Reason>,
    ) -> Statement {
        let (tongue, texts) = (self.tongue(subject), self.texts());
        let link = self.link(subject);
        let mut values = common(subject, link.as_deref()).to_vec();
        let facts = match rule {
            Some(rule) => {
                let explanation = [tongue.as_str(), "en"]
                    .iter()
                    .find_map(|language| rule.explain.get(*language));
                let other = || rule.explain.values().next();
                let text = explanation.or_else(other).map_or("", String::as_str);
                values.extend([("rule", rule.id.as_str()), ("explanation", text)]);
                fill(texts.text(Key::Rule, tongue, None), &values)
                    .trim_end_matches([' ', ':'])
                    .to_owned()
            }
            None => fill(texts.text(Key::Unjudged, tongue, None), &values),
        };
        Statement {
            ground: reason
                .map_or(Ground::Terms, |reason| reason.ground)
                .as_str()
                .to_owned(),
            reference: reason.and_then(|reason| reason.reference.clone()),
            facts,
            category: reason.and_then(|reason| reason.category.clone()),
            automated_detection: !subject.is_reported,
            automated_decision: "AUTOMATED_DECISION_FULLY".to_owned(),
            language: Some(tongue.as_str().to_owned()),
            redress: Some(self.redress(subject, &texts, link.as_deref())),
            appeal_url: link,
            ..Statement::default()
        }
    }

    /// Returns the statement for a refusal by a moderator.
    ///
    /// `earlier` is the statement of the rules' decision: a person who confirms what a machine
    /// found decided partly by machine, and inherits the category. What a listed reason says goes
    /// where the moderator says nothing.
    pub(crate) fn by_moderator(
        &self,
        subject: &Subject<'_>,
        reason: &ReviewReason,
        listed: Option<&ReasonConfig>,
        earlier: Option<&Statement>,
    ) -> Statement {
        let (tongue, texts) = (self.tongue(subject), self.texts());
        let link = self.link(subject);
        let mut values = common(subject, link.as_deref()).to_vec();
        let said = subject.comment.known_language();
        let languages: Vec<&str> = said
            .into_iter()
            .chain(subject.author.map(Tongue::as_str))
            .chain([self.config.language.as_str()])
            .collect();
        let told = listed.filter(|_| reason.text.is_none());
        let told = told.and_then(|listed| texts.reason(listed, &languages));
        let (language, facts) = match (told, &reason.text) {
            (Some((language, text)), _) => (language, fill(text, &values)),
            (None, Some(text)) => (tongue.as_str(), text.clone()),
            (None, None) => {
                values.push(("reason", &reason.code));
                let text = texts.text(Key::Moderator, tongue, None);
                (tongue.as_str(), fill(text, &values))
            }
        };
        let automated = earlier.is_some();
        let decision = if automated {
            "AUTOMATED_DECISION_PARTIALLY"
        } else {
            "AUTOMATED_DECISION_NOT_AUTOMATED"
        };
        Statement {
            ground: reason
                .ground
                .or(listed.map(|listed| listed.ground))
                .unwrap_or_default()
                .as_str()
                .to_owned(),
            reference: reason
                .reference
                .clone()
                .or_else(|| listed?.reference.clone()),
            facts,
            category: listed
                .and_then(|listed| listed.category.clone())
                .or_else(|| earlier?.category.clone()),
            automated_detection: earlier.is_some_and(|earlier| earlier.automated_detection),
            automated_decision: decision.to_owned(),
            language: Some(language.to_owned()),
            redress: Some(self.redress(subject, &texts, link.as_deref())),
            appeal_url: link,
            ..Statement::default()
        }
    }

    /// Returns a statement that stays as it is about a decision that confirms the one before: a
    /// person has looked, so it is not made by a machine alone any more.
    pub(crate) fn confirmed(&self, subject: &Subject<'_>, statement: Statement) -> Statement {
        Statement {
            automated_decision: match statement.automated_decision.as_str() {
                "AUTOMATED_DECISION_FULLY" => "AUTOMATED_DECISION_PARTIALLY".to_owned(),
                _ => statement.automated_decision,
            },
            appeal_url: self.link(subject),
            ..statement
        }
    }

    /// Returns a statement that stays as it is about a decision that restores the one before.
    pub(crate) fn restored(
        &self,
        (site, comment): (&str, &str),
        (decision, at): (&str, i64),
        statement: Statement,
    ) -> Statement {
        let link = self.links.as_ref();
        Statement {
            appeal_url: link.and_then(|links| links.url(site, comment, decision, at)),
            ..statement
        }
    }
}

/// Returns what can stand in every text.
fn common<'a>(subject: &Subject<'a>, link: Option<&'a str>) -> [(&'static str, &'a str); 3] {
    [
        ("site", &subject.comment.site),
        ("article", &subject.comment.article),
        ("appeal_url", link.unwrap_or_default()),
    ]
}
