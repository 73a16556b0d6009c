//! An event as a role receives it from another one.

use std::ops::Deref;

use bytes::Bytes;

use crate::Event;

/// An event together with the JSON that it was read from.
///
/// What a role keeps or passes on is what was published, byte for byte, and is not written anew.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    event: Event,
    json: Bytes,
}

impl Received {
    pub(crate) fn new(event: Event, json: Bytes) -> Self {
        Self { event, json }
    }

    /// Returns the event.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Returns the event as structured JSON.
    pub fn json(&self) -> &Bytes {
        &self.json
    }
}

impl Deref for Received {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.event
    }
}

impl From<Event> for Received {
    /// Writes the event as JSON.
    fn from(event: Event) -> Self {
        let json = event.to_json();
        Self { event, json }
    }
}
