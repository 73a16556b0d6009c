//! Follows moderation's log of decisions and notes when each arrives.

use std::time::Duration;

use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::reader::{Read, Reader, encode};
use super::run::Run;

/// Decisions of one answer.
const LIMIT: usize = 500;

/// Seconds that an answer may wait for something new.
const WAIT: u64 = 1;

/// What is read of the log; there is much of it, so the rest is passed over.
#[derive(Deserialize)]
struct Listing {
    decisions: Vec<Decision>,
    next: u64,
}

#[derive(Deserialize)]
struct Decision {
    comment: String,
    revision: u32,
    by: By,
}

#[derive(Deserialize)]
struct By {
    kind: String,
}

/// Follows the log from its beginning until it is told to stop.
pub(super) async fn follow(
    moderation: &Reader,
    run: &Run,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut after = 0;
    loop {
        let site = run.corpus.site();
        let path = format!(
            "/admin/decisions?after={after}&limit={LIMIT}&wait={WAIT}&site={}",
            encode(site)
        );
        let listing = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            listing = moderation.get::<Listing>(&path) => listing?,
        };
        let Read::Found(Listing { decisions, next }) = listing else {
            // Nobody answers, as while a role is started again.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        for decision in decisions
            .iter()
            .filter(|decision| decision.by.kind == "rules")
        {
            if let Some(n) = run.corpus.comment_of_id(&decision.comment) {
                run.decide(n, decision.revision);
            }
        }
        after = next;
    }
}
