//! Tags and entities of HTML that were typed into a text.

use unicode_normalization::char::compose;

/// Bytes of the longest tag that is taken for one.
const TAG_BYTES: usize = 256;

/// Bytes of the longest entity, `&` and `;` included.
const ENTITY_BYTES: usize = 16;

/// Endings of the entities that are a letter with an accent, as in `&eacute;`.
const ACCENTS: [(&str, char); 10] = [
    ("grave", '\u{300}'),
    ("acute", '\u{301}'),
    ("circ", '\u{302}'),
    ("tilde", '\u{303}'),
    ("uml", '\u{308}'),
    ("ring", '\u{30a}'),
    ("cedil", '\u{327}'),
    ("slash", '\u{338}'),
    ("caron", '\u{30c}'),
    ("ogon", '\u{328}'),
];

/// Returns the length of the tag or comment that begins at a place, in bytes.
pub(crate) fn tag(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes().get(at..)?;
    let after_name = match bytes {
        [b'<', b'/', c, ..] | [b'<', c, ..] if c.is_ascii_alphabetic() => true,
        [b'<', b'!' | b'>', ..] | [b'<', b'/', b'>', ..] => true,
        _ => false,
    };
    if !after_name {
        return None;
    }
    let end = bytes.iter().take(TAG_BYTES).position(|b| *b == b'>')?;
    let inner = bytes.get(1..end)?;
    (!inner.contains(&b'<')).then_some(end + 1)
}

/// Returns the character that an entity stands for and the entity's length in bytes.
pub(crate) fn entity(text: &str, at: usize) -> Option<(char, usize)> {
    let bytes = text.as_bytes().get(at..)?;
    if bytes.first() != Some(&b'&') {
        return None;
    }
    let end = bytes.iter().take(ENTITY_BYTES).position(|b| *b == b';')?;
    let name = text.get(at + 1..at + end)?;
    let character = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|c| *c != '\0')?
        }
        None => named(name)?,
    };
    Some((character, end + 1))
}

fn named(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" | "rsquo" | "lsquo" => '\'',
        "nbsp" | "ensp" | "emsp" | "thinsp" => ' ',
        "shy" => '\u{ad}',
        "zwj" => '\u{200d}',
        "zwnj" => '\u{200c}',
        "lrm" => '\u{200e}',
        "rlm" => '\u{200f}',
        "ZeroWidthSpace" => '\u{200b}',
        "szlig" => 'ß',
        "aelig" | "AElig" => 'æ',
        "oelig" | "OElig" => 'œ',
        "middot" => '·',
        "ast" => '*',
        "commat" => '@',
        "dollar" => '$',
        "excl" => '!',
        "period" => '.',
        "hyphen" | "dash" => '-',
        "lowbar" => '_',
        _ => {
            let mut rest = name.chars();
            let letter = rest.next().filter(char::is_ascii_alphabetic)?;
            let (_, mark) = ACCENTS.iter().find(|(known, _)| *known == rest.as_str())?;
            // A letter that has no such accent, and the stroke, which is no mark, are left without.
            return Some(compose(letter, *mark).unwrap_or(letter));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_an_end_and_entities_a_meaning() {
        assert_eq!(tag("<b>x", 0), Some(3));
        assert_eq!(tag("a</n>b", 1), Some(4));
        assert_eq!(tag("<span class=\"x\">", 0), Some(16));
        assert_eq!(tag("<!-- x -->", 0), Some(10));
        assert_eq!(tag("3 < 4 > 2", 2), None);
        assert_eq!(tag("<b", 0), None);
        assert_eq!(tag("é<", 1), None);
        assert_eq!(entity("&#101;", 0), Some(('e', 6)));
        assert_eq!(entity("&#x65;", 0), Some(('e', 6)));
        assert_eq!(entity("&eacute;", 0), Some(('é', 8)));
        assert_eq!(entity("a&nbsp;b", 1), Some((' ', 6)));
        for none in [
            "&",
            "& ;",
            "&;",
            "&#;",
            "&#x;",
            "&#0;",
            "&#99999999;",
            "&bogus;",
            "&é;",
            "x",
        ] {
            assert_eq!(entity(none, 0), None, "{none}");
        }
    }
}
