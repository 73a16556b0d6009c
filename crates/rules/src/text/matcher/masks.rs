//! Terms by what can be seen of them when some of their letters are masked.

use std::collections::HashMap;

use crate::text::reading::{Kind, coarse};
use crate::text::skeleton::{Masked, character, is_star, units};

/// The terms of one number of letters, by their coarse readings.
#[derive(Debug, Default)]
struct OfLength {
    terms: Vec<(Box<[char]>, u32)>,
    /// The terms that have two letters at a place, or one.
    pairs: HashMap<(usize, char, char), Vec<u32>>,
    letters: HashMap<(usize, char), Vec<u32>>,
}

impl OfLength {
    /// Returns terms among which are all that have the letters that are seen: those that have the
    /// rarest two neighbours of them, or the rarest one if no two are neighbours.
    fn candidates(&self, seen: &[Option<char>]) -> &[u32] {
        let pairs = seen.windows(2).enumerate().filter_map(|(at, pair)| {
            let [Some(first), Some(second)] = *pair else {
                return None;
            };
            Some(self.pairs.get(&(at, first, second)))
        });
        let letters = seen
            .iter()
            .enumerate()
            .filter_map(|(at, letter)| Some(self.letters.get(&(at, (*letter)?))));
        rarest(pairs)
            .or_else(|| rarest(letters))
            .unwrap_or_default()
    }
}

/// Returns the shortest of some lists, of which those that are not there are empty.
fn rarest<'l>(lists: impl Iterator<Item = Option<&'l Vec<u32>>>) -> Option<&'l [u32]> {
    lists
        .map(|list| list.map_or(&[][..], Vec::as_slice))
        .min_by_key(|list| list.len())
}

/// Terms of one word that allow masks.
#[derive(Debug, Default)]
pub(super) struct Masks(HashMap<usize, OfLength>);

impl Masks {
    /// Adds a term by its letters.
    pub(super) fn add(&mut self, letters: &[char], number: u32) {
        let of_length = self.0.entry(letters.len()).or_default();
        let Ok(place) = u32::try_from(of_length.terms.len()) else {
            return;
        };
        let looks: Box<[char]> = letters.iter().copied().map(look).collect();
        for (at, letter) in looks.iter().enumerate() {
            let having = of_length.letters.entry((at, *letter));
            having.or_default().push(place);
            if let Some(next) = looks.get(at + 1) {
                let having = of_length.pairs.entry((at, *letter, *next));
                having.or_default().push(place);
            }
        }
        of_length.terms.push((looks, number));
    }

    /// Returns the terms that agree with what is seen of a masked word; what agrees in part alone is
    /// given as nothing, for the caller to count the work.
    pub(super) fn like(
        &self,
        text: &str,
        masked: Masked,
    ) -> impl Iterator<Item = Option<u32>> + '_ {
        let of_length = self.0.get(&masked.n_letters);
        let seen = of_length.map_or_else(Vec::new, |_| seen(text, masked));
        let candidates = of_length.map_or(&[][..], |of_length| of_length.candidates(&seen));
        let terms = candidates.iter().filter_map(move |place| {
            let terms = &of_length?.terms;
            terms.get(*place as usize)
        });
        terms.map(move |(looks, number)| {
            let agrees = |(seen, look): (&Option<char>, &char)| seen.is_none_or(|c| c == *look);
            seen.iter().zip(looks).all(agrees).then_some(*number)
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
