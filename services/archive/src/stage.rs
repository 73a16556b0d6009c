//! A batch of changes to the view: each row is read once and written once, however many events of
//! the batch are about it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};

use stoa_store::{Table, View};

use crate::fact::{ArticleKey, CommentKey, Digest, Effect, Fact, OtherKey, Subject};
use crate::place::Place;
use crate::redaction::{KeptReport, RedactionRow};
use crate::row::{Applied, ArticleRow, CommentRow, Log, OtherRow};
use crate::view::{
    ACTIVE, ARTICLES, COMMENTS, EARLIER, EarlierKey, Error, Index, LOCATORS, LocatorKey,
    OPEN_REDACTIONS, OTHERS, REDACTIONS, RedactionKey, SITES, activity, earlier_key, locator_key,
};

/// A row in memory, and whether it is to be written.
#[derive(Debug)]
struct Staged<R> {
    row: R,
    dirty: bool,
}

/// Changes that are committed together.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    index: &'a Index,
    comments: HashMap<CommentKey, Staged<CommentRow>>,
    articles: HashMap<ArticleKey, Staged<ArticleRow>>,
    others: HashMap<OtherKey, Staged<OtherRow>>,
    locators: HashMap<LocatorKey, Staged<Vec<String>>>,
    redactions: HashMap<RedactionKey, Staged<RedactionRow>>,
    sites: BTreeSet<String>,
    /// By what threads were sorted before the batch whose comments it has.
    active: HashMap<ArticleKey, Option<i64>>,
    earlier: HashMap<EarlierKey, Vec<Applied>>,
    /// Digests of the events that rows' lists had no room for.
    spilled: HashMap<Subject, HashSet<Digest>>,
    admitted: HashSet<(Digest, Subject)>,
}

impl<'a> Stage<'a> {
    /// Begins a batch.
    pub(crate) fn new(index: &'a Index) -> Self {
        Self {
            index,
            comments: HashMap::new(),
            articles: HashMap::new(),
            others: HashMap::new(),
            locators: HashMap::new(),
            redactions: HashMap::new(),
            sites: BTreeSet::new(),
            active: HashMap::new(),
            earlier: HashMap::new(),
            spilled: HashMap::new(),
            admitted: HashSet::new(),
        }
    }

    /// Whether an event is new: neither applied before nor admitted to this batch, and not about
    /// a comment whose words went.
    pub(crate) fn admit(&mut self, fact: &Fact) -> Result<bool, Error> {
        let tables = self.index.tables();
        let log = match &fact.subject {
            Subject::Comment(key) => {
                let row = &staged(tables, &COMMENTS, &mut self.comments, key)?.row;
                if let Some(erased) = &row.erased
                    && erased.shuts_out(fact.kind)
                {
                    return Ok(false);
                }
                &row.log
            }
            Subject::Article(key) => &staged(tables, &ARTICLES, &mut self.articles, key)?.row.log,
            Subject::Other(key) => &staged(tables, &OTHERS, &mut self.others, key)?.row.log,
        };
        if log.lists(fact.event) {
            return Ok(false);
        }
        known_spilled(self.index, &mut self.spilled, &fact.subject, log)?;
        if self
            .spilled
            .get(&fact.subject)
            .is_some_and(|known| known.contains(&fact.event))
        {
            return Ok(false);
        }
        Ok(self.admitted.insert((fact.event, fact.subject.clone())))
    }

    /// Applies an event that was admitted.
    pub(crate) fn apply(&mut self, fact: &Fact, place: Place) -> Result<(), Error> {
        let tables = self.index.tables();
        let (site, moved) = match &fact.subject {
            Subject::Comment(key) => {
                let comment = staged(tables, &COMMENTS, &mut self.comments, key)?;
                comment.dirty = true;
                let known = comment.row.content.is_some();
                let moved = comment.row.apply(fact, place);
                let is_known = comment.row.content.is_some();
                let revised = comment.row.revised;
                match &fact.effect {
                    Effect::Content { submitted_at, .. } => {
                        self.captured(key, !known, *submitted_at)?;
                    }
                    Effect::Ordered(_) if is_known => self.captured(key, !known, revised)?,
                    _ => {}
                }
                (&key.1, moved)
            }
            Subject::Article(key) => {
                let article = staged(tables, &ARTICLES, &mut self.articles, key)?;
                article.dirty = true;
                (&key.1, article.row.apply(fact, place))
            }
            Subject::Other(key) => {
                let other = staged(tables, &OTHERS, &mut self.others, key)?;
                other.dirty = true;
                (&key.1, other.row.apply(fact, place))
            }
        };
        self.redacted(site, fact, place)?;
        if !site.is_empty() && !matches!(fact.subject, Subject::Other(_)) {
            self.sites.insert(site.clone());
        }
        // Admission has read what was spilled before.
        self.spill(&fact.subject, moved);
        match &fact.effect {
            Effect::Reported(Some(reporter)) => self.reported(reporter, fact, place),
            Effect::Ordered(order) => {
                let kept = order.kept.iter().flat_map(|kept| &kept.reports);
                kept.into_iter()
                    .try_for_each(|report| self.recount(site, report))
            }
            _ => Ok(()),
        }
    }

    /// Moves events that a row's list had no room for; what was moved before has to be known.
    fn spill(&mut self, subject: &Subject, moved: Option<(u32, Vec<Applied>)>) {
        if let Some((number, events)) = moved {
            let known = self.spilled.entry(subject.clone()).or_default();
            known.extend(events.iter().map(|applied| applied.event));
            self.earlier.insert(earlier_key(subject, number), events);
        }
    }

    /// Lists a report with who wrote it: their words in it are to be found when they go.
    fn reported(&mut self, reporter: &OtherKey, fact: &Fact, place: Place) -> Result<(), Error> {
        let tables = self.index.tables();
        let subject = Subject::Other(reporter.clone());
        let other = staged(tables, &OTHERS, &mut self.others, reporter)?;
        known_spilled(self.index, &mut self.spilled, &subject, &other.row.log)?;
        other.dirty = true;
        let moved = other.row.apply(fact, place);
        self.spill(&subject, moved);
        Ok(())
    }

    /// Counts a report that lost its words, where the view is built anew from a journal without them.
    fn recount(&mut self, site: &str, report: &KeptReport) -> Result<(), Error> {
        let tables = self.index.tables();
        let key = report.comment_key(site);
        let subject = Subject::Comment(key.clone());
        let comment = staged(tables, &COMMENTS, &mut self.comments, &key)?;
        known_spilled(self.index, &mut self.spilled, &subject, &comment.row.log)?;
        let event = report.applied.event;
        let spilled = self.spilled.get(&subject);
        if comment.row.log.lists(event) || spilled.is_some_and(|known| known.contains(&event)) {
            return Ok(());
        }
        comment.dirty = true;
        let moved = comment.row.recount(report.applied);
        self.spill(&subject, moved);
        Ok(())
    }

    /// Notes what becomes of a redaction.
    fn redacted(&mut self, site: &str, fact: &Fact, place: Place) -> Result<(), Error> {
        let redaction = match &fact.effect {
            Effect::Requested(request) => &request.id,
            Effect::Ordered(order) => &order.redaction,
            Effect::Agreed(agreed) => &agreed.redaction,
            Effect::Completed(redaction) => redaction,
            _ => return Ok(()),
        };
        let tables = self.index.tables();
        let key = (site.to_owned(), redaction.clone());
        let redaction = staged(tables, &REDACTIONS, &mut self.redactions, &key)?;
        redaction.dirty = true;
        redaction.row.apply(&fact.effect, &fact.subject, place);
        if let Effect::Ordered(order) = &fact.effect
            && let Some(kept) = &order.kept
        {
            let known = self.spilled.entry(fact.subject.clone()).or_default();
            for (number, events) in (0..).zip(&kept.earlier) {
                known.extend(events.iter().map(|applied| applied.event));
                self.earlier
                    .insert(earlier_key(&fact.subject, number), events.clone());
            }
        }
        Ok(())
    }

    /// Counts a comment in its thread, and remembers in which thread it is.
    fn captured(&mut self, key: &CommentKey, first: bool, at: Option<i64>) -> Result<(), Error> {
        let tables = self.index.tables();
        let (shard, site, thread, comment) = key;
        let key = (*shard, site.clone(), thread.clone());
        let article = staged(tables, &ARTICLES, &mut self.articles, &key)?;
        article.dirty = true;
        self.active.entry(key).or_insert(activity(&article.row));
        article.row.revised(first, at);
        if !first {
            return Ok(());
        }
        let locator = locator_key(site, comment);
        let threads = staged(tables, &LOCATORS, &mut self.locators, &locator)?;
        if let Err(place) = threads.row.binary_search(thread) {
            threads.row.insert(place, thread.clone());
            threads.dirty = true;
        }
        Ok(())
    }

    /// Writes everything in one step: the view has then everything before `next`.
    pub(crate) fn commit(self, next: u64) -> Result<(), Error> {
        let tables = self.index.tables();
        let mut batch = tables.batch();
        for (key, comment) in self.comments.iter().filter(|(_, staged)| staged.dirty) {
            batch.put(&COMMENTS, key, &comment.row);
        }
        for (key, article) in self.articles.iter().filter(|(_, staged)| staged.dirty) {
            batch.put(&ARTICLES, key, &article.row);
        }
        for (key, other) in self.others.iter().filter(|(_, staged)| staged.dirty) {
            batch.put(&OTHERS, key, &other.row);
        }
        for (key, locator) in self.locators.iter().filter(|(_, staged)| staged.dirty) {
            batch.put(&LOCATORS, key, &locator.row);
        }
        for (key, staged) in self.redactions.iter().filter(|(_, staged)| staged.dirty) {
            batch.put(&REDACTIONS, key, &staged.row);
            if staged.row.is_open() {
                batch.put(&OPEN_REDACTIONS, key, &());
            } else {
                batch.delete(&OPEN_REDACTIONS, key);
            }
        }
        for (key, was) in &self.active {
            let is = self
                .articles
                .get(key)
                .and_then(|staged| activity(&staged.row));
            let (_, site, thread) = key;
            let active = |at| (site.clone(), at, thread.clone());
            if *was == is {
                continue;
            }
            if let Some(was) = was {
                batch.delete(&ACTIVE, &active(*was));
            }
            if let Some(is) = is {
                batch.put(&ACTIVE, &active(is), &());
            }
        }
        for (key, events) in &self.earlier {
            batch.put(&EARLIER, key, events);
        }
        for site in &self.sites {
            if tables.get(&SITES, site)?.is_none() {
                batch.put(&SITES, site, &());
            }
        }
        tables.commit(batch, next)?;
        self.index.set_applied(next);
        Ok(())
    }
}

/// Returns a row of the batch, read from the view at its first use.
fn staged<'s, K, R>(
    tables: &View,
    table: &Table<K, R>,
    rows: &'s mut HashMap<K, Staged<R>>,
    key: &K,
) -> Result<&'s mut Staged<R>, Error>
where
    K: stoa_store::Key + Clone + Eq + std::hash::Hash,
    R: Default + serde::Serialize + serde::de::DeserializeOwned,
{
    Ok(match rows.entry(key.clone()) {
        Entry::Occupied(entry) => entry.into_mut(),
        Entry::Vacant(entry) => {
            let row = tables.get(table, key)?.unwrap_or_default();
            entry.insert(Staged { row, dirty: false })
        }
    })
}

/// Makes sure that the digests of the events that a row's list had no room for are known.
fn known_spilled(
    index: &Index,
    spilled: &mut HashMap<Subject, HashSet<Digest>>,
    subject: &Subject,
    log: &Log,
) -> Result<(), Error> {
    if log.spilled > 0 && !spilled.contains_key(subject) {
        let digests = read_spilled(index, subject, log)?;
        spilled.insert(subject.clone(), digests);
    }
    Ok(())
}

/// Reads the digests of the events that a row's list had no room for.
fn read_spilled(index: &Index, subject: &Subject, log: &Log) -> Result<HashSet<Digest>, Error> {
    let only_earlier = Log {
        events: Vec::new(),
        spilled: log.spilled,
    };
    Ok(index
        .events(subject, &only_earlier)?
        .iter()
        .map(|applied| applied.event)
        .collect())
}
