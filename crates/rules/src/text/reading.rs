//! How characters are read: which letters one stands for, or that it stands for none.
//!
//! [`coarse`] is what the automaton sees: one reading per character, the same for terms and texts,
//! that puts together whatever full folding may put together. [`stands_for`] is the judge afterwards:
//! whether one character may stand for one letter of a term, and what that takes.
//!
//! Sources: Unicode's compatibility decompositions and case (`unicode-normalization`, `std`), the
//! confusables of UTS 39 (`unicode-security`); the digits and signs of leet and the small capitals,
//! which UTS 39 keeps apart, are our own tables.

use std::sync::OnceLock;

use unicode_normalization::char::{decompose_compatible, is_combining_mark};
use unicode_security::confusable_detection::skeleton;

use super::boundary::is_unspaced;
use super::fold::fold_char;
use super::via::Via;

/// What kind of character it is for the automaton.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It stands for letters.
    Letter,
    /// It stands for a letter between letters, and for nothing elsewhere.
    Sign,
    /// White space.
    Space,
    /// Punctuation and everything else that ends a word.
    Break,
    /// A mark on the letter before.
    Mark,
    /// It shows nothing.
    Invisible,
}

/// Bytes of the longest coarse reading; a character with a longer one is read as itself.
const LETTERS: usize = 14;

/// A character's coarse reading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coarse {
    pub(crate) kind: Kind,
    len: u8,
    bytes: [u8; LETTERS],
}

impl Coarse {
    const fn none(kind: Kind) -> Self {
        Self {
            kind,
            len: 0,
            bytes: [0; LETTERS],
        }
    }

    fn some(kind: Kind, letters: &str) -> Option<Self> {
        let mut bytes = [0; LETTERS];
        bytes
            .get_mut(..letters.len())?
            .copy_from_slice(letters.as_bytes());
        Some(Self {
            kind,
            len: u8::try_from(letters.len()).ok()?,
            bytes,
        })
    }

    /// Returns the letters as UTF-8.
    pub(crate) fn letters(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// In [`ASCII`]: white space.
pub(crate) const SPACE: u8 = b' ';
/// In [`ASCII`]: what ends a word.
pub(crate) const BREAK: u8 = b'.';
/// In [`ASCII`]: a sign that may stand for a letter.
pub(crate) const SIGN: u8 = b'!';
/// In [`ASCII`]: this bit on a letter says that a digit stands for it.
pub(crate) const DIGIT: u8 = 0x80;

/// The coarse readings of ASCII: a letter, or one of the constants above.
#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a constant: what is out of bounds does not compile"
)]
pub(crate) static ASCII: [u8; 128] = {
    let mut table = [BREAK; 128];
    let mut at = 0;
    while at < 128 {
        let byte = at as u8;
        if byte.is_ascii_alphabetic() {
            table[at] = byte.to_ascii_lowercase();
        } else if byte.is_ascii_digit() {
            table[at] = DIGITS[(byte - b'0') as usize] | DIGIT;
        } else if byte == b' ' || (byte >= 0x09 && byte <= 0x0d) {
            table[at] = SPACE;
        } else if matches!(byte, b'@' | b'$' | b'!' | b'|' | b'+') {
            table[at] = SIGN;
        }
        at += 1;
    }
    table
};

/// The letter that each digit looks like most.
const DIGITS: [u8; 10] = *b"oizeasgtbg";

/// Which letters a character stands for in leet; the first is the coarse reading.
#[expect(
    clippy::match_same_arms,
    reason = "a table, in the order of the digits"
)]
pub(crate) fn leet(c: char) -> &'static str {
    match c {
        '0' => "o",
        '1' => "il",
        '2' => "z",
        '3' => "e",
        '4' | '@' => "a",
        '5' | '$' | '§' => "s",
        '6' => "gb",
        '7' | '+' | '†' => "t",
        '8' => "b",
        '9' => "gq",
        '!' | '|' | '¡' | '¦' => "il",
        '€' | '£' => match c {
            '€' => "e",
            _ => "l",
        },
        '¢' | '©' => "c",
        '¥' => "y",
        '®' => "r",
        '°' => "o",
        'µ' => "u",
        _ => "",
    }
}

/// The Cyrillic letter that a character stands for among Cyrillic letters, where that is another one
/// than elsewhere.
pub(crate) fn cyrillic(c: char) -> Option<char> {
    Some(match c {
        '3' => 'з',
        '4' => 'ч',
        '6' => 'б',
        'u' | 'U' => 'и',
        'w' | 'W' => 'ш',
        _ => return None,
    })
}

/// The other Cyrillic letter that a `u` stands for: by its sound, and not by its look.
pub(crate) fn cyrillic_u(c: char) -> Option<char> {
    matches!(c, 'u' | 'U').then_some('у')
}

/// The small capitals and the letters that UTS 39 sends to them, by what people use them for.
#[expect(
    clippy::match_same_arms,
    reason = "a table, by kind and in the order of the alphabet"
)]
fn looks_like(c: char) -> Option<char> {
    Some(match c {
        'ᴀ' => 'a',
        'ʙ' => 'b',
        'ᴄ' => 'c',
        'ᴅ' => 'd',
        'ᴇ' => 'e',
        'ꜰ' => 'f',
        'ɢ' => 'g',
        'ʜ' => 'h',
        'ɪ' => 'i',
        'ᴊ' => 'j',
        'ᴋ' | 'ĸ' => 'k',
        'ʟ' => 'l',
        'ᴍ' | 'ʍ' => 'm',
        'ɴ' | 'ᴎ' | 'π' => 'n',
        'ᴏ' => 'o',
        'ᴘ' => 'p',
        'ʀ' | 'ᴙ' => 'r',
        'ꜱ' => 's',
        'ᴛ' => 't',
        'ᴜ' => 'u',
        'ᴠ' => 'v',
        'ᴡ' => 'w',
        'ʏ' => 'y',
        'ᴢ' => 'z',
        // Letters turned or struck, which stay apart in UTS 39.
        'ɐ' => 'a',
        'ǝ' | 'ə' => 'e',
        'ɟ' => 'f',
        'ɥ' => 'h',
        'ɯ' => 'm',
        'ɹ' => 'r',
        'ʇ' => 't',
        'ʌ' => 'v',
        'ʎ' => 'y',
        'ħ' => 'h',
        'ŧ' => 't',
        'ƈ' => 'c',
        'ɖ' | 'ɗ' => 'd',
        'ƒ' => 'f',
        'ɠ' => 'g',
        'ɦ' => 'h',
        'ɨ' => 'i',
        'ƙ' => 'k',
        'ɱ' => 'm',
        'ɲ' | 'ŋ' | 'ƞ' => 'n',
        'ɔ' => 'o',
        'ƥ' => 'p',
        'ʠ' => 'q',
        'ʂ' => 's',
        'ƭ' | 'ʈ' => 't',
        'ʋ' => 'v',
        'ƴ' => 'y',
        'ʐ' | 'ƶ' => 'z',
        'β' | 'ь' => 'b',
        'κ' => 'k',
        'τ' => 't',
        'ε' => 'e',
        'η' => 'n',
        'μ' => 'u',
        'ω' => 'w',
        // Signs of mathematics.
        '∂' => 'd',
        '∀' => 'a',
        '∃' => 'e',
        _ => return None,
    })
}

/// Letters in boxes and circles that have no compatibility decomposition, and the letters of flags.
fn boxed(c: char) -> Option<char> {
    let first = match c {
        '\u{1f150}'..='\u{1f169}' => 0x1_f150,
        '\u{1f170}'..='\u{1f189}' => 0x1_f170,
        '\u{1f1e6}'..='\u{1f1ff}' => 0x1_f1e6,
        _ => return None,
    };
    char::from_u32(u32::from(c) - first + u32::from('a'))
}

/// Tells whether a character shows nothing where it stands.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
        || (c.is_control() && !c.is_whitespace())
}

/// Tells whether a mark is one that words are told apart without: those of Latin, Greek and Cyrillic,
/// of symbols, and the vowel points of Hebrew and Arabic.
pub(crate) fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{5bf}'
        | '\u{5c1}'..='\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{6d6}'..='\u{6ed}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

/// The script of a letter, as far as it matters for what may stand for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    Latin,
    Greek,
    Cyrillic,
    Other,
}

/// Returns a letter's script.
pub(crate) fn script(c: char) -> Script {
    match c {
        '\u{0}'..='\u{2af}' | '\u{1d00}'..='\u{1dbf}' | '\u{1e00}'..='\u{1eff}' => Script::Latin,
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Script::Greek,
        '\u{400}'..='\u{52f}' | '\u{1c80}'..='\u{1c8f}' | '\u{2de0}'..='\u{2dff}' => {
            Script::Cyrillic
        }
        _ => Script::Other,
    }
}

/// How sure it is that a letter is meant as one of its script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Genuine {
    /// It is of another script, or the very picture of a Latin letter.
    No,
    /// It has some likeness to a Latin letter, such as `т` to `t`.
    Likely,
    /// Nothing in Latin looks like it.
    Surely,
}

/// Tells how sure it is that a letter is meant as one of a script.
pub(crate) fn genuine(c: char, of: Script) -> Genuine {
    if script(c) != of {
        return Genuine::No;
    }
    let lower = c.to_lowercase().next().unwrap_or(c);
    if !coarse(lower).letters().is_ascii() {
        return Genuine::Surely;
    }
    let mut buffer = [0; 4];
    if skeleton(lower.encode_utf8(&mut buffer)).all(|c| c.is_ascii()) {
        return Genuine::No;
    }
    Genuine::Likely
}

/// Levels a character: its compatibility decomposition in lower case, without marks.
pub(crate) fn levelled(c: char, out: &mut Vec<char>) {
    if let Some(letter) = boxed(c) {
        out.push(letter);
        return;
    }
    decompose_compatible(c, |part| {
        if !is_mark(part) {
            fold_char(part, out);
        }
    });
}

/// Pages of 256 characters, made when one of them is first read.
static PAGES: [OnceLock<Box<[Coarse]>>; 0x1100] = [const { OnceLock::new() }; 0x1100];

/// Returns a character's coarse reading.
pub(crate) fn coarse(c: char) -> Coarse {
    let code = u32::from(c) as usize;
    let page = PAGES.get(code >> 8).map(|page| {
        page.get_or_init(|| {
            let first = u32::from(c) & !0xff;
            (first..first + 256)
                .map(|code| char::from_u32(code).map_or(Coarse::none(Kind::Break), make))
                .collect()
        })
    });
    let found = page.and_then(|page| page.get(code & 0xff));
    found.copied().unwrap_or(Coarse::none(Kind::Break))
}

fn make(c: char) -> Coarse {
    if is_invisible(c) {
        return Coarse::none(Kind::Invisible);
    }
    if is_mark(c) {
        return Coarse::none(Kind::Mark);
    }
    if c.is_whitespace() || c == '\u{2800}' {
        return Coarse::none(Kind::Space);
    }
    let sign = !c.is_alphanumeric() && !leet(c).is_empty();
    if sign {
        let letter = leet(c).get(..1).unwrap_or_default();
        return Coarse::some(Kind::Sign, letter).unwrap_or(Coarse::none(Kind::Break));
    }
    let mut parts = Vec::new();
    levelled(c, &mut parts);
    // The lunate sigma is one in meaning, and looks like a `c`. Capitals of the scripts that words are
    // really written in are read as their small letters, whatever they look like.
    let is_read = matches!(script(c), Script::Greek | Script::Cyrillic);
    if !parts.iter().all(char::is_ascii)
        && (!is_read || c.to_lowercase().eq([c]))
        && let Some(letters) = latin(c)
        && let Some(found) = Coarse::some(Kind::Letter, &letters)
        && !is_unspaced(c)
    {
        return found;
    }
    let mut out = String::new();
    for part in parts {
        read(part, &mut out);
    }
    if out.is_empty() {
        return Coarse::none(Kind::Break);
    }
    Coarse::some(Kind::Letter, &out).unwrap_or_else(|| {
        let mut buffer = [0; 4];
        Coarse::some(Kind::Letter, c.encode_utf8(&mut buffer)).unwrap_or(Coarse::none(Kind::Break))
    })
}

/// Adds the letters of one levelled character.
fn read(part: char, out: &mut String) {
    if part.is_ascii() {
        match ASCII.get(part as usize) {
            Some(code) if code & !DIGIT >= b'a' => out.push(char::from(code & !DIGIT)),
            _ => {}
        }
        return;
    }
    if let Some(letter) = looks_like(part) {
        out.push(letter);
        return;
    }
    if !part.is_alphanumeric() && !is_combining_mark(part) {
        return;
    }
    if !is_unspaced(part)
        && let Some(letters) = latin(part)
    {
        out.push_str(&letters);
        return;
    }
    out.push(part);
}

/// The Latin letters that a letter looks like by UTS 39.
fn latin(c: char) -> Option<String> {
    let mut buffer = [0; 4];
    let mut letters = String::new();
    for look in skeleton(c.encode_utf8(&mut buffer)) {
        let look = look.to_lowercase().next().unwrap_or(look);
        if look.is_ascii_lowercase() {
            letters.push(look);
        } else if let Some(letter) = looks_like(look) {
            letters.push(letter);
        } else if !is_mark(look) {
            return None;
        }
    }
    (!letters.is_empty()).then_some(letters)
}

/// How many letters of a term a character stands for at its beginning, and by which transformation.
///
/// `term` is folded by case and accents, as terms are.
pub(crate) fn stands_for(c: char, term: &[char], buffer: &mut Vec<char>) -> Option<(usize, Via)> {
    let first = *term.first()?;
    if c.is_ascii() {
        if c.to_ascii_lowercase() == first {
            return Some((1, Via::NONE));
        }
        if leet(c).contains(first) {
            return Some((1, Via::LEET));
        }
        if first.is_ascii() {
            return None;
        }
        let own = coarse(first);
        let is_own = |letter: char| own.letters() == [letter as u8];
        if leet(c).chars().any(is_own) || c.is_ascii_digit() && cyrillic(c) == Some(first) {
            return Some((1, Via::LEET));
        }
        // A Latin letter for one of another script that looks like it.
        let alike = c.is_ascii_alphabetic() && is_own(c.to_ascii_lowercase());
        return (alike || cyrillic(c) == Some(first) || cyrillic_u(c) == Some(first))
            .then_some((1, Via::CONFUSABLES));
    }
    buffer.clear();
    fold_char(c, buffer);
    if !buffer.is_empty() && term.starts_with(buffer) {
        return Some((buffer.len(), Via::NONE));
    }
    buffer.clear();
    levelled(c, buffer);
    if !buffer.is_empty() && term.starts_with(buffer) {
        return Some((buffer.len(), Via::COMPATIBILITY));
    }
    if leet(c).contains(first) {
        return Some((1, Via::LEET));
    }
    if let [one] = buffer.as_slice()
        && leet(*one).contains(first)
    {
        return Some((1, Via::LEET | Via::COMPATIBILITY));
    }
    if is_confusable_within(script(c), script(first)) {
        return None;
    }
    let reading = coarse(c);
    let letters = reading.letters();
    if letters.is_empty() {
        return None;
    }
    // As many of the term's letters as have the same coarse reading.
    let mut rest = letters;
    for (n, letter) in term.iter().enumerate() {
        let own = coarse(*letter);
        rest = rest.strip_prefix(own.letters()).filter(|_| own.len > 0)?;
        if rest.is_empty() {
            return Some((n + 1, Via::CONFUSABLES));
        }
    }
    None
}

/// Two different letters of a script that has its own words are different letters.
fn is_confusable_within(of: Script, with: Script) -> bool {
    of == with && matches!(of, Script::Greek | Script::Cyrillic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_look_alike_are_read_alike() {
        for (c, letters) in [
            ('é', "e"),
            ('É', "e"),
            ('с', "c"),
            ('О', "o"),
            ('н', "h"),
            ('т', "t"),
            ('ԁ', "d"),
            ('ո', "n"),
            ('ᴅ', "d"),
            ('𝐜', "c"),
            ('ｃ', "c"),
            ('ⓒ', "c"),
            ('🅒', "c"),
            ('🇨', "c"),
            ('œ', "oe"),
            ('ß', "ss"),
            ('ﬁ', "fi"),
            ('①', "i"),
            ('ж', "ж"),
            ('白', "白"),
            ('ノ', "ノ"),
        ] {
            let reading = coarse(c);
            assert_eq!(std::str::from_utf8(reading.letters()), Ok(letters), "{c}");
            assert_eq!(reading.kind, Kind::Letter, "{c}");
        }
        assert_eq!(coarse('\u{200b}').kind, Kind::Invisible);
        assert_eq!(coarse('\u{202e}').kind, Kind::Invisible);
        assert_eq!(coarse('\u{301}').kind, Kind::Mark);
        assert_eq!(coarse('\u{a0}').kind, Kind::Space);
        assert_eq!(coarse('…').kind, Kind::Break);
        assert_eq!(coarse('€').kind, Kind::Sign);
    }

    #[test]
    fn a_character_stands_for_a_letter_and_says_why() {
        let mut buffer = Vec::new();
        let mut check = |c: char, term: &str, expected: Option<(usize, Via)>| {
            let term: Vec<char> = term.chars().collect();
            assert_eq!(
                stands_for(c, &term, &mut buffer),
                expected,
                "{c} for {term:?}"
            );
        };
        check('C', "con", Some((1, Via::NONE)));
        check('É', "e", Some((1, Via::NONE)));
        check('œ', "oeuf", Some((2, Via::NONE)));
        check('0', "o", Some((1, Via::LEET)));
        check('1', "l", Some((1, Via::LEET)));
        check('1', "a", None);
        check('с', "c", Some((1, Via::CONFUSABLES)));
        check('c', "с", Some((1, Via::CONFUSABLES)));
        check('𝓬', "c", Some((1, Via::COMPATIBILITY)));
        check('и', "п", None);
        check('п', "n", Some((1, Via::CONFUSABLES)));
        check('b', "c", None);
        check('.', "c", None);
    }

    #[test]
    fn some_letters_belong_to_their_script_beyond_doubt() {
        assert_eq!(genuine('ж', Script::Cyrillic), Genuine::Surely);
        assert_eq!(genuine('Щ', Script::Cyrillic), Genuine::Surely);
        assert_eq!(genuine('т', Script::Cyrillic), Genuine::Likely);
        assert_eq!(genuine('с', Script::Cyrillic), Genuine::No);
        assert_eq!(genuine('О', Script::Cyrillic), Genuine::No);
        assert_eq!(genuine('t', Script::Cyrillic), Genuine::No);
    }
}
