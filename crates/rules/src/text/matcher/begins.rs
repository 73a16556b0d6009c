//! Whether any term begins as a word does: a quick no for nearly all words of a text.

/// The most entries, which are 512 KiB.
const MOST: usize = 1 << 17;
/// Bytes of a beginning that choose its entry; the next one chooses the bit.
const CHOOSE: usize = 3;
/// Mixes beginnings: 2^32 over the golden ratio (Knuth, The Art of Computer Programming 3, 6.4).
const MIX: u32 = 0x9e37_79b9;

/// A set of beginnings that may say yes for nothing, and never no.
#[derive(Debug)]
pub(super) struct Begins {
    /// By the first bytes of a word: a bit for each byte that may come next, several to a bit.
    entries: Vec<u32>,
    shift: u32,
    /// The patterns of two bytes, in order.
    shortest: Vec<[u8; 2]>,
}

impl Begins {
    /// Takes in patterns that begin with a space and two bytes at least.
    pub(super) fn new<'p>(patterns: impl Iterator<Item = &'p [u8]> + Clone) -> Self {
        let count = patterns.clone().count();
        let entries = (count / 2).next_power_of_two().clamp(1 << 8, MOST);
        let mut begins = Self {
            entries: vec![0; entries],
            shift: u32::BITS - entries.trailing_zeros(),
            shortest: Vec::new(),
        };
        for pattern in patterns {
            match pattern.get(1..).unwrap_or_default() {
                [first, second] => begins.shortest.push([*first, *second]),
                [first, second, third] => begins.add([*first, *second, *third], u32::MAX),
                [first, second, third, next, ..] => {
                    begins.add([*first, *second, *third], bit(*next));
                }
                _ => {}
            }
        }
        begins.shortest.sort_unstable();
        begins
    }

    fn add(&mut self, [first, second, third]: [u8; CHOOSE], bits: u32) {
        let place = self.place(u32::from_le_bytes([first, second, third, 0]));
        if let Some(entry) = self.entries.get_mut(place) {
            *entry |= bits;
        }
    }

    /// Whether a pattern may begin with the word that begins at a place.
    pub(super) fn may_begin(&self, coarse: &[u8], at: usize) -> bool {
        let Some(begins) = coarse.get(at..).and_then(<[u8]>::first_chunk::<4>) else {
            // So close to the end that it is not worth the while.
            return true;
        };
        let begins = u32::from_le_bytes(*begins);
        let entry = self.entries.get(self.place(begins)).copied();
        let [first, second, _, next] = begins.to_le_bytes();
        entry.unwrap_or_default() & bit(next) != 0
            || !self.shortest.is_empty() && self.shortest.binary_search(&[first, second]).is_ok()
    }

    /// The entry of the lowest three bytes.
    fn place(&self, begins: u32) -> usize {
        ((begins << 8).wrapping_mul(MIX) >> self.shift) as usize
    }
}

/// The bit of a byte: each small letter has one of its own.
fn bit(byte: u8) -> u32 {
    1 << (byte % 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pattern_begins_like_is_never_ruled_out_and_most_else_is() {
        let patterns = ["ab", "cd ", "discord ", "pute "].map(|term| format!(" {term}"));
        let begins = Begins::new(patterns.iter().map(String::as_bytes));
        let may = |text: &str| begins.may_begin(text.as_bytes(), 1);
        for text in [" ab", " abcd", " ab c", " cd e", " disco", " disc", " pute"] {
            assert!(may(text), "{text}");
        }
        let words = (0..10_000).map(|n| format!(" {n:05} "));
        let passed = words.filter(|word| may(word)).count();
        assert!(passed < 500, "{passed} of 10 000");
        assert!(!Begins::new([].into_iter()).may_begin(b" abcd", 1));
    }
}
