//! Words of comments as pages show them: with what rules matched, and shortened.

use std::collections::BTreeSet;

use stoa_proto::{By, Decision};

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) text: String,
    /// What matched here, for people; nothing where nothing did.
    pub(super) why: Option<String>,
}

/// Cuts a text at the places that the latest decision of rules about a revision names.
pub(super) fn parts(text: &str, decisions: &[Decision], revision: u32) -> Vec<Part> {
    let judged = decisions.iter().rev();
    let mut judged = judged.filter(|decision| decision.revision == revision);
    let judged = judged.find(|decision| matches!(decision.by, By::Rules { .. }));
    let mut spans = Vec::new();
    let mut cuts = BTreeSet::new();
    for rule in judged.iter().flat_map(|decision| &decision.rules) {
        for span in &rule.spans {
            let list = span.list.as_ref().map(|list| format!(" ({list})"));
            let why = format!("{}{}", rule.id, list.unwrap_or_default());
            spans.push((span.start, span.end, why));
            cuts.extend([span.start, span.end]);
        }
    }
    cut(text, &spans, &cuts)
}

/// Cuts a text at what was looked for in it, given in code points.
pub(super) fn marked(text: &str, ranges: &[(u32, u32)]) -> Vec<Part> {
    let spans: Vec<_> = ranges
        .iter()
        .map(|(start, end)| (*start, *end, String::new()))
        .collect();
    let cuts = ranges.iter().flat_map(|(start, end)| [*start, *end]);
    cut(text, &spans, &cuts.collect())
}

fn cut(text: &str, spans: &[(u32, u32, String)], cuts: &BTreeSet<u32>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for (index, c) in (0_u32..).zip(text.chars()) {
        if parts.is_empty() || cuts.contains(&index) {
            let mut why: Vec<&str> = Vec::new();
            for (start, end, name) in spans {
                if (*start..*end).contains(&index) && !why.contains(&name.as_str()) {
                    why.push(name);
                }
            }
            let why = (!why.is_empty()).then(|| why.join(", "));
            let text = String::new();
            parts.push(Part { text, why });
        }
        if let Some(part) = parts.last_mut() {
            part.text.push(c);
        }
    }
    parts
}

/// The first words of a text, on one line.
pub(super) fn excerpt(text: &str, chars: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    let mut short: String = line.chars().take(chars).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decision(revision: u32, spans: &[(u32, u32, &str, Option<&str>)]) -> Decision {
        let rules: Vec<_> = spans
            .iter()
            .map(|(start, end, rule, list)| {
                json!({"id": rule, "mode": "live", "spans": [
                    {"start": start, "end": end, "text": "", "list": list}
                ]})
            })
            .collect();
        serde_json::from_value(json!({
            "site": "s", "article": "a", "comment": "c", "revision": revision, "decision": "d",
            "verdict": "hold", "by": {"kind": "rules", "ruleset": "sha256:0"}, "rules": rules,
            "decided_at": "2026-11-24T18:00:00Z",
        }))
        .unwrap()
    }

    fn shown(text: &str, decisions: &[Decision]) -> String {
        let parts = parts(text, decisions, 1);
        let shown = parts.iter().map(|part| match &part.why {
            Some(why) => format!("[{}|{why}]", part.text),
            None => part.text.clone(),
        });
        shown.collect()
    }

    #[test]
    fn what_matched_is_cut_out_by_code_points() {
        let list = Some("bad");
        for (spans, expected) in [
            (vec![], "é vile <b>"),
            (vec![(2, 6, "insult", list)], "é [vile|insult (bad)] <b>"),
            (
                vec![(0, 1, "a", None), (7, 10, "b", None)],
                "[é|a] vile [<b>|b]",
            ),
            (
                vec![(2, 6, "a", None), (4, 8, "b", None)],
                "é [vi|a][le|a, b][ <|b]b>",
            ),
            (vec![(2, 6, "a", None), (2, 6, "a", None)], "é [vile|a] <b>"),
            (vec![(8, 99, "a", None)], "é vile <[b>|a]"),
            (vec![(5, 2, "a", None)], "é vile <b>"),
        ] {
            let found = shown("é vile <b>", &[decision(1, &spans)]);
            assert_eq!(found, expected, "{spans:?}");
        }
        assert_eq!(shown("", &[decision(1, &[(0, 1, "a", None)])]), "");
    }

    #[test]
    fn the_latest_decision_about_the_revision_counts() {
        let decisions = [
            decision(1, &[(0, 1, "old", None)]),
            decision(1, &[(2, 3, "new", None)]),
            decision(2, &[(3, 4, "other", None)]),
        ];
        assert_eq!(shown("abcd", &decisions), "ab[c|new]d");
    }
}
