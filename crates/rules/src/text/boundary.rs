//! Where words begin and end.
//!
//! A word is a run of letters, digits and the marks on them.
//! Hyphens, middle dots (`connard·e·s`), underscores and apostrophes end a word.
//! An apostrophe begins one only after an elided word (`l'`, `d'`, `qu'` …) or where it is a
//! quotation mark, so that `aujourd'hui` and `м'ята` stay whole.
//! Scripts that are written without spaces have no boundaries: there every place is one.

use unicode_normalization::char::is_combining_mark;

/// What stands before an apostrophe where a word begins after it.
const ELIDED: [&str; 13] = [
    "c", "d", "j", "l", "m", "n", "s", "t", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu",
];

/// Tells whether a match that begins at `start` begins with a word.
pub(crate) fn begins(text: &str, start: usize) -> bool {
    let Some(rest) = text.get(start..) else {
        return false;
    };
    let Some(first) = rest.chars().next() else {
        return false;
    };
    if !is_word(first) || is_unspaced(first) {
        return true;
    }
    let before = text.get(..start).unwrap_or_default();
    match before.chars().next_back() {
        None => true,
        Some('\'' | '’') => after_apostrophe(before),
        Some(c) => !is_word(c) || is_unspaced(c),
    }
}

/// Tells whether a match that ends at `end` ends with a word.
pub(crate) fn ends(text: &str, end: usize) -> bool {
    let Some(last) = text.get(..end).and_then(|text| text.chars().next_back()) else {
        return false;
    };
    let Some(next) = text.get(end..).and_then(|text| text.chars().next()) else {
        return true;
    };
    if is_combining(next) {
        return false;
    }
    !is_word(last) || is_unspaced(last) || !is_word(next) || is_unspaced(next)
}

/// Tells whether a match is one of a word's parts that stand in brackets, as in `(con)vaincu` and
/// `dé(con)nexion`. In `connard(e)s` it is the word that stands outside.
pub(crate) fn is_bracketed_part(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(..start).unwrap_or_default();
    let behind = text.get(end..).unwrap_or_default();
    let (Some(before), Some(behind)) = (before.strip_suffix('('), behind.strip_prefix(')')) else {
        return false;
    };
    before.chars().next_back().is_some_and(is_word) || behind.chars().next().is_some_and(is_word)
}

fn after_apostrophe(before: &str) -> bool {
    let word = before.trim_end_matches(['\'', '’']);
    // The longest elided word has six letters: what is longer need not be read to its start.
    let letters = word
        .chars()
        .rev()
        .take_while(|c| is_word(*c))
        .take(7)
        .count();
    let start = word
        .chars()
        .rev()
        .take(letters)
        .map(char::len_utf8)
        .sum::<usize>();
    let elided = word.get(word.len() - start..).unwrap_or_default();
    elided.is_empty()
        || ELIDED
            .iter()
            .any(|known| elided.eq_ignore_ascii_case(known))
}

/// Tells whether a character is part of a word.
pub(crate) fn is_word(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric()
    } else {
        c.is_alphanumeric() || is_combining(c)
    }
}

fn is_combining(c: char) -> bool {
    !c.is_ascii() && is_combining_mark(c)
}

/// Tells whether a character belongs to a script that is written without spaces between words.
pub(crate) fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Myanmar
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3040}'..='\u{30ff}' // kana
        | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' // Han
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_whole_words_alone() {
        let check = |text: &str, word: &str, expected: bool| {
            let start = text.find(word).unwrap();
            let found = begins(text, start) && ends(text, start + word.len());
            assert_eq!(found, expected, "{word} in {text}");
        };
        check("un idiot", "idiot", true);
        check("idiots", "idiot", false);
        check("l'idiot", "idiot", true);
        check("l’idiot", "idiot", true);
        check("qu'idiot", "idiot", true);
        check("L'idiot", "idiot", true);
        check("aujourd'hui", "hui", false);
        check("d'hui", "hui", true);
        check("'idiot'", "idiot", true);
        check("idiot's", "idiot", true);
        check("sous-merde", "merde", true);
        check("connard·e·s", "connard", true);
        check("_idiot_", "idiot", true);
        check("véhicule", "cul", false);
        check("Scunthorpe", "cunt", false);
        check("м'ята", "ята", false);
        check("4idiot", "idiot", false);
        check("他是白痴吗", "白痴", true);
        check("idiot\u{a0}!", "idiot", true);
        check("idio\u{301}t", "idio", false);
        check("$$ now", "$$", true);
    }
}
