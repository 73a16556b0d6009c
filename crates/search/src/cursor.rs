//! Cursors: where the next page begins, for this search alone.
//!
//! A cursor is opaque to whoever holds it: base64url of
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version |
//! | 8 | digest of the search |
//! | 8 | value of the last hit: its score or its time |
//! | 8 | what parts it from equal ones |

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::plan::Filters;
use crate::rank::{Order, Rank};

/// Raised when ranks change their meaning.
const VERSION: u8 = 1;

/// Where the next page of a search begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    search: [u8; 8],
    pub(crate) rank: Rank,
}

/// Why a cursor is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCursor {
    /// It is no cursor.
    #[error("this is no cursor of a search: begin again without it")]
    Unreadable,
    /// It comes from another version of the program.
    #[error("the cursor is of another version of Stoa: begin again without it")]
    Version,
    /// It belongs to another search.
    #[error("the cursor is of another search: begin again without it, or search as before")]
    Foreign,
}

impl Cursor {
    pub(crate) fn new(search: [u8; 8], rank: Rank) -> Self {
        Self { search, rank }
    }

    /// Writes the cursor.
    pub fn write(&self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(self.search);
        bytes.extend(self.rank.value.to_be_bytes());
        bytes.extend(self.rank.tie.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor of the search that has this digest.
    pub(crate) fn read(text: &str, search: [u8; 8]) -> Result<Self, BadCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text);
        let bytes = bytes.map_err(|_| BadCursor::Unreadable)?;
        let (version, rest) = bytes.split_first().ok_or(BadCursor::Unreadable)?;
        if *version != VERSION {
            return Err(BadCursor::Version);
        }
        let rest: [u8; 24] = rest.try_into().map_err(|_| BadCursor::Unreadable)?;
        let (parts, _) = rest.as_chunks::<8>();
        let [of, value, tie] = parts else {
            return Err(BadCursor::Unreadable);
        };
        if *of != search {
            return Err(BadCursor::Foreign);
        }
        let rank = Rank {
            value: i64::from_be_bytes(*value),
            tie: u64::from_be_bytes(*tie),
        };
        Ok(Self::new(search, rank))
    }
}

/// Digests what makes a search: pages of equal searches follow each other.
pub(crate) fn digest(text: &str, filters: &Filters, order: Order) -> [u8; 8] {
    let mut hasher = Sha256::new();
    // No two searches are written the same way: strings are written with quotation marks.
    hasher.update(format!("{text:?}{filters:?}{order:?}").as_bytes());
    let full: [u8; 32] = hasher.finalize().into();
    full.first_chunk::<8>().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_for_one_search() {
        let search = digest("a", &Filters::default(), Order::Newest);
        let rank = Rank {
            value: -5,
            tie: u64::MAX,
        };
        let cursor = Cursor::new(search, rank);
        let written = cursor.write();
        assert_eq!(Cursor::read(&written, search), Ok(cursor));
        let filters = Filters {
            site: Some("a".to_owned()),
            ..Filters::default()
        };
        for other in [
            digest("b", &Filters::default(), Order::Newest),
            digest("a", &Filters::default(), Order::Oldest),
            digest("a", &filters, Order::Newest),
        ] {
            assert_eq!(Cursor::read(&written, other), Err(BadCursor::Foreign));
        }
        for (text, error) in [
            ("", BadCursor::Unreadable),
            ("?", BadCursor::Unreadable),
            ("AQ", BadCursor::Unreadable),
            ("Ag", BadCursor::Version),
        ] {
            assert_eq!(Cursor::read(text, search), Err(error), "{text}");
        }
    }
}
