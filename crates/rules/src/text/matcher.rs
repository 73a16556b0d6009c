//! All terms of all lists in one automaton, and one pass over the text.
//!
//! The automaton runs over the text's coarse reading ([`super::skeleton`]), whatever the folding of a
//! list; what it finds is judged over the original ([`super::walk`]), which knows what each term
//! allows. A term that several lists share, or that looks like another, is one pattern.
//!
//! Nearly all terms begin where a word does. So a word is looked at only if some term begins as it
//! does ([`begins`]), and from its beginning only; terms that may stand inside a word have an
//! automaton of their own, which is run over everything ([`floating`]).
//!
//! Terms without letters, such as `$$` or an emoji, and those of a single letter have an automaton of
//! their own over the text as written. Domains need none: a host and its parents
//! are looked up. Terms with masked letters are looked up by their length and what can be seen of them.

use std::collections::HashMap;

use aho_corasick::Anchored;
use aho_corasick::automaton::{Automaton as _, StateID};
use aho_corasick::nfa::contiguous::NFA;

mod begins;
mod floating;
mod hits;
mod literals;
mod masks;

use begins::Begins;
use floating::Floating;

use hits::{Collector, Target};
pub(crate) use hits::{HITS, Hit, Hits};
use literals::Literals;
use masks::Masks;

use super::prepared::Prepared;
use super::skeleton::{Masked, Region, Skeleton, character};
use super::term::{Before, Edges, Term};
#[cfg(test)]
use super::walk::STEPS;
use super::walk::Walker;
use crate::list::{Fold, List, ListTerm, Match};

/// Letters of a term from which it is found anywhere in a row of letters that stand apart: the
/// spaced letters of a headline would have every short term in them.
const APART: usize = 6;

/// Letters of a term from which it is found beside a sign in a word that is read without its signs.
const JOINED: usize = 5;

/// Words of a single letter.
const WORDS: &str = "aAàÀiIoOôÔyYаАвВиИкКоОсСуУяЯ";

/// Steps that it takes to find where in the original a term is.
const CANDIDATE: u32 = 4;

/// The compiled lists.
#[derive(Debug, Default)]
pub(crate) struct Matcher {
    words: Option<Words>,
    signs: Option<Literals>,
    domains: HashMap<String, Vec<(u32, u32)>>,
    lists: usize,
}

/// The terms with letters.
#[derive(Debug)]
struct Words {
    /// Finds the patterns that begin with a space, which come first.
    finder: NFA,
    begins: Begins,
    floating: Option<Floating>,
    /// One more than there are patterns: each tells where its targets begin.
    patterns: Vec<Pattern>,
    targets: Vec<u32>,
    terms: Vec<(Target, Term)>,
    masks: Masks,
}

#[derive(Clone, Copy, Debug)]
struct Pattern {
    /// Bytes without the spaces at its edges.
    len: u32,
    /// Whether a space stands at its end.
    ends: bool,
    targets: u32,
}

impl Matcher {
    /// Compiles the lists; the error is one phrase.
    pub(crate) fn new(lists: &[List]) -> Result<Self, String> {
        let mut words = WordsBuilder::default();
        let mut signs: HashMap<String, Vec<(Target, Edges)>> = HashMap::new();
        let mut domains: HashMap<String, Vec<(u32, u32)>> = HashMap::new();
        for (list, index) in lists.iter().zip(0u32..) {
            let shielded = list.except.iter().map(|term| (term, true));
            let terms = list.terms.iter().map(|term| (term, false)).zip(0u32..);
            for ((term, shield), number) in terms.chain(shielded.zip(0u32..)) {
                let target = Target {
                    list: index,
                    term: number,
                    shield,
                };
                match term.kind {
                    Match::Regex => {}
                    Match::Domain => {
                        let name = super::links::host_name(&term.text);
                        domains.entry(name).or_default().push((index, number));
                    }
                    _ => {
                        if words.add(term, target) {
                            continue;
                        }
                        let edges = Edges::of(term.kind);
                        let pattern = term.text.to_lowercase();
                        signs.entry(pattern).or_default().push((target, edges));
                    }
                }
            }
        }
        Ok(Self {
            words: words.build()?,
            signs: Literals::new(signs)?,
            domains,
            lists: lists.len(),
        })
    }

    /// Finds all terms in a text.
    pub(crate) fn scan(&self, text: &str) -> Hits {
        self.scan_prepared(text, &Prepared::default())
    }

    /// Finds all terms in a text that may have been read before.
    pub(crate) fn scan_prepared(&self, text: &str, prepared: &Prepared) -> Hits {
        let mut collector = Collector::new(self.lists);
        let mut is_cut = false;
        if let Some(words) = &self.words {
            is_cut = words.scan(text, prepared.skeleton(text), &mut collector);
        }
        if let Some(signs) = &self.signs {
            is_cut |= !signs.scan(text, &mut collector);
        }
        collector.finish(self.lists, is_cut)
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

#[derive(Default)]
struct WordsBuilder {
    patterns: HashMap<Vec<u8>, Vec<u32>>,
    terms: Vec<(Target, Term)>,
    masks: Masks,
}

impl WordsBuilder {
    /// Adds a term; `false` if it has too few letters.
    fn add(&mut self, term: &ListTerm, target: Target) -> bool {
        let Some(compiled) = Term::new(&term.text, term.fold, term.kind, term.accents) else {
            return false;
        };
        let patterns = compiled.patterns();
        // A single letter would be found everywhere.
        if patterns
            .iter()
            .any(|pattern| pattern.trim_ascii().len() < 2)
        {
            return false;
        }
        let Ok(number) = u32::try_from(self.terms.len()) else {
            return false;
        };
        for pattern in patterns {
            self.patterns.entry(pattern).or_default().push(number);
        }
        let one_word = compiled
            .before
            .iter()
            .all(|before| *before == Before::Nothing);
        if term.fold == Fold::Full && one_word && !target.shield && compiled.letters.len() >= 3 {
            self.masks.add(&compiled.letters, number);
        }
        self.terms.push((target, compiled));
        true
    }

    fn build(self) -> Result<Option<Words>, String> {
        if self.patterns.is_empty() {
            return Ok(None);
        }
        let mut sorted: Vec<(Vec<u8>, Vec<u32>)> = self.patterns.into_iter().collect();
        sorted.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let mut patterns = Vec::with_capacity(sorted.len() + 1);
        let mut targets = Vec::new();
        let count = |targets: &Vec<u32>| {
            u32::try_from(targets.len()).map_err(|_| "too many terms".to_owned())
        };
        for (pattern, numbers) in &sorted {
            let letters = pattern.trim_ascii().len();
            patterns.push(Pattern {
                len: u32::try_from(letters).map_err(|_| "a term is too long".to_owned())?,
                ends: pattern.ends_with(b" "),
                targets: count(&targets)?,
            });
            targets.extend(numbers);
        }
        patterns.push(Pattern {
            len: 0,
            ends: false,
            targets: count(&targets)?,
        });
        let n_spaced = sorted.partition_point(|(pattern, _)| pattern.starts_with(b" "));
        let (spaced, floating) = sorted.split_at(n_spaced);
        let spaced = spaced.iter().map(|(pattern, _)| pattern.as_slice());
        let floating = floating.iter().map(|(pattern, _)| pattern.as_slice());
        let mut builder = NFA::builder();
        let finder = builder.prefilter(false).build(spaced.clone());
        Ok(Some(Words {
            finder: finder.map_err(|error| error.to_string())?,
            begins: Begins::new(spaced),
            floating: Floating::new(floating, n_spaced)?,
            patterns,
            targets,
            terms: self.terms,
            masks: self.masks,
        }))
    }
}

impl Words {
    /// Finds the terms; whether there was too much to look at.
    fn scan(&self, text: &str, skeleton: &Skeleton, collector: &mut Collector) -> bool {
        let mut scan = Scan {
            words: self,
            text,
            skeleton,
            walker: Walker::new(text),
            collector,
        };
        scan.run();
        for masked in &skeleton.masked {
            scan.masked(*masked);
        }
        let is_cut = scan.walker.is_exhausted() || skeleton.is_cut;
        #[cfg(test)]
        {
            collector.work += (STEPS - scan.walker.steps) as usize + skeleton.coarse.len();
        }
        is_cut
    }
}

/// Letters that a term must have at least.
#[derive(Clone, Copy, Debug)]
struct Least {
    /// Where it ends as the reading does.
    whole: usize,
    /// Where it ends in the middle of a word.
    cut: usize,
}

/// One pass.
struct Scan<'s, 't> {
    words: &'s Words,
    text: &'t str,
    skeleton: &'s Skeleton,
    walker: Walker<'t>,
    collector: &'s mut Collector,
}

impl Scan<'_, '_> {
    fn run(&mut self) {
        let Words {
            begins, floating, ..
        } = self.words;
        let skeleton = self.skeleton;
        for start in skeleton.beginnings() {
            if begins.may_begin(&skeleton.coarse, start) {
                self.word(start, skeleton.base, None);
                if self.walker.is_exhausted() {
                    return;
                }
            }
        }
        if let Some(floating) = floating {
            floating.scan(&skeleton.coarse, skeleton.base, |state, end| {
                self.matches(&floating.finder, floating.first, state, end, 0);
                !self.walker.is_exhausted()
            });
        }
        let starts = skeleton.regions.iter().skip(1).map(|(start, _)| *start);
        let ends = starts.chain([skeleton.coarse.len()]);
        for ((start, region), end) in skeleton.regions.iter().zip(ends) {
            self.region(*start, *region, end);
        }
    }

    /// Looks through another reading: a word may begin wherever a sign was left out.
    fn region(&mut self, start: usize, region: Region, end: usize) {
        let least = match region {
            Region::Joined => JOINED,
            Region::Apart => APART,
        };
        self.inside(start, end, least);
        for from in start..end {
            let inner = if region == Region::Apart && self.is_word(start, from) {
                0
            } else {
                least
            };
            if self.skeleton.coarse.get(from.wrapping_sub(1)) == Some(&b' ') {
                self.word(
                    from,
                    end,
                    Some(Least {
                        whole: 0,
                        cut: inner,
                    }),
                );
            } else if self.skeleton.may_start(from) {
                let least = Least {
                    whole: inner,
                    cut: inner,
                };
                self.word(from, end, Some(least));
            }
        }
    }

    /// Looks for the terms that begin with a word. In another reading, one may end where a sign was
    /// left out; `least` is of how many letters a term must be there.
    fn word(&mut self, from: usize, end: usize, least: Option<Least>) {
        let finder = &self.words.finder;
        let Ok(root) = finder.start_state(Anchored::Yes) else {
            return;
        };
        let mut state = finder.next_state(Anchored::Yes, root, b' ');
        for at in from..end {
            let Some(byte) = self.byte(at) else {
                return;
            };
            state = finder.next_state(Anchored::Yes, state, byte);
            if finder.is_special(state) {
                if finder.is_dead(state) {
                    return;
                }
                if finder.is_match(state) {
                    let whole = least.map_or(0, |least| least.whole);
                    self.matches(finder, 0, state, at + 1, whole);
                }
            }
            if let Some(least) = least {
                self.cut(finder, 0, Anchored::Yes, state, at, end, least.cut);
            }
        }
    }

    /// Looks through another reading for the terms that may stand inside a word.
    fn inside(&mut self, start: usize, end: usize, least: usize) {
        let Some(Floating { finder, first, .. }) = &self.words.floating else {
            return;
        };
        let Ok(mut state) = finder.start_state(Anchored::No) else {
            return;
        };
        for at in start..end {
            let Some(byte) = self.byte(at) else {
                return;
            };
            state = finder.next_state(Anchored::No, state, byte);
            if finder.is_special(state) && finder.is_match(state) {
                self.matches(finder, *first, state, at + 1, 0);
            }
            self.cut(finder, *first, Anchored::No, state, at, end, least);
        }
    }

    /// Reads a byte of another reading, which is a step of the work.
    fn byte(&mut self, at: usize) -> Option<u8> {
        self.walker.steps = self.walker.steps.checked_sub(1)?;
        self.skeleton.coarse.get(at).copied()
    }

    /// Looks for terms that end behind a byte of another reading, if a word may end there.
    #[expect(clippy::too_many_arguments, reason = "the state of a pass")]
    fn cut(
        &mut self,
        finder: &NFA,
        first: usize,
        anchored: Anchored,
        state: StateID,
        at: usize,
        end: usize,
        least: usize,
    ) {
        if self.skeleton.may_start(at + 1) && self.skeleton.coarse.get(at) != Some(&b' ') {
            let edge = finder.next_state(anchored, state, b' ');
            if finder.is_special(edge) && finder.is_match(edge) {
                let least = if self.is_word(at + 1, end) { 0 } else { least };
                self.matches(finder, first, edge, at + 2, least);
            }
        }
    }

    /// Whether a part of another reading is a single letter that is a word: a short term beside it
    /// is one as well.
    fn is_word(&self, from: usize, to: usize) -> bool {
        let part = self.skeleton.coarse.get(from..to).unwrap_or_default();
        let letter = self.skeleton.original(self.text, from);
        let letter = letter.and_then(|at| character(self.text, at));
        part.trim_ascii_end().len() == 1 && letter.is_some_and(|(c, _)| WORDS.contains(c))
    }

    /// Judges the patterns of a state; `first` is the number of the automaton's first.
    fn matches(&mut self, finder: &NFA, first: usize, state: StateID, end: usize, least: usize) {
        for index in 0..finder.match_len(state) {
            // Where a term ends as many others do, the looking itself is the work.
            let Some(steps) = self.walker.steps.checked_sub(CANDIDATE) else {
                self.walker.steps = 0;
                return;
            };
            self.walker.steps = steps;
            let pattern = first + finder.match_pattern(state, index).as_usize();
            self.candidate(pattern, end, least);
        }
    }

    /// Judges the terms of a pattern that ends before a place of the coarse reading; they must have
    /// a number of letters at least.
    fn candidate(&mut self, pattern: usize, end: usize, least: usize) {
        let words = self.words;
        let (Some(found), Some(next)) =
            (words.patterns.get(pattern), words.patterns.get(pattern + 1))
        else {
            return;
        };
        let start = end - usize::from(found.ends) - found.len as usize;
        let Some(origin) = self.skeleton.original(self.text, start) else {
            return;
        };
        let numbers = words
            .targets
            .get(found.targets as usize..next.targets as usize);
        for number in numbers.unwrap_or_default() {
            let Some((target, term)) = words.terms.get(*number as usize) else {
                continue;
            };
            if term.letters.len() < least || !self.collector.wants(*target) {
                continue;
            }
            if let Some(found) = self.walker.find(term, origin, false) {
                self.collector
                    .add(*target, found.start, found.end, found.via);
            }
        }
    }

    /// Compares a word with masked letters with the terms of its length.
    fn masked(&mut self, masked: Masked) {
        for number in self.words.masks.like(self.text, masked) {
            let Some(steps) = self.walker.steps.checked_sub(1) else {
                return;
            };
            self.walker.steps = steps;
            let term = number.and_then(|number| self.words.terms.get(number as usize));
            let Some((target, term)) = term else {
                continue;
            };
            if !self.collector.wants(*target) {
                continue;
            }
            if let Some(found) = self.walker.find(term, masked.start, true)
                && found.end <= masked.end
            {
                self.collector
                    .add(*target, found.start, found.end, found.via);
            }
        }
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod properties;
