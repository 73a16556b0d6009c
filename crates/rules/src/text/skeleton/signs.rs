//! Signs that stand for letters, or hide them.

/// Signs that stand for a letter even between two spaces.
pub(super) fn is_lone_letter(c: char) -> bool {
    c == '@' || is_money(c)
}

/// Signs that stand for a letter at the end of a word too.
pub(crate) fn is_money(c: char) -> bool {
    matches!(c, '@' | '$' | '€' | '£' | '¢' | '¥' | '§' | '©' | '®')
}

/// Signs that people put in place of a letter on purpose.
pub(crate) fn is_star(c: char) -> bool {
    matches!(
        c,
        '*' | '#'
            | '%'
            | '×'
            | '•'
            | '●'
            | '○'
            | '■'
            | '□'
            | '█'
            | '▇'
            | '▓'
            | '▒'
            | '░'
            | '★'
            | '☆'
            | '✱'
            | '∗'
            | '＊'
            | '\u{2a2f}'
    ) || matches!(c, '\u{2600}'..='\u{27bf}' | '\u{1f300}'..='\u{1faff}')
}
