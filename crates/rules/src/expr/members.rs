//! The terms of a list for `in_list`: whether a text as a whole is one of them.

use std::collections::HashSet;
use std::fmt;

use crate::list::{Fold, List};
use crate::text::fold::fold_term;

/// The terms of one list, folded as the list says.
pub(crate) struct Members {
    /// The list's number.
    pub(crate) list: u32,
    /// The list's name.
    name: String,
    fold: Fold,
    terms: HashSet<Box<str>>,
}

impl Members {
    pub(crate) fn new(number: u32, list: &List) -> Self {
        Self {
            list: number,
            name: list.name.clone(),
            fold: list.fold,
            terms: list
                .terms
                .iter()
                .map(|term| folded(list.fold, &term.text).into_boxed_str())
                .collect(),
        }
    }

    /// Tells whether a text is a term.
    pub(crate) fn has(&self, text: &str) -> bool {
        if self.fold == Fold::None {
            self.terms.contains(text)
        } else {
            self.terms.contains(folded(self.fold, text).as_str())
        }
    }
}

impl fmt::Debug for Members {
    /// Writes the list's name alone: conditions are told apart by what they print.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Members").field(&self.name).finish()
    }
}

/// Levels a whole text as a list's terms are levelled.
pub(crate) fn folded(fold: Fold, text: &str) -> String {
    if fold == Fold::None {
        text.to_owned()
    } else {
        fold_term(text)
    }
}
