//! Counts of what a text is made of, in one pass.

use super::boundary::is_word;

const UPPER: u8 = 1;
const CASED: u8 = 2;
const WORD: u8 = 4;

/// What each byte of ASCII counts as.
#[expect(clippy::indexing_slicing, reason = "the compiler runs it")]
static CLASSES: [u8; 128] = {
    let mut table = [0; 128];
    let mut byte: u8 = 0;
    while byte < 128 {
        let upper = if byte.is_ascii_uppercase() { UPPER } else { 0 };
        let cased = if byte.is_ascii_alphabetic() { CASED } else { 0 };
        let word = if byte.is_ascii_alphanumeric() {
            WORD
        } else {
            0
        };
        table[byte as usize] = upper | cased | word;
        byte += 1;
    }
    table
};

/// What a text is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Stats {
    pub(crate) length: i64,
    pub(crate) words: i64,
    pub(crate) emoji: i64,
    upper: u32,
    cased: u32,
}

impl Stats {
    /// Counts a text.
    pub(crate) fn of(text: &str) -> Self {
        let mut stats = Self::default();
        let mut in_word = false;
        let mut joined = false;
        let mut half_flag = false;
        let mut rest = text;
        loop {
            let ascii = rest.bytes().position(|byte| !byte.is_ascii());
            let (run, others) = rest.split_at(ascii.unwrap_or(rest.len()));
            if !run.is_empty() {
                in_word = stats.ascii(run.as_bytes(), in_word);
                joined = false;
                half_flag = false;
            }
            let mut chars = others.chars();
            let Some(c) = chars.next() else {
                break;
            };
            rest = chars.as_str();
            stats.length += 1;
            let upper = c.is_uppercase();
            stats.upper += u32::from(upper);
            stats.cased += u32::from(upper || c.is_lowercase());
            let word = is_word(c);
            stats.words += i64::from(word && !in_word);
            in_word = word || (in_word && c == '’');
            match c {
                '\u{1f1e6}'..='\u{1f1ff}' => {
                    half_flag = !half_flag;
                    stats.emoji += i64::from(half_flag);
                }
                '\u{1f3fb}'..='\u{1f3ff}' | '\u{fe0f}' => {}
                '\u{200d}' => joined = true,
                '\u{1f300}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' | '\u{2b50}' | '\u{2b55}' => {
                    stats.emoji += i64::from(!joined);
                    joined = false;
                }
                _ => joined = false,
            }
        }
        stats
    }

    /// Counts a run of ASCII; whether it ends inside a word.
    fn ascii(&mut self, run: &[u8], mut in_word: bool) -> bool {
        let (mut upper, mut cased, mut words) = (0, 0, 0);
        for byte in run {
            let class = CLASSES.get(usize::from(*byte)).copied().unwrap_or_default();
            upper += u32::from(class & UPPER);
            cased += u32::from(class & CASED) / u32::from(CASED);
            let word = class & WORD != 0;
            words += i64::from(word && !in_word);
            in_word = word || (in_word && *byte == b'\'');
        }
        self.upper += upper;
        self.cased += cased;
        self.words += words;
        self.length += i64::try_from(run.len()).unwrap_or(i64::MAX);
        in_word
    }

    /// Returns the share of capitals among the letters that have case.
    pub(crate) fn capitals(&self) -> f64 {
        if self.cased == 0 {
            0.0
        } else {
            f64::from(self.upper) / f64::from(self.cased)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_characters_words_capitals_and_emoji() {
        let check = |text: &str, length, words, capitals: f64, emoji| {
            let stats = Stats::of(text);
            assert_eq!(
                (stats.length, stats.words, stats.emoji),
                (length, words, emoji),
                "{text}"
            );
            assert!((stats.capitals() - capitals).abs() < 1e-9, "{text}");
        };
        check("", 0, 0, 0.0, 0);
        check("Ça va", 5, 2, 0.25, 0);
        check("l'école", 7, 1, 0.0, 0);
        check("STOP 2026!", 10, 2, 1.0, 0);
        check("ПРИВЕТ мир", 10, 2, 6.0 / 9.0, 0);
        check("😀👍🏽", 3, 0, 0.0, 2);
        check("👨\u{200d}👩\u{200d}👧", 5, 0, 0.0, 1);
        check("🇫🇷🇩🇪", 4, 0, 0.0, 2);
        check("白痴", 2, 1, 0.0, 0);
    }
}
