//! Follows moderation's log of decisions and notes when each arrives.

use std::time::Duration;

use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::check::Reader;
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
    by: By,
}

#[derive(Deserialize)]
struct By {
    kind: String,
}

/// Follows the log until it is told to stop. What was in it before the run is passed over.
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
        let Some(listing) = listing else {
            // Nobody answers, as while a role is started again.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Listing { decisions, next } = listing;
        for decision in decisions
            .iter()
            .filter(|decision| decision.by.kind == "rules")
        {
            if let Some(n) = run.corpus.comment_of_id(&decision.comment) {
                run.decide(n);
            }
        }
        after = next;
    }
}

/// Writes a part of an address so that it stays one part.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for half in [byte >> 4, byte & 15] {
                let digit = char::from_digit(u32::from(half), 16).unwrap_or('0');
                encoded.push(digit.to_ascii_uppercase());
            }
        }
    }
    encoded
}
