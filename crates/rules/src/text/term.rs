//! A term, compiled: its letters and what stands between them.

use unicode_normalization::char::decompose_canonical;

use super::boundary::is_unspaced;
use super::fold::fold_term;
use super::reading::{Kind, coarse, is_mark};
use super::via::Via;
use crate::list::{Fold, Match};

/// What stands before a letter of a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// The letter before.
    Nothing,
    /// White space.
    Space,
    /// A hyphen, an apostrophe or the like.
    Sign(char),
    /// Several signs or spaces.
    Several,
}

/// Where in a word a term may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edges {
    /// It must begin where a word begins.
    pub(crate) begin: bool,
    /// It must end where a word ends.
    pub(crate) end: bool,
}

impl Edges {
    /// Returns the edges that a way to match asks for.
    pub(crate) fn of(kind: Match) -> Self {
        let (begin, end) = match kind {
            Match::Prefix => (true, false),
            Match::Suffix => (false, true),
            Match::Substring => (false, false),
            Match::Word | Match::Domain | Match::Regex => (true, true),
        };
        Self { begin, end }
    }
}

/// A compiled term.
#[derive(Debug)]
pub(crate) struct Term {
    /// As it was written in the list.
    pub(crate) text: String,
    /// Signs before the first letter.
    pub(crate) head: String,
    /// Signs behind the last one.
    pub(crate) tail: String,
    /// Folded by case and accents.
    pub(crate) letters: Vec<char>,
    /// By letter.
    pub(crate) before: Vec<Before>,
    /// By letter: the number of the first letter that is not of the same run.
    pub(crate) run_end: Vec<usize>,
    /// By letter: its marks, if they matter.
    pub(crate) marks: Option<Vec<Vec<char>>>,
    pub(crate) fold: Fold,
    pub(crate) edges: Edges,
    /// Whether the letters are all Latin.
    pub(crate) is_latin: bool,
    /// Whether the letters are all of scripts without spaces.
    pub(crate) is_unspaced: bool,
}

impl Term {
    /// Compiles a term; `None` if it has no letters.
    pub(crate) fn new(text: &str, fold: Fold, kind: Match, accents: bool) -> Option<Self> {
        let folded = fold_term(text.trim());
        let is_letter = |c: char| match coarse(c).kind {
            Kind::Letter => true,
            Kind::Sign => super::skeleton::is_money(c) || c == '@',
            _ => false,
        };
        let first = folded.find(is_letter)?;
        // A term such as `@ss` or `sh!t` is looked for as it is written; behind its last letter an
        // exclamation mark is one.
        let last = folded.rfind(is_letter)?;
        let end = last + folded.get(last..)?.chars().next()?.len_utf8();
        let (head, rest) = folded.split_at_checked(first)?;
        let (middle, tail) = rest.split_at_checked(end - first)?;
        if !middle.chars().any(|c| coarse(c).kind == Kind::Letter) {
            return None;
        }
        let mut letters = Vec::new();
        let mut before = Vec::new();
        let mut next = Before::Nothing;
        for c in middle.chars() {
            match (coarse(c).kind, next) {
                (Kind::Letter, _) | (Kind::Sign, Before::Nothing) => {
                    letters.push(c);
                    before.push(next);
                    next = Before::Nothing;
                }
                (Kind::Mark | Kind::Invisible, _) => {}
                (Kind::Space, Before::Nothing | Before::Space) => next = Before::Space,
                (Kind::Break, Before::Nothing) => next = Before::Sign(c),
                _ => next = Before::Several,
            }
        }
        let run_end = (0..letters.len())
            .map(|at| {
                let rest = before.get(at + 1..).unwrap_or_default();
                let run = rest.iter().position(|before| *before != Before::Nothing);
                run.map_or(letters.len(), |run| at + 1 + run)
            })
            .collect();
        let marks = accents
            .then(|| marks(text))
            .filter(|marks| marks.len() == letters.len());
        Some(Self {
            text: text.trim().to_owned(),
            head: head.trim().to_owned(),
            tail: tail.trim().to_owned(),
            is_latin: letters.iter().all(char::is_ascii),
            is_unspaced: letters.iter().all(|c| is_unspaced(*c)),
            letters,
            before,
            run_end,
            marks,
            fold,
            edges: Edges::of(kind),
        })
    }

    /// Returns which transformations the term's folding allows.
    pub(crate) fn allowed(&self) -> Via {
        match self.fold {
            Fold::Full => Via::FULL,
            Fold::None | Fold::Case => Via::NONE,
        }
    }

    /// Returns what the automaton looks for: the coarse readings, each run of one letter once, with a
    /// space where a word must begin or end.
    pub(crate) fn patterns(&self) -> Vec<Vec<u8>> {
        let spaced = self.pattern(true);
        let mut patterns = vec![spaced];
        if self.fold == Fold::Full && self.before.iter().any(|before| *before != Before::Nothing) {
            patterns.push(self.pattern(false));
        }
        patterns
    }

    fn pattern(&self, spaced: bool) -> Vec<u8> {
        let mut out = Vec::new();
        if self.edges.begin && !self.letters.first().copied().is_some_and(is_unspaced) {
            out.push(b' ');
        }
        let mut last: Option<char> = None;
        let mut unspaced = None;
        for (letter, before) in self.letters.iter().zip(&self.before) {
            let switches = unspaced.is_some_and(|unspaced| unspaced != is_unspaced(*letter));
            if spaced && *before != Before::Nothing || switches {
                out.push(b' ');
                last = None;
            }
            unspaced = Some(is_unspaced(*letter));
            for unit in super::skeleton::units(coarse(*letter).letters()) {
                if last != Some(unit) {
                    let mut buffer = [0; 4];
                    out.extend_from_slice(unit.encode_utf8(&mut buffer).as_bytes());
                }
                last = Some(unit);
            }
        }
        if self.edges.end && !self.letters.last().copied().is_some_and(is_unspaced) {
            out.push(b' ');
        }
        out
    }
}

/// The marks of each letter of a text, in lower case.
fn marks(text: &str) -> Vec<Vec<char>> {
    let mut all: Vec<Vec<char>> = Vec::new();
    for c in text.chars() {
        for lower in c.to_lowercase() {
            decompose_canonical(lower, |part| {
                if is_mark(part) {
                    if let Some(last) = all.last_mut() {
                        last.push(part);
                    }
                } else if coarse(part).kind == Kind::Letter {
                    all.push(Vec::new());
                }
            });
        }
    }
    all
}
