//! Comments that show what flips: of each kind those with the smallest digests, so that the same
//! comments give the same samples however they were read.

use std::collections::BTreeMap;

use stoa_proto::{Comment, Span, Verdict, ids};
use stoa_rules::Outcome;

use super::collect::date;
use super::history::digest;
use super::report::{Sample, SampleKind};

/// Characters of a text that are shown.
const SHOWN: usize = 600;
/// Characters before the first match that are shown of a text that is cut.
const BEFORE: usize = 150;

/// The samples so far.
#[derive(Debug)]
pub(super) struct Samples {
    limit: usize,
    kinds: BTreeMap<(Verdict, Verdict), BTreeMap<u64, Sample>>,
}

impl Samples {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            kinds: BTreeMap::new(),
        }
    }

    /// Keeps a comment if it is among the smallest of its kind.
    pub(super) fn offer(&mut self, comment: &Comment, at: i64, live: &Outcome, draft: &Outcome) {
        let revision = comment.revision.to_string();
        let key = digest(&[&comment.site, &comment.comment, &revision]);
        let kept = self.kinds.entry((live.verdict, draft.verdict)).or_default();
        if kept.len() >= self.limit && kept.last_key_value().is_none_or(|(last, _)| *last <= key) {
            return;
        }
        kept.insert(key, sample(comment, at, live, draft));
        if kept.len() > self.limit {
            kept.pop_last();
        }
    }

    /// Returns the samples of each kind that there is.
    pub(super) fn finish(mut self, counts: &[((Verdict, Verdict), u64)]) -> Vec<SampleKind> {
        let there = counts.iter().filter(|(_, flips)| *flips > 0);
        there
            .map(|((live, draft), flips)| SampleKind {
                live: live.as_str(),
                draft: draft.as_str(),
                flips: *flips,
                comments: self
                    .kinds
                    .remove(&(*live, *draft))
                    .unwrap_or_default()
                    .into_values()
                    .collect(),
            })
            .collect()
    }
}

fn sample(comment: &Comment, at: i64, live: &Outcome, draft: &Outcome) -> Sample {
    let acted = |outcome: &Outcome| -> Vec<String> {
        let acted = outcome.fired.iter().filter(|fired| fired.acted);
        acted
            .map(|fired| fired.rule.id.clone())
            .chain(outcome.partial.iter().cloned())
            .collect()
    };
    let fired = live.fired.iter().chain(&draft.fired);
    let mut spans: Vec<Span> = fired
        .filter(|fired| fired.acted)
        .flat_map(|fired| fired.spans.iter().cloned())
        .collect();
    spans.sort_by_key(|span| (span.start, span.end));
    spans.dedup_by_key(|span| (span.start, span.end));
    let (text, start) = window(comment.text(), spans.first());
    let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    spans.retain_mut(|span| {
        let Some(moved) = span.start.checked_sub(start) else {
            return false;
        };
        span.end -= start;
        span.start = moved;
        span.end <= length
    });
    Sample {
        site: comment.site.clone(),
        article: comment.article.clone(),
        comment: comment.comment.clone(),
        revision: comment.revision,
        case: ids::case_id(&comment.site, &comment.comment),
        at: date(at),
        cut: text.len() < comment.text().len(),
        text,
        live_rules: acted(live),
        draft_rules: acted(draft),
        spans,
    }
}

/// Returns the part of a text that is shown, and the character with which it begins.
fn window(text: &str, first: Option<&Span>) -> (String, u32) {
    if text.chars().nth(SHOWN).is_none() {
        return (text.to_owned(), 0);
    }
    let first = first.map_or(0, |span| usize::try_from(span.start).unwrap_or_default());
    let start = if first < SHOWN / 2 {
        0
    } else {
        first.saturating_sub(BEFORE)
    };
    let part = text.chars().skip(start).take(SHOWN).collect();
    (part, u32::try_from(start).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_around_its_first_match() {
        let text = "é".repeat(900) + "bad" + &"x".repeat(900);
        let span = Span {
            start: 900,
            end: 903,
            ..Span::default()
        };
        let (part, start) = window(&text, Some(&span));
        assert_eq!((part.chars().count(), start), (SHOWN, 750));
        assert!(
            part.chars()
                .skip(150)
                .collect::<String>()
                .starts_with("bad")
        );
        assert_eq!(window("short", None), ("short".to_owned(), 0));
    }
}
