//! What one rule set would know: the view's rows, as digests and numbers in memory.
//!
//! It follows the same steps as the view ([`crate::view::State`]) where they touch a fact that
//! rules read; cases, positions and decisions are left out. A comment takes about 50 bytes and an
//! author about 150, and no word is kept.
//! Ids are known by 64-bit digests: with a million comments the chance that any two are mixed up
//! is one in thirty million.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

use stoa_proto::{Comment, Verdict};
use xxhash_rust::xxh3::Xxh3;

use crate::engine::facts::{Facts, Known};
use crate::view::rows::{AuthorRow, CommentRow};

/// Stands for a depth that is not known.
const UNKNOWN: u16 = u16::MAX;

/// Digests ids.
pub(super) fn digest(parts: &[&str]) -> u64 {
    let mut hasher = Xxh3::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.digest()
}

/// What stands about the highest revision of a comment.
#[derive(Clone, Copy, Debug)]
struct Row {
    /// The low half of the article's digest.
    article: u32,
    /// Its place among the authors.
    author: u32,
    revision: u32,
    depth: u16,
    verdict: Verdict,
}

/// The history that follows from one rule set's verdicts.
#[derive(Debug, Default)]
pub(super) struct History {
    comments: HashMap<u64, Row>,
    /// Revisions that were decided and are not the highest, by comment and number.
    older: HashSet<(u64, u32)>,
    authors: HashMap<u64, u32>,
    rows: Vec<AuthorRow>,
    articles: HashMap<u64, i64>,
    /// Moderators' decisions that came before the revision that they are about.
    early: HashMap<u64, (u32, Verdict)>,
}

impl History {
    /// Tells whether the rules decided a comment's revision before.
    pub(super) fn was_decided(&self, comment: &Comment) -> bool {
        let key = digest(&[&comment.site, &comment.comment]);
        self.comments.get(&key).is_some_and(|row| {
            row.revision == comment.revision
                || (row.revision > comment.revision
                    && self.older.contains(&(key, comment.revision)))
        })
    }

    /// Takes in the verdict about a comment, as `State::apply` does.
    pub(super) fn decided(&mut self, comment: &Comment, facts: &Facts, verdict: Verdict) {
        let key = digest(&[&comment.site, &comment.comment]);
        let before = self.comments.get(&key).copied();
        if let Some(before) = before {
            if before.revision > comment.revision {
                // An older revision that came late: what stands about the newer one stays.
                self.older.insert((key, comment.revision));
                return;
            }
            // A comment counts once, by the verdict that stands.
            self.uncount(before);
            self.older.insert((key, before.revision));
        }
        let author = self.author_of(&comment.site, &comment.author.id);
        if let Some(row) = self.rows.get_mut(author as usize) {
            if before.is_none() {
                row.seen(facts.submitted_at);
            }
            *row.count(verdict) += 1;
        }
        let depth = facts.depth.map_or(UNKNOWN, |depth| {
            u16::try_from(depth).unwrap_or(UNKNOWN).min(UNKNOWN - 1)
        });
        let row = Row {
            article: low(digest(&[&comment.article])),
            author,
            revision: comment.revision,
            depth,
            verdict,
        };
        self.comments.insert(key, row);
        if let Some((revision, verdict)) = self.early.get(&key).copied()
            && revision == comment.revision
        {
            self.early.remove(&key);
            self.review(key, row, verdict);
        }
    }

    /// Takes in a moderator's decision about a revision of a comment.
    pub(super) fn reviewed(&mut self, site: &str, id: &str, revision: u32, verdict: Verdict) {
        let key = digest(&[site, id]);
        match self.comments.get(&key).copied() {
            Some(row) if row.revision == revision => self.review(key, row, verdict),
            // A newer revision was judged since: that verdict stands.
            Some(row) if row.revision > revision => {}
            _ => {
                self.early.insert(key, (revision, verdict));
            }
        }
    }

    /// Takes in what is known of an article.
    pub(super) fn article(&mut self, site: &str, id: &str, published_at: Option<i64>) {
        let key = digest(&[site, id]);
        match published_at {
            Some(at) => self.articles.insert(key, at),
            None => self.articles.remove(&key),
        };
    }

    fn review(&mut self, key: u64, row: Row, verdict: Verdict) {
        self.uncount(row);
        if let Some(author) = self.rows.get_mut(row.author as usize) {
            *author.count(verdict) += 1;
        }
        self.comments.insert(key, Row { verdict, ..row });
    }

    fn uncount(&mut self, row: Row) {
        if let Some(author) = self.rows.get_mut(row.author as usize) {
            let count = author.count(row.verdict);
            *count = count.saturating_sub(1);
        }
    }

    fn author_of(&mut self, site: &str, id: &str) -> u32 {
        let next = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        let place = *self.authors.entry(digest(&[site, id])).or_insert(next);
        if place == next {
            self.rows.push(AuthorRow::default());
        }
        place
    }
}

/// The half of a digest that tells the articles of one parent and its replies apart.
fn low(digest: u64) -> u32 {
    (digest & u64::from(u32::MAX)) as u32
}

impl Known for History {
    type Error = Infallible;

    fn comment(&mut self, site: &str, id: &str) -> Result<Option<CommentRow>, Infallible> {
        let row = self.comments.get(&digest(&[site, id]));
        Ok(row.map(|row| CommentRow {
            revision: row.revision,
            verdict: row.verdict,
            ..CommentRow::default()
        }))
    }

    fn author(&mut self, site: &str, id: &str) -> Result<AuthorRow, Infallible> {
        let place = self.authors.get(&digest(&[site, id]));
        let row = place.and_then(|place| self.rows.get(*place as usize));
        Ok(row.cloned().unwrap_or_default())
    }

    fn published_at(&mut self, site: &str, article: &str) -> Result<Option<i64>, Infallible> {
        Ok(self.articles.get(&digest(&[site, article])).copied())
    }

    fn depth(&mut self, site: &str, article: &str, id: &str) -> Result<Option<u32>, Infallible> {
        let row = self.comments.get(&digest(&[site, id]));
        Ok(row
            .filter(|row| row.article == low(digest(&[article])) && row.depth != UNKNOWN)
            .map(|row| row.depth.into()))
    }
}
