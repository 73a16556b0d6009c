//! Where a rule that fired matched, in code points of the plain text.

use stoa_proto::Span;

use crate::expr::node::{Evidence, Subject};
use crate::facts::Facts;
use crate::list::List;
use crate::rule::Rule;
use crate::text::via::Via;

/// Spans that are kept per rule: a moderator needs no more, and events stay small.
const SPANS: usize = 50;

/// Characters of a span's text that are kept.
const CHARS: usize = 256;

/// A place in the text, in bytes, and the term.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place<'a> {
    start: usize,
    end: usize,
    list: Option<&'a str>,
    term: Option<&'a str>,
    via: Via,
}

/// Returns where a rule matched, in the order of the text.
pub(super) fn of(rule: &Rule, facts: &Facts<'_>, lists: &[List]) -> Vec<Span> {
    let mut places = Vec::new();
    for evidence in &rule.evidence {
        match evidence {
            Evidence::List(slot) => {
                let list = lists.get(slot.list as usize);
                let hits = facts.hits(slot.subject);
                for hit in hits.by(slot.list, slot.via).take(SPANS) {
                    let bytes = match slot.subject {
                        Subject::Text => Some((hit.start as usize, hit.end as usize)),
                        Subject::Links => facts
                            .links()
                            .get(hit.start as usize)
                            .and_then(|link| link.place(facts.input.text)),
                        Subject::Name => None,
                    };
                    if let Some((start, end)) = bytes {
                        places.push(Place {
                            start,
                            end,
                            list: list.map(|list| list.name.as_str()),
                            term: list
                                .and_then(|list| list.terms.get(hit.term as usize))
                                .map(|term| term.text.as_str()),
                            via: hit.via,
                        });
                    }
                }
            }
            Evidence::RegexList(Subject::Text, list) => {
                let Some(list) = lists.get(*list as usize) else {
                    continue;
                };
                for (regex, term) in list.regexes.iter().zip(&list.terms) {
                    places.extend(regex.find_iter(facts.input.text).take(SPANS).map(|found| {
                        Place {
                            start: found.start(),
                            end: found.end(),
                            list: Some(&list.name),
                            term: Some(&term.text),
                            via: Via::NONE,
                        }
                    }));
                }
            }
            Evidence::RegexList(..) => {}
            Evidence::Regex(regex) => {
                places.extend(
                    regex
                        .find_iter(facts.input.text)
                        .take(SPANS)
                        .map(|found| Place {
                            start: found.start(),
                            end: found.end(),
                            list: None,
                            term: None,
                            via: Via::NONE,
                        }),
                );
            }
        }
    }
    places.retain(|place| place.start < place.end);
    places.sort();
    places.dedup();
    places.truncate(SPANS);
    in_code_points(&places, facts.input.text)
}

/// Counts code points once along the text.
fn in_code_points(places: &[Place<'_>], text: &str) -> Vec<Span> {
    let mut spans = Vec::with_capacity(places.len());
    let (mut bytes, mut points) = (0, 0);
    for place in places {
        let (Some(between), Some(own)) = (
            text.get(bytes..place.start),
            text.get(place.start..place.end),
        ) else {
            continue;
        };
        points += between.chars().count();
        bytes = place.start;
        let end = points + own.chars().count();
        let (Ok(start), Ok(end)) = (u32::try_from(points), u32::try_from(end)) else {
            continue;
        };
        spans.push(Span {
            start,
            end,
            text: own.chars().take(CHARS).collect(),
            list: place.list.map(str::to_owned),
            term: place.term.map(str::to_owned),
            via: place.via.names().map(str::to_owned).collect(),
        });
    }
    spans
}
