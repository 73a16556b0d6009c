//! Leaving a scorer alone that fails.
//!
//! ```text
//! closed ──failures within a window──▶ open ──after a pause──▶ half open: one request tries
//!    ▲                                  ▲                          │
//!    └────────────── it succeeds ───────┼──────────────────────────┤
//!                                       └───────── it fails ───────┘
//! ```

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus::IntGauge;
use tokio::time::Instant;

#[derive(Debug)]
enum State {
    /// It is asked; when it failed lately.
    Closed(VecDeque<Instant>),
    /// It is left alone until then.
    Open(Instant),
    /// One request tries it.
    HalfOpen,
}

/// The breaker of one scorer.
#[derive(Debug)]
pub(super) struct Breaker {
    name: String,
    failures: usize,
    window: Duration,
    pause: Duration,
    state: Mutex<State>,
    open: IntGauge,
}

impl Breaker {
    pub(super) fn new(
        name: &str,
        failures: usize,
        window: Duration,
        pause: Duration,
        open: IntGauge,
    ) -> Self {
        Self {
            name: name.to_owned(),
            failures,
            window,
            pause,
            state: Mutex::new(State::Closed(VecDeque::new())),
            open,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a request through, or not.
    pub(super) fn enter(&self) -> Option<Pass<'_>> {
        let mut state = self.state();
        let is_probe = match &*state {
            State::Closed(_) => false,
            State::Open(until) if *until <= Instant::now() => {
                *state = State::HalfOpen;
                true
            }
            State::Open(_) | State::HalfOpen => return None,
        };
        Some(Pass {
            breaker: self,
            is_probe,
            is_told: false,
        })
    }

    fn succeeded(&self, is_probe: bool) {
        if is_probe {
            *self.state() = State::Closed(VecDeque::new());
            self.open.set(0);
            tracing::info!(scorer = self.name, "the scorer answers again");
        }
    }

    fn failed(&self, is_probe: bool) {
        let now = Instant::now();
        let mut state = self.state();
        match &mut *state {
            State::Closed(failures) => {
                failures.push_back(now);
                while failures
                    .front()
                    .is_some_and(|first| now.duration_since(*first) > self.window)
                {
                    failures.pop_front();
                }
                if failures.len() < self.failures {
                    return;
                }
                tracing::warn!(
                    scorer = self.name,
                    failures = failures.len(),
                    "the scorer fails: its scores are missing until it answers again"
                );
            }
            // A request that began before the breaker opened says nothing new.
            State::Open(_) => return,
            State::HalfOpen if !is_probe => return,
            State::HalfOpen => {}
        }
        *state = State::Open(now + self.pause);
        self.open.set(1);
    }
}

/// A request that was let through, to tell how it ended.
#[derive(Debug)]
pub(super) struct Pass<'b> {
    breaker: &'b Breaker,
    is_probe: bool,
    is_told: bool,
}

impl Pass<'_> {
    /// It was answered.
    pub(super) fn succeeded(mut self) {
        self.is_told = true;
        self.breaker.succeeded(self.is_probe);
    }

    /// It was not.
    pub(super) fn failed(mut self) {
        self.is_told = true;
        self.breaker.failed(self.is_probe);
    }
}

impl Drop for Pass<'_> {
    /// A request that nobody waited for leaves the try to the next one.
    fn drop(&mut self) {
        if self.is_probe && !self.is_told {
            *self.breaker.state() = State::Open(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Breaker {
        let open = IntGauge::new("open", "open").unwrap();
        let (window, pause) = (Duration::from_secs(10), Duration::from_secs(5));
        Breaker::new("x", 3, window, pause, open)
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_failures_and_closes_after_a_try_that_succeeds() {
        let breaker = breaker();
        for _ in 0..2 {
            breaker.enter().unwrap().failed();
        }
        // These two are forgotten by then.
        tokio::time::advance(Duration::from_secs(11)).await;
        for _ in 0..3 {
            breaker.enter().unwrap().failed();
        }
        assert!(breaker.enter().is_none());
        assert_eq!(breaker.open.get(), 1);
        tokio::time::advance(Duration::from_secs(5)).await;
        let probe = breaker.enter().unwrap();
        assert!(breaker.enter().is_none());
        probe.failed();
        assert!(breaker.enter().is_none());
        tokio::time::advance(Duration::from_secs(5)).await;
        // Given up, the try is the next one's.
        drop(breaker.enter().unwrap());
        breaker.enter().unwrap().succeeded();
        assert_eq!(breaker.open.get(), 0);
        let both = (breaker.enter(), breaker.enter());
        assert!(both.0.is_some() && both.1.is_some());
    }
}
