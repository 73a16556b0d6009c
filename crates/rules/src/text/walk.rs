//! The judge of what the automaton finds: walks along the original and a term together.
//!
//! The automaton sees a coarse reading, in which more is alike than is. The walk looks at what was
//! really written, decides whether it is the term, and says which transformations that takes.

use unicode_normalization::char::decompose_canonical;

use super::boundary;
use super::fold::fold_char;
use super::markup;
use super::reading::{Kind, Script, coarse, is_genuine, is_mark, script, stands_for};
use super::skeleton::{character, is_star};
use super::term::{Before, Term};
use super::via::Via;
use crate::list::Fold;

/// Marks on one letter from which they are more than a language puts there.
const PILE: u32 = 3;

/// Letters of a term from which signs may stand between some of its letters only.
const LONG: usize = 5;

/// Units that stand behind a number: a number with one of them is a measurement, and no word.
const MEASURES: [&str; 64] = [
    "m", "km", "cm", "mm", "kg", "g", "mg", "t", "l", "cl", "ml", "dl", "h", "min", "mn", "s",
    "sec", "ms", "j", "go", "mo", "ko", "to", "gb", "mb", "kb", "tb", "w", "kw", "kwh", "mw", "gw",
    "v", "a", "ma", "hz", "ghz", "mhz", "k", "x", "p", "px", "pt", "e", "er", "ere", "eme", "es",
    "st", "nd", "rd", "th", "am", "pm", "d", "c", "f", "b", "ans", "an", "m2", "m3", "cv", "ch",
];

/// Work that one text may cost, in characters looked at.
pub(crate) const STEPS: u32 = 1 << 20;

/// Where a term was found and what it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) via: Via,
}

/// What was walked along.
#[derive(Clone, Copy, Debug, Default)]
struct Trail {
    via: Via,
    /// Letters that stand for themselves, digits and signs apart.
    genuine: usize,
    /// Letters of ASCII.
    ascii: usize,
    gaps: usize,
    spaces: bool,
    part: usize,
    longest: usize,
}

/// Looks for terms at places of one text.
#[derive(Debug)]
pub(crate) struct Walker<'t> {
    text: &'t str,
    /// Characters that may still be looked at.
    pub(crate) steps: u32,
    buffer: Vec<char>,
    /// Whether the text has letters that only Greek, or only Cyrillic, has; found when first asked.
    genuine: [Option<bool>; 2],
}

impl<'t> Walker<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self {
            text,
            steps: STEPS,
            buffer: Vec::new(),
            genuine: [None; 2],
        }
    }

    /// Whether the work was cut short: what follows was not looked at.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.steps == 0
    }

    /// Looks for a term that begins at a place, or at a later letter of the same run.
    pub(crate) fn find(&mut self, term: &Term, start: usize, masks: bool) -> Option<Found> {
        if let Some(found) = self.find_at(term, start, masks) {
            return Some(found);
        }
        if term.edges.begin {
            return None;
        }
        // In `aaab` the automaton finds the beginning of the run, and `ab` begins at its end.
        let (first, mut len) = character(self.text, start)?;
        let mut at = start;
        loop {
            at += len;
            let (next, next_len) = character(self.text, at)?;
            if !same_letter(first, next) {
                return None;
            }
            len = next_len;
            if let Some(found) = self.find_at(term, at, masks) {
                return Some(found);
            }
            if self.steps == 0 {
                return None;
            }
        }
    }

    fn find_at(&mut self, term: &Term, start: usize, masks: bool) -> Option<Found> {
        let (start, end, via) = match term.fold {
            Fold::None => self.exact(term, start)?,
            Fold::Case | Fold::Full => {
                let (end, via) = self.walk(term, start, masks)?;
                let before = self.text.get(..start)?.strip_suffix(&*term.head)?;
                let behind = self.text.get(end..)?.strip_prefix(&*term.tail)?;
                (before.len(), self.text.len() - behind.len(), via)
            }
        };
        let begins = !term.edges.begin || boundary::begins(self.text, start);
        let ends = !term.edges.end || boundary::ends(self.text, end);
        (begins && ends).then_some(Found { start, end, via })
    }

    fn exact(&mut self, term: &Term, letters: usize) -> Option<(usize, usize, Via)> {
        self.steps = self.steps.checked_sub(1)?;
        let start = letters.checked_sub(term.head.len())?;
        let rest = self.text.get(start..)?;
        rest.starts_with(&*term.text)
            .then(|| (start, start + term.text.len(), Via::NONE))
    }

    /// Walks along text and term; returns where the term ends and what it took.
    fn walk(&mut self, term: &Term, start: usize, masks: bool) -> Option<(usize, Via)> {
        let allowed = term.allowed();
        let mut trail = Trail::default();
        let mut at = start;
        let mut next = 0;
        let mut bridged = true;
        let mut in_gap = false;
        let mut pile = 0;
        let mut own_marks = Vec::new();
        while next < term.letters.len() {
            self.steps = self.steps.checked_sub(1)?;
            if !trail.via.is_within(allowed) {
                return None;
            }
            if next > 0
                && self.text.as_bytes().get(at) == Some(&b'<')
                && let Some(tag) = markup::tag(self.text, at)
                && bridged
            {
                trail.via |= Via::HTML;
                at += tag;
                continue;
            }
            let (c, len) = character(self.text, at)?;
            let entity = len > 1 && self.text.as_bytes().get(at) == Some(&b'&');
            let html = if entity { Via::HTML } else { Via::NONE };
            let kind = coarse(c).kind;
            match kind {
                Kind::Invisible => {
                    trail.via |= Via::INVISIBLE;
                    at += len;
                    continue;
                }
                Kind::Mark => {
                    pile += 1;
                    if pile >= PILE {
                        trail.via |= Via::MARKS;
                    }
                    own_marks.push(c);
                    at += len;
                    continue;
                }
                _ => {}
            }
            if !bridged {
                match self.bridge(term.before.get(next).copied()?, c, kind, in_gap) {
                    Bridge::Past(via) => {
                        trail.via |= via | html;
                        in_gap = true;
                        at += len;
                        continue;
                    }
                    Bridge::Arrived(via) => {
                        trail.via |= via;
                        trail.longest = trail.longest.max(trail.part);
                        trail.part = 0;
                        bridged = true;
                        in_gap = false;
                    }
                }
            }
            let run = term.letters.get(next..*term.run_end.get(next)?)?;
            if let Some((n, via)) = stands_for(c, run, &mut self.buffer) {
                if next > 0 && !marks_agree(term, next - 1, &own_marks) {
                    return None;
                }
                own_marks.clear();
                marks_of(c, &mut own_marks);
                pile = u32::try_from(own_marks.len()).unwrap_or(PILE);
                trail.via |= via | html;
                trail.genuine += if via.has(Via::LEET) { 0 } else { n };
                trail.ascii += usize::from(c.is_ascii());
                trail.part += n;
                next += n;
                in_gap = false;
                bridged = term
                    .before
                    .get(next)
                    .is_none_or(|before| *before == Before::Nothing);
            } else if masks && is_mask(c, kind) {
                trail.via |= Via::MASK;
                own_marks.clear();
                next += 1;
                bridged = term
                    .before
                    .get(next)
                    .is_none_or(|before| *before == Before::Nothing);
            } else if next > 0 && !in_gap && self.repeats(c, term, next) {
                trail.via |= Via::REPEATS | html;
            } else if next > 0 && !masks && matches!(kind, Kind::Space | Kind::Break | Kind::Sign) {
                trail.via |= Via::SPACING;
                trail.spaces |= kind == Kind::Space;
                if !in_gap {
                    trail.gaps += 1;
                    trail.longest = trail.longest.max(trail.part);
                    trail.part = 0;
                    in_gap = true;
                }
            } else {
                return None;
            }
            at += len;
        }
        at = self.absorb(term, at, &mut own_marks, &mut trail, pile)?;
        let ok = trail.via.is_within(allowed)
            && marks_agree(term, term.letters.len() - 1, &own_marks)
            && self.is_meant(term, start, at, &mut trail);
        ok.then_some((at, trail.via))
    }

    /// What stands between two words of a term, or in its place.
    fn bridge(&self, before: Before, c: char, kind: Kind, begun: bool) -> Bridge {
        let letter = kind == Kind::Letter;
        match before {
            Before::Nothing => Bridge::Arrived(Via::NONE),
            Before::Space => match kind {
                Kind::Space => Bridge::Past(Via::NONE),
                _ if letter && begun => Bridge::Arrived(Via::NONE),
                Kind::Letter => Bridge::Arrived(Via::SPACING),
                Kind::Sign if begun => Bridge::Arrived(Via::NONE),
                _ => Bridge::Past(Via::SPACING),
            },
            Before::Several => match kind {
                Kind::Letter if begun => Bridge::Arrived(Via::NONE),
                Kind::Letter => Bridge::Arrived(Via::SPACING),
                _ => Bridge::Past(Via::NONE),
            },
            Before::Sign(sign) => {
                let mut own = Vec::new();
                fold_char(c, &mut own);
                if own == [sign] && !begun {
                    Bridge::Past(Via::NONE)
                } else if letter {
                    let left_out = if begun { Via::NONE } else { Via::SPACING };
                    Bridge::Arrived(left_out)
                } else {
                    Bridge::Past(Via::SPACING)
                }
            }
        }
    }

    /// Whether a character repeats the letter before.
    fn repeats(&mut self, c: char, term: &Term, next: usize) -> bool {
        let last = term.letters.get(next - 1..next);
        last.is_some_and(|last| stands_for(c, last, &mut self.buffer).is_some())
    }

    /// Takes in the marks and repeats behind the last letter.
    fn absorb(
        &mut self,
        term: &Term,
        mut at: usize,
        own_marks: &mut Vec<char>,
        trail: &mut Trail,
        mut pile: u32,
    ) -> Option<usize> {
        let last = *term.letters.last()?;
        while let Some((c, len)) = character(self.text, at) {
            self.steps = self.steps.checked_sub(1)?;
            if coarse(c).kind == Kind::Mark {
                own_marks.push(c);
                pile += 1;
                if pile >= PILE {
                    trail.via |= Via::MARKS;
                }
            } else if term.allowed().has(Via::REPEATS) && c.is_alphabetic() && same_letter(c, last)
            {
                trail.via |= Via::REPEATS;
                pile = 0;
            } else {
                break;
            }
            at += len;
        }
        Some(at)
    }

    /// Whether all that was taken for letters together is enough of a word.
    fn is_meant(&mut self, term: &Term, start: usize, end: usize, trail: &mut Trail) -> bool {
        let n = term.letters.len();
        if trail.gaps > 0 {
            let longest = trail.longest.max(trail.part);
            let apart = n >= 3 && longest == 1;
            if !apart && (trail.spaces || n < LONG) {
                return false;
            }
        }
        if trail.via.has(Via::LEET)
            && (trail.genuine == 0 || trail.genuine * 4 < n || self.is_measure(start, end))
        {
            return false;
        }
        if trail.via.has(Via::CONFUSABLES) && term.is_latin && trail.ascii == 0 {
            return !self.is_in_its_script(start);
        }
        true
    }

    /// Whether what begins at a place is a number with a unit.
    fn is_measure(&self, start: usize, end: usize) -> bool {
        let written = self.text.get(start..end).unwrap_or_default();
        let number =
            |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '\u{a0}' | '\u{202f}' | ' ');
        let unit = written.trim_start_matches(number);
        unit.len() < written.len()
            && MEASURES
                .iter()
                .any(|known| unit.eq_ignore_ascii_case(known))
    }

    /// Whether the word at a place is written in a script that the text has other words of.
    fn is_in_its_script(&mut self, start: usize) -> bool {
        let first = character(self.text, start).map(|(c, _)| script(c));
        let (slot, of) = match first {
            Some(Script::Greek) => (0, Script::Greek),
            Some(Script::Cyrillic) => (1, Script::Cyrillic),
            _ => return false,
        };
        let text = self.text;
        self.genuine.get_mut(slot).is_some_and(|known| {
            *known.get_or_insert_with(|| text.chars().any(|c| is_genuine(c, of)))
        })
    }
}

enum Bridge {
    /// The character is part of what is between the words.
    Past(Via),
    /// It is the next word's first letter.
    Arrived(Via),
}

fn same_letter(a: char, b: char) -> bool {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    fold_char(a, &mut left);
    fold_char(b, &mut right);
    left == right
}

/// Whether a character may hide a letter.
fn is_mask(c: char, kind: Kind) -> bool {
    is_star(c)
        || matches!(kind, Kind::Break)
            && matches!(c, '-' | '.' | '_' | '~' | '^' | '=' | '/' | '·' | '?')
}

/// The marks that a character has in itself.
fn marks_of(c: char, out: &mut Vec<char>) {
    if c.is_ascii() {
        return;
    }
    decompose_canonical(c, |part| {
        if is_mark(part) {
            out.push(part);
        }
    });
}

/// Whether a letter has the marks that its term asks for, if it asks.
fn marks_agree(term: &Term, letter: usize, own: &[char]) -> bool {
    term.marks
        .as_ref()
        .and_then(|marks| marks.get(letter))
        .is_none_or(|wanted| wanted == own)
}
