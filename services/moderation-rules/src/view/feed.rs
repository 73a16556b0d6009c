//! What happened to cases last, for whoever watches the queue: in memory, and no more than a number.
//!
//! Each news has the sequence of its record, so that who saw one can ask for those behind it, also
//! after a restart; what is not here any more is not told, and the watcher reads the queue again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use stoa_proto::Verdict;
use tokio::sync::watch;

use super::rows::CaseRow;

/// News that are kept.
const MOST: usize = 4_096;

/// What happened to a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum What {
    /// It was opened, or opened again.
    Opened,
    /// It is at another place of the queue, or about a newer revision.
    Changed,
    Claimed,
    Released,
    Noted,
    Escalated,
    Calmed,
    /// A moderator decided it.
    Decided,
    /// It was closed without a moderator.
    Closed,
}

/// That something happened to a case; it has no words.
#[derive(Debug, Serialize)]
pub(crate) struct News {
    /// The record.
    #[serde(skip)]
    pub(crate) seq: u64,
    pub(crate) what: What,
    pub(crate) case: String,
    pub(crate) site: String,
    pub(crate) version: u64,
    /// By these a narrowed queue tells whether the case is in it.
    labels: Vec<String>,
    rules: Vec<String>,
    /// The moderator who did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
}

impl News {
    /// Tells what happened to a case that is as its row is now.
    pub(super) fn new(
        seq: u64,
        what: What,
        case: &str,
        row: &CaseRow,
        by: Option<&String>,
    ) -> Self {
        Self {
            seq,
            what,
            case: case.to_owned(),
            site: row.site.clone(),
            version: row.version,
            labels: row.labels.clone(),
            rules: row.rules.clone(),
            by: by.cloned(),
            verdict: row.closed.as_ref().and_then(|closed| closed.verdict),
        }
    }
}

/// The last news.
#[derive(Debug)]
pub(crate) struct Feed {
    ring: Mutex<Ring>,
    /// The end of the news: the sequence of the next record.
    end: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Ring {
    news: VecDeque<Arc<News>>,
    /// News of all records from here on are there.
    from: u64,
}

/// What a watcher gets.
#[derive(Debug)]
pub(crate) struct Latest {
    pub(crate) news: Vec<Arc<News>>,
    /// From where to ask next.
    pub(crate) next: u64,
    /// Whether something is missing before these.
    pub(crate) lagged: bool,
}

impl Feed {
    /// Begins with nothing behind these records.
    pub(super) fn new(applied: u64) -> Self {
        let ring = Ring {
            from: applied,
            ..Ring::default()
        };
        Self {
            ring: Mutex::new(ring),
            end: watch::channel(applied).0,
        }
    }

    /// Tells news of the records before `next`.
    pub(super) fn tell(&self, news: Vec<News>, next: u64) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.news.extend(news.into_iter().map(Arc::new));
        while ring.news.len() > MOST {
            if let Some(gone) = ring.news.pop_front() {
                ring.from = gone.seq + 1;
            }
        }
        self.end.send_replace(next);
    }

    /// Returns the end of the news, and what tells of a later one.
    pub(crate) fn end(&self) -> watch::Receiver<u64> {
        self.end.subscribe()
    }

    /// Returns what happened from a record on; where that is not known any more, nothing.
    pub(crate) fn since(&self, next: u64) -> Latest {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let end = *self.end.borrow();
        if next < ring.from || next > end {
            return Latest {
                news: Vec::new(),
                next: end,
                lagged: true,
            };
        }
        let first = ring.news.partition_point(|news| news.seq < next);
        Latest {
            news: ring.news.range(first..).cloned().collect(),
            next: end,
            lagged: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(seq: u64) -> News {
        News {
            seq,
            what: What::Opened,
            case: String::new(),
            site: String::new(),
            version: 1,
            labels: Vec::new(),
            rules: Vec::new(),
            by: None,
            verdict: None,
        }
    }

    #[test]
    fn news_are_told_from_where_one_was_and_what_is_gone_is_not_hidden() {
        let feed = Feed::new(10);
        let since = |next| {
            let latest = feed.since(next);
            let seqs: Vec<u64> = latest.news.iter().map(|news| news.seq).collect();
            (seqs, latest.next, latest.lagged)
        };
        assert_eq!(since(10), (vec![], 10, false));
        assert_eq!(since(9), (vec![], 10, true));
        feed.tell(vec![news(11), news(14)], 16);
        assert_eq!(since(10), (vec![11, 14], 16, false));
        assert_eq!(since(12), (vec![14], 16, false));
        assert_eq!(since(16), (vec![], 16, false));
        assert_eq!(since(17), (vec![], 16, true), "of another journal");
        let many = 100..100 + MOST as u64;
        feed.tell(many.map(news).collect(), 90_000);
        assert_eq!(since(14), (vec![], 90_000, true));
        assert_eq!(since(15).0.len(), MOST);
    }
}
