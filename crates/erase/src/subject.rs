//! Whom and what a message is about, as far as it can be read.

use serde::Deserialize;
use serde_json::value::RawValue;

/// What the data of an event name.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Subject {
    #[serde(default)]
    pub(crate) site: String,
    #[serde(default)]
    pub(crate) comment: Option<String>,
    #[serde(default)]
    author: Option<Person>,
    #[serde(default)]
    reporter: Option<Person>,
    /// The event orders an erasure: that stays.
    #[serde(default)]
    pub(crate) redaction: Option<String>,
}

/// Somebody, by id or with what is told of them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Person {
    Id(String),
    Whole { id: String },
}

impl Subject {
    /// Returns the ids of the author and of the reader who reported.
    pub(crate) fn people(&self) -> impl Iterator<Item = &str> {
        let people = self.author.iter().chain(&self.reporter);
        people.map(|person| match person {
            Person::Id(id) | Person::Whole { id } => id.as_str(),
        })
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// Reads the subjects of an event, of a batch of them, or of data alone; `None` if any can't be read.
pub(crate) fn subjects(body: &[u8]) -> Option<Vec<Subject>> {
    if body.trim_ascii_start().first() == Some(&b'[') {
        let events: Vec<&RawValue> = serde_json::from_slice(body).ok()?;
        return events.iter().map(|event| subject(event.get())).collect();
    }
    Some(vec![subject(std::str::from_utf8(body).ok()?)?])
}

fn subject(event: &str) -> Option<Subject> {
    let envelope: Envelope<'_> = serde_json::from_str(event).ok()?;
    serde_json::from_str(envelope.data.map_or(event, RawValue::get)).ok()
}

/// Returns the text between each two neighbouring quotation marks, unescaped: among them are all
/// strings of a JSON text, also of one that is cut off.
pub(crate) fn strings(bytes: &[u8]) -> impl Iterator<Item = String> {
    let (mut quotes, mut is_escaped) = (Vec::new(), false);
    for (place, byte) in bytes.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => quotes.push(place),
            _ => {}
        }
    }
    let pairs: Vec<_> = quotes
        .iter()
        .copied()
        .zip(quotes.iter().copied().skip(1))
        .collect();
    pairs.into_iter().filter_map(|(start, end)| {
        let inner = bytes.get(start + 1..end)?;
        if inner.contains(&b'\\') {
            return serde_json::from_slice(bytes.get(start..=end)?).ok();
        }
        String::from_utf8(inner.to_vec()).ok()
    })
}
