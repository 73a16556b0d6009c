//! Keeps the log up with the journal, and signs.
//!
//! It runs behind the engine and holds up nobody: what is archived is acknowledged before it is in
//! the log, and in a checkpoint some seconds later.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use stoa_bus::Bus;
use stoa_daemon::Context;
use stoa_proto::{CheckpointPublished, Data, Event, Exchange, Kind, Outgoing};
use stoa_tlog::Checkpoint;

use super::{Error, Log, Signed, begin_tiles, file, hash};
use crate::engine::chain;
use crate::metrics::Metrics;
use crate::record;

/// Records that are added at a time; readers get their turn between.
const TURN: usize = 4_096;
/// How often a log that could not be written is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// How long what comes is gathered.
const TOGETHER: Duration = Duration::from_millis(50);
/// The source of the archive's own events.
const SOURCE: &str = "stoa/archive";

/// Follows the journal until shutdown; signs at most every so often.
pub(crate) async fn follow(
    log: Arc<Log>,
    every: Duration,
    bus: Bus,
    metrics: Metrics,
    context: Context,
) -> anyhow::Result<()> {
    let mut durable = log.journal.durable();
    let mut news = false;
    let mut signed_at: Option<Instant> = None;
    loop {
        let turn = {
            let log = Arc::clone(&log);
            context.tasks.spawn_blocking(move || log.catch_up()).await?
        };
        let mut outcome = turn;
        if let Ok(turn) = &outcome {
            news |= turn.news;
            if news && signed_at.is_none_or(|at| at.elapsed() >= every) {
                let signing = Arc::clone(&log);
                match context.tasks.spawn_blocking(move || signing.sign()).await? {
                    Ok(Some(signed)) => {
                        news = false;
                        signed_at = Some(Instant::now());
                        metrics.signed(signed.checkpoint.size);
                        // Whoever misses it gets the next one.
                        let publishing = publish(bus.clone(), signed, context.clone());
                        context.tasks.spawn(publishing);
                    }
                    Ok(None) => {}
                    Err(error) => outcome = Err(error),
                }
            }
        }
        let pause = match outcome {
            Ok(turn) if !turn.is_current => continue,
            Ok(_) if news => Some(signed_at.map_or(AGAIN, |at| every.saturating_sub(at.elapsed()))),
            Ok(_) => None,
            Err(error) => {
                metrics.log_stands_still();
                tracing::error!(
                    reason = chain(&error),
                    "the transparency log does not go on"
                );
                if matches!(error, Error::Inconsistent { .. }) {
                    context.shutdown.cancelled().await;
                    return Ok(());
                }
                Some(AGAIN)
            }
        };
        tokio::select! {
            () = context.shutdown.cancelled() => return Ok(()),
            () = tokio::time::sleep(pause.unwrap_or(AGAIN)), if pause.is_some() => {}
            changed = durable.changed(), if pause.is_none() => {
                if changed.is_err() {
                    return Ok(());
                }
                // What comes shortly after goes along.
                tokio::time::sleep(TOGETHER).await;
            }
        }
    }
}

async fn publish(bus: Bus, signed: Signed, context: Context) {
    let event = event(&signed);
    let outgoing = vec![Outgoing::new(Exchange::Outcomes, &event)];
    let publisher = bus.publisher();
    tokio::select! {
        () = context.shutdown.cancelled() => {}
        // Closed, at shutdown: there is nobody to tell.
        _ = publisher.publish(outgoing) => {}
    }
}

fn event(signed: &Signed) -> Event {
    let Checkpoint { origin, size, .. } = &signed.checkpoint;
    let root = signed.note.lines().nth(2).unwrap_or_default().to_owned();
    let data = Data::CheckpointPublished(CheckpointPublished {
        origin: origin.clone(),
        size: *size,
        root,
        note: signed.note.clone(),
        extra: serde_json::Map::default(),
    });
    let id = stoa_proto::ids::derive("cp", &[origin, &size.to_string()]);
    Event::new(id, SOURCE, data)
}

/// What a turn came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Turn {
    /// Whether the log has all that the journal has.
    pub(super) is_current: bool,
    /// Whether there was anything but the log's own checkpoints, which alone are no reason for
    /// another one.
    pub(super) news: bool,
}

impl Log {
    /// Adds the next records of the journal.
    pub(super) fn catch_up(&self) -> Result<Turn, Error> {
        let mut grown = self.grown.write().unwrap_or_else(PoisonError::into_inner);
        let signed = self.signed().map(|signed| signed.checkpoint);
        let own = record::byte(Kind::CheckpointPublished);
        let mut turn = Turn::default();
        let mut records = self.journal.iter(grown.tree.size());
        for _ in 0..TURN {
            if let Some(signed) = &signed
                && !grown.is_checked
                && grown.tree.size() == signed.size
            {
                if stoa_tlog::root(&grown.tree.reading(), signed.size)? == signed.root {
                    grown.is_checked = true;
                } else if grown.from_tiles {
                    // The tiles may be to blame: the journal alone decides.
                    grown.tree = begin_tiles(&self.dir)?;
                    grown.from_tiles = false;
                    return Ok(turn);
                } else {
                    return Err(Error::Inconsistent { size: signed.size });
                }
            }
            let Some(record) = records.next() else {
                turn.is_current = true;
                break;
            };
            let record = record?;
            grown.tree.append(hash(&record))?;
            let is_signed = signed
                .as_ref()
                .is_some_and(|signed| record.seq < signed.size);
            turn.news |= record.kind != own && !is_signed;
        }
        Ok(turn)
    }

    /// Signs what the tree has; nothing as long as it is not known to go on from what was signed.
    pub(super) fn sign(&self) -> Result<Option<Signed>, Error> {
        let mut grown = self.grown.write().unwrap_or_else(PoisonError::into_inner);
        if !grown.is_checked {
            return Ok(None);
        }
        grown.tree.sync()?;
        let size = grown.tree.size();
        let checkpoint = Checkpoint {
            origin: self.signer.name().to_owned(),
            size,
            root: stoa_tlog::root(&grown.tree.reading(), size)?,
        };
        let note = checkpoint.sign(&self.signer);
        file::write_durably(&self.dir.join("checkpoint"), &note, 0o644)?;
        let signed = Signed { checkpoint, note };
        let mut latest = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = Some(signed.clone());
        Ok(Some(signed))
    }
}
