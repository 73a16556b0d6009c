//! What changed from one revision of a comment to the next.

use std::time::Duration;

use similar::{ChangeTag, TextDiff};

use super::super::html::Html;

/// How long two revisions are compared before coarser differences will do.
const PATIENCE: Duration = Duration::from_millis(100);

/// Writes a text with the words that went and those that came.
pub(super) fn write(html: &mut Html, old: &str, new: &str, language: Option<&str>) {
    html.raw("<p class=\"diff\" dir=\"auto\"")
        .language(language)
        .raw(">");
    let diff = TextDiff::configure().timeout(PATIENCE).diff_words(old, new);
    for change in diff.iter_all_changes() {
        let (open, close) = match change.tag() {
            ChangeTag::Equal => ("", ""),
            ChangeTag::Delete => ("<del>", "</del>"),
            ChangeTag::Insert => ("<ins>", "</ins>"),
        };
        html.raw(open).text(change.value()).raw(close);
    }
    html.raw("</p>");
}
