//! Folding with a map back to the original.
//!
//! Case folding here means: lower case, accents off (canonical decomposition without the marks
//! U+0300–U+036F), the ligatures and letters that people write either way (`œ` as `oe`, `ß` as
//! `ss`), any white space as a space, and typographic apostrophes and hyphens as the plain ones.
//! Marks of other scripts stay, because there they make another word.
//!
//! The map is a list of marks where the distance between folded and original offsets changes, so
//! plain text needs none and French text one per accent.

use std::borrow::Cow;
use std::sync::LazyLock;

use unicode_normalization::char::decompose_canonical;

/// Characters below this fold through a table.
const TABLE: u32 = 0x530;

/// A folded text and the way back.
#[derive(Debug)]
pub(crate) struct Folded<'a> {
    pub(crate) text: Cow<'a, str>,
    marks: Vec<Mark>,
}

/// From `folded` on, until the next mark, `original` is where the characters came from.
#[derive(Clone, Copy, Debug)]
struct Mark {
    folded: u32,
    original: u32,
    /// The folded bytes up to the next mark are one original character, which can't be split.
    whole: bool,
}

impl Folded<'_> {
    /// Maps a folded offset to the original one, if an original character begins or ends there.
    ///
    /// Marks that folding dropped belong to the character before them.
    pub(crate) fn original(&self, offset: usize) -> Option<usize> {
        let offset = u32::try_from(offset).ok()?;
        let next = self.marks.partition_point(|mark| mark.folded <= offset);
        let Some(mark) = next.checked_sub(1).and_then(|index| self.marks.get(index)) else {
            return usize::try_from(offset).ok();
        };
        let past = offset - mark.folded;
        if mark.whole && past > 0 {
            return None;
        }
        usize::try_from(mark.original + past).ok()
    }
}

/// Folds case and accents.
///
/// Texts of 4 GiB or more, which no event can carry, are not folded beyond that.
pub(crate) fn fold_case(text: &str) -> Folded<'_> {
    if text.is_ascii() {
        return fold_ascii(text);
    }
    let mut out = Folder {
        text: String::with_capacity(text.len()),
        marks: Vec::new(),
        delta: 0,
        whole: false,
    };
    let table = &*TABLE_OF_FOLDS;
    for (at, c) in text.char_indices() {
        if c.is_ascii() {
            out.one(at, c, ascii(c));
            continue;
        }
        match usize::try_from(u32::from(c))
            .ok()
            .and_then(|index| table.get(index))
        {
            Some(Short::One(folded)) => out.one(at, c, *folded),
            Some(Short::Two(folded)) => out.many(at, c, folded),
            Some(Short::None) => out.many(at, c, &[]),
            None => {
                let mut buffer = Vec::new();
                fold_char(c, &mut buffer);
                match buffer.as_slice() {
                    [folded] => out.one(at, c, *folded),
                    folded => out.many(at, c, folded),
                }
            }
        }
    }
    Folded {
        text: Cow::Owned(out.text),
        marks: out.marks,
    }
}

/// Folds a term as [`fold_case`] folds the text that it is looked for in.
pub(crate) fn fold_term(term: &str) -> String {
    fold_case(term).text.into_owned()
}

fn fold_ascii(text: &str) -> Folded<'_> {
    let changes = |b: u8| b.is_ascii_uppercase() || (b.is_ascii_whitespace() && b != b' ');
    let text = if text.bytes().any(changes) {
        Cow::Owned(text.chars().map(ascii).collect())
    } else {
        Cow::Borrowed(text)
    };
    Folded {
        text,
        marks: Vec::new(),
    }
}

fn ascii(c: char) -> char {
    if c.is_ascii_whitespace() {
        ' '
    } else {
        c.to_ascii_lowercase()
    }
}

struct Folder {
    text: String,
    marks: Vec<Mark>,
    /// Original minus folded offset, as the last mark says.
    delta: i64,
    whole: bool,
}

impl Folder {
    fn one(&mut self, at: usize, from: char, folded: char) {
        self.mark(at, false);
        self.text.push(folded);
        if from.len_utf8() != folded.len_utf8() {
            self.mark(at + from.len_utf8(), false);
        }
    }

    fn many(&mut self, at: usize, from: char, folded: &[char]) {
        self.mark(at, folded.len() > 1);
        self.text.extend(folded);
        self.mark(at + from.len_utf8(), false);
    }

    /// Notes that the next folded character comes from `original`, if the last mark doesn't.
    fn mark(&mut self, original: usize, whole: bool) {
        let (Ok(folded), Ok(original)) = (u32::try_from(self.text.len()), u32::try_from(original))
        else {
            return;
        };
        let delta = i64::from(original) - i64::from(folded);
        if delta == self.delta && whole == self.whole {
            return;
        }
        self.delta = delta;
        self.whole = whole;
        match self.marks.last_mut() {
            Some(last) if last.folded == folded => {
                *last = Mark {
                    folded,
                    original,
                    whole,
                }
            }
            _ => self.marks.push(Mark {
                folded,
                original,
                whole,
            }),
        }
    }
}

#[derive(Clone, Copy)]
enum Short {
    None,
    One(char),
    Two([char; 2]),
}

static TABLE_OF_FOLDS: LazyLock<Vec<Short>> = LazyLock::new(|| {
    (0..TABLE)
        .map(|code| {
            let c = char::from_u32(code).unwrap_or(' ');
            let mut folded = Vec::new();
            fold_char(c, &mut folded);
            match folded.as_slice() {
                [] => Short::None,
                [one] => Short::One(*one),
                [one, two] => Short::Two([*one, *two]),
                _ => Short::One(c),
            }
        })
        .collect()
});

/// Folds one character.
pub(crate) fn fold_char(c: char, out: &mut Vec<char>) {
    if c.is_whitespace() {
        out.push(' ');
        return;
    }
    for lower in c.to_lowercase() {
        decompose_canonical(lower, |part| match part {
            '\u{0300}'..='\u{036f}' => {}
            'œ' => out.extend(['o', 'e']),
            'æ' => out.extend(['a', 'e']),
            'ß' => out.extend(['s', 's']),
            'ø' => out.push('o'),
            'ł' => out.push('l'),
            'đ' => out.push('d'),
            'ı' => out.push('i'),
            'ſ' => out.push('s'),
            'ς' => out.push('σ'),
            '’' | '‘' | 'ʼ' | '＇' | '´' => out.push('\''),
            '‐' | '‑' => out.push('-'),
            other => out.push(other),
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn folds_case_accents_and_typography() {
        let check = |text: &str, expected: &str| assert_eq!(fold_case(text).text, expected);
        check("Éléphant", "elephant");
        check("E\u{301}le\u{301}phant", "elephant");
        check("STRASSE straße", "strasse strasse");
        check("L’ŒIL\u{a0}vif", "l'oeil vif");
        check("Ёлка МОЙ", "елка мои");
        check("İstanbul", "istanbul");
        check("ΣΊΣΥΦΟΣ σίσυφος", "σισυφοσ σισυφοσ");
        check("Plain\tASCII", "plain ascii");
        check("が", "か\u{3099}");
        check("", "");
    }

    #[test]
    fn maps_hits_back_to_whole_characters() {
        let check = |text: &str, needle: &str, expected: Option<&str>| {
            let folded = fold_case(text);
            let start = folded.text.find(needle).unwrap();
            let found = folded
                .original(start)
                .zip(folded.original(start + needle.len()))
                .and_then(|(start, end)| text.get(start..end));
            assert_eq!(found, expected, "{needle} in {text}");
        };
        check("un Éléphant", "elephant", Some("Éléphant"));
        check(
            "un e\u{301}le\u{301}phant ici",
            "elephant",
            Some("e\u{301}le\u{301}phant"),
        );
        check("an e\u{301}", "an", Some("an"));
        check("die Straße ist", "strasse", Some("Straße"));
        check("die Straße ist", "stras", None);
        check("die Straße ist", "se ist", None);
        check("Œuf", "oeuf", Some("Œuf"));
        check("Œuf", "euf", None);
        check("в ЁЛКЕ", "елке", Some("ЁЛКЕ"));
        check(
            "a\u{301}\u{301}\u{301}b",
            "a",
            Some("a\u{301}\u{301}\u{301}"),
        );
    }

    proptest! {
        #[test]
        fn every_mapped_offset_is_a_character_boundary(text in "\\PC{0,60}|[a-zéÉßœŒ\u{301}\u{308}İк\u{a0}が]{0,60}") {
            let folded = fold_case(&text);
            let mut last = 0;
            for offset in 0..=folded.text.len() {
                if !folded.text.is_char_boundary(offset) {
                    continue;
                }
                if let Some(original) = folded.original(offset) {
                    prop_assert!(text.is_char_boundary(original), "{offset} -> {original}");
                    prop_assert!(original >= last);
                    last = original;
                }
            }
            prop_assert_eq!(folded.original(folded.text.len()), Some(text.len()));
        }

        #[test]
        fn folding_a_slice_gives_the_slice_of_the_folding(text in "[a-zA-Z éÉßœŒ\u{301}İк’]{1,40}", from in 0usize..40, len in 1usize..10) {
            let folded = fold_case(&text);
            let chars: Vec<(usize, char)> = folded.text.char_indices().collect();
            let start = chars.get(from % chars.len().max(1)).map_or(0, |(at, _)| *at);
            let end = chars.get(from % chars.len().max(1) + len).map_or(folded.text.len(), |(at, _)| *at);
            if let (Some(a), Some(b)) = (folded.original(start), folded.original(end)) {
                let slice = fold_term(text.get(a..b).unwrap());
                prop_assert_eq!(Some(slice.as_str()), folded.text.get(start..end));
            }
        }

        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,60}") {
            let once = fold_term(&text);
            prop_assert_eq!(fold_term(&once), once);
        }
    }
}
