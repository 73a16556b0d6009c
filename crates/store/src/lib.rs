//! Disposable views on sled: typed tables, ordered keys, atomic batches with the applied position.
//!
//! A [`View`] is what a service derives from its journal, in a form that answers questions fast.
//! It is not the truth: it may be deleted while the service is stopped, and is then built again.
//!
//! **Constraints.** All tables of a view share one sled tree, told apart by the first byte of the
//! key, because sled's batches are atomic within one tree. A batch carries the journal position that
//! it brings the view to, so rows and position never disagree. Nothing is flushed for durability:
//! what a crash takes is applied again from the journal.
//!
//! **Recovery.** sled can hang, panic or come up short on a damaged file. [`View::open`] therefore
//! runs it under a watchdog, and what is damaged or of another format is set aside and replaced by an
//! empty view; [`View::opened`] says so. A view that is ahead of its journal is the witness that the
//! journal's end is missing, and is not opened.

mod error;
mod key;
mod open;
mod overlay;
mod redo;
mod room;
mod scan;
mod state;
mod table;
mod view;

#[cfg(test)]
mod tests;

pub use error::Error;
pub use key::{AsKey, Key, Prefix};
pub use open::{Opened, Options};
pub use scan::Scan;
pub use table::Table;
pub use view::{Batch, View};
