//! The `CloudEvents` 1.0 envelope and the closed set of event types.

use std::borrow::Cow;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;

use crate::data::{
    AppealResolved, Article, ArticleRemoved, AuthorErased, AuthorSanctioned, AuthorUpdated,
    CaseClosed, CaseOpened, CheckpointPublished, Comment, CommentErased, CommentReported,
    CommentScored, CommentWithdrawn, Decision, DecisionAppealed, EventRejected, Extra,
    RedactionCompleted, RedactionDecided,
};
use crate::{Rejection, Shard, Time};

/// Declares the event types: name of the variant, name on the wire, payload, direction.
macro_rules! events {
    ($( $(#[$doc:meta])* $variant:ident($payload:ident) = $short:literal, $direction:ident; )*) => {
        /// The type of an event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind { $( $(#[$doc])* $variant, )* }

        impl Kind {
            /// All types, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the full name, such as `stoa.comment.submitted.v1`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => concat!("stoa.", $short, ".v1"),)* }
            }

            /// Returns the name without prefix and version, such as `comment.submitted`.
            pub fn short(self) -> &'static str {
                match self { $(Self::$variant => $short,)* }
            }

            /// Finds the type of a full name.
            pub fn parse(name: &str) -> Option<Self> {
                match name { $(concat!("stoa.", $short, ".v1") => Some(Self::$variant),)* _ => None }
            }

            /// Returns whether platforms publish this type to Stoa.
            pub fn is_inbound(self) -> bool {
                match self { $(Self::$variant => events!(@$direction),)* }
            }
        }

        /// What an event says, by its type.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum Data { $( $(#[$doc])* $variant($payload), )* }

        impl Data {
            /// Returns the type.
            pub fn kind(&self) -> Kind {
                match self { $(Self::$variant(_) => Kind::$variant,)* }
            }

            /// Reads the payload of a type.
            pub(crate) fn read(kind: Kind, json: &str) -> Result<Self, serde_json::Error> {
                match kind { $(Kind::$variant => serde_json::from_str(json).map(Self::$variant),)* }
            }

            /// Reads the payload of a type and, when it fails, says where; slower than `read`.
            pub(crate) fn locate(
                kind: Kind,
                json: &str,
            ) -> Result<(), serde_path_to_error::Error<serde_json::Error>> {
                let mut reader = serde_json::Deserializer::from_str(json);
                match kind {
                    $(Kind::$variant => {
                        serde_path_to_error::deserialize::<_, $payload>(&mut reader).map(|_| ())
                    })*
                }
            }

            /// Generates the JSON Schema of a type's payload.
            pub(crate) fn schema(kind: Kind) -> schemars::Schema {
                match kind { $(Kind::$variant => schema_of::<$payload>(),)* }
            }

            /// Generates the JSON Schema of a type's payload beside those that a generator has.
            pub(crate) fn schema_in(
                kind: Kind,
                generator: &mut schemars::SchemaGenerator,
            ) -> schemars::Schema {
                match kind { $(Kind::$variant => generator.subschema_for::<$payload>(),)* }
            }
        }
    };
    (@inbound) => { true };
    (@outbound) => { false };
}

fn schema_of<T: JsonSchema>() -> schemars::Schema {
    schemars::generate::SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>()
}

events! {
    /// An article was published.
    ArticlePublished(Article) = "article.published", inbound;
    /// An article was changed.
    ArticleUpdated(Article) = "article.updated", inbound;
    /// An article was taken down.
    ArticleRemoved(ArticleRemoved) = "article.removed", inbound;
    /// A comment was written.
    CommentSubmitted(Comment) = "comment.submitted", inbound;
    /// A comment was rewritten.
    CommentEdited(Comment) = "comment.edited", inbound;
    /// A comment was taken back by its author.
    CommentWithdrawn(CommentWithdrawn) = "comment.withdrawn", inbound;
    /// A comment's votes changed.
    CommentScored(CommentScored) = "comment.scored", inbound;
    /// A comment's words are to be forgotten.
    CommentErased(CommentErased) = "comment.erased", inbound;
    /// A comment was reported by a reader.
    CommentReported(CommentReported) = "comment.reported", inbound;
    /// An author's account changed.
    AuthorUpdated(AuthorUpdated) = "author.updated", inbound;
    /// An author is to be forgotten.
    AuthorErased(AuthorErased) = "author.erased", inbound;
    /// An author appeals against a decision.
    DecisionAppealed(DecisionAppealed) = "decision.appealed", inbound;
    /// A comment was decided.
    CommentDecided(Decision) = "comment.decided", outbound;
    /// A comment waits for a moderator.
    CaseOpened(CaseOpened) = "case.opened", outbound;
    /// A case needs nobody any more.
    CaseClosed(CaseClosed) = "case.closed", outbound;
    /// An author was sanctioned.
    AuthorSanctioned(AuthorSanctioned) = "author.sanctioned", outbound;
    /// An appeal was decided.
    AppealResolved(AppealResolved) = "appeal.resolved", outbound;
    /// An event was refused.
    EventRejected(EventRejected) = "event.rejected", outbound;
    /// Somebody else agreed to a redaction, or it was called off.
    RedactionDecided(RedactionDecided) = "redaction.decided", outbound;
    /// A redaction was carried out: its receipt.
    RedactionCompleted(RedactionCompleted) = "redaction.completed", outbound;
    /// The archive signed its state.
    CheckpointPublished(CheckpointPublished) = "checkpoint.published", outbound;
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&name).ok_or_else(|| de::Error::custom(format!("`{name}` is no event type")))
    }
}

/// A fact that somebody published.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Unique for its source; `(source, id)` is the key by which repeats are dropped.
    pub id: String,
    /// Names the publisher, a URI reference.
    pub source: String,
    /// When it happened, as the publisher says.
    pub time: Option<Time>,
    /// The comment's or article's id.
    pub subject: Option<String>,
    /// W3C trace context, carried to every event that follows from this one.
    pub traceparent: Option<String>,
    /// When ingest accepted it; set by Stoa alone.
    pub recordedtime: Option<Time>,
    /// Other attributes, kept as they came.
    pub extensions: Extra,
    /// What it says.
    pub data: Data,
}

/// The envelope as it is read. Everything is optional, so that what is absent is named.
#[derive(Deserialize)]
pub(crate) struct Envelope<'a> {
    pub(crate) specversion: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) source: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) time: Option<Time>,
    pub(crate) subject: Option<String>,
    pub(crate) datacontenttype: Option<String>,
    pub(crate) traceparent: Option<String>,
    pub(crate) recordedtime: Option<Time>,
    #[serde(borrow)]
    pub(crate) data: Option<&'a RawValue>,
    #[serde(flatten)]
    pub(crate) extensions: Extra,
}

#[derive(Serialize)]
struct Written<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: &'a Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: &'a Option<String>,
    datacontenttype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recordedtime: &'a Option<Time>,
    #[serde(flatten)]
    extensions: &'a Extra,
    data: &'a Data,
}

impl Event {
    /// Makes an event with the attributes that every event must have.
    pub fn new(id: impl Into<String>, source: impl Into<String>, data: Data) -> Self {
        Self {
            id: id.into(),
            source: source.into(),
            time: None,
            subject: None,
            traceparent: None,
            recordedtime: None,
            extensions: Extra::new(),
            data,
        }
    }

    /// Returns the type.
    pub fn kind(&self) -> Kind {
        self.data.kind()
    }

    /// Returns the site's id; empty for events about Stoa itself.
    pub fn site(&self) -> &str {
        match &self.data {
            Data::ArticlePublished(a) | Data::ArticleUpdated(a) => &a.site,
            Data::ArticleRemoved(a) => &a.site,
            Data::CommentSubmitted(c) | Data::CommentEdited(c) => &c.site,
            Data::CommentWithdrawn(c) => &c.site,
            Data::CommentScored(c) => &c.site,
            Data::CommentErased(c) => &c.site,
            Data::CommentReported(c) => &c.site,
            Data::AuthorUpdated(a) => &a.site,
            Data::AuthorErased(a) => &a.site,
            Data::DecisionAppealed(a) => &a.site,
            Data::CommentDecided(d) => &d.site,
            Data::CaseOpened(c) => &c.site,
            Data::CaseClosed(c) => &c.site,
            Data::AuthorSanctioned(a) => &a.site,
            Data::AppealResolved(a) => &a.site,
            Data::RedactionDecided(r) => &r.site,
            Data::RedactionCompleted(r) => &r.site,
            Data::EventRejected(_) | Data::CheckpointPublished(_) => "",
        }
    }

    /// Returns the id of the thread, which is the article's; none for events about authors, about
    /// appeals' outcomes and about Stoa itself.
    pub fn thread(&self) -> Option<&str> {
        match &self.data {
            Data::ArticlePublished(a) | Data::ArticleUpdated(a) => Some(&a.article),
            Data::ArticleRemoved(a) => Some(&a.article),
            Data::CommentSubmitted(c) | Data::CommentEdited(c) => Some(&c.article),
            Data::CommentWithdrawn(c) => Some(&c.article),
            Data::CommentScored(c) => Some(&c.article),
            Data::CommentErased(c) => Some(&c.article),
            Data::CommentReported(c) => Some(&c.article),
            Data::DecisionAppealed(a) => Some(&a.article),
            Data::CommentDecided(d) => Some(&d.article),
            Data::CaseOpened(c) => Some(&c.article),
            Data::CaseClosed(c) => Some(&c.article),
            _ => None,
        }
    }

    /// Returns the id of the comment, if the event is about one.
    pub fn comment(&self) -> Option<&str> {
        match &self.data {
            Data::CommentSubmitted(c) | Data::CommentEdited(c) => Some(&c.comment),
            Data::CommentWithdrawn(c) => Some(&c.comment),
            Data::CommentScored(c) => Some(&c.comment),
            Data::CommentErased(c) => Some(&c.comment),
            Data::CommentReported(c) => Some(&c.comment),
            Data::DecisionAppealed(a) => Some(&a.comment),
            Data::CommentDecided(d) => Some(&d.comment),
            Data::CaseOpened(c) => Some(&c.comment),
            Data::CaseClosed(c) => Some(&c.comment),
            Data::AppealResolved(a) => Some(&a.comment),
            _ => None,
        }
    }

    /// Whether it orders that words be erased, and does not only ask for it.
    pub fn is_order(&self) -> bool {
        match &self.data {
            Data::CommentErased(erased) => erased.redaction.is_some(),
            Data::AuthorErased(erased) => erased.redaction.is_some(),
            _ => false,
        }
    }

    /// Returns the shard: that of the thread, or of the author, or of the event's own id.
    pub fn shard(&self) -> Shard {
        Shard::of_hash(self.lane())
    }

    /// Returns what tells the event's thread, or its author, or the event itself, from others; events
    /// with the same are kept in order.
    pub fn lane(&self) -> u64 {
        let key = self.thread().unwrap_or_else(|| match &self.data {
            Data::AuthorUpdated(a) => &a.author.id,
            Data::AuthorErased(a) => &a.author,
            Data::AuthorSanctioned(a) => &a.author,
            Data::AppealResolved(a) => &a.comment,
            _ => &self.id,
        });
        crate::shard::hash(self.site(), key)
    }

    /// Writes the event as structured JSON, on one line.
    pub fn to_json(&self) -> Bytes {
        let written = Written {
            specversion: "1.0",
            id: &self.id,
            source: &self.source,
            kind: self.kind().as_str(),
            time: &self.time,
            subject: &self.subject,
            datacontenttype: "application/json",
            traceparent: &self.traceparent,
            recordedtime: &self.recordedtime,
            extensions: &self.extensions,
            data: &self.data,
        };
        // Only a map with keys that are not strings, or a failing writer, can make this fail;
        // there are neither.
        Bytes::from(serde_json::to_vec(&written).unwrap_or_default())
    }

    /// Checks the ids, names and lengths of what it says, as of an event that comes in.
    pub fn check(&self) -> Result<(), Rejection> {
        crate::validate::data(&self.data)
    }

    /// Reads an event that Stoa wrote, or that was validated before.
    pub fn from_json(json: &[u8]) -> Result<Self, Rejection> {
        crate::codec::read_trusted(json)
    }
}
