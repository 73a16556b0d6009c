//! What Stoa says: events, ids, limits, the shard function and the broker's topology, as data.
//!
//! This crate is the contract between Stoa and the programs around it, and between Stoa's own
//! services.
//! It does no input or output: bytes come in, typed events or a [`Rejection`] go out.
//!
//! - [`event`] has the `CloudEvents` envelope, and [`data`] what each event carries.
//! - [`codec`] turns messages (structured, batch, binary) into events and back.
//! - [`mod@reference`] is what an event is known by where its words are not needed.
//! - [`limits`] are the sizes that are accepted, each with its reason.
//! - [`shard`] says which queue an event takes, [`topology`] which queues there are.
//! - [`schema`] generates the JSON Schemas, the `AsyncAPI` document and the broker's definitions;
//!   tests hold the generated files to the types. [`component`] is the same for documents of HTTP.

pub mod codec;
pub mod component;
pub mod data;
pub mod event;
pub mod ids;
pub mod limits;
pub mod outgoing;
pub mod received;
pub mod reference;
pub mod rejection;
pub mod schema;
pub mod shard;
pub mod time;
pub mod topology;
pub mod trace;
mod validate;

pub use data::{
    AppealOutcome, AppealResolved, Article, ArticleRemoved, Attribution, Author, AuthorErased,
    AuthorRole, AuthorSanctioned, AuthorUpdated, By, CaseClosed, CaseOpened, CheckpointPublished,
    Comment, CommentErased, CommentPolicy, CommentReported, CommentScored, CommentWithdrawn,
    Decision, DecisionAppealed, ErasureScope, EventRejected, FiredRule, Format, Imported,
    ImportedState, Link, Normalized, RedactionCompleted, RedactionDecided, RedactionDecision,
    ReportReason, Sanction, Span, Statement, Verdict,
};
pub use event::{Data, Event, Kind};
pub use outgoing::Outgoing;
pub use received::Received;
pub use reference::{Held, Question, Reference};
pub use rejection::{Code, Rejection};
pub use shard::Shard;
pub use time::Time;
pub use topology::{Exchange, Reader};
