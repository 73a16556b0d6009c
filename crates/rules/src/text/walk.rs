//! The judge of what the automaton finds: walks along the original and a term together.
//!
//! The automaton sees a coarse reading, in which more is alike than is. The walk looks at what was
//! really written, decides whether it is the term, and says which transformations that takes.

use std::collections::VecDeque;

use unicode_normalization::char::decompose_canonical;

use super::boundary;
use super::fold::fold_char;
use super::markup;
use super::reading::{Genuine, Kind, Script, coarse, genuine, is_mark, script, stands_for};
use super::skeleton::{character, is_star};
use super::term::{Before, Term};
use super::via::Via;
use crate::list::Fold;

/// Marks on one letter from which they are more than a language puts there.
const PILE: u32 = 3;

/// Letters of a term from which signs may stand between some of its letters only.
const LONG: usize = 5;

/// Letters of a term from which its letters may stand apart by one sign here and another there: in
/// code and in initials, as in `a[5] += s` and `A. S. S.`, single letters spell many a short word.
const UNEVEN: usize = 6;

/// Letters of a word from which one of them may be doubled: `bitte` is not `bite`.
const DOUBLED: usize = 5;

/// Units that stand behind a number: a number with one of them is a measurement, and no word.
const MEASURES: [&str; 64] = [
    "m", "km", "cm", "mm", "kg", "g", "mg", "t", "l", "cl", "ml", "dl", "h", "min", "mn", "s",
    "sec", "ms", "j", "go", "mo", "ko", "to", "gb", "mb", "kb", "tb", "w", "kw", "kwh", "mw", "gw",
    "v", "a", "ma", "hz", "ghz", "mhz", "k", "x", "p", "px", "pt", "e", "er", "ere", "eme", "es",
    "st", "nd", "rd", "th", "am", "pm", "d", "c", "f", "b", "ans", "an", "m2", "m3", "cv", "ch",
];

/// Characters that are looked back for the beginning of a URL.
const URL: usize = 512;

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
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that is seen or not"
)]
struct Trail {
    via: Via,
    /// Letters that stand for themselves, digits and signs apart.
    genuine: usize,
    /// Letters of ASCII.
    ascii: usize,
    /// Digits that stand for letters.
    digits: usize,
    gaps: usize,
    spaces: bool,
    /// The sign in the first gap.
    separator: Option<char>,
    /// Whether another sign stands in a gap.
    uneven: bool,
    /// Whether a capital stands behind a gap and a small letter before it, as between sentences.
    raised: bool,
    /// Whether a letter of a short word is written twice where the term has it once.
    doubled: bool,
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
    /// Whether there is anything like a URL in the text; found when first asked.
    has_url: Option<bool>,
}

impl<'t> Walker<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self {
            text,
            steps: STEPS,
            buffer: Vec::new(),
            genuine: [None; 2],
            has_url: None,
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
        let (first, len) = character(self.text, start)?;
        if term.edges.begin {
            return self.find_apart(term, first, start + len, masks);
        }
        // In `aaab` the automaton finds the beginning of the run, and `aab` begins near its end.
        let own = term.letters.first()?;
        let own = term.letters.iter().take_while(|c| *c == own).count();
        let mut places = VecDeque::with_capacity(own + 1);
        let mut at = start;
        while let Some((next, len)) = character(self.text, at)
            && same_letter(first, next)
        {
            self.steps = self.steps.checked_sub(1)?;
            places.push_back(at);
            if places.len() > own {
                places.pop_front();
            }
            at += len;
        }
        let last = *places.front()?;
        (last > start).then(|| self.find_at(term, last, masks))?
    }

    /// Looks for a term that begins behind a word of a single letter, the same as its first: the
    /// automaton sees one letter in `a a s s`.
    fn find_apart(
        &mut self,
        term: &Term,
        first: char,
        mut at: usize,
        masks: bool,
    ) -> Option<Found> {
        let mut apart = false;
        loop {
            self.steps = self.steps.checked_sub(1)?;
            let (next, len) = character(self.text, at)?;
            match coarse(next).kind {
                Kind::Space | Kind::Break => apart = true,
                _ if !same_letter(first, next) => return None,
                _ if apart => {
                    if let Some(found) = self.find_at(term, at, masks) {
                        return Some(found);
                    }
                    apart = false;
                }
                _ => {}
            }
            at += len;
        }
    }

    fn find_at(&mut self, term: &Term, start: usize, masks: bool) -> Option<Found> {
        let place = start.checked_sub(term.head.len())?;
        if term.edges.begin && !boundary::begins(self.text, place) {
            return None;
        }
        let (start, end, via) = match term.fold {
            Fold::None => self.exact(term, start)?,
            Fold::Case | Fold::Full => {
                let (end, via) = self.walk(term, start, masks)?;
                let before = self.text.get(..start)?.strip_suffix(&*term.head)?;
                let behind = self.text.get(end..)?.strip_prefix(&*term.tail)?;
                (before.len(), self.text.len() - behind.len(), via)
            }
        };
        let ends = !term.edges.end || boundary::ends(self.text, end);
        let part = term.edges.begin
            && term.edges.end
            && term.letters.len() < LONG
            && boundary::is_bracketed_part(self.text, start, end);
        (ends && !part).then_some(Found { start, end, via })
    }

    fn exact(&mut self, term: &Term, letters: usize) -> Option<(usize, usize, Via)> {
        self.steps = self.steps.checked_sub(1)?;
        let start = letters.checked_sub(term.head.len())?;
        let rest = self.text.get(start..)?;
        rest.starts_with(&*term.text)
            .then(|| (start, start + term.text.len(), Via::NONE))
    }

    /// Walks along text and term; returns where the term ends and what it took.
    #[expect(clippy::too_many_lines, reason = "one loop over one state")]
    fn walk(&mut self, term: &Term, start: usize, masks: bool) -> Option<(usize, Via)> {
        let allowed = term.allowed();
        let mut trail = Trail::default();
        let mut at = start;
        let mut next = 0;
        let mut bridged = true;
        let mut in_gap = false;
        let mut pile = 0;
        let mut own_marks = Vec::new();
        // The last letter: whether it is hidden, small, and how often it is written too often.
        let (mut hidden, mut small, mut extra) = (false, false, 0);
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
                    trail.via |= Via::INVISIBLE | html;
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
                match Self::bridge(term.before.get(next).copied()?, c, kind, in_gap) {
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
                if next > 0 && !hidden && !marks_agree(term, next - 1, &own_marks) {
                    return None;
                }
                trail.doubled |= extra == 1 && is_doubled(term, next - 1);
                trail.raised |= in_gap && small && c.is_uppercase();
                // A digit has no accents.
                (hidden, small, extra) = (via.has(Via::LEET), c.is_lowercase(), 0);
                own_marks.clear();
                marks_of(c, &mut own_marks);
                pile = u32::try_from(own_marks.len()).unwrap_or(PILE);
                trail.via |= via | html;
                trail.genuine += if via.has(Via::LEET) { 0 } else { n };
                trail.digits += usize::from(via.has(Via::LEET) && c.is_numeric());
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
                (hidden, extra) = (true, 0);
                own_marks.clear();
                next += 1;
                bridged = term
                    .before
                    .get(next)
                    .is_none_or(|before| *before == Before::Nothing);
            } else if next > 0
                && !in_gap
                && let Some(via) = self.repeats(c, term, next - 1)
            {
                extra += 1;
                trail.via |= Via::REPEATS | via | html;
            } else if next > 0 && !masks && matches!(kind, Kind::Space | Kind::Break | Kind::Sign) {
                trail.via |= Via::SPACING;
                trail.spaces |= kind == Kind::Space;
                trail.uneven |= *trail.separator.get_or_insert(c) != c;
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
        let last = term.letters.len() - 1;
        at = self.absorb(term, at, &mut own_marks, &mut trail, pile, extra)?;
        let ok = trail.via.is_within(allowed)
            && (hidden || marks_agree(term, last, &own_marks))
            && self.is_meant(term, start, at, &mut trail);
        ok.then_some((at, trail.via))
    }

    /// What stands between two words of a term, or in its place.
    fn bridge(before: Before, c: char, kind: Kind, begun: bool) -> Bridge {
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

    /// What it takes for a character to repeat a letter.
    fn repeats(&mut self, c: char, term: &Term, letter: usize) -> Option<Via> {
        let last = term.letters.get(letter..=letter)?;
        stands_for(c, last, &mut self.buffer).map(|(_, via)| via)
    }

    /// Takes in the marks and repeats behind the last letter.
    fn absorb(
        &mut self,
        term: &Term,
        mut at: usize,
        own_marks: &mut Vec<char>,
        trail: &mut Trail,
        mut pile: u32,
        mut extra: usize,
    ) -> Option<usize> {
        let last = term.letters.len() - 1;
        while let Some((c, len)) = character(self.text, at) {
            self.steps = self.steps.checked_sub(1)?;
            if coarse(c).kind == Kind::Mark {
                own_marks.push(c);
                pile += 1;
                if pile >= PILE {
                    trail.via |= Via::MARKS;
                }
            } else if term.allowed().has(Via::REPEATS)
                && c.is_alphabetic()
                && let Some(via) = self.repeats(c, term, last)
            {
                trail.via |= Via::REPEATS | via;
                pile = 0;
                extra += 1;
            } else {
                break;
            }
            at += len;
        }
        trail.doubled |= extra == 1 && is_doubled(term, last);
        Some(at)
    }

    /// Whether all that was taken for letters together is enough of a word.
    fn is_meant(&mut self, term: &Term, start: usize, end: usize, trail: &mut Trail) -> bool {
        let n = term.letters.len();
        if trail.gaps > 0 {
            let longest = trail.longest.max(trail.part);
            let apart = n >= 3 && longest == 1;
            let few = n < LONG && !trail.is_cut_once(term);
            if !apart && (trail.spaces || few) || apart && n < UNEVEN && trail.uneven {
                return false;
            }
        }
        if trail.via.has(Via::LEET)
            && (trail.genuine == 0
                || trail.genuine * 4 < n
                || n < 3
                || n == 3 && trail.digits > 1
                || self.is_measure(start, end))
        {
            return false;
        }
        if trail.doubled && trail.via == Via::REPEATS {
            return false;
        }
        if trail
            .via
            .has(Via::LEET | Via::MASK | Via::SPACING | Via::REPEATS)
            && self.is_in_path(start)
        {
            return false;
        }
        if trail.via.has(Via::CONFUSABLES) && term.is_latin && trail.ascii == 0 {
            return !self.is_in_its_script(start);
        }
        true
    }

    /// Whether a place is in a URL behind its host, where letters and digits are an address.
    fn is_in_path(&mut self, start: usize) -> bool {
        let text = self.text;
        let has_url = || text.contains("://") || text.contains("www.");
        if !*self.has_url.get_or_insert_with(has_url) {
            return false;
        }
        let before = text.get(..start).unwrap_or_default();
        let is_past = |c: char| c.is_whitespace() || matches!(c, '<' | '"' | '(');
        let word = before
            .char_indices()
            .rev()
            .take(URL)
            .find(|(_, c)| is_past(*c))
            .map_or(0, |(at, c)| at + c.len_utf8());
        let url = before.get(word..).unwrap_or_default();
        let rest = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"))
            .or_else(|| url.starts_with("www.").then_some(url));
        rest.and_then(|rest| rest.split_once('/'))
            .is_some_and(|(host, _)| host.contains('.'))
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
        self.genuine
            .get_mut(slot)
            .is_some_and(|known| *known.get_or_insert_with(|| is_written_in(text, of)))
    }
}

/// Whether a text has words that can only be of a script: a letter that nothing in Latin looks like
/// shows it, and a letter that is rarely taken for a Latin one where there is no Latin at all.
fn is_written_in(text: &str, of: Script) -> bool {
    let mut likely = false;
    let mut latin = false;
    for c in text.chars() {
        match genuine(c, of) {
            Genuine::Surely => return true,
            Genuine::Likely => likely = true,
            Genuine::No => latin |= c.is_ascii_alphabetic(),
        }
    }
    likely && !latin
}

enum Bridge {
    /// The character is part of what is between the words.
    Past(Via),
    /// It is the next word's first letter.
    Arrived(Via),
}

impl Trail {
    /// Whether a short word is cut in two by one sign, and not by the end of a sentence or a clause.
    fn is_cut_once(&self, term: &Term) -> bool {
        let n = term.letters.len();
        let least = if term.is_unspaced { 2 } else { 4 };
        let clause = |c: char| {
            matches!(
                c,
                ',' | ';' | ':' | '!' | '?' | '\'' | '’' | '"' | '(' | ')' | '[' | ']'
            ) || term.is_unspaced && c != '.' && !c.is_ascii()
        };
        n >= least
            && self.gaps == 1
            && !self.uneven
            && !self.raised
            && !self.separator.is_some_and(clause)
    }
}

/// Whether a letter that is written twice makes another word of a short one.
fn is_doubled(term: &Term, letter: usize) -> bool {
    let at = |at: usize| term.letters.get(at);
    let end = term.run_end.get(letter).copied().unwrap_or_default();
    let apart = |at: &usize| {
        term.before
            .get(*at)
            .is_some_and(|before| *before != Before::Nothing)
    };
    let start = (0..=letter).rev().find(apart).unwrap_or_default();
    // Three in a row are none.
    let twice = letter > start && at(letter) == at(letter - 1);
    end - start < DOUBLED && !twice
}

fn same_letter(a: char, b: char) -> bool {
    if a.is_ascii() && b.is_ascii() {
        return a.eq_ignore_ascii_case(&b);
    }
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
