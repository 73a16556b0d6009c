//! A thread, in tree order, as one audience may see it.

use serde::Serialize;
use stoa_proto::{Attribution, CommentPolicy, Data, Event, Format, Time};
use utoipa::ToSchema;

use super::version::{Read, Version};
use super::words::{Dates, ShownDecision, StoredComment, StoredTitle, Words};
use super::{Audience, Reader};
use crate::row::{ArticleRow, CommentRow};
use crate::thread::{Entry, Node, arrange};
use crate::view::Error;

/// What part of a thread is read.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// The comment or placeholder after which the page begins.
    pub(crate) after: Option<String>,
    /// Entries at most.
    pub(crate) limit: usize,
}

/// A page of a thread.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Thread)]
pub(crate) struct ThreadPage {
    pub(crate) site: String,
    pub(crate) thread: String,
    /// As of when it is shown, if not as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) as_of: Option<Time>,
    pub(crate) article: Option<ShownArticle>,
    /// `flat`, or `nested` with the replies of each comment in `children`.
    pub(crate) shape: &'static str,
    pub(crate) comments: Vec<Item>,
    pub(crate) counts: Counts,
    /// `after` of the next page; null on the last.
    pub(crate) next: Option<String>,
}

/// How many comments there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Counts {
    /// Comments whose words this reader may see, in the whole thread.
    pub(crate) shown: u64,
    /// Comments that the archive holds.
    pub(crate) held: u64,
    /// What the platform said when it last sent the article.
    pub(crate) platform: Option<u64>,
}

/// An article, as answers show it. Only `article` and `removed` are there once it was taken down.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(crate) struct ShownArticle {
    pub(crate) article: String,
    pub(crate) removed: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) words: Option<ArticleWords>,
}

/// What an article says.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ArticleWords {
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) text: String,
    pub(crate) format: Format,
    pub(crate) url: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) authors: Vec<String>,
    pub(crate) attribution: Vec<Attribution>,
    pub(crate) media_credits: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) published_at: Option<Time>,
    pub(crate) updated_at: Option<Time>,
    pub(crate) comments: Option<CommentPolicy>,
}

/// A comment or placeholder in a thread.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Entry)]
pub(crate) struct Item {
    pub(crate) comment: String,
    pub(crate) parent: Option<String>,
    pub(crate) depth: usize,
    /// `approved`, `pending`, `rejected`, `withdrawn` or `erased`; `hidden` or `not_captured` of a placeholder.
    pub(crate) status: &'static str,
    /// Whether it is a parent that was never captured.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) ghost: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parent_problem: Option<&'static str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) shown: Option<ShownComment>,
    /// The replies, where entries are nested.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub(crate) children: Option<Vec<Item>>,
}

/// What is shown of a comment that may be read.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ShownComment {
    /// The words; absent once they were erased.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) words: Option<Words>,
    /// When the words, or the author's name, were erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) erased_at: Option<Time>,
    pub(crate) score: Option<i64>,
    pub(crate) decision: Option<ShownDecision>,
    pub(crate) decisions: u32,
    #[serde(skip)]
    pub(crate) dates: Dates,
}

/// Places that one thread reads at least, where there are so many: fewer are not worth its start.
const TOGETHER: usize = 200;

/// The status of a comment that may not be read, and has replies that may.
pub(crate) const HIDDEN: &str = "hidden";
/// The status of a parent that was never captured.
pub(crate) const NOT_CAPTURED: &str = "not_captured";

impl Reader {
    /// Reads a page of a thread; `None` when nothing of it was captured or may be seen, or the page's
    /// beginning is not in it.
    ///
    /// No words are read where `has` says that the sender has what a version decides.
    pub(crate) fn thread(
        &self,
        site: &str,
        thread: &str,
        audience: Audience,
        page: &Page,
        has: impl FnOnce(&Version) -> bool,
    ) -> Result<Option<Read<ThreadPage>>, Error> {
        let mut version = Version::default();
        let Some(article) = self.index.article(site, thread)? else {
            return Ok(None);
        };
        let article = self.article_row(site, thread, article)?;
        let rows = self.captured(site, thread)?;
        if !article.is_known() && rows.is_empty() {
            return Ok(None);
        }
        let nodes = self.arrange(site, &rows)?;
        let seen = seen(&nodes, &rows, audience);
        if article.latest.is_none() && !seen.contains(&true) {
            return Ok(None);
        }
        let begin = match &page.after {
            None => 0,
            Some(after) => match nodes.iter().position(|node| node.id == after) {
                Some(place) => place + 1,
                None => return Ok(None),
            },
        };
        version.row(thread, &article.log);
        for (comment, row) in &rows {
            version.comment(self, comment, row);
        }
        // What is in another article moves a comment without an event about it.
        for node in &nodes {
            version.number(node.depth as u64);
        }
        if has(&version) {
            return Ok(Some(Read::Unchanged(version)));
        }
        let mut visible = nodes
            .iter()
            .zip(&seen)
            .skip(begin)
            .filter_map(|(node, seen)| seen.then_some(node));
        let shown_here: Vec<&Node<'_>> = visible.by_ref().take(page.limit).collect();
        let next = match (visible.next(), shown_here.last()) {
            (Some(_), Some(last)) => Some(last.id.to_owned()),
            _ => None,
        };
        let comments = self.items(&shown_here, &rows, audience)?;
        let shown = rows
            .iter()
            .filter(|(_, row)| audience.may_read(row))
            .count();
        let article = self.article(thread, &article, audience)?;
        let platform = article
            .as_ref()
            .and_then(|article| article.words.as_ref()?.comments.as_ref()?.count);
        let page = ThreadPage {
            site: site.to_owned(),
            thread: thread.to_owned(),
            as_of: None,
            article,
            shape: "flat",
            comments,
            counts: Counts {
                shown: shown as u64,
                held: rows.len() as u64,
                platform,
            },
            next,
        };
        Ok(Some(Read::New(version, page)))
    }

    /// Whether a thread has anything for an audience: its article, or a comment.
    pub(crate) fn is_shown(
        &self,
        site: &str,
        thread: &str,
        row: &ArticleRow,
        audience: Audience,
    ) -> Result<bool, Error> {
        if row.latest.is_some() || audience == Audience::Reviewer {
            return Ok(true);
        }
        let rows = self.captured(site, thread)?;
        Ok(rows.iter().any(|(_, row)| audience.may_read(row)))
    }

    /// Lists what a thread shows, in its order: comments and placeholders.
    pub(crate) fn visible(
        &self,
        site: &str,
        thread: &str,
        audience: Audience,
    ) -> Result<Vec<String>, Error> {
        let rows = self.captured(site, thread)?;
        let nodes = self.arrange(site, &rows)?;
        let seen = seen(&nodes, &rows, audience);
        let shown = nodes.iter().zip(seen).filter(|(_, seen)| *seen);
        Ok(shown.map(|(node, _)| node.id.to_owned()).collect())
    }

    /// Finds the page of `length` entries on which a comment is: the entry that the page comes after.
    pub(crate) fn page_of(
        &self,
        site: &str,
        thread: &str,
        comment: &str,
        audience: Audience,
        length: usize,
    ) -> Result<Option<String>, Error> {
        let rows = self.captured(site, thread)?;
        let nodes = self.arrange(site, &rows)?;
        let seen = seen(&nodes, &rows, audience);
        let mut visible = nodes
            .iter()
            .zip(seen)
            .filter(|(_, seen)| *seen)
            .map(|(node, _)| node);
        let place = visible
            .clone()
            .position(|node| node.id == comment)
            .unwrap_or_default();
        let pages = place.checked_div(length).unwrap_or_default();
        let last_before = (pages * length)
            .checked_sub(1)
            .and_then(|place| visible.nth(place));
        Ok(last_before.map(|node| node.id.to_owned()))
    }

    /// Lists the comments of a thread whose words came.
    pub(crate) fn captured(
        &self,
        site: &str,
        thread: &str,
    ) -> Result<Vec<(String, CommentRow)>, Error> {
        let mut rows = Vec::new();
        for (comment, row) in self.index.comments(site, thread)? {
            let row = self.comment_row(site, thread, &comment, row)?;
            if row.content.is_some() {
                rows.push((comment, row));
            }
        }
        Ok(rows)
    }

    /// Puts comments in tree order.
    pub(crate) fn arrange<'a>(
        &self,
        site: &str,
        rows: &'a [(String, CommentRow)],
    ) -> Result<Vec<Node<'a>>, Error> {
        let entries: Vec<Entry<'a>> = rows
            .iter()
            .map(|(id, row)| Entry {
                id,
                parent: row.parent.as_ref().map(|(.., parent)| parent.as_str()),
                at: row.at(),
            })
            .collect();
        let mut failed = None;
        let nodes = arrange(&entries, |parent| {
            // It is not in this thread, so wherever it is, it is elsewhere.
            self.is_captured(site, parent).unwrap_or_else(|error| {
                failed = Some(error);
                false
            })
        });
        failed.map_or(Ok(nodes), Err)
    }

    /// Whether a comment was captured, in whatever thread.
    pub(super) fn is_captured(&self, site: &str, comment: &str) -> Result<bool, Error> {
        for thread in self.index.locate(site, comment)? {
            if self.until.is_none() {
                return Ok(true);
            }
            if let Some(row) = self.index.comment(site, &thread, comment)?
                && let row = self.comment_row(site, &thread, comment, row)?
                && row.content.is_some()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads places of a thread, many of them by several threads: each takes two reads of the journal.
    fn items(
        &self,
        nodes: &[&Node<'_>],
        rows: &[(String, CommentRow)],
        audience: Audience,
    ) -> Result<Vec<Item>, Error> {
        let read = |nodes: &[&Node<'_>]| -> Result<Vec<Item>, Error> {
            let items = nodes.iter().map(|node| self.item(node, rows, audience));
            items.collect()
        };
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let n_parts = (nodes.len() / TOGETHER).clamp(1, processors);
        let mut parts = nodes.chunks(nodes.len().div_ceil(n_parts).max(1));
        let first = parts.next().unwrap_or_default();
        std::thread::scope(|scope| {
            let others: Vec<_> = parts.map(|part| scope.spawn(|| read(part))).collect();
            let mut items = read(first)?;
            for other in others {
                let part = other.join();
                items.extend(part.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            }
            Ok(items)
        })
    }

    fn item(
        &self,
        node: &Node<'_>,
        rows: &[(String, CommentRow)],
        audience: Audience,
    ) -> Result<Item, Error> {
        let row = node
            .entry
            .and_then(|entry| rows.get(entry))
            .map(|(_, row)| row);
        let mut item = Item {
            comment: node.id.to_owned(),
            parent: row
                .and_then(|row| row.parent.as_ref())
                .map(|(.., parent)| parent.clone()),
            depth: node.depth,
            status: NOT_CAPTURED,
            ghost: row.is_none(),
            parent_problem: node.problem.map(crate::thread::ParentProblem::as_str),
            shown: None,
            children: None,
        };
        if let Some(row) = row {
            item.status = HIDDEN;
            if audience.may_read(row) {
                item.status = row.status().as_str();
                item.shown = Some(self.shown(row, audience)?);
            }
        }
        Ok(item)
    }

    /// Reads what is shown of a comment.
    pub(crate) fn shown(
        &self,
        row: &CommentRow,
        audience: Audience,
    ) -> Result<ShownComment, Error> {
        let stored = match &row.content {
            Some(content) => self.load::<StoredComment>(content.place)?,
            None => None,
        };
        let decision = match row.decision() {
            Some(decision) => self.load::<ShownDecision>(decision.place)?,
            None => None,
        };
        let decision = decision.map(|stored| match audience {
            Audience::Reviewer => stored.data,
            Audience::Public => ShownDecision {
                by: stored.data.by.without_person(),
                ..stored.data
            },
        });
        let sent = stored.as_ref().and_then(|stored| stored.data.score);
        let captured = stored
            .as_ref()
            .and_then(|stored| stored.recordedtime.clone());
        let words = stored.map(|stored| Words::from(stored.data));
        let dates = dates(row, words.as_ref(), captured);
        Ok(ShownComment {
            words,
            erased_at: dates.erased.clone(),
            score: row.score.map(|(.., score)| score).or(sent),
            decision,
            decisions: row.n_decisions,
            dates,
        })
    }

    /// Reads an article's title; `None` when it may not be read.
    pub(crate) fn title(
        &self,
        row: &ArticleRow,
        audience: Audience,
    ) -> Result<Option<String>, Error> {
        let readable = audience == Audience::Reviewer || !row.is_removed();
        let Some((_, place)) = row.latest.filter(|_| readable) else {
            return Ok(None);
        };
        let stored = self.load::<StoredTitle>(place)?;
        Ok(stored.map(|stored| stored.data.title))
    }

    /// Reads an article; `None` when only comments of it came.
    pub(crate) fn article(
        &self,
        id: &str,
        row: &ArticleRow,
        audience: Audience,
    ) -> Result<Option<ShownArticle>, Error> {
        let removed = row.is_removed();
        let Some((_, place)) = row.latest else {
            return Ok(None);
        };
        let mut shown = ShownArticle {
            article: id.to_owned(),
            removed,
            words: None,
        };
        if removed && audience == Audience::Public {
            return Ok(Some(shown));
        }
        let record = self.journal.read(place.into())?;
        if record.redacted {
            return Ok(Some(shown));
        }
        let event = Event::from_json(&record.payload).map_err(|source| Error::Unreadable {
            seq: place.seq,
            source,
        })?;
        if let Data::ArticlePublished(article) | Data::ArticleUpdated(article) = event.data {
            let (text, detected) = article.normalized.map_or((None, None), |normalized| {
                (normalized.text, normalized.language)
            });
            shown.words = Some(ArticleWords {
                title: article.title,
                text: text.unwrap_or_else(|| article.body.clone()),
                body: article.body,
                format: article.format,
                url: article.url,
                language: article.language.or(detected),
                authors: article.authors,
                attribution: article.attribution,
                media_credits: article.media_credits,
                tags: article.tags,
                published_at: article.published_at,
                updated_at: article.updated_at,
                comments: article.comments,
            });
        }
        Ok(Some(shown))
    }
}

/// Tells when a comment was written, and when it was last changed.
fn dates(row: &CommentRow, words: Option<&Words>, captured: Option<Time>) -> Dates {
    let written = words.and_then(|words| words.submitted_at.clone());
    let first = row.submitted.map(|(_, at)| at);
    // The time of the first revision, with the offset that it came with where it is the latest.
    let published = match &written {
        Some(written) if Some(written.micros()) == first => Some(written.clone()),
        _ => first.map(Time::from_micros),
    };
    let edited = words.is_some_and(|words| words.revision > 1);
    let updated = written
        .filter(|written| published.as_ref().is_none_or(|first| first < written))
        .or_else(|| captured.clone())
        .filter(|_| edited);
    Dates {
        published,
        updated,
        captured,
        erased: row
            .erased
            .as_ref()
            .map(|erased| Time::from_micros(erased.at)),
    }
}

/// Tells which places of a thread are shown: what may be read, and what leads to it.
fn seen(nodes: &[Node<'_>], rows: &[(String, CommentRow)], audience: Audience) -> Vec<bool> {
    let mut seen = vec![false; nodes.len()];
    // Replies come after their parents, so from the end each parent learns of its replies in time.
    for (place, node) in nodes.iter().enumerate().rev() {
        let row = node.entry.and_then(|entry| rows.get(entry));
        let readable = row.is_some_and(|(_, row)| audience.may_read(row));
        let here = seen.get_mut(place).is_some_and(|here| {
            *here |= readable;
            *here
        });
        if here && let Some(above) = node.above.and_then(|above| seen.get_mut(above)) {
            *above = true;
        }
    }
    seen
}
