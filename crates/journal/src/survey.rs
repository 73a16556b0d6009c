//! Walking a journal past its damage: what is whole, what is not, and what of it is known.
//!
//! Opening, reading and [`verify`](crate::verify()) stop at the first damage. This walk goes on: behind
//! a record that can't be read it looks for the next header that is whole.

mod walk;

use std::path::{Path, PathBuf};

use self::walk::{Walk, follows};
use crate::declaration::Declaration;
use crate::format::{Content, GENESIS, Hash, Links, RecordHeader, SegmentHeader, commitment};
use crate::{Error, Record, files, mark};

/// What something else than the journal knows of it.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// A sequence from which on records are kept.
    pub first: u64,
    /// A sequence before which all records were durable.
    pub next: u64,
}

impl Known {
    /// Nothing.
    pub const NOTHING: Known = Known {
        first: u64::MAX,
        next: 0,
    };
}

/// What a journal holds and what it lacks.
#[derive(Debug)]
pub struct Survey {
    pub(crate) dir: PathBuf,
    pub(crate) pieces: Vec<Piece>,
    /// What earlier repairs have left without content, and what is gone from the front: the next one
    /// declares it again, since the record of an earlier one may be what is damaged.
    pub(crate) absent: Declaration,
    /// The chain hash of the record before the first, if it is known.
    pub(crate) before: Option<Hash>,
    /// The first sequence that is kept.
    pub first: u64,
    /// The sequence behind the last record that is there or is known to have been.
    pub next: u64,
    /// What is damaged, in order.
    pub damage: Vec<Damage>,
    /// The bytes of an interrupted write at the end, which nobody was told of.
    pub unfinished_bytes: u64,
}

/// A place where a journal is damaged.
#[derive(Debug, Clone)]
pub struct Damage {
    /// The segment file.
    pub segment: PathBuf,
    /// Where in it, in bytes.
    pub offset: u64,
    /// The first record that is damaged.
    pub first: u64,
    /// The last one; none if it is something between the records, such as the segment's header.
    pub last: Option<u64>,
    /// What is wrong.
    pub reason: &'static str,
    /// The header, if it is there and only the payload is not.
    pub lost: Option<Lost>,
}

/// A record whose header is whole and whose payload is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost(RecordHeader);

impl Lost {
    pub(crate) fn of(header: RecordHeader) -> Self {
        Self(header)
    }

    /// Returns the sequence.
    pub fn seq(&self) -> u64 {
        self.0.seq
    }

    /// Returns what the payload was.
    pub fn kind(&self) -> u8 {
        self.0.kind
    }

    /// Returns when it was appended, in microseconds since 1970.
    pub fn time_us(&self) -> i64 {
        self.0.time_us
    }

    /// Returns the length of the payload.
    pub fn length(&self) -> u32 {
        self.0.length
    }

    /// Tells whether the payload had been erased or lost before: then it was zeros.
    pub fn is_erased(&self) -> bool {
        self.0.content != Content::Whole
    }

    /// Tells whether this was the payload, which the commitment proves.
    pub fn was(&self, payload: &[u8]) -> bool {
        payload.len() as u64 == u64::from(self.0.length)
            && commitment(&self.0.salt, payload) == self.0.commitment
    }
}

/// A segment of the repaired journal.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) first: u64,
    /// The file that there is.
    pub(crate) path: PathBuf,
    pub(crate) length: u64,
    /// Its header, if that is whole.
    pub(crate) header: Option<SegmentHeader>,
    pub(crate) spans: Vec<Span>,
}

/// Records of a segment, one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Span {
    /// They are whole, in these bytes of the file; the last of them.
    Kept {
        from: u64,
        to: u64,
        last: RecordHeader,
    },
    /// Its payload is not what it was.
    Lost(RecordHeader),
    /// Nothing of them can be read; the chain hash with which it resumes behind them.
    Gap {
        first: u64,
        last: u64,
        resumes: Option<Hash>,
    },
}

/// Walks a journal to its end, whatever is damaged. `visit` gets every record that is whole.
///
/// It takes no lock and writes nothing.
///
/// # Errors
/// [`Error::Damaged`] where the chain is broken though all checksums are right: that is no accident,
/// and nothing here mends it. [`Error::FormatVersion`] and [`Error::Io`].
pub fn survey(dir: &Path, known: Known, visit: &mut dyn FnMut(Record)) -> Result<Survey, Error> {
    let mark = mark::read(dir).map_err(Error::io("read the mark of", dir))?;
    let mut names = files::list_segments(dir).map_err(Error::io("list", dir))?;
    if names.iter().any(|(first, _)| *first == mark.first) {
        names.retain(|(first, _)| *first >= mark.first);
    }
    let oldest = names.first().map_or(u64::MAX, |(first, _)| *first);
    let first = match oldest.min(mark.first).min(known.first) {
        u64::MAX => 0,
        first => first,
    };
    let mut walk = Walk {
        survey: Survey {
            dir: dir.to_owned(),
            pieces: Vec::new(),
            absent: Declaration::default(),
            before: (first == 0).then_some(GENESIS),
            first,
            next: first,
            damage: Vec::new(),
            unfinished_bytes: 0,
        },
        known: known.next.max(mark.next),
        links: (first == 0).then(|| Links::new(GENESIS)),
        visit,
    };
    if let Some((oldest, path)) = names.first()
        && *oldest > first
        && first > 0
    {
        walk.missing_front(*oldest, path)?;
    }
    for (place, (first, path)) in names.iter().enumerate() {
        walk.missing_segment(*first);
        let limit = names.get(place + 1).map(|(first, _)| *first);
        let ends = walk.segment(*first, path, limit)?;
        if let Some((next, path)) = names.get(place + 1)
            && follows(path, *first)?
        {
            walk.gap(*next, Some((ends, "the records behind it are missing")));
        }
    }
    let known = walk.known;
    if walk.survey.pieces.is_empty() {
        walk.missing_segment(known);
    } else {
        walk.gap(known, None);
    }
    Ok(walk.survey)
}

impl Survey {
    /// Tells whether nothing is damaged.
    pub fn is_whole(&self) -> bool {
        self.damage.is_empty()
    }
}
