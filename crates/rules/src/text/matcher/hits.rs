//! What is found: hits while they are collected, and what is left of them.

use crate::text::via::Via;

/// Hits of all lists in one text; more are not looked for.
const ALL_HITS: usize = 65_536;

/// Hits whose places are kept per list and text: more than a decision shows.
const PLACES: u32 = 64;

/// Hits that are counted per list and text.
pub(crate) const HITS: u32 = 4_096;

/// A term of a list at a place in the original text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) list: u32,
    pub(crate) term: u32,
    /// What it took.
    pub(crate) via: Via,
}

/// What a text hit.
#[derive(Debug, Default)]
pub(crate) struct Hits {
    lists: Vec<u64>,
    counts: Vec<u32>,
    pub(crate) found: Vec<Hit>,
    /// Whether the text has so much to look at that not all of it was looked at.
    pub(crate) is_cut: bool,
    /// Characters looked at, the coarse reading's bytes among them.
    #[cfg(test)]
    pub(crate) work: usize,
}

impl Hits {
    /// Makes room for a number of lists.
    pub(crate) fn new(lists: usize) -> Self {
        Self {
            lists: vec![0; lists.div_ceil(64)],
            counts: vec![0; lists],
            found: Vec::new(),
            is_cut: false,
            #[cfg(test)]
            work: 0,
        }
    }

    /// Notes a hit.
    pub(crate) fn add(&mut self, hit: Hit) {
        if let Some(word) = self.lists.get_mut(hit.list as usize / 64) {
            *word |= 1 << (hit.list % 64);
        }
        if let Some(count) = self.counts.get_mut(hit.list as usize) {
            if *count < PLACES {
                self.found.push(hit);
            }
            *count = count.saturating_add(1).min(HITS);
        }
    }

    /// Returns how many hits a list has by the transformations allowed: up to [`HITS`] if all are,
    /// and up to [`PLACES`] otherwise.
    pub(crate) fn count(&self, list: u32, allowed: Via) -> u32 {
        if allowed == Via::FULL {
            return self.counts.get(list as usize).copied().unwrap_or_default();
        }
        u32::try_from(self.by(list, allowed).count()).unwrap_or(u32::MAX)
    }

    /// Tells whether a list was hit.
    pub(crate) fn has(&self, list: u32) -> bool {
        self.lists
            .get(list as usize / 64)
            .is_some_and(|word| word & (1 << (list % 64)) != 0)
    }

    /// Tells whether a list was hit by no more than the transformations allowed.
    pub(crate) fn has_by(&self, list: u32, allowed: Via) -> bool {
        self.has(list) && (allowed == Via::FULL || self.by(list, allowed).next().is_some())
    }

    /// Returns the hits of a list by no more than the transformations allowed.
    pub(crate) fn by(&self, list: u32, allowed: Via) -> impl Iterator<Item = &Hit> {
        self.found
            .iter()
            .filter(move |hit| hit.list == list && hit.via.is_within(allowed))
    }

    /// Returns the lists that were hit.
    pub(crate) fn lists(&self) -> impl Iterator<Item = u32> + '_ {
        self.lists.iter().zip(0u32..).flat_map(|(word, index)| {
            let word = *word;
            (0..64)
                .filter(move |bit| word & (1 << bit) != 0)
                .map(move |bit| index * 64 + bit)
        })
    }
}

/// A term of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) list: u32,
    pub(super) term: u32,
    /// Whether it protects what it covers.
    pub(super) shield: bool,
}

/// Hits while they are collected.
pub(super) struct Collector {
    found: Vec<Hit>,
    shields: Vec<Hit>,
    /// By list.
    counts: Vec<u32>,
    #[cfg(test)]
    pub(super) work: usize,
}

impl Collector {
    pub(super) fn new(lists: usize) -> Self {
        Self {
            found: Vec::new(),
            shields: Vec::new(),
            counts: vec![0; lists],
            #[cfg(test)]
            work: 0,
        }
    }

    /// Whether there is room for another hit of a list.
    pub(super) fn wants(&self, target: Target) -> bool {
        let of_list = self.counts.get(target.list as usize);
        of_list.is_some_and(|count| *count < HITS) && self.found.len() < ALL_HITS
    }

    pub(super) fn add(&mut self, target: Target, start: usize, end: usize, via: Via) {
        let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(end)) else {
            return;
        };
        let hit = Hit {
            start,
            end,
            list: target.list,
            term: target.term,
            via,
        };
        if target.shield {
            self.shields.push(hit);
            return;
        }
        if let Some(count) = self.counts.get_mut(target.list as usize) {
            *count += 1;
        }
        self.found.push(hit);
    }

    /// Drops what is there twice or protected, and counts the rest.
    pub(super) fn finish(mut self, lists: usize, is_cut: bool) -> Hits {
        // The same place by fewer transformations comes first.
        self.found.sort_unstable();
        self.found
            .dedup_by_key(|hit| (hit.start, hit.end, hit.list, hit.term));
        let is_cut = is_cut || self.found.len() >= ALL_HITS;
        if !self.shields.is_empty() {
            let Self { found, shields, .. } = &mut self;
            shields.sort_unstable_by_key(|shield| (shield.list, shield.start));
            // Each ends where the one that reaches furthest of those before it in its list does.
            let mut last = (u32::MAX, 0);
            for shield in shields.iter_mut() {
                if shield.list == last.0 {
                    shield.end = shield.end.max(last.1);
                }
                last = (shield.list, shield.end);
            }
            found.retain(|hit| {
                let place = (hit.list, hit.start);
                let behind = shields.partition_point(|shield| (shield.list, shield.start) <= place);
                let shield = behind.checked_sub(1).and_then(|last| shields.get(last));
                !shield.is_some_and(|shield| shield.list == hit.list && hit.end <= shield.end)
            });
        }
        let mut hits = Hits::new(lists);
        hits.is_cut = is_cut;
        #[cfg(test)]
        {
            hits.work = self.work;
        }
        for hit in self.found {
            hits.add(hit);
        }
        hits
    }
}
