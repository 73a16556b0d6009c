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

/// Where facts come from: the service's view, or a history that is simulated.
pub(crate) trait Known {
    type Error;

    /// Returns what stands about a comment.
    fn comment(&mut self, site: &str, id: &str) -> Result<Option<CommentRow>, Self::Error>;

    /// Returns an author's history.
    fn author(&mut self, site: &str, id: &str) -> Result<AuthorRow, Self::Error>;

    /// Returns when an article was published, if that is known.
    fn published_at(&mut self, site: &str, article: &str) -> Result<Option<i64>, Self::Error>;

    /// Returns how many comments stand above a comment of an article, if that is known.
    fn depth(&mut self, site: &str, article: &str, id: &str) -> Result<Option<u32>, Self::Error>;
}

impl Known for State<'_> {
    type Error = Error;

    fn comment(&mut self, site: &str, id: &str) -> Result<Option<CommentRow>, Error> {
        State::comment(self, site, id)
    }

    fn author(&mut self, site: &str, id: &str) -> Result<AuthorRow, Error> {
        State::author(self, site, id)
    }

    fn published_at(&mut self, site: &str, article: &str) -> Result<Option<i64>, Error> {
        let article = self.article(site, article)?;
        Ok(article.and_then(|row| row.published_at))
    }

    fn depth(&mut self, site: &str, article: &str, id: &str) -> Result<Option<u32>, Error> {
        let row = State::comment(self, site, id)?;
        Ok(row
            .filter(|row| row.article == article)
            .and_then(|row| row.depth))
    }
}

impl Facts {
    /// Gathers the facts about a comment.
    pub(crate) fn gather<K: Known>(
        known: &mut K,
        event: &Event,
        comment: &Comment,
        now: i64,
        trusted_after: u64,
    ) -> Result<Self, K::Error> {
        let before = known.comment(&comment.site, &comment.comment)?;
        let author = known.author(&comment.site, &comment.author.id)?;
        let published_at = known.published_at(&comment.site, &comment.article)?;
        let said = comment
            .submitted_at
            .as_ref()
            .or(event.time.as_ref())
            .or(event.recordedtime.as_ref());
        let submitted_at = said.map_or(now, Time::micros).min(now);
        let depth = match comment.parent.as_deref() {
            None => Some(0),
            Some(parent) if parent == comment.comment => None,
            Some(parent) => known
                .depth(&comment.site, &comment.article, parent)?
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
            published_at,
            submitted_at,
            now,
            before,
        })
    }
}
