//! Where in a text other readings are worthwhile.

/// Letters that stand apart, from which they are read as a word.
const APART: u32 = 3;

/// What a word has that makes other readings of it worthwhile.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that is seen or not"
)]
pub(super) struct Oddities {
    pub(super) letters: u32,
    pub(super) apostrophes: u32,
    /// Signs or tags between its letters.
    pub(super) joined: bool,
    /// A sign that may hide a letter.
    pub(super) masked: bool,
    /// A digit or sign that stands for one letter or another, or for none.
    pub(super) ambiguous: bool,
    /// ASCII letters or digits.
    pub(super) ascii: bool,
    /// Cyrillic letters.
    pub(super) cyrillic: bool,
}

impl Oddities {
    /// Whether ASCII may stand for Cyrillic letters.
    pub(super) fn is_mixed(self) -> bool {
        self.ascii && self.cyrillic
    }
}

/// Where other readings are worthwhile.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) words: Vec<(usize, usize, Oddities)>,
    pub(super) apart: Vec<(usize, usize)>,
    /// The letters that stand apart up to here: from, to and how many.
    run: Option<(usize, usize, u32)>,
}

impl Places {
    /// Takes in what stands between two spaces.
    pub(super) fn word(&mut self, start: usize, end: usize, oddities: Oddities) {
        match (oddities.letters, self.run) {
            // Nothing, or punctuation alone, does not end a run of single letters.
            (0, _) => {}
            (1, None) => self.run = Some((start, end, 1)),
            (1, Some((from, _, n))) => self.run = Some((from, end, n + 1)),
            _ => self.end_run(),
        }
        if oddities.joined || oddities.masked || oddities.ambiguous || oddities.is_mixed() {
            self.words.push((start, end, oddities));
        }
    }

    pub(super) fn end_run(&mut self) {
        if let Some((from, to, n)) = self.run.take()
            && n >= APART
        {
            self.apart.push((from, to));
        }
    }
}
