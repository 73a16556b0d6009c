//! Terms without letters, such as `$$` or an emoji, and those of a single letter: they are looked for in
//! the text as it was written.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, MatchKind};

use super::hits::{Collector, Target};
use crate::text::boundary;
use crate::text::term::Edges;
use crate::text::via::Via;
use crate::text::walk::STEPS;

/// Terms without letters.
#[derive(Debug)]
pub(super) struct Literals {
    finder: AhoCorasick,
    /// Where the targets of each pattern begin; one more than there are patterns.
    starts: Vec<u32>,
    targets: Vec<(Target, Edges)>,
}

impl Literals {
    /// Compiles the terms; the error is one phrase.
    pub(super) fn new(
        patterns: HashMap<String, Vec<(Target, Edges)>>,
    ) -> Result<Option<Self>, String> {
        if patterns.is_empty() {
            return Ok(None);
        }
        let mut patterns: Vec<_> = patterns.into_iter().collect();
        patterns.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .build(patterns.iter().map(|(pattern, _)| pattern))
            .map_err(|error| error.to_string())?;
        let mut starts = vec![0];
        let mut targets = Vec::new();
        for (_, of_pattern) in patterns {
            targets.extend(of_pattern);
            starts.push(u32::try_from(targets.len()).map_err(|_| "too many terms".to_owned())?);
        }
        Ok(Some(Self {
            finder,
            starts,
            targets,
        }))
    }

    /// Finds the terms; `false` if there was too much to look at.
    pub(super) fn scan(&self, text: &str, collector: &mut Collector) -> bool {
        let mut steps = STEPS;
        for found in self.finder.find_overlapping_iter(text) {
            let pattern = found.pattern().as_usize();
            let (Some(from), Some(to)) = (self.starts.get(pattern), self.starts.get(pattern + 1))
            else {
                continue;
            };
            let Some(left) = steps.checked_sub(1 + to - from) else {
                return false;
            };
            steps = left;
            #[cfg(test)]
            {
                collector.work += 1 + (to - from) as usize;
            }
            let targets = self.targets.get(*from as usize..*to as usize);
            let begins = boundary::begins(text, found.start());
            let ends = boundary::ends(text, found.end());
            for (target, edges) in targets.unwrap_or_default() {
                let fits = (begins || !edges.begin) && (ends || !edges.end);
                if fits && collector.wants(*target) {
                    collector.add(*target, found.start(), found.end(), Via::NONE);
                }
            }
        }
        true
    }
}
