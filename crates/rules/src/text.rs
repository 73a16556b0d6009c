//! Looking at texts: folding, word boundaries, terms, links and counts.

pub(crate) mod boundary;
pub(crate) mod fold;
pub(crate) mod links;
pub(crate) mod markup;
pub(crate) mod matcher;
pub(crate) mod prepared;
pub(crate) mod reading;
pub(crate) mod shape;
pub(crate) mod similar;
pub(crate) mod skeleton;
pub(crate) mod stats;
pub(crate) mod term;
pub(crate) mod via;
pub(crate) mod walk;
