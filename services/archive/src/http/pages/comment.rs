//! What the pages of threads and of comments both say of a comment.

use stoa_proto::Verdict;

use super::super::html::Html;
use super::super::said::name;
use crate::read::thread::ShownComment;
use crate::read::words::{ShownBy, ShownDecision, Words};

/// What stands in place of the name where it was erased with the words.
pub(super) const ERASED: &str = "An erased comment";

/// Writes who wrote a comment, and when.
pub(super) fn write_head(html: &mut Html, shown: &ShownComment) {
    html.raw("<h3><bdi>")
        .text(shown.words.as_ref().map_or(ERASED, name))
        .raw("</bdi></h3>");
    write_meta(html, shown.words.as_ref(), shown.score);
}

/// Writes what is known beside the name.
pub(super) fn write_meta(html: &mut Html, words: Option<&Words>, score: Option<i64>) {
    html.raw(" <span class=\"meta\">");
    if let Some(words) = words {
        if let Some(real) = words
            .author
            .name
            .as_deref()
            .filter(|real| *real != name(words))
        {
            html.raw("(<bdi>").text(real).raw("</bdi>) ");
        }
        if let Some(role) = role(words) {
            html.raw(role);
        }
        if let Some(at) = &words.submitted_at {
            html.time(at);
        }
        if words.revision > 1 {
            html.raw(" · revision ").value(words.revision);
        }
    }
    if let Some(score) = score {
        html.raw(" · score ").value(score);
    }
    html.raw("</span>");
}

/// Writes what became of a comment, and who decided that.
pub(super) fn write_status(
    html: &mut Html,
    status: &'static str,
    decision: Option<&ShownDecision>,
) {
    html.raw("<p class=\"meta\"><span class=\"status ")
        .text(status)
        .raw("\">")
        .text(status)
        .raw("</span>");
    if let Some(decision) = decision {
        // The status may say the verdict already.
        html.raw(match (decision.verdict, status) {
            (Verdict::Approve, "approved") | (Verdict::Reject, "rejected") => "",
            (Verdict::Approve, _) => " · approved",
            (Verdict::Hold, _) => " · held",
            (Verdict::Reject, _) => " · rejected",
        });
        write_by(html, decision);
        for label in &decision.labels {
            html.raw(" · ").text(label);
        }
    }
    html.raw("</p>");
}

/// Writes who decided, and when.
pub(super) fn write_by(html: &mut Html, decision: &ShownDecision) {
    html.raw(" by ");
    match &decision.by {
        ShownBy::Rules { .. } => html.raw("rules"),
        ShownBy::Moderator { id: None } => html.raw("a moderator"),
        ShownBy::Moderator { id: Some(id) } => html.raw("moderator <bdi>").text(id).raw("</bdi>"),
    };
    html.raw(" ").time(&decision.decided_at);
}

fn role(words: &Words) -> Option<&'static str> {
    match words.author.role {
        stoa_proto::AuthorRole::Reader => None,
        stoa_proto::AuthorRole::Staff => Some("staff · "),
        stoa_proto::AuthorRole::Moderator => Some("moderator · "),
    }
}
