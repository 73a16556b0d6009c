//! The languages whose words are reduced to their stems.

use frostem::Algorithm;

/// A language with a stemmer; texts of others are found by their words as they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// French.
    French,
    /// English.
    English,
    /// German.
    German,
    /// Russian.
    Russian,
    /// Spanish.
    Spanish,
    /// Italian.
    Italian,
    /// Portuguese.
    Portuguese,
    /// Romanian.
    Romanian,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::French,
        Self::English,
        Self::German,
        Self::Russian,
        Self::Spanish,
        Self::Italian,
        Self::Portuguese,
        Self::Romanian,
    ];

    /// Finds the language of a tag, as `fr` of `fr-CA`.
    pub fn of(tag: &str) -> Option<Self> {
        let code = primary(tag);
        Self::ALL
            .into_iter()
            .find(|language| language.code() == code)
    }

    /// Returns the code of two letters.
    pub fn code(self) -> &'static str {
        match self {
            Self::French => "fr",
            Self::English => "en",
            Self::German => "de",
            Self::Russian => "ru",
            Self::Spanish => "es",
            Self::Italian => "it",
            Self::Portuguese => "pt",
            Self::Romanian => "ro",
        }
    }

    /// Returns the stemmer.
    pub(crate) fn stemmer(self) -> frostem::Stemmer {
        frostem::Stemmer::new(match self {
            Self::French => Algorithm::French,
            Self::English => Algorithm::English,
            Self::German => Algorithm::German,
            Self::Russian => Algorithm::Russian,
            Self::Spanish => Algorithm::Spanish,
            Self::Italian => Algorithm::Italian,
            Self::Portuguese => Algorithm::Portuguese,
            Self::Romanian => Algorithm::Romanian,
        })
    }
}

/// Returns the first part of a language tag, in lower case: `pt` of `pt-BR`.
pub fn primary(tag: &str) -> String {
    let first = tag.split(['-', '_']).next().unwrap_or_default();
    first.to_lowercase()
}
