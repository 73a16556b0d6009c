//! Finding what a damaged journal held among events that others still have.
//!
//! Where a record's header is whole, its commitment proves which event it was, byte by byte. Where
//! nothing is left of a record, every event that the archive does not have may be the one: it is
//! appended anew, since the archive's order is not that of the events.
//!
//! **Invariant:** what was erased is not brought back. An erased record has lost its id; so no event of
//! the same type and length as an erased one is appended, and none whose length the archive would not
//! have known it by.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use bytes::Bytes;
use serde::Deserialize;
use stoa_journal::{Entry, Known, Lost, Record, Survey};
use stoa_proto::Event;
use stoa_store::View;

use crate::fact::{Digest, digest};
use crate::record;
use crate::view::FORMAT;

/// What others have of what an archive lacks.
#[derive(Debug, Default)]
pub struct Salvage {
    /// The events that are whole.
    known: HashSet<Digest>,
    /// Types and lengths of those that were erased.
    erased: HashSet<(u8, u32)>,
    /// Records that wait for their payloads, by length.
    lost: HashMap<u32, Vec<Lost>>,
    /// Whether there are records of which nothing is left.
    has_gaps: bool,
    /// What was found of records whose headers are whole, by sequence.
    pub restored: HashMap<u64, Bytes>,
    /// What the archive lacks beside that.
    pub appended: Vec<Entry>,
    /// Events that were left out because they may have been erased.
    pub withheld: u64,
    /// Lines that were left out because they are no events as an archive keeps them.
    pub foreign: u64,
}

/// Who offers an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A role's journal has it as it was published.
    Journal,
    /// It is in a file that anybody may have written.
    File,
}

/// What tells an event from others.
#[derive(Deserialize)]
struct Name<'a> {
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
}

fn name(event: &[u8]) -> Option<Digest> {
    let name: Name<'_> = serde_json::from_slice(event).ok()?;
    Some(digest(&[&name.source, &name.id]))
}

impl Salvage {
    /// Takes in a record that is whole.
    pub fn keep(&mut self, record: &Record) {
        if record.redacted {
            self.erased.insert((record.kind, record.length));
        } else {
            self.known.extend(name(&record.payload));
        }
    }

    /// Takes in what is damaged, after the records that are whole.
    pub fn need(&mut self, survey: &Survey) {
        for damage in &survey.damage {
            match damage.lost {
                Some(lost) => self.lost.entry(lost.length()).or_default().push(lost),
                None => self.has_gaps |= damage.last.is_some(),
            }
        }
    }

    /// Takes in an event that somebody else has, as structured JSON.
    pub fn offer(&mut self, event: &Bytes, source: Source) {
        let Ok(length) = u32::try_from(event.len()) else {
            return;
        };
        if let Some(waiting) = self.lost.get_mut(&length)
            && let Some(place) = waiting.iter().position(|lost| lost.was(event))
        {
            let lost = waiting.swap_remove(place);
            self.restored.insert(lost.seq(), event.clone());
            self.known.extend(name(event));
            return;
        }
        if !self.has_gaps {
            return;
        }
        // What can't be read would keep the archive from starting, or from showing a thread.
        let (Some(name), Ok(read)) = (name(event), Event::from_json(event)) else {
            self.foreign += 1;
            return;
        };
        if self.known.contains(&name) {
            return;
        }
        if source == Source::File && !is_as_kept(&read, event) {
            self.foreign += 1;
            return;
        }
        self.known.insert(name);
        let kind = record::byte(read.kind());
        if self.erased.contains(&(kind, length)) {
            self.withheld += 1;
            return;
        }
        self.appended.push(Entry {
            kind,
            payload: event.clone(),
        });
    }
}

/// Whether an event is byte by byte as Stoa writes it: accepted by ingest, if a platform has sent it.
fn is_as_kept(read: &Event, event: &Bytes) -> bool {
    let is_accepted = read.recordedtime.is_some() || !read.kind().is_inbound();
    is_accepted && read.to_json() == event
}

/// Returns what an archive's folder knows of its journal: no record is ever dropped, and the view has
/// a position.
///
/// It blocks, and fails if the archive is running.
pub fn known(data_dir: &Path) -> anyhow::Result<Known> {
    let options = stoa_store::Options {
        format: FORMAT,
        ..stoa_store::Options::default()
    };
    let position = View::position(&data_dir.join("view"), options)?;
    Ok(Known {
        first: 0,
        next: position.unwrap_or_default(),
    })
}
