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
        ..Input::neutral("", 0)
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

/// Loads files and returns the errors' messages; it must not take long.
fn refused(files: &[(&str, Vec<u8>)]) -> Vec<String> {
    let files: BTreeMap<String, Vec<u8>> = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), text.clone()))
        .collect();
    let started = std::time::Instant::now();
    let errors = RuleSet::from_sources(&files).err().unwrap_or_default();
    // Generous, for a loaded machine: what is bounded takes milliseconds.
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    errors.0.into_iter().map(|error| error.message).collect()
}

#[test]
fn macros_that_double_each_other_are_refused_before_they_grow() {
    let mut yaml = String::from("macros:\n");
    for n in 0..200 {
        writeln!(yaml, "  m{n}: m{} || m{}", n + 1, n + 1).unwrap();
    }
    yaml += "  m200: author.new\nrules:\n- { id: r, when: m0, then: { labels: [x] } }\n";
    let messages = refused(&[("stoa.yaml", yaml.into_bytes())]);
    // The deepest one that is too large; those above it say nothing.
    let expected = "more than 4000 operations with the macro `m191` → `m192` → `m193` → `m194` → \
                    `m195` → `m196` → `m197` → `m198` → … put in";
    assert_eq!(messages, [expected]);
}

#[test]
fn macros_in_a_long_row_or_circle_are_refused() {
    let row = |last: &str| {
        let mut yaml = String::from("macros:\n");
        for n in 0..999 {
            writeln!(yaml, "  m{n}: '!m{}'", n + 1).unwrap();
        }
        writeln!(yaml, "  m999: '{last}'").unwrap();
        refused(&[("stoa.yaml", yaml.into_bytes())])
    };
    let deep = row("author.new");
    assert_eq!(deep.len(), 1, "{deep:?}");
    assert!(
        deep[0].starts_with("more than 100 operations inside each other"),
        "{deep:?}"
    );
    let circle = row("!m0");
    assert_eq!(circle.len(), 1, "{circle:?}");
    assert!(
        circle[0].starts_with("the macro `m0` uses itself: `m0` → `m1`"),
        "{circle:?}"
    );
    assert!(circle[0].len() < 200, "{circle:?}");
    let mut many = String::from("macros:\n");
    for n in 0..5_000 {
        writeln!(many, "  m{n}: author.new").unwrap();
    }
    assert_eq!(
        refused(&[("stoa.yaml", many.into_bytes())]),
        ["more than 1000 macros"]
    );
}

#[test]
fn macros_that_all_use_each_other_end() {
    let names: Vec<String> = (0..150).map(|n| format!("m{n}")).collect();
    let all = names.join(" || ");
    let mut yaml = String::from("macros:\n");
    for name in &names {
        writeln!(yaml, "  {name}: {all}").unwrap();
    }
    let messages = refused(&[("stoa.yaml", yaml.into_bytes())]);
    assert!(
        messages[0].contains("uses itself"),
        "{:?}",
        messages.first()
    );
}

#[test]
fn includes_in_a_long_row_or_circle_end() {
    let file = |n: usize, next: usize| {
        (
            format!("f{n}.yaml"),
            format!("include: [f{next}.yaml]\n").into_bytes(),
        )
    };
    let load = |last: usize| {
        let mut files: Vec<(String, Vec<u8>)> = (0..500).map(|n| file(n, n + 1)).collect();
        files.push(("stoa.yaml".to_owned(), b"include: [f0.yaml]\n".to_vec()));
        files.push(file(500, last));
        let files: Vec<(&str, Vec<u8>)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.clone()))
            .collect();
        refused(&files)
    };
    let circle = load(0);
    assert_eq!(circle.len(), 1);
    assert!(
        circle[0].starts_with("`f0.yaml` includes itself: f0.yaml → f1.yaml"),
        "{circle:?}"
    );
    assert_eq!(
        load(9_999),
        ["can't read `f9999.yaml`: there is no such file"]
    );
}

#[test]
fn a_large_file_of_one_expression_is_refused() {
    let rule = |when: &str| {
        format!("rules:\n- {{ id: r, when: {when}, then: {{ labels: [x] }} }}\n").into_bytes()
    };
    let check = |when: &str, expected: &str| {
        let messages = refused(&[("stoa.yaml", rule(when))]);
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert!(messages[0].contains(expected), "{messages:?}");
    };
    check(
        &format!("\"{}1 > 0\"", "1 + ".repeat(256 * 1024)),
        "longer than 8192 bytes",
    );
    check(
        &format!("'{}'", "author.new||".repeat(10_000)),
        "longer than 8192 bytes",
    );
    check(
        &format!("'{}a'", "a||".repeat(2_700)),
        "more than 2000 words and signs",
    );
    check(
        &format!("'{}1 > 0'", "1+".repeat(900)),
        "more than 100 operations inside",
    );
    let twice = "- { id: r, when: 'true', then: { labels: [x] } }\n".repeat(2);
    let messages = refused(&[("stoa.yaml", format!("rules:\n{twice}").into_bytes())]);
    assert_eq!(messages, ["there is already a rule `r` in stoa.yaml:2"]);
}

#[test]
fn what_an_expression_makes_is_bounded() {
    let fault = |when: &str| -> String {
        let when = serde_json::to_string(when).unwrap();
        let yaml = format!("rules: [{{ id: r, when: {when}, then: {{ labels: [x] }} }}]\n");
        let set = load(&yaml, b"").unwrap_or_else(|errors| panic!("{errors}"));
        let text = "ab ".repeat(20_000);
        let started = std::time::Instant::now();
        let outcome = set.evaluate(&input(&text, &[]));
        assert!(
            started.elapsed().as_secs() < 10,
            "{when}: {:?}",
            started.elapsed()
        );
        let failed = outcome.failed.first();
        failed
            .map(|failure| failure.message.clone())
            .unwrap_or_default()
    };
    let budget = "more than 100000 steps";
    let list = format!("[{}]", vec!["1"; 99].join(", "));
    let loops = format!("{list}.map(a, {list}.map(b, {list}.filter(c, c > 0))).size() > 0");
    assert_eq!(fault(&loops), budget);
    let doubled = format!("[comment.text]{}.size() > 0", ".map(x, x + x)".repeat(20));
    assert_eq!(fault(&doubled), "a text is larger than 256 KiB");
    let lists = format!("[{list}]{}.size() > 0", ".map(x, x + x)".repeat(20));
    assert_eq!(fault(&lists), budget);
    assert_eq!(
        fault("comment.text.replace('', comment.text).size() > 0"),
        budget
    );
    assert_eq!(
        fault("comment.text.replace('ab', 'abcdefghijklmnopqrstuvwxyz').size() > 0"),
        "a text is larger than 256 KiB"
    );
    assert_eq!(
        fault("comment.text.split('').map(c, comment.text).join().size() > 0"),
        budget
    );
    assert_eq!(
        fault("comment.text.split(' ').join(comment.text).size() > 0"),
        "a text is larger than 256 KiB"
    );
    assert_eq!(
        fault("comment.text.split('').all(c, comment.text.indexOf(c + 'x') < 0)"),
        budget
    );
    assert_eq!(
        fault("comment.text.split(' ') == comment.text.split(' ')"),
        ""
    );
    assert_eq!(
        fault("comment.text.split('').filter(c, c in comment.text.split('')).size() > 0"),
        budget
    );
}

#[test]
fn an_explanation_of_a_hostile_comment_ends() {
    let set = load(ALL_FACTS, b"").unwrap_or_else(|errors| panic!("{errors}"));
    for unit in ["a", "\u{202e}", "\0", "https://bit.ly/x "] {
        let text = of_64_kib(unit);
        let explanation = set.explain(&input(&text, &[]));
        assert_eq!(explanation.rules.len(), 8);
        let size: usize = explanation
            .rules
            .iter()
            .flat_map(|rule| &rule.when)
            .flat_map(|part| &part.answers)
            .map(|answer| answer.as_ref().map_or(0, String::len))
            .sum();
        assert!(size < 256 * 1024, "{unit:?}: {size} bytes");
    }
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
