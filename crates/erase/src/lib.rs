//! Erasure in the roles that hold words for a while.
//!
//! Charter: what the archive ordered to be erased ([`Targets`]), and the task of a role that follows
//! its journal for such orders and overwrites what holds them ([`Sweeper`]): in the journal, among
//! what is parked, and on the embedded bus.
//!
//! An order is a `comment.erased` or `author.erased` with `redaction`; without it they are requests,
//! and of no effect here.
//!
//! **Invariant:** an order counts as done only when everything is overwritten; a crash before lets
//! all of it be done again, which changes nothing.

mod metrics;
mod subject;
mod sweeper;
mod targets;

pub use sweeper::{Erasable, Orders, Sweeper};
pub use targets::{Before, Targets};
