//! In which order hits come, and the page after a place in it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::ColumnValues;
use tantivy::query::Bm25StatisticsProvider;
use tantivy::schema::Field;
use tantivy::{DocAddress, DocId, Score, SegmentOrdinal, SegmentReader, Term};

use crate::schema::{AT, SEQ};

/// In which order hits come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// What fits best first; of what fits equally the newest.
    #[default]
    Relevance,
    /// The newest first.
    Newest,
    /// The oldest first.
    Oldest,
}

/// A hit's place: higher ones come first, and no two are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    pub(crate) value: i64,
    pub(crate) tie: u64,
}

/// Parts of a score that count; what is less may come from the order of additions.
const SCORE_PARTS: f32 = 1_000.0;

/// Statistics that are the same whatever is indexed, so that no score changes while documents come.
///
/// They are those of an ordinary collection of comments; the frequency of a word plays no part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constant;

impl Bm25StatisticsProvider for Constant {
    fn total_num_tokens(&self, _field: Field) -> tantivy::Result<u64> {
        Ok(50_000)
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Ok(1_000)
    }

    fn doc_freq(&self, _term: &Term) -> tantivy::Result<u64> {
        Ok(10)
    }
}

/// Collects a page of hits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pager {
    pub(crate) order: Order,
    pub(crate) after: Option<Rank>,
    pub(crate) limit: usize,
}

/// A page of hits, the first one first.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// All hits, those of other pages included.
    pub(crate) total: u64,
    /// The page; one more than was asked for if others follow.
    pub(crate) ranked: Vec<(Rank, DocAddress)>,
}

impl Collector for Pager {
    type Fruit = Collected;
    type Child = Segment;

    fn for_segment(&self, ord: SegmentOrdinal, reader: &SegmentReader) -> tantivy::Result<Segment> {
        let columns = reader.fast_fields();
        Ok(Segment {
            pager: *self,
            ord,
            at: columns.i64(AT)?.first_or_default_col(0),
            seq: columns.u64(SEQ)?.first_or_default_col(0),
            total: 0,
            best: BinaryHeap::with_capacity(self.limit.saturating_add(2)),
        })
    }

    fn requires_scoring(&self) -> bool {
        self.order == Order::Relevance
    }

    fn merge_fruits(&self, fruits: Vec<Collected>) -> tantivy::Result<Collected> {
        let mut merged = Collected::default();
        for fruit in fruits {
            merged.total += fruit.total;
            merged.ranked.extend(fruit.ranked);
        }
        merged
            .ranked
            .sort_unstable_by_key(|(rank, _)| Reverse(*rank));
        merged.ranked.truncate(self.limit.saturating_add(1));
        Ok(merged)
    }
}

/// Collects the hits of a segment.
pub(crate) struct Segment {
    pager: Pager,
    ord: SegmentOrdinal,
    at: Arc<dyn ColumnValues<i64>>,
    seq: Arc<dyn ColumnValues<u64>>,
    total: u64,
    /// The best so far, the least of them on top.
    best: BinaryHeap<Reverse<(Rank, DocId)>>,
}

impl SegmentCollector for Segment {
    type Fruit = Collected;

    fn collect(&mut self, doc: DocId, score: Score) {
        self.total += 1;
        let seq = self.seq.get_val(doc);
        let rank = match self.pager.order {
            #[expect(clippy::cast_possible_truncation, reason = "scores are small")]
            Order::Relevance => Rank {
                value: (score * SCORE_PARTS).round() as i64,
                tie: seq,
            },
            Order::Newest => Rank {
                value: self.at.get_val(doc),
                tie: seq,
            },
            // Turned round, the oldest is the highest.
            Order::Oldest => Rank {
                value: !self.at.get_val(doc),
                tie: !seq,
            },
        };
        if self.pager.after.is_some_and(|after| rank >= after) {
            return;
        }
        self.best.push(Reverse((rank, doc)));
        if self.best.len() > self.pager.limit.saturating_add(1) {
            self.best.pop();
        }
    }

    fn harvest(self) -> Collected {
        let ord = self.ord;
        let ranked = self.best.into_iter();
        Collected {
            total: self.total,
            ranked: ranked
                .map(|Reverse((rank, doc))| (rank, DocAddress::new(ord, doc)))
                .collect(),
        }
    }
}
