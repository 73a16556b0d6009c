//! What one rule set would know: the view's rows, as digests and numbers in memory.
//!
//! It follows the same steps as the view ([`crate::view::State`]) where they touch a fact that
//! rules read; cases, positions and decisions are left out. A comment takes about 50 bytes and an
//! author about 150, and no word is kept, unless comments are to be judged again when they are
//! reported.
//! Ids are known by 64-bit digests: with a million comments the chance that any two are mixed up
//! is one in thirty million.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

use stoa_proto::{AuthorSanctioned, Comment, CommentReported, Time, Verdict};
use stoa_rules::{Counters, Print, Tally, Update};
use xxhash_rust::xxh3::Xxh3;

use super::lane::Happened;
use crate::engine::facts::{Facts, Known, Parent};
use crate::view::memory::{OF_AUTHOR, OF_THREAD, Seen, Similar};
use crate::view::reports::Reports;
use crate::view::rows::{ArticleRow, AuthorRow, CommentRow};

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
    /// Their ids, by place.
    ids: Vec<Box<str>>,
    articles: HashMap<u64, ArticleRow>,
    tallies: Tallies,
    of_author: HashMap<u64, Vec<Seen>>,
    of_thread: HashMap<u64, Vec<Seen>>,
    /// What was reported about comments since a moderator last decided.
    reports: HashMap<u64, Reports>,
    /// The reports that were taken in.
    known_reports: HashSet<u64>,
    /// Comments that their authors took back.
    withdrawn: HashSet<u64>,
    /// The highest revisions, for when they are judged again.
    kept: HashMap<u64, Happened>,
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

    /// Takes in the verdict about a comment, as `State::apply` does, and keeps what is to be judged
    /// again when it is reported.
    pub(super) fn decided(
        &mut self,
        comment: &Comment,
        facts: &Facts,
        verdict: Verdict,
        kept: Option<&Happened>,
    ) {
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
            self.withdrawn.remove(&key);
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
            self.answer(&comment.site, key, verdict);
        }
        if let Some(kept) = kept {
            self.kept.insert(key, kept.clone());
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
                return;
            }
        }
        self.answer(site, key, verdict);
    }

    /// Takes in a report; answers whether it is new.
    pub(super) fn reported(&mut self, report: &CommentReported) -> bool {
        let (site, comment) = (&report.site, &report.comment);
        let known = digest(&[site, comment, &report.report]);
        if !self.known_reports.insert(known) {
            return false;
        }
        let reporter = report
            .reporter
            .as_ref()
            .map(|reporter| reporter.id.as_str());
        let place = reporter.and_then(|id| self.authors.get(&digest(&[site, id])));
        let record = place.and_then(|place| self.rows.get(*place as usize));
        let weight = record.map_or_else(|| AuthorRow::default().weight(), AuthorRow::weight);
        let reports = self.reports.entry(digest(&[site, comment])).or_default();
        reports.add(reporter, Some(report.reason), weight);
        true
    }

    /// Takes in what a moderator put an author under.
    pub(super) fn sanctioned(&mut self, sanctioned: &AuthorSanctioned, at: i64) {
        let place = self.author_of(&sanctioned.site, &sanctioned.author);
        let until = sanctioned.until.as_ref().map(Time::micros);
        if let Some(row) = self.rows.get_mut(place as usize) {
            row.sanctioned(sanctioned.sanction, until, at, 0);
        }
    }

    /// Takes in that a comment was taken back by its author.
    pub(super) fn withdrawn(&mut self, site: &str, comment: &str) {
        self.withdrawn.insert(digest(&[site, comment]));
    }

    /// Returns the highest revision of a comment, if it stands approved and was not taken back.
    pub(super) fn approved(&self, site: &str, comment: &str) -> Option<Happened> {
        let key = digest(&[site, comment]);
        let row = self.comments.get(&key)?;
        let stands = row.verdict == Verdict::Approve && !self.withdrawn.contains(&key);
        self.kept.get(&key).filter(|_| stands).cloned()
    }

    /// Takes in what a comment's highest revision was made because of a report.
    pub(super) fn rejudged(&mut self, site: &str, comment: &str, verdict: Verdict) {
        let key = digest(&[site, comment]);
        if let Some(row) = self.comments.get(&key).copied() {
            self.review(key, row, verdict);
        }
    }

    /// Takes in what is known of an article.
    pub(super) fn article(&mut self, site: &str, id: &str, row: ArticleRow) {
        self.articles.insert(digest(&[site, id]), row);
    }

    /// Takes in what a comment leaves behind, as [`crate::view::memory`] does.
    pub(super) fn remember(&mut self, comment: &Comment, facts: &Facts, added: &[Update]) {
        for update in added {
            self.tallies.add(update);
        }
        if let Some(print) = facts.print {
            let author = &comment.author.id;
            let seen = Seen::new(facts.submitted_at, &comment.comment, author, print);
            let of_author = self.of_author.entry(digest(&[&comment.site, author]));
            seen.join(of_author.or_default(), OF_AUTHOR);
            let of_thread = self
                .of_thread
                .entry(digest(&[&comment.site, &comment.article]));
            seen.join(of_thread.or_default(), OF_THREAD);
        }
    }

    /// Returns what counters say.
    pub(super) fn counters(&self) -> &Tallies {
        &self.tallies
    }

    fn review(&mut self, key: u64, row: Row, verdict: Verdict) {
        self.uncount(row);
        if let Some(author) = self.rows.get_mut(row.author as usize) {
            *author.count(verdict) += 1;
        }
        self.comments.insert(key, Row { verdict, ..row });
    }

    /// Answers the reports about a comment: their reporters were right, or not.
    fn answer(&mut self, site: &str, key: u64, verdict: Verdict) {
        let reports = self.reports.remove(&key).unwrap_or_default();
        for reporter in reports.reporters() {
            let place = self.author_of(site, reporter);
            if let Some(row) = self.rows.get_mut(place as usize) {
                row.answered(verdict);
            }
        }
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
            self.ids.push(id.into());
        }
        place
    }
}

/// The half of a digest that tells the articles of one parent and its replies apart.
fn low(digest: u64) -> u32 {
    u32::try_from(digest & u64::from(u32::MAX)).unwrap_or_default()
}

impl Known for History {
    type Error = Infallible;

    fn comment(&mut self, site: &str, id: &str) -> Result<Option<CommentRow>, Infallible> {
        let key = digest(&[site, id]);
        let (row, reports) = (self.comments.get(&key), self.reports.get(&key));
        let is_known = row.is_some() || reports.is_some();
        Ok(is_known.then(|| CommentRow {
            revision: row.map_or(0, |row| row.revision),
            verdict: row.map_or_else(Verdict::default, |row| row.verdict),
            reports: reports.cloned().map(Box::new),
            ..CommentRow::default()
        }))
    }

    fn author(&mut self, site: &str, id: &str) -> Result<AuthorRow, Infallible> {
        let place = self.authors.get(&digest(&[site, id]));
        let row = place.and_then(|place| self.rows.get(*place as usize));
        Ok(row.cloned().unwrap_or_default())
    }

    fn article(&mut self, site: &str, article: &str) -> Result<ArticleRow, Infallible> {
        let row = self.articles.get(&digest(&[site, article]));
        Ok(row.cloned().unwrap_or_default())
    }

    fn parent(&mut self, site: &str, article: &str, id: &str) -> Result<Parent, Infallible> {
        let row = self.comments.get(&digest(&[site, id]));
        let row = row.filter(|row| row.article == low(digest(&[article])));
        Ok(row.map_or_else(Parent::default, |row| Parent {
            depth: (row.depth != UNKNOWN).then(|| row.depth.into()),
            author: self.ids.get(row.author as usize).map(ToString::to_string),
        }))
    }

    fn similar(
        &mut self,
        comment: &Comment,
        print: &Print,
        at: i64,
    ) -> Result<Similar, Infallible> {
        let author = &comment.author.id;
        let seen = Seen::new(at, &comment.comment, author, *print);
        let known = |texts: &HashMap<u64, Vec<Seen>>, id: &str| {
            texts
                .get(&digest(&[&comment.site, id]))
                .cloned()
                .unwrap_or_default()
        };
        let of_author = known(&self.of_author, author);
        Ok(seen.similar(&of_author, &known(&self.of_thread, &comment.article)))
    }
}

/// Counters in event time.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    tallies: HashMap<(u64, u64), Tally>,
    /// How many there may be before those that have ended are dropped.
    most: usize,
}

impl Tallies {
    fn add(&mut self, update: &Update) {
        let key = (update.counter, update.key);
        let tally = self.tallies.entry(key);
        tally
            .or_insert_with(|| Tally::new(update.window, update.amount))
            .add(update.at, update.amount);
        if self.tallies.len() > self.most.max(100_000) {
            self.tallies.retain(|_, tally| tally.ends() >= update.at);
            self.most = self.tallies.len() * 2;
        }
    }
}

impl Counters for Tallies {
    fn value(&self, counter: u64, key: u64, at: i64) -> Option<f64> {
        let tally = self.tallies.get(&(counter, key));
        Some(tally.map_or(0.0, |tally| tally.value(at)))
    }
}
