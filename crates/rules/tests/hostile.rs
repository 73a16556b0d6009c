//! Input that is made to hurt: bounded work, and a right answer or a clear error.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;
use stoa_rules::{AuthorFacts, Errors, Input, Link, RuleSet, Verdict};

fn load(yaml: &str, list: &[u8]) -> Result<RuleSet, Errors> {
    let files = BTreeMap::from([
        ("stoa.yaml".to_owned(), yaml.as_bytes().to_vec()),
        ("list.txt".to_owned(), list.to_vec()),
    ]);
    RuleSet::from_sources(&files)
}

fn input<'a>(text: &'a str, links: &'a [Link<'a>]) -> Input<'a> {
    Input {
        site: "s",
        article: "a",
        comment: "c",
        text,
        html: false,
        links,
        language: None,
        language_confidence: f32::NAN,
        author: AuthorFacts {
            id: "u",
            display_name: Some(text),
            approved: u64::MAX,
            joined_at: Some(i64::MIN),
            first_seen: Some(i64::MAX),
            ..AuthorFacts::default()
        },
        parent: None,
        depth: u32::MAX,
        depth_known: true,
        revision: u32::MAX,
        article_published_at: Some(i64::MIN),
        submitted_at: i64::MIN,
        now: i64::MAX,
    }
}

const ALL_FACTS: &str = r#"
lists:
  words: { terms: [a, aa, aaa, é, "a b", ж, 白痴, "'", ss] }
  parts: { terms: [a, aa, é, s], match: substring }
  exact: { terms: [aa, é], fold: none }
  rx: { terms: ['(a|aa)+$', '(\w+\s?)+!', '\p{L}{10}x'], match: regex, fold: case }
  hosts: { terms: [a.a, bit.ly], match: domain }
rules:
  - { id: words, when: 'comment.text.hits("words") && comment.text.hit_count("words") > 0', then: { labels: [w] } }
  - { id: parts, when: 'comment.text.hits("parts")', then: { labels: [p] } }
  - { id: exact, when: 'comment.text.hits("exact")', then: { labels: [e] } }
  - { id: rx, when: 'comment.text.hits("rx") || comment.text.hit_count("rx") > 2', then: { labels: [r] } }
  - { id: hosts, when: 'comment.links.hits("hosts") || comment.links.exists(x, comment.links.exists(y, x + "/" == y))', then: { labels: [h] } }
  - { id: name, when: 'author.name.hits("words") || author.name.lower() == comment.text.lower()', then: { labels: [n] } }
  - { id: stats, when: 'comment.length + comment.words + comment.emoji > 0 && comment.capitals >= 0.0', then: { labels: [s] } }
  - { id: time, when: 'now - comment.submitted_at > author.age || article.age > author.age', then: { labels: [t] } }
"#;

fn of_64_kib(unit: &str) -> String {
    let mut text = String::new();
    while text.len() + unit.len() <= 64 * 1024 {
        text.push_str(unit);
    }
    text
}

#[test]
fn a_comment_of_64_kib_of_anything_is_judged() {
    let set = load(ALL_FACTS, b"").unwrap_or_else(|errors| panic!("{errors}"));
    for unit in [
        "a",
        "a ",
        "A",
        "é",
        "e\u{301}",
        "\u{301}",
        "a\u{301}\u{308}",
        "ß",
        "İ",
        "ж",
        "aжあ",
        "白痴",
        "が",
        "'",
        "l'",
        "’",
        "😀",
        "👨\u{200d}",
        "\u{200b}",
        "\u{202e}",
        "\0",
        "\n",
        "http://",
        "www.",
        "bit.ly.",
        "a.a/ ",
        "a@a.a ",
        "https://bit.ly/x ",
        ".",
        "a.",
        "((",
        "[[",
        "%00",
        "ﷺ",
        "\u{1f1eb}",
    ] {
        let text = of_64_kib(unit);
        let outcome = set.evaluate(&input(&text, &[]));
        let chars: Vec<char> = text.chars().collect();
        for span in outcome.fired.iter().flat_map(|fired| &fired.spans) {
            let own: String = chars[span.start as usize..span.end as usize]
                .iter()
                .take(256)
                .collect();
            assert_eq!(own, span.text, "{unit:?}");
        }
        assert!(outcome.evaluated > 0, "{unit:?}");
    }
}

#[test]
fn a_thousand_links_exhaust_a_rule_and_not_the_engine() {
    let set = load(ALL_FACTS, b"").unwrap_or_else(|errors| panic!("{errors}"));
    let urls: Vec<String> = (0..1_024)
        .map(|n| format!("https://h{n}.example/"))
        .collect();
    let links: Vec<Link<'_>> = urls
        .iter()
        .map(|url| Link {
            url,
            text: Some("x"),
        })
        .collect();
    let outcome = set.evaluate(&input("x", &links));
    assert_eq!(outcome.verdict, Verdict::Hold);
    assert!(
        outcome.partial.contains(&"rule:hosts".to_owned()),
        "{:?}",
        outcome.partial
    );
}

#[test]
fn a_text_that_is_too_much_to_look_at_is_held() {
    // Terms that begin each other, all of which end everywhere in the text.
    let terms: String = (2..=128).map(|n| "ab".repeat(n) + "\n").collect();
    let yaml = |mode: &str| {
        format!(
            "lists: {{ l: {{ file: list.txt, fold: full, match: substring, except: [abc] }}, m: {{ terms: [never] }} }}\n\
             rules: [{{ id: r, when: 'comment.text.hits(\"m\")', then: {{ verdict: reject }}, mode: {mode} }}]\n"
        )
    };
    let text = of_64_kib("ab");
    let set = load(&yaml("live"), terms.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
    let outcome = set.evaluate(&input(&text, &[]));
    assert_eq!(outcome.verdict, Verdict::Hold);
    assert_eq!(outcome.partial, ["text"]);
    assert!(outcome.fired.is_empty());
    let outcome = set.evaluate(&input("ab abab", &[]));
    assert_eq!(outcome.verdict, Verdict::Approve);
    assert!(outcome.partial.is_empty());
    // A rule on trial holds nothing.
    let set = load(&yaml("shadow"), terms.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(set.evaluate(&input(&text, &[])).verdict, Verdict::Approve);
}

#[test]
fn a_hundred_thousand_terms_load_and_match() {
    let mut list = String::new();
    for n in 0..100_000 {
        writeln!(list, "terme{n:x}é").unwrap();
    }
    let yaml = "lists: { big: { file: list.txt } }\nrules: [{ id: r, when: 'comment.text.hits(\"big\")', then: { verdict: hold } }]\n";
    let set = load(yaml, list.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(
        set.evaluate(&input("le TERME1869Fe\u{301} ici", &[]))
            .verdict,
        Verdict::Hold
    );
    assert_eq!(
        set.evaluate(&input("le terme186a0é ici", &[])).verdict,
        Verdict::Approve
    );
}

#[test]
fn a_rule_set_that_is_made_to_hurt_is_refused() {
    let check = |yaml: &str, list: &[u8], expected: &str| {
        let message = match load(yaml, list) {
            Ok(_) => String::new(),
            Err(errors) => errors
                .0
                .first()
                .map(|error| error.message.clone())
                .unwrap_or_default(),
        };
        assert!(message.contains(expected), "{expected}: {message:?}");
    };
    let rule =
        |when: &str| format!("rules: [{{ id: r, when: '{when}', then: {{ verdict: hold }} }}]\n");
    check(&"[".repeat(100_000), b"", "");
    check(&"- ".repeat(10_000), b"", "");
    check(&format!("a: {}", "[".repeat(10_000)), b"", "");
    check(
        "a: &a [x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nrules: [*c,*c,*c]\n",
        b"",
        "unknown key",
    );
    check("rules: 1\n", b"", "expected");
    check("--- {}\n--- {}\n", b"", "");
    check(
        "lists: { l: { file: ../../etc/passwd } }\n",
        b"",
        "is not a path inside",
    );
    check(
        "lists: { l: { file: /etc/passwd } }\n",
        b"",
        "is not a path inside",
    );
    check(
        "lists: { l: { file: nowhere.txt } }\n",
        b"",
        "there is no such file",
    );
    check(
        "lists: { l: { file: list.txt } }\n",
        b"caf\xe9\n",
        "not UTF-8",
    );
    check(
        "lists: { l: { file: list.txt } }\n",
        &vec![b'x'; 17 * 1024 * 1024],
        "larger than 16 MiB",
    );
    check(
        "lists: { l: { file: list.txt } }\n",
        &[b'x'; 300],
        "more than 256 characters",
    );
    check(
        "lists: { l: { terms: [\"\u{301}\"] } }\n",
        b"",
        "nothing is left",
    );
    check(
        "lists: { l: { terms: ['(a{1000}){1000}'], match: regex } }\n",
        b"",
        "when compiled",
    );
    check(
        "lists: { l: { terms: ['a*'], match: regex } }\n",
        b"",
        "matches the empty text",
    );
    check("include: [stoa.yaml]\n", b"", "includes itself");
    check(
        &rule(&vec!["1"; 10_000].join("+")),
        b"",
        "longer than 8192 bytes",
    );
    check(
        &rule(&format!("{}true{}", "(".repeat(2_000), ")".repeat(2_000))),
        b"",
        "levels inside each other",
    );
    check(
        &rule("comment.text.matches(\"(?=x)\")"),
        b"",
        "not a valid regular expression",
    );
    check(
        &rule("comment.text.matches(comment.text)"),
        b"",
        "takes a text in quotes",
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spans_are_the_characters_that_they_say(text in "\\PC{0,80}|[aAéÉsßS '’\u{301}ж白痴.]{0,80}") {
        let set = load(ALL_FACTS, b"").unwrap();
        let outcome = set.evaluate(&input(&text, &[]));
        let chars: Vec<char> = text.chars().collect();
        for span in outcome.fired.iter().flat_map(|fired| &fired.spans) {
            prop_assert!(span.start < span.end);
            let own: String = chars[span.start as usize..span.end as usize].iter().collect();
            prop_assert_eq!(&own, &span.text);
        }
        // The times are too far apart to be subtracted.
        prop_assert_eq!(outcome.partial, ["rule:time"]);
    }

    #[test]
    fn no_file_stops_the_loader(yaml in "\\PC{0,200}|(rules|lists|id|when|then|terms|[:\\-\\[\\]{}&*!|>'\"#\n a]){0,80}") {
        drop(load(&yaml, b""));
    }
}
