//! What is made of a text whichever rules judge it.

use std::sync::OnceLock;

use super::skeleton::Skeleton;
use super::stats::Stats;

/// What is made of one text whichever rules judge it: made when it is first asked for, and once for
/// all rule sets that judge the text.
#[derive(Debug, Default)]
pub struct Prepared {
    skeleton: OnceLock<Skeleton>,
    stats: OnceLock<Stats>,
}

impl Prepared {
    /// The coarse reading of the text, which must be the same at each call.
    pub(crate) fn skeleton(&self, text: &str) -> &Skeleton {
        self.skeleton.get_or_init(|| Skeleton::of(text))
    }

    /// The counts of the text, which must be the same at each call.
    pub(crate) fn stats(&self, text: &str) -> &Stats {
        self.stats.get_or_init(|| Stats::of(text))
    }
}
