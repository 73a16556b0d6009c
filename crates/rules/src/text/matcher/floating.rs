//! The terms that may stand inside a word: an automaton over the whole text, begun only where one of
//! them may begin if they are few.

use aho_corasick::automaton::{Automaton as _, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::packed::{Config, MatchKind, Searcher};
use aho_corasick::{Anchored, Span};

/// The patterns that don't begin with a space.
#[derive(Debug)]
pub(super) struct Floating {
    pub(super) finder: NFA,
    /// The number of its first pattern.
    pub(super) first: usize,
    /// Finds the next place where a pattern is, several bytes at a time.
    near: Option<Searcher>,
}

impl Floating {
    /// Compiles the patterns, if there are any; the error is one phrase.
    pub(super) fn new<'p>(
        patterns: impl Iterator<Item = &'p [u8]> + Clone,
        first: usize,
    ) -> Result<Option<Self>, String> {
        if patterns.clone().next().is_none() {
            return Ok(None);
        }
        let mut builder = NFA::builder();
        let finder = builder.prefilter(false).build(patterns.clone());
        let near = Config::new().match_kind(MatchKind::LeftmostFirst).builder();
        Ok(Some(Self {
            finder: finder.map_err(|error| error.to_string())?,
            first,
            near: { near }.extend(patterns).build(),
        }))
    }

    /// Finds the patterns in the first bytes of a text, with the place behind each, until `found` says
    /// that it is enough.
    pub(super) fn scan(
        &self,
        text: &[u8],
        end: usize,
        mut found: impl FnMut(StateID, usize) -> bool,
    ) {
        let Ok(root) = self.finder.start_state(Anchored::No) else {
            return;
        };
        let mut state = root;
        let mut at = 0;
        while at < end {
            if state == root
                && let Some(near) = &self.near
            {
                match near.find_in(text, Span { start: at, end }) {
                    Some(next) => at = next.start(),
                    None => return,
                }
            }
            let Some(byte) = text.get(at) else {
                return;
            };
            at += 1;
            state = self.finder.next_state(Anchored::No, state, *byte);
            if self.finder.is_special(state) && self.finder.is_match(state) && !found(state, at) {
                return;
            }
        }
    }
}
