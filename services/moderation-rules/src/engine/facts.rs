//! What is known around a comment before it is judged.

use stoa_proto::{AuthorRole, Comment, Event, Time};
use stoa_rules::Print;
use stoa_store::Error;

use crate::record::About;
use crate::view::State;
use crate::view::memory::Similar;
use crate::view::reports::Reports;
use crate::view::rows::{ArticleRow, AuthorRow, CommentRow};

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
    /// What was reported about the comment since a moderator last decided it.
    pub(crate) reports: Reports,
    /// What stood about the comment before.
    pub(crate) before: Option<CommentRow>,
}

/// What is known of the comment that another one answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parent {
    /// How many comments stand above it.
    pub(crate) depth: Option<u32>,
    pub(crate) author: Option<String>,
}

/// Where facts come from: the service's view, or a history that is simulated.
pub(crate) trait Known {
    type Error;

    /// Returns what stands about a comment.
    fn comment(&mut self, site: &str, id: &str) -> Result<Option<CommentRow>, Self::Error>;

    /// Returns an author's history.
    fn author(&mut self, site: &str, id: &str) -> Result<AuthorRow, Self::Error>;

    /// Returns what is known of an article; nothing of one that is not.
    fn article(&mut self, site: &str, article: &str) -> Result<ArticleRow, Self::Error>;

    /// Returns a comment of an article that another one answers, if it is known.
    fn parent(&mut self, site: &str, article: &str, id: &str) -> Result<Parent, Self::Error>;

    /// Counts the recent texts that say the same as a comment.
    fn similar(
        &mut self,
        comment: &Comment,
        print: &Print,
        at: i64,
    ) -> Result<Similar, Self::Error>;
}

impl Known for State<'_> {
    type Error = Error;

    fn comment(&mut self, site: &str, id: &str) -> Result<Option<CommentRow>, Error> {
        State::comment(self, site, id)
    }

    fn author(&mut self, site: &str, id: &str) -> Result<AuthorRow, Error> {
        State::author(self, site, id)
    }

    fn article(&mut self, site: &str, article: &str) -> Result<ArticleRow, Error> {
        Ok(State::article(self, site, article)?.unwrap_or_default())
    }

    fn parent(&mut self, site: &str, article: &str, id: &str) -> Result<Parent, Error> {
        let row = State::comment(self, site, id)?;
        let row = row.filter(|row| row.article == article).unwrap_or_default();
        Ok(Parent {
            depth: row.depth,
            // A parent that was only reported or withdrawn so far has no author yet.
            author: Some(row.author).filter(|author| !author.is_empty()),
        })
    }

    fn similar(&mut self, comment: &Comment, print: &Print, at: i64) -> Result<Similar, Error> {
        let about = About {
            site: comment.site.clone(),
            article: comment.article.clone(),
            comment: comment.comment.clone(),
        };
        State::similar(self, &about, &comment.author.id, print, at)
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
        compares: bool,
    ) -> Result<Self, K::Error> {
        let before = known.comment(&comment.site, &comment.comment)?;
        let author = known.author(&comment.site, &comment.author.id)?;
        let article = known.article(&comment.site, &comment.article)?;
        let said = comment
            .submitted_at
            .as_ref()
            .or(event.time.as_ref())
            .or(event.recordedtime.as_ref());
        let submitted_at = said.map_or(now, Time::micros).min(now);
        let parent = match comment.parent.as_deref() {
            Some(parent) if parent != comment.comment => {
                known.parent(&comment.site, &comment.article, parent)?
            }
            _ => Parent::default(),
        };
        let depth = match &comment.parent {
            None => Some(0),
            Some(_) => parent.depth.map(|depth| depth.saturating_add(1)),
        };
        let print = compares.then(|| Print::of(comment.text())).flatten();
        let similar = match &print {
            None => Similar::default(),
            Some(print) => known.similar(comment, print, submitted_at)?,
        };
        // An edit finds the comment itself among those of its author.
        let own = u64::from(before.as_ref().is_some_and(|row| row.revision > 0));
        let trusted = comment.author.role != AuthorRole::Reader || author.is_trusted(trusted_after);
        Ok(Self {
            recent: author.recent(submitted_at).saturating_sub(own),
            trusted,
            author,
            depth,
            published_at: article.published_at,
            tags: article.tags,
            parent_author: parent.author,
            print,
            similar,
            submitted_at,
            now,
            reports: before
                .as_ref()
                .map(CommentRow::open_reports)
                .unwrap_or_default(),
            before,
        })
    }
}
