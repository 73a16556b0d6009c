//! How many a comment reaches: by its replies and votes, as far as they are known.

use stoa_proto::{CommentScored, Received};

use super::batch::{Item, Judge};
use super::conclude::Concluded;
use crate::record::{About, Change, Voted};
use crate::view::CHILDREN;
use crate::view::rows::CommentRow;

/// Replies and votes that are counted.
const MOST: u64 = 255;

/// The number of binary digits: none 0, one 1, from four 3.
pub(super) fn digits(number: u64) -> u32 {
    u64::BITS - number.leading_zeros()
}

impl Judge<'_> {
    /// Counts the replies that a comment had before this batch, and its votes.
    pub(super) fn reach(&self, about: &About, row: &CommentRow) -> anyhow::Result<u64> {
        let prefix = (
            about.site.as_str(),
            about.article.as_str(),
            about.comment.as_str(),
        );
        let mut reach = row.votes.min(MOST);
        for reply in self.parts.index.view.scan(&CHILDREN, prefix) {
            reply?;
            reach += 1;
            if reach >= MOST {
                return Ok(MOST);
            }
        }
        Ok(reach)
    }

    /// Takes in a comment's votes, if they are a digit more than what is written down: so popular
    /// comments don't fill the journal.
    pub(super) fn voted(
        &mut self,
        index: usize,
        event: &Received,
        scored: &CommentScored,
    ) -> anyhow::Result<()> {
        let row = self.state.comment(&scored.site, &scored.comment)?;
        let row = row.filter(|row| row.revision > 0 && row.erased_seq.is_none());
        let Some(row) = row else {
            return Ok(());
        };
        let votes = match (scored.up, scored.down) {
            (None, None) => scored.score.unsigned_abs(),
            (up, down) => up
                .unwrap_or_default()
                .saturating_add(down.unwrap_or_default()),
        };
        let votes = votes.min(MOST);
        if digits(votes) <= digits(row.votes) {
            return Ok(());
        }
        let about = About {
            site: scored.site.clone(),
            article: row.article,
            comment: scored.comment.clone(),
        };
        let at = self.at.micros();
        let concluded = Concluded {
            change: Change::Voted(Voted { about, votes, at }),
            outputs: Vec::new(),
            keep_input: false,
        };
        self.keep(index, Item::new(event, concluded))
    }
}
