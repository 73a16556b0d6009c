//! A term, compiled: its letters and what stands between them.

use unicode_normalization::char::decompose_canonical;

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
}

impl Term {
    /// Compiles a term; `None` if it has no letters that an automaton over letters could find, or
    /// begins or ends with a sign.
    pub(crate) fn new(text: &str, fold: Fold, kind: Match, accents: bool) -> Option<Self> {
        let mut letters = Vec::new();
        let mut before = Vec::new();
        let mut next = Before::Nothing;
        for c in fold_term(text.trim()).chars() {
            match coarse(c).kind {
                Kind::Letter => {
                    letters.push(c);
                    before.push(next);
                    next = Before::Nothing;
                }
                Kind::Mark | Kind::Invisible => {}
                // A leading sign has no letter before it.
                _ if letters.is_empty() => return None,
                Kind::Space => {
                    if next == Before::Nothing {
                        next = Before::Space;
                    }
                }
                // Two signs in a row are more than a gap.
                Kind::Sign | Kind::Break if next != Before::Nothing => return None,
                Kind::Sign | Kind::Break => next = Before::Sign(c),
            }
        }
        if letters.is_empty() || next != Before::Nothing {
            return None;
        }
        let run_end = (0..letters.len())
            .map(|at| {
                let rest = before.get(at + 1..).unwrap_or_default();
                let run = rest.iter().position(|before| *before != Before::Nothing);
                run.map_or(letters.len(), |run| at + 1 + run)
            })
            .collect();
        let marks = accents.then(|| marks(text)).filter(|marks| marks.len() == letters.len());
        Some(Self {
            text: text.to_owned(),
            is_latin: letters.iter().all(char::is_ascii),
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

    /// Returns what the automaton looks for: the coarse readings, each run of one letter once.
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
        let mut last: Option<char> = None;
        for (letter, before) in self.letters.iter().zip(&self.before) {
            if spaced && *before != Before::Nothing {
                out.push(b' ');
                last = None;
            }
            for unit in super::skeleton::units(coarse(*letter).letters()) {
                if last != Some(unit) {
                    let mut buffer = [0; 4];
                    out.extend_from_slice(unit.encode_utf8(&mut buffer).as_bytes());
                }
                last = Some(unit);
            }
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
