//! Verifying a journal while it is in use: opening reads only the last segment.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::{Clock, Error, Journal, verify};

/// How long a whole journal counts as whole.
const EVERY: Duration = Duration::from_hours(24);
/// How often it is looked whether the journal is still open.
const PERIOD: Duration = Duration::from_millis(500);
/// How often damage has to be found before it counts: a trim may be under way.
const ATTEMPTS: u32 = 3;

/// When a whole journal was last found whole, in microseconds since 1970.
#[derive(Debug)]
pub(crate) struct Verified(AtomicI64);

impl Default for Verified {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }
}

impl Journal {
    /// Verifies the journal in a thread of its own, now and then once a day, and returns what is
    /// damaged as soon as something is. The clock says when it was found whole.
    pub async fn damaged(&self, clock: Clock) -> Error {
        let (found, damage) = oneshot::channel();
        let (dir, open) = (self.dir().to_owned(), Arc::downgrade(&self.shared));
        let verified = Arc::clone(&self.shared.verified);
        let checking = move || {
            while open.strong_count() > 0 {
                match check(&dir) {
                    Err(error @ Error::Damaged { .. }) => {
                        // Nobody waits any more at shutdown.
                        found.send(error).unwrap_or(());
                        return;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the journal could not be checked to its end");
                    }
                    Ok(()) => verified.0.store(clock(), Ordering::Relaxed),
                }
                let mut waited = Duration::ZERO;
                while waited < EVERY && open.strong_count() > 0 {
                    std::thread::sleep(PERIOD);
                    waited += PERIOD;
                }
            }
        };
        let thread = std::thread::Builder::new().name("journal-check".to_owned());
        if let Err(error) = thread.spawn(checking) {
            return Error::io("start a thread to check", self.dir())(error);
        }
        match damage.await {
            Ok(error) => error,
            Err(_) => std::future::pending().await,
        }
    }

    /// Returns when [`Journal::damaged`] last found the whole journal whole, in microseconds since
    /// 1970; none before it has come to the end once.
    pub fn verified_us(&self) -> Option<i64> {
        let at = self.shared.verified.0.load(Ordering::Relaxed);
        (at != i64::MIN).then_some(at)
    }
}

fn check(dir: &std::path::Path) -> Result<(), Error> {
    let mut attempt = 1;
    loop {
        match verify(dir, &mut |_| {}) {
            Err(Error::Damaged { .. }) if attempt < ATTEMPTS => attempt += 1,
            done => return done.map(|_| ()),
        }
    }
}
