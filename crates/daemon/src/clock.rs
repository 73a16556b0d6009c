//! The clock: a parameter, so that tests and replays decide what time it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

/// A shareable source of the current time, in microseconds since the Unix epoch.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Fixed(Arc<AtomicI64>),
}

/// A function that returns the time in microseconds since the Unix epoch.
///
/// It is what the mechanism crates take, so that they need not know this one.
pub type MicrosFn = Arc<dyn Fn() -> i64 + Send + Sync>;

impl Clock {
    /// The machine's wall clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still at `at` until [`Clock::advance`] moves it; for tests.
    pub fn fixed(at: Timestamp) -> Self {
        Self(Source::Fixed(Arc::new(AtomicI64::new(at.as_microsecond()))))
    }

    /// Moves a fixed clock, and every clone of it, forward; the system clock ignores it.
    pub fn advance(&self, by: Duration) {
        if let Source::Fixed(micros) = &self.0 {
            let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            micros.fetch_add(by, Ordering::SeqCst);
        }
    }

    /// The current time, to the microsecond.
    pub fn now(&self) -> Timestamp {
        // What is outside jiff's years (−9999 to 9999) is not a time that a clock can show.
        Timestamp::from_microsecond(self.micros()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The current time in microseconds since the Unix epoch.
    pub fn micros(&self) -> i64 {
        match &self.0 {
            Source::System => system_micros(),
            Source::Fixed(micros) => micros.load(Ordering::SeqCst),
        }
    }

    /// This clock as the function that journals and the bus take.
    pub fn micros_fn(&self) -> MicrosFn {
        let clock = self.clone();
        Arc::new(move || clock.micros())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the wall clock is read: everything else takes a Clock"
)]
fn system_micros() -> i64 {
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => {
            i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_moves_only_when_told() {
        let at: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let clock = Clock::fixed(at);
        let micros = clock.micros_fn();
        assert_eq!(clock.now(), at);
        clock.advance(Duration::from_millis(1500));
        assert_eq!(clock.now().to_string(), "2026-11-24T12:00:01.5Z");
        assert_eq!(micros(), at.as_microsecond() + 1_500_000);
    }

    #[test]
    fn the_system_clock_is_past_the_day_it_was_written() {
        let written: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        assert!(Clock::system().now() > written);
    }
}
