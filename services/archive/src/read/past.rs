//! Reading as of a time: rows as they were, from the events that were archived by then.

use super::Reader;
use crate::fact::{Fact, Subject};
use crate::row::{Applied, ArticleRow, CommentRow, Log};
use crate::view::Error;

impl Reader {
    /// Returns a reader that sees only the records before one.
    pub(crate) fn before(&self, seq: u64) -> Self {
        Self {
            until: Some(seq),
            ..self.clone()
        }
    }

    /// Whether what is at a position was there.
    pub(super) fn sees(&self, applied: &Applied) -> bool {
        self.until.is_none_or(|until| applied.place.seq < until)
    }

    /// Returns a comment's row as it was.
    pub(super) fn comment_row(
        &self,
        site: &str,
        thread: &str,
        comment: &str,
        row: CommentRow,
    ) -> Result<CommentRow, Error> {
        if !self.is_later(&row.log) {
            return Ok(row);
        }
        if row.erased.is_some() {
            return Ok(self.erased_row(row));
        }
        let shard = stoa_proto::Shard::of(site, thread).index();
        let key = (
            shard,
            site.to_owned(),
            thread.to_owned(),
            comment.to_owned(),
        );
        let mut past = CommentRow::default();
        self.replay(&Subject::Comment(key), &row.log, |fact, place| {
            past.apply(fact, place);
        })?;
        Ok(past)
    }

    /// Returns what is known of a row as it was before its words went: events that would tell more
    /// went with them.
    fn erased_row(&self, mut row: CommentRow) -> CommentRow {
        let Some(until) = self.until else { return row };
        row.content = row.content.filter(|content| content.place.seq < until);
        row.decisions.retain(|decision| decision.place.seq < until);
        row
    }

    /// Returns an article's row as it was, but for what its comments count in it.
    pub(super) fn article_row(
        &self,
        site: &str,
        article: &str,
        row: ArticleRow,
    ) -> Result<ArticleRow, Error> {
        if self.until.is_none() {
            return Ok(row);
        }
        let shard = stoa_proto::Shard::of(site, article).index();
        let key = (shard, site.to_owned(), article.to_owned());
        let mut past = ArticleRow::default();
        self.replay(&Subject::Article(key), &row.log, |fact, place| {
            past.apply(fact, place);
        })?;
        Ok(past)
    }

    /// Whether something was applied to a row later.
    fn is_later(&self, log: &Log) -> bool {
        // A row's list is in the order of the journal.
        log.events.last().is_some_and(|last| !self.sees(last))
    }

    fn replay(
        &self,
        subject: &Subject,
        log: &Log,
        mut apply: impl FnMut(&Fact, crate::place::Place),
    ) -> Result<(), Error> {
        for applied in self.index.events(subject, log)? {
            if self.sees(&applied)
                && let Some(event) = self.event(applied.place)?
            {
                apply(&Fact::of(&event), applied.place);
            }
        }
        Ok(())
    }
}
