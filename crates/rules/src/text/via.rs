//! What it took to read a text as a term.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// A set of transformations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Via(u16);

impl Via {
    pub(crate) const NONE: Self = Self(0);
    /// Styled and wide letters, ligatures, circled letters: Unicode's compatibility characters.
    pub(crate) const COMPATIBILITY: Self = Self(1);
    /// Letters of another script, or of phonetics, that look alike.
    pub(crate) const CONFUSABLES: Self = Self(1 << 1);
    /// Characters that show nothing, direction marks among them.
    pub(crate) const INVISIBLE: Self = Self(1 << 2);
    /// More marks on a letter than any language puts there.
    pub(crate) const MARKS: Self = Self(1 << 3);
    /// Tags and entities of HTML inside a word.
    pub(crate) const HTML: Self = Self(1 << 4);
    /// Digits and signs for letters.
    pub(crate) const LEET: Self = Self(1 << 5);
    /// A sign in place of a letter, any letter.
    pub(crate) const MASK: Self = Self(1 << 6);
    /// Spaces or punctuation between the letters, or left out.
    pub(crate) const SPACING: Self = Self(1 << 7);
    /// Letters written more often than the term has them.
    pub(crate) const REPEATS: Self = Self(1 << 8);

    /// Each transformation with the name that events and conditions use.
    pub(crate) const ALL: [(Self, &'static str); 9] = [
        (Self::COMPATIBILITY, "compatibility"),
        (Self::CONFUSABLES, "confusables"),
        (Self::INVISIBLE, "invisible"),
        (Self::MARKS, "marks"),
        (Self::HTML, "html"),
        (Self::LEET, "leet"),
        (Self::MASK, "mask"),
        (Self::SPACING, "spacing"),
        (Self::REPEATS, "repeats"),
    ];

    /// All transformations.
    pub(crate) const FULL: Self = Self((1 << 9) - 1);

    /// Finds a transformation by its name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        found.map(|(via, _)| *via)
    }

    /// Returns the names.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        Self::ALL
            .into_iter()
            .filter(move |(via, _)| self.has(*via))
            .map(|(_, name)| name)
    }

    /// Whether any of the others is in it.
    pub(crate) fn has(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    /// Whether nothing is in it that is not allowed.
    pub(crate) fn is_within(self, allowed: Self) -> bool {
        self.0 & !allowed.0 == 0
    }
}

impl BitOr for Via {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Via {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().collect::<Vec<_>>().join("+"))
    }
}
