//! Drops and overwrites what holds words that are to be erased.

use std::collections::HashSet;

use super::record::Stored;
use super::{Parking, Unanswered};
use crate::Error;
use crate::erase::Holds;
use crate::seam::{Journal, blocking};

/// Who drops it, as the journal says.
const BY: &str = "erasure";

impl Parking {
    /// Drops every message that holds what is asked about, and overwrites it with what was noted of
    /// it, also where it was done with before; returns how many records there were.
    ///
    /// The other messages of its thread are then retried, as after [`Parking::drop_message`].
    ///
    /// # Errors
    /// [`Error::Stopped`] if the reader does not read: what is parked is dropped by its loop.
    pub async fn erase(&self, holds: Holds) -> Result<u64, Error> {
        let journal = self.0.journal.clone();
        let found = blocking(move || find(&journal, &holds)).await??;
        let mut erased = 0;
        // What a crash leaves is found again, by the message: so that goes last.
        for seq in found.iter().rev() {
            if self.find(*seq).is_some() {
                let reason = "its words were erased".to_owned();
                match self.drop_message(*seq, BY.to_owned(), reason).await {
                    // It was handled in this moment.
                    Ok(_) | Err(Unanswered::Unknown) => {}
                    Err(Unanswered::Stopped) => return Err(Error::Stopped),
                }
            }
            match self.0.journal.redact(*seq).await {
                Ok(()) => erased += 1,
                Err(stoa_journal::Error::Trimmed { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(erased)
    }
}

/// Finds messages, and the reasons why they were refused again, which may quote them.
fn find(journal: &Journal, holds: &Holds) -> Result<Vec<u64>, Error> {
    let (mut found, mut messages) = (Vec::new(), HashSet::new());
    for record in journal.iter(journal.first()) {
        let record = record?;
        let hit = match Stored::read(&record)? {
            Stored::Parked(_, body) => {
                holds.test(&body, record.time_us) && messages.insert(record.seq)
            }
            Stored::Failed(failed) => messages.contains(&failed.parked),
            Stored::Done(_) | Stored::Erased => false,
        };
        if hit {
            found.push(record.seq);
        }
    }
    Ok(found)
}
