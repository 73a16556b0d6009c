//! Room on the disk for what the bus writes itself.

use std::future::Future;
use std::time::Duration;

use stoa_journal::Position;
use tokio_util::sync::CancellationToken;

use crate::health::Health;

/// How often a full disk is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// What a full disk is called among the problems of the bus.
const DISK: &str = "disk";

/// Appends to a journal of the bus, again and again while the disk is full.
///
/// # Errors
/// Those of `append`; [`stoa_journal::Error::NoSpace`] only at shutdown.
pub(crate) async fn append_when_room<F>(
    append: impl Fn() -> F,
    health: &Health,
    shutdown: &CancellationToken,
) -> Result<Vec<Position>, stoa_journal::Error>
where
    F: Future<Output = Result<Vec<Position>, stoa_journal::Error>>,
{
    let mut waited = false;
    loop {
        let full = match append().await {
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
