//! A header of binary mode to an attribute's value, as the `CloudEvents` HTTP binding 1.0.2 has it
//! (section 3.1.3.2): quotation marks around it go, percent-encoded bytes are decoded once.

/// Reads a header's value; `None` if it is not UTF-8.
pub(super) fn decode(header: &[u8]) -> Option<String> {
    let unquoted = header
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    let bytes = match unquoted {
        Some(inner) => percent_decoded(&unescaped(inner)),
        None => percent_decoded(header),
    };
    String::from_utf8(bytes).ok()
}

/// Takes the backslashes out of a quoted string.
fn unescaped(quoted: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter();
    while let Some(byte) = bytes.next() {
        let escaped = if *byte == b'\\' { bytes.next() } else { None };
        out.push(*escaped.unwrap_or(byte));
    }
    out
}

/// Decodes what is percent-encoded; a percent sign that begins no such byte stays.
fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let decoded = match (first, tail) {
            (b'%', [high, low, ..]) => digit(*high)
                .zip(digit(*low))
                .and_then(|(high, low)| u8::try_from(high * 16 + low).ok()),
            _ => None,
        };
        out.push(decoded.unwrap_or(*first));
        let n_taken = if decoded.is_some() { 2 } else { 0 };
        rest = tail.get(n_taken..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_decoded_once() {
        for (header, expected) in [
            (&b"e-1"[..], Some("e-1")),
            (b"", Some("")),
            // The example of the specification.
            (
                b"Euro%20%E2%82%AC%20%F0%9F%98%80",
                Some("Euro \u{20ac} \u{1f600}"),
            ),
            (b"%c3%a9t%c3%a9", Some("\u{e9}t\u{e9}")),
            ("\u{e9}t\u{e9}".as_bytes(), Some("\u{e9}t\u{e9}")),
            (b"%2541", Some("%41")),
            (b"100%", Some("100%")),
            (b"100%2", Some("100%2")),
            (b"100%zz%4", Some("100%zz%4")),
            (b"\"a \\\"b\\\" c\"", Some("a \"b\" c")),
            (b"\"", Some("\"")),
            (b"%ff", None),
            (b"\xe9t\xe9", None),
        ] {
            assert_eq!(decode(header).as_deref(), expected, "{header:?}");
        }
    }
}
