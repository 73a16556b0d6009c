//! What an entry of the log has of a record: enough to prove the record, and nothing of its words.
//!
//! `docs/archive-format.md` has the same to the byte.

use stoa_journal::Record;

/// Tells this format from others, and from other data that is signed.
const MAGIC: [u8; 8] = *b"stoa/v1\n";

/// The length of an entry.
pub(crate) const LENGTH: u16 = 61;
const BYTES: usize = LENGTH as usize;

/// An entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) seq: u64,
    pub(crate) time_us: i64,
    pub(crate) kind: u8,
    pub(crate) length: u32,
    pub(crate) commitment: [u8; 32],
}

/// Makes the entry of a record. It stays the same when the record's words are erased.
pub(crate) fn of(record: &Record) -> [u8; BYTES] {
    Leaf {
        seq: record.seq,
        time_us: record.time_us,
        kind: record.kind,
        length: record.length,
        commitment: record.commitment,
    }
    .encode()
}

impl Leaf {
    pub(crate) fn encode(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let parts: [&[u8]; 6] = [
            &MAGIC,
            &self.seq.to_le_bytes(),
            &self.time_us.to_le_bytes(),
            &[self.kind],
            &self.length.to_le_bytes(),
            &self.commitment,
        ];
        let all = parts.iter().copied().flatten();
        for (byte, from) in bytes.iter_mut().zip(all) {
            *byte = *from;
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&MAGIC)?;
        let (seq, rest) = rest.split_first_chunk()?;
        let (time_us, rest) = rest.split_first_chunk()?;
        let (kind, rest) = rest.split_first()?;
        let (length, rest) = rest.split_first_chunk()?;
        Some(Self {
            seq: u64::from_le_bytes(*seq),
            time_us: i64::from_le_bytes(*time_us),
            kind: *kind,
            length: u32::from_le_bytes(*length),
            commitment: rest.try_into().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_to_the_byte() {
        let leaf = Leaf {
            seq: 0x0102,
            time_us: -2,
            kind: 16,
            length: 0x0a0b_0c0d,
            commitment: [0xee; 32],
        };
        let bytes = leaf.encode();
        let mut expected = b"stoa/v1\n\x02\x01\0\0\0\0\0\0".to_vec();
        expected.extend([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 16]);
        expected.extend([0x0d, 0x0c, 0x0b, 0x0a]);
        expected.extend([0xee; 32]);
        assert_eq!(bytes[..], expected);
        assert_eq!(Leaf::decode(&bytes), Some(leaf));
        assert_eq!(Leaf::decode(&bytes[..60]), None);
        assert_eq!(Leaf::decode(&bytes[1..]), None);
        assert_eq!(Leaf::decode(&[&bytes[..], &[0]].concat()), None);
    }
}
