//! Verifying a journal while it is in use: opening reads only the last segment.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::{Error, Journal, verify};

/// How long a whole journal counts as whole.
const EVERY: Duration = Duration::from_hours(24);
/// How often it is looked whether the journal is still open.
const PERIOD: Duration = Duration::from_millis(500);
/// How often damage has to be found before it counts: a trim may be under way.
const ATTEMPTS: u32 = 3;

impl Journal {
    /// Verifies the journal in a thread of its own, now and then once a day, and returns what is
    /// damaged as soon as something is.
    pub async fn damaged(&self) -> Error {
        let (found, damage) = oneshot::channel();
        let (dir, open) = (self.dir().to_owned(), Arc::downgrade(&self.shared));
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
                    Ok(()) => {}
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
