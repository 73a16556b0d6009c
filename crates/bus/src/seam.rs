//! What the simulation of delivery puts its own in place of: journals, waiting for the disk, and
//! chance. Outside of this crate's unit tests these are the real things.

use std::time::Duration;

use crate::Error;
#[cfg(test)]
pub(crate) use crate::simulation::journal::{Iter, Journal};
#[cfg(not(test))]
pub(crate) use stoa_journal::{Iter, Journal};

/// Does work that blocks on the disk, off the runtime's threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    #[cfg(test)]
    if let Some(process) = crate::simulation::current() {
        return Ok(process.blocking(work).await);
    }
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Error::Task)
}

/// Returns a random pause of 200 ms and up to so much.
pub(crate) fn pause(most_ms: u64) -> Duration {
    #[cfg(test)]
    if let Some(process) = crate::simulation::current() {
        return process.pause(most_ms);
    }
    Duration::from_millis(rand::random_range(200..=most_ms))
}
