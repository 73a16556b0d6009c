//! The open loop: batches leave on a schedule, whatever the answers do.
//!
//! A latency counts from when a batch was due. If the other side stands still, the batches that
//! were due meanwhile wait, and their waiting is seen: a closed loop would have sent fewer.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use super::Load;
use super::batch::Builder;

/// A batch that leaves later than this after it was due is late.
const LATE: Duration = Duration::from_millis(10);

/// Sends so many events a second.
pub(super) async fn run(load: &Load<'_>, rate: f64) -> anyhow::Result<()> {
    let (pace, len) = (load.pace, load.run.corpus.len());
    let mut builder = Builder::new(load.run, load.written);
    let mut in_flight = FuturesUnordered::new();
    let mut next = 0;
    loop {
        let due = load.started + Duration::from_secs_f64(f64::from(next) / rate);
        let is_in_time = pace
            .duration
            .is_none_or(|duration| due < load.started + duration);
        let goes_on = next < len && is_in_time && !load.is_over();
        if !goes_on && in_flight.is_empty() {
            break;
        }
        let has_room = in_flight.len() < usize::from(pace.concurrency);
        tokio::select! {
            () = tokio::time::sleep_until(due), if goes_on && has_room => {
                let end = next.saturating_add(pace.batch.into()).min(len);
                note_departure(load, due, end - next);
                in_flight.push(load.send(builder.build((next..end).collect()), Some(due)));
                next = end;
            }
            Some(outcome) = in_flight.next() => outcome?,
        }
    }
    if let Some(duration) = pace.duration {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number of events is not negative, and has no fraction"
        )]
        let due = (duration.as_secs_f64() * rate) as u32;
        let unsent = u64::from(due.min(len).saturating_sub(next));
        load.run.counts.unsent.fetch_add(unsent, Ordering::Relaxed);
    }
    while let Some(batch) = builder.rest(pace.batch) {
        load.send(batch, None).await?;
    }
    Ok(())
}

fn note_departure(load: &Load<'_>, due: Instant, n_events: u32) {
    let late = due.elapsed();
    if late > LATE {
        let counts = &load.run.counts;
        counts.late.fetch_add(n_events.into(), Ordering::Relaxed);
        let micros = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        counts.latest.fetch_max(micros, Ordering::Relaxed);
    }
}
