//! The languages of statements, and what is said in each unless an editor says it otherwise.

use serde::{Deserialize, Serialize};

use super::texts::Key;

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
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::En, Self::Fr, Self::De, Self::Ru];

    /// Finds the language of a BCP 47 tag.
    pub(crate) fn of(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next()?.to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|tongue| tongue.as_str() == primary)
    }

    /// Returns its code of ISO 639-1.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
            Self::De => "de",
            Self::Ru => "ru",
        }
    }

    /// Returns what is said in it unless an editor says it otherwise.
    pub(super) fn default_text(self, key: Key) -> &'static str {
        match (key, self) {
            (Key::Rule, Self::En) => {
                "The text of the comment met the rule \"{rule}\": {explanation}"
            }
            (Key::Rule, Self::Fr) => {
                "Le texte du commentaire relève de la règle « {rule} » : {explanation}"
            }
            (Key::Rule, Self::De) => {
                "Der Text des Kommentars fällt unter die Regel „{rule}“: {explanation}"
            }
            (Key::Rule, Self::Ru) => {
                "Текст комментария подпадает под правило «{rule}»: {explanation}"
            }
            (Key::Unjudged, Self::En) => {
                "The comment could not be judged completely by machine and waits for a person."
            }
            (Key::Unjudged, Self::Fr) => {
                "Le commentaire n'a pas pu être évalué entièrement par la machine et attend une personne."
            }
            (Key::Unjudged, Self::De) => {
                "Der Kommentar konnte nicht vollständig maschinell beurteilt werden und wartet auf einen Menschen."
            }
            (Key::Unjudged, Self::Ru) => {
                "Комментарий не удалось полностью оценить автоматически, он ожидает решения человека."
            }
            (Key::Moderator, Self::En) => {
                "A moderator read the comment and refused it for the reason \"{reason}\"."
            }
            (Key::Moderator, Self::Fr) => {
                "La modération a lu le commentaire et l'a refusé pour le motif « {reason} »."
            }
            (Key::Moderator, Self::De) => {
                "Die Moderation hat den Kommentar gelesen und aus dem Grund „{reason}“ abgelehnt."
            }
            (Key::Moderator, Self::Ru) => {
                "Модератор прочитал комментарий и отклонил его по причине «{reason}»."
            }
            (Key::Redress, Self::En) => {
                "You can ask the publisher to have this decision reviewed by a person, and you may turn to an out-of-court dispute settlement body or to a court."
            }
            (Key::Redress, Self::Fr) => {
                "Vous pouvez demander à l'éditeur qu'une personne réexamine cette décision, et saisir un organe de règlement extrajudiciaire des litiges ou un tribunal."
            }
            (Key::Redress, Self::De) => {
                "Sie können beim Anbieter verlangen, dass ein Mensch diese Entscheidung überprüft, und sich an eine außergerichtliche Streitbeilegungsstelle oder ein Gericht wenden."
            }
            (Key::Redress, Self::Ru) => {
                "Вы можете попросить издателя, чтобы это решение пересмотрел человек, а также обратиться в орган внесудебного урегулирования споров или в суд."
            }
        }
    }
}
