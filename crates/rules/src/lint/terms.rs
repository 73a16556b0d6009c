//! Terms that other terms make needless.

use std::collections::HashMap;

use super::{DUPLICATE, Finding, LintInfo, SHADOWED, TWICE};
use crate::expr::members::folded;
use crate::list::{Fold, List, ListTerm, Match};
use crate::load::{ListPlaces, RuleSet};
use crate::text::boundary;

/// Findings of one kind that are told of one list.
const SHOWN: usize = 20;

/// Bytes of a term of which every part is looked up.
const PARTS: usize = 64;

/// Folded terms, each with its list and line.
type Known<'s> = HashMap<String, (&'s str, u32)>;

pub(super) fn lint(set: &RuleSet, findings: &mut Vec<Finding>) {
    // Every folded term of the lists before, by what else must be alike.
    let mut elsewhere: HashMap<(u8, bool), Known<'_>> = HashMap::new();
    for (list, places) in set.lists.iter().zip(&set.places) {
        let folded: Vec<String> = list.terms.iter().map(fold).collect();
        let mut first: HashMap<&str, usize> = HashMap::new();
        let mut told = Told::default();
        for (index, term) in folded.iter().enumerate() {
            let same = |before: &&usize| options(list, **before) == options(list, index);
            if let Some(before) = first.get(term.as_str()).filter(same) {
                told.add(DUPLICATE, places, index, || {
                    format!(
                        "`{}` is `{}` again in the list `{}`",
                        written(list, index),
                        written(list, *before),
                        list.name
                    )
                });
            } else {
                first.insert(term, index);
            }
        }
        for (index, term) in folded.iter().enumerate() {
            // A term with options of its own is found elsewhere than the others are.
            let usual = |inner: &&usize| {
                options(list, **inner) == options(list, index)
                    && options(list, index).is_some_and(|(kind, ..)| kind == list.kind)
            };
            let mut found = inside(list, term).filter_map(|part| first.get(part));
            if let Some(inner) = found.find(usual) {
                told.add(SHADOWED, places, index, || {
                    format!(
                        "`{}` is hit wherever `{}` of the list `{}` is",
                        written(list, *inner),
                        written(list, index),
                        list.name
                    )
                });
            }
        }
        let alike = (kind(list), list.fold == Fold::None);
        let elsewhere = elsewhere.entry(alike).or_default();
        for (term, index) in &first {
            if let Some((other, line)) = elsewhere.get(*term) {
                let at = if *line > 0 {
                    format!(", line {line}")
                } else {
                    String::new()
                };
                told.add(TWICE, places, *index, || {
                    format!(
                        "`{}` of the list `{}` is in the list `{other}` too{at}",
                        written(list, *index),
                        list.name
                    )
                });
            }
        }
        for (term, index) in first {
            elsewhere
                .entry(term.to_owned())
                .or_insert((&list.name, line(places, index)));
        }
        told.finish(list, places, findings);
    }
}

/// The findings of one list, those beyond a number counted alone.
#[derive(Default)]
struct Told {
    findings: Vec<(usize, LintInfo, Finding)>,
}

impl Told {
    fn add(
        &mut self,
        info: LintInfo,
        places: &ListPlaces,
        index: usize,
        message: impl FnOnce() -> String,
    ) {
        let finding = info.at(&places.terms, line(places, index), message());
        self.findings.push((index, info, finding));
    }

    fn finish(mut self, list: &List, places: &ListPlaces, findings: &mut Vec<Finding>) {
        self.findings.sort_by_key(|(index, ..)| *index);
        for info in [DUPLICATE, SHADOWED, TWICE] {
            let of_kind = || {
                self.findings
                    .iter()
                    .filter(|(_, own, _)| own.code == info.code)
            };
            findings.extend(of_kind().take(SHOWN).map(|(.., finding)| finding.clone()));
            let more = of_kind().count().saturating_sub(SHOWN);
            if more > 0 {
                let message = format!(
                    "{more} more terms of the list `{}` are like that",
                    list.name
                );
                findings.push(info.at(&places.file, places.line, message));
            }
        }
    }
}

fn line(places: &ListPlaces, index: usize) -> u32 {
    places.lines.get(index).copied().unwrap_or(places.line)
}

fn written(list: &List, index: usize) -> &str {
    list.terms.get(index).map_or("", |term| term.text.as_str())
}

fn kind(list: &List) -> u8 {
    match list.kind {
        Match::Word => 0,
        Match::Substring => 1,
        Match::Domain => 2,
        Match::Regex => 3,
        Match::Prefix => 4,
        Match::Suffix => 5,
    }
}

/// How a term is looked for.
fn options(list: &List, index: usize) -> Option<(Match, Fold, bool)> {
    let term = list.terms.get(index)?;
    Some((term.kind, term.fold, term.accents))
}

/// Levels a term as it is looked for.
fn fold(term: &ListTerm) -> String {
    match term.kind {
        Match::Domain => term.text.to_lowercase(),
        Match::Regex => term.text.clone(),
        // With its accents, it is another term.
        _ if term.accents => term.text.to_lowercase(),
        _ => folded(term.fold, &term.text),
    }
}

/// Returns the parts of a term that are hit wherever the term is, if they are terms.
fn inside<'t>(list: &List, term: &'t str) -> impl Iterator<Item = &'t str> {
    let mut parts: Vec<&'t str> = Vec::new();
    let offsets = || {
        term.char_indices()
            .map(|(at, _)| at)
            .chain([term.len()])
            .take_while(|at| *at <= PARTS)
    };
    match list.kind {
        Match::Word | Match::Prefix | Match::Suffix | Match::Substring => {
            let begin = matches!(list.kind, Match::Word | Match::Prefix);
            let close = matches!(list.kind, Match::Word | Match::Suffix);
            for start in offsets().filter(|at| !begin || boundary::begins(term, *at)) {
                for end in offsets().filter(|end| *end > start) {
                    if end - start < term.len() && (!close || boundary::ends(term, end)) {
                        parts.extend(term.get(start..end));
                    }
                }
            }
        }
        Match::Domain => {
            let mut rest = term;
            while let Some((_, parent)) = rest.split_once('.') {
                parts.push(parent);
                rest = parent;
            }
        }
        Match::Regex => {}
    }
    parts.into_iter()
}
