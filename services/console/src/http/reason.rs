//! The reasons to reject a comment, as pages offer them.

use super::words::excerpt;
use crate::backend::{self, Case};
use crate::language::Words;

/// Characters that are shown of what an author is told.
const TOLD: usize = 120;

/// A reason to choose.
pub(super) struct Reason {
    /// The digit that chooses it; the first nine have one.
    pub(super) key: Option<usize>,
    pub(super) code: String,
    pub(super) name: String,
    pub(super) ground: String,
    /// What the statement of reasons calls it, if the list says so.
    pub(super) category: Option<String>,
    /// The first words of what the author is told.
    pub(super) text: Option<String>,
}

impl Reason {
    /// Shows a reason for a case, or for several.
    pub(super) fn new(
        key: Option<usize>,
        reason: backend::Reason,
        case: Option<&Case>,
        words: Words,
    ) -> Self {
        let text = reason.text.get(words.0.as_str());
        let text = text.or_else(|| reason.text.get("en"));
        let text = text.or_else(|| reason.text.values().next());
        let text = text.map(|text| match case {
            Some(case) => {
                let text = text.replace("{site}", &case.site);
                excerpt(&text.replace("{article}", &case.article), TOLD)
            }
            None => excerpt(text, TOLD),
        });
        let category = reason.category.as_deref();
        Self {
            key: key.filter(|key| *key <= 9),
            name: name(words, &reason.code),
            ground: words.code("ground", &reason.ground),
            category: category.map(|category| self::category(words, category)),
            code: reason.code,
            text,
        }
    }
}

/// What a category of the Transparency Database is called; one that is new by its own name.
pub(super) fn category(words: Words, category: &str) -> String {
    let short = category.strip_prefix("STATEMENT_CATEGORY_");
    words.code("category", short.unwrap_or(category).to_lowercase())
}

/// What a reason is called; an operator's own is called as its code.
fn name(words: Words, code: &str) -> String {
    let known = words.code("reason", code);
    if known != code {
        return known;
    }
    let plain = code.replace('_', " ");
    let (first, rest) = (plain.chars().take(1), plain.chars().skip(1));
    first.flat_map(char::to_uppercase).chain(rest).collect()
}
