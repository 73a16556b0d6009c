//! How a person wants their pages.

use serde::{Deserialize, Serialize};

use crate::language::Language;

/// How a person wants their pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// In which language; as the browser asks for if there is none.
    pub(crate) language: Option<Language>,
    /// In which colours.
    pub(crate) theme: Theme,
    /// Whether comments are blurred until they ask to see them.
    pub(crate) blur: bool,
}

/// The colours of pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Theme {
    /// As the browser's system has them.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// All of them, in the order in which they are offered.
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Its name in forms, and the class of pages that have it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}
