//! What is known around a comment before it is judged.

use stoa_proto::{AuthorRole, Comment, Event, Time};
use stoa_store::Error;

use crate::view::State;
use crate::view::rows::{AuthorRow, CommentRow};

/// What is known around a comment, with what came earlier in its batch.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) author: AuthorRow,
    pub(crate) recent: u64,
    pub(crate) trusted: bool,
    /// How many comments stand above it, if that is known.
    pub(crate) depth: Option<u32>,
    pub(crate) published_at: Option<i64>,
    /// Event time; never later than now, so that a wrong clock can't outrun the counters.
    pub(crate) submitted_at: i64,
    pub(crate) now: i64,
    /// What stood about the comment before.
    pub(crate) before: Option<CommentRow>,
}

impl Facts {
    /// Gathers the facts about a comment.
    pub(crate) fn gather(
        state: &mut State<'_>,
        event: &Event,
        comment: &Comment,
        now: i64,
        trusted_after: u64,
    ) -> Result<Self, Error> {
        let before = state.comment(&comment.site, &comment.comment)?;
        let author = state.author(&comment.site, &comment.author.id)?;
        let article = state.article(&comment.site, &comment.article)?;
        let said = comment
            .submitted_at
            .as_ref()
            .or(event.time.as_ref())
            .or(event.recordedtime.as_ref());
        let submitted_at = said.map_or(now, Time::micros).min(now);
        let depth = match comment.parent.as_deref() {
            None => Some(0),
            Some(parent) if parent == comment.comment => None,
            Some(parent) => state
                .comment(&comment.site, parent)?
                .filter(|row| row.article == comment.article)
                .and_then(|row| row.depth)
                .map(|depth| depth.saturating_add(1)),
        };
        // An edit finds the comment itself among those of its author.
        let own = u64::from(before.as_ref().is_some_and(|row| row.revision > 0));
        let trusted = comment.author.role != AuthorRole::Reader
            || (trusted_after > 0 && author.approved >= trusted_after && author.rejected == 0);
        Ok(Self {
            recent: author.recent(submitted_at).saturating_sub(own),
            trusted,
            author,
            depth,
            published_at: article.and_then(|row| row.published_at),
            submitted_at,
            now,
            before,
        })
    }
}
