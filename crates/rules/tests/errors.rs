//! What a rule author reads when something is wrong: place, line, caret and remedy.
//!
//! The texts are in `tests/errors.txt`, each after the condition or file that causes it;
//! `UPDATE=1` writes them anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use stoa_rules::RuleSet;

/// Conditions, each put into a rule set of its own in line 4 from column 11.
const CONDITIONS: &[&str] = &[
    "comment.txt.hits(\"bad\")",
    "author.trusted && comment.lenght > 3",
    "comment.text.hit(\"bad\")",
    "comment.text.hits(\"bda\")",
    "comment.text.hits(\"hosts\")",
    "comment.links.hits(\"bad\")",
    "comment.text.hits(author.name)",
    "comment.id.hits(\"bad\")",
    "author.age < 10",
    "comment.text == 'é' && comment.length > 'a'",
    "comment.length",
    "comment > 3",
    "weather.sunny",
    "comment.weather",
    "comment.length >",
    "comment.length > 3 and true",
    "comment.text == \"éé\" and true",
    "comment.length = 3",
    "comment.length + 0.5 > 3.0",
    "comment.text in 'abc'",
    "comment.length in ['a']",
    "[1, 'a'] == []",
    "comment.links.map(l, l)",
    "comment.links.map(l, l.size()) == ['a']",
    "comment.links.filter(l, l.size())",
    "comment.links.exists(author, author == 'a')",
    "comment.text.trimm() == 'a'",
    "comment.text.substring('a') == 'a'",
    "comment.text.split() == []",
    "math.greatest(1, 2.0) > 1",
    "math.great(1, 2) > 1",
    "author.id.in_list('bda')",
    "now.getHours('Europe/Pariss') > 3",
    "now.getHours(author.name) > 3",
    "author.age.getDate() > 3",
    "comment.length.in_list('bad')",
    "uint(3) > 2",
    "\"[1] + ['a'] == [1]\"",
    "\"[1, 'a'] == []\"",
    "\"(true ? 1 : 'a') == 1\"",
    "dyn(3) > 2",
    "\"{'a': 1}.a == 1\"",
    "comment.links.exists(l.x, true)",
    "comment.text.exists(c, true)",
    "comment.text.matches('(')",
    "comment.text.matches('(?=x)')",
    "author.age > duration('soon')",
    "now > timestamp('tomorrow')",
    "1u > 2u",
    "comment.parent == null",
    "\"!comment.length\"",
    "size() > 1",
    "\"comment.text == \\\"a\\\" && foo\"",
    "'comment.text == ''a'' && foo'",
    ">-\n      comment.length > 3 &&\n      comment.lenght < 5",
    "|\n      comment.length > 3 &&\n      \"é\" and 3",
    "comment.length > 3 &&\n      comment.lenght < 5",
];

/// Rule sets of one file.
const FILES: &[&str] = &[
    "rules:\n  - id: a\n    wenn: true\n    then: { verdict: hold }\n",
    "rules:\n  - id: a\n    then: { verdict: hold }\n",
    "rules:\n  - { id: a, when: 'true', then: { verdict: holt } }\n",
    "rules:\n  - { id: a, when: 'true', then: {} }\n",
    "rules:\n  - { id: a, when: 'true', then: { verdict: hold }, mode: 150% }\n",
    "rules:\n  - { id: a, when: 'true', then: { verdict: hold }, mode: shadwo }\n",
    "rules:\n  - { id: a b, when: 'true', then: { labels: ['x y'] } }\n",
    "rules:\n  - { id: a, when: 'true', then: { verdict: hold } }\n  - { id: a, when: 'tru', then: { verdict: hold } }\n",
    "rules:\n  - { id: a, when: 'true', then: { verdict: hold }, languages: [french] }\n",
    "rules:\n  - { id: a, when: 'true', then: { verdict: hold }, reason: { code: x, ground: law, category: STATEMENT_CATEGORY_VIOLENC } }\n",
    "rules:\n  - id: a\n    when: comment.length > 3\n    then: { verdict: hold }\n    examples:\n      match: [abcd, abc]\n      pass:\n        - { text: abcde }\n",
    "rules:\n  - { id: a, when: 'comment.depth > 1', then: { verdict: hold }, examples: { match: [{ text: x, author: { agee: 1h } }] } }\n",
    "rules: []\nrules: []\n",
    "rules:\n  - id: 'a\n",
    "rules:\n\t- id: a\n",
    "lists:\n  a: { terms: [x], match: words }\n",
    "lists:\n  a: { terms: [x], fold: fall }\n",
    "lists:\n  a: { match: word }\n",
    "lists:\n  a: { terms: [x], file: x.txt }\n",
    "lists:\n  a: { file: terms.text }\n",
    "lists:\n  a: { file: latin1.txt }\n",
    "lists:\n  a: { terms: ['https://example.org/'], match: domain }\n",
    "lists:\n  a: { terms: ['ok', '[', ''], match: regex }\n",
    "include: [../other.yaml]\n",
    "include: [more.yaml]\n",
    "include: [more.yml]\n",
    "include: [twice.yaml, twice.yaml]\n",
    "include: [sites.yaml]\n",
    "sites: []\n",
    "rules:\n  - { id: a, when: 'true', then: { verdict: hold }, expires: soon }\n",
    "rules:\n  - { id: a, when: 'true', then: { verdict: hold }, expires: 2026-13-01 }\n",
    "rules:\n  - { id: a, when: 'true', then: { verdict: hold }, priority: 5000 }\n",
    "rules:\n  - { id: a, when: 'true', then: { verdict: hold }, priority: high }\n",
    "rules:\n  - { id: a, when: 'true', then: { verdict: reject }, quota: 0 }\n",
    "rules:\n  - { id: a, when: 'true', then: { verdict: hold }, quota: 10 }\n",
    "rules:\n  - { id: a, when: 'true', then: { verdict: hold }, on_missing: skipp }\n",
    "rules:\n  - { id: a, when: 'true', then: { verdict: hold }, owner: '' }\n",
    "rules:\n  - { id: a, when: 'true', then: { verdict: hold }, ownr: me }\n",
    "macros:\n  new comer: 'true'\n",
    "macros:\n  author: 'true'\n  size: '1'\n  in: 'true'\n  now: 'true'\n",
    "macros:\n  newcomer: author.new && author.agee < duration('7d')\nrules:\n  - { id: a, when: newcomer, then: { verdict: hold } }\n",
    "macros:\n  newcomer: author.new\nrules:\n  - { id: a, when: newcommer, then: { verdict: hold } }\n",
    "macros:\n  a: b && true\n  b: \"!c\"\n  c: a || b\nrules:\n  - { id: a, when: a, then: { verdict: hold } }\n",
    "macros:\n  long: comment.length\nrules:\n  - { id: a, when: long, then: { verdict: hold } }\n",
    "macros:\n  x: 'true'\nrules:\n  - { id: a, when: 'comment.links.exists(x, x == \"a\")', then: { verdict: hold } }\n",
    "macros:\n  x: l == 'a'\nrules:\n  - { id: a, when: 'comment.links.exists(l, x)', then: { verdict: hold } }\n",
    "macros:\n  a: >-\n    author.new &&\n    author.age >\n",
    "include: [macros.yaml]\nmacros:\n  newcomer: author.new\n",
    "lists:\n  a: { file: nowhere }\nrules:\n  - { id: a, when: 'comment.text.hits(\"a\")', then: { verdict: hold } }\n",
];

fn printed(yaml: &str) -> String {
    let files = BTreeMap::from([
        ("stoa.yaml".to_owned(), yaml.as_bytes().to_vec()),
        ("terms.txt".to_owned(), b"x\n".to_vec()),
        (
            "more.yaml".to_owned(),
            b"include: [most.yaml]\n".to_vec(),
        ),
        (
            "most.yaml".to_owned(),
            b"include: [more.yaml, stoa.yaml]\n".to_vec(),
        ),
        ("twice.yaml".to_owned(), b"rules: []\n".to_vec()),
        (
            "sites.yaml".to_owned(),
            b"sites: [courrier, gazette]\nrules:\n  - { id: a, sites: [courier], when: 'true', then: { verdict: hold } }\n".to_vec(),
        ),
        (
            "macros.yaml".to_owned(),
            b"macros:\n  newcomer: author.new && true\n".to_vec(),
        ),
        (
            "latin1.txt".to_owned(),
            b"# caf\xc3\xa9\nsale caf\xe9\n".to_vec(),
        ),
    ]);
    match RuleSet::from_sources(&files) {
        Ok(_) => "no error".to_owned(),
        Err(errors) => errors.to_string(),
    }
}

#[test]
fn errors_read_as_they_should() {
    let mut text = String::new();
    for when in CONDITIONS {
        let yaml = format!(
            "lists: {{ bad: {{ terms: [x] }}, hosts: {{ terms: [x.example], match: domain }} }}\n\
             rules:\n  - id: r\n    when: {when}\n    then: {{ verdict: hold }}\n"
        );
        write!(text, "{}\n\n\n", printed(&yaml)).unwrap();
    }
    for yaml in FILES {
        write!(text, "{}\n\n\n", printed(yaml)).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    for (now, kept) in text.split("\n\n\n").zip(kept.split("\n\n\n")) {
        assert_eq!(now, kept, "\n--- now:\n{now}\n--- kept:\n{kept}\n");
    }
    assert_eq!(text.len(), kept.len(), "as many errors as are kept");
}
