//! A writer of HTML that escapes whatever is not written in this program.
//!
//! **Invariant:** markup is `&'static str`; everything else goes through [`Html::text`] or
//! [`Html::attribute`].

use std::fmt::{Display, Write as _};

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// What a page may load: its style sheet, from here. Its form may be sent here.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'";

/// What a page's head says beside its title.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    /// The page's address.
    pub(super) canonical: Option<String>,
    /// The same in other forms: media type, path.
    pub(super) alternates: Vec<(&'static str, String)>,
    /// The same in JSON-LD.
    pub(super) data: Option<serde_json::Value>,
    /// The style sheet, where it is not the archive's own.
    pub(super) style: Option<&'static str>,
}

/// A page being written.
#[derive(Debug)]
pub(super) struct Html(String);

impl Html {
    /// Begins a page.
    pub(super) fn page(title: &str) -> Self {
        Self::page_with(title, &Head::default())
    }

    /// Begins a page whose head says more.
    pub(super) fn page_with(title: &str, head: &Head) -> Self {
        let mut page = Self(String::with_capacity(16 * 1024));
        page.raw("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
        page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
        page.raw("<meta name=\"color-scheme\" content=\"light dark\"><title>")
            .text(title);
        page.raw("</title><link rel=\"stylesheet\"")
            .attribute("href", head.style.unwrap_or("/assets/thread.css"))
            .raw(">");
        if let Some(url) = &head.canonical {
            page.raw("<link rel=\"canonical\"")
                .attribute("href", url)
                .raw(">");
        }
        for (kind, path) in &head.alternates {
            page.raw("<link rel=\"alternate\"")
                .attribute("type", kind)
                .attribute("href", path)
                .raw(">");
        }
        if let Some(data) = &head.data {
            page.data(data);
        }
        page.raw("</head>\n<body><a class=\"skip\" href=\"#main\">Skip to the content</a>");
        page
    }

    /// Writes JSON-LD, which a browser does not execute.
    ///
    /// Only strings hold what could end the element, and there it can be written as an escape.
    fn data(&mut self, data: &serde_json::Value) {
        self.raw("<script type=\"application/ld+json\">");
        for c in data.to_string().chars() {
            match c {
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    // Writing to a string can't fail.
                    write!(self.0, "\\u{:04x}", u32::from(c)).ok();
                }
                c => self.0.push(c),
            }
        }
        self.raw("</script>");
    }

    /// Writes markup.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Writes text; control characters other than line feed and tab are left out.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' | '\t' => self.0.push(c),
                c if c.is_control() => {}
                c => self.0.push(c),
            }
        }
        self
    }

    /// Writes text with `<mark>` around ranges of its characters.
    pub(super) fn marked(&mut self, text: &str, ranges: &[std::ops::Range<usize>]) -> &mut Self {
        let mut rest = text.chars();
        let mut at = 0;
        for range in ranges {
            let before: String = rest.by_ref().take(range.start - at).collect();
            let inside: String = rest.by_ref().take(range.len()).collect();
            self.text(&before)
                .raw("<mark>")
                .text(&inside)
                .raw("</mark>");
            at = range.end;
        }
        self.text(rest.as_str())
    }

    /// Writes a number or another value that needs no escaping but gets it.
    pub(super) fn value(&mut self, value: impl Display) -> &mut Self {
        let mut text = String::new();
        // Writing to a string can't fail.
        write!(text, "{value}").ok();
        self.text(&text)
    }

    /// Writes ` name="value"`.
    pub(super) fn attribute(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.raw(" ").raw(name).raw("=\"").text(value).raw("\"")
    }

    /// Writes a link.
    pub(super) fn link(&mut self, path: &str, text: &str) -> &mut Self {
        self.raw("<a")
            .attribute("href", path)
            .raw(">")
            .text(text)
            .raw("</a>")
    }

    /// Writes a link to another site, if it is one that a browser may follow.
    pub(super) fn outer_link(&mut self, url: &str, text: &str) -> &mut Self {
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return self.raw("<bdi>").text(text).raw("</bdi>");
        }
        self.raw("<a rel=\"nofollow ugc noopener\"")
            .attribute("href", url);
        self.raw("><bdi>").text(text).raw("</bdi></a>")
    }

    /// Writes plain text as paragraphs: an empty line ends one, a line feed breaks a line.
    pub(super) fn paragraphs(&mut self, text: &str, language: Option<&str>) -> &mut Self {
        self.raw("<div class=\"text\" dir=\"auto\"")
            .language(language)
            .raw(">")
            .lines(text)
            .raw("</div>")
    }

    /// Writes plain text as paragraphs without anything around them.
    fn lines(&mut self, text: &str) -> &mut Self {
        let mut lines = text.lines().peekable();
        let mut open = false;
        while let Some(line) = lines.next() {
            if line.trim().is_empty() {
                continue;
            }
            if !open {
                self.raw("<p dir=\"auto\">");
            }
            self.text(line);
            open = lines.peek().is_some_and(|next| !next.trim().is_empty());
            self.raw(if open { "<br>" } else { "</p>" });
        }
        self
    }

    /// Writes a `lang` attribute, if the tag looks like one.
    pub(super) fn language(&mut self, language: Option<&str>) -> &mut Self {
        match language.filter(|tag| is_language(tag)) {
            Some(language) => self.attribute("lang", language),
            None => self,
        }
    }

    /// Writes a moment: absolute, to the minute, in the offset that it came with.
    pub(super) fn time(&mut self, time: &stoa_proto::Time) -> &mut Self {
        self.raw("<time")
            .attribute("datetime", time.as_str())
            .raw(">");
        self.text(&readable(time.as_str())).raw("</time>")
    }

    /// Ends the page, and returns what was written.
    pub(super) fn written(mut self) -> String {
        self.raw("</body></html>\n");
        self.0
    }

    /// Ends the page.
    pub(super) fn end(self) -> Response {
        let headers = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=utf-8"),
            ),
            (
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(CONTENT_POLICY),
            ),
        ];
        (headers, self.written()).into_response()
    }
}

/// Returns plain text as HTML.
pub(super) fn words(text: &str) -> String {
    let mut html = Html(String::with_capacity(text.len() + 32));
    html.lines(text);
    html.0
}

/// Whether a language tag looks like one.
pub(super) fn is_language(tag: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !tag.is_empty() && tag.bytes().all(plain)
}

/// Writes RFC 3339 for people: `2022-12-13 09:38 (UTC+01:00)`.
fn readable(time: &str) -> String {
    let parts = time.split_once(['T', 't', ' ']).and_then(|(date, rest)| {
        let minutes = rest.get(..5)?;
        let offset = rest.get(5..)?;
        let sign = offset.rfind(['+', '-']);
        Some((
            date,
            minutes,
            sign.and_then(|sign| offset.get(sign..)).unwrap_or_default(),
        ))
    });
    match parts {
        Some((date, minutes, "+00:00" | "-00:00" | "")) => format!("{date} {minutes} (UTC)"),
        Some((date, minutes, offset)) => format!("{date} {minutes} (UTC{offset})"),
        None => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(write: impl FnOnce(&mut Html)) -> String {
        let mut html = Html(String::new());
        write(&mut html);
        html.0
    }

    #[test]
    fn hostile_text_stays_text() {
        let hostile = "<script>alert('x')</script>\u{0}\u{1b}[31m & \"quoted\"";
        let written = body(|html| {
            html.text(hostile)
                .raw("<a")
                .attribute("title", hostile)
                .raw(">");
        });
        assert_eq!(
            written,
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;[31m &amp; &quot;quoted&quot;<a \
             title=\"&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;[31m &amp; &quot;quoted&quot;\">"
        );
    }

    #[test]
    fn only_web_addresses_become_links() {
        for url in [
            "javascript:alert(1)",
            "data:text/html,x",
            " https://x.example",
            "//x.example",
        ] {
            assert_eq!(
                body(|html| {
                    html.outer_link(url, "x");
                }),
                "<bdi>x</bdi>",
                "{url}"
            );
        }
        let link = body(|html| {
            html.outer_link("https://x.example/\"onclick=", "x");
        });
        assert!(
            link.contains("href=\"https://x.example/&quot;onclick=\""),
            "{link}"
        );
    }

    #[test]
    fn paragraphs_and_lines() {
        let written = body(|html| {
            html.paragraphs("a\nb\n\n\n c", Some("fr"));
        });
        assert_eq!(
            written,
            "<div class=\"text\" dir=\"auto\" lang=\"fr\"><p dir=\"auto\">a<br>b</p>\
             <p dir=\"auto\"> c</p></div>"
        );
        let bad = body(|html| {
            html.paragraphs("", Some("\"onclick"));
        });
        assert_eq!(bad, "<div class=\"text\" dir=\"auto\"></div>");
    }

    #[test]
    fn data_does_not_end_its_element() {
        let hostile = "</script><!--<script>&\u{2028}\"\u{1}";
        let data = serde_json::json!({ hostile: [hostile] });
        let written = body(|html| html.data(&data));
        let json = written
            .strip_prefix("<script type=\"application/ld+json\">")
            .and_then(|rest| rest.strip_suffix("</script>"))
            .unwrap();
        assert!(!json.contains(['<', '>', '&', '\u{2028}']), "{json}");
        let read: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(read, data);
    }

    #[test]
    fn dates_are_absolute() {
        for (time, shown) in [
            ("2022-12-13T09:38:00+01:00", "2022-12-13 09:38 (UTC+01:00)"),
            ("2022-12-13T09:38:00.25Z", "2022-12-13 09:38 (UTC)"),
            ("2022-12-13T09:38:00-05:30", "2022-12-13 09:38 (UTC-05:30)"),
            ("2022", "2022"),
        ] {
            assert_eq!(readable(time), shown);
        }
    }
}
