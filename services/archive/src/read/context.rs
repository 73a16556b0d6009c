//! A comment on its own: with what it answers and the article that it is about.

use super::comment::History;
use super::thread::{HIDDEN, NOT_CAPTURED, ShownComment};
use super::version::{Read, Version};
use super::{Audience, Reader};
use crate::row::CommentRow;
use crate::view::Error;

/// How many of the comments above a comment are shown with it.
const ABOVE: usize = 3;

/// The status of a comment above that belongs to another article.
pub(crate) const ELSEWHERE: &str = "elsewhere";

/// A comment with its surroundings.
#[derive(Clone, Debug)]
pub(crate) struct Permalink {
    pub(crate) history: History,
    /// The article's title, if it may be read.
    pub(crate) title: Option<String>,
    /// What the comment answers, and what that answers; the nearest last.
    pub(crate) above: Vec<Above>,
}

/// A comment above another one.
#[derive(Clone, Debug)]
pub(crate) struct Above {
    pub(crate) comment: String,
    pub(crate) status: &'static str,
    /// Absent where it may not be read.
    pub(crate) shown: Option<ShownComment>,
}

impl Reader {
    /// Reads a comment with its surroundings; `None` when it is unknown or not for this audience.
    ///
    /// No words are read where `has` says that the sender has what a version decides.
    pub(crate) fn permalink(
        &self,
        site: &str,
        comment: &str,
        audience: Audience,
        has: impl FnOnce(&Version) -> bool,
    ) -> Result<Option<Read<Permalink>>, Error> {
        let mut version = Version::default();
        let Some(found) = self.found(site, comment, audience, &mut version)? else {
            return Ok(None);
        };
        let thread = found.thread.clone();
        let rows = self.above(site, &thread, comment, &found.row)?;
        for (comment, row) in &rows {
            match row {
                Some(row) => version.comment(self, comment, row),
                None => version.text(comment),
            }
        }
        let article = match self.index.article(site, &thread)? {
            Some(row) => Some(self.article_row(site, &thread, row)?),
            None => None,
        };
        if let Some(article) = &article {
            version.row(&thread, &article.log);
        }
        let nearest_elsewhere = match rows.last() {
            Some((parent, None)) => self.is_captured(site, parent)?,
            _ => false,
        };
        version.number(u64::from(nearest_elsewhere));
        if has(&version) {
            return Ok(Some(Read::Unchanged(version)));
        }
        let history = self.history_of(found, audience)?;
        let title = match &article {
            Some(article) => self.title(article, audience)?,
            None => None,
        };
        let mut above = Vec::with_capacity(rows.len());
        for (comment, row) in rows.into_iter().rev() {
            let (status, shown) = match &row {
                Some(row) if audience.may_read(row) => {
                    (row.status().as_str(), Some(self.shown(row, audience)?))
                }
                Some(row) if row.content.is_some() => (HIDDEN, None),
                _ if nearest_elsewhere => (ELSEWHERE, None),
                _ => (NOT_CAPTURED, None),
            };
            above.push(Above {
                comment,
                status,
                shown,
            });
        }
        let permalink = Permalink {
            history,
            title: title.filter(|title| !title.trim().is_empty()),
            above,
        };
        Ok(Some(Read::New(version, permalink)))
    }

    /// Lists the replies to a comment that this audience may read, by time; `None` when the comment
    /// is not for them.
    pub(crate) fn replies(
        &self,
        site: &str,
        comment: &str,
        audience: Audience,
        has: impl FnOnce(&Version) -> bool,
    ) -> Result<Option<Read<Vec<String>>>, Error> {
        let mut version = Version::default();
        let Some((thread, _)) = self.find(site, comment, audience)? else {
            return Ok(None);
        };
        let mut replies = Vec::new();
        for (id, row) in self.captured(site, &thread)? {
            let parent = row.parent.as_ref().map(|(.., parent)| parent.as_str());
            if parent == Some(comment) && id != comment && audience.may_read(&row) {
                replies.push((row.at(), id));
            }
        }
        replies.sort_unstable();
        let replies: Vec<String> = replies.into_iter().map(|(_, id)| id).collect();
        for reply in &replies {
            version.text(reply);
        }
        Ok(Some(if has(&version) {
            Read::Unchanged(version)
        } else {
            Read::New(version, replies)
        }))
    }

    /// Finds what a comment answers, and what that answers, the nearest first.
    fn above(
        &self,
        site: &str,
        thread: &str,
        comment: &str,
        row: &CommentRow,
    ) -> Result<Vec<(String, Option<CommentRow>)>, Error> {
        let mut rows: Vec<(String, Option<CommentRow>)> = Vec::new();
        let mut parent = row.parent.clone();
        while let Some((.., id)) = parent.take() {
            let is_loop = id == comment || rows.iter().any(|(known, _)| *known == id);
            if is_loop || rows.len() == ABOVE {
                break;
            }
            let above = match self.index.comment(site, thread, &id)? {
                Some(row) => Some(self.comment_row(site, thread, &id, row)?),
                None => None,
            };
            parent = above.as_ref().and_then(|above| above.parent.clone());
            rows.push((id, above));
        }
        Ok(rows)
    }
}
