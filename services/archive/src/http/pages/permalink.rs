//! The page of one comment: its words and what they were before, what it answers, and what was
//! decided about it and why, as far as its reader may know.

use axum::http::StatusCode;
use axum::response::Response;
use stoa_proto::{FiredRule, Statement, Time, Verdict};

use super::super::html::{Head, Html};
use super::super::said::name;
use super::super::visit::Visit;
use super::super::{accept, links, schema};
use super::comment::{ERASED, write_by, write_meta, write_status};
use super::diff;
use crate::read::comment::{History, OtherEvent};
use crate::read::context::{Above, ELSEWHERE, Permalink};
use crate::read::thread::{HIDDEN, ShownComment};
use crate::read::words::{DecisionDetail, DecisionInHistory};

/// Revisions that are compared with the one before them; the latest.
const COMPARED: usize = 20;
/// Characters of a comment above that are shown.
const EXCERPT: usize = 280;

/// Writes a comment's page: 410 where its words were erased.
pub(super) fn page(visit: &Visit, read: &Permalink, as_of: Option<&Time>) -> Response {
    let history = &read.history;
    let (site, comment) = (&history.site, &history.comment);
    let about = read.title.as_deref().unwrap_or(&history.thread);
    let head = Head {
        canonical: Some(visit.canonical(&links::comment(site, comment), None)),
        alternates: vec![
            (accept::ACTIVITY, links::comment_activity(site, comment)),
            ("application/json", links::comment_json(site, comment)),
        ],
        data: schema::permalink(&visit.base, read),
        style: None,
    };
    let title = match &history.words {
        Some(words) => format!("{} on {about}", name(words)),
        None => format!("An erased comment on {about}"),
    };
    let mut html = Html::page_with(&title, &head);
    html.raw("<nav aria-label=\"Archive\"><bdi>")
        .link(&links::site(site), site)
        .raw("</bdi> · <bdi>")
        .link(&links::thread(site, &history.thread), about)
        .raw("</bdi></nav><main id=\"main\">");
    write_above(&mut html, site, &read.above);
    write_words(&mut html, history);
    html.raw("<p class=\"meta\">")
        .link(&links::in_thread(site, comment), "In its thread");
    if let Some(at) = as_of {
        html.raw(" · As of ").time(at);
    }
    html.raw("</p>");
    write_revisions(&mut html, history);
    write_decisions(&mut html, &history.decisions);
    write_events(&mut html, history.events.as_deref().unwrap_or_default());
    html.raw("</main>");
    let mut response = html.end();
    if history.words.is_none() {
        *response.status_mut() = StatusCode::GONE;
    }
    response
}

/// Writes what the comment answers.
fn write_above(html: &mut Html, site: &str, above: &[Above]) {
    if above.is_empty() {
        return;
    }
    html.raw("<section aria-label=\"What it answers\"><ol class=\"above\">");
    for one in above {
        html.raw("<li>");
        if let Some(shown) = &one.shown {
            write_shown(html, &links::comment(site, &one.comment), shown);
        } else {
            html.raw("<p class=\"empty\">").raw(match one.status {
                HIDDEN => "A comment that is not shown.",
                ELSEWHERE => "A comment on another article.",
                _ => "A comment that was not captured.",
            });
            html.raw("</p>");
        }
        html.raw("</li>");
    }
    html.raw("</ol></section>");
}

fn write_shown(html: &mut Html, path: &str, shown: &ShownComment) {
    let words = shown.words.as_ref();
    html.raw("<p class=\"meta\"><bdi>")
        .link(path, words.map_or(ERASED, name))
        .raw("</bdi>");
    write_meta(html, words, None);
    html.raw("</p>");
    if let Some(words) = words {
        html.raw("<p dir=\"auto\"")
            .language(words.language.as_deref())
            .raw(">")
            .text(&excerpt(&words.text))
            .raw("</p>");
    } else {
        html.raw("<p class=\"empty\">The words were erased.</p>");
    }
}

fn excerpt(text: &str) -> String {
    let mut cut: String = text.chars().take(EXCERPT).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

fn write_words(html: &mut Html, history: &History) {
    html.raw("<article>");
    match &history.words {
        Some(words) => {
            html.raw("<h1><bdi>")
                .text(name(words))
                .raw("</bdi></h1><p>");
            write_meta(html, Some(words), history.score);
            html.raw("</p>");
        }
        None => {
            html.raw("<h1>").text(ERASED).raw("</h1>");
        }
    }
    if history.events.is_some() {
        write_status(html, history.status, history.decision.as_ref());
    }
    match &history.words {
        Some(words) => html.paragraphs(&words.text, words.language.as_deref()),
        None => html.raw("<p class=\"empty\">The words were erased. Its place stays.</p>"),
    };
    html.raw("</article>");
}

/// Writes what changed, the latest first.
fn write_revisions(html: &mut Html, history: &History) {
    let pairs = history.revisions.windows(2).rev();
    if pairs.len() == 0 {
        return;
    }
    html.raw("<section aria-labelledby=\"revisions\"><h2 id=\"revisions\">What changed</h2>");
    for pair in pairs.take(COMPARED) {
        let [old, new] = pair else { continue };
        html.raw("<h3>Revision ").value(new.words.revision);
        html.raw("</h3><p class=\"meta\">");
        if history.events.is_some() {
            html.raw("<span class=\"status ")
                .text(new.status)
                .raw("\">")
                .text(new.status)
                .raw("</span> · ");
        }
        html.raw("compared with revision ")
            .value(old.words.revision);
        if let Some(at) = new.words.submitted_at.as_ref().or(new.captured_at.as_ref()) {
            html.raw(" · ").time(at);
        }
        html.raw("</p>");
        let language = new.words.language.as_deref();
        diff::write(html, &old.words.text, &new.words.text, language);
    }
    html.raw("</section>");
}

fn write_decisions(html: &mut Html, decisions: &[DecisionInHistory]) {
    if decisions.is_empty() {
        return;
    }
    html.raw("<section aria-labelledby=\"decisions\"><h2 id=\"decisions\">");
    html.raw("What was decided, and why</h2><ol class=\"decisions\">");
    for decision in decisions {
        let shown = &decision.shown;
        html.raw("<li><p>").raw(match shown.verdict {
            Verdict::Approve => "<span class=\"status approved\">Approved</span>",
            Verdict::Hold => "<span class=\"status\">Held</span>",
            Verdict::Reject => "<span class=\"status rejected\">Rejected</span>",
        });
        write_by(html, shown);
        html.raw(" · revision ").value(shown.revision);
        for label in &shown.labels {
            html.raw(" · <bdi>").text(label).raw("</bdi>");
        }
        if !decision.effective {
            html.raw(" · it does not stand any more");
        }
        html.raw("</p>");
        if let Some(detail) = &decision.detail {
            write_detail(html, detail);
        }
        html.raw("</li>");
    }
    html.raw("</ol></section>");
}

/// Writes why, for reviewers.
fn write_detail(html: &mut Html, detail: &DecisionDetail) {
    for rule in &detail.rules {
        write_rule(html, rule);
    }
    if let Some(statement) = &detail.statement {
        write_statement(html, statement);
    }
    if !detail.partial.is_empty() {
        html.raw("<p class=\"meta\">Decided without: <bdi>")
            .text(&detail.partial.join(", "))
            .raw("</bdi></p>");
    }
    for (name, value) in &detail.extra {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        html.raw("<p class=\"meta\"><bdi>")
            .text(name)
            .raw("</bdi>: <bdi>")
            .text(&text)
            .raw("</bdi></p>");
    }
}

fn write_rule(html: &mut Html, rule: &FiredRule) {
    html.raw("<p>Rule <bdi><code>")
        .text(&rule.id)
        .raw("</code></bdi>");
    if rule.mode != "live" {
        html.raw(" (").text(&rule.mode).raw(")");
    }
    let english = rule.explain.get_key_value("en");
    if let Some((language, text)) = english.or_else(|| rule.explain.first_key_value()) {
        html.raw(": <bdi")
            .language(Some(language))
            .raw(">")
            .text(text)
            .raw("</bdi>");
    }
    for span in &rule.spans {
        html.raw(" <mark><bdi>")
            .text(&span.text)
            .raw("</bdi></mark>");
    }
    html.raw("</p>");
}

fn write_statement(html: &mut Html, statement: &Statement) {
    html.raw("<dl class=\"statement\">");
    let automated = if statement.automated_detection {
        "found by a machine"
    } else {
        "found by a person"
    };
    let lines = [
        ("Ground", Some(statement.ground.as_str())),
        ("Reference", statement.reference.as_deref()),
        ("Facts", Some(statement.facts.as_str())),
        ("Category", statement.category.as_deref()),
        ("Detection", Some(automated)),
        ("Decision", Some(statement.automated_decision.as_str())),
        ("Redress", statement.redress.as_deref()),
    ];
    for (term, text) in lines {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            continue;
        };
        html.raw("<dt>").raw(term).raw("</dt><dd dir=\"auto\">");
        html.text(text).raw("</dd>");
    }
    html.raw("</dl>");
}

/// Writes what else happened, for reviewers.
fn write_events(html: &mut Html, events: &[OtherEvent]) {
    if events.is_empty() {
        return;
    }
    html.raw("<section aria-labelledby=\"events\"><h2 id=\"events\">What else happened</h2><ol>");
    for event in events {
        html.raw("<li>").text(event.kind);
        if let Some(at) = &event.captured_at {
            html.raw(" · ").time(at);
        }
        html.raw("<pre dir=\"ltr\">")
            .text(&format!("{:#}", event.data))
            .raw("</pre></li>");
    }
    html.raw("</ol></section>");
}
