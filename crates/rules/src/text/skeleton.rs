//! The coarse reading of a whole text, which the automaton runs over, with the way back.
//!
//! Every letter is read as what it looks like most, a run of one letter counts once, what shows
//! nothing is left out, and what is between words is one space. Behind that *base* come the other
//! readings of the few places that have some: words with signs or tags between their letters, with
//! digits of two meanings, and letters that stand apart from each other. So one pass finds them too,
//! and a text without such places costs nothing more.
//!
//! The coarse text is larger than the original by no more than a factor; building it is one pass and
//! one more over each such place.

mod masks;
mod places;
mod signs;

use places::{Oddities, Places};
use signs::is_lone_letter;
pub(crate) use signs::{is_money, is_star};

use super::boundary::is_unspaced;
use super::markup;
use super::reading::{
    ASCII, Coarse, DIGIT, Kind, SPACE, Script, coarse as coarse_of, cyrillic, cyrillic_u, leet,
    script,
};

/// Apostrophes in a word, from which they are taken for an evasion.
const APOSTROPHES: u32 = 3;

/// Coarse bytes of a long word from one noted place to the next.
const PLACE: usize = 64;

/// Another reading of a part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Region {
    /// A word without the signs and tags in it, or with its digits read another way.
    Joined,
    /// Letters that stand apart.
    Apart,
}

/// A word in which signs may stand for letters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Masked {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Letters and signs together.
    pub(crate) n_letters: usize,
}

/// The coarse reading of a text: words with a space before and behind each.
#[derive(Debug)]
pub(crate) struct Skeleton {
    pub(crate) coarse: Vec<u8>,
    /// Where the words of the base begin, and letters here and there in long ones: in the coarse
    /// reading and in the original, in bytes.
    words: Vec<(u32, u32)>,
    /// Where in the coarse reading the next place in a long word is noted.
    next_place: usize,
    /// How long the base is; the other readings follow.
    pub(crate) base: usize,
    /// By byte of the other readings: where the character that it is from begins.
    at: Vec<u32>,
    /// By byte of the other readings: whether a word may begin there.
    starts: Vec<bool>,
    pub(crate) regions: Vec<(usize, Region)>,
    pub(crate) masked: Vec<Masked>,
    /// Whether there are more words with masked letters.
    pub(crate) is_cut: bool,
    last: char,
    /// Whether something was left out before the next letter of another reading.
    gap: bool,
    /// Whether the last letter is of a script without spaces.
    unspaced: bool,
}

/// How digits and signs are read that stand for several letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    First,
    Second,
    Cyrillic,
    /// As [`Choice::Cyrillic`], and a `u` by its sound.
    CyrillicSound,
}

impl Choice {
    /// The Cyrillic letter that is read for a character, if another one is than elsewhere.
    fn cyrillic(self, c: char) -> Option<char> {
        match self {
            Self::First | Self::Second => None,
            Self::Cyrillic => cyrillic(c),
            Self::CyrillicSound => cyrillic_u(c).or_else(|| cyrillic(c)),
        }
    }
}

impl Skeleton {
    /// Reads a text. Texts of 4 GiB or more, which no event can carry, are not read.
    pub(crate) fn of(text: &str) -> Self {
        let mut coarse = Vec::with_capacity(text.len() + 16);
        coarse.push(b' ');
        let mut skeleton = Self {
            coarse,
            words: Vec::with_capacity(text.len() / 4 + 1),
            next_place: PLACE,
            base: 0,
            at: Vec::new(),
            starts: Vec::new(),
            regions: Vec::new(),
            masked: Vec::new(),
            is_cut: false,
            last: ' ',
            gap: false,
            unspaced: false,
        };
        if u32::try_from(text.len()).is_ok() {
            let places = skeleton.base(text);
            skeleton.push(' ', text.len());
            skeleton.base = skeleton.coarse.len();
            skeleton.others(text, &places);
        }
        skeleton
    }

    /// Returns where the character of the text begins that a coarse byte comes from.
    pub(crate) fn original(&self, text: &str, coarse: usize) -> Option<usize> {
        if let Some(place) = coarse.checked_sub(self.base) {
            return self.at.get(place).map(|at| *at as usize);
        }
        let after = self
            .words
            .partition_point(|(start, _)| *start as usize <= coarse);
        let (start, original) = self.words.get(after.checked_sub(1)?)?;
        let (mut next, mut at) = (*start as usize, *original as usize);
        if next == coarse {
            return Some(at);
        }
        // Inside a word: reads it once more.
        let mut last = ' ';
        while let Some((c, len)) = character(text, at) {
            for unit in units(coarse_of(c).letters()) {
                if unit != last {
                    if next >= coarse {
                        return Some(at);
                    }
                    next += unit.len_utf8();
                    last = unit;
                }
            }
            at += len;
        }
        None
    }

    /// Returns where the words of the base begin.
    pub(crate) fn beginnings(&self) -> impl Iterator<Item = usize> + '_ {
        let places = self.words.iter().map(|(start, _)| *start as usize);
        // The others are inside of long words.
        places.filter(|start| self.coarse.get(start.wrapping_sub(1)) == Some(&b' '))
    }

    /// Whether a sign or the edge of a reading stands before a byte of the other readings.
    pub(crate) fn may_start(&self, coarse: usize) -> bool {
        let place = coarse.checked_sub(self.base);
        place.is_some_and(|place| self.starts.get(place).copied().unwrap_or_default())
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "texts of 4 GiB are turned away before"
    )]
    fn push(&mut self, letter: char, at: usize) {
        if self.last == letter {
            return;
        }
        let begins = self.last == ' ';
        self.last = letter;
        if self.base == 0 {
            if begins {
                self.words.push((self.coarse.len() as u32, at as u32));
            }
        } else {
            self.at.extend((0..letter.len_utf8()).map(|_| at as u32));
            self.starts.push(begins || self.gap);
            self.starts.extend((1..letter.len_utf8()).map(|_| false));
            self.gap = false;
        }
        if letter.is_ascii() {
            self.coarse.push(letter as u8);
        } else {
            let mut buffer = [0; 4];
            let bytes = letter.encode_utf8(&mut buffer).as_bytes();
            self.coarse.extend_from_slice(bytes);
        }
    }

    fn reading(&mut self, reading: Coarse, at: usize) {
        let mut first = true;
        for unit in units(reading.letters()) {
            if first && self.base == 0 && self.coarse.len() >= self.next_place {
                self.note_place(unit, at);
            }
            first = false;
            self.push(unit, at);
        }
    }

    /// Notes where a letter comes from that is about to be added, if it is.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "texts of 4 GiB are turned away before"
    )]
    fn note_place(&mut self, letter: char, at: usize) {
        if self.last != ' ' && self.last != letter {
            self.words.push((self.coarse.len() as u32, at as u32));
            self.next_place = self.coarse.len() + PLACE;
        }
    }

    /// Reads a letter in the base; between one of a script without spaces and another, a word ends.
    fn letter(&mut self, c: char, reading: Coarse, at: usize) {
        let unspaced = is_unspaced(c);
        if unspaced != self.unspaced && self.last != ' ' {
            self.push(' ', at);
        }
        self.unspaced = unspaced;
        self.reading(reading, at);
    }

    /// Begins another reading.
    fn begin(&mut self, region: Region, at: usize) {
        self.push(' ', at);
        self.regions.push((self.coarse.len(), region));
    }

    fn base(&mut self, text: &str) -> Places {
        let mut places = Places::default();
        let mut oddities = Oddities::default();
        let bytes = text.as_bytes();
        let mut word_start = 0;
        // Whether a sign stands between the last letter of the word and here.
        let mut gap = false;
        // Where the last word with tags in it ends.
        let mut tagged_to = 0;
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let code = ascii(byte);
            if code & !DIGIT >= b'a' {
                oddities.joined |= gap;
                gap = false;
                at = self.letters(bytes, at, &mut oddities);
                continue;
            }
            if code == SPACE {
                places.word(word_start, at, oddities);
                oddities = Oddities::default();
                gap = false;
                at += 1;
                word_start = at;
                if self.last != ' ' {
                    self.last = ' ';
                    self.coarse.push(b' ');
                }
                continue;
            }
            let Some((c, len)) = character(text, at) else {
                break;
            };
            let reading = coarse_of(c);
            match reading.kind {
                Kind::Letter => {
                    oddities.joined |= gap;
                    gap = false;
                    oddities.letters += 1;
                    oddities.cyrillic |= script(c) == Script::Cyrillic;
                    self.letter(c, reading, at);
                }
                Kind::Mark | Kind::Invisible => {}
                Kind::Space => {
                    places.word(word_start, at, oddities);
                    oddities = Oddities::default();
                    gap = false;
                    word_start = at + len;
                    self.push(' ', at);
                }
                Kind::Sign | Kind::Break => {
                    let after = self.last != ' ' && !gap && oddities.letters > 0;
                    let before = follows(text, at + len);
                    if reading.kind == Kind::Sign && after && before {
                        // It stands for its letter, and may be punctuation for all that.
                        oddities.ambiguous = true;
                        oddities.letters += 1;
                        self.reading(reading, at);
                        at += len;
                        continue;
                    }
                    if reading.kind == Kind::Sign {
                        let leads = before && oddities.letters == 0;
                        let trails = after && is_money(c);
                        let alone = oddities.letters == 0 && !before && is_lone_letter(c);
                        oddities.ambiguous |= leads || trails;
                        oddities.letters += u32::from(leads || alone);
                    }
                    if byte == b'<'
                        && after
                        && let Some(tag) = markup::tag(text, at)
                        && follows(text, at + tag)
                    {
                        let tagged = Oddities {
                            joined: true,
                            ..oddities
                        };
                        // The whole of it at once: the next tag of the word is in it.
                        if at >= tagged_to {
                            tagged_to = word_end(text, at + tag);
                            places.words.push((word_start, tagged_to, tagged));
                        }
                    }
                    oddities.masked |= is_star(c) && (after || before);
                    let apostrophe = matches!(c, '\'' | '’');
                    oddities.apostrophes += u32::from(apostrophe);
                    gap |= oddities.letters > 0
                        && (!apostrophe || oddities.apostrophes >= APOSTROPHES);
                    self.push(' ', at);
                }
            }
            at += len;
        }
        places.word(word_start, text.len(), oddities);
        places.end_run();
        places
    }

    /// Reads a run of ASCII letters and digits, and returns where it ends.
    fn letters(&mut self, bytes: &[u8], from: usize, oddities: &mut Oddities) -> usize {
        if self.unspaced {
            self.unspaced = false;
            self.push(' ', from);
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "texts of 4 GiB are turned away before"
        )]
        if self.last == ' ' {
            self.words.push((self.coarse.len() as u32, from as u32));
        }
        let mut all = 0;
        let mut at = from;
        let mut last = self.last;
        for byte in bytes.get(from..).unwrap_or_default() {
            let code = ascii(*byte);
            let letter = code & !DIGIT;
            if letter < b'a' {
                break;
            }
            all |= code;
            if last != char::from(letter) {
                if self.coarse.len() >= self.next_place {
                    self.last = last;
                    self.note_place(char::from(letter), at);
                }
                last = char::from(letter);
                self.coarse.push(letter);
            }
            at += 1;
        }
        self.last = last;
        oddities.letters += u32::try_from(at - from).unwrap_or(u32::MAX);
        oddities.ascii = true;
        if all & DIGIT != 0 {
            let run = bytes.get(from..at).unwrap_or_default();
            let two = run.iter().any(|byte| leet(char::from(*byte)).len() > 1);
            oddities.ambiguous |= two && run.iter().any(u8::is_ascii_alphabetic);
        }
        at
    }

    /// Adds the other readings.
    fn others(&mut self, text: &str, places: &Places) {
        for (start, end, oddities) in &places.words {
            let word = Word {
                text,
                start: *start,
                end: *end,
            };
            self.begin(Region::Joined, *start);
            self.word(&word, Choice::First);
            if oddities.ambiguous {
                self.begin(Region::Joined, *start);
                self.word(&word, Choice::Second);
            }
            if oddities.is_mixed() {
                self.begin(Region::Joined, *start);
                self.word(&word, Choice::Cyrillic);
                self.begin(Region::Joined, *start);
                self.word(&word, Choice::CyrillicSound);
            }
            if oddities.joined || oddities.masked {
                self.mask(&word);
            }
        }
        for (start, end) in &places.apart {
            self.begin(Region::Apart, *start);
            self.apart(text, *start, *end);
        }
        if !self.regions.is_empty() {
            self.push(' ', text.len());
        }
    }

    /// Reads a word without what stands between its letters; a digit or sign that stands for several
    /// letters is read as one of them.
    fn word(&mut self, word: &Word<'_>, choice: Choice) {
        let last = word.last_letter();
        let mut at = word.start;
        while at < word.end {
            if let Some(tag) = markup::tag(word.text, at) {
                self.gap = true;
                at += tag;
                continue;
            }
            let Some((c, len)) = character(word.text, at) else {
                break;
            };
            let reading = coarse_of(c);
            let letters = leet(c);
            let trails = reading.kind == Kind::Sign && !is_money(c) && at >= last;
            match reading.kind {
                Kind::Letter if let Some(letter) = choice.cyrillic(c) => {
                    self.reading(coarse_of(letter), at);
                }
                Kind::Letter | Kind::Sign if !letters.is_empty() && !trails => {
                    let second = letters.chars().nth(1).filter(|_| choice == Choice::Second);
                    if let Some(letter) = second.or_else(|| letters.chars().next()) {
                        self.push(letter, at);
                    }
                }
                Kind::Letter => self.reading(reading, at),
                Kind::Mark | Kind::Invisible => {}
                Kind::Sign | Kind::Break | Kind::Space => self.gap = true,
            }
            at += len;
        }
    }

    /// Reads letters that stand apart; wide gaps stay.
    fn apart(&mut self, text: &str, start: usize, end: usize) {
        let wide = 1 + narrowest(text.get(start..end).unwrap_or_default()).max(1);
        let mut at = start;
        let mut spaces = 0;
        // Whether a letter stands right before.
        let mut close = false;
        while at < end {
            let Some((c, len)) = character(text, at) else {
                break;
            };
            let reading = coarse_of(c);
            match reading.kind {
                // A sign right behind a letter is punctuation.
                Kind::Sign if close && !is_money(c) => {}
                Kind::Letter | Kind::Sign => {
                    spaces = 0;
                    close = true;
                    self.reading(reading, at);
                }
                Kind::Space => {
                    close = false;
                    spaces += width(c);
                    self.gap = true;
                    if spaces >= wide {
                        self.push(' ', at);
                    }
                }
                Kind::Mark | Kind::Invisible | Kind::Break => {}
            }
            at += len;
        }
    }
}

/// What stands between two spaces.
struct Word<'t> {
    text: &'t str,
    start: usize,
    end: usize,
}

impl Word<'_> {
    /// Where the last letter begins: a sign behind it is punctuation.
    fn last_letter(&self) -> usize {
        let word = self.text.get(self.start..self.end).unwrap_or_default();
        let letter = |(_, c): &(usize, char)| coarse_of(*c).kind == Kind::Letter;
        let last = word.char_indices().rev().find(letter);
        last.map_or(self.end, |(at, _)| self.start + at)
    }
}

fn ascii(byte: u8) -> u8 {
    ASCII.get(usize::from(byte)).copied().unwrap_or_default()
}

/// Reads a character, or the one that an entity stands for, and its length in bytes.
pub(crate) fn character(text: &str, at: usize) -> Option<(char, usize)> {
    let c = text.get(at..)?.chars().next()?;
    if c == '&'
        && let Some(entity) = markup::entity(text, at)
    {
        return Some(entity);
    }
    Some((c, c.len_utf8()))
}

/// Returns the letters of a coarse reading one by one.
pub(crate) fn units(letters: &[u8]) -> impl Iterator<Item = char> + '_ {
    std::str::from_utf8(letters).unwrap_or_default().chars()
}

/// Whether a letter or a sign for one comes next.
fn follows(text: &str, at: usize) -> bool {
    match text.as_bytes().get(at) {
        Some(byte) if byte.is_ascii() => {
            byte.is_ascii_alphanumeric() || matches!(byte, b'@' | b'$' | b'|' | b'&')
        }
        Some(_) => character(text, at)
            .is_some_and(|(c, _)| !matches!(coarse_of(c).kind, Kind::Space | Kind::Break)),
        None => false,
    }
}

/// Where the word that goes on at a place ends; white space in a tag does not end it.
fn word_end(text: &str, mut at: usize) -> usize {
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let Some(end) = rest.find(|c: char| c.is_whitespace() || c == '<') else {
            return text.len();
        };
        at += end;
        match markup::tag(text, at) {
            Some(tag) => at += tag,
            None if rest.as_bytes().get(end) == Some(&b'<') => at += 1,
            None => return at,
        }
    }
}

/// How wide a space is: a new line is more than a space.
fn width(space: char) -> usize {
    if space == '\n' { 2 } else { 1 }
}

/// The least space that stands between letters that stand apart: more than that is between words.
fn narrowest(text: &str) -> usize {
    let mut narrowest = usize::MAX;
    let mut spaces = 0;
    for c in text.chars() {
        match coarse_of(c).kind {
            Kind::Space => spaces += width(c),
            _ if spaces > 0 => {
                narrowest = narrowest.min(spaces);
                spaces = 0;
            }
            _ => {}
        }
    }
    if narrowest == usize::MAX {
        1
    } else {
        narrowest
    }
}
