//! How much may wait for the broker before nothing more is accepted.
//!
//! Accepted events stay in the journal until the broker has them.
//! While it is away they pile up; the budget ends that before the disk is full.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stoa_bus::OutboxHandle;
use stoa_daemon::{Clock, Context};
use stoa_journal::Journal;

use crate::config::BudgetConfig;
use crate::metrics::Metrics;
use crate::view::Index;

/// How often readiness and gauges follow.
const PERIOD: Duration = Duration::from_secs(1);

/// How long a look at disk and age holds, in microseconds: both are asked for with every request.
const FRESH_US: i64 = 250_000;

/// A judgement, and when it was made.
type Judged = Option<(i64, Result<(), String>)>;

/// Judges whether there is room for more; clones share what they look at.
#[derive(Clone)]
pub(crate) struct Budget {
    config: BudgetConfig,
    journal: Journal,
    outbox: OutboxHandle,
    clock: Clock,
    judged: Arc<Mutex<Judged>>,
}

impl Budget {
    pub(crate) fn new(
        config: BudgetConfig,
        journal: Journal,
        outbox: OutboxHandle,
        clock: Clock,
    ) -> Self {
        Self {
            config,
            journal,
            outbox,
            clock,
            judged: Arc::default(),
        }
    }

    /// Says why nothing may be accepted, if so.
    pub(crate) fn check(&self) -> Result<(), String> {
        let waiting = self.outbox.pending_bytes();
        if waiting > self.config.bytes.get() {
            return Err(format!(
                "{waiting} bytes wait for the broker, the budget is {}",
                self.config.bytes
            ));
        }
        let now = self.clock.micros();
        let mut judged = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        match &*judged {
            Some((at, result)) if (*at..at.saturating_add(FRESH_US)).contains(&now) => {
                result.clone()
            }
            _ => {
                let result = self.check_age_and_disk(now);
                *judged = Some((now, result.clone()));
                result
            }
        }
    }

    fn check_age_and_disk(&self, now: i64) -> Result<(), String> {
        let age = self.outbox.oldest_age_us(now).unwrap_or_default();
        if u128::try_from(age).unwrap_or_default() > self.config.age.get().as_micros() {
            return Err(format!(
                "the oldest event has waited {} s for the broker, the budget is {}",
                age / 1_000_000,
                self.config.age
            ));
        }
        self.journal.room().map_err(|full| full.to_string())
    }

    /// Seconds after which a client may try again.
    pub(crate) fn retry_after(&self) -> u32 {
        u32::try_from(self.config.retry_after.get().as_secs())
            .unwrap_or(u32::MAX)
            .max(1)
    }

    /// Keeps readiness and gauges up to date until shutdown.
    pub(crate) async fn watch(
        self,
        context: Context,
        bus: stoa_bus::Bus,
        metrics: Metrics,
        index: Arc<Index>,
    ) -> anyhow::Result<()> {
        let mut connected = true;
        let mut ticks = tokio::time::interval(PERIOD);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = context.shutdown.cancelled() => return Ok(()),
            }
            let state = self.check();
            metrics.refusing.set(i64::from(state.is_err()));
            metrics
                .journal_bytes
                .set(i64::try_from(self.journal.bytes()).unwrap_or(i64::MAX));
            metrics
                .view_bytes
                .set(i64::try_from(index.bytes()).unwrap_or(i64::MAX));
            let verified = self.journal.verified_us().unwrap_or_default();
            metrics.verified.set(verified.div_euclid(1_000_000));
            if let Some(free) = self.journal.free_bytes() {
                metrics
                    .free_disk
                    .set(i64::try_from(free).unwrap_or(i64::MAX));
            }
            context.ready.set("budget", state);
            // Without a broker events are still accepted, so that is no reason to be unready.
            let status = bus.status();
            if connected != status.connected {
                connected = status.connected;
                if connected {
                    tracing::info!("the broker is back: what waited is published");
                } else {
                    tracing::warn!(
                        reason = status.detail,
                        "no broker: events are accepted and wait in the journal"
                    );
                }
            }
        }
    }
}
