//! What moderators do at a case without deciding it.

use stoa_store::Error;

use super::{State, What};

use crate::record::{Handled, Handling};
use crate::view::rows::{ClaimRow, EscalatedRow};

impl State<'_> {
    /// Applies what a moderator did at a case.
    pub(super) fn handled(&mut self, seq: u64, handled: &Handled) -> Result<(), Error> {
        let Some(mut row) = self.case(&handled.case)? else {
            return Ok(());
        };
        let before = row.clone();
        let mut note = None;
        let what = What::of(&handled.what);
        match &handled.what {
            Handling::Claimed { until } => {
                row.claim = Some(ClaimRow {
                    moderator: handled.moderator.clone(),
                    until: *until,
                });
            }
            Handling::Released => row.claim = None,
            Handling::Noted { fingerprint } => note = Some(fingerprint),
            Handling::Escalated { note: with } => {
                note = with.as_ref();
                row.escalated = Some(EscalatedRow {
                    by: handled.moderator.clone(),
                    at: handled.at,
                });
            }
            Handling::Calmed => row.escalated = None,
        }
        if let Some(fingerprint) = note {
            let key = (handled.case.clone(), seq);
            self.notes.put(key, fingerprint.clone());
        }
        if row.closed.is_none() && row != before {
            self.dequeue(&before);
            self.enqueue(&handled.case, &row);
        }
        self.tell(seq, what, &handled.case, &row, Some(&handled.moderator));
        self.cases.put(handled.case.clone(), row);
        Ok(())
    }
}

impl What {
    fn of(handling: &Handling) -> Self {
        match handling {
            Handling::Claimed { .. } => Self::Claimed,
            Handling::Released => Self::Released,
            Handling::Noted { .. } => Self::Noted,
            Handling::Escalated { .. } => Self::Escalated,
            Handling::Calmed => Self::Calmed,
        }
    }
}
