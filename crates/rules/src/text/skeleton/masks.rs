//! Words in which signs may hide letters.

use super::{Masked, Skeleton, Word, character, coarse_of, is_money, is_star};
use crate::text::reading::Kind;

/// Words with masked letters that are looked at in one text.
const MASKED: usize = 256;

impl Skeleton {
    /// Notes what in a word may be a term with masked letters.
    pub(super) fn mask(&mut self, word: &Word<'_>) {
        let mut run: Option<Masked> = None;
        let mut visible = 0;
        let mut stars = 0;
        let (mut total, mut gaps) = (0, 0);
        let mut edges: Option<(usize, usize)> = None;
        let last = word.last_letter();
        let mut at = word.start;
        while at < word.end {
            let Some((c, len)) = character(word.text, at) else {
                break;
            };
            let kind = coarse_of(c).kind;
            let trails = kind == Kind::Sign && !is_money(c) && at > last;
            let letter = matches!(kind, Kind::Letter | Kind::Sign) && !trails;
            if letter {
                total += 1;
                edges = Some((edges.map_or(at, |(start, _)| start), at + len));
            } else if kind == Kind::Break && !is_star(c) && edges.is_some() && at + len < word.end {
                gaps += 1;
            }
            if letter || is_star(c) {
                visible += usize::from(letter);
                stars += usize::from(!letter);
                let (from, n_letters) = run.map_or((at, 0), |run| (run.start, run.n_letters));
                run = Some(Masked {
                    start: from,
                    end: at + len,
                    n_letters: n_letters + 1,
                });
            } else if kind == Kind::Break || trails {
                self.note(run.take(), visible, stars);
                (visible, stars) = (0, 0);
            }
            at += len;
        }
        self.note(run, visible, stars);
        if let Some((start, end)) = edges
            && gaps == 1
            && total >= 4
        {
            let n_letters = total + 1;
            self.note(
                Some(Masked {
                    start,
                    end,
                    n_letters,
                }),
                total,
                1,
            );
        }
    }

    fn note(&mut self, masked: Option<Masked>, visible: usize, stars: usize) {
        if let Some(masked) = masked
            && stars > 0
            && visible >= 2
            && visible * 2 >= masked.n_letters
        {
            if self.masked.len() < MASKED {
                self.masked.push(masked);
            } else {
                self.is_cut = true;
            }
        }
    }
}
