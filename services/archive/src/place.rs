//! Where an event is in the journal, as the view keeps it.

use serde::{Deserialize, Serialize};
use stoa_journal::Position;

/// A journal position that can be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The record's sequence number.
    pub(crate) seq: u64,
    /// Its offset in its segment.
    pub(crate) offset: u32,
}

impl From<Position> for Place {
    fn from(position: Position) -> Self {
        Self {
            seq: position.seq,
            offset: position.offset,
        }
    }
}

impl From<Place> for Position {
    fn from(place: Place) -> Self {
        Self {
            seq: place.seq,
            offset: place.offset,
        }
    }
}
