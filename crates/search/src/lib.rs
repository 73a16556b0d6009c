//! The search index: words and where they are, on tantivy, disposable.
//!
//! It is a view: it holds how far it has followed its journal, in the same commit as the documents,
//! and is built again from there when it can't be used.
//!
//! **Invariant:** nothing but keys is stored. What a hit says is read elsewhere, by its key; the
//! terms of the index are all that is left of a text here, and [`Writer::forget`] removes them.
//! **Invariant:** whatever is typed is answered or refused with a [`Refusal`]; nothing panics.
//! **Invariant:** a document's rank depends on the document and the query alone, so that pages stay
//! as they are while others come.

mod cursor;
mod document;
mod error;
mod forget;
mod highlight;
mod language;
mod open;
mod plan;
mod query;
mod rank;
mod schema;
mod search;
mod words;
mod writer;

pub use cursor::{BadCursor, Cursor};
pub use document::{Document, Key, Kind};
pub use error::Error;
pub use highlight::{Highlighter, Snippet};
pub use language::{Language, primary};
pub use open::{FORMAT, Found, MIN_MEMORY, Opened, Options, open};
pub use plan::Filters;
pub use query::{MAX_CHARS, MAX_WORDS, Query, Refusal};
pub use rank::Order;
pub use search::{Hit, Hits, Page, Searcher};
pub use writer::Writer;

#[cfg(test)]
mod tests;
