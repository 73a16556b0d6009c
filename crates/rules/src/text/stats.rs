//! Counts of what a text is made of, in one pass.

use super::boundary::is_word;

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
        for c in text.chars() {
            stats.length += 1;
            let upper = if c.is_ascii() {
                c.is_ascii_uppercase()
            } else {
                c.is_uppercase()
            };
            let lower = if c.is_ascii() {
                c.is_ascii_lowercase()
            } else {
                c.is_lowercase()
            };
            stats.upper += u32::from(upper);
            stats.cased += u32::from(upper || lower);
            let word = is_word(c);
            stats.words += i64::from(word && !in_word);
            in_word = word || (in_word && matches!(c, '\'' | '’'));
            if c.is_ascii() {
                joined = false;
                half_flag = false;
                continue;
            }
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
