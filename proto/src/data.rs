//! What each event carries.
//!
//! Every object keeps the fields that this version does not know in `extra` and writes them out
//! again, so that a newer publisher's fields reach a newer reader through an older Stoa.

mod article;
mod comment;
mod moderation;
mod system;

pub use article::{Article, ArticleRemoved, Attribution, CommentPolicy};
pub use comment::{
    Author, AuthorErased, AuthorRole, AuthorUpdated, Comment, CommentErased, CommentReported,
    CommentScored, CommentWithdrawn, ErasureScope, Format, Imported, ImportedState, Link,
    Normalized, Presence, ReportReason, Reporter,
};
pub use moderation::{
    AppealOutcome, AppealResolved, AuthorSanctioned, By, CaseClosed, CaseOpened, Decision,
    DecisionAppealed, FiredRule, Sanction, Span, Statement, Verdict,
};
pub use system::{
    CheckpointPublished, EventRejected, RedactionCompleted, RedactionDecided, RedactionDecision,
};

/// Fields that this version does not know, kept as they came.
pub type Extra = serde_json::Map<String, serde_json::Value>;
