//! What an event changes in the view: whom it is about, and what follows for them, without words.

use crate::redaction::{self, Agreed, Order, Request};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use stoa_proto::{
    Article, By, Comment, Data, Decision, Event, Kind, Reference, Shard, Time, Verdict,
};

/// The first 8 bytes of a SHA-256: enough to tell the events of one subject apart.
pub(crate) type Digest = [u8; 8];

/// Digests a text.
pub(crate) fn digest(parts: &[&str]) -> Digest {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let full: [u8; 32] = hasher.finalize().into();
    full.first_chunk::<8>().copied().unwrap_or_default()
}

/// Whom an event is about; one row of the view.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// A comment.
    Comment(CommentKey),
    /// An article and its thread.
    Article(ArticleKey),
    /// Anyone else whose events are only listed.
    Other(OtherKey),
}

/// Shard, site, thread, comment.
pub(crate) type CommentKey = (u8, String, String, String);
/// Shard, site, article.
pub(crate) type ArticleKey = (u8, String, String);
/// Shard, site, one of [`AUTHOR`], [`APPEALS`] and [`OWN`], id.
pub(crate) type OtherKey = (u8, String, u8, String);

/// An author, by their id: what is said of them, and what they reported.
pub(crate) const AUTHOR: u8 = 1;
/// The outcomes of appeals about a comment, by its id: these events name no article.
pub(crate) const APPEALS: u8 = 2;
/// Events about Stoa itself, by the event's id.
pub(crate) const OWN: u8 = 3;

/// What an event changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    /// Whom it is about.
    pub(crate) subject: Subject,
    /// Digest of `(source, id)`.
    pub(crate) event: Digest,
    /// The event's type.
    pub(crate) kind: Kind,
    /// The revision that it is about; 0 for none.
    pub(crate) revision: u32,
    /// What follows.
    pub(crate) effect: Effect,
}

/// What follows from an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It is listed.
    Listed,
    /// A revision of a comment.
    Content {
        /// The parent that it names.
        parent: Option<String>,
        /// When it was written, in microseconds since 1970.
        submitted_at: Option<i64>,
        /// Digest of the author's id.
        author: Digest,
        /// Whether it stands in for a revision whose author was forgotten.
        restated: bool,
    },
    /// A reader reported the comment: who, if that is known.
    Reported(Option<OtherKey>),
    /// The comment was taken back.
    Withdrawn,
    /// The votes, and when they were counted.
    Scored {
        /// In microseconds since 1970.
        at: i64,
        /// The sum.
        score: i64,
    },
    /// A decision.
    Decided(Decided),
    /// A version of an article, with its rank among the versions.
    Version(Rank),
    /// A redaction is asked for.
    Requested(Request),
    /// A redaction is carried out.
    Ordered(Box<Order>),
    /// A redaction was confirmed or called off.
    Agreed(Agreed),
    /// A redaction, by its id, was carried out.
    Completed(String),
    /// An article was taken down, in microseconds since 1970.
    Removed(i64),
}

/// What follows from a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decided {
    pub(crate) verdict: Verdict,
    pub(crate) moderator: bool,
    pub(crate) at: i64,
    pub(crate) id: Digest,
    pub(crate) supersedes: Option<Digest>,
}

/// Which version of an article is the later one: by the platform's time, then by when it was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Rank {
    pub(crate) at: i64,
    pub(crate) recorded: i64,
    pub(crate) event: Digest,
}

impl Fact {
    /// Whether a redaction is carried out by it.
    pub(crate) fn is_order(&self) -> bool {
        matches!(self.effect, Effect::Ordered(_))
    }

    /// Reads what an event changes.
    pub(crate) fn of(event: &Event) -> Self {
        let reference = Reference::of(event);
        Self {
            subject: subject(&reference),
            event: key(&reference),
            kind: event.kind(),
            revision: reference.revision.unwrap_or_default(),
            effect: effect(event),
        }
    }
}

/// Returns the digest by which an event is known among those of its subject.
pub(crate) fn key(event: &Reference<'_>) -> Digest {
    digest(&[&event.source, &event.id])
}

/// Returns whom an event is about.
pub(crate) fn subject(event: &Reference<'_>) -> Subject {
    let shard = event.shard().index();
    let site = event.site.to_string();
    let (thread, comment) = (event.thread.as_deref(), event.comment.as_deref());
    match (thread, comment, event.author.as_deref()) {
        (Some(thread), Some(comment), _) => {
            Subject::Comment((shard, site, thread.to_owned(), comment.to_owned()))
        }
        (Some(article), None, _) => Subject::Article((shard, site, article.to_owned())),
        (None, Some(comment), _) => Subject::Other(appeals_key(&site, comment)),
        (None, None, Some(author)) => Subject::Other((shard, site, AUTHOR, author.to_owned())),
        (None, None, None) => Subject::Other((shard, site, OWN, event.id.to_string())),
    }
}

/// Returns the key of the outcomes of appeals about a comment.
pub(crate) fn appeals_key(site: &str, comment: &str) -> OtherKey {
    (
        Shard::of(site, comment).index(),
        site.to_owned(),
        APPEALS,
        comment.to_owned(),
    )
}

/// Returns the key of an author, as of events about them.
pub(crate) fn author_key(site: &str, author: &str) -> OtherKey {
    (
        Shard::of(site, author).index(),
        site.to_owned(),
        AUTHOR,
        author.to_owned(),
    )
}

fn effect(event: &Event) -> Effect {
    match &event.data {
        Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => content(event, comment),
        Data::CommentReported(report) => {
            let reporter = report.reporter.as_ref();
            Effect::Reported(reporter.map(|reporter| author_key(&report.site, &reporter.id)))
        }
        Data::CommentWithdrawn(_) => Effect::Withdrawn,
        Data::CommentScored(scored) => Effect::Scored {
            at: first(&[&scored.scored_at, &event.time, &event.recordedtime]),
            score: scored.score,
        },
        Data::CommentDecided(decision) => Effect::Decided(decided(decision)),
        Data::ArticlePublished(article) | Data::ArticleUpdated(article) => {
            Effect::Version(rank(event, article))
        }
        Data::CommentErased(_)
        | Data::AuthorErased(_)
        | Data::RedactionDecided(_)
        | Data::RedactionCompleted(_) => redaction::effect(event),
        Data::ArticleRemoved(removed) => Effect::Removed(first(&[
            &removed.removed_at,
            &event.time,
            &event.recordedtime,
        ])),
        _ => Effect::Listed,
    }
}

fn content(event: &Event, comment: &Comment) -> Effect {
    let submitted_at = [&comment.submitted_at, &event.time, &event.recordedtime];
    Effect::Content {
        parent: comment.parent.clone(),
        submitted_at: submitted_at.into_iter().flatten().next().map(Time::micros),
        author: digest(&[&comment.author.id]),
        restated: event.source == redaction::RESTATED,
    }
}

fn decided(decision: &Decision) -> Decided {
    Decided {
        verdict: decision.verdict,
        moderator: matches!(decision.by, By::Moderator { .. }),
        at: decision.decided_at.micros(),
        id: digest(&[&decision.decision]),
        supersedes: decision.supersedes.as_deref().map(|id| digest(&[id])),
    }
}

fn rank(event: &Event, article: &Article) -> Rank {
    let at = match event.kind() {
        Kind::ArticleUpdated => first(&[&article.updated_at, &event.time, &article.published_at]),
        _ => first(&[&article.updated_at, &article.published_at, &event.time]),
    };
    Rank {
        at,
        recorded: first(&[&event.recordedtime]),
        event: digest(&[&event.source, &event.id]),
    }
}

/// Returns the first time that is known.
fn first(times: &[&Option<Time>]) -> i64 {
    times
        .iter()
        .find_map(|time| time.as_ref().map(Time::micros))
        .unwrap_or(i64::MIN)
}
