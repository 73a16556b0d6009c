//! All terms of all lists in one automaton, and one pass over the text.
//!
//! Terms of `word` and `substring` lists are patterns of one Aho-Corasick automaton over the
//! folded text; those of lists that are not folded have a second one over the text as written.
//! A term that several lists share is one pattern. Domains need no automaton: a host and its
//! parents are looked up.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::boundary;
use super::fold::{Folded, fold_term};
use crate::list::{Fold, List, Match};

/// Hits that are counted per list and text.
pub(crate) const HITS: u32 = 4_096;

/// Hits whose places are kept per list and text: more than a decision shows.
const PLACES: u32 = 64;

/// Bytes of patterns up to which the faster, larger kind of automaton is worth its memory.
const SMALL: usize = 96 * 1024;

/// The compiled lists.
#[derive(Debug, Default)]
pub(crate) struct Matcher {
    folded: Option<Automaton>,
    raw: Option<Automaton>,
    domains: HashMap<String, Vec<(u32, u32)>>,
    lists: usize,
}

#[derive(Debug)]
struct Automaton {
    finder: AhoCorasick,
    /// Where the targets of each pattern begin; one more than there are patterns.
    starts: Vec<u32>,
    targets: Vec<Target>,
}

#[derive(Clone, Copy, Debug)]
struct Target {
    list: u32,
    term: u32,
    word: bool,
}

/// A term of a list at a place in the original text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) list: u32,
    pub(crate) term: u32,
}

/// What a text hit.
#[derive(Debug, Default)]
pub(crate) struct Hits {
    lists: Vec<u64>,
    counts: Vec<u32>,
    pub(crate) found: Vec<Hit>,
}

impl Hits {
    /// Makes room for a number of lists.
    pub(crate) fn new(lists: usize) -> Self {
        Self {
            lists: vec![0; lists.div_ceil(64)],
            counts: vec![0; lists],
            found: Vec::new(),
        }
    }

    /// Notes a hit.
    pub(crate) fn add(&mut self, hit: Hit) {
        if let Some(word) = self.lists.get_mut(hit.list as usize / 64) {
            *word |= 1 << (hit.list % 64);
        }
        if let Some(count) = self.counts.get_mut(hit.list as usize) {
            if *count < PLACES {
                self.found.push(hit);
            }
            *count = count.saturating_add(1).min(HITS);
        }
    }

    /// Returns how many hits a list has, up to [`HITS`].
    pub(crate) fn count(&self, list: u32) -> u32 {
        self.counts.get(list as usize).copied().unwrap_or_default()
    }

    /// Tells whether a list was hit.
    pub(crate) fn has(&self, list: u32) -> bool {
        self.lists
            .get(list as usize / 64)
            .is_some_and(|word| word & (1 << (list % 64)) != 0)
    }

    /// Returns the lists that were hit.
    pub(crate) fn lists(&self) -> impl Iterator<Item = u32> + '_ {
        self.lists.iter().zip(0u32..).flat_map(|(word, index)| {
            let word = *word;
            (0..64)
                .filter(move |bit| word & (1 << bit) != 0)
                .map(move |bit| index * 64 + bit)
        })
    }
}

impl Matcher {
    /// Compiles the lists; the error is one phrase.
    pub(crate) fn new(lists: &[List]) -> Result<Self, String> {
        let mut folded: HashMap<String, Vec<Target>> = HashMap::new();
        let mut raw: HashMap<String, Vec<Target>> = HashMap::new();
        let mut domains: HashMap<String, Vec<(u32, u32)>> = HashMap::new();
        for (list, index) in lists.iter().zip(0u32..) {
            for (term, number) in list.terms.iter().zip(0u32..) {
                let target = Target {
                    list: index,
                    term: number,
                    word: list.kind == Match::Word,
                };
                match (list.kind, list.fold) {
                    (Match::Regex, _) => {}
                    (Match::Domain, _) => {
                        domains
                            .entry(term.to_lowercase())
                            .or_default()
                            .push((index, number));
                    }
                    (_, Fold::Case) => folded.entry(fold_term(term)).or_default().push(target),
                    (_, Fold::None) => raw.entry(term.clone()).or_default().push(target),
                }
            }
        }
        Ok(Self {
            folded: Automaton::new(folded)?,
            raw: Automaton::new(raw)?,
            domains,
            lists: lists.len(),
        })
    }

    /// Finds all terms in a text and its folded form.
    pub(crate) fn scan<'t>(&self, text: &'t str, fold: impl FnOnce() -> Folded<'t>) -> Hits {
        let mut hits = Hits::new(self.lists);
        if let Some(automaton) = &self.raw {
            automaton.scan(text, Some, &mut hits);
        }
        if let Some(automaton) = &self.folded {
            let folded = fold();
            automaton.scan(&folded.text, |offset| folded.original(offset), &mut hits);
        }
        hits
    }

    /// Returns the list entries that a host is in, itself or as part of a listed domain.
    pub(crate) fn domain<'m>(&'m self, host: &'m str) -> impl Iterator<Item = (u32, u32)> + 'm {
        let mut rest = (!self.domains.is_empty()).then_some(host);
        std::iter::from_fn(move || {
            let name = rest?;
            rest = name.split_once('.').map(|(_, parent)| parent);
            Some(self.domains.get(name).map_or(&[][..], Vec::as_slice))
        })
        .flatten()
        .copied()
    }

    /// Returns how many lists there are.
    pub(crate) fn lists(&self) -> usize {
        self.lists
    }
}

impl Automaton {
    fn new(patterns: HashMap<String, Vec<Target>>) -> Result<Option<Self>, String> {
        if patterns.is_empty() {
            return Ok(None);
        }
        let mut patterns: Vec<(String, Vec<Target>)> = patterns.into_iter().collect();
        patterns.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let bytes: usize = patterns.iter().map(|(pattern, _)| pattern.len()).sum();
        let kind = if bytes <= SMALL {
            AhoCorasickKind::DFA
        } else {
            AhoCorasickKind::ContiguousNFA
        };
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(kind))
            .build(patterns.iter().map(|(pattern, _)| pattern))
            .map_err(|error| error.to_string())?;
        let mut starts = vec![0];
        let mut targets = Vec::new();
        for (_, of_pattern) in patterns {
            targets.extend(of_pattern);
            starts.push(u32::try_from(targets.len()).map_err(|_| "too many terms".to_owned())?);
        }
        Ok(Some(Self {
            finder,
            starts,
            targets,
        }))
    }

    fn scan(&self, text: &str, original: impl Fn(usize) -> Option<usize>, hits: &mut Hits) {
        for found in self.finder.find_overlapping_iter(text) {
            let pattern = found.pattern().as_usize();
            let (Some(from), Some(to)) = (self.starts.get(pattern), self.starts.get(pattern + 1))
            else {
                continue;
            };
            let targets = self
                .targets
                .get(*from as usize..*to as usize)
                .unwrap_or_default();
            let is_word =
                boundary::begins(text, found.start()) && boundary::ends(text, found.end());
            if !is_word && targets.iter().all(|target| target.word) {
                continue;
            }
            let (Some(start), Some(end)) = (original(found.start()), original(found.end())) else {
                continue;
            };
            let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(end)) else {
                continue;
            };
            for target in targets {
                if is_word || !target.word {
                    hits.add(Hit {
                        start,
                        end,
                        list: target.list,
                        term: target.term,
                    });
                }
            }
        }
    }
}
