//! A writer of XML that leaves out what XML can't hold.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// A document being written.
pub(super) struct Xml(Writer<Vec<u8>>);

/// Names and values.
type Attributes<'a> = &'a [(&'a str, &'a str)];

impl Xml {
    /// Begins a document.
    pub(super) fn new() -> io::Result<Self> {
        let mut writer = Writer::new(Vec::with_capacity(16 * 1024));
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
        Ok(Self(writer))
    }

    /// Opens an element.
    pub(super) fn open(&mut self, name: &str, attributes: Attributes<'_>) -> io::Result<&mut Self> {
        self.0.write_event(Event::Start(start(name, attributes)))?;
        Ok(self)
    }

    /// Writes an element with text.
    pub(super) fn element(
        &mut self,
        name: &str,
        attributes: Attributes<'_>,
        text: &str,
    ) -> io::Result<&mut Self> {
        self.open(name, attributes)?;
        self.0
            .write_event(Event::Text(BytesText::new(&clean(text))))?;
        self.close(name)
    }

    /// Writes an element without content.
    pub(super) fn empty(
        &mut self,
        name: &str,
        attributes: Attributes<'_>,
    ) -> io::Result<&mut Self> {
        self.0.write_event(Event::Empty(start(name, attributes)))?;
        Ok(self)
    }

    /// Closes an element.
    pub(super) fn close(&mut self, name: &str) -> io::Result<&mut Self> {
        self.0.write_event(Event::End(BytesEnd::new(name)))?;
        Ok(self)
    }

    /// Ends the document.
    pub(super) fn end(self) -> Vec<u8> {
        self.0.into_inner()
    }
}

fn start<'a>(name: &'a str, attributes: Attributes<'_>) -> BytesStart<'a> {
    let mut start = BytesStart::new(name);
    for (name, value) in attributes {
        start.push_attribute((*name, clean(value).as_str()));
    }
    start
}

/// Leaves out what XML 1.0 forbids and other control characters than tab and line feed.
fn clean(text: &str) -> String {
    let fits = |c: &char| match c {
        '\t' | '\n' => true,
        '\u{FFFE}' | '\u{FFFF}' => false,
        c => !c.is_control(),
    };
    text.chars().filter(fits).collect()
}
