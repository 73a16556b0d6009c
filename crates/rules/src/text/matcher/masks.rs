//! Terms by what can be seen of them when some of their letters are masked.

use std::collections::HashMap;

use crate::text::reading::{Kind, coarse};
use crate::text::skeleton::{Masked, character, is_star, units};

/// The terms of one number of letters, by their coarse readings.
#[derive(Debug, Default)]
struct OfLength {
    forward: Vec<(Box<[char]>, u32)>,
    /// By the letters from the last to the first.
    backward: Vec<(Box<[char]>, u32)>,
}

/// Terms of one word that allow masks.
#[derive(Debug, Default)]
pub(super) struct Masks(HashMap<usize, OfLength>);

impl Masks {
    /// Adds a term by its letters.
    pub(super) fn add(&mut self, letters: &[char], number: u32) {
        let of_length = self.0.entry(letters.len()).or_default();
        let looks: Box<[char]> = letters.iter().copied().map(look).collect();
        let backward = looks.iter().rev().copied().collect();
        of_length.forward.push((looks, number));
        of_length.backward.push((backward, number));
    }

    /// Puts the terms in order; call it once all are there.
    pub(super) fn finish(&mut self) {
        for of_length in self.0.values_mut() {
            of_length.forward.sort_unstable();
            of_length.backward.sort_unstable();
        }
    }

    /// Returns the terms that agree with what is seen of a masked word. They are looked up by what is
    /// before its first mask or behind its last one, whichever is longer; what agrees with that part
    /// alone is given as nothing, for the caller to count the work.
    pub(super) fn like(
        &self,
        text: &str,
        masked: Masked,
    ) -> impl Iterator<Item = Option<u32>> + '_ {
        let seen = seen(text, masked);
        let of_length = self.0.get(&masked.n_letters);
        let before: Vec<char> = seen.iter().map_while(|letter| *letter).collect();
        let behind: Vec<char> = seen.iter().rev().map_while(|letter| *letter).collect();
        let backward = before.len() < behind.len();
        let (terms, part) = if backward {
            (of_length.map(|terms| &terms.backward), behind)
        } else {
            (of_length.map(|terms| &terms.forward), before)
        };
        let terms = terms.map_or(&[][..], Vec::as_slice);
        let from = terms.partition_point(|(looks, _)| **looks < *part);
        let terms = terms.get(from..).unwrap_or_default();
        let count = terms.partition_point(|(looks, _)| looks.starts_with(&part));
        let terms = terms.get(..count).unwrap_or_default();
        terms.iter().map(move |(looks, number)| {
            let agrees = |(seen, look): (&Option<char>, &char)| seen.is_none_or(|c| c == *look);
            let all = if backward {
                seen.iter().rev().zip(looks).all(agrees)
            } else {
                seen.iter().zip(looks).all(agrees)
            };
            all.then_some(*number)
        })
    }
}

/// The letters of a masked word, with nothing for what is masked.
fn seen(text: &str, masked: Masked) -> Vec<Option<char>> {
    let mut seen = Vec::with_capacity(masked.n_letters);
    let mut at = masked.start;
    while at < masked.end {
        let Some((c, len)) = character(text, at) else {
            break;
        };
        match coarse(c).kind {
            Kind::Mark | Kind::Invisible => {}
            Kind::Letter | Kind::Sign if !is_star(c) => seen.push(Some(look(c))),
            _ => seen.push(None),
        }
        at += len;
    }
    seen
}

/// What a letter looks like.
fn look(c: char) -> char {
    units(coarse(c).letters()).next().unwrap_or(c)
}
