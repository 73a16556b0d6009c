//! XML as elements with their children, read in one pass.
//!
//! What a file may not do to a reader: an entity that is not one of XML's five stays as it is
//! written, elements are no deeper than [`DEPTH`], and a text no longer than the input allows.

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};

use super::input::Input;
use super::item::Broken;

/// Elements inside each other; exports have eight at most.
const DEPTH: usize = 64;

/// The namespaces that matter, by how their addresses begin and end.
const SPACES: [(&str, &str, &str); 4] = [
    ("http://wordpress.org/export/", "/excerpt/", "excerpt"),
    ("http://wordpress.org/export/", "", "wp"),
    ("http://purl.org/rss/1.0/modules/content/", "", "content"),
    ("http://purl.org/dc/elements/", "", "dc"),
];

/// A file of XML.
pub(super) struct Xml {
    reader: Reader<Input>,
    buffer: Vec<u8>,
    depth: usize,
    /// What prefixes stand for, as the file declares them.
    prefixes: HashMap<String, &'static str>,
}

/// An element's beginning.
#[derive(Debug)]
pub(super) struct Element {
    /// Its name, such as `post` or `wp:comment`: the prefix is ours, whatever the file has.
    pub(super) name: String,
    /// The attribute `id`, whatever its prefix; `Err` if the attributes can't be read.
    pub(super) id: Result<Option<String>, String>,
    /// Its line.
    pub(super) line: u64,
}

enum Token {
    Open(Element),
    Text(String),
    Close,
    End,
}

/// The texts of an element's descendants.
#[derive(Debug, Default)]
pub(super) struct Fields {
    texts: HashMap<&'static str, String>,
    /// What is wrong with the element.
    pub(super) fault: Option<String>,
}

impl Fields {
    /// Returns a text as it stands; empty if there is none.
    pub(super) fn text(&self, path: &str) -> &str {
        self.texts.get(path).map_or("", String::as_str)
    }

    /// Returns a text without the space around it, unless nothing is left.
    pub(super) fn some(&self, path: &str) -> Option<String> {
        super::item::some(self.text(path))
    }

    /// Reads `true` or `false`, or `1` or `0`; what is absent is `false`.
    pub(super) fn flag(&self, path: &str) -> Result<bool, String> {
        match self.text(path).trim() {
            "true" | "1" => Ok(true),
            "false" | "0" | "" => Ok(false),
            _ => Err(format!("`{path}` is neither true nor false")),
        }
    }
}

impl Xml {
    /// Begins to read, and goes into the root, which must have one name.
    pub(super) fn open(input: Input, root: &str, what: &str) -> Result<Self, Broken> {
        let mut reader = Reader::from_reader(input);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.allow_dangling_amp = true;
        let mut xml = Self {
            reader,
            buffer: Vec::new(),
            depth: 0,
            prefixes: HashMap::new(),
        };
        loop {
            match xml.token()? {
                Token::Open(element) if element.name == root => return Ok(xml),
                Token::Open(element) => {
                    let message = format!("this is no {what}: its root is <{}>", element.name);
                    return Err(Broken::line(element.line, message));
                }
                Token::End => {
                    return Err(Broken::whole(format!("this is no {what}: it has no XML")));
                }
                Token::Text(_) | Token::Close => {}
            }
        }
    }

    /// Returns the next child of the element that is open, and goes into it; `None` at its end.
    pub(super) fn child(&mut self) -> Result<Option<Element>, Broken> {
        loop {
            match self.token()? {
                Token::Open(element) => return Ok(Some(element)),
                Token::Close => return Ok(None),
                Token::Text(_) => {}
                Token::End => return Err(self.cut_off()),
            }
        }
    }

    /// Reads what stands behind the root, so that a packed file is known to be whole.
    pub(super) fn finish(mut self) -> Result<(), Broken> {
        while !matches!(self.token()?, Token::End) {}
        Ok(())
    }

    /// Reads to the end of the element that is open and returns its text.
    pub(super) fn text(&mut self) -> Result<String, Broken> {
        let mut fields = self.fields(&[""])?;
        Ok(fields.texts.remove("").unwrap_or_default())
    }

    /// Passes over the element that is open.
    pub(super) fn skip(&mut self) -> Result<(), Broken> {
        self.fields(&[]).map(drop)
    }

    /// Reads to the end of the element that is open and keeps the texts that are wanted, by their
    /// path: `author/name`, or `parent@id` for the attribute.
    pub(super) fn fields(&mut self, wanted: &[&'static str]) -> Result<Fields, Broken> {
        let mut fields = Fields::default();
        let mut path = String::new();
        let mut ends = Vec::new();
        let mut n_bytes = 0;
        loop {
            match self.token()? {
                Token::Open(element) => {
                    ends.push(path.len());
                    if !path.is_empty() {
                        path.push('/');
                    }
                    path.push_str(&element.name);
                    let attribute = |key: &&&str| {
                        key.strip_suffix("@id")
                            .is_some_and(|element| element == path)
                    };
                    if let Some(key) = wanted.iter().find(attribute) {
                        match element.id {
                            Ok(id) => drop(fields.texts.insert(key, id.unwrap_or_default())),
                            Err(fault) => fields.fault = Some(fault),
                        }
                    }
                }
                Token::Text(text) => {
                    if let Some(key) = wanted.iter().find(|key| **key == path) {
                        n_bytes += text.len();
                        if n_bytes > super::input::TEXT_BYTES {
                            let line = self.reader.get_ref().line();
                            return Err(Broken::line(line, "an element has too much text"));
                        }
                        fields.texts.entry(key).or_default().push_str(&text);
                    }
                }
                Token::Close => match ends.pop() {
                    Some(end) => path.truncate(end),
                    None => return Ok(fields),
                },
                Token::End => return Err(self.cut_off()),
            }
        }
    }

    fn cut_off(&self) -> Broken {
        let line = self.reader.get_ref().line();
        Broken::line(line, "the file is cut off: it ends inside an element")
    }

    fn token(&mut self) -> Result<Token, Broken> {
        loop {
            self.buffer.clear();
            self.reader.get_mut().renew();
            let line = self.reader.get_ref().line();
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(quick_xml::Error::Io(error)) => {
                    return Err(Broken::line(line, error.to_string()));
                }
                Err(error) => return Err(Broken::line(line, error.to_string())),
            };
            return Ok(match event {
                Event::Start(start) => {
                    self.depth += 1;
                    if self.depth > DEPTH {
                        let message = format!("elements are more than {DEPTH} deep");
                        return Err(Broken::line(line, message));
                    }
                    Token::Open(element(&start, &mut self.prefixes, line))
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    Token::Close
                }
                Event::Text(text) => Token::Text(text.xml10_content().into_owned()),
                Event::CData(text) => Token::Text(text.xml10_content().into_owned()),
                Event::GeneralRef(entity) => {
                    let name = entity.xml10_content();
                    let text = match entity.resolve_char_ref() {
                        Ok(Some(c)) => c.to_string(),
                        _ => match resolve_xml_entity(&name) {
                            Some(text) => text.to_owned(),
                            None => format!("&{name};"),
                        },
                    };
                    Token::Text(text)
                }
                Event::Eof => Token::End,
                // With them, elements that are empty come as two events.
                Event::Empty(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::DocType(_)
                | Event::Comment(_) => continue,
            });
        }
    }
}

fn element(
    start: &BytesStart<'_>,
    prefixes: &mut HashMap<String, &'static str>,
    line: u64,
) -> Element {
    let mut id = Ok(None);
    let attributes = start.attributes_raw();
    if !attributes.trim().is_empty() {
        for attribute in start.attributes() {
            let attribute = match attribute {
                Ok(attribute) => attribute,
                Err(error) => {
                    let name = start.name();
                    id = Err(format!(
                        "an attribute of <{}> can't be read: {error}",
                        name.as_ref()
                    ));
                    break;
                }
            };
            let key = attribute.key.as_ref();
            if let Some(prefix) = key.strip_prefix("xmlns:") {
                let space = SPACES.iter().find(|(begin, end, _)| {
                    attribute.value.starts_with(begin) && attribute.value.ends_with(end)
                });
                if let Some((.., space)) = space {
                    prefixes.insert(prefix.to_owned(), space);
                }
            } else if attribute.key.local_name().as_ref() == "id" {
                id = Ok(Some(attribute.value.trim().to_owned()));
            }
        }
    }
    let name = start.name();
    let name = name.as_ref();
    let name = match name.split_once(':') {
        Some((prefix, local)) => {
            let prefix = prefixes.get(prefix).copied().unwrap_or(prefix);
            format!("{prefix}:{local}")
        }
        None => name.to_owned(),
    };
    Element { name, id, line }
}
