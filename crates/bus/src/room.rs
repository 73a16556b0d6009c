//! Room on the disk for what the bus writes itself.

use std::time::Duration;

use stoa_journal::{Entry, Journal, Position};
use tokio_util::sync::CancellationToken;

use crate::health::Health;

/// How often a full disk is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// What a full disk is called among the problems of the bus.
const DISK: &str = "disk";

/// Appends to a journal of the bus, and waits meanwhile if the disk is full.
///
/// # Errors
/// Those of [`Journal::append`]; [`stoa_journal::Error::NoSpace`] only at shutdown.
pub(crate) async fn append_when_room(
    journal: &Journal,
    entries: Vec<Entry>,
    health: &Health,
    shutdown: &CancellationToken,
) -> Result<Vec<Position>, stoa_journal::Error> {
    let mut waited = false;
    loop {
        let full = match journal.append(entries.clone()).await {
            Err(full @ stoa_journal::Error::NoSpace { .. }) => full,
            done => {
                if waited {
                    health.problem(DISK, None);
                }
                return done;
            }
        };
        waited = true;
        health.problem(DISK, Some(full.to_string()));
        tokio::select! {
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            () = shutdown.cancelled() => return Err(full),
        }
    }
}
