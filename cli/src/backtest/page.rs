//! What every page of a report has: escaping, tables, and the frame with its policy.
//!
//! **Invariant:** the page loads nothing, and runs the one script whose hash its policy names: a
//! comment that gets past the escaping still runs nothing.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Escapes text for element content and for attributes in quotes. Characters that change the
/// direction of what follows are shown as a replacement.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(c),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => escaped.push('\u{fffd}'),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A cell: text, or a number that sorts as one.
pub(super) enum Cell {
    Text(String),
    Count(u64),
    Share(Option<f64>),
}

impl Cell {
    fn html(&self) -> String {
        match self {
            Self::Text(text) => format!("<td>{}</td>", escape(text)),
            Self::Count(count) => format!(
                "<td class=\"n\" data-v=\"{count}\">{}</td>",
                grouped(*count)
            ),
            Self::Share(share) => format!(
                "<td class=\"n\" data-v=\"{}\">{}</td>",
                share.unwrap_or(-1.0),
                super::tables::percent(*share)
            ),
        }
    }
}

/// Writes a number with spaces between its thousands.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// Writes a table that can be sorted by each column; one without rows is left out.
pub(super) fn table(caption: &str, header: &[&str], rows: &[Vec<Cell>]) -> String {
    let Some(first) = rows.first() else {
        return String::new();
    };
    let mut html = format!(
        "<div class=\"scroll\"><table class=\"sort\"><caption>{}</caption><thead><tr>",
        escape(caption)
    );
    for (name, cell) in header.iter().zip(first) {
        let class = if matches!(cell, Cell::Text(_)) {
            ""
        } else {
            " class=\"n\""
        };
        write!(html, "<th scope=\"col\"{class}>{}</th>", escape(name)).ok();
    }
    html.push_str("</tr></thead><tbody>");
    for row in rows {
        html.push_str("<tr>");
        html.extend(row.iter().map(Cell::html));
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table></div>");
    html
}

/// Puts a body into a whole page.
pub(super) fn frame(title: &str, body: &str) -> String {
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE)
    );
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"referrer\" content=\"no-referrer\">\
         <title>{}</title><style>{STYLE}</style></head><body><main>{body}</main>\
         <script>{SCRIPT}</script></body></html>\n",
        escape(title)
    )
}

/// Returns the hash of an inline script or style, as a policy names it.
fn hash(text: &str) -> String {
    format!("sha256-{}", base64(&Sha256::digest(text.as_bytes())))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| {
            bits << 8 | u32::from(chunk.get(at).copied().unwrap_or_default())
        });
        for place in 0..4 {
            let digit = DIGITS.get((bits >> (18 - 6 * place)) as usize & 63);
            match digit.filter(|_| place <= chunk.len()) {
                Some(digit) => text.push(char::from(*digit)),
                None => text.push('='),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="), // typos:ignore: a test vector of RFC 4648
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
    }
}
