//! Statements of reasons: what is told to the author of a restricted comment.
//!
//! The facts name the rule or the reason's code, never words of the comment or names of people.

use serde::{Deserialize, Serialize};
use stoa_proto::{Comment, Statement};
use stoa_rules::{Ground, Outcome};

use crate::config::StatementConfig;

/// A language that statements can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tongue {
    /// English.
    En,
    /// French.
    Fr,
    /// German.
    De,
    /// Russian.
    Ru,
}

impl Tongue {
    /// Finds the language of a BCP 47 tag.
    fn of(tag: &str) -> Option<Self> {
        match tag.split(['-', '_']).next()?.to_ascii_lowercase().as_str() {
            "en" => Some(Self::En),
            "fr" => Some(Self::Fr),
            "de" => Some(Self::De),
            "ru" => Some(Self::Ru),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
            Self::De => "de",
            Self::Ru => "ru",
        }
    }

    fn redress(self) -> &'static str {
        match self {
            Self::En => {
                "You can ask the publisher to have this decision reviewed by a person, and you may turn to an out-of-court dispute settlement body or to a court."
            }
            Self::Fr => {
                "Vous pouvez demander à l'éditeur qu'une personne réexamine cette décision, et saisir un organe de règlement extrajudiciaire des litiges ou un tribunal."
            }
            Self::De => {
                "Sie können beim Anbieter verlangen, dass ein Mensch diese Entscheidung überprüft, und sich an eine außergerichtliche Streitbeilegungsstelle oder ein Gericht wenden."
            }
            Self::Ru => {
                "Вы можете попросить издателя, чтобы это решение пересмотрел человек, а также обратиться в орган внесудебного урегулирования споров или в суд."
            }
        }
    }

    fn rule_facts(self, rule: &str, explanation: &str) -> String {
        match self {
            Self::En => format!("The text of the comment met the rule \"{rule}\": {explanation}"),
            Self::Fr => {
                format!("Le texte du commentaire relève de la règle « {rule} » : {explanation}")
            }
            Self::De => {
                format!("Der Text des Kommentars fällt unter die Regel „{rule}“: {explanation}")
            }
            Self::Ru => format!("Текст комментария подпадает под правило «{rule}»: {explanation}"),
        }
    }

    fn unjudged(self) -> &'static str {
        match self {
            Self::En => {
                "The comment could not be judged completely by machine and waits for a person."
            }
            Self::Fr => {
                "Le commentaire n'a pas pu être évalué entièrement par la machine et attend une personne."
            }
            Self::De => {
                "Der Kommentar konnte nicht vollständig maschinell beurteilt werden und wartet auf einen Menschen."
            }
            Self::Ru => {
                "Комментарий не удалось полностью оценить автоматически, он ожидает решения человека."
            }
        }
    }

    fn review_facts(self, code: &str) -> String {
        match self {
            Self::En => {
                format!("A moderator read the comment and refused it for the reason \"{code}\".")
            }
            Self::Fr => {
                format!("La modération a lu le commentaire et l'a refusé pour le motif « {code} ».")
            }
            Self::De => format!(
                "Die Moderation hat den Kommentar gelesen und aus dem Grund „{code}“ abgelehnt."
            ),
            Self::Ru => {
                format!("Модератор прочитал комментарий и отклонил его по причине «{code}».")
            }
        }
    }
}

/// The reason that a moderator gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ReviewGround {
    /// The site's terms.
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

fn tongue(config: &StatementConfig, comment: &Comment) -> Tongue {
    comment
        .known_language()
        .and_then(Tongue::of)
        .unwrap_or(config.language)
}

fn redress(config: &StatementConfig, tongue: Tongue) -> String {
    config
        .redress
        .clone()
        .unwrap_or_else(|| tongue.redress().to_owned())
}

/// Returns the statement for a restriction by rules.
pub(crate) fn by_rules(
    config: &StatementConfig,
    comment: &Comment,
    outcome: &Outcome,
) -> Statement {
    let tongue = tongue(config, comment);
    let reason = outcome.reason.as_ref();
    let facts = match &outcome.decided_by {
        Some(rule) => {
            let explanation = [tongue.as_str(), "en"]
                .iter()
                .find_map(|language| rule.explain.get(*language));
            let other = || rule.explain.values().next();
            let text = explanation.or_else(other).map_or("", String::as_str);
            tongue
                .rule_facts(&rule.id, text)
                .trim_end_matches([' ', ':'])
                .to_owned()
        }
        None => tongue.unjudged().to_owned(),
    };
    Statement {
        ground: reason
            .map_or(Ground::Terms, |reason| reason.ground)
            .as_str()
            .to_owned(),
        reference: reason.and_then(|reason| reason.reference.clone()),
        facts,
        category: reason.and_then(|reason| reason.category.clone()),
        automated_detection: true,
        automated_decision: "AUTOMATED_DECISION_FULLY".to_owned(),
        language: Some(tongue.as_str().to_owned()),
        redress: Some(redress(config, tongue)),
        ..Statement::default()
    }
}

/// Returns the statement for a refusal by a moderator.
///
/// `earlier` is the statement of the rules' decision: a person who confirms what a machine found
/// decided partly by machine, and inherits the category.
pub(crate) fn by_moderator(
    config: &StatementConfig,
    comment: &Comment,
    reason: &ReviewReason,
    earlier: Option<&Statement>,
) -> Statement {
    let tongue = tongue(config, comment);
    let automated = earlier.is_some();
    let decision = if automated {
        "AUTOMATED_DECISION_PARTIALLY"
    } else {
        "AUTOMATED_DECISION_NOT_AUTOMATED"
    };
    Statement {
        ground: reason
            .ground
            .unwrap_or(ReviewGround::Terms)
            .as_str()
            .to_owned(),
        reference: reason.reference.clone(),
        facts: reason
            .text
            .clone()
            .unwrap_or_else(|| tongue.review_facts(&reason.code)),
        category: earlier.and_then(|statement| statement.category.clone()),
        automated_detection: automated,
        automated_decision: decision.to_owned(),
        language: Some(tongue.as_str().to_owned()),
        redress: Some(redress(config, tongue)),
        ..Statement::default()
    }
}
