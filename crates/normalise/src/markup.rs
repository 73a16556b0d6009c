//! HTML and Markdown to plain text, with the links listed.
//!
//! HTML first goes through ammonia with a short allow-list, which parses as a browser does, drops
//! scripts and styles with their content, and writes out regular HTML: closed elements, quoted
//! attributes, five entities.
//! That output alone is read here, so that this reader never meets what a publisher made up.
//! Markdown is rendered to HTML and takes the same way, because it may hold HTML.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use stoa_proto::{Code, Link, Rejection, limits};

/// Elements that may stand inside each other.
///
/// An HTML parser's work grows with depth × elements, so that a short text of unclosed elements
/// could hold a processor for minutes.
const MAX_OPEN_ELEMENTS: usize = 256;

/// Elements of one body: more than the longest article has.
const MAX_ELEMENTS: usize = 20_000;

/// Elements that never stay open, or that the next of their kind closes.
const NEVER_DEEP: [&str; 22] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr", "p", "li", "dd", "dt", "option", "tr", "td", "th",
];

/// Elements that stand alone: a line of their own, with `1` or `2` line ends around them.
const BLOCKS: [(&str, usize); 28] = [
    ("address", 1),
    ("article", 2),
    ("aside", 2),
    ("blockquote", 2),
    ("dd", 1),
    ("div", 1),
    ("dl", 2),
    ("dt", 1),
    ("figcaption", 1),
    ("figure", 2),
    ("footer", 2),
    ("h1", 2),
    ("h2", 2),
    ("h3", 2),
    ("h4", 2),
    ("h5", 2),
    ("h6", 2),
    ("header", 2),
    ("hr", 2),
    ("li", 1),
    ("main", 2),
    ("ol", 2),
    ("p", 2),
    ("pre", 2),
    ("section", 2),
    ("table", 2),
    ("tr", 1),
    ("ul", 2),
];

/// Elements that are kept besides [`BLOCKS`]: those that mean something for the plain text.
const INLINE: [&str; 4] = ["a", "br", "td", "th"];

/// Elements whose content is no text that a reader sees.
const UNSEEN: [&str; 9] = [
    "head", "iframe", "noframes", "noscript", "object", "script", "style", "template", "title",
];

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let tags: HashSet<&str> = BLOCKS.iter().map(|(name, _)| *name).chain(INLINE).collect();
    let mut builder = Builder::empty();
    builder
        .tags(tags)
        .clean_content_tags(HashSet::from(UNSEEN))
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"]))]))
        .url_schemes(HashSet::from([
            "ftp", "http", "https", "mailto", "magnet", "tel", "xmpp",
        ]))
        .url_relative(UrlRelative::PassThrough)
        .link_rel(None);
    builder
});

/// What a reader sees of a marked-up body.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The plain text.
    pub(super) text: String,
    /// The links, in the order of the text.
    pub(super) links: Vec<Link>,
}

/// Reads HTML.
pub(super) fn html(body: &str) -> Result<Seen, Rejection> {
    check_depth(body)?;
    let clean = CLEANER.clean(body).to_string();
    let mut reader = Reader::default();
    reader.read(&clean);
    let seen = reader.finish();
    if seen.links.len() > limits::LINKS {
        return Err(Rejection::too_large(
            "data.body",
            seen.links.len(),
            limits::LINKS,
            "links",
        ));
    }
    Ok(seen)
}

/// Reads Markdown (`CommonMark` with strikethrough and tables).
pub(super) fn markdown(body: &str) -> Result<Seen, Rejection> {
    use pulldown_cmark::{Options, Parser, html::push_html};

    let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES;
    let mut rendered = String::with_capacity(body.len() + body.len() / 4);
    push_html(&mut rendered, Parser::new_ext(body, options));
    html(&rendered)
}

/// Refuses markup that would take long to parse, by a look at its tags.
///
/// A closing tag counts only where an element of its name is open, so that wrong ones hide
/// nothing; those in comments and attributes still may, and for that the elements are limited too.
fn check_depth(body: &str) -> Result<(), Rejection> {
    let mut open: HashMap<String, usize> = HashMap::new();
    let mut n_open: usize = 0;
    let mut n_elements: usize = 0;
    // In SVG and MathML elements nest that never do in HTML.
    let mut foreign = false;
    for part in body.split('<').skip(1) {
        let (closing, rest) = part
            .strip_prefix('/')
            .map_or((false, part), |rest| (true, rest));
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        let name = rest
            .split(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/')
            .next()
            .unwrap_or_default();
        foreign |= name.eq_ignore_ascii_case("svg") || name.eq_ignore_ascii_case("math");
        n_elements += usize::from(!closing);
        if n_elements > MAX_ELEMENTS {
            return Err(Rejection::too_large(
                "data.body",
                n_elements,
                MAX_ELEMENTS,
                "elements",
            ));
        }
        if !foreign
            && NEVER_DEEP
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
        {
            continue;
        }
        let n = open.entry(name.to_ascii_lowercase()).or_default();
        if !closing {
            *n += 1;
            n_open += 1;
        } else if *n > 0 {
            *n -= 1;
            n_open -= 1;
        }
        if n_open > MAX_OPEN_ELEMENTS {
            let message = format!(
                "`data.body` has more than {MAX_OPEN_ELEMENTS} elements inside each other: close them"
            );
            return Err(Rejection::field(Code::TooDeep, "data.body", message)
                .with_limit(format!("{MAX_OPEN_ELEMENTS} elements")));
        }
    }
    Ok(())
}

/// Collects text from ammonia's output.
#[derive(Debug, Default)]
struct Reader {
    text: String,
    links: Vec<Link>,
    /// Line ends to write before the next character.
    breaks: usize,
    /// Whether a space is to be written before the next character.
    space: bool,
    /// Open `pre` elements, in which spaces and line ends count.
    preformatted: usize,
    /// The link that is open, and where its text begins.
    link: Option<(String, usize)>,
}

impl Reader {
    fn read(&mut self, clean: &str) {
        let mut rest = clean;
        while let Some((text, tail)) = rest.split_once('<') {
            self.push_text(text);
            // The cleaner writes `>` in attribute values as an entity.
            let Some((tag, tail)) = tail.split_once('>') else {
                return;
            };
            self.tag(tag);
            rest = tail;
        }
        self.push_text(rest);
    }

    fn tag(&mut self, tag: &str) {
        let (closing, tag) = tag
            .strip_prefix('/')
            .map_or((false, tag), |tag| (true, tag));
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        match name {
            "br" => self.breaks += 1,
            "a" if closing => self.close_link(),
            "a" => self.open_link(attributes),
            "td" | "th" => self.space = true,
            "pre" if closing => self.preformatted = self.preformatted.saturating_sub(1),
            "pre" => self.preformatted += 1,
            _ => {}
        }
        if let Some((_, lines)) = BLOCKS.iter().find(|(known, _)| *known == name) {
            self.breaks = self.breaks.max(*lines);
        }
    }

    fn push_text(&mut self, text: &str) {
        if text.contains('&') {
            let mut decoded = String::with_capacity(text.len());
            decode_entities(text, &mut decoded);
            self.push_decoded(&decoded);
        } else {
            self.push_decoded(text);
        }
    }

    fn push_decoded(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '\n' if self.preformatted > 0 => self.breaks += 1,
                ' ' | '\t' if self.preformatted > 0 && self.breaks == 0 => self.text.push(c),
                ' ' | '\t' if self.preformatted > 0 => {
                    self.write_breaks();
                    self.text.push(c);
                }
                ' ' | '\t' | '\n' | '\r' | '\u{c}' => self.space = true,
                _ => {
                    self.write_breaks();
                    self.text.push(c);
                }
            }
        }
    }

    fn write_breaks(&mut self) {
        if !self.text.is_empty() {
            if self.breaks > 0 {
                self.text.extend(std::iter::repeat_n('\n', self.breaks));
            } else if self.space {
                self.text.push(' ');
            }
        }
        self.breaks = 0;
        self.space = false;
    }

    fn open_link(&mut self, attributes: &str) {
        self.close_link();
        let Some(value) = attributes
            .split_once("href=\"")
            .and_then(|(_, tail)| tail.split('"').next())
        else {
            return;
        };
        let mut url = String::with_capacity(value.len());
        decode_entities(value, &mut url);
        self.link = Some((url.trim().to_owned(), self.text.len()));
    }

    fn close_link(&mut self) {
        let Some((url, start)) = self.link.take() else {
            return;
        };
        let text = self.text.get(start..).map(str::trim).unwrap_or_default();
        let text = (!text.is_empty()).then(|| text.to_owned());
        self.links.push(Link { url, text });
    }

    fn finish(mut self) -> Seen {
        self.close_link();
        Seen {
            text: self.text,
            links: self.links,
        }
    }
}

/// Decodes the entities that the cleaner writes: `&amp; &lt; &gt; &quot; &nbsp;`.
fn decode_entities(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once('&') {
        out.push_str(before);
        let entities = [
            ("amp;", '&'),
            ("lt;", '<'),
            ("gt;", '>'),
            ("quot;", '"'),
            ("nbsp;", '\u{a0}'),
        ];
        let known = entities
            .iter()
            .find_map(|(name, c)| tail.strip_prefix(name).map(|tail| (c, tail)));
        if let Some((c, tail)) = known {
            out.push(*c);
            rest = tail;
        } else {
            out.push('&');
            rest = tail;
        }
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests;
