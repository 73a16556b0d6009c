//! What an operator is told of the bus's state.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The state of the bus, for readiness.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether every connection is up; always so on the embedded bus.
    pub connected: bool,
    /// Whether the broker takes nothing, for want of memory or disk.
    pub blocked: bool,
    /// Whether a message is retried again and again, holding up those behind it, or a queue or
    /// an exchange can't be used.
    pub stalled: bool,
    /// What is wrong, in words; empty if nothing is.
    pub detail: String,
}

impl Status {
    /// Returns the state as readiness: what is wrong is the reason against it.
    pub fn ready(&self) -> Result<(), String> {
        if self.connected && !self.blocked && !self.stalled {
            Ok(())
        } else {
            Err(self.detail.clone())
        }
    }
}

/// A connection to the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Publish,
    Consume,
}

impl Link {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Consume => "consume",
        }
    }
}

#[derive(Debug, Default)]
struct State {
    down: BTreeMap<&'static str, String>,
    blocked: BTreeMap<&'static str, String>,
    problems: BTreeMap<String, String>,
}

/// Collects the state from the bus's tasks.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<State>);

impl Health {
    /// Notes that a connection is down, and why; `None` once it is up.
    pub(crate) fn down(&self, link: Link, reason: Option<String>) {
        set(&mut self.lock().down, link.name(), reason);
    }

    /// Notes that a connection is blocked, and why; `None` once it is not.
    pub(crate) fn blocked(&self, link: Link, reason: Option<String>) {
        set(&mut self.lock().blocked, link.name(), reason);
    }

    /// Notes what is wrong with a queue, an exchange or a reader; `None` once nothing is.
    pub(crate) fn problem(&self, of: &str, reason: Option<String>) {
        set(&mut self.lock().problems, of.to_owned(), reason);
    }

    pub(crate) fn is_blocked(&self, link: Link) -> bool {
        self.lock().blocked.contains_key(link.name())
    }

    pub(crate) fn status(&self) -> Status {
        let state = self.lock();
        let down = state
            .down
            .iter()
            .map(|(link, reason)| format!("{link} connection: {reason}"));
        let blocked = state
            .blocked
            .iter()
            .map(|(link, reason)| format!("{link} connection: blocked by the broker: {reason}"));
        let problems = state
            .problems
            .iter()
            .map(|(of, reason)| format!("{of}: {reason}"));
        Status {
            connected: state.down.is_empty(),
            blocked: !state.blocked.is_empty(),
            stalled: !state.problems.is_empty(),
            detail: down
                .chain(blocked)
                .chain(problems)
                .collect::<Vec<_>>()
                .join("; "),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn set<K: Ord>(map: &mut BTreeMap<K, String>, key: K, reason: Option<String>) {
    match reason {
        Some(reason) => map.insert(key, reason),
        None => map.remove(&key),
    };
}
