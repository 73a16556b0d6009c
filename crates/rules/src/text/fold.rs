//! Folding of case and accents, which terms have in common with every text.
//!
//! Case folding here means: lower case, accents off (canonical decomposition without the marks
//! U+0300–U+036F), the ligatures and letters that people write either way (`œ` as `oe`, `ß` as
//! `ss`), any white space as a space, and typographic apostrophes and hyphens as the plain ones.
//! Marks of other scripts stay, because there they make another word.
//!
//! Texts are not folded as a whole: [`super::skeleton`] reads them, and [`super::walk`] folds the
//! characters that it compares.

use unicode_normalization::char::decompose_canonical;

/// Folds a term by case and accents.
pub(crate) fn fold_term(term: &str) -> String {
    let mut out = Vec::with_capacity(term.len());
    for c in term.chars() {
        fold_char(c, &mut out);
    }
    out.into_iter().collect()
}

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
        let check = |text: &str, expected: &str| assert_eq!(fold_term(text), expected);
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

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,60}") {
            let once = fold_term(&text);
            prop_assert_eq!(fold_term(&once), once);
        }
    }
}
