//! What still waits when everything should be done: in the broker's queues, in ingest's outbox.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::Readers;
use super::found::wait;

/// How often the broker counts the messages of its queues.
const COUNTED: Duration = Duration::from_secs(6);

/// Below the address of a virtual host's queues.
pub(super) const LIST: &str = "?columns=name,messages";

/// A place where something waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::stress) struct Left {
    /// The queue's name, or `ingest's outbox`.
    pub(in crate::stress) name: String,
    /// Messages that are ready or unacknowledged.
    #[serde(default)]
    pub(in crate::stress) messages: u64,
}

#[derive(Deserialize)]
struct Status {
    waiting: Waiting,
}

#[derive(Deserialize)]
struct Waiting {
    records: u64,
}

/// Waits until nothing waits, or `patience` is over; `None` if there is nobody to ask.
pub(in crate::stress) async fn until_empty(
    readers: &Readers,
    patience: Duration,
) -> anyhow::Result<Option<Vec<Left>>> {
    if readers.management.is_none() && readers.ingest.is_none() {
        return Ok(None);
    }
    if readers.management.is_some() {
        // Its numbers are some seconds old: nothing is known before they are counted anew.
        tokio::time::sleep(COUNTED.min(patience)).await;
    }
    let started = Instant::now();
    loop {
        let left = left(readers, patience).await?;
        if left.is_empty() || started.elapsed() > patience {
            return Ok(Some(left));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn left(readers: &Readers, patience: Duration) -> anyhow::Result<Vec<Left>> {
    let mut left = Vec::new();
    if let Some(management) = &readers.management {
        let queues: Option<Vec<Left>> = wait(management, LIST, patience).await?;
        left.extend(queues.unwrap_or_default());
    }
    if let Some(ingest) = &readers.ingest
        && let Some(status) = wait::<Status>(ingest, "/admin/status", patience).await?
    {
        left.push(Left {
            name: "ingest's outbox".to_owned(),
            messages: status.waiting.records,
        });
    }
    left.retain(|left| left.messages > 0);
    Ok(left)
}
