//! Looking terms up in a text, for tools.

use serde::Serialize;

use crate::list::Match;
use crate::load::RuleSet;

/// A term of a list in a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ListHit {
    /// The list.
    pub list: String,
    /// The term as it is in the list.
    pub term: String,
    /// Where it begins, in code points.
    pub start: usize,
    /// Where it ends, in code points.
    pub end: usize,
    /// The characters that were written.
    pub text: String,
    /// The transformations that it took, by their names.
    pub via: Vec<&'static str>,
}

impl RuleSet {
    /// Finds the terms of all lists in a text, in the order of the text, whether a rule asks for them
    /// or not. Of each list up to 64 are told.
    pub fn list_hits(&self, text: &str) -> Vec<ListHit> {
        let mut found: Vec<(usize, usize, ListHit)> = Vec::new();
        let mut add = |start: usize, end: usize, list: &str, term: &str, via| {
            let (Some(before), Some(own)) = (text.get(..start), text.get(start..end)) else {
                return;
            };
            let from = before.chars().count();
            let hit = ListHit {
                list: list.to_owned(),
                term: term.to_owned(),
                start: from,
                end: from + own.chars().count(),
                text: own.to_owned(),
                via,
            };
            found.push((start, end, hit));
        };
        let hits = self.matcher.scan(text);
        for hit in &hits.found {
            let Some(list) = self.lists.get(hit.list as usize) else {
                continue;
            };
            if let Some(term) = list.terms.get(hit.term as usize) {
                let (start, end) = (hit.start as usize, hit.end as usize);
                add(
                    start,
                    end,
                    &list.name,
                    &term.text,
                    hit.via.names().collect(),
                );
            }
        }
        for list in self.lists.iter().filter(|list| list.kind == Match::Regex) {
            for (regex, term) in list.regexes.iter().zip(&list.terms) {
                for place in regex.find_iter(text).take(64) {
                    add(
                        place.start(),
                        place.end(),
                        &list.name,
                        &term.text,
                        Vec::new(),
                    );
                }
            }
        }
        for link in crate::text::links::find(text, &[], &self.matcher) {
            let Some((start, end)) = link.place(text) else {
                continue;
            };
            for (list, term) in self.matcher.domain(&link.host) {
                let list = self.lists.get(list as usize);
                let term = list.and_then(|list| list.terms.get(term as usize));
                if let (Some(list), Some(term)) = (list, term) {
                    add(start, end, &list.name, &term.text, Vec::new());
                }
            }
        }
        found.sort_by(|a, b| (a.0, a.1, &a.2.list).cmp(&(b.0, b.1, &b.2.list)));
        found.into_iter().map(|(.., hit)| hit).collect()
    }
}
