//! A traced evaluation answers what the plain one answers, and names every part.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::AuthorFacts;

fn load(yaml: &str) -> RuleSet {
    let files = BTreeMap::from([("stoa.yaml".to_owned(), yaml.as_bytes().to_vec())]);
    RuleSet::from_sources(&files).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Writes parts as `depth source = answers`.
fn written(parts: &[Part]) -> Vec<String> {
    parts
        .iter()
        .map(|part| {
            let answers: Vec<String> = part
                .answers
                .iter()
                .map(|answer| answer.clone().unwrap_or_else(|fault| format!("! {fault}")))
                .collect();
            let answers = if answers.is_empty() {
                "-".to_owned()
            } else {
                answers.join(", ")
            };
            format!("{} {} = {answers}", part.depth, part.source)
        })
        .collect()
}

#[test]
fn every_part_is_named_with_its_source_and_value() {
    let check = |when: &str, expected: &[&str]| {
        let when = serde_json::to_string(when).unwrap();
        let set = load(&format!(
            "macros: {{ newcomer: 'author.new && author.age < duration(\"7d\")' }}\n\
             lists: {{ bad: {{ terms: [x] }} }}\n\
             rules: [{{ id: r, when: {when}, then: {{ labels: [x] }} }}]\n"
        ));
        let mut input = Input::neutral("x (y", 0);
        input.article_published_at = None;
        let explanation = set.explain(&input);
        assert_eq!(written(&explanation.rules[0].when), expected, "{when}");
    };
    check("true", &[]);
    check(
        "comment.length > 3 && !author.trusted",
        &[
            "0 comment.length > 3 && !author.trusted = true",
            "1 comment.length > 3 = true",
            "2 comment.length = 4",
            "1 !author.trusted = true",
            "2 author.trusted = false",
        ],
    );
    check(
        "(comment.length + 1) * 2 == 10 || newcomer",
        &[
            "0 (comment.length + 1) * 2 == 10 || newcomer = true",
            "1 (comment.length + 1) * 2 == 10 = true",
            "2 (comment.length + 1) * 2 = 10",
            "3 comment.length + 1 = 5",
            "4 comment.length = 4",
            "1 newcomer = -",
            "2 author.new && author.age < duration(\"7d\") = -",
            "3 author.new = -",
            "3 author.age < duration(\"7d\") = -",
            "4 author.age = -",
            "4 duration(\"7d\") = -",
        ],
    );
    check(
        "comment.text.hits(\"bad\") && size([1, 2].filter(n, n > 1)) == 1",
        &[
            "0 comment.text.hits(\"bad\") && size([1, 2].filter(n, n > 1)) == 1 = true",
            "1 comment.text.hits(\"bad\") = true",
            "1 size([1, 2].filter(n, n > 1)) == 1 = true",
            "2 size([1, 2].filter(n, n > 1)) = 1",
            "3 [1, 2].filter(n, n > 1) = [2]",
            "4 [1, 2] = [1, 2]",
            "4 n > 1 = false, true",
            "5 n = 1, 2",
        ],
    );
    check(
        "article.age > duration('1h') || comment.text.split(' (')[0].size() == 1",
        &[
            "0 article.age > duration('1h') || comment.text.split(' (')[0].size() == 1 = true",
            "1 article.age > duration('1h') = ! `article.age` is missing; ask has(article.age) first",
            "2 article.age = ! `article.age` is missing; ask has(article.age) first",
            "2 duration('1h') = -",
            "1 comment.text.split(' (')[0].size() == 1 = true",
            "2 comment.text.split(' (')[0].size() = 1",
            "3 comment.text.split(' (')[0] = \"x\"",
            "4 comment.text.split(' (') = [\"x\", \"y\"]",
            "5 comment.text = \"x (y\"",
        ],
    );
    check(
        "has(article.age) ? article.id == '' : math.greatest(1, comment.length) == 4",
        &[
            "0 has(article.age) ? article.id == '' : math.greatest(1, comment.length) == 4 = true",
            "1 has(article.age) = false",
            "1 article.id == '' = -",
            "2 article.id = -",
            "1 math.greatest(1, comment.length) == 4 = true",
            "2 math.greatest(1, comment.length) = 4",
            "3 comment.length = 4",
        ],
    );
}

#[test]
fn every_rule_says_what_became_of_it() {
    let set = load(
        "rules:\n\
         - { id: acted, when: 'true', then: { labels: [x] } }\n\
         - { id: shadow, when: 'true', then: { labels: [x] }, mode: shadow }\n\
         - { id: condition, when: 'false', unless: 'author.new', then: { labels: [x] } }\n\
         - { id: exception, when: 'true', unless: 'true', then: { labels: [x] } }\n\
         - { id: site, when: 'true', sites: [other], then: { labels: [x] } }\n\
         - { id: language, when: 'true', languages: [de], then: { labels: [x] } }\n\
         - { id: expired, when: 'true', expires: 1969-12-31, then: { labels: [x] } }\n\
         - { id: skipped, when: 'comment.parent == \"\"', on_missing: skip, then: { labels: [x] } }\n\
         - { id: failed, when: 'comment.parent == \"\"', then: { labels: [x] } }\n",
    );
    let mut input = Input::neutral("x", 0);
    input.language = Some("fr");
    let explanation = set.explain(&input);
    for rule in &explanation.rules {
        let wanted = if rule.rule.id == "shadow" {
            "recorded"
        } else {
            &rule.rule.id
        };
        assert_eq!(rule.fate.code(), wanted);
    }
    assert_eq!(written(&explanation.rules[2].unless), ["0 author.new = -"]);
    assert_eq!(
        explanation.outcome.partial,
        ["comment.parent", "rule:failed"]
    );
    assert_eq!(explanation.outcome.failed.len(), 2);
}

/// Makes conditions of every kind, many of which fail.
fn condition() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        Just("comment.length".to_owned()),
        Just("author.held".to_owned()),
        Just("comment.depth".to_owned()),
        Just("many".to_owned()),
        Just("int(comment.text)".to_owned()),
        Just("comment.text.indexOf('a')".to_owned()),
        Just("size(comment.text.split(' '))".to_owned()),
        Just("[1, comment.length].map(x, x * 2)[1]".to_owned()),
        (-3i64..4).prop_map(|n| n.to_string()),
    ];
    let number = number.prop_recursive(3, 12, 2, |inner| {
        (
            inner.clone(),
            prop_oneof!["\\+", "-", "\\*", "/", "%"],
            inner,
        )
            .prop_map(|(a, sign, b)| format!("({a} {sign} {b})"))
    });
    let leaf = prop_oneof![
        (number.clone(), prop_oneof!["<", "==", ">="], number.clone())
            .prop_map(|(a, sign, b)| format!("{a} {sign} {b}")),
        Just("newcomer".to_owned()),
        Just("author.trusted".to_owned()),
        Just("has(article.age)".to_owned()),
        Just("article.age > duration('1h')".to_owned()),
        Just("comment.text.hits('bad')".to_owned()),
        Just("author.id.in_list('bad')".to_owned()),
        Just("comment.text.matches('a+ b')".to_owned()),
        Just("comment.text.charAt(author.held) == 'a'".to_owned()),
        number
            .clone()
            .prop_map(|n| format!("[3, 0, 1].exists(x, x / {n} == 1)")),
        number
            .clone()
            .prop_map(|n| format!("[0, 1].all(x, x > {n} || newcomer)")),
        number.prop_map(|n| format!("[2, 4].filter(x, x > {n}) == [4]")),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_traced_evaluation_answers_what_the_plain_one_answers(
        when in condition(),
        unless in condition(),
        text in "[ab1 ]{0,6}|[0-9]{1,2}",
        approved in 0u64..2,
        held in 0u64..3,
        known in any::<bool>(),
    ) {
        let quote = |text: &str| serde_json::to_string(text).unwrap();
        let set = load(&format!(
            "macros: {{ newcomer: 'author.new && !old', old: 'author.held > 1 || has(article.age)', many: 'author.held * comment.length' }}\n\
             lists: {{ bad: {{ terms: [a, ab] }} }}\n\
             rules: [{{ id: r, when: {}, unless: {}, then: {{ labels: [x] }} }}]\n",
            quote(&when), quote(&unless),
        ));
        let input = Input {
            author: AuthorFacts { id: "a", approved, held, trusted: held == 2, ..AuthorFacts::default() },
            depth_known: known,
            article_published_at: known.then_some(0),
            ..Input::neutral(&text, 7_200_000_000)
        };
        let facts = Facts::new(&input, &set.matcher);
        let plain = set.fires(&set.rules[0], &facts);
        let explanation = set.explain(&input);
        let rule = &explanation.rules[0];
        let traced = match &rule.fate {
            Fate::Acted => Ok(true),
            Fate::Condition | Fate::Exception => Ok(false),
            Fate::Failed(message) => Err(message.clone()),
            other => panic!("{other:?}"),
        };
        prop_assert_eq!(&traced, &plain.map_err(|fault| fault.to_string()), "{} unless {}", when, unless);
        // The whole condition is the first part, and says the same.
        let whole = rule.when[0].answers.first().cloned();
        let expected = match (&rule.fate, rule.unless[0].times) {
            (Fate::Condition, _) => Some(Ok("false".to_owned())),
            (Fate::Failed(message), 0) => Some(Err(message.clone())),
            _ => Some(Ok("true".to_owned())),
        };
        prop_assert_eq!(whole, expected);
        // Nothing is evaluated inside of what is not.
        for (index, part) in rule.when.iter().enumerate().filter(|(_, part)| part.times == 0) {
            let inside = rule.when[index + 1..].iter().take_while(|inner| inner.depth > part.depth);
            for inner in inside {
                prop_assert_eq!(inner.times, 0, "{} in {}", inner.source, part.source);
            }
        }
    }
}
