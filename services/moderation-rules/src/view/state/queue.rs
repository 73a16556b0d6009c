//! Where open cases are in the queue, and in its narrower ones.

use super::State;
use crate::view::rows::CaseRow;

impl State<'_> {
    /// Puts an open case in its places.
    pub(super) fn enqueue(&mut self, id: &str, row: &CaseRow) {
        self.places(row, Some(id));
    }

    /// Takes a case out of them: the row is as it was when it was put there.
    pub(super) fn dequeue(&mut self, row: &CaseRow) {
        self.places(row, None);
    }

    fn places(&mut self, row: &CaseRow, id: Option<&str>) {
        let (due, seq) = row.place();
        self.open.set((due, seq), id.map(str::to_owned));
        if let Some(claim) = &row.claim {
            let place = id.map(|id| (due, seq, id.to_owned()));
            self.claims.set((claim.until, row.opened_seq), place);
        }
        for queue in row.queues() {
            let key = (queue.0, queue.1, queue.2, due, seq);
            self.queues.set(key, id.map(str::to_owned));
        }
    }
}
