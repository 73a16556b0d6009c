//! A comment as the formats for programs take it, wherever it was read, and its addresses.

use stoa_proto::Time;

use super::links;
use crate::read::comment::History;
use crate::read::latest::LatestComment;
use crate::read::thread::{Item, ThreadPage};
use crate::read::words::{Dates, Words};

/// A comment that may be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'a> {
    pub(super) site: &'a str,
    pub(super) thread: &'a str,
    pub(super) comment: &'a str,
    /// The comment that it answers, other than itself.
    pub(super) parent: Option<&'a str>,
    /// Absent once they were erased.
    pub(super) words: Option<&'a Words>,
    pub(super) dates: &'a Dates,
    pub(super) approved: bool,
}

impl<'a> Said<'a> {
    /// Takes an entry of a thread; `None` for a placeholder.
    pub(super) fn in_thread(page: &'a ThreadPage, item: &'a Item) -> Option<Self> {
        let shown = item.shown.as_ref()?;
        Some(Self {
            site: &page.site,
            thread: &page.thread,
            comment: &item.comment,
            parent: other_than(&item.comment, item.parent.as_deref()),
            words: shown.words.as_ref(),
            dates: &shown.dates,
            approved: item.status == "approved",
        })
    }

    /// Takes a comment with its history.
    pub(super) fn alone(history: &'a History) -> Self {
        Self {
            site: &history.site,
            thread: &history.thread,
            comment: &history.comment,
            parent: other_than(&history.comment, history.parent.as_deref()),
            words: history.words.as_ref(),
            dates: &history.dates,
            approved: history.status == "approved",
        }
    }

    /// Takes one of the latest comments, which were all approved.
    pub(super) fn among_latest(site: &'a str, latest: &'a LatestComment) -> Self {
        Self {
            site,
            thread: &latest.thread,
            comment: &latest.comment,
            parent: other_than(&latest.comment, latest.parent.as_deref()),
            words: latest.shown.words.as_ref(),
            dates: &latest.shown.dates,
            approved: true,
        }
    }

    /// Returns its address, which never changes.
    pub(super) fn iri(&self, base: &str) -> String {
        format!("{base}{}", links::comment(self.site, self.comment))
    }

    /// Returns the address of what it answers: a comment, or the article.
    pub(super) fn answers(&self, base: &str) -> String {
        let path = match self.parent {
            Some(parent) => links::comment(self.site, parent),
            None => links::article(self.site, self.thread),
        };
        format!("{base}{path}")
    }

    /// Returns the address of its thread.
    pub(super) fn context(&self, base: &str) -> String {
        format!("{base}{}", links::thread(self.site, self.thread))
    }

    /// Returns when it was last changed.
    pub(super) fn changed(&self) -> Option<&'a Time> {
        self.dates.changed()
    }
}

fn other_than<'a>(comment: &str, parent: Option<&'a str>) -> Option<&'a str> {
    parent.filter(|parent| *parent != comment)
}

/// Returns the name that is shown for an author.
pub(super) fn name(words: &Words) -> &str {
    let author = &words.author;
    let names = [author.display_name.as_deref(), author.name.as_deref()];
    let mut names = names.into_iter().flatten();
    names
        .find(|name| !name.trim().is_empty())
        .unwrap_or(&author.id)
}

/// Returns a link to where something stands elsewhere, if a browser may follow it.
pub(super) fn web(url: Option<&str>) -> Option<&str> {
    url.filter(|url| url.starts_with("https://") || url.starts_with("http://"))
}
