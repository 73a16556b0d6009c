//! What is parked, in memory and without bodies.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::BuildHasher as _;
use std::sync::Arc;

use stoa_journal::Position;
use stoa_proto::codec::ThreadKey;

use super::record::Head;
use super::{Attempt, Filter, Lane, Page, Parked};

/// Failed attempts that are shown of a message; all are counted.
const SHOWN_ATTEMPTS: usize = 20;

/// A message that is parked.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) position: Position,
    thread: Option<Arc<ThreadKey>>,
    id: Option<Box<str>>,
    source: Option<Box<str>>,
    kind: Option<Box<str>>,
    /// Why it was refused, first by the reader and then by each retry.
    reason: Option<Box<str>>,
    n_attempts: u32,
    attempts: VecDeque<Attempt>,
    at: i64,
    pub(super) body_bytes: u64,
    /// Bytes of all records before it.
    start: u64,
    digest: u64,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Index {
    waiting: BTreeMap<u64, Waiting>,
    threads: HashMap<Arc<ThreadKey>, BTreeSet<u64>>,
    digests: HashSet<u64>,
    hasher: RandomState,
    /// Messages without a thread.
    n_alone: usize,
    /// Bytes of all records.
    total: u64,
}

impl Index {
    /// Counts a record's bytes.
    pub(super) fn grow(&mut self, bytes: u64) {
        self.total += bytes;
    }

    /// Returns a number by which a message is known again when the broker repeats it.
    pub(super) fn digest(&self, head: &Head, body: &[u8]) -> u64 {
        // The broker counts in headers of its own.
        let same = |(name, _): &&(String, String)| !name.starts_with("x-");
        let headers: Vec<_> = head.headers.iter().filter(same).collect();
        let named = (&head.thread, &head.source, &head.id);
        self.hasher.hash_one((named, headers, body))
    }

    pub(super) fn knows(&self, digest: u64) -> bool {
        self.digests.contains(&digest)
    }

    /// Adds a message whose record was counted last.
    pub(super) fn insert(&mut self, position: Position, at: i64, head: Head, n: Sizes) {
        let thread = head.thread.map(Arc::new);
        // One copy of the key for all messages of the thread.
        let thread = thread.map(|thread| match self.threads.get_key_value(&thread) {
            Some((known, _)) => Arc::clone(known),
            None => thread,
        });
        if let Some(thread) = &thread {
            let own = self.threads.entry(Arc::clone(thread)).or_default();
            own.insert(position.seq);
        } else {
            self.n_alone += 1;
        }
        self.digests.insert(n.digest);
        let waiting = Waiting {
            position,
            thread,
            id: head.id.map(Into::into),
            source: head.source.map(Into::into),
            kind: head.kind.map(Into::into),
            reason: head.reason.map(Into::into),
            n_attempts: 0,
            attempts: VecDeque::new(),
            at,
            body_bytes: n.body,
            start: self.total.saturating_sub(n.record),
            digest: n.digest,
        };
        self.waiting.insert(position.seq, waiting);
    }

    pub(super) fn fail(&mut self, seq: u64, at: i64, reason: String) {
        let Some(waiting) = self.waiting.get_mut(&seq) else {
            return;
        };
        waiting.n_attempts += 1;
        waiting.reason = Some(reason.as_str().into());
        waiting.attempts.truncate(SHOWN_ATTEMPTS - 1);
        waiting.attempts.push_front(Attempt { at, reason });
    }

    pub(super) fn remove(&mut self, seq: u64) {
        let Some(waiting) = self.waiting.remove(&seq) else {
            return;
        };
        self.digests.remove(&waiting.digest);
        let Some(thread) = &waiting.thread else {
            self.n_alone -= 1;
            return;
        };
        if let Some(own) = self.threads.get_mut(thread) {
            own.remove(&seq);
            if own.is_empty() {
                self.threads.remove(thread);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Counts threads; a message without one is a thread of its own.
    pub(super) fn n_lanes(&self) -> usize {
        self.threads.len() + self.n_alone
    }

    pub(super) fn oldest(&self) -> Option<u64> {
        self.waiting.keys().next().copied()
    }

    /// Counts the bytes that can't be dropped: all from the oldest message on.
    pub(super) fn held(&self) -> u64 {
        let oldest = self.waiting.values().next();
        oldest.map_or(0, |oldest| self.total - oldest.start)
    }

    pub(super) fn has_thread(&self, thread: &ThreadKey) -> bool {
        self.threads.contains_key(thread)
    }

    pub(super) fn lane(&self, seq: u64) -> Option<Lane> {
        let waiting = self.waiting.get(&seq)?;
        Some(match &waiting.thread {
            Some(thread) => Lane::Thread(Arc::clone(thread)),
            None => Lane::Alone(seq),
        })
    }

    pub(super) fn lanes(&self) -> Vec<Lane> {
        let threads = self.threads.keys().cloned().map(Lane::Thread);
        let alone = self.waiting.iter().filter(|(_, one)| one.thread.is_none());
        threads
            .chain(alone.map(|(seq, _)| Lane::Alone(*seq)))
            .collect()
    }

    /// Returns a lane's messages in their order.
    pub(super) fn of_lane(&self, lane: &Lane) -> impl Iterator<Item = (u64, &Waiting)> {
        let (own, alone) = match lane {
            Lane::Thread(thread) => (self.threads.get(thread), None),
            Lane::Alone(seq) => (None, Some(*seq)),
        };
        let seqs = own.into_iter().flatten().copied().chain(alone);
        seqs.filter_map(|seq| Some((seq, self.waiting.get(&seq)?)))
    }

    pub(super) fn n_of_lane(&self, lane: &Lane) -> u64 {
        let n = match lane {
            Lane::Thread(thread) => self.threads.get(thread).map_or(0, BTreeSet::len),
            Lane::Alone(seq) => usize::from(self.waiting.contains_key(seq)),
        };
        u64::try_from(n).unwrap_or(u64::MAX)
    }

    pub(super) fn get(&self, seq: u64) -> Option<&Waiting> {
        self.waiting.get(&seq)
    }

    /// Returns messages by their number, and whether there are more.
    pub(super) fn page(&self, filter: &Filter, after: Option<u64>, limit: usize) -> Page {
        let from = after.map_or(0, |after| after.saturating_add(1));
        let mut found = self
            .waiting
            .range(from..)
            .filter(|(_, waiting)| filter.admits(waiting.thread.as_deref()));
        let parked: Vec<Parked> = found
            .by_ref()
            .take(limit)
            .map(|(seq, waiting)| self.shown(*seq, waiting))
            .collect();
        let next = parked.last().map(|last| last.id);
        Page {
            next: next.filter(|_| found.next().is_some()),
            parked,
        }
    }

    pub(super) fn shown(&self, seq: u64, waiting: &Waiting) -> Parked {
        let own = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        let thread = waiting.thread.as_ref();
        let first = thread
            .and_then(|thread| self.threads.get(thread)?.first().copied())
            .filter(|first| *first != seq);
        Parked {
            id: seq,
            thread: waiting.thread.as_deref().cloned(),
            event: own(&waiting.id),
            source: own(&waiting.source),
            kind: own(&waiting.kind),
            reason: own(&waiting.reason),
            behind: first,
            n_attempts: waiting.n_attempts,
            attempts: waiting.attempts.iter().cloned().collect(),
            at: waiting.at,
            bytes: waiting.body_bytes,
        }
    }

    /// Whether a message failed itself, and does not only wait behind another.
    pub(super) fn has_failed(waiting: &Waiting) -> bool {
        waiting.reason.is_some()
    }
}

/// A message's sizes, and by what it is known again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) body: u64,
    pub(super) record: u64,
    pub(super) digest: u64,
}
