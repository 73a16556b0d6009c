//! What the engine is told about a comment.

use stoa_proto::{AuthorRole, ReportReason, Sanction};

use crate::counter::Counters;
use crate::text::prepared::Prepared;

/// Microseconds.
const DAY: i64 = 86_400_000_000;

/// A comment to judge, with what is known around it. Times are microseconds since 1970, UTC.
#[derive(Clone, Debug)]
pub struct Input<'a> {
    /// The site's id.
    pub site: &'a str,
    /// The article's id, which is the thread's.
    pub article: &'a str,
    /// The comment's id.
    pub comment: &'a str,
    /// The plain text, in which spans are counted.
    pub text: &'a str,
    /// Where what is made of the text is kept for other rule sets that judge the same text.
    pub prepared: Option<&'a Prepared>,
    /// Whether the comment was written in HTML or Markdown.
    pub html: bool,
    /// The links of an HTML or Markdown body; bare URLs in `text` are found by the engine.
    pub links: &'a [Link<'a>],
    /// The language, as a BCP 47 tag, if it is known.
    pub language: Option<&'a str>,
    /// How sure the language is, 0 to 1; 1 where the platform named it.
    pub language_confidence: f32,
    /// Who wrote it.
    pub author: AuthorFacts<'a>,
    /// The comment that this one answers.
    pub parent: Option<&'a str>,
    /// How many comments stand above this one.
    pub depth: u32,
    /// Whether `depth` is known: not so for a reply whose parent was never seen.
    pub depth_known: bool,
    /// The revision that is judged, from 1.
    pub revision: u32,
    /// Who wrote the comment that this one answers, if that is known.
    pub parent_author: Option<&'a str>,
    /// When the article was published, if the article is known.
    pub article_published_at: Option<i64>,
    /// The article's tags, if it is known and has some.
    pub article_tags: &'a [&'a str],
    /// Where the values of counters come from; all are 0 without.
    pub counters: Option<&'a dyn Counters>,
    /// What classifiers outside say, by name, from 0 to 1; a score that is not here is missing.
    pub scores: &'a [(&'a str, f64)],
    /// Recent comments of the author that say the same but for a few changes.
    pub similar_by_author: u64,
    /// Recent comments of others in the thread that do.
    pub similar_in_thread: u64,
    /// What readers said against it since a moderator last decided it.
    pub reports: ReportFacts<'a>,
    /// Whether it was judged before, and a report came: the rules that read reports are the only
    /// ones that are looked at then.
    pub on_report: bool,
    /// When the comment was written.
    pub submitted_at: i64,
    /// The time of judging.
    pub now: i64,
}

impl<'a> Input<'a> {
    /// Makes the input for a text about which nothing else is known: a comment at top level by a
    /// reader of a year's standing with ten approved comments, under an article of the day before.
    pub fn neutral(text: &'a str, now: i64) -> Self {
        let since = now.saturating_sub(365 * DAY);
        Self {
            site: "example",
            article: "example",
            comment: "example",
            text,
            prepared: None,
            html: false,
            links: &[],
            language: None,
            language_confidence: 1.0,
            author: AuthorFacts {
                id: "example",
                joined_at: Some(since),
                first_seen: Some(since),
                approved: 10,
                ..AuthorFacts::default()
            },
            parent: None,
            depth: 0,
            depth_known: true,
            revision: 1,
            parent_author: None,
            article_tags: &[],
            counters: None,
            scores: &[],
            similar_by_author: 0,
            similar_in_thread: 0,
            reports: ReportFacts::default(),
            on_report: false,
            article_published_at: Some(now.saturating_sub(DAY)),
            submitted_at: now,
            now,
        }
    }
}

/// A link with a target of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// Where it leads.
    pub url: &'a str,
    /// What it shows.
    pub text: Option<&'a str>,
}

/// What readers said against a comment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReportFacts<'a> {
    /// How many reported it.
    pub reporters: u64,
    /// What their reports weigh together, each by its reporter's record.
    pub weight: f64,
    /// What they reported it for, each reason once, in the order of the events' enumeration.
    pub reasons: &'a [ReportReason],
}

/// What is known of a comment's author, before this comment.
#[derive(Clone, Debug, Default)]
pub struct AuthorFacts<'a> {
    /// The author's id on the platform.
    pub id: &'a str,
    /// The name that the platform shows.
    pub display_name: Option<&'a str>,
    /// What the author is on the platform.
    pub role: AuthorRole,
    /// When the account was made.
    pub joined_at: Option<i64>,
    /// When Stoa first saw a comment of theirs.
    pub first_seen: Option<i64>,
    /// Comments that were approved.
    pub approved: u64,
    /// Comments that wait for a moderator.
    pub held: u64,
    /// Comments that were rejected.
    pub rejected: u64,
    /// Comments in the ten minutes before this one, in event time.
    pub recent: u64,
    /// Whether the author is trusted.
    pub trusted: bool,
    /// What a moderator put them under, if that has not ended.
    pub sanction: Option<Sanction>,
}
