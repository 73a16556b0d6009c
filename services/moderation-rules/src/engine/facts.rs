//! What is known around a comment before it is judged.

use stoa_proto::{AuthorRole, Comment, Event, Time};
use stoa_rules::Print;
use stoa_store::Error;

use crate::record::About;
use crate::view::State;
use crate::view::memory::Similar;
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
    /// The article's tags.
    pub(crate) tags: Vec<String>,
    /// Who wrote the comment that it answers, if that is known.
    pub(crate) parent_author: Option<String>,
    /// Event time; never later than now, so that a wrong clock can't outrun the counters.
    pub(crate) submitted_at: i64,
    pub(crate) now: i64,
    /// What its text is compared by, if the rules compare texts.
    pub(crate) print: Option<Print>,
    pub(crate) similar: Similar,
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
        compares: bool,
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
        let parent = match comment.parent.as_deref() {
            Some(parent) if parent != comment.comment => state
                .comment(&comment.site, parent)?
                .filter(|row| row.article == comment.article),
            _ => None,
        };
        let depth = match (comment.parent.as_deref(), &parent) {
            (None, _) => Some(0),
            (Some(_), parent) => parent
                .as_ref()
                .and_then(|row| row.depth)
                .map(|depth| depth.saturating_add(1)),
        };
        // An edit finds the comment itself among those of its author.
        let own = u64::from(before.as_ref().is_some_and(|row| row.revision > 0));
        let trusted = comment.author.role != AuthorRole::Reader
            || (trusted_after > 0 && author.approved >= trusted_after && author.rejected == 0);
        let print = compares.then(|| Print::of(comment.text())).flatten();
        let similar = match &print {
            None => Similar::default(),
            Some(print) => {
                let about = About {
                    site: comment.site.clone(),
                    article: comment.article.clone(),
                    comment: comment.comment.clone(),
                };
                state.similar(&about, &comment.author.id, print, submitted_at)?
            }
        };
        Ok(Self {
            print,
            similar,
            recent: author.recent(submitted_at).saturating_sub(own),
            trusted,
            author,
            depth,
            published_at: article.as_ref().and_then(|row| row.published_at),
            tags: article.map(|row| row.tags).unwrap_or_default(),
            // A parent that was only reported or withdrawn so far has no author yet.
            parent_author: parent
                .map(|row| row.author)
                .filter(|author| !author.is_empty()),
            submitted_at,
            now,
            before,
        })
    }
}
