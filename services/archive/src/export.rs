//! What an archive holds, row by row, for exports: of one that is stopped.

pub mod activity;
pub mod html;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stoa_journal::Journal;
use stoa_proto::{Article, Comment, Data, Decision, Event, Kind, Shard};

use crate::fact::Subject;
use crate::place::Place;
use crate::read::thread::{Page, ThreadPage};
use crate::read::version::Read;
use crate::read::{Audience, Reader};
use crate::row::{self, CommentRow};
use crate::service::MAX_RECORD_BYTES;
use crate::view::{Error, Index, OpenOptions};

/// Memory for the view's pages.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// How long opening may take before the view is built anew.
const WATCHDOG: Duration = Duration::from_secs(30);
/// Threads that are listed at a time.
const THREADS: usize = 256;
/// Entries of a thread's page.
const PAGE: usize = 1_000;

/// An archive that is read from its folder.
#[derive(Debug)]
pub struct Export {
    reader: Reader,
}

/// Something that the archive holds.
#[derive(Debug)]
pub enum Row {
    /// An article and its thread.
    Article(Box<ArticleOut>),
    /// A comment.
    Comment(Box<CommentOut>),
    /// A decision.
    Decision(Box<DecisionOut>),
}

/// An article and its thread; first of what is of the thread.
#[derive(Debug)]
pub struct ArticleOut {
    /// The site.
    pub site: String,
    /// The article's id, which is the thread's.
    pub article: String,
    /// Whether it was taken down.
    pub removed: bool,
    /// Comments that were captured.
    pub comments: u64,
    /// When the latest of them was written, in microseconds since 1970.
    pub last_activity: Option<i64>,
    /// The record of the latest version.
    pub seq: Option<u64>,
    /// The latest version; none if only comments came, or it was erased.
    pub data: Option<Article>,
}

/// A comment; after those that it may answer only if they were written before.
#[derive(Debug)]
pub struct CommentOut {
    /// The site.
    pub site: String,
    /// The article's id.
    pub article: String,
    /// The comment's id.
    pub comment: String,
    /// The comment that it answers.
    pub parent: Option<String>,
    /// What it is: `approved`, `pending`, `rejected` or `withdrawn`.
    pub status: &'static str,
    /// When it was written, in microseconds since 1970.
    pub submitted_at: Option<i64>,
    /// The latest count of its votes.
    pub score: Option<i64>,
    /// Decisions about any revision.
    pub decisions: u32,
    /// Reports by readers.
    pub reports: u32,
    /// The record of the latest revision.
    pub seq: u64,
    /// The latest revision; none if it was erased.
    pub data: Option<Comment>,
    /// The decision about it that stands.
    pub decision: Option<Decision>,
}

/// A decision about a comment, after the comment.
#[derive(Debug)]
pub struct DecisionOut {
    /// Its record.
    pub seq: u64,
    /// Whether it is the one that stands for the comment's latest revision.
    pub stands: bool,
    /// What it says.
    pub data: Decision,
}

impl Export {
    /// Opens an archive's folder; `progress` is given the records that the view still has to be brought
    /// up to. It blocks, and fails if the archive is running: the journal is then locked.
    ///
    /// # Errors
    /// Those of the journal and of the view.
    pub fn open(data_dir: &Path, progress: &mut dyn FnMut(u64, u64)) -> anyhow::Result<Self> {
        let options = stoa_journal::Options {
            max_record_bytes: MAX_RECORD_BYTES,
            ..stoa_journal::Options::default()
        };
        // Nothing is appended, so no record takes its time from this clock.
        let opened = Journal::open(&data_dir.join("journal"), options, Arc::new(|| 0))?;
        opened.journal.never_trimmed()?;
        let options = OpenOptions {
            watchdog: WATCHDOG,
            cache_bytes: CACHE_BYTES,
        };
        let index = Index::open(&data_dir.join("view"), options, &opened.journal)?;
        index.catch_up(&opened.journal, progress)?;
        Ok(Self {
            reader: Reader {
                journal: opened.journal,
                index: Arc::new(index),
                until: None,
            },
        })
    }

    /// Lists the sites.
    ///
    /// # Errors
    /// Those of the view.
    pub fn sites(&self) -> Result<Vec<String>, Error> {
        self.reader.index.sites()
    }

    /// Hands out everything of a site, thread by thread: the article, then each comment, the oldest
    /// first, with its decisions behind it.
    ///
    /// # Errors
    /// Those of the journal, of the view, and of `visit`.
    pub fn rows(
        &self,
        site: &str,
        visit: &mut dyn FnMut(Row) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.threads(site, &mut |thread, row| {
            visit(Row::Article(Box::new(self.article(site, thread, row)?)))?;
            let mut comments = self.reader.captured(site, thread)?;
            comments
                .sort_by(|(left, one), (right, other)| (one.at(), left).cmp(&(other.at(), right)));
            for (comment, row) in comments {
                self.comment(site, thread, comment, &row, visit)?;
            }
            Ok(())
        })
    }

    fn threads(
        &self,
        site: &str,
        visit: &mut dyn FnMut(&str, &row::ArticleRow) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut after: Option<String> = None;
        loop {
            let threads = self.reader.index.threads(site, after.as_deref(), THREADS)?;
            for (thread, row) in &threads {
                visit(thread, row)?;
            }
            match threads.into_iter().next_back() {
                Some((thread, _)) => after = Some(thread),
                None => return Ok(()),
            }
        }
    }

    /// Hands out what a thread shows, page by page, with their numbers from 1.
    fn pages(
        &self,
        site: &str,
        thread: &str,
        audience: Audience,
        visit: &mut dyn FnMut(usize, ThreadPage) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut wanted = Page {
            after: None,
            limit: PAGE,
        };
        for number in 1.. {
            let page = self
                .reader
                .thread(site, thread, audience, &wanted, |_| false)?;
            let Some(Read::New(_, page)) = page else {
                break;
            };
            wanted.after.clone_from(&page.next);
            visit(number, page)?;
            if wanted.after.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn article(
        &self,
        site: &str,
        article: &str,
        row: &row::ArticleRow,
    ) -> Result<ArticleOut, Error> {
        let place = row.latest.map(|(_, place)| place);
        let data = place.map_or(Ok(None), |place| self.event(place))?;
        Ok(ArticleOut {
            site: site.to_owned(),
            article: article.to_owned(),
            removed: row.is_removed(),
            comments: row.n_comments,
            last_activity: row.last_activity,
            seq: place.map(|place| place.seq),
            data: match data {
                Some(Data::ArticlePublished(article) | Data::ArticleUpdated(article)) => {
                    Some(article)
                }
                _ => None,
            },
        })
    }

    fn comment(
        &self,
        site: &str,
        thread: &str,
        comment: String,
        row: &CommentRow,
        visit: &mut dyn FnMut(Row) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let Some(content) = row.content else {
            return Ok(());
        };
        let data = match self.event(content.place)? {
            Some(Data::CommentSubmitted(data) | Data::CommentEdited(data)) => Some(data),
            _ => None,
        };
        let standing = row.decision().map(|standing| standing.place);
        let shard = Shard::of(site, thread).index();
        let key = (shard, site.to_owned(), thread.to_owned(), comment.clone());
        let mut decisions = Vec::new();
        for applied in self.reader.index.events(&Subject::Comment(key), &row.log)? {
            if applied.kind() == Some(Kind::CommentDecided)
                && let Some(Data::CommentDecided(data)) = self.event(applied.place)?
            {
                decisions.push(DecisionOut {
                    seq: applied.place.seq,
                    stands: standing == Some(applied.place),
                    data,
                });
            }
        }
        let stands = decisions.iter().find(|decision| decision.stands);
        visit(Row::Comment(Box::new(CommentOut {
            site: site.to_owned(),
            article: thread.to_owned(),
            comment,
            parent: row.parent.as_ref().map(|(.., parent)| parent.clone()),
            status: row.status().as_str(),
            submitted_at: row.submitted.map(|(_, at)| at),
            score: row.score.map(|(.., score)| score),
            decisions: row.n_decisions,
            reports: row.n_reports,
            seq: content.place.seq,
            data,
            decision: stands.map(|decision| decision.data.clone()),
        })))?;
        for decision in decisions {
            visit(Row::Decision(Box::new(decision)))?;
        }
        Ok(())
    }

    /// Reads an event; `None` when it was redacted.
    fn event(&self, place: Place) -> Result<Option<Data>, Error> {
        let record = self.reader.journal.read(place.into())?;
        if record.redacted {
            return Ok(None);
        }
        let event = Event::from_json(&record.payload).map_err(|source| Error::Unreadable {
            seq: place.seq,
            source,
        })?;
        Ok(Some(event.data))
    }
}
