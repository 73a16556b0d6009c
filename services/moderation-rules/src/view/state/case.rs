//! Opening cases.

use stoa_proto::ids;
use stoa_store::Error;

use super::State;
use crate::record::{About, Decided, Opening};
use crate::view::feed::What;
use crate::view::rows::{CaseRow, CommentRow};

/// How a case is opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub(super) reason: Opening,
    pub(super) priority: i64,
    /// By when it is to be decided.
    pub(super) due: i64,
}

impl State<'_> {
    /// Opens a comment's case, or opens it again.
    pub(super) fn open_case(
        &mut self,
        seq: u64,
        about: &About,
        comment: &CommentRow,
        open: Open,
        at: i64,
        decided: Option<&Decided>,
    ) -> Result<(), Error> {
        let id = ids::case_id(&about.site, &about.comment);
        let before = self.case(&id)?;
        let mut row = before.unwrap_or_else(|| new_case(about, comment, open.reason));
        if let Some(closed) = row.closed.take() {
            self.closed.set(closed.seq, None);
        }
        (row.reason, row.priority, row.due) = (open.reason, open.priority, open.due);
        row.version += 1;
        row.openings += 1;
        row.opened_seq = seq;
        row.opened_at = at;
        show(&mut row, comment, decided);
        self.tallies.waits(self.index, &row, true)?;
        self.enqueue(&id, &row);
        self.tell(seq, What::Opened, &id, &row, None);
        self.cases.put(id, row);
        self.count_open(1)
    }
}

fn new_case(about: &About, comment: &CommentRow, reason: Opening) -> CaseRow {
    CaseRow {
        site: about.site.clone(),
        article: comment.article.clone(),
        comment: about.comment.clone(),
        author: comment.author.clone(),
        reason,
        priority: 0,
        due: 0,
        revision: 0,
        version: 0,
        openings: 0,
        opened_seq: 0,
        opened_at: 0,
        decided_seq: 0,
        labels: Vec::new(),
        rules: Vec::new(),
        closed: None,
        claim: None,
        escalated: None,
        appeals: Vec::new(),
        appealed: false,
    }
}

/// Makes a case show the newest revision.
pub(super) fn show(row: &mut CaseRow, comment: &CommentRow, decided: Option<&Decided>) {
    row.revision = comment.revision;
    row.decided_seq = comment.decided_seq;
    row.author.clone_from(&comment.author);
    if let Some(decided) = decided {
        row.labels.clone_from(&decided.labels);
        row.rules.clone_from(&decided.rules);
    }
}
