//! The archive's journal: one record per event, the payload is the event as structured JSON.
//!
//! The record's kind byte tells the event's type without reading the payload:
//!
//! | kind | event | kind | event |
//! |---|---|---|---|
//! | 1 | `article.published` | 34 | `author.sanctioned` |
//! | 2 | `article.updated` | 48 | `comment.decided` |
//! | 3 | `article.removed` | 49 | `decision.appealed` |
//! | 16 | `comment.submitted` | 50 | `case.opened` |
//! | 17 | `comment.edited` | 51 | `case.closed` |
//! | 18 | `comment.withdrawn` | 52 | `appeal.resolved` |
//! | 19 | `comment.scored` | 64 | `event.rejected` |
//! | 20 | `comment.reported` | 65 | `checkpoint.published` |
//! | 21 | `comment.erased` | 66 | `redaction.decided` |
//! | 32 | `author.updated` | 67 | `redaction.completed` |
//! | 33 | `author.erased` | | |
//!
//! These numbers are part of the format on disk and never change their meaning.

use stoa_proto::Kind;

/// Returns the kind byte of an event type.
pub(crate) fn byte(kind: Kind) -> u8 {
    match kind {
        Kind::ArticlePublished => 1,
        Kind::ArticleUpdated => 2,
        Kind::ArticleRemoved => 3,
        Kind::CommentSubmitted => 16,
        Kind::CommentEdited => 17,
        Kind::CommentWithdrawn => 18,
        Kind::CommentScored => 19,
        Kind::CommentReported => 20,
        Kind::CommentErased => 21,
        Kind::AuthorUpdated => 32,
        Kind::AuthorErased => 33,
        Kind::AuthorSanctioned => 34,
        Kind::CommentDecided => 48,
        Kind::DecisionAppealed => 49,
        Kind::CaseOpened => 50,
        Kind::CaseClosed => 51,
        Kind::AppealResolved => 52,
        Kind::EventRejected => 64,
        Kind::CheckpointPublished => 65,
        Kind::RedactionDecided => 66,
        Kind::RedactionCompleted => 67,
    }
}

/// Returns the event type of a record's kind byte.
pub fn kind(byte: u8) -> Option<Kind> {
    Kind::ALL
        .iter()
        .copied()
        .find(|kind| self::byte(*kind) == byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_own_byte() {
        for known in Kind::ALL {
            assert_eq!(kind(byte(*known)), Some(*known));
        }
        assert_eq!(kind(0), None);
    }

    #[test]
    fn the_bytes_of_the_format() {
        let table = include_str!("record.rs");
        for known in Kind::ALL {
            let cell = format!("| {} | `{}` |", byte(*known), known.short());
            assert!(table.contains(&cell), "{cell}");
        }
    }
}
