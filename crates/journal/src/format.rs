//! The bytes of segments and records; `docs/journal-format.md` is the same in prose.
//!
//! All numbers are little-endian.

use sha2::{Digest, Sha256};

/// The first bytes of a segment: not text, and broken by line ending conversion.
pub(crate) const SEGMENT_MAGIC: [u8; 8] = *b"\x89STOAJ\r\n";
/// The first bytes of a record. They are not UTF-8, so no text payload can imitate a record.
pub(crate) const RECORD_MAGIC: [u8; 4] = [0xF7, b'r', b'c', 0xFF];
/// The format that this program writes.
pub(crate) const FORMAT_VERSION: u16 = 1;
/// The length of a segment's header.
pub(crate) const SEGMENT_HEADER: u64 = 96;
/// The length of a record's header.
pub(crate) const RECORD_HEADER: u64 = 120;

pub(crate) const SEGMENT_HEADER_LEN: usize = 96;
pub(crate) const RECORD_HEADER_LEN: usize = 120;
const FLAG_REDACTED: u8 = 1;

/// A SHA-256 hash.
pub(crate) type Hash = [u8; 32];
/// The random bytes that keep a redacted payload from being guessed.
pub(crate) type Salt = [u8; 16];

/// The chain hash before the first record.
pub(crate) const GENESIS: Hash = [0; 32];

/// The header of a segment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
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
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
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
        if version != FORMAT_VERSION {
            return Some(Err(BadSegment::Version(version)));
        }
        take::<6>(&mut input)?;
        Some(Ok(SegmentHeader {
            first: u64::from_le_bytes(take(&mut input)?),
            created_us: i64::from_le_bytes(take(&mut input)?),
            previous_chain: take(&mut input)?,
            previous_first: u64::from_le_bytes(take(&mut input)?),
            previous_bytes: u64::from_le_bytes(take(&mut input)?),
        }))
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
    pub(crate) redacted: bool,
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
        out.push(if self.redacted { FLAG_REDACTED } else { 0 });
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
        if flags & !FLAG_REDACTED != 0 {
            return Some(Err("the record has flags of a newer version"));
        }
        Some(Ok(RecordHeader {
            payload_crc,
            length,
            seq,
            time_us,
            index,
            kind,
            redacted: flags & FLAG_REDACTED != 0,
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

/// Takes the next `N` bytes.
pub(crate) fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = input.split_first_chunk::<N>()?;
    *input = tail;
    Some(*head)
}
