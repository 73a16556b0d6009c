//! What all of a simulation shares: chance, the trace, and what went wrong.

use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// Where every choice of a run comes from, and where all that happens is written down.
pub(crate) struct World {
    rng: Mutex<fastrand::Rng>,
    trace: Mutex<(DefaultHasher, u64)>,
    failure: Mutex<Option<String>>,
    /// What belongs to no process: messages on their way, disks.
    tasks: TaskTracker,
    begun: Instant,
    shows: bool,
}

impl World {
    pub(super) fn new(seed: u64, shows: bool) -> Self {
        Self {
            rng: Mutex::new(fastrand::Rng::with_seed(seed)),
            trace: Mutex::default(),
            failure: Mutex::default(),
            tasks: TaskTracker::new(),
            begun: Instant::now(),
            shows,
        }
    }

    /// Chooses a number below `n`.
    pub(super) fn below(&self, n: u64) -> u64 {
        self.rng.lock().unwrap().u64(..n.max(1))
    }

    pub(super) fn between(&self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// Says yes in so many of a hundred cases.
    pub(super) fn percent(&self, n: u64) -> bool {
        self.below(100) < n
    }

    /// Chooses one of several.
    pub(super) fn one<'a, T>(&self, of: &'a [T]) -> Option<&'a T> {
        of.get(usize::try_from(self.below(of.len() as u64)).unwrap())
    }

    /// Chooses a pause: short as a rule, and now and then up to so many milliseconds.
    pub(super) fn delay(&self, most_ms: u64) -> Duration {
        let most = match self.below(10) {
            0..5 => most_ms.min(1),
            5..9 => most_ms / 10,
            _ => most_ms,
        };
        Duration::from_millis(self.below(most + 1))
    }

    pub(super) async fn sleep(&self, most_ms: u64) {
        tokio::time::sleep(self.delay(most_ms)).await;
    }

    pub(super) fn now_us(&self) -> i64 {
        i64::try_from(self.begun.elapsed().as_micros()).unwrap()
    }

    /// Writes down that something happened.
    pub(super) fn note(&self, what: &str, to: impl Hash + std::fmt::Debug) {
        let now_us = self.now_us();
        let (hasher, count) = &mut *self.trace.lock().unwrap();
        (now_us, what, &to).hash(hasher);
        *count += 1;
        if self.shows {
            eprintln!("{:>10} ms  {what} {to:?}", now_us / 1000);
        }
    }

    /// Returns a number that only the same run has, and how much happened.
    pub(super) fn trace(&self) -> (u64, u64) {
        let (hasher, count) = &*self.trace.lock().unwrap();
        (hasher.finish(), *count)
    }

    /// Writes down what must not happen; the first counts.
    pub(super) fn fail(&self, what: impl FnOnce() -> String) {
        let mut failure = self.failure.lock().unwrap();
        if failure.is_none() {
            *failure = Some(format!("at {} ms: {}", self.now_us() / 1000, what()));
        }
    }

    pub(super) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap().clone()
    }

    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }
}

/// Finds the ids of the events in a message or a record.
pub(super) fn ids(bytes: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let mut found: Vec<String> = Vec::new();
    for part in text.split("\"id\":\"").skip(1) {
        let id = part.split('"').next().unwrap_or_default();
        if found.last().is_none_or(|last| last != id) {
            found.push(id.to_owned());
        }
    }
    found
}
