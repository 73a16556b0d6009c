//! What comments leave behind for those after them: the rule set's counters, and prints of texts.
//!
//! What is too old to count is forgotten: tallies by the hour in which they end, prints when their
//! author or thread gets the next one.

use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};
use stoa_rules::{Counters, Print, Tally, Update};
use stoa_store::{Batch, Error};
use xxhash_rust::xxh3::xxh3_64;

use super::pending::Pending;
use super::{AUTHOR_PRINTS, COUNTERS, ENDS, Id, Index, THREAD_PRINTS};
use crate::record::{About, Remembered};

const HOUR: i64 = 3_600 * 1_000_000;
/// How long a text is compared with later ones.
const PRINT_AGE: i64 = 7 * 24 * HOUR;
/// Texts of an author that a new one is compared with.
pub(crate) const OF_AUTHOR: usize = 16;
/// Texts of a thread that a new one is compared with.
pub(crate) const OF_THREAD: usize = 64;
/// Tallies that are forgotten in one go.
const TIDY: usize = 1_024;

/// A text that was seen: when, and whose by digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    at: i64,
    comment: u64,
    author: u64,
    print: Print,
}

impl Seen {
    pub(crate) fn new(at: i64, comment: &str, author: &str, print: Print) -> Self {
        Self {
            at,
            comment: digest(comment),
            author: digest(author),
            print,
        }
    }

    /// Counts the texts that say the same, among those of its author and those of its thread.
    pub(crate) fn similar(&self, of_author: &[Self], of_thread: &[Self]) -> Similar {
        let like = |seen: &&Self| {
            seen.comment != self.comment
                && seen.at > self.at - PRINT_AGE
                && seen.print.is_like(&self.print)
        };
        let others = |seen: &&Self| seen.author != self.author;
        Similar {
            by_author: of_author.iter().filter(like).count() as u64,
            in_thread: of_thread.iter().filter(others).filter(like).count() as u64,
        }
    }

    /// Joins the recent texts of an author or a thread, of which so many are kept at most.
    pub(crate) fn join(self, known: &mut Vec<Self>, most: usize) {
        // An edit takes the place of what it replaces.
        known.retain(|other| other.comment != self.comment && other.at > self.at - PRINT_AGE);
        known.push(self);
        let over = known.len().saturating_sub(most);
        known.drain(..over);
    }
}

/// How many recent texts say the same as a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Similar {
    /// By the same author.
    pub(crate) by_author: u64,
    /// By others in the thread.
    pub(crate) in_thread: u64,
}

/// The tables, with changes over them that are not written yet.
pub(crate) struct Memory {
    counters: Pending<(u64, u64), Tally>,
    ends: Pending<(i64, u64, u64), ()>,
    of_author: Pending<Id, Vec<Seen>>,
    of_thread: Pending<Id, Vec<Seen>>,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            counters: Pending::new(COUNTERS),
            ends: Pending::new(ENDS),
            of_author: Pending::new(AUTHOR_PRINTS),
            of_thread: Pending::new(THREAD_PRINTS),
        }
    }

    pub(super) fn write(&self, batch: &mut Batch) {
        self.counters.write(batch);
        self.ends.write(batch);
        self.of_author.write(batch);
        self.of_thread.write(batch);
    }

    /// Counts the recent texts that say the same as one.
    pub(super) fn similar(
        &mut self,
        index: &Index,
        about: &About,
        author: &str,
        print: &Print,
        at: i64,
    ) -> Result<Similar, Error> {
        let of_author = self.of_author.get(index, &id(&about.site, author))?;
        let of_thread = self
            .of_thread
            .get(index, &id(&about.site, &about.article))?;
        let seen = Seen::new(at, &about.comment, author, *print);
        Ok(seen.similar(
            &of_author.unwrap_or_default(),
            &of_thread.unwrap_or_default(),
        ))
    }

    /// Takes in what a comment leaves behind.
    pub(super) fn remember(&mut self, index: &Index, remembered: &Remembered) -> Result<(), Error> {
        for update in &remembered.counters {
            self.count(index, update)?;
        }
        let decided = &remembered.decided;
        if let Some(print) = remembered.print {
            let about = &decided.about;
            let seen = Seen::new(decided.submitted_at, &about.comment, &decided.author, print);
            let author = id(&about.site, &decided.author);
            note(&mut self.of_author, index, author, seen, OF_AUTHOR)?;
            let thread = id(&about.site, &about.article);
            note(&mut self.of_thread, index, thread, seen, OF_THREAD)?;
        }
        self.tidy(index, decided.at)
    }

    fn count(&mut self, index: &Index, update: &Update) -> Result<(), Error> {
        let key = (update.counter, update.key);
        let known = self.counters.get(index, &key)?;
        let before = known.as_ref().map(|tally| hour(tally.ends()));
        let mut tally = known.unwrap_or_else(|| Tally::new(update.window, update.amount));
        tally.add(update.at, update.amount);
        let after = hour(tally.ends());
        if before != Some(after) {
            if let Some(before) = before {
                self.ends.set((before, key.0, key.1), None);
            }
            self.ends.put((after, key.0, key.1), ());
        }
        self.counters.put(key, tally);
        Ok(())
    }

    /// Forgets the tallies that have ended, once an hour.
    fn tidy(&mut self, index: &Index, at: i64) -> Result<(), Error> {
        let now = hour(at);
        if index.tidied.load(Ordering::Relaxed) >= now {
            return Ok(());
        }
        let mut found = 0;
        for row in index.view.range(&ENDS, ..(now, 0, 0)).take(TIDY) {
            let ((end, counter, key), ()) = row?;
            found += 1;
            self.ends.set((end, counter, key), None);
            let ended = |tally: &Tally| hour(tally.ends()) < now;
            if self
                .counters
                .get(index, &(counter, key))?
                .is_some_and(|tally| ended(&tally))
            {
                self.counters.set((counter, key), None);
            }
        }
        if found < TIDY {
            index.tidied.store(now, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Returns what counters say.
    pub(super) fn reader<'m>(&'m self, index: &'m Index) -> Reader<'m> {
        Reader {
            memory: self,
            index,
        }
    }
}

/// Adds a text to those of an author or a thread.
fn note(
    table: &mut Pending<Id, Vec<Seen>>,
    index: &Index,
    key: Id,
    seen: Seen,
    most: usize,
) -> Result<(), Error> {
    let mut known = table.get(index, &key)?.unwrap_or_default();
    seen.join(&mut known, most);
    table.put(key, known);
    Ok(())
}

/// The values of counters, with what is not written yet.
pub(crate) struct Reader<'m> {
    memory: &'m Memory,
    index: &'m Index,
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Counters for Reader<'_> {
    fn value(&self, counter: u64, key: u64, at: i64) -> Option<f64> {
        match self.memory.counters.peek(self.index, &(counter, key)) {
            Ok(tally) => Some(tally.map_or(0.0, |tally| tally.value(at))),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "a counter can't be read: rules that need it hold");
                None
            }
        }
    }
}

fn hour(at: i64) -> i64 {
    at.div_euclid(HOUR)
}

fn id(site: &str, id: &str) -> Id {
    (site.to_owned(), id.to_owned())
}

fn digest(id: &str) -> u64 {
    xxh3_64(id.as_bytes())
}
