//! What a text is made of: words, as they are compared.
//!
//! A word is a run of letters and digits. It is compatibility-composed (NFKC), in lower case, and
//! without what can't be seen (soft hyphens, joiners, marks of direction).
//! Scripts that are written without spaces have a word for each character, so that a run of them is
//! found as a phrase.
//!
//! Accents are folded after stemming, because stemmers need them:
//!
//! | script | folded |
//! |---|---|
//! | Latin, Greek | accents and ligatures: `é` → `e`, `ß` → `ss`, `œ` → `oe`, `ς` → `σ` |
//! | Cyrillic | `ё` → `е`; `й` is a letter of its own and stays |
//! | Hebrew, Arabic | points, which most people leave out |
//! | others | nothing |

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::language::Language;

/// Bytes of the longest word that is kept; what is longer is no word of any language.
const MAX_BYTES: usize = 120;
/// Between a language's code and what is in it.
const SEPARATOR: char = '\u{1}';

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// As it is compared, but for accents.
    text: String,
    /// The bytes of the text where it is.
    pub(crate) from: usize,
    pub(crate) to: usize,
}

impl Word {
    /// Returns the word as it is written, without accents.
    pub(crate) fn plain(&self) -> String {
        fold(&self.text)
    }

    /// Returns the word's stem, without accents.
    pub(crate) fn stem(&self, stemmer: &frostem::Stemmer) -> String {
        fold(&stemmer.stem(&self.text))
    }
}

/// Lists the words of a text.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut begin = None;
    for (at, c) in text.char_indices() {
        let continues = !c.is_ascii() && (is_combining_mark(c) || is_invisible(c));
        let is_word = c.is_alphanumeric() || continues && begin.is_some();
        let alone = is_unspaced(c) && !continues;
        if let Some(from) = begin
            && (!is_word || alone || !continues && ends_unspaced(text.get(from..at)))
        {
            push(&mut words, text, from, at);
            begin = None;
        }
        if is_word && begin.is_none() {
            begin = Some(at);
        }
    }
    if let Some(from) = begin {
        push(&mut words, text, from, text.len());
    }
    words
}

fn push(words: &mut Vec<Word>, text: &str, from: usize, to: usize) {
    let Some(part) = text.get(from..to) else {
        return;
    };
    let visible = part.chars().filter(|c| !is_invisible(*c));
    let text: String = if part.is_ascii() {
        part.to_ascii_lowercase()
    } else {
        visible.nfkc().flat_map(char::to_lowercase).collect()
    };
    if text.len() <= MAX_BYTES {
        words.push(Word { text, from, to });
    }
}

/// Whether a word ends with a character of a script that is written without spaces.
fn ends_unspaced(word: Option<&str>) -> bool {
    let mut visible = word.into_iter().flat_map(str::chars).rev();
    visible
        .find(|c| !is_combining_mark(*c) && !is_invisible(*c))
        .is_some_and(is_unspaced)
}

/// Whether a character is of a script that is written without spaces.
fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0x0E00..=0x0EFF // Thai, Lao
        | 0x1000..=0x109F // Burmese
        | 0x1780..=0x17FF // Khmer
        | 0x3040..=0x30FF // Kana
        | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF)
}

/// Whether a character is not seen and parts no words.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}'
    )
}

/// Takes accents away, where people leave them out.
pub(crate) fn fold(word: &str) -> String {
    if word.is_ascii() {
        return word.to_owned();
    }
    let mut folded = String::with_capacity(word.len());
    for c in word.chars() {
        match c {
            'ß' | 'ẞ' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ł' => folded.push('l'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            'ё' => folded.push('е'),
            '\u{300}'..='\u{36F}' | '\u{591}'..='\u{5C7}' | '\u{64B}'..='\u{65F}' | '\u{670}' => {}
            // Latin and Greek.
            '\u{C0}'..='\u{24F}' | '\u{370}'..='\u{3FF}' | '\u{1E00}'..='\u{1FFF}' => {
                folded.extend(
                    std::iter::once(c)
                        .nfd()
                        .filter(|part| !is_combining_mark(*part)),
                );
            }
            c => folded.push(c),
        }
    }
    folded
}

/// Makes the term of a stem: stems of different languages are different terms.
pub(crate) fn stem_term(language: Language, stem: &str) -> String {
    let code = language.code();
    let mut term = String::with_capacity(code.len() + 1 + stem.len());
    term.push_str(code);
    term.push(SEPARATOR);
    term.push_str(stem);
    term
}

/// Makes the value of the field of stems: the language, and the text.
pub(crate) fn stem_value(language: Language, text: &str) -> String {
    format!("{}{SEPARATOR}{text}", language.code())
}

/// Cuts the text of a field into terms, for tantivy.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cutter {
    /// Words as they are written.
    Plain,
    /// Stems, of what [`stem_value`] made.
    Stems,
}

impl Tokenizer for Cutter {
    type TokenStream<'a> = Terms;

    fn token_stream(&mut self, text: &str) -> Terms {
        let terms: Vec<String> = match self {
            Self::Plain => words(text).iter().map(Word::plain).collect(),
            Self::Stems => stems(text),
        };
        Terms {
            terms: terms.into_iter(),
            token: Token::default(),
        }
    }
}

fn stems(value: &str) -> Vec<String> {
    let Some((code, text)) = value.split_once(SEPARATOR) else {
        return Vec::new();
    };
    let Some(language) = Language::of(code) else {
        return Vec::new();
    };
    let stemmer = language.stemmer();
    let words = words(text);
    let stems = words.iter().map(|word| word.stem(&stemmer));
    stems.map(|stem| stem_term(language, &stem)).collect()
}

/// The terms of a text, for tantivy.
#[derive(Debug)]
pub(crate) struct Terms {
    terms: std::vec::IntoIter<String>,
    token: Token,
}

impl TokenStream for Terms {
    fn advance(&mut self) -> bool {
        let Some(text) = self.terms.next() else {
            return false;
        };
        self.token.text = text;
        self.token.position = self.token.position.wrapping_add(1);
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the words of a text, as they are compared.
    fn check(text: &str, expected: &[&str]) {
        let words = words(text);
        let plain: Vec<String> = words.iter().map(Word::plain).collect();
        assert_eq!(plain, expected, "{text:?}");
        for word in words {
            assert!(text.get(word.from..word.to).is_some());
        }
    }

    #[test]
    fn words_of_texts() {
        check("", &[]);
        check("L'été, n°5 — ÇA!", &["l", "ete", "n", "5", "ca"]);
        check("Straße Œuvre Łódź", &["strasse", "oeuvre", "lodz"]);
        check("Ёлка чай", &["елка", "чай"]);
        check("mode\u{301}ré mo\u{AD}de\u{200B}ré", &["modere", "modere"]);
        check("\u{202E}abc\u{202C} \u{7}", &["abc"]);
        check("ｆｕｌｌ ﬁn", &["full", "fin"]);
        check("東京tower都", &["東", "京", "tower", "都"]);
        check("ΣΊΣΥΦΟΣ σίσυφος", &["σισυφοσ", "σισυφοσ"]);
        check("שָׁלוֹם", &["שלום"]);
        check("👍 ... *** —", &[]);
        check(&"x".repeat(MAX_BYTES + 1), &[]);
    }
}
