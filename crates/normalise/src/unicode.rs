//! Plain text: one Unicode form, no control characters.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// Brings plain text into the form that rules read.
///
/// Normalisation form C; line ends (CR LF, CR, vertical tab, form feed, NEL) become `\n`; other
/// control characters except the tab go; so does a byte order mark at the start.
/// Invisible and bidirectional characters stay: they are what a rule looks for.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text
        .bytes()
        .all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t'))
    {
        return Cow::Borrowed(text);
    }
    let text = strip_controls(text);
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => text,
        IsNormalized::No | IsNormalized::Maybe => Cow::Owned(text.nfc().collect()),
    }
}

fn strip_controls(text: &str) -> Cow<'_, str> {
    if !text
        .chars()
        .any(|c| c.is_control() && c != '\n' && c != '\t')
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\u{b}' | '\u{c}' | '\u{85}' => out.push('\n'),
            '\n' | '\t' => out.push(c),
            _ if c.is_control() => {}
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Whether nothing of a text can be seen: it has only spaces, invisible and control characters.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c,
                '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}'
                | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}')
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(plain(text), expected, "{text:?}");
    }

    #[test]
    fn one_form_and_no_controls() {
        check("plain text\n\twith a tab", "plain text\n\twith a tab");
        check("e\u{301}te\u{301}", "été");
        check("a\r\nb\rc\u{b}d\u{c}e\u{85}f", "a\nb\nc\nd\ne\nf");
        check("bell\u{7} escape\u{1b}[31m c1\u{9b}", "bell escape[31m c1");
        check("\u{feff}mark", "mark");
        check(
            "in\u{200b}visible \u{202e}bidi\u{202c}",
            "in\u{200b}visible \u{202e}bidi\u{202c}",
        );
        // The Kelvin sign is canonically a K; a ligature is only compatible and stays.
        check("\u{212a} ﬁ", "K ﬁ");
    }

    #[test]
    fn what_can_not_be_seen_is_blank() {
        for text in [
            "",
            " \n\t",
            "\u{200b}\u{200d}",
            "\u{a0}\u{3000}\u{feff}",
            "\u{3164}\u{2800}",
        ] {
            assert!(is_blank(text), "{text:?}");
        }
        for text in ["x", ".", "👍", "\u{200b}a", "0"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn twice_is_once(text in any::<String>()) {
            let once = plain(&text).into_owned();
            // A second byte order mark comes to the start when the first goes.
            prop_assume!(!once.starts_with('\u{feff}'));
            prop_assert_eq!(plain(&once), once.as_str());
            prop_assert!(once.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
        }
    }
}
