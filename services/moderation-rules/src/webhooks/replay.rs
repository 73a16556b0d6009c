//! Which events an operator wants sent again.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::{Then, Tried};
use super::state::{MAX_ROWS, Place};
use super::{ActError, Endpoint, Inner};
use crate::view::{DECISIONS, decision_key};

/// Records of the role's journal that one request looks at.
const MAX_RECORDS: u64 = 200_000;
/// Entries of the log that one request looks at: all.
const ALL: u64 = u64::MAX;

/// What is to be sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Replay {
    /// One event, by its id.
    Event(String),
    /// Everything that was recorded from one time until before another.
    Within { since: i64, until: i64 },
    /// Everything that was given up between these times, as far as the log goes back.
    GivenUp { since: i64, until: i64 },
}

/// What is sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Replayed {
    pub(crate) events: u64,
    /// From when on another request finds the rest, if there is more.
    pub(crate) next: Option<i64>,
}

/// Why nothing is sent again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    #[error(transparent)]
    Act(#[from] ActError),
    #[error("neither the log nor the decisions have this event for the endpoint")]
    NoEvent,
    #[error("as many events wait for the endpoint as may: wait until some are delivered")]
    Full,
    #[error("the journal can't be read")]
    Unreadable(#[from] anyhow::Error),
}

impl From<stoa_journal::Error> for ReplayError {
    fn from(error: stoa_journal::Error) -> Self {
        Self::Unreadable(error.into())
    }
}

/// Events as [`super::entry::Entry::Replayed`] has them.
type Found = Vec<(Place, u64, i64)>;

impl Inner {
    /// Finds what is to be sent again. Blocks on the disk.
    pub(super) fn find_again(
        &self,
        endpoint: &Endpoint,
        replay: &Replay,
    ) -> Result<(Found, Replayed), ReplayError> {
        let name = &endpoint.config.name;
        let waiting = self.store.with(name, |standing| standing.rows.len());
        let room = MAX_ROWS.saturating_sub(waiting.unwrap_or_default());
        if room == 0 {
            return Err(ReplayError::Full);
        }
        let (found, next) = match replay {
            Replay::Event(id) => (vec![self.find_event(endpoint, id)?], None),
            Replay::Within { since, until } => {
                self.find_within(endpoint, (*since, *until), room)?
            }
            Replay::GivenUp { since, until } => {
                self.find_given_up(endpoint, (*since, *until), room)?
            }
        };
        let events = found.len() as u64;
        Ok((found, Replayed { events, next }))
    }

    fn find_event(&self, endpoint: &Endpoint, id: &str) -> Result<(Place, u64, i64), ReplayError> {
        let name = &endpoint.config.name;
        let is_it = |tried: &Tried| tried.endpoint == *name && tried.event == id;
        let logged = self.store.log(None, (1, ALL), is_it)?.lines;
        let place = logged.first().and_then(|line| line.tried.place);
        // The event of a decision has the decision's id in it.
        let decision = id.strip_prefix("decided-").and_then(decision_key);
        let seq = match (place, decision) {
            (Some(place), _) => Some(place.0),
            (None, Some(key)) => {
                let found = self.index.view.get(&DECISIONS, &key);
                found.map_err(anyhow::Error::from)?
            }
            (None, None) => None,
        };
        let record = seq.map(|seq| self.journal.read_seq(seq)).transpose()?;
        let record = record.flatten().ok_or(ReplayError::NoEvent)?;
        let items = endpoint.filter.items(&record)?;
        let item = items.into_iter().find(|item| item.id == id);
        let item = item.ok_or(ReplayError::NoEvent)?;
        Ok((item.place, item.lane, item.since))
    }

    fn find_within(
        &self,
        endpoint: &Endpoint,
        (since, until): (i64, i64),
        room: usize,
    ) -> Result<(Found, Option<i64>), ReplayError> {
        let name = &endpoint.config.name;
        let read = self.store.with(name, |standing| standing.next);
        // What was not read yet is sent anyway.
        let end = self
            .journal
            .first_since(until)?
            .min(read.unwrap_or_default());
        let start = self.journal.first_since(since)?;
        let mut found = Found::new();
        for record in self.journal.iter(start) {
            let record = record?;
            if record.seq >= end {
                break;
            }
            let items = endpoint.filter.items(&record)?;
            if found.len() + items.len() > room || record.seq - start >= MAX_RECORDS {
                return Ok((found, Some(record.time_us)));
            }
            found.extend(items.iter().map(|item| (item.place, item.lane, item.since)));
        }
        Ok((found, None))
    }

    fn find_given_up(
        &self,
        endpoint: &Endpoint,
        (since, until): (i64, i64),
        room: usize,
    ) -> Result<(Found, Option<i64>), ReplayError> {
        let name = &endpoint.config.name;
        let is_own = |tried: &Tried| tried.endpoint == *name && tried.place.is_some();
        let lines = self.store.log(None, (usize::MAX, ALL), is_own)?.lines;
        // Newest first: what came of an event last counts.
        let mut seen = BTreeSet::new();
        let mut given_up = BTreeMap::new();
        for line in lines {
            let tried = line.tried;
            let Some(place) = tried.place.filter(|place| seen.insert(*place)) else {
                continue;
            };
            if tried.then == Then::GivenUp && (since..until).contains(&tried.at) {
                given_up.insert((tried.at, place), (place, tried.lane, tried.since));
            }
        }
        let next = given_up.keys().nth(room).map(|(at, _)| *at);
        Ok((given_up.into_values().take(room).collect(), next))
    }
}
