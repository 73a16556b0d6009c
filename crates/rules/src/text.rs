//! Text: folding, matching of lists, links, and counts of what a text is made of.

pub(crate) mod boundary;
pub(crate) mod fold;
pub(crate) mod links;
pub(crate) mod matcher;
pub(crate) mod stats;
