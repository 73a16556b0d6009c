//! What lint finds, and what it lets pass.

use std::collections::BTreeMap;

use super::*;

fn findings(files: &[(&str, &str)]) -> Vec<Finding> {
    let files: BTreeMap<String, Vec<u8>> = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
        .collect();
    RuleSet::from_sources(&files)
        .unwrap_or_else(|errors| panic!("{errors}"))
        .lint(0)
}

/// Writes findings as `line code`, but for what every bare rule lacks.
fn codes(yaml: &str) -> Vec<String> {
    findings(&[("stoa.yaml", yaml)])
        .iter()
        .filter(|one| !matches!(one.code, "no-examples" | "no-explain" | "no-reason"))
        .map(|one| format!("{} {}", one.line, one.code))
        .collect()
}

#[test]
fn conditions_that_contradict_themselves_never_fire() {
    let why = |when: &str| -> Option<String> {
        let yaml = format!(
            "lists: {{ none: {{ terms: [] }}, some: {{ terms: [x] }} }}\n\
             macros: {{ newcomer: 'author.new && author.approved < 1' }}\n\
             rules:\n- id: r\n  sites: [courrier, other]\n  when: >-\n    {when}\n  then: {{ verdict: hold }}\n"
        );
        findings(&[("stoa.yaml", &yaml)])
            .into_iter()
            .find(|one| one.code == "never-fires")
            .map(|one| one.message.replace("the rule `r` never fires: ", ""))
    };
    let dead = |when: &str, reason: &str| assert_eq!(why(when).as_deref(), Some(reason), "{when}");
    let alive = |when: &str| assert_eq!(why(when), None, "{when}");
    dead("false", "a part that must hold is always false");
    dead(
        "1 > 2 && author.new",
        "a part that must hold is always false",
    );
    dead(
        "author.new && (2 < 1 || [1].exists(x, x > 3))",
        "a part that must hold is always false",
    );
    dead(
        "comment.length > 10 && author.new && 5 > comment.length",
        "no `comment.length` is both above 10 and below 5",
    );
    dead(
        "comment.length > 3 && comment.length < 4",
        "no `comment.length` is both above 3 and below 4",
    );
    dead("comment.length < 0", "`comment.length` is never below 0");
    dead(
        "comment.capitals > 1.5",
        "`comment.capitals` is never above 1.5",
    );
    dead(
        "author.age > duration('7d') && !(author.age >= duration('1h'))",
        "no `author.age` is both above duration(\"604800s\") and below duration(\"3600s\")",
    );
    dead(
        "author.held == 1 && author.held != 1",
        "`author.held` can't be 1 and not be it",
    );
    dead(
        "author.new && !author.new",
        "`author.new` can't hold and not hold",
    );
    dead(
        "newcomer && author.approved > 2",
        "no `author.approved` is both above 2 and below 1",
    );
    dead(
        "author.role == 'admin'",
        "no `author.role` is left that is allowed",
    );
    dead("site.id == 'third'", "no `site.id` is left that is allowed");
    dead(
        "site.id in ['courrier', 'third'] && site.id != 'courrier'",
        "no `site.id` is left that is allowed",
    );
    dead("comment.text.hits('none')", "the list `none` has no terms");
    dead(
        "comment.text.hits('none') || author.id.in_list('none')",
        "the list `none` has no terms",
    );
    dead(
        "comment.text.hit_count('none') > 2",
        "the list `none` has no terms",
    );
    alive("comment.text.hits('none') || comment.text.hits('some')");
    alive("!comment.text.hits('none')");
    alive("comment.length > 5 && comment.length < 10");
    alive("comment.length > 3 && comment.length < 5");
    alive("comment.length > 10 || comment.length < 5");
    alive("comment.capitals > 0.0 && comment.capitals < 1");
    alive("comment.capitals >= 1 && comment.capitals <= 1.0");
    alive("author.held == 1 && author.rejected != 1");
    alive("site.id == 'courrier' && comment.text.startsWith('x')");
    alive("!(comment.length > 10 && comment.length < 5)");
    alive("comment.links.exists(x, x == 'a' && comment.links.exists(y, y == 'b'))");
    alive("now - comment.submitted_at < duration('0s')");
}

#[test]
fn rules_are_told_with_place_and_code() {
    let found = codes(
        "macros: { old: 'author.age > duration(\"9d\")', unused: 'true' }\n\
         lists: { used: { terms: [x] }, idle: { terms: [y] }, none: { terms: [] } }\n\
         rules:\n\
         - { id: a, when: 'comment.text.hits(\"used\") && old', then: { verdict: hold } }\n\
         - { id: b, when: 'comment.text.hits(\"used\") && author.age > duration(\"9d\")', then: { verdict: hold } }\n\
         - { id: c, when: 'comment.text.hits(\"used\") && old', then: { verdict: reject } }\n\
         - { id: d, when: 'true', then: { labels: [x] } }\n\
         - { id: e, when: 'author.new', expires: 1969-12-31, then: { labels: [x] } }\n\
         - { id: f, when: 'author.new', expires: 1970-01-02, unless: 'author.new', then: { labels: [x] } }\n\
         - { id: g, when: 'comment.language == \"fr-CA\"', languages: [fr], then: { labels: [x] } }\n\
         - { id: h, when: 'comment.language == \"fr-CA\"', languages: [de], then: { labels: [x] } }\n",
    );
    assert_eq!(
        found,
        [
            "1 unused-macro",
            "2 empty-list",
            "2 unused-list",
            "2 unused-list",
            "5 subsumed",
            "6 same-condition",
            "7 always-fires",
            "8 expired",
            "9 never-fires",
            "11 other-language",
            "11 same-condition",
        ]
    );
}

#[test]
fn terms_that_others_make_needless_are_told_with_their_lines() {
    let found: Vec<(String, u32, &str)> = findings(&[
        (
            "stoa.yaml",
            "lists:\n  w: { file: w.txt }\n  v: { terms: [Élan, neu] }\n  s: { terms: [cul, véhicule], match: substring }\n  d: { terms: [bit.ly, a.bit.ly], match: domain }\nrules:\n  - { id: a, when: 'comment.text.hits(\"w\") || comment.text.hits(\"v\") || comment.text.hits(\"s\") || comment.links.hits(\"d\")', then: { labels: [x] }, examples: { match: [elan] } }\n",
        ),
        ("w.txt", "# terms\nélan\n\nELAN\nfils de chien\nchien\nchienne\nsous-chien\n"),
    ])
    .into_iter()
    .map(|one| (one.file, one.line, one.code))
    .collect();
    let found: Vec<(&str, u32, &str)> =
        found.iter().map(|(f, l, c)| (f.as_str(), *l, *c)).collect();
    let expected = [
        ("stoa.yaml", 4, "shadowed-term"),
        ("stoa.yaml", 5, "shadowed-term"),
        ("w.txt", 2, "term-in-two-lists"),
        ("w.txt", 4, "duplicate-term"),
        ("w.txt", 5, "shadowed-term"),
        ("w.txt", 8, "shadowed-term"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn many_needless_terms_are_counted_and_not_listed() {
    let list: String = (0..2_000).map(|n| format!("mot {n}\n")).collect();
    let yaml = "lists: { w: { file: w.txt } }\nrules: [{ id: a, when: 'comment.text.hits(\"w\")', then: { labels: [x] } }]\n";
    let found = findings(&[("stoa.yaml", yaml), ("w.txt", &format!("mot\n{list}"))]);
    let shadowed: Vec<&Finding> = found
        .iter()
        .filter(|one| one.code == "shadowed-term")
        .collect();
    assert_eq!(shadowed.len(), 21);
    assert!(
        found
            .iter()
            .any(|one| one.message.contains("1980 more terms"))
    );
}

#[test]
fn what_a_counter_says_is_not_known_beforehand() {
    let rules = "counters:\n  mine: { count: comment.submitted, per: [author.id], window: 10m }\nrules:\n  - { id: a, when: 'count(\"mine\") >= 3', then: { verdict: hold } }\n";
    let files = BTreeMap::from([("stoa.yaml".to_owned(), rules.as_bytes().to_vec())]);
    let set = RuleSet::from_sources(&files).unwrap();
    let codes: Vec<&str> = set.lint(0).iter().map(|finding| finding.code).collect();
    assert!(!codes.contains(&"never-fires"), "{codes:?}");
}
