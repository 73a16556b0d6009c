//! The view: where everything is in the journal.
//!
//! | table | key | row |
//! |---|---|---|
//! | comments | shard, site, thread, comment | [`CommentRow`] |
//! | articles | shard, site, article | [`ArticleRow`] |
//! | others | shard, site, kind, id | [`OtherRow`] |
//! | earlier | shard, digest of the row's key, number | events that a row's list had no room for |
//! | locators | shard, site, comment | the threads in which the comment was captured |
//! | sites | site | nothing |
//! | active | site, when the thread was last active (the latest first), thread | nothing |
//! | redactions | site, redaction | [`RedactionRow`] |
//! | open redactions | site, redaction | nothing |
//!
//! One task writes it (the engine); everything in it can be read from the journal again.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use stoa_journal::Journal;
use stoa_proto::event::Event;
use stoa_proto::shard::SHARDS;
use stoa_proto::{Reference, Rejection, Shard};
use stoa_store::{Opened, Table, View};

use crate::fact::{self, ArticleKey, CommentKey, Effect, Fact, OtherKey, Subject};
use crate::redaction::RedactionRow;
use crate::row::{Applied, ArticleRow, CommentRow, Log, OtherRow};
use crate::stage::Stage;

/// Raised when the tables or the meaning of their rows change: the view is then rebuilt.
pub(crate) const FORMAT: u32 = 3;

/// Records that are applied in one batch while catching up.
const REPLAY_BATCH: usize = 4_096;

/// Shard, digest of the row's key, number.
pub(crate) type EarlierKey = (u8, [u8; 16], u32);
/// Site, redaction.
pub(crate) type RedactionKey = (String, String);
/// Site, [`activity`] of the thread, thread.
pub(crate) type ActiveKey = (String, i64, String);
/// Shard of `(site, comment)`, site, comment.
pub(crate) type LocatorKey = (u8, String, String);

pub(crate) const COMMENTS: Table<CommentKey, CommentRow> = Table::new(1, "comments");
pub(crate) const ARTICLES: Table<ArticleKey, ArticleRow> = Table::new(2, "articles");
pub(crate) const OTHERS: Table<OtherKey, OtherRow> = Table::new(3, "others");
pub(crate) const EARLIER: Table<EarlierKey, Vec<Applied>> = Table::new(4, "earlier");
pub(crate) const LOCATORS: Table<LocatorKey, Vec<String>> = Table::new(5, "locators");
pub(crate) const SITES: Table<String, ()> = Table::new(6, "sites");
pub(crate) const REDACTIONS: Table<RedactionKey, RedactionRow> = Table::new(7, "redactions");
pub(crate) const OPEN_REDACTIONS: Table<RedactionKey, ()> = Table::new(8, "open_redactions");
pub(crate) const ACTIVE: Table<ActiveKey, ()> = Table::new(9, "active");

/// Why the view can't follow the journal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The journal can't be read: its message names the damage and the command that helps.
    #[error(transparent)]
    Journal(#[from] stoa_journal::Error),
    /// The view can't be read or written: stop the archive, delete the view's folder, start again.
    #[error(transparent)]
    Store(#[from] stoa_store::Error),
    /// A record is no event of this version: it was written by a newer one. Upgrade again.
    #[error("record {seq} of the journal is no event that this version knows")]
    Unreadable {
        /// The record.
        seq: u64,
        /// What is wrong with it.
        source: Rejection,
    },
    /// The view points at a record that is something else: delete the view's folder, start again.
    #[error("record {seq} of the journal is not what the view says it is")]
    Misplaced {
        /// The record.
        seq: u64,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// Where everything is.
#[derive(Debug)]
pub(crate) struct Index {
    view: View,
    applied: AtomicU64,
}

/// How the view is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenOptions {
    /// How long opening may take before the view is set aside.
    pub(crate) watchdog: std::time::Duration,
    /// Memory for pages.
    pub(crate) cache_bytes: u64,
}

impl Index {
    /// Opens the view. Blocks: call it off the runtime.
    pub(crate) fn open(dir: &Path, options: OpenOptions, journal: &Journal) -> Result<Self, Error> {
        let view = View::open(
            dir,
            stoa_store::Options {
                format: FORMAT,
                next_seq: journal.next(),
                watchdog: options.watchdog,
                cache_bytes: options.cache_bytes,
                ..stoa_store::Options::default()
            },
        )?;
        if let Opened::Rebuilt { reason, set_aside } = view.opened() {
            tracing::warn!(
                reason,
                set_aside = %set_aside.display(),
                "the view could not be used and was set aside: it is built again from the journal"
            );
        }
        let applied = AtomicU64::new(view.applied());
        Ok(Self { view, applied })
    }

    /// Whether the view could not be used as it was.
    pub(crate) fn was_set_aside(&self) -> bool {
        matches!(self.view.opened(), Opened::Rebuilt { .. })
    }

    /// Writes everything out, so that the next start has nothing to apply again. Blocks.
    pub(crate) fn close(&self) -> Result<(), Error> {
        Ok(self.view.close()?)
    }

    /// Applies what the journal has beyond the view; `progress` gets records done and to do. It blocks.
    ///
    /// Words that an order erased and that are there, after a crash or out of a backup, are overwritten.
    pub(crate) fn catch_up(
        &self,
        journal: &Journal,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<u64, Error> {
        let from = self.view.applied().max(journal.first());
        let total = journal.next().saturating_sub(from);
        if total == 0 {
            self.applied
                .store(journal.next().max(from), Ordering::Release);
            return Ok(0);
        }
        let mut words = 0_u64;
        progress(0, total);
        let mut stage = Stage::new(self);
        let mut staged = 0;
        let mut next = from;
        for record in journal.iter(from) {
            let record = record?;
            next = record.seq + 1;
            if !record.redacted {
                let event =
                    Event::from_json(&record.payload).map_err(|source| Error::Unreadable {
                        seq: record.seq,
                        source,
                    })?;
                let mut fact = Fact::of(&event);
                if let Effect::Ordered(order) = &mut fact.effect
                    && let Some(kept) = &mut order.kept
                {
                    kept.find(journal)?;
                    for applied in kept.words(order.scope) {
                        if !journal.read(applied.place.into())?.redacted {
                            // Before the view knows the order: after a crash it is met again.
                            journal.redact_blocking(applied.place.seq)?;
                            words += 1;
                        }
                    }
                }
                if stage.admit(&fact)? {
                    stage.apply(&fact, record.position.into())?;
                }
                staged += 1;
            }
            if staged >= REPLAY_BATCH {
                stage.commit(next)?;
                stage = Stage::new(self);
                staged = 0;
                progress(next - from, total);
            }
        }
        stage.commit(next)?;
        progress(total, total);
        if words > 0 {
            tracing::warn!(
                records = words,
                "words were there that had been ordered to be erased: they are gone now"
            );
        }
        Ok(total)
    }

    /// The next sequence number that is to be applied.
    pub(crate) fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    /// Remembers up to where the view is.
    pub(crate) fn set_applied(&self, next: u64) {
        self.applied.store(next, Ordering::Release);
    }

    /// How many bytes it takes on the disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.view.bytes()
    }

    /// The tables themselves.
    pub(crate) fn tables(&self) -> &View {
        &self.view
    }

    /// Looks up a comment in a thread.
    pub(crate) fn comment(
        &self,
        site: &str,
        thread: &str,
        comment: &str,
    ) -> Result<Option<CommentRow>, Error> {
        let shard = Shard::of(site, thread).index();
        let key = (
            shard,
            site.to_owned(),
            thread.to_owned(),
            comment.to_owned(),
        );
        Ok(self.view.get(&COMMENTS, &key)?)
    }

    /// Lists the comments of a thread, by id.
    pub(crate) fn comments(
        &self,
        site: &str,
        thread: &str,
    ) -> Result<Vec<(String, CommentRow)>, Error> {
        let prefix = (
            Shard::of(site, thread).index(),
            site.to_owned(),
            thread.to_owned(),
        );
        let mut comments = Vec::new();
        for row in self.view.scan(&COMMENTS, prefix) {
            let ((.., comment), row) = row?;
            comments.push((comment, row));
        }
        Ok(comments)
    }

    /// Looks up an article and its thread.
    pub(crate) fn article(&self, site: &str, article: &str) -> Result<Option<ArticleRow>, Error> {
        let key = (
            Shard::of(site, article).index(),
            site.to_owned(),
            article.to_owned(),
        );
        Ok(self.view.get(&ARTICLES, &key)?)
    }

    /// Lists up to `limit` threads of a site after one, by id.
    pub(crate) fn threads(
        &self,
        site: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, ArticleRow)>, Error> {
        let mut threads = Vec::new();
        for shard in 0..SHARDS {
            // An id has no control characters, so U+0001 is before every other.
            let from = after.map_or_else(String::new, |after| format!("{after}\u{1}"));
            let from = (shard, site.to_owned(), from);
            let to = (shard, format!("{site}\u{1}"), String::new());
            let rows = self.view.range(&ARTICLES, from..to);
            let known = rows.filter(|row| row.as_ref().map_or(true, |(_, row)| row.is_known()));
            for row in known.take(limit) {
                let ((_, _, thread), row) = row?;
                threads.push((thread, row));
            }
        }
        threads.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        threads.truncate(limit);
        Ok(threads)
    }

    /// Goes through the threads of a site, by shard and id.
    pub(crate) fn each_thread(
        &self,
        site: &str,
        mut each: impl FnMut(String, &ArticleRow),
    ) -> Result<(), Error> {
        for shard in 0..SHARDS {
            for row in self.view.scan(&ARTICLES, (shard, site.to_owned())) {
                let ((_, _, thread), row) = row?;
                if row.is_known() {
                    each(thread, &row);
                }
            }
        }
        Ok(())
    }

    /// Goes through the threads of a site that have comments, the latest active first, with when that
    /// was, until `each` says no.
    pub(crate) fn each_active(
        &self,
        site: &str,
        mut each: impl FnMut(i64, &str) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        for key in self.view.scan(&ACTIVE, (site.to_owned(),)) {
            let ((_, activity, thread), ()) = key?;
            if !each(!activity, &thread)? {
                break;
            }
        }
        Ok(())
    }

    /// Lists the sites.
    pub(crate) fn sites(&self) -> Result<Vec<String>, Error> {
        let mut sites = Vec::new();
        for row in self.view.range(&SITES, ..) {
            sites.push(row?.0);
        }
        Ok(sites)
    }

    /// Looks up a redaction.
    pub(crate) fn redaction(
        &self,
        site: &str,
        redaction: &str,
    ) -> Result<Option<RedactionRow>, Error> {
        let key = (site.to_owned(), redaction.to_owned());
        Ok(self.view.get(&REDACTIONS, &key)?)
    }

    /// Lists up to `limit` redactions of a site after one, by id.
    pub(crate) fn redactions(
        &self,
        site: &str,
        after: Option<&str>,
        only_open: bool,
        limit: usize,
    ) -> Result<Vec<(String, RedactionRow)>, Error> {
        let from = after.map_or_else(String::new, |after| format!("{after}\u{1}"));
        let from = (site.to_owned(), from);
        let to = (format!("{site}\u{1}"), String::new());
        let mut redactions = Vec::new();
        for row in self.view.range(&REDACTIONS, from..to) {
            let ((_, redaction), row) = row?;
            if !only_open || row.is_open() {
                redactions.push((redaction, row));
            }
            if redactions.len() >= limit {
                break;
            }
        }
        Ok(redactions)
    }

    /// Lists the redactions of all sites that are not done.
    pub(crate) fn open_redactions(&self) -> Result<Vec<(String, RedactionRow)>, Error> {
        let mut open = Vec::new();
        for key in self.view.range(&OPEN_REDACTIONS, ..) {
            let (key, ()) = key?;
            if let Some(row) = self.view.get(&REDACTIONS, &key)? {
                open.push((key.0, row));
            }
        }
        Ok(open)
    }

    /// Lists the threads in which a comment was captured.
    pub(crate) fn locate(&self, site: &str, comment: &str) -> Result<Vec<String>, Error> {
        let key = locator_key(site, comment);
        Ok(self.view.get(&LOCATORS, &key)?.unwrap_or_default())
    }

    /// Lists the outcomes of appeals about a comment.
    pub(crate) fn appeals(&self, site: &str, comment: &str) -> Result<Vec<Applied>, Error> {
        let key = fact::appeals_key(site, comment);
        match self.view.get(&OTHERS, &key)? {
            Some(row) => self.events(&Subject::Other(key), &row.log),
            None => Ok(Vec::new()),
        }
    }

    /// Whether an event was applied; one that was erased since still counts, and one that comes too
    /// late to be kept.
    pub(crate) fn holds(&self, event: &Reference<'_>) -> Result<bool, Error> {
        let subject = fact::subject(event);
        let log = match &subject {
            Subject::Comment(key) => {
                let row = self.view.get(&COMMENTS, key)?;
                let erased = row.as_ref().and_then(|row| row.erased.as_ref());
                if erased.is_some_and(|erased| erased.shuts_out(event.kind)) {
                    return Ok(true);
                }
                row.map(|row| row.log)
            }
            Subject::Article(key) => self.view.get(&ARTICLES, key)?.map(|row| row.log),
            Subject::Other(key) => self.view.get(&OTHERS, key)?.map(|row| row.log),
        };
        let Some(log) = log else {
            return Ok(false);
        };
        let digest = fact::key(event);
        if log.lists(digest) || log.spilled == 0 {
            return Ok(log.lists(digest));
        }
        let events = self.events(&subject, &log)?;
        Ok(events.iter().any(|applied| applied.event == digest))
    }

    /// Lists all events that were applied to a row, in the order of the journal.
    pub(crate) fn events(&self, subject: &Subject, log: &Log) -> Result<Vec<Applied>, Error> {
        let mut events = Vec::with_capacity(log.events.len());
        for number in 0..log.spilled {
            events.extend(self.spilled(subject, number)?);
        }
        events.extend_from_slice(&log.events);
        Ok(events)
    }

    /// Lists the events of a row of earlier ones.
    pub(crate) fn spilled(&self, subject: &Subject, number: u32) -> Result<Vec<Applied>, Error> {
        let key = earlier_key(subject, number);
        Ok(self.view.get(&EARLIER, &key)?.unwrap_or_default())
    }
}

/// Returns what sorts threads by when they were last active, the latest first; `None` without comments.
pub(crate) fn activity(row: &ArticleRow) -> Option<i64> {
    (row.n_comments > 0).then(|| !row.last_activity.unwrap_or(i64::MIN))
}

/// Returns the key of a comment's locator.
pub(crate) fn locator_key(site: &str, comment: &str) -> LocatorKey {
    (
        Shard::of(site, comment).index(),
        site.to_owned(),
        comment.to_owned(),
    )
}

/// Returns the key of a row with earlier events.
pub(crate) fn earlier_key(subject: &Subject, number: u32) -> EarlierKey {
    use sha2::Digest as _;

    let (shard, parts) = match subject {
        Subject::Comment((shard, site, thread, comment)) => {
            (*shard, ["comment", site.as_str(), thread, comment])
        }
        Subject::Article((shard, site, article)) => {
            (*shard, ["article", site.as_str(), article, ""])
        }
        Subject::Other((shard, site, kind, id)) => {
            let kind = if *kind == fact::AUTHOR {
                "author"
            } else {
                "other"
            };
            (*shard, [kind, site.as_str(), id, ""])
        }
    };
    let mut hasher = sha2::Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let full: [u8; 32] = hasher.finalize().into();
    (
        shard,
        full.first_chunk::<16>().copied().unwrap_or_default(),
        number,
    )
}
