//! What holds of any text: disguises are undone wherever they are put, and work grows with the text.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::select;

use crate::RuleSet;
use crate::text::boundary;
use crate::text::skeleton::Skeleton;

/// Words that the disguises are put on; none is part of another.
const TERMS: [&str; 8] = [
    "connard",
    "salope",
    "motherfucker",
    "wanker",
    "wichser",
    "hurensohn",
    "abruti",
    "jqxvdz",
];

/// Letters of UTS 39 that look like each Latin letter.
const CONFUSABLES: [(char, &str); 26] = [
    ('a', "аɑα"),
    ('b', "ЬƄᏏ"),
    ('c', "сϲᴄⅽ"),
    ('d', "ԁⅾᏧ"),
    ('e', "еҽ℮"),
    ('f', "ꬵꞙẝ"),
    ('g', "ɡցƍ"),
    ('h', "һհᏂ"),
    ('i', "іⅰ"),
    ('j', "јϳ"),
    ('k', "𝐤𝓀"),
    ('l', "ⅼӏ"),
    ('m', "ⅿ𝐦"),
    ('n', "ոռ"),
    ('o', "оοօ"),
    ('p', "рρ"),
    ('q', "ԛգ"),
    ('r', "гᴦ"),
    ('s', "ѕꜱ"),
    ('t', "𝐭𝓉"),
    ('u', "υսᴜ"),
    ('v', "νѵᴠ"),
    ('w', "ԝѡա"),
    ('x', "хⅹ"),
    ('y', "уγ"),
    ('z', "ᴢ"),
];

fn set(yaml: &str) -> RuleSet {
    let files = BTreeMap::from([("stoa.yaml".to_owned(), yaml.as_bytes().to_vec())]);
    RuleSet::from_sources(&files).unwrap_or_else(|errors| panic!("{errors}"))
}

static WORDS: LazyLock<RuleSet> = LazyLock::new(|| {
    set(&format!(
        "lists:\n  l: {{ terms: [{}], fold: full }}\nrules: []\n",
        TERMS.join(", ")
    ))
});

/// Checks that a disguised word is found between two others, and nothing else.
fn is_found(set: &RuleSet, written: &str) -> Result<(), TestCaseError> {
    let text = format!("un été {written} là-bas");
    let found: Vec<&str> = set
        .matcher
        .scan(&text)
        .found
        .iter()
        .map(|hit| text.get(hit.start as usize..hit.end as usize).unwrap())
        .collect();
    prop_assert_eq!(found, [written], "{:?}", text);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invisible_characters_anywhere_in_a_word_hide_nothing(
        term in select(&TERMS[..]),
        inserted in prop::collection::vec(
            (1_usize..12, select(&['\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{ad}',
                '\u{34f}', '\u{61c}', '\u{180e}', '\u{202d}', '\u{2066}', '\u{2069}', '\u{fe0f}', '\u{e0041}'][..])),
            1..20,
        ),
    ) {
        let mut written: Vec<char> = term.chars().collect();
        for (at, invisible) in inserted {
            // Inside: before the first letter and behind the last one it is no part of the word.
            let at = 1 + at % (written.len() - 1);
            written.insert(at, invisible);
        }
        is_found(&WORDS, &written.into_iter().collect::<String>())?;
    }

    #[test]
    fn case_hides_nothing(term in select(&TERMS[..]), upper in any::<u16>()) {
        let written: String = term
            .chars()
            .enumerate()
            .map(|(at, c)| if upper >> at & 1 == 1 { c.to_ascii_uppercase() } else { c })
            .collect();
        is_found(&WORDS, &written)?;
    }

    #[test]
    fn confusable_letters_hide_nothing(term in select(&TERMS[..]), choices in prop::collection::vec(0_usize..6, 12)) {
        let written: String = term
            .chars()
            .zip(&choices)
            .map(|(c, choice)| {
                let (_, alike) = CONFUSABLES.iter().find(|(latin, _)| *latin == c).unwrap();
                alike.chars().nth(*choice).unwrap_or(c)
            })
            .collect();
        is_found(&WORDS, &written)?;
    }

    #[test]
    fn the_coarse_reading_leads_back_to_characters_in_order(
        text in "\\PC{0,80}|[a-cA1@$*. <>&;#é\u{301}\u{200b}жс白ßœ\n]{0,120}|(abc|ab|&#97;|œu|<b>|ñ){0,80}"
    ) {
        let skeleton = Skeleton::of(&text);
        let mut last = 0;
        for at in 0..skeleton.coarse.len() {
            if skeleton.regions.iter().any(|(start, _)| *start == at) {
                last = 0;
            }
            let begins = skeleton.coarse[at] & 0xc0 != 0x80;
            if at < skeleton.base && skeleton.coarse[at] == b' ' || !begins {
                continue;
            }
            let original = skeleton.original(&text, at);
            prop_assert!(original.is_some(), "{at} of {:?}", skeleton.coarse);
            let original = original.unwrap_or_default();
            prop_assert!(text.is_char_boundary(original) && original <= text.len());
            if at < skeleton.base || skeleton.coarse[at] != b' ' {
                prop_assert!(original >= last, "{at}: {original} < {last} in {text:?}");
                last = original;
            }
        }
    }

    #[test]
    fn hits_are_whole_characters_and_whole_words(
        text in "[abAB01@$*. <>&;#'é\u{301}\u{200b}вс\n()-]{0,60}"
    ) {
        let set = set("lists: { l: { terms: [ab, aba, 'a b', bab, св, \"b'a\", 'ab-ba'], fold: full } }\nrules: []\n");
        for hit in set.matcher.scan(&text).found {
            let written = text.get(hit.start as usize..hit.end as usize);
            prop_assert!(written.is_some_and(|written| !written.is_empty()));
            prop_assert!(boundary::begins(&text, hit.start as usize), "{written:?} in {text:?}");
            prop_assert!(boundary::ends(&text, hit.end as usize), "{written:?} in {text:?}");
        }
    }
}

#[test]
fn every_latin_letter_has_confusables_that_are_read_as_it() {
    let mut wrong = Vec::new();
    for (latin, alike) in CONFUSABLES {
        for c in alike.chars() {
            let reading = crate::text::reading::coarse(c);
            if reading.letters() != [latin as u8] {
                wrong.push((latin, c));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Texts of one unit over and over.
const UNITS: [&str; 44] = [
    "a",
    "ab",
    "abc",
    "A",
    "a ",
    "a b ",
    "a.",
    "a. ",
    "a-",
    "a.b.",
    "a.b ",
    "a'",
    "a\u{301}",
    "\u{301}",
    "é",
    "aж",
    "aж ",
    "жa1",
    "a白",
    "白",
    "<b>",
    "a<b>",
    "a<b>b",
    "a<i x>",
    "<",
    "a<",
    "a<a",
    "&#101;",
    "a&",
    "&",
    "*",
    "a*",
    "a*b ",
    "**a",
    "0",
    "a0",
    "a1 ",
    "4 ",
    "@",
    "a@",
    "$a ",
    "\u{200b}",
    "a\u{200b}",
    "www.a/m3rde,",
];

/// Terms that the units come near to.
fn near() -> RuleSet {
    set("lists:\n  \
         words: { terms: [aa, ab, aba, 'a b', abab, abcabc, bab, жa, aж, 白, aie, aia, merde, 'a b a b'], fold: full }\n  \
         parts: { terms: [ab, ba, abcab, ea, aaa, 白白, ж, ae], fold: full, match: substring, except: [abba, 'ab [prefix]'] }\n\
         rules: []\n")
}

/// Terms that begin each other: a, ab, aba … up to 256 letters, in every way to match.
fn nested() -> RuleSet {
    let mut terms = Vec::new();
    let mut term = String::new();
    for at in 0..256 {
        term.push(if at % 2 == 0 { 'a' } else { 'b' });
        terms.push(term.clone());
    }
    let terms = terms.join(", ");
    set(&format!(
        "lists:\n  w: {{ terms: [{terms}], fold: full }}\n  p: {{ terms: [{terms}], fold: full, match: prefix }}\n  \
         s: {{ terms: [{terms}], fold: full, match: substring }}\nrules: []\n"
    ))
}

fn of_size(unit: &str, size: usize) -> String {
    unit.repeat(size.div_ceil(unit.len()))
}

#[test]
fn work_grows_with_the_text_and_no_faster() {
    let set = near();
    for unit in UNITS {
        let mut last = 0;
        for size in [1, 2, 4, 8, 16, 32, 64].map(|kib| kib * 1024) {
            let text = of_size(unit, size);
            let hits = set.matcher.scan(&text);
            assert!(
                hits.work <= 64 * text.len() + 1024,
                "{unit:?} of {size}: {} steps",
                hits.work
            );
            assert!(
                last == 0 || hits.work * 10 <= last * 22,
                "{unit:?} of {size}: {} steps after {last}",
                hits.work
            );
            last = hits.work;
        }
    }
}

#[test]
fn terms_within_terms_take_no_more_than_the_budget() {
    let set = nested();
    for unit in ["a", "ab", "a.b.", "a b ", "a*b*", "aab", "a<b>b", "abc "] {
        for size in [1, 16].map(|kib| kib * 1024) {
            let text = of_size(unit, size);
            let hits = set.matcher.scan(&text);
            // Each term may be looked at everywhere, and the budget stops it.
            let most = 2 * super::STEPS as usize + 8 * text.len();
            assert!(hits.work <= most, "{unit:?} of {size}: {} steps", hits.work);
            assert!(!hits.found.is_empty() || unit == "abc ", "{unit:?}");
        }
    }
}
