//! What moderation-rules and the archive answer about cases, their comments and authors.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use stoa_proto::Decision;

use super::appeals::Appeal;

/// A page of cases, from moderation-rules.
#[derive(Debug, Deserialize)]
pub(crate) struct Listing {
    pub(crate) cases: Vec<Listed>,
    /// How many are open, for who sees all sites.
    pub(crate) open: Option<u64>,
    pub(crate) next: Option<String>,
}

/// A case of a list, with the first words of its comment where they are not erased.
#[derive(Debug, Deserialize)]
pub(crate) struct Listed {
    #[serde(flatten)]
    pub(crate) case: Case,
    pub(crate) excerpt: Option<Excerpt>,
    #[serde(default)]
    pub(crate) reporters: u64,
}

impl Listed {
    /// What the author is called.
    pub(crate) fn author(&self) -> &str {
        let named = self.excerpt.as_ref();
        let named = named.and_then(|excerpt| excerpt.author.as_ref());
        named.unwrap_or(&self.case.author)
    }
}

/// The first words of a comment.
#[derive(Debug, Deserialize)]
pub(crate) struct Excerpt {
    pub(crate) text: String,
    pub(crate) author: Option<String>,
    pub(crate) language: Option<String>,
}

/// What many decisions at once would be about.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Preview {
    pub(crate) cases: Vec<Listed>,
    /// How many of them have each label.
    pub(crate) labels: BTreeMap<String, u64>,
    pub(crate) left_out: Vec<LeftOut>,
    /// Whether there are more.
    pub(crate) more: bool,
}

/// A case that is left out, and the code of why.
#[derive(Debug, Deserialize)]
pub(crate) struct LeftOut {
    pub(crate) case: String,
    pub(crate) code: String,
}

/// What was decided of many cases.
#[derive(Debug, Deserialize)]
pub(crate) struct BulkDone {
    pub(crate) bulk: String,
    pub(crate) decided: Vec<BulkMade>,
    pub(crate) left_out: Vec<LeftOut>,
}

/// One of them.
#[derive(Debug, Deserialize)]
pub(crate) struct BulkMade {
    pub(crate) case: String,
}

/// What was undone of many decisions.
#[derive(Debug, Deserialize)]
pub(crate) struct BulkUndone {
    pub(crate) undone: Vec<OneUndone>,
    pub(crate) left_out: Vec<LeftOut>,
}

/// One of them.
#[derive(Debug, Deserialize)]
pub(crate) struct OneUndone {
    pub(crate) case: String,
    pub(crate) undoes: String,
}

/// A case, without words.
#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    #[serde(rename = "case")]
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) site: String,
    pub(crate) article: String,
    pub(crate) comment: String,
    pub(crate) revision: u32,
    pub(crate) author: String,
    pub(crate) reason: String,
    pub(crate) version: u64,
    pub(crate) labels: Vec<String>,
    pub(crate) rules: Vec<String>,
    pub(crate) opened_at: Option<String>,
    pub(crate) due_at: Option<String>,
    pub(crate) assignee: Option<Assignee>,
    pub(crate) escalated: Option<Escalated>,
}

/// Who wants a case to be looked at before others.
#[derive(Debug, Deserialize)]
pub(crate) struct Escalated {
    pub(crate) by: String,
}

/// Who works on a case.
#[derive(Debug, Deserialize)]
pub(crate) struct Assignee {
    pub(crate) moderator: String,
    pub(crate) until: Option<String>,
}

/// A case with what is needed to decide it.
#[derive(Debug, Deserialize)]
pub(crate) struct Whole {
    #[serde(flatten)]
    pub(crate) case: Case,
    pub(crate) text: Option<String>,
    pub(crate) event: Option<Event>,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) thread: Thread,
    pub(crate) history: History,
    pub(crate) reports: u32,
    pub(crate) open_reports: OpenReports,
    /// Oldest first.
    pub(crate) notes: Vec<Note>,
    /// The author's appeals, oldest first.
    #[serde(default)]
    pub(crate) appeals: Vec<Appeal>,
}

impl Whole {
    /// What the author is called.
    pub(crate) fn author(&self) -> &str {
        let event = self.event.as_ref();
        let named = event.and_then(|event| event.data.author.display_name.as_ref());
        named.unwrap_or(&self.case.author)
    }
}

/// What a moderator noted about a case.
#[derive(Debug, Deserialize)]
pub(crate) struct Note {
    pub(crate) author: String,
    pub(crate) at: Option<String>,
    pub(crate) text: String,
}

/// The reasons that moderators of a site choose from.
#[derive(Debug, Deserialize)]
pub(crate) struct Reasons {
    pub(crate) reasons: Vec<Reason>,
}

/// Why a comment is rejected.
#[derive(Debug, Deserialize)]
pub(crate) struct Reason {
    pub(crate) code: String,
    pub(crate) ground: String,
    pub(crate) category: Option<String>,
    /// Sites that it is for; all if there is none.
    #[serde(default)]
    pub(crate) sites: Vec<String>,
    /// What the author is told, by language.
    pub(crate) text: BTreeMap<String, String>,
}

/// What a case is after it was decided, or a decision undone.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    pub(crate) case: String,
    pub(crate) decision: Option<Made>,
}

/// A decision that was made.
#[derive(Debug, Deserialize)]
pub(crate) struct Made {
    #[serde(rename = "decision")]
    pub(crate) id: String,
}

/// The event that a comment came in.
#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    #[serde(default)]
    pub(crate) data: EventData,
}

/// What is shown of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EventData {
    pub(crate) author: Author,
    pub(crate) language: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) submitted_at: Option<String>,
}

/// Who wrote something.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Author {
    pub(crate) id: String,
    pub(crate) display_name: Option<String>,
}

/// Where a comment stands.
#[derive(Debug, Deserialize)]
pub(crate) struct Thread {
    pub(crate) parent: Option<String>,
    pub(crate) siblings: Vec<String>,
}

/// What is known of an author.
#[derive(Debug, Deserialize)]
pub(crate) struct History {
    pub(crate) approved: u64,
    pub(crate) held: u64,
    pub(crate) rejected: u64,
    pub(crate) first_seen: Option<String>,
}

/// Reports since a moderator last decided.
#[derive(Debug, Deserialize)]
pub(crate) struct OpenReports {
    pub(crate) reporters: u64,
    pub(crate) weight: f64,
    pub(crate) reasons: Vec<String>,
}

/// What moderation-rules tells of an author.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Known {
    pub(crate) approved: u64,
    pub(crate) held: u64,
    pub(crate) rejected: u64,
    pub(crate) first_seen: Option<String>,
    pub(crate) trusted: bool,
    pub(crate) sanction: Option<Sanction>,
    pub(crate) sanctions: Vec<Sanction>,
}

/// What an author was put under.
#[derive(Debug, Deserialize)]
pub(crate) struct Sanction {
    #[serde(rename = "sanction")]
    pub(crate) kind: String,
    pub(crate) since: Option<String>,
    pub(crate) until: Option<String>,
    pub(crate) by: String,
    pub(crate) reason: Option<String>,
}

/// A comment, from the archive; without words once they were erased.
#[derive(Debug, Deserialize)]
pub(crate) struct Archived {
    pub(crate) parent: Option<String>,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) author: Author,
    pub(crate) text: Option<String>,
    pub(crate) submitted_at: Option<String>,
    #[serde(default)]
    pub(crate) events: Vec<Happened>,
}

/// Something that happened to a comment.
#[derive(Debug, Deserialize)]
pub(crate) struct Happened {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) captured_at: Option<String>,
    pub(crate) data: Value,
}

/// The beginning of a thread, from the archive.
#[derive(Debug, Deserialize)]
pub(crate) struct ArchivedThread {
    pub(crate) article: Option<Article>,
}

/// An article; without words once it was taken down.
#[derive(Debug, Deserialize)]
pub(crate) struct Article {
    pub(crate) title: Option<String>,
    pub(crate) url: Option<String>,
}
