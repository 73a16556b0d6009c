//! The order of a stop: consumer loops first, then what publishes for them.

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Counts running consumer loops.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    shutdown: CancellationToken,
    consumers: watch::Sender<usize>,
}

/// A running consumer loop; it counts until it is dropped.
#[derive(Debug)]
pub(crate) struct Running(watch::Sender<usize>);

impl Life {
    pub(crate) fn new(shutdown: CancellationToken) -> Self {
        Self {
            shutdown,
            consumers: watch::Sender::new(0),
        }
    }

    /// Counts a consumer loop as running.
    pub(crate) fn consumer(&self) -> Running {
        self.consumers.send_modify(|count| *count += 1);
        Running(self.consumers.clone())
    }

    /// Waits for shutdown, and then until every consumer loop has ended.
    pub(crate) async fn consumers_ended(&self) {
        self.shutdown.cancelled().await;
        // It fails only without a sender, and this has one.
        self.consumers
            .subscribe()
            .wait_for(|count| *count == 0)
            .await
            .ok();
    }

    pub(crate) fn shutdown(&self) -> &CancellationToken {
        &self.shutdown
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}
