//! How long it takes until the archive shows a comment, measured on a few at a time.
//!
//! The archive has no log to follow, so a sample is asked for again and again; the pauses grow
//! with the time that has passed, so that a result is at most an eighth too long.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde::de::IgnoredAny;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::reader::{Read, Reader, encode};
use super::run::Run;

/// Comments that are looked for at a time.
const AT_A_TIME: usize = 2;

/// The shortest pause between two requests.
const PAUSE: Duration = Duration::from_millis(2);

/// Takes samples as they are acknowledged, if there is nothing else to look for.
pub(super) struct Sampler {
    free: Arc<Semaphore>,
    samples: UnboundedSender<Sample>,
}

/// A comment to look for.
pub(super) struct Sample {
    n: u32,
    since: Instant,
    _place: OwnedSemaphorePermit,
}

impl Sampler {
    /// Makes a sampler, and what the samples come out of.
    pub(super) fn new() -> (Self, UnboundedReceiver<Sample>) {
        let (samples, received) = unbounded_channel();
        let free = Arc::new(Semaphore::new(AT_A_TIME));
        (Self { free, samples }, received)
    }

    /// Takes a comment that was acknowledged just now, or leaves it.
    pub(super) fn offer(&self, n: u32) {
        if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
            // Nobody looks any more once the run is over.
            let since = Instant::now();
            self.samples
                .send(Sample {
                    n,
                    since,
                    _place: place,
                })
                .ok();
        }
    }
}

/// Looks for samples until it is told to stop.
pub(super) async fn look(
    archive: &Reader,
    run: &Run,
    mut samples: UnboundedReceiver<Sample>,
    stop: &CancellationToken,
) {
    let mut looking = FuturesUnordered::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(sample) = samples.recv() => looking.push(find(archive, run, sample)),
            Some(()) = looking.next() => {}
        }
    }
}

async fn find(archive: &Reader, run: &Run, sample: Sample) {
    let path = format!(
        "/v1/sites/{}/comments/{}",
        encode(run.corpus.site()),
        encode(&run.corpus.comment_id(sample.n))
    );
    loop {
        match archive.get::<IgnoredAny>(&path).await {
            Ok(Read::Found(_)) => {
                let micros = sample.since.elapsed().as_micros();
                run.archive
                    .record(u64::try_from(micros).unwrap_or(u64::MAX));
                return;
            }
            Ok(_) => tokio::time::sleep(PAUSE.max(sample.since.elapsed() / 8)).await,
            // The check says so.
            Err(_) => return,
        }
    }
}
