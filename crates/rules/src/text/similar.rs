//! Whether two texts are the same but for a few changes.
//!
//! A text's print is a hash of its letters and digits, and a `SimHash` over its four-letter pieces
//! (M. Charikar, *Similarity Estimation Techniques from Rounding Algorithms*, 2002). Neither tells a
//! word of the text.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::fold::fold_term;

/// Letters of one piece.
const PIECE: usize = 4;

/// Letters from which two different texts can be the same but for a few changes; shorter ones must
/// have the same letters.
const LONG: u32 = 24;

/// Bits in which the `SimHash`es of two such texts differ at most: about one letter in twenty.
const DISTANCE: u32 = 12;

/// Letters from which a text has a print at all: `merci !` is written by everybody.
const LEAST: usize = 12;

/// What two texts are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Print {
    exact: u64,
    alike: u64,
    letters: u32,
}

impl Print {
    /// Makes the print of a text; `None` if it has too few letters to say anything.
    pub fn of(text: &str) -> Option<Self> {
        let folded = fold_term(text);
        let letters: Vec<char> = folded.chars().filter(|c| c.is_alphanumeric()).collect();
        if letters.len() < LEAST {
            return None;
        }
        let mut bytes = Vec::with_capacity(letters.len() * 2);
        let mut starts = Vec::with_capacity(letters.len() + 1);
        for letter in &letters {
            starts.push(bytes.len());
            let mut buffer = [0; 4];
            bytes.extend_from_slice(letter.encode_utf8(&mut buffer).as_bytes());
        }
        starts.push(bytes.len());
        let mut votes = [0_i32; 64];
        for edges in starts.windows(PIECE + 1) {
            let (Some(from), Some(to)) = (edges.first(), edges.last()) else {
                continue;
            };
            let hash = xxh3_64(bytes.get(*from..*to).unwrap_or_default());
            for (bit, vote) in votes.iter_mut().enumerate() {
                *vote += if hash >> bit & 1 == 1 { 1 } else { -1 };
            }
        }
        let alike = votes
            .iter()
            .enumerate()
            .filter(|(_, vote)| **vote > 0)
            .fold(0, |alike, (bit, _)| alike | 1 << bit);
        Some(Self {
            exact: xxh3_64(&bytes),
            alike,
            letters: u32::try_from(letters.len()).unwrap_or(u32::MAX),
        })
    }

    /// A number that texts with the same letters and digits share.
    pub fn exact(&self) -> u64 {
        self.exact
    }

    /// Whether the texts are the same but for a few changes.
    pub fn is_like(&self, other: &Self) -> bool {
        if self.exact == other.exact {
            return true;
        }
        let (short, long) = (
            self.letters.min(other.letters),
            self.letters.max(other.letters),
        );
        short >= LONG
            && u64::from(short) * 5 >= u64::from(long) * 4
            && (self.alike ^ other.alike).count_ones() <= DISTANCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(a: &str, b: &str) -> bool {
        Print::of(a).unwrap().is_like(&Print::of(b).unwrap())
    }

    const TEXT: &str = "Achetez vos montres de luxe à prix cassé sur notre boutique, livraison gratuite dans toute la France et paiement en trois fois sans frais !";

    #[test]
    fn small_changes_leave_a_text_the_same() {
        for other in [
            "ACHETEZ VOS MONTRES de luxe a prix casse sur notre boutique ; livraison gratuite dans toute la France, et paiement en trois fois sans frais.",
            "Achetez vos montres de luxe à prix cassé sur notre boutique, livraison gratuite dans toute la Belgique et paiement en trois fois sans frais !",
            "Bonjour, achetez vos montres de luxe à prix cassé sur notre boutique, livraison gratuite dans toute la France et paiement en trois fois sans frais !",
        ] {
            assert!(alike(TEXT, other), "{other}");
        }
        assert!(alike("vive la liberté !", "Vive  la LIBERTÉ"));
    }

    #[test]
    fn other_texts_are_others() {
        for other in [
            "Je ne suis pas d'accord avec cet article, qui oublie de dire que la livraison des vaccins dans toute la France a été gratuite et sans frais.",
            "Achetez vos montres",
            "Merci pour cet article très complet, cela fait plaisir de lire des journalistes qui prennent le temps de vérifier leurs sources avant d'écrire.",
        ] {
            assert!(!alike(TEXT, other), "{other}");
        }
        assert!(!alike("vive la liberté !", "vive la libertin"));
        assert_eq!(Print::of("merci !"), None);
    }
}
