//! The latest comments that were approved, of a site or of a thread: what feeds have.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::thread::ShownComment;
use super::version::{Read, Version};
use super::{Audience, Reader};
use crate::row::{ArticleRow, CommentRow};
use crate::view::Error;

/// The latest comments, the latest first.
#[derive(Clone, Debug)]
pub(crate) struct Latest {
    /// Titles of the articles, where they may be read.
    pub(crate) titles: BTreeMap<String, String>,
    pub(crate) comments: Vec<LatestComment>,
}

/// A comment among the latest.
#[derive(Clone, Debug)]
pub(crate) struct LatestComment {
    pub(crate) thread: String,
    pub(crate) comment: String,
    pub(crate) parent: Option<String>,
    pub(crate) shown: ShownComment,
}

/// When a comment was written, its thread and its id: the order of a feed.
type Rank = (i64, String, String);

impl Reader {
    /// Reads the latest comments of a site.
    ///
    /// No words are read where `has` says that the sender has what a version decides.
    pub(crate) fn latest(
        &self,
        site: &str,
        limit: usize,
        has: impl FnOnce(&Version) -> bool,
    ) -> Result<Read<Latest>, Error> {
        let mut kept = Kept::new(limit);
        self.index.each_active(site, |active, thread| {
            // No comment of it, or of those that follow, was written later.
            if kept.is_full_of_later(active) {
                return Ok(false);
            }
            kept.offer(thread, self.captured(site, thread)?);
            Ok(true)
        })?;
        self.read_latest(site, kept, Version::default(), has)
    }

    /// Reads the latest comments of a thread; `None` when nothing of it was captured.
    pub(crate) fn latest_of(
        &self,
        site: &str,
        thread: &str,
        limit: usize,
        has: impl FnOnce(&Version) -> bool,
    ) -> Result<Option<Read<Latest>>, Error> {
        let mut version = Version::default();
        let Some(article) = self.index.article(site, thread)? else {
            return Ok(None);
        };
        if !article.is_known() {
            return Ok(None);
        }
        version.row(thread, &article.log);
        let mut kept = Kept::new(limit);
        kept.threads.insert(thread.to_owned());
        kept.offer(thread, self.captured(site, thread)?);
        self.read_latest(site, kept, version, has).map(Some)
    }

    fn read_latest(
        &self,
        site: &str,
        kept: Kept,
        mut version: Version,
        has: impl FnOnce(&Version) -> bool,
    ) -> Result<Read<Latest>, Error> {
        let (threads, comments) = kept.sorted();
        let mut articles: BTreeMap<String, ArticleRow> = BTreeMap::new();
        for thread in threads {
            if let Some(row) = self.index.article(site, &thread)? {
                version.row(&thread, &row.log);
                articles.insert(thread, row);
            }
        }
        for (thread, comment, row) in &comments {
            version.text(thread);
            version.comment(self, comment, row);
        }
        if has(&version) {
            return Ok(Read::Unchanged(version));
        }
        let mut titles = BTreeMap::new();
        for (thread, row) in articles {
            let title = self.title(&row, Audience::Public)?;
            if let Some(title) = title.filter(|title| !title.trim().is_empty()) {
                titles.insert(thread, title);
            }
        }
        let mut latest = Vec::with_capacity(comments.len());
        for (thread, comment, row) in comments {
            let shown = self.shown(&row, Audience::Public)?;
            latest.push(LatestComment {
                thread,
                comment,
                parent: row.parent.map(|(.., parent)| parent),
                shown,
            });
        }
        let latest = Latest {
            titles,
            comments: latest,
        };
        Ok(Read::New(version, latest))
    }
}

/// The latest comments that anyone may read, among those that were offered.
struct Kept {
    limit: usize,
    /// The earliest on top.
    ranks: BinaryHeap<Reverse<Rank>>,
    rows: BTreeMap<(String, String), CommentRow>,
    threads: std::collections::BTreeSet<String>,
}

impl Kept {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            ranks: BinaryHeap::new(),
            rows: BTreeMap::new(),
            threads: std::collections::BTreeSet::new(),
        }
    }

    fn is_full_of_later(&self, than: i64) -> bool {
        let earliest = self.ranks.peek();
        self.ranks.len() >= self.limit && earliest.is_some_and(|Reverse((at, ..))| *at > than)
    }

    fn offer(&mut self, thread: &str, rows: Vec<(String, CommentRow)>) {
        for (comment, row) in rows {
            if !Audience::Public.may_read(&row) {
                continue;
            }
            let at = row.submitted.map_or(i64::MIN, |(_, at)| at);
            let rank = (at, thread.to_owned(), comment.clone());
            self.ranks.push(Reverse(rank));
            self.rows.insert((thread.to_owned(), comment), row);
            if self.ranks.len() > self.limit
                && let Some(Reverse((_, thread, comment))) = self.ranks.pop()
            {
                self.rows.remove(&(thread, comment));
            }
        }
    }

    /// Returns the threads and the comments, the latest first.
    fn sorted(mut self) -> (Vec<String>, Vec<(String, String, CommentRow)>) {
        let mut comments = Vec::with_capacity(self.ranks.len());
        // In the order of the wrapped ranks: the latest first.
        for Reverse((_, thread, comment)) in self.ranks.into_sorted_vec() {
            if let Some((key, row)) = self.rows.remove_entry(&(thread, comment)) {
                self.threads.insert(key.0.clone());
                comments.push((key.0, key.1, row));
            }
        }
        (self.threads.into_iter().collect(), comments)
    }
}
