//! What a repair writes down about itself: the payload of its record.
//!
//! All numbers are little-endian.

use std::ops::RangeInclusive;

use crate::format::{Hash, RecordHeader, take};

/// What a repair did, as its record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// The sequence of its record.
    pub seq: u64,
    /// When it was done, in microseconds since 1970.
    pub time_us: i64,
    /// The records that had been damaged.
    pub ranges: Vec<Repaired>,
    /// How many records stand right behind it that bring back what was gone.
    pub appended: u64,
}

/// Records that had been damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
    /// What became of them.
    pub outcome: Outcome,
}

/// What became of damaged records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// They are again what they were: the commitments of their headers prove it.
    Restored,
    /// Their headers are there, and their payloads are not.
    Lost,
    /// Nothing of them is there.
    Gone,
}

impl Outcome {
    /// Returns the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restored => "restored",
            Self::Lost => "lost",
            Self::Gone => "gone",
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Restored => 1,
            Self::Lost => 2,
            Self::Gone => 3,
        }
    }

    fn of(byte: u8) -> Option<Self> {
        [Self::Restored, Self::Lost, Self::Gone]
            .into_iter()
            .find(|outcome| outcome.byte() == byte)
    }
}

/// The payload of a repair's record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Declaration {
    pub(crate) ranges: Vec<Declared>,
    pub(crate) appended: u64,
}

/// A range with the chain hash of its last record: by it, the chain behind a gap covers what is
/// before the gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declared {
    pub(crate) repaired: Repaired,
    pub(crate) chain: Hash,
}

impl Declaration {
    /// Adds a record that follows those added before.
    pub(crate) fn add(&mut self, seqs: RangeInclusive<u64>, outcome: Outcome, chain: Hash) {
        let (first, last) = seqs.into_inner();
        if let Some(declared) = self.ranges.last_mut()
            && declared.repaired.outcome == outcome
            && declared.repaired.last + 1 == first
        {
            declared.repaired.last = last;
            declared.chain = chain;
            return;
        }
        let repaired = Repaired {
            first,
            last,
            outcome,
        };
        self.ranges.push(Declared { repaired, chain });
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = self.appended.to_le_bytes().to_vec();
        for Declared { repaired, chain } in &self.ranges {
            out.extend_from_slice(&repaired.first.to_le_bytes());
            out.extend_from_slice(&repaired.last.to_le_bytes());
            out.push(repaired.outcome.byte());
            out.extend_from_slice(chain);
        }
        out
    }

    pub(crate) fn decode(mut input: &[u8]) -> Option<Declaration> {
        let appended = u64::from_le_bytes(take(&mut input)?);
        let mut ranges = Vec::new();
        while !input.is_empty() {
            let first = u64::from_le_bytes(take(&mut input)?);
            let last = u64::from_le_bytes(take(&mut input)?);
            let [outcome] = take(&mut input)?;
            let repaired = Repaired {
                first,
                last,
                outcome: Outcome::of(outcome)?,
            };
            let chain = take(&mut input)?;
            ranges.push(Declared { repaired, chain });
        }
        Some(Declaration { ranges, appended })
    }

    /// Tells others what the record says.
    pub(crate) fn report(self, header: &RecordHeader) -> Repair {
        Repair {
            seq: header.seq,
            time_us: header.time_us,
            ranges: self
                .ranges
                .into_iter()
                .map(|range| range.repaired)
                .collect(),
            appended: self.appended,
        }
    }
}
