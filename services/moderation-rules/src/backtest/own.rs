//! The journal of this role as a source of events: what came lately, for a backtest while the
//! service runs.
//!
//! What is known from before the range is what the journal has of some time before it, and of
//! articles what is known of them now. A moderator's decision that was undone is passed over.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use stoa_journal::Journal;
use stoa_proto::{Article, CommentWithdrawn, Data, Event, Kind, Time};

use crate::engine::conclude::own;
use crate::record::{ANSWERED, Change, DECIDED, Stored, UNDONE};
use crate::view::{ARTICLES, Index};

const DAY: i64 = 86_400 * 1_000_000;
/// Days before the range that are read for the history.
const HISTORY: i64 = 30;
/// Records that are handed over at once.
const BATCH: usize = 256;

/// The part of the journal that is read.
#[derive(Debug)]
pub(crate) struct Range {
    /// The first record that is read.
    pub(crate) from: u64,
    /// The one behind the last.
    pub(crate) to: u64,
    /// The id of the event that brings the first comment that counts; none if all do.
    pub(crate) first: Option<String>,
    /// Decisions of moderators that were undone.
    undone: HashSet<String>,
}

impl Range {
    /// Finds the newest comments of some days, up to a number, and as many before them for the
    /// history. Blocks.
    pub(crate) fn find(
        journal: &Journal,
        now: i64,
        days: i64,
        comments: usize,
    ) -> anyhow::Result<Self> {
        let to = journal.next();
        let since = now.saturating_sub(days.saturating_mul(DAY));
        let from = journal.first_since(since.saturating_sub(HISTORY * DAY))?;
        let mut undone = HashSet::new();
        // The newest comments that count, and those before them.
        let (mut counted, mut before) = (VecDeque::new(), VecDeque::new());
        for record in journal.iter(from) {
            let record = record?;
            if record.seq >= to {
                break;
            }
            match record.kind {
                UNDONE => {
                    if let Some(Change::Undone(change)) =
                        Stored::read(&record)?.map(|stored| stored.change)
                    {
                        undone.insert(change.undoes);
                    }
                }
                DECIDED | ANSWERED => {
                    if record.time_us >= since {
                        counted.push_back(record.seq);
                    } else {
                        before.push_back(record.seq);
                    }
                    if counted.len() > comments {
                        before.extend(counted.pop_front());
                    }
                    if before.len() > comments {
                        before.pop_front();
                    }
                }
                _ => {}
            }
        }
        let oldest = before.front().or(counted.front()).copied();
        let mut first = None;
        if !before.is_empty() {
            for seq in &counted {
                let record = journal.read_seq(*seq)?;
                let stored = record.map(|record| Stored::read(&record)).transpose()?;
                first = stored.flatten().and_then(|stored| stored.submission());
                if first.is_some() {
                    break;
                }
            }
        }
        let is_empty = counted.is_empty() || (!before.is_empty() && first.is_none());
        Ok(Self {
            from: oldest.filter(|_| !is_empty).unwrap_or(to),
            to,
            first: first.map(|event| event.id.clone()),
            undone,
        })
    }
}

/// What holds an event, or is one.
#[derive(Debug)]
pub(crate) enum Raw {
    /// A record that holds some.
    Stored(Box<Stored>),
    /// An event that no record has in words.
    Made(Box<Event>),
    /// The journal can't be read.
    Failed(anyhow::Error),
}

impl Raw {
    /// Returns the event.
    pub(crate) fn decode(self) -> anyhow::Result<Option<Event>> {
        match self {
            Self::Made(event) => Ok(Some(*event)),
            Self::Failed(error) => Err(error),
            Self::Stored(stored) => Ok(match &stored.change {
                Change::Reviewed(_) | Change::Sanctioned(_) => first(&stored),
                _ => Event::from_json(&stored.input).ok(),
            }),
        }
    }
}

/// Returns what tells platforms of a moderator's word.
fn first(stored: &Stored) -> Option<Event> {
    let events = stored
        .outputs
        .iter()
        .flat_map(|body| Event::from_json(body));
    events
        .into_iter()
        .find(|event| matches!(event.kind(), Kind::CommentDecided | Kind::AuthorSanctioned))
}

/// Reads the events of a range in batches; `progress` hears of each record.
pub(crate) fn read<'a>(
    journal: &Journal,
    index: &'a Arc<Index>,
    range: &'a Range,
    progress: impl Fn(u64) + Send + 'a,
) -> impl Iterator<Item = Vec<Raw>> + Send + 'a {
    let mut records = journal.iter(range.from);
    let mut articles = HashSet::new();
    std::iter::from_fn(move || {
        let mut batch = Vec::with_capacity(BATCH);
        while batch.len() < BATCH {
            let Some(record) = records.next() else { break };
            let read = record.map_err(anyhow::Error::from).and_then(|record| {
                progress(record.seq);
                let is_in = record.seq < range.to;
                Ok((is_in, if is_in { Stored::read(&record)? } else { None }))
            });
            match read {
                Ok((false, _)) => break,
                Ok((true, None)) => {}
                Ok((true, Some(stored))) => {
                    if let Err(error) = take(stored, index, range, &mut articles, &mut batch) {
                        batch.push(Raw::Failed(error));
                    }
                }
                Err(error) => batch.push(Raw::Failed(error)),
            }
        }
        (!batch.is_empty()).then_some(batch)
    })
}

fn take(
    stored: Stored,
    index: &Index,
    range: &Range,
    articles: &mut HashSet<(String, String)>,
    batch: &mut Vec<Raw>,
) -> anyhow::Result<()> {
    if let Some(about) = stored.change.decided().map(|decided| &decided.about) {
        let key = (about.site.clone(), about.article.clone());
        if !articles.contains(&key) {
            batch.extend(article(index, &key)?.map(|event| Raw::Made(Box::new(event))));
            articles.insert(key);
        }
    }
    match &stored.change {
        Change::Reviewed(reviewed) if range.undone.contains(&reviewed.decision) => {}
        Change::Withdrawn { about, at, .. } => {
            let at = Time::from_micros(*at);
            let data = Data::CommentWithdrawn(CommentWithdrawn {
                site: about.site.clone(),
                article: about.article.clone(),
                comment: about.comment.clone(),
                withdrawn_at: Some(at.clone()),
                extra: serde_json::Map::new(),
            });
            batch.push(Raw::Made(Box::new(own("withdrawn".to_owned(), &at, data))));
        }
        Change::Decided(_)
        | Change::Imported(_)
        | Change::Remembered(_)
        | Change::Answered(_)
        | Change::Spoken(_)
        | Change::ReportedFor(_)
        | Change::Reviewed(_)
        | Change::Sanctioned(_) => batch.push(Raw::Stored(Box::new(stored))),
        _ => {}
    }
    Ok(())
}

/// Makes the event that tells what is known of an article.
fn article(index: &Index, key: &(String, String)) -> anyhow::Result<Option<Event>> {
    let Some(row) = index.view.get(&ARTICLES, key)? else {
        return Ok(None);
    };
    let mut article = Article {
        site: key.0.clone(),
        article: key.1.clone(),
        ..Article::default()
    };
    article.published_at = row.published_at.map(Time::from_micros);
    article.tags = row.tags;
    let data = Data::ArticlePublished(article);
    // Without a time it happened when what is before it did.
    Ok(Some(Event::new(
        format!("article-{}", key.1),
        "stoa://moderation-rules",
        data,
    )))
}
