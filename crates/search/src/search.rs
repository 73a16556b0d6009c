//! Searching.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tantivy::schema::Value as _;
use tantivy::{IndexReader, TantivyDocument, TantivyError};

use crate::cursor::{BadCursor, Cursor, digest};
use crate::document::Key;
use crate::error::Error;
use crate::plan::{Filters, plan};
use crate::query::Query;
use crate::rank::{Constant, Order, Pager};
use crate::schema::Fields;

/// Searches an index; clones share it. It blocks: call it off the runtime.
#[derive(Clone)]
pub struct Searcher {
    reader: IndexReader,
    fields: Fields,
}

impl std::fmt::Debug for Searcher {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Searcher").finish_non_exhaustive()
    }
}

/// What part of what is found is asked for.
#[derive(Clone, Debug)]
pub struct Page {
    /// In which order.
    pub order: Order,
    /// After which hit.
    pub after: Option<Cursor>,
    /// Hits at most.
    pub limit: usize,
}

/// A page of hits.
#[derive(Clone, Debug)]
pub struct Hits {
    /// How many there are, on all pages.
    pub total: u64,
    /// The page.
    pub hits: Vec<Hit>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Whose words.
    pub key: Key,
    /// How well it fits, in thousandths, where hits are sorted by that.
    pub score: Option<i64>,
}

impl Searcher {
    pub(crate) fn new(reader: IndexReader, fields: Fields) -> Self {
        Self { reader, fields }
    }

    /// Reads a cursor that the same search gave: same text, filters and order.
    pub fn cursor(
        written: &str,
        text: &str,
        filters: &Filters,
        order: Order,
    ) -> Result<Cursor, BadCursor> {
        Cursor::read(written, digest(text, filters, order))
    }

    /// Sees what was committed.
    pub fn reload(&self) -> Result<(), Error> {
        Ok(self.reader.reload()?)
    }

    /// Returns how many documents there are.
    pub fn documents(&self) -> u64 {
        self.reader.searcher().num_docs()
    }

    /// Finds a page; `text` is what `query` was read from.
    pub fn search(
        &self,
        text: &str,
        query: &Query,
        filters: &Filters,
        page: &Page,
    ) -> Result<Hits, Error> {
        // A damaged file is noticed where it is read, and that is not always by an error.
        let found = catch_unwind(AssertUnwindSafe(|| self.find(text, query, filters, page)));
        found.map_err(|_| Error::Panicked)?.map_err(Error::Index)
    }

    fn find(
        &self,
        text: &str,
        query: &Query,
        filters: &Filters,
        page: &Page,
    ) -> Result<Hits, TantivyError> {
        let searcher = self.reader.searcher();
        let planned = plan(&self.fields, query, filters);
        let pager = Pager {
            order: page.order,
            after: page.after.as_ref().map(|cursor| cursor.rank),
            limit: page.limit,
        };
        let collected = searcher.search_with_statistics_provider(&planned, &pager, &Constant)?;
        let more = collected.ranked.len() > page.limit;
        let ranked = collected.ranked.into_iter().take(page.limit);
        let mut hits = Vec::with_capacity(page.limit);
        let mut last = None;
        for (rank, address) in ranked {
            let stored: TantivyDocument = searcher.doc(address)?;
            let key = stored
                .get_first(self.fields.key)
                .and_then(|key| key.as_str());
            let key = key
                .and_then(Key::from_term)
                .ok_or_else(|| TantivyError::SystemError("a document has no key".to_owned()))?;
            let score = (page.order == Order::Relevance).then_some(rank.value);
            hits.push(Hit { key, score });
            last = Some(rank);
        }
        let search = digest(text, filters, page.order);
        Ok(Hits {
            total: collected.total,
            hits,
            next: last.filter(|_| more).map(|rank| Cursor::new(search, rank)),
        })
    }
}
