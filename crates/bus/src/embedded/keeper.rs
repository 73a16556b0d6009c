//! Saves positions now and then, and drops what every reader has passed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stoa_journal::Journal;
use stoa_proto::{Exchange, Reader};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Place;
use crate::Error;

/// After a crash at most this much is handled again.
const SAVE_EVERY: Duration = Duration::from_millis(250);
/// Saves between two looks for segments to drop.
const TRIM_EVERY: u32 = 40;

/// The task that keeps the folder small.
pub(super) struct Keeper {
    pub(super) journals: BTreeMap<Exchange, Journal>,
    pub(super) places: BTreeMap<(Reader, Exchange), Arc<Place>>,
    pub(super) tasks: TaskTracker,
    pub(super) shutdown: CancellationToken,
}

impl Keeper {
    /// Runs until shutdown; the readers save their last positions themselves.
    pub(super) async fn run(self) {
        let shared = Arc::new((self.journals, self.places));
        let mut round = 0_u32;
        loop {
            tokio::select! {
                () = tokio::time::sleep(SAVE_EVERY) => {}
                () = self.shutdown.cancelled() => return,
            }
            round = (round + 1) % TRIM_EVERY;
            let (shared, trim) = (Arc::clone(&shared), round == 0);
            let kept = self
                .tasks
                .spawn_blocking(move || keep(&shared.0, &shared.1, trim))
                .await;
            if let Ok(Err(error)) = kept {
                // The next round tries again; until then more is handled again after a crash.
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the readers' positions can't be kept"
                );
            }
        }
    }
}

fn keep(
    journals: &BTreeMap<Exchange, Journal>,
    places: &BTreeMap<(Reader, Exchange), Arc<Place>>,
    trim: bool,
) -> Result<(), Error> {
    for place in places.values() {
        place.save()?;
    }
    if trim {
        for (exchange, journal) in journals {
            let passed = places
                .iter()
                .filter(|((_, of), _)| of == exchange)
                .map(|(_, place)| place.file.position())
                .min();
            if let Some(passed) = passed {
                journal.trim(passed)?;
            }
        }
    }
    Ok(())
}
