//! What people type into a search box.
//!
//! | written | meaning |
//! |---|---|
//! | `one two` | both words, wherever they stand, inflected or not |
//! | `"one two"` | these words as they are written, next to each other |
//! | `wor*` | words that begin so |
//! | `-word`, `-"one two"`, `NOT word` | without it |
//! | `one OR two` | either; it binds tighter than a space |
//!
//! Anything else is punctuation and parts words. What can't be meant is refused with its place.

use crate::words::{Word, words};

/// The longest query, in characters.
pub const MAX_CHARS: usize = 1_000;
/// The most words of a query.
pub const MAX_WORDS: usize = 64;
/// The fewest characters before a `*`.
const MIN_PREFIX: usize = 2;

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Of each group one must be there.
    pub(crate) groups: Vec<Vec<Term>>,
    /// None of these may be there.
    pub(crate) without: Vec<Term>,
}

/// One thing to look for.
#[derive(Clone, Debug)]
pub(crate) enum Term {
    /// A word, inflected or not.
    Word(Word),
    /// Words next to each other, as they are written.
    Phrase(Vec<Word>),
    /// The beginning of a word.
    Prefix(Word),
}

/// Why a query is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("character {place}: {reason}; {remedy}")]
pub struct Refusal {
    /// The character that it is about, from 1.
    pub place: usize,
    /// What is wrong.
    pub reason: String,
    /// What helps.
    pub remedy: &'static str,
}

impl Query {
    /// Reads a query; one of white space alone looks for everything.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let n_chars = text.chars().count();
        if n_chars > MAX_CHARS {
            let reason =
                format!("the query has {n_chars} characters, and {MAX_CHARS} is the limit");
            return Err(refusal(MAX_CHARS + 1, reason, "shorten it"));
        }
        let mut parser = Parser::default();
        for piece in pieces(text)? {
            parser.take(&piece)?;
        }
        parser.end(!text.trim().is_empty())
    }

    /// Whether nothing is looked for in particular.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Lists what may be found in a hit.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = &Term> {
        self.groups.iter().flatten()
    }
}

fn refusal(place: usize, reason: impl Into<String>, remedy: &'static str) -> Refusal {
    Refusal {
        place,
        reason: reason.into(),
        remedy,
    }
}

/// A part of a query between spaces, or between quotation marks.
#[derive(Debug)]
struct Piece {
    /// The place of its first character, from 1.
    place: usize,
    without: bool,
    quoted: bool,
    text: String,
}

/// Whether a character opens or closes a phrase; keyboards and word processors differ.
fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„' | '«' | '»')
}

fn pieces(text: &str) -> Result<Vec<Piece>, Refusal> {
    let mut pieces = Vec::new();
    let mut chars = text.chars().zip(1..).peekable();
    while let Some((c, place)) = chars.next() {
        if c.is_whitespace() || c.is_control() {
            continue;
        }
        let mut first = c;
        let without = c == '-'
            && chars
                .next_if(|(next, _)| !next.is_whitespace())
                .is_some_and(|(next, _)| {
                    first = next;
                    true
                });
        let quoted = is_quote(first);
        let mut text = String::new();
        if quoted {
            let mut closed = false;
            for (c, _) in chars.by_ref() {
                closed = is_quote(c);
                if closed {
                    break;
                }
                text.push(c);
            }
            if !closed {
                let reason = "the quotation mark is never closed";
                return Err(refusal(place, reason, "close it, or leave it out"));
            }
        } else {
            text.push(first);
            let goes_on = |(c, _): &(char, usize)| !c.is_whitespace() && !is_quote(*c);
            while let Some((c, _)) = chars.next_if(goes_on) {
                text.push(c);
            }
        }
        pieces.push(Piece {
            place,
            without,
            quoted,
            text,
        });
    }
    Ok(pieces)
}

#[derive(Debug, Default)]
struct Parser {
    query: Query,
    n_words: usize,
    /// The place of an `OR` that waits for what comes after it.
    or: Option<usize>,
    /// The place of a `NOT` that waits for what comes after it.
    not: Option<usize>,
    /// Whether the last piece was something that an `OR` can follow.
    joinable: bool,
    /// The places of the first `OR` and of the first parenthesis.
    any_or: Option<usize>,
    parenthesis: Option<usize>,
}

impl Parser {
    fn take(&mut self, piece: &Piece) -> Result<(), Refusal> {
        if !piece.quoted && !piece.without {
            match piece.text.as_str() {
                "AND" => return Ok(()),
                "NOT" => {
                    self.not = Some(piece.place);
                    return Ok(());
                }
                "OR" => return self.take_or(piece.place),
                _ => {}
            }
            if piece.text.starts_with('(') || piece.text.ends_with(')') {
                self.parenthesis.get_or_insert(piece.place);
            }
        }
        let terms = terms(piece)?;
        if terms.is_empty() {
            // It is punctuation.
            return Ok(());
        }
        self.count(piece.place, &terms)?;
        let without = piece.without || self.not.take().is_some();
        match (without, self.or.take()) {
            (true, Some(or)) => {
                let reason = "an excluded word can't be one of two";
                return Err(refusal(or, reason, "leave out the OR or the exclusion"));
            }
            (true, None) => self.query.without.extend(terms),
            (false, Some(_)) if terms.len() == 1 => {
                if let Some(group) = self.query.groups.last_mut() {
                    group.extend(terms);
                }
            }
            (false, Some(or)) => return Err(not_one(or)),
            (false, None) => {
                let groups = terms.into_iter().map(|term| vec![term]);
                self.query.groups.extend(groups);
            }
        }
        self.joinable = !without;
        Ok(())
    }

    fn take_or(&mut self, place: usize) -> Result<(), Refusal> {
        if self.or.is_some() || self.not.is_some() || !self.joinable {
            return Err(not_one(place));
        }
        self.any_or.get_or_insert(place);
        self.or = Some(place);
        Ok(())
    }

    fn count(&mut self, place: usize, terms: &[Term]) -> Result<(), Refusal> {
        let words = terms.iter().map(|term| match term {
            Term::Phrase(words) => words.len(),
            Term::Word(_) | Term::Prefix(_) => 1,
        });
        self.n_words += words.sum::<usize>();
        if self.n_words > MAX_WORDS {
            let reason = format!("{MAX_WORDS} words are the limit");
            return Err(refusal(place, reason, "leave some out"));
        }
        Ok(())
    }

    fn end(self, is_something: bool) -> Result<Query, Refusal> {
        if let Some(or) = self.or {
            return Err(not_one(or));
        }
        if let Some(not) = self.not {
            let reason = "nothing follows NOT";
            return Err(refusal(
                not,
                reason,
                "write in quotation marks what is a word",
            ));
        }
        if let (Some(place), Some(_)) = (self.parenthesis, self.any_or) {
            let reason = "parentheses group nothing: OR stands between the two next to it";
            return Err(refusal(place, reason, "leave them out, or search twice"));
        }
        if self.query.groups.is_empty() && is_something {
            let reason = if self.query.without.is_empty() {
                "there is no word in it"
            } else {
                "it only says what is not looked for"
            };
            return Err(refusal(1, reason, "add a word that is looked for"));
        }
        Ok(self.query)
    }
}

fn not_one(or: usize) -> Refusal {
    let reason = "OR needs one word or phrase on each side";
    refusal(or, reason, "add it, or write \"OR\" in quotation marks")
}

/// Reads the terms of a piece.
fn terms(piece: &Piece) -> Result<Vec<Term>, Refusal> {
    if piece.quoted {
        return Ok(phrase(words(&piece.text)).into_iter().collect());
    }
    let text = piece.text.trim_end_matches(')');
    if let Some(begin) = text.strip_suffix('*') {
        return prefix(piece.place, begin).map(|term| vec![term]);
    }
    let mut terms = Vec::new();
    let mut parts = text.split(['\'', '’']).peekable();
    while let Some(part) = parts.next() {
        let words = words(part);
        // What an apostrophe elides is no word to look for: `l'été`, `qu'on`, `d'Artagnan`.
        let elided = parts.peek().is_some() && part.chars().count() <= MIN_PREFIX;
        if elided && text.chars().count() > part.chars().count() + 1 {
            continue;
        }
        terms.extend(match <[Word; 1]>::try_from(words) {
            Ok([word]) => Some(Term::Word(word)),
            Err(words) => phrase(words),
        });
    }
    Ok(terms)
}

fn phrase(words: Vec<Word>) -> Option<Term> {
    (!words.is_empty()).then_some(Term::Phrase(words))
}

fn prefix(place: usize, begin: &str) -> Result<Term, Refusal> {
    let letters = |word: &Word| word.plain().chars().count();
    match <[Word; 1]>::try_from(words(begin)) {
        Ok([word]) if letters(&word) >= MIN_PREFIX => Ok(Term::Prefix(word)),
        Ok(_) => {
            let reason = format!("{MIN_PREFIX} letters are needed before *");
            Err(refusal(place, reason, "add a letter"))
        }
        Err(_) => {
            let reason = "a * stands for the rest of one word";
            Err(refusal(
                place,
                reason,
                "put it after a word, without a space",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn draw(term: &Term) -> String {
        match term {
            Term::Word(word) => word.plain(),
            Term::Prefix(word) => format!("{}*", word.plain()),
            Term::Phrase(words) => {
                let words: Vec<String> = words.iter().map(Word::plain).collect();
                format!("\"{}\"", words.join(" "))
            }
        }
    }

    /// Checks how a query is understood: groups parted by spaces, alternatives by `|`.
    fn check(text: &str, expected: &str) {
        let query = Query::parse(text).unwrap();
        let mut drawn: Vec<String> = Vec::new();
        for group in &query.groups {
            let terms: Vec<String> = group.iter().map(draw).collect();
            drawn.push(terms.join("|"));
        }
        drawn.extend(query.without.iter().map(|term| format!("-{}", draw(term))));
        assert_eq!(drawn.join(" "), expected, "{text:?}");
    }

    #[test]
    fn what_is_understood() {
        check("", "");
        check(" \t\n", "");
        check("Été  chaud", "ete chaud");
        check("\"le Grand\" jeu", "\"le grand\" jeu");
        check("«le grand» “jeu”", "\"le grand\" \"jeu\"");
        check("mod*", "mod*");
        check("un OR deux trois", "un|deux trois");
        check("un OR \"deux trois\" OR qu*", "un|\"deux trois\"|qu*");
        check(
            "un -deux -\"trois quatre\" NOT cinq",
            "un -deux -\"trois quatre\" -cinq",
        );
        check("un AND deux", "un deux");
        check("un - deux ... :)", "un deux");
        check("e-mail exa.mple", "\"e mail\" \"exa mple\"");
        check("l'été qu’il d'", "ete il d");
        check("aujourd'hui", "aujourd hui");
        check("(un deux)", "un deux");
        check("author:x \\ ^ ~ [a TO b]", "\"author x\" a to b");
        check("\u{202E}un\u{0}", "un");
    }

    /// Checks where a query is refused, and why.
    fn refused(text: &str, place: usize, reason: &str) {
        let refusal = Query::parse(text).unwrap_err();
        assert_eq!(refusal.place, place, "{text:?}: {refusal}");
        assert!(refusal.reason.contains(reason), "{text:?}: {refusal}");
    }

    #[test]
    fn what_is_refused() {
        refused("un \"deux", 4, "never closed");
        refused("-deux", 1, "only says what is not");
        refused("!!!", 1, "no word");
        refused("un OR", 4, "on each side");
        refused("OR un", 1, "on each side");
        refused("un OR OR deux", 7, "on each side");
        refused("un OR -deux", 4, "excluded");
        refused("un NOT", 4, "nothing follows");
        refused("un *", 4, "rest of one word");
        refused("u*", 1, "2 letters");
        refused("e-mai*", 1, "rest of one word");
        refused("(un deux) OR trois", 1, "parentheses");
        refused(&"(".repeat(10_000), 1_001, "10000 characters");
        refused(&"a ".repeat(65), 129, "64 words");
        let ors = vec!["a"; 1_000].join(" OR ");
        refused(&ors, 1_001, "limit");
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,40}|[ \"'*()OR«»\u{0}\u{202E}a-c-]{0,40}") {
            let parsed = Query::parse(&text);
            if let Err(refusal) = parsed {
                prop_assert!(refusal.place >= 1);
                prop_assert!(refusal.place <= text.chars().count().max(1));
            }
        }
    }
}
