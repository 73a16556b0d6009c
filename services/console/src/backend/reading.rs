//! What pages read of threads, comments and decisions.

use serde::Deserialize;
use stoa_proto::Decision;

use super::Author;

/// A page of a thread, from the archive.
#[derive(Debug, Deserialize)]
pub(crate) struct ThreadPage {
    pub(crate) article: Option<ThreadArticle>,
    pub(crate) comments: Vec<Item>,
    pub(crate) counts: Counts,
    pub(crate) next: Option<String>,
}

/// An article; without words once it was taken down.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ThreadArticle {
    pub(crate) removed: bool,
    pub(crate) title: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) authors: Vec<String>,
    pub(crate) published_at: Option<String>,
}

/// A comment in its thread, or the place of one that was never captured.
#[derive(Debug, Deserialize)]
pub(crate) struct Item {
    pub(crate) comment: String,
    pub(crate) depth: usize,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) ghost: bool,
    #[serde(default)]
    pub(crate) author: Author,
    pub(crate) text: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) submitted_at: Option<String>,
    pub(crate) decision: Option<Standing>,
}

/// How many comments of a thread there are.
#[derive(Debug, Deserialize)]
pub(crate) struct Counts {
    pub(crate) held: u64,
}

/// The decision that stands.
#[derive(Debug, Deserialize)]
pub(crate) struct Standing {
    #[serde(default)]
    pub(crate) labels: Vec<String>,
}

/// What a search finds, from the archive.
#[derive(Debug, Deserialize)]
pub(crate) struct Found {
    pub(crate) total: u64,
    pub(crate) hits: Vec<Hit>,
    pub(crate) next: Option<String>,
    pub(crate) catching_up: bool,
}

/// A comment or article that a search finds.
#[derive(Debug, Deserialize)]
pub(crate) struct Hit {
    pub(crate) site: String,
    pub(crate) article: String,
    pub(crate) comment: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) status: String,
    pub(crate) author: Option<Author>,
    pub(crate) language: Option<String>,
    pub(crate) at: Option<String>,
    pub(crate) decision: Option<Standing>,
    pub(crate) snippet: Snippet,
}

/// The part of a text that has most of what was looked for.
#[derive(Debug, Deserialize)]
pub(crate) struct Snippet {
    pub(crate) text: String,
    /// What was looked for, in code points.
    pub(crate) ranges: Vec<Range>,
}

/// A part of a snippet.
#[derive(Debug, Deserialize)]
pub(crate) struct Range {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// The sites that a person may read, from the archive.
#[derive(Debug, Deserialize)]
pub(crate) struct Sites {
    pub(crate) sites: Vec<String>,
}

/// A page of the log of decisions, from moderation-rules.
#[derive(Debug, Deserialize)]
pub(crate) struct Log {
    pub(crate) decisions: Vec<Logged>,
    pub(crate) next: u64,
    pub(crate) more: bool,
}

/// A decision with the one that stands in its place.
#[derive(Debug, Deserialize)]
pub(crate) struct Logged {
    #[serde(flatten)]
    pub(crate) decision: Decision,
    pub(crate) superseded_by: Option<String>,
}

/// A page of what a role has parked.
#[derive(Debug, Deserialize)]
pub(crate) struct ParkedList {
    pub(crate) parked: Vec<Parked>,
    pub(crate) next: Option<u64>,
}

/// A parked message, without its words.
#[derive(Debug, Deserialize)]
pub(crate) struct Parked {
    pub(crate) id: u64,
    pub(crate) site: Option<String>,
    pub(crate) thread: Option<String>,
    pub(crate) event: Option<String>,
    pub(crate) source: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) reason: Option<String>,
    /// The one that it waits behind.
    pub(crate) behind: Option<u64>,
    pub(crate) attempts: u32,
    #[serde(rename = "parked_at")]
    pub(crate) at: Option<String>,
    pub(crate) bytes: u64,
}

/// A parked message with all that is kept of it.
#[derive(Debug, Deserialize)]
pub(crate) struct ParkedOne {
    #[serde(flatten)]
    pub(crate) shown: Parked,
    pub(crate) history: Vec<Tried>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<String>,
    pub(crate) body_base64: Option<String>,
}

/// An attempt.
#[derive(Debug, Deserialize)]
pub(crate) struct Tried {
    pub(crate) at: Option<String>,
    pub(crate) reason: String,
}

/// What came of another try.
#[derive(Debug, Deserialize)]
pub(crate) struct Retried {
    pub(crate) result: String,
}

/// A page of what ingest refused.
#[derive(Debug, Deserialize)]
pub(crate) struct Rejections {
    pub(crate) rejections: Vec<Rejection>,
    pub(crate) next: Option<u64>,
}

/// An event that ingest refused.
#[derive(Debug, Deserialize)]
pub(crate) struct Rejection {
    pub(crate) seq: u64,
    pub(crate) id: Option<String>,
    pub(crate) source: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) code: String,
    pub(crate) field: Option<String>,
    pub(crate) message: String,
    pub(crate) received_at: Option<String>,
    pub(crate) transport: String,
    pub(crate) publisher: Option<String>,
    pub(crate) original_bytes: u64,
}
