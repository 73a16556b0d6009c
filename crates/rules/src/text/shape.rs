//! What a text looks like: whom it names, what it quotes, and whether it is writing at all.

use super::boundary::is_word;

/// Names that are looked at: a text with more is spam by their number alone.
const MENTIONS: usize = 256;

/// Letters of the longest name that is taken for one.
const NAME_CHARS: usize = 64;

/// Letters of a word from which its vowels tell something.
const LONG: usize = 5;

/// Consonants in a row that no word of the languages in Latin letters has but a few.
const CONSONANTS: usize = 8;

/// The shape of a text.
#[derive(Debug, Default)]
pub(crate) struct Shape<'t> {
    /// The names behind `@`, without it.
    pub(crate) mentions: Vec<&'t str>,
    /// The share of the characters that stand in quoted lines, 0 to 1.
    pub(crate) quoted: f64,
    /// Shannon entropy of the characters, in bits a character.
    pub(crate) entropy: f64,
    /// The share of the letters that stand in words nobody could say, 0 to 1.
    pub(crate) gibberish: f64,
    /// The longest run of one character, white space apart.
    pub(crate) run: i64,
}

impl<'t> Shape<'t> {
    /// Looks at a text.
    pub(crate) fn of(text: &'t str) -> Self {
        Self {
            mentions: mentions(text),
            quoted: quoted(text),
            entropy: entropy(text),
            gibberish: gibberish(text),
            run: run(text),
        }
    }
}

fn mentions(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices('@') {
        if found.len() >= MENTIONS {
            break;
        }
        // In `a@example.org` it is part of an address.
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let rest = text.get(at + 1..).unwrap_or_default();
        let end = rest
            .char_indices()
            .find(|(_, c)| !is_word(*c) && !matches!(c, '_' | '-' | '.'))
            .map_or(rest.len(), |(end, _)| end);
        let name = rest
            .get(..end)
            .unwrap_or_default()
            .trim_end_matches(['.', '-']);
        let alone = before.is_none_or(|c| !is_word(c));
        if alone && !name.is_empty() && name.chars().count() <= NAME_CHARS {
            found.push(name);
        }
    }
    found
}

fn quoted(text: &str) -> f64 {
    let (mut all, mut quoted) = (0_u32, 0_u32);
    for line in text.lines() {
        let chars = u32::try_from(line.trim().chars().count()).unwrap_or(u32::MAX);
        all = all.saturating_add(chars);
        if line.trim_start().starts_with('>') {
            quoted = quoted.saturating_add(chars);
        }
    }
    share(quoted, all)
}

/// C. E. Shannon, *A Mathematical Theory of Communication*, 1948: −Σ p·log₂ p.
fn entropy(text: &str) -> f64 {
    let mut ascii = [0_u32; 128];
    let mut others = std::collections::HashMap::new();
    let mut all = 0_u32;
    for c in text.chars() {
        all = all.saturating_add(1);
        match ascii.get_mut(c as usize) {
            Some(count) => *count += 1,
            None => *others.entry(c).or_insert(0) += 1,
        }
    }
    let total = f64::from(all.max(1));
    let counts = ascii.into_iter().chain(others.into_values());
    let bits = counts.filter(|count| *count > 0).map(|count| {
        let p = f64::from(count) / total;
        -p * p.log2()
    });
    bits.sum::<f64>().max(0.0)
}

/// Words in Latin letters without vowels, or with more consonants in a row than can be said.
fn gibberish(text: &str) -> f64 {
    let (mut letters, mut odd) = (0, 0);
    for word in text.split(|c: char| !c.is_alphabetic()) {
        let n = u32::try_from(word.chars().count()).unwrap_or(u32::MAX);
        letters += n;
        if (n as usize) < LONG || !word.is_ascii() || word.bytes().all(|b| b.is_ascii_uppercase()) {
            continue;
        }
        let is_vowel = |b: u8| {
            matches!(
                b.to_ascii_lowercase(),
                b'a' | b'e' | b'i' | b'o' | b'u' | b'y'
            )
        };
        let vowels = word.bytes().filter(|b| is_vowel(*b)).count();
        let longest = word
            .as_bytes()
            .split(|b| is_vowel(*b))
            .map(<[u8]>::len)
            .max();
        if vowels * 12 < word.len() || longest >= Some(CONSONANTS) {
            odd += n;
        }
    }
    share(odd, letters)
}

fn run(text: &str) -> i64 {
    let (mut longest, mut current, mut last) = (0, 0, None);
    for c in text.chars() {
        current = if last == Some(c) { current + 1 } else { 1 };
        last = Some(c);
        if !c.is_whitespace() {
            longest = longest.max(current);
        }
    }
    longest
}

fn share(part: u32, all: u32) -> f64 {
    if all == 0 {
        0.0
    } else {
        f64::from(part) / f64::from(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_are_names_behind_a_sign_of_their_own() {
        let found = |text| Shape::of(text).mentions;
        assert_eq!(found("@Ana et @jean-luc_2, bravo !"), ["Ana", "jean-luc_2"]);
        assert_eq!(found("(@мария) @ana."), ["мария", "ana"]);
        assert!(found("a@example.org, @ seul, @@").is_empty());
    }

    #[test]
    fn quotes_runs_and_nonsense_are_measured() {
        let check = |text: &str, quoted: f64, run: i64, gibberish: bool| {
            let shape = Shape::of(text);
            assert!(
                (shape.quoted - quoted).abs() < 1e-9,
                "{text}: {}",
                shape.quoted
            );
            assert_eq!(
                (shape.run, shape.gibberish > 0.5),
                (run, gibberish),
                "{text}"
            );
        };
        check("", 0.0, 0, false);
        check("> abc\nabcde", 0.5, 1, false);
        check("nooooon", 0.0, 5, false);
        check("sdfkjhsdf qwrtpsdf", 0.0, 1, true);
        check("Rechtsschutz, rythme, strengths, NHTSA", 0.0, 2, false);
        check("приветствую всех", 0.0, 1, false);
    }

    #[test]
    fn entropy_is_in_bits_a_character() {
        let check = |text: &str, bits: f64| {
            let found = Shape::of(text).entropy;
            assert!((found - bits).abs() < 1e-9, "{text}: {found}");
        };
        check("", 0.0);
        check("aaaa", 0.0);
        check("abab", 1.0);
        check("éàéà", 1.0);
        check("abcd", 2.0);
    }
}
