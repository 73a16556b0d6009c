//! The shape of a rule set's YAML files, and reading them within limits.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;

use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::source::Source;

/// A value with its place in the file.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Placed<T>(Spanned<T>);

impl<T> std::ops::Deref for Placed<T> {
    type Target = Spanned<T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T> Placed<T> {
    /// Returns the line and column, from 1.
    pub(crate) fn place(&self) -> (u32, u32) {
        place(self.0.referenced)
    }

    /// Returns where the value begins and ends in the file, in bytes.
    pub(crate) fn bytes(&self) -> Option<(usize, usize)> {
        let span = self.0.referenced.span();
        let start = usize::try_from(span.byte_offset()?).ok()?;
        let len = usize::try_from(span.byte_len()?).ok()?;
        Some((start, start + len))
    }
}

fn place(location: serde_saphyr::Location) -> (u32, u32) {
    (
        u32::try_from(location.line()).unwrap_or(u32::MAX),
        u32::try_from(location.column()).unwrap_or(u32::MAX),
    )
}

/// One YAML file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    #[serde(default)]
    pub(crate) include: Vec<Placed<String>>,
    /// The sites that the file's rules are for.
    pub(crate) sites: Option<Placed<Vec<String>>>,
    #[serde(default)]
    pub(crate) macros: BTreeMap<String, Placed<String>>,
    #[serde(default)]
    pub(crate) lists: BTreeMap<String, Placed<ListEntry>>,
    #[serde(default)]
    pub(crate) counters: BTreeMap<String, Placed<CounterEntry>>,
    #[serde(default)]
    pub(crate) rules: Vec<Placed<RuleEntry>>,
}

/// A counter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CounterEntry {
    pub(crate) count: Option<Placed<String>>,
    pub(crate) sum: Option<Placed<String>>,
    pub(crate) distinct: Option<Placed<String>>,
    #[serde(default)]
    pub(crate) per: Vec<Placed<String>>,
    pub(crate) window: Placed<String>,
}

impl CounterEntry {
    /// Returns what is written, in one line.
    pub(crate) fn written(&self) -> String {
        let part = |part: &Option<Placed<String>>| part.as_ref().map(|part| part.value.clone());
        let per: Vec<&str> = self.per.iter().map(|fact| fact.value.as_str()).collect();
        format!(
            "{:?} {:?} {:?} {per:?} {}",
            part(&self.count),
            part(&self.sum),
            part(&self.distinct),
            self.window.value
        )
    }
}

/// A list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListEntry {
    pub(crate) file: Option<Placed<String>>,
    pub(crate) terms: Option<Vec<Placed<String>>>,
    #[serde(rename = "match")]
    pub(crate) kind: Option<Placed<String>>,
    pub(crate) fold: Option<Placed<String>>,
    pub(crate) accents: Option<Placed<String>>,
    #[serde(default)]
    pub(crate) except: Vec<Placed<String>>,
    pub(crate) except_file: Option<Placed<String>>,
    pub(crate) language: Option<String>,
}

/// A rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleEntry {
    pub(crate) id: Placed<String>,
    pub(crate) description: Option<String>,
    pub(crate) owner: Option<Placed<String>>,
    #[serde(default)]
    pub(crate) sites: Vec<Placed<String>>,
    #[serde(default)]
    pub(crate) languages: Vec<Placed<String>>,
    pub(crate) when: Placed<String>,
    pub(crate) unless: Option<Placed<String>>,
    pub(crate) then: Placed<ThenEntry>,
    pub(crate) reason: Option<ReasonEntry>,
    #[serde(default)]
    pub(crate) explain: BTreeMap<String, String>,
    pub(crate) mode: Option<Placed<String>>,
    pub(crate) expires: Option<Placed<String>>,
    pub(crate) priority: Option<Placed<i64>>,
    pub(crate) quota: Option<Placed<i64>>,
    pub(crate) on_missing: Option<Placed<String>>,
    #[serde(default)]
    pub(crate) examples: ExamplesEntry,
}

/// What a rule does.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ThenEntry {
    pub(crate) verdict: Option<Placed<String>>,
    #[serde(default)]
    pub(crate) labels: Vec<Placed<String>>,
}

/// Why a rule does it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonEntry {
    pub(crate) code: Placed<String>,
    pub(crate) ground: Option<Placed<String>>,
    pub(crate) reference: Option<String>,
    pub(crate) category: Option<Placed<String>>,
}

/// Texts that a rule must and must not fire on.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExamplesEntry {
    #[serde(default, rename = "match")]
    pub(crate) fires: Vec<Placed<ExampleEntry>>,
    #[serde(default)]
    pub(crate) pass: Vec<Placed<ExampleEntry>>,
}

/// One example: a text, or facts.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExampleEntry(pub(crate) ExampleFacts);

/// The facts of an example, as rule sets write them; what is absent is neutral.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExampleFacts {
    /// The words of the comment.
    pub(crate) text: String,
    pub(crate) site: Option<String>,
    /// Whether the words are HTML.
    pub(crate) html: bool,
    /// Links beside those that are in the words.
    pub(crate) links: Vec<ExampleLink>,
    /// The language, as `fr`.
    pub(crate) language: Option<String>,
    /// How sure that is, from 0 to 1.
    pub(crate) language_confidence: Option<f32>,
    pub(crate) author: ExampleAuthor,
    /// The words that the comment answers.
    pub(crate) parent: Option<String>,
    /// How many comments are above it.
    pub(crate) depth: Option<u32>,
    /// Counts the versions of the words, from 1.
    pub(crate) revision: Option<u32>,
    /// How long ago the article was published, as `3d`.
    pub(crate) article_age: Option<String>,
    pub(crate) article_tags: Vec<String>,
    /// The id of who wrote what the comment answers.
    pub(crate) parent_author: Option<String>,
    pub(crate) reports: ExampleReports,
    /// What every counter of a name says.
    pub(crate) counters: BTreeMap<String, f64>,
    /// What classifiers outside say.
    pub(crate) scores: BTreeMap<String, f64>,
    /// The time of judging, RFC 3339.
    pub(crate) now: Option<String>,
}

/// A link of an example.
#[derive(Clone, Debug, Default, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExampleLink {
    pub(crate) url: String,
    /// The words that lead there.
    pub(crate) text: Option<String>,
}

/// What readers said against an example.
#[derive(Clone, Debug, Default, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ExampleReports {
    /// How many there are.
    pub(crate) reporters: u32,
    /// 1 for each reporter if absent.
    pub(crate) weight: Option<f64>,
    pub(crate) reasons: Vec<stoa_proto::ReportReason>,
}

/// The author of an example.
#[derive(Clone, Debug, Default, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ExampleAuthor {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) role: Option<stoa_proto::AuthorRole>,
    /// Whether the platform trusts them.
    pub(crate) trusted: bool,
    /// Their comments that were approved, held and rejected, and those of late.
    pub(crate) approved: Option<u64>,
    pub(crate) held: u64,
    pub(crate) rejected: u64,
    pub(crate) recent: u64,
    /// What they are under.
    pub(crate) sanction: Option<stoa_proto::Sanction>,
    /// How long they have had their account, as `2h`.
    pub(crate) age: Option<String>,
}

impl<'de> Deserialize<'de> for ExampleEntry {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExampleVisitor)
    }
}

struct ExampleVisitor;

impl<'de> Visitor<'de> for ExampleVisitor {
    type Value = ExampleEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or a map with `text` and other facts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(ExampleEntry(ExampleFacts {
            text: text.to_owned(),
            ..ExampleFacts::default()
        }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        ExampleFacts::deserialize(de::value::MapAccessDeserializer::new(map)).map(ExampleEntry)
    }
}

/// Reads one file.
pub(crate) fn parse(source: &Source) -> Result<Document, Diagnostic> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_documents: 1,
            max_depth: 16,
            max_nodes: 500_000,
            max_events: 1_200_000,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_total_scalar_bytes: 16 * 1024 * 1024,
        },
        with_snippet: false,
        strict_booleans: true,
    };
    serde_saphyr::from_str_with_options(&source.text, options)
        .map_err(|error| explain(source, &error))
}

/// Puts a reader's error into our words.
fn explain(source: &Source, error: &serde_saphyr::Error) -> Diagnostic {
    use serde_saphyr::Error;
    let error = error.without_snippet();
    let place = error.location().map_or((0, 0), place);
    let names = |expected: &[&'static str]| {
        let names: Vec<String> = expected.iter().map(|name| format!("`{name}`")).collect();
        format!("known are {}", names.join(", "))
    };
    let (message, help) = match error {
        Error::SerdeUnknownField {
            field, expected, ..
        } => (
            format!("unknown key `{field}`"),
            did_you_mean(field, expected.iter().copied()).or_else(|| Some(names(expected))),
        ),
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } => (
            format!("unknown value `{variant}`"),
            did_you_mean(variant, expected.iter().copied()).or_else(|| Some(names(expected))),
        ),
        Error::SerdeMissingField { field, .. } => (
            format!("`{field}` is missing"),
            Some(format!("add `{field}: …`")),
        ),
        Error::DuplicateMappingKey { key, .. } => (
            format!("`{}` is there twice", key.as_deref().unwrap_or("a key")),
            Some("keep one of them".into()),
        ),
        Error::SerdeInvalidType {
            unexpected,
            expected,
            ..
        }
        | Error::SerdeInvalidValue {
            unexpected,
            expected,
            ..
        } => (format!("found {unexpected}, expected {expected}"), None),
        Error::NullIntoString { .. } => (
            "found nothing, expected text".into(),
            Some("put the text in quotes".into()),
        ),
        other => (plain(&other.to_string()), None),
    };
    source.error(place, message, help)
}

/// Takes the place off a message, which says it in other words than we do.
fn plain(message: &str) -> String {
    let line = message.lines().next().unwrap_or("not valid YAML");
    let line = line.split(" at line ").next().unwrap_or(line);
    if line.ends_with("invalid i64") {
        return "found text, expected a whole number".to_owned();
    }
    line.trim_start_matches("error: ").to_owned()
}
