//! A connection that is there, and the end of it.

use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lapin::Connection;
use tokio_util::sync::CancellationToken;

/// The client tells of most ends of a connection; this finds the others.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Longer than this a goodbye is not waited for.
pub(super) const GOODBYE: Duration = Duration::from_secs(3);

/// A connection to the broker.
///
/// **No question without an end.** The client never answers some questions whose connection ends
/// at the wrong moment, and does not notice every connection that is dead. So a question is asked
/// through [`Live::answer`], and a connection that does not answer is made anew; goodbyes and
/// acknowledgements, whose answer does not matter, are given up after a while.
#[derive(Debug)]
pub(super) struct Live {
    connection: Connection,
    /// Cancelled when a question was not answered.
    silent: CancellationToken,
    /// What was found out about queues over this connection.
    queues: Mutex<BTreeMap<String, Result<(), String>>>,
}

impl Live {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            silent: CancellationToken::new(),
            queues: Mutex::default(),
        }
    }

    /// Returns what is known of a queue.
    pub(super) fn known(&self, queue: &str) -> Option<Result<(), String>> {
        self.queues().get(queue).cloned()
    }

    /// Notes whether a queue is as it should be; `None` if that is to be found out.
    pub(super) fn know(&self, queue: &str, found: Option<Result<(), String>>) {
        match found {
            Some(found) => self.queues().insert(queue.to_owned(), found),
            None => self.queues().remove(queue),
        };
    }

    fn queues(&self) -> MutexGuard<'_, BTreeMap<String, Result<(), String>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for an answer of the broker, for so long at most, and while the connection is there.
    pub(super) async fn answer<T>(
        &self,
        limit: Duration,
        asking: impl Future<Output = T>,
    ) -> Result<T, String> {
        tokio::select! {
            biased;
            answer = asking => Ok(answer),
            reason = self.gone() => Err(reason),
            () = tokio::time::sleep(limit) => {
                // A broker that is short of memory or disk reads nothing; it comes back.
                if !self.status().blocked() {
                    self.silent.cancel();
                }
                Err(format!("the broker did not answer within {} s", limit.as_secs()))
            }
        }
    }

    /// Waits for the end of the connection, and says what it was.
    pub(super) async fn gone(&self) -> String {
        loop {
            if self.silent.is_cancelled() {
                return "the broker no longer answers".to_owned();
            }
            if !self.status().connected() {
                return "the connection ended".to_owned();
            }
            tokio::select! {
                () = self.silent.cancelled() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Closes it. The broker finds out by itself if this does not reach it.
    pub(super) async fn goodbye(&self, reason: &str) {
        let closing = self.connection.close(200, reason.into());
        tokio::time::timeout(GOODBYE, closing).await.ok();
    }
}

impl Deref for Live {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}
