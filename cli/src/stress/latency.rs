//! Latencies, counted in a histogram that takes the same memory whatever the run.

use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;
use serde::Serialize;

/// Microseconds of the longest latency that is told apart: an hour.
const MOST: u64 = 3_600_000_000;

/// The latencies of one stage, to three digits.
pub(super) struct Stage(Mutex<Histogram<u64>>);

/// Points of a distribution, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Percentiles {
    /// Latencies that were counted.
    pub(super) count: u64,
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
    pub(super) p999: f64,
    pub(super) max: f64,
}

impl Stage {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self(Mutex::new(Histogram::new_with_bounds(1, MOST, 3)?)))
    }

    /// Counts a latency.
    pub(super) fn record(&self, micros: u64) {
        let mut histogram = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        histogram.saturating_record(micros);
    }

    /// Reads the distribution; `None` where nothing was counted.
    pub(super) fn percentiles(&self) -> Option<Percentiles> {
        let histogram = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a latency has far less than 2^52 us"
        )]
        let ms = |micros: u64| micros as f64 / 1_000.0;
        let at = |quantile| ms(histogram.value_at_quantile(quantile));
        (!histogram.is_empty()).then(|| Percentiles {
            count: histogram.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: ms(histogram.max()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_three_digits() {
        let stage = Stage::new().unwrap();
        assert_eq!(stage.percentiles(), None);
        for n in 1..=1_000 {
            stage.record(n * 1_000);
        }
        stage.record(0);
        let found = stage.percentiles().unwrap();
        assert_eq!(found.count, 1_001);
        for (found, expected) in [
            (found.p50, 500.0),
            (found.p90, 900.0),
            (found.p99, 990.0),
            (found.p999, 999.0),
            (found.max, 1_000.0),
        ] {
            assert!(
                (found - expected).abs() <= expected / 900.0,
                "{found} {expected}"
            );
        }
    }
}
