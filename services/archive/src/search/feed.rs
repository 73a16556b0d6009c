//! From the journal to the index: whom a record changes, and what is indexed of them.
//!
//! What is indexed is read from the view as it is now, so that it does not matter how often or in
//! which order records are followed.

use std::collections::HashSet;

use serde::Deserialize;
use stoa_journal::{Iter, Record};
use stoa_proto::Kind;
use stoa_search::{Document, Key, Writer};

use super::Failure;
use crate::read::words::{ShownDecision, StoredComment, Words};
use crate::read::{Audience, Reader};
use crate::record;
use crate::row::ArticleRow;
use crate::standing::Status;
use crate::view::Error;

/// Records that are followed at most before what they change is written: what is far behind is
/// written in large portions, because each becomes a segment that is merged later.
const BATCH: u64 = 32_768;

/// The status of an article that may be read.
pub(crate) const PUBLISHED: &str = "published";
/// The status of an article that was taken down.
pub(crate) const REMOVED: &str = "removed";

/// An event, as far as it says whom it is about.
#[derive(Debug, Deserialize)]
struct Named {
    data: Whom,
}

#[derive(Debug, Deserialize)]
struct Whom {
    site: String,
    article: Option<String>,
    comment: Option<String>,
}

/// Follows the journal.
pub(crate) struct Feed {
    reader: Reader,
    records: Iter,
}

impl Feed {
    /// Begins at a record.
    pub(crate) fn new(reader: Reader, from: u64) -> Self {
        let records = reader.journal.iter(from);
        Self { reader, records }
    }

    /// Returns how many records are to be followed: those that the view has.
    pub(crate) fn lag(&self) -> u64 {
        let applied = self.reader.index.applied();
        applied.saturating_sub(self.records.position())
    }

    /// Follows some records, commits what they change, and returns how many there were.
    pub(crate) fn step(&mut self, writer: &mut Writer) -> Result<u64, Failure> {
        let from = self.records.position();
        let until = self.reader.index.applied().min(from.saturating_add(BATCH));
        let mut touched = HashSet::new();
        while self.records.position() < until {
            let Some(record) = self.records.next() else {
                break;
            };
            touched.extend(self::touched(&record.map_err(Error::from)?)?);
        }
        for key in &touched {
            match self.reader.document(key)? {
                Some((document, first)) if first >= from => writer.add(&document)?,
                Some((document, _)) => writer.put(&document)?,
                None => writer.delete(key)?,
            }
        }
        let next = self.records.position();
        if next > from {
            writer.commit(next).map_err(stoa_search::Error::from)?;
        }
        Ok(next - from)
    }
}

/// Builds an index from all that the journal has; `progress` gets records done and to do.
pub(crate) fn follow_all(
    reader: Reader,
    writer: &mut Writer,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), Failure> {
    let mut feed = Feed::new(reader, writer.applied());
    let total = feed.lag();
    progress(0, total);
    while feed.step(writer)? > 0 {
        progress(total - feed.lag(), total);
    }
    Ok(())
}

/// Tells whose document a record changes; `None` if it changes none, or was erased.
fn touched(record: &Record) -> Result<Option<Key>, Error> {
    let changes = matches!(
        record::kind(record.kind),
        Some(
            Kind::ArticlePublished
                | Kind::ArticleUpdated
                | Kind::ArticleRemoved
                | Kind::CommentSubmitted
                | Kind::CommentEdited
                | Kind::CommentWithdrawn
                | Kind::CommentDecided
                | Kind::CommentErased
        )
    );
    if record.redacted || !changes {
        return Ok(None);
    }
    let named: Named =
        serde_json::from_slice(&record.payload).map_err(|source| Error::Misplaced {
            seq: record.seq,
            source,
        })?;
    let Whom {
        site,
        article,
        comment,
    } = named.data;
    Ok(article.map(|article| Key {
        site,
        article,
        comment,
    }))
}

impl Reader {
    /// Reads what is indexed, and the first record about it; `None` when there are no words that may
    /// be found.
    fn document(&self, key: &Key) -> Result<Option<(Document, u64)>, Error> {
        match &key.comment {
            Some(comment) => self.comment_document(key, comment),
            None => self.article_document(key),
        }
    }

    fn comment_document(&self, key: &Key, comment: &str) -> Result<Option<(Document, u64)>, Error> {
        let Some(row) = self.index.comment(&key.site, &key.article, comment)? else {
            return Ok(None);
        };
        let Some(content) = row.content.filter(|_| row.status() != Status::Withdrawn) else {
            return Ok(None);
        };
        let Some(stored) = self.load::<StoredComment>(content.place)? else {
            return Ok(None);
        };
        let decision = row.decision();
        let labels = match decision {
            Some(decision) => self.load::<ShownDecision>(decision.place)?,
            None => None,
        };
        let words = Words::from(stored.data);
        let document = Document {
            key: key.clone(),
            seq: content.place.seq,
            at: row.submitted.map_or(0, |(_, at)| at),
            author: Some(words.author.id),
            labels: labels.map_or_else(Vec::new, |stored| stored.data.labels),
            verdict: decision.map(|decision| decision.verdict.as_str()),
            status: row.status().as_str(),
            language: words.language,
            texts: vec![words.text],
        };
        // The list of one that was erased in part comes from its order, and says less.
        let first = row.erased.map_or(row.log.first(), |_| 0);
        Ok(Some((document, first)))
    }

    fn article_document(&self, key: &Key) -> Result<Option<(Document, u64)>, Error> {
        let row = self.index.article(&key.site, &key.article)?;
        let Some((row, (rank, place))) = row.and_then(|row| row.latest.map(|latest| (row, latest)))
        else {
            return Ok(None);
        };
        let shown = self.article(&key.article, &row, Audience::Reviewer)?;
        let Some(words) = shown.and_then(|shown| shown.words) else {
            return Ok(None);
        };
        let published = words.published_at.as_ref();
        let document = Document {
            key: key.clone(),
            seq: place.seq,
            at: published.map_or_else(|| rank.at.max(0), stoa_proto::Time::micros),
            author: None,
            labels: Vec::new(),
            verdict: None,
            status: article_status(&row),
            language: words.language,
            texts: vec![words.title, words.text],
        };
        Ok(Some((document, row.log.first())))
    }
}

/// Returns the status of an article.
pub(crate) fn article_status(row: &ArticleRow) -> &'static str {
    if row.is_removed() { REMOVED } else { PUBLISHED }
}
