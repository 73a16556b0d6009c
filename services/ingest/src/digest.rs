//! Short digests: the keys and the content marks of the view.
//!
//! The view holds no words, so what it compares are digests: SHA-256, cut to 16 bytes.
//! A collision by chance needs some 2⁶⁴ events within the duplicate window; one made on purpose
//! needs as many tries, because the hash is a cryptographic one.

use sha2::{Digest as _, Sha256};

/// The first 16 bytes of a SHA-256.
pub(crate) type Digest = [u8; 16];

/// Computes the digest of several parts; each is preceded by its length, so that no two lists of
/// parts are written alike.
pub(crate) fn of(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let full: [u8; 32] = hasher.finalize().into();
    full.first_chunk::<16>().copied().unwrap_or_default()
}

/// Writes a digest in hexadecimal, as it stands in ids.
pub(crate) fn hex(digest: Digest) -> String {
    format!("{:032x}", u128::from_be_bytes(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_can_not_be_shifted_into_each_other() {
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_ne!(of(&[b"ab"]), of(&[b"ab", b""]));
        assert_eq!(of(&[b"ab", b"c"]), of(&[b"ab", b"c"]));
    }

    #[test]
    fn hex_is_32_digits() {
        assert_eq!(hex([0; 16]), "0".repeat(32));
        let mut digest = [0; 16];
        digest[0] = 0xab;
        assert_eq!(hex(digest), format!("ab{}", "0".repeat(30)));
    }
}
