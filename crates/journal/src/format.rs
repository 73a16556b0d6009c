//! The bytes of segments and records; `docs/journal-format.md` is the same in prose.
//!
//! All numbers are little-endian.

use sha2::{Digest, Sha256};

/// The first bytes of a segment: not text, and broken by line ending conversion.
pub(crate) const SEGMENT_MAGIC: [u8; 8] = *b"\x89STOAJ\r\n";
/// The first bytes of a record. They are not UTF-8, so no text payload can imitate a record.
pub(crate) const RECORD_MAGIC: [u8; 4] = [0xF7, b'r', b'c', 0xFF];
/// The format of segments, and the one of those that a repair wrote, which alone hold records that
/// are [`Content::Lost`], [`Content::Gap`] or [`Content::Repair`].
pub(crate) const FORMAT_VERSION: u16 = 1;
pub(crate) const REPAIRED_VERSION: u16 = 2;
/// The length of a segment's header.
pub(crate) const SEGMENT_HEADER: u64 = 96;
/// The length of a record's header.
pub(crate) const RECORD_HEADER: u64 = 120;

pub(crate) const SEGMENT_HEADER_LEN: usize = 96;
pub(crate) const RECORD_HEADER_LEN: usize = 120;

/// A SHA-256 hash.
pub(crate) type Hash = [u8; 32];
/// The random bytes that keep a redacted payload from being guessed.
pub(crate) type Salt = [u8; 16];

/// The chain hash before the first record.
pub(crate) const GENESIS: Hash = [0; 32];

/// The header of a segment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) version: u16,
    pub(crate) first: u64,
    pub(crate) created_us: i64,
    /// The chain hash of the record before `first`.
    pub(crate) previous_chain: Hash,
    /// The first sequence of the previous segment; equal to `first` if there was none.
    pub(crate) previous_first: u64,
    /// The length of the previous segment; 0 if there was none.
    pub(crate) previous_bytes: u64,
}

/// Why the bytes are not a segment header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadSegment {
    Damaged(&'static str),
    Version(u16),
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SEGMENT_HEADER_LEN);
        out.extend_from_slice(&SEGMENT_MAGIC);
        out.extend_from_slice(&self.version.to_le_bytes());
        out.extend_from_slice(&[0; 6]);
        out.extend_from_slice(&self.first.to_le_bytes());
        out.extend_from_slice(&self.created_us.to_le_bytes());
        out.extend_from_slice(&self.previous_chain);
        out.extend_from_slice(&self.previous_first.to_le_bytes());
        out.extend_from_slice(&self.previous_bytes.to_le_bytes());
        out.extend_from_slice(&[0; 12]);
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<SegmentHeader, BadSegment> {
        Self::parse(bytes).ok_or(BadSegment::Damaged("the segment header is cut short"))?
    }

    fn parse(bytes: &[u8]) -> Option<Result<SegmentHeader, BadSegment>> {
        let (covered, rest) = bytes.split_at_checked(SEGMENT_HEADER_LEN - 4)?;
        let (crc, _) = rest.split_first_chunk()?;
        let mut input = covered;
        if take(&mut input)? != SEGMENT_MAGIC {
            return Some(Err(BadSegment::Damaged("this is not a journal segment")));
        }
        if crc32c::crc32c(covered) != u32::from_le_bytes(*crc) {
            return Some(Err(BadSegment::Damaged(
                "the segment header's checksum is wrong",
            )));
        }
        let version = u16::from_le_bytes(take(&mut input)?);
        if !(FORMAT_VERSION..=REPAIRED_VERSION).contains(&version) {
            return Some(Err(BadSegment::Version(version)));
        }
        take::<6>(&mut input)?;
        Some(Ok(SegmentHeader {
            version,
            first: u64::from_le_bytes(take(&mut input)?),
            created_us: i64::from_le_bytes(take(&mut input)?),
            previous_chain: take(&mut input)?,
            previous_first: u64::from_le_bytes(take(&mut input)?),
            previous_bytes: u64::from_le_bytes(take(&mut input)?),
        }))
    }
}

/// What there is of a record, as its flags say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// All of it.
    Whole,
    /// The payload was erased; it is zeros.
    Redacted,
    /// The payload was damaged, and a repair could not restore it; it is zeros.
    Lost,
    /// Nothing: a repair put it where a record was. In the last one of several, the commitment is
    /// the chain hash of the record with which the chain resumes; in the others, and where none
    /// follows, it is zeros.
    Gap,
    /// All of it, and the payload says what a repair did.
    Repair,
}

impl Content {
    /// Every one, in the order of their flags.
    pub const ALL: [Self; 5] = [
        Self::Whole,
        Self::Redacted,
        Self::Lost,
        Self::Gap,
        Self::Repair,
    ];

    /// Returns the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Redacted => "redacted",
            Self::Lost => "lost",
            Self::Gap => "gap",
            Self::Repair => "repair",
        }
    }

    /// Whether the payload is there.
    pub fn has_payload(self) -> bool {
        matches!(self, Self::Whole | Self::Repair)
    }

    fn flags(self) -> u8 {
        match self {
            Self::Whole => 0,
            Self::Redacted => 1,
            Self::Lost => 2,
            Self::Gap => 4,
            Self::Repair => 8,
        }
    }

    fn of(flags: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|content| content.flags() == flags)
    }
}

/// The header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    pub(crate) payload_crc: u32,
    pub(crate) length: u32,
    pub(crate) seq: u64,
    pub(crate) time_us: i64,
    /// How many records of the same write came before this one.
    pub(crate) index: u32,
    pub(crate) kind: u8,
    pub(crate) content: Content,
    pub(crate) salt: Salt,
    pub(crate) commitment: Hash,
    pub(crate) chain: Hash,
}

impl RecordHeader {
    /// The first sequence of the write that this record was part of.
    pub(crate) fn group(&self) -> u64 {
        self.seq.saturating_sub(u64::from(self.index))
    }

    /// The length of the whole record.
    pub(crate) fn bytes(&self) -> u64 {
        RECORD_HEADER + u64::from(self.length)
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&RECORD_MAGIC);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.payload_crc.to_le_bytes());
        out.extend_from_slice(&self.length.to_le_bytes());
        out.extend_from_slice(&self.seq.to_le_bytes());
        out.extend_from_slice(&self.time_us.to_le_bytes());
        out.extend_from_slice(&self.index.to_le_bytes());
        out.push(self.kind);
        out.push(self.content.flags());
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(&self.commitment);
        out.extend_from_slice(&self.chain);
        let crc = crc32c::crc32c(out.get(start + 8..).unwrap_or_default());
        if let Some(place) = out.get_mut(start + 4..start + 8) {
            place.copy_from_slice(&crc.to_le_bytes());
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<RecordHeader, &'static str> {
        Self::parse(bytes).ok_or("the record is cut short")?
    }

    fn parse(bytes: &[u8]) -> Option<Result<RecordHeader, &'static str>> {
        let mut input = bytes.get(..RECORD_HEADER_LEN)?;
        if take(&mut input)? != RECORD_MAGIC {
            return Some(Err("there is no record here"));
        }
        if u32::from_le_bytes(take(&mut input)?) != crc32c::crc32c(input) {
            return Some(Err("the record header's checksum is wrong"));
        }
        let payload_crc = u32::from_le_bytes(take(&mut input)?);
        let length = u32::from_le_bytes(take(&mut input)?);
        let seq = u64::from_le_bytes(take(&mut input)?);
        let time_us = i64::from_le_bytes(take(&mut input)?);
        let index = u32::from_le_bytes(take(&mut input)?);
        let [kind, flags, ..] = take::<4>(&mut input)?;
        let Some(content) = Content::of(flags) else {
            return Some(Err("the record has flags of a newer version"));
        };
        Some(Ok(RecordHeader {
            payload_crc,
            length,
            seq,
            time_us,
            index,
            kind,
            content,
            salt: take(&mut input)?,
            commitment: take(&mut input)?,
            chain: take(&mut input)?,
        }))
    }
}

/// What the chain covers instead of the payload.
pub(crate) fn commitment(salt: &Salt, payload: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update(salt);
    hash.update(payload);
    hash.finalize().into()
}

/// The chain hash of a record, from the one before it.
///
/// It covers neither flags, checksums, salt nor payload, which a redaction changes, nor the write
/// that the record was part of, which says nothing about the content.
pub(crate) fn chain(previous: &Hash, header: &RecordHeader) -> Hash {
    let mut input = [0; 85];
    let parts: [&[u8]; 6] = [
        previous,
        &header.seq.to_le_bytes(),
        &header.time_us.to_le_bytes(),
        &[header.kind],
        &header.length.to_le_bytes(),
        &header.commitment,
    ];
    let places = input.iter_mut();
    for (place, byte) in places.zip(parts.into_iter().flatten()) {
        *place = *byte;
    }
    Sha256::digest(input).into()
}

/// Follows the chain from record to record, and over the gaps that repairs have left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Links {
    /// The chain hash of the last record.
    pub(crate) head: Hash,
    /// Behind a gap, the chain hash of the record with which the chain resumes.
    pub(crate) resumes: Option<Hash>,
}

impl Links {
    /// Begins behind the record that has this chain hash.
    pub(crate) fn new(head: Hash) -> Links {
        Links {
            head,
            resumes: None,
        }
    }

    /// Begins with a record that is trusted to continue the chain.
    pub(crate) fn at(header: &RecordHeader) -> Links {
        let resumes = header.content == Content::Gap && header.commitment != GENESIS;
        Links {
            head: header.chain,
            resumes: resumes.then_some(header.commitment),
        }
    }

    /// The chain hash that the next record has.
    pub(crate) fn next(&self, header: &RecordHeader) -> Hash {
        self.resumes.unwrap_or_else(|| chain(&self.head, header))
    }

    /// Goes on to the next record, and tells whether it continues the chain.
    pub(crate) fn follow(&mut self, header: &RecordHeader) -> bool {
        let continues = header.chain == self.next(header);
        if continues {
            *self = Links::at(header);
        }
        continues
    }
}

/// Takes the next `N` bytes.
pub(crate) fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = input.split_first_chunk::<N>()?;
    *input = tail;
    Some(*head)
}
