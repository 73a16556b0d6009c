//! Legal holds: what is not to be erased, whoever asks for it.

use stoa_proto::ErasureScope;

use super::KeptReport;
use super::carry::reports;
use crate::config::SiteConfig;
use crate::fact::{Subject, author_key, digest};
use crate::read::Reader;
use crate::row::CommentRow;
use crate::view::Error;

/// What of a site is held for a court or an authority: nothing of it is erased.
pub(super) struct Hold<'a>(Option<&'a SiteConfig>);

impl<'a> Hold<'a> {
    /// Returns what of a site is held.
    pub(super) fn of(sites: &'a [SiteConfig], site: &str) -> Self {
        Self(sites.iter().find(|known| known.id == site))
    }

    /// Whether an author is held with all that is theirs.
    pub(super) fn author(&self, author: &str) -> bool {
        self.0.is_some_and(|site| {
            site.legal_hold || site.held_authors.iter().any(|held| held == author)
        })
    }

    /// Whether an author reported a comment that is held: what would go of their report is held with
    /// it.
    pub(super) fn reports(
        &self,
        reader: &Reader,
        (site, author): (&str, &str),
        scope: ErasureScope,
    ) -> Result<bool, Error> {
        let holds =
            |site: &SiteConfig| !site.held_comments.is_empty() || !site.held_authors.is_empty();
        if !self.0.is_some_and(holds) {
            return Ok(false);
        }
        let kept = reader
            .index
            .kept(&Subject::Other(author_key(site, author)))?;
        for report in reports(&reader.journal, &kept, scope)? {
            let KeptReport {
                article, comment, ..
            } = &report;
            let row = reader.index.comment(site, article, comment)?;
            if self.comment(comment, row.as_ref()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a comment is held, or its author.
    pub(super) fn comment(&self, comment: &str, row: Option<&CommentRow>) -> bool {
        self.0.is_some_and(|site| {
            let author = row
                .and_then(|row| row.content)
                .map(|content| content.author);
            let is_theirs = |held: &String| Some(digest(&[held])) == author;
            site.legal_hold
                || site.held_comments.iter().any(|held| held == comment)
                || site.held_authors.iter().any(is_theirs)
        })
    }
}
