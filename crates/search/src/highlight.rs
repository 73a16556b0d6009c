//! Snippets: the part of a text where most of what was looked for is.

use std::collections::HashSet;
use std::ops::Range;

use crate::language::Language;
use crate::query::{Query, Term};
use crate::words::{Word, words};

/// Characters of a snippet, about.
const LENGTH: usize = 240;
/// Characters before the first mark of a snippet, about.
const BEFORE: usize = 60;
/// Bytes of a text that are looked through.
const LOOKED_AT: usize = 64 * 1024;
/// Stands where a text goes on.
const ELLIPSIS: char = '…';

/// A part of a text, and what of it was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// The part; an ellipsis stands where the text goes on, a space for a line's end.
    pub text: String,
    /// What was looked for, in code points of `text`, in order and without overlaps.
    pub ranges: Vec<Range<usize>>,
}

impl Snippet {
    /// Writes HTML: the text, escaped, with `<mark>` around what was looked for.
    pub fn html(&self) -> String {
        let mut html = String::with_capacity(self.text.len() + 64);
        let mut ranges = self.ranges.iter().peekable();
        for (at, c) in self.text.chars().enumerate() {
            if ranges.peek().is_some_and(|range| range.start == at) {
                html.push_str("<mark>");
            }
            match c {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '"' => html.push_str("&quot;"),
                '\'' => html.push_str("&#39;"),
                c => html.push(c),
            }
            if ranges.next_if(|range| range.end == at + 1).is_some() {
                html.push_str("</mark>");
            }
        }
        html
    }
}

/// Finds in texts what a query looks for.
#[derive(Debug, Default)]
pub struct Highlighter {
    words: HashSet<String>,
    /// The words that stems are made of, by language when one is known.
    stems: Vec<Word>,
    prefixes: Vec<String>,
    phrases: Vec<Vec<String>>,
}

impl Highlighter {
    /// Takes what a query looks for.
    pub fn new(query: &Query) -> Self {
        let mut wanted = Self::default();
        for term in query.wanted() {
            match term {
                Term::Word(word) => {
                    wanted.words.insert(word.plain());
                    wanted.stems.push(word.clone());
                }
                Term::Prefix(word) => wanted.prefixes.push(word.plain()),
                Term::Phrase(words) => {
                    wanted.phrases.push(words.iter().map(Word::plain).collect());
                }
            }
        }
        wanted
    }

    /// Cuts the part out of a text that has most of what is looked for; without any, its beginning.
    pub fn snippet(&self, text: &str, language: Option<&str>) -> Snippet {
        let looked_at = text.get(..text.floor_char_boundary(LOOKED_AT));
        let words = words(looked_at.unwrap_or_default());
        let marks = self.marks(&words, language.and_then(Language::of));
        cut(text, &words, &marks)
    }

    /// Lists the bytes of what is looked for, in order and without overlaps.
    fn marks(&self, words: &[Word], language: Option<Language>) -> Vec<Range<usize>> {
        let stemmer = language.map(Language::stemmer);
        let stems: HashSet<String> = match &stemmer {
            Some(stemmer) => self.stems.iter().map(|word| word.stem(stemmer)).collect(),
            None => HashSet::new(),
        };
        let plain: Vec<String> = words.iter().map(Word::plain).collect();
        let mut marked = vec![false; words.len()];
        let mut joined = vec![false; words.len()];
        for (place, word) in words.iter().enumerate() {
            let Some(text) = plain.get(place) else {
                continue;
            };
            let is_stem = || {
                let stem = stemmer.as_ref().map(|stemmer| word.stem(stemmer));
                stem.is_some_and(|stem| stems.contains(&stem))
            };
            let here = self.words.contains(text)
                || self.prefixes.iter().any(|begin| text.starts_with(begin))
                || !stems.is_empty() && is_stem();
            for mark in marked.iter_mut().skip(place).take(usize::from(here)) {
                *mark = true;
            }
            for phrase in &self.phrases {
                if plain
                    .get(place..)
                    .is_some_and(|rest| rest.starts_with(phrase))
                {
                    let places = marked.iter_mut().zip(&mut joined).skip(place);
                    for (nth, (mark, join)) in places.take(phrase.len()).enumerate() {
                        *mark = true;
                        *join |= nth > 0;
                    }
                }
            }
        }
        let mut marks: Vec<Range<usize>> = Vec::new();
        let places = words.iter().zip(marked.iter().zip(&joined));
        for (word, (_, joins)) in places.filter(|(_, (marked, _))| **marked) {
            match marks.last_mut().filter(|_| *joins) {
                Some(last) => last.end = word.to,
                None => marks.push(word.from..word.to),
            }
        }
        marks
    }
}

/// Cuts out a part between words.
fn cut(text: &str, words: &[Word], marks: &[Range<usize>]) -> Snippet {
    let end_of = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        let length = rest.char_indices().nth(LENGTH).map(|(at, _)| at);
        length.map_or(text.len(), |length| from + length)
    };
    let begin_before = |mark: usize| {
        let before = text.get(..mark).unwrap_or_default();
        let place = before.char_indices().rev().nth(BEFORE).map(|(at, _)| at);
        let earliest = place.unwrap_or(0);
        let mut begins = words.iter().map(|word| word.from);
        let begin = begins.find(|from| *from >= earliest).unwrap_or(mark);
        if place.is_none() { 0 } else { begin.min(mark) }
    };
    let inside = |from: usize, to: usize| {
        let within = move |mark: &&Range<usize>| mark.start >= from && mark.end <= to;
        marks.iter().filter(within)
    };
    // The part that begins before one of the marks and has most of them.
    let mut best = (0, 0, end_of(0));
    for mark in marks {
        let from = begin_before(mark.start);
        let to = end_of(from);
        let n_marks = inside(from, to).count();
        if n_marks > best.0 {
            best = (n_marks, from, to);
        }
    }
    let (_, from, to) = best;
    let to = if to == text.len() {
        to
    } else {
        let whole = words.iter().rev().map(|word| word.to);
        let end = whole.into_iter().find(|end| *end <= to);
        end.filter(|end| *end > from).unwrap_or(to)
    };
    let mut snippet = Snippet {
        text: String::new(),
        ranges: Vec::new(),
    };
    if from > 0 {
        snippet.text.push(ELLIPSIS);
    }
    let begin = text.get(from..to).unwrap_or_default();
    let shift = usize::from(from > 0);
    let place = |byte: usize| {
        let before = text.get(from..byte).unwrap_or_default();
        before.chars().count() + shift
    };
    snippet.ranges = inside(from, to)
        .map(|mark| place(mark.start)..place(mark.end))
        .collect();
    let visible = begin.chars().map(|c| if c.is_control() { ' ' } else { c });
    snippet.text.extend(visible);
    if to < text.len() {
        snippet.text.push(ELLIPSIS);
    }
    snippet
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn html(query: &str, text: &str, language: Option<&str>) -> String {
        let query = Query::parse(query).unwrap();
        Highlighter::new(&query).snippet(text, language).html()
    }

    #[test]
    fn what_is_marked() {
        for (query, text, language, expected) in [
            ("été", "L'ÉTÉ <b>", None, "L&#39;<mark>ÉTÉ</mark> &lt;b&gt;"),
            (
                "cheval",
                "des chevaux",
                Some("fr"),
                "des <mark>chevaux</mark>",
            ),
            ("cheval", "des chevaux", None, "des chevaux"),
            (
                "\"a b\" c*",
                "a a b, cd b",
                None,
                "a <mark>a b</mark>, <mark>cd</mark> b",
            ),
            ("a b", "a b", None, "<mark>a</mark> <mark>b</mark>"),
            ("a -b", "a\nb", None, "<mark>a</mark> b"),
            ("", "a", None, "a"),
        ] {
            let query = query.replace("c*", "cd*");
            assert_eq!(html(&query, text, language), expected, "{query}");
        }
    }

    #[test]
    fn a_long_text_is_cut_where_most_is() {
        let far = "mot ".repeat(200);
        let text = format!("{far}aiguille, et encore aiguille. {far}");
        let query = Query::parse("aiguille").unwrap();
        let snippet = Highlighter::new(&query).snippet(&text, Some("fr"));
        assert!(snippet.text.starts_with("…mot ") && snippet.text.ends_with("mot…"));
        assert!(snippet.text.chars().count() <= LENGTH + 2);
        assert_eq!(snippet.ranges.len(), 2);
        let first: String = snippet
            .text
            .chars()
            .skip(snippet.ranges[0].start)
            .take(snippet.ranges[0].len())
            .collect();
        assert_eq!(first, "aiguille");
    }

    proptest! {
        #[test]
        fn ranges_are_in_the_text(text in "\\PC{0,400}", query in "[a-zé ]{1,6}") {
            if let Ok(query) = Query::parse(&query) {
                let snippet = Highlighter::new(&query).snippet(&text, Some("fr"));
                let length = snippet.text.chars().count();
                let mut last = 0;
                for range in &snippet.ranges {
                    prop_assert!(range.start >= last && range.end > range.start);
                    last = range.end;
                }
                prop_assert!(last <= length);
                prop_assert_eq!(snippet.html().matches("<mark>").count(), snippet.ranges.len());
            }
        }
    }
}
