//! What the archive counts.
//!
//! Requests are counted by the HTTP listener, messages by the bus.

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
};
use stoa_proto::Kind;

/// The metrics of the archive; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    events: IntCounterVec,
    pub(crate) commit: Histogram,
    pub(crate) batch: Histogram,
    pub(crate) replayed: IntCounter,
    pub(crate) set_aside: IntCounter,
    pub(crate) journal_last: IntGauge,
    pub(crate) journal_bytes: IntGauge,
    kept: Kept,
    free_disk: IntGauge,
    age: HistogramVec,
    pub(crate) view_applied: IntGauge,
    pub(crate) read: HistogramVec,
    pub(crate) thread: Histogram,
    log_size: IntGauge,
    log_ok: IntGauge,
    checkpoints: IntCounter,
    pub(crate) redactions_open: IntGauge,
    pub(crate) redaction_failures: IntCounter,
}

/// The buckets of an event's age, in seconds; the second is what is promised of decisions.
const AGES: [f64; 15] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1_800.0, 7_200.0,
];

/// What became of an event, as a label.
pub(crate) const RESULTS: [&str; 3] = ["applied", "duplicate", "failed"];
/// What is read, as a label.
pub(crate) const READS: [&str; 6] = ["thread", "comment", "threads", "sites", "feed", "sitemap"];

/// What is known of what is kept.
#[derive(Clone, Debug)]
struct Kept {
    view_bytes: IntGauge,
    verified: IntGauge,
    backup: IntGauge,
}

impl Kept {
    fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let kept = Self {
            view_bytes: IntGauge::new("stoa_archive_view_bytes", "Bytes of the view on disk.")?,
            verified: IntGauge::new(
                "stoa_journal_verified_timestamp_seconds",
                "When the whole journal was last read and found whole; 0 before that.",
            )?,
            backup: IntGauge::new(
                "stoa_backup_last_success_timestamp_seconds",
                "When the last backup came to its end that left a note in the data folder; 0 if none did.",
            )?,
        };
        registry.register(Box::new(kept.view_bytes.clone()))?;
        registry.register(Box::new(kept.verified.clone()))?;
        registry.register(Box::new(kept.backup.clone()))?;
        Ok(kept)
    }
}

impl Metrics {
    /// Makes the metrics and registers them; every label that can occur is there from the start.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let seconds = prometheus::exponential_buckets(0.000_5, 2.0, 15)?;
        let counts = prometheus::exponential_buckets(1.0, 2.0, 12)?;
        let sizes = prometheus::exponential_buckets(1.0, 4.0, 10)?;
        let metrics = Self {
            events: IntCounterVec::new(
                Opts::new(
                    "stoa_archive_events_total",
                    "Events by kind and by what became of them.",
                ),
                &["kind", "result"],
            )?,
            commit: Histogram::with_opts(
                HistogramOpts::new(
                    "stoa_archive_commit_seconds",
                    "Time to check one batch for repeats, make it durable and apply it.",
                )
                .buckets(seconds.clone()),
            )?,
            batch: Histogram::with_opts(
                HistogramOpts::new(
                    "stoa_archive_batch_events",
                    "Events that were committed together.",
                )
                .buckets(counts),
            )?,
            replayed: IntCounter::new(
                "stoa_archive_replayed_records_total",
                "Journal records that were applied to the view at start.",
            )?,
            set_aside: IntCounter::new(
                "stoa_archive_view_set_aside_total",
                "Times that the view could not be used and was built again.",
            )?,
            journal_last: IntGauge::new(
                "stoa_archive_journal_last_seq",
                "Sequence number of the last durable record; -1 while there is none.",
            )?,
            journal_bytes: IntGauge::new(
                "stoa_archive_journal_bytes",
                "Bytes of the journal on disk.",
            )?,
            kept: Kept::new(registry)?,
            age: HistogramVec::new(
                HistogramOpts::new(
                    "stoa_event_age_seconds",
                    "Time from an event's acceptance by ingest to when a stage was durable.",
                )
                .buckets(AGES.to_vec()),
                &["stage"],
            )?,
            free_disk: IntGauge::new(
                "stoa_archive_free_disk_bytes",
                "Free disk where the journal is.",
            )?,
            view_applied: IntGauge::new(
                "stoa_archive_view_applied_seq",
                "Sequence number of the last record that the view has; -1 while there is none.",
            )?,
            read: HistogramVec::new(
                HistogramOpts::new(
                    "stoa_archive_read_seconds",
                    "Time to read what a request asks for, by what that is.",
                )
                .buckets(seconds),
                &["what"],
            )?,
            thread: Histogram::with_opts(
                HistogramOpts::new(
                    "stoa_archive_thread_comments",
                    "Comments held of threads that were read.",
                )
                .buckets(sizes),
            )?,
            log_size: IntGauge::new(
                "stoa_archive_log_signed_records",
                "Records that the latest checkpoint of the transparency log has.",
            )?,
            log_ok: IntGauge::new(
                "stoa_archive_log_ok",
                "Whether the transparency log goes on; 0 when it could not be written or signed.",
            )?,
            checkpoints: IntCounter::new(
                "stoa_archive_checkpoints_total",
                "Checkpoints that were signed.",
            )?,
            redactions_open: IntGauge::new(
                "stoa_archive_redactions_open",
                "Redactions that are asked for and not done.",
            )?,
            redaction_failures: IntCounter::new(
                "stoa_archive_redaction_failures_total",
                "Times that redactions did not go on; they are tried again.",
            )?,
        };
        metrics.log_ok.set(1);
        metrics.register(registry)?;
        metrics.fill_labels();
        Ok(metrics)
    }

    fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.events.clone()))?;
        registry.register(Box::new(self.commit.clone()))?;
        registry.register(Box::new(self.batch.clone()))?;
        registry.register(Box::new(self.replayed.clone()))?;
        registry.register(Box::new(self.set_aside.clone()))?;
        registry.register(Box::new(self.journal_last.clone()))?;
        registry.register(Box::new(self.journal_bytes.clone()))?;
        registry.register(Box::new(self.age.clone()))?;
        registry.register(Box::new(self.free_disk.clone()))?;
        registry.register(Box::new(self.view_applied.clone()))?;
        registry.register(Box::new(self.read.clone()))?;
        registry.register(Box::new(self.thread.clone()))?;
        registry.register(Box::new(self.log_size.clone()))?;
        registry.register(Box::new(self.log_ok.clone()))?;
        registry.register(Box::new(self.checkpoints.clone()))?;
        registry.register(Box::new(self.redactions_open.clone()))?;
        registry.register(Box::new(self.redaction_failures.clone()))
    }

    fn fill_labels(&self) {
        for kind in Kind::ALL {
            for result in RESULTS {
                self.events.with_label_values(&[kind.short(), result]);
            }
        }
        self.age.with_label_values(&["archived"]);
        for what in READS {
            self.read.with_label_values(&[what]);
        }
    }

    /// Notes how old an event was when it was archived, of the times at which it was accepted and now,
    /// both in microseconds.
    pub(crate) fn archived(&self, recorded: i64, now: i64) {
        let age = u64::try_from(now.saturating_sub(recorded)).unwrap_or_default();
        let age = std::time::Duration::from_micros(age).as_secs_f64();
        self.age.with_label_values(&["archived"]).observe(age);
    }

    /// Sets what is known of what was kept: the view's size, when the journal was verified, in
    /// microseconds, and when it was backed up, in seconds.
    pub(crate) fn kept(&self, view_bytes: u64, verified_us: Option<i64>, backup: i64) {
        self.kept
            .view_bytes
            .set(i64::try_from(view_bytes).unwrap_or(i64::MAX));
        self.kept
            .verified
            .set(verified_us.unwrap_or_default().div_euclid(1_000_000));
        self.kept.backup.set(backup);
    }

    /// Sets how much disk is free, where the system says so.
    pub(crate) fn free_disk(&self, bytes: Option<u64>) {
        if let Some(bytes) = bytes {
            self.free_disk.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
    }

    /// Sets what the latest checkpoint of the transparency log has.
    pub(crate) fn signed_records(&self, size: u64) {
        self.log_size.set(i64::try_from(size).unwrap_or(i64::MAX));
        self.log_ok.set(1);
    }

    /// Counts a checkpoint.
    pub(crate) fn signed(&self, size: u64) {
        self.checkpoints.inc();
        self.signed_records(size);
    }

    /// Says that the transparency log does not go on.
    pub(crate) fn log_stands_still(&self) {
        self.log_ok.set(0);
    }

    /// Counts an event.
    pub(crate) fn event(&self, kind: Kind, result: &str) {
        self.events.with_label_values(&[kind.short(), result]).inc();
    }

    /// Sets how far journal and view are; both numbers are the next one.
    pub(crate) fn progress(&self, journal_next: u64, journal_bytes: u64, view_next: u64) {
        let last = |next: u64| i64::try_from(next).unwrap_or(i64::MAX).saturating_sub(1);
        self.journal_last.set(last(journal_next));
        self.journal_bytes
            .set(i64::try_from(journal_bytes).unwrap_or(i64::MAX));
        self.view_applied.set(last(view_next));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_readme_lists_every_metric() {
        let registry = Registry::new();
        Metrics::new(&registry).unwrap();
        crate::search::metrics::Metrics::new(&registry).unwrap();
        let declared: BTreeSet<String> = registry
            .gather()
            .iter()
            .map(|family| family.name().to_owned())
            .collect();
        let documented: BTreeSet<String> = include_str!("../README.md")
            .lines()
            .filter_map(|line| line.strip_prefix("| `stoa_"))
            .filter_map(|line| line.split('`').next())
            .map(|name| format!("stoa_{name}"))
            .collect();
        assert_eq!(documented, declared);
    }
}
