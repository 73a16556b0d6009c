//! Any text against any terms: the lines before the first empty one are the list.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stoa_fuzz::{judge, load};

const RULES: &str = r#"
lists:
  words: { file: list.txt, fold: full, except: [class, "véhicule [prefix]"] }
  parts: { file: list.txt, fold: full, match: substring }
  cased: { file: list.txt, fold: case, accents: keep }
  exact: { file: list.txt, fold: none, match: prefix }
rules:
  - { id: words, when: 'comment.text.hits("words")', then: { verdict: hold } }
  - { id: parts, when: 'comment.text.hits("parts")', then: { verdict: hold } }
  - { id: cased, when: 'comment.text.hits("cased")', then: { verdict: hold } }
  - { id: exact, when: 'comment.text.hits("exact") && author.name.hits("words")', then: { verdict: hold } }
"#;

fuzz_target!(|input: &str| {
    let (list, text) = input
        .split_once("\n\n")
        .unwrap_or(("merde\nson of a bitch", input));
    if let Ok(set) = load(RULES, list.as_bytes()) {
        judge(&set, text);
    }
});
