//! Counters: what a rule set declares, what comments add, what conditions read.

#![expect(clippy::unwrap_used, reason = "a helper of tests may stop the test")]

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use stoa_rules::{AuthorFacts, Counters, Input, RuleSet, Tally, Verdict};

/// What counters have seen, as a service keeps it.
#[derive(Debug, Default)]
struct Store(Mutex<HashMap<(u64, u64), Tally>>);

impl Counters for Store {
    fn value(&self, counter: u64, key: u64, at: i64) -> Option<f64> {
        let tallies = self.0.lock().unwrap();
        Some(
            tallies
                .get(&(counter, key))
                .map_or(0.0, |tally| tally.value(at)),
        )
    }
}

fn load(yaml: &str) -> Result<RuleSet, String> {
    let files = BTreeMap::from([("stoa.yaml".to_owned(), yaml.as_bytes().to_vec())]);
    RuleSet::from_sources(&files).map_err(|errors| errors.to_string())
}

const SECOND: i64 = 1_000_000;

fn input<'a>(author: &'a str, text: &'a str, second: i64, store: &'a Store) -> Input<'a> {
    Input {
        site: "courrier",
        article: "a-1",
        comment: "c-1",
        text,
        prepared: None,
        html: false,
        links: &[],
        language: None,
        language_confidence: 0.0,
        author: AuthorFacts {
            id: author,
            ..AuthorFacts::default()
        },
        parent: None,
        depth: 0,
        depth_known: true,
        revision: 1,
        article_published_at: None,
        counters: Some(store),
        submitted_at: second * SECOND,
        now: second * SECOND,
        ..Input::neutral("", 0)
    }
}

/// Judges a comment and then counts it, as a service does.
fn judge(set: &RuleSet, store: &Store, author: &str, text: &str, second: i64) -> Vec<String> {
    let input = input(author, text, second, store);
    let outcome = set.evaluate(&input);
    assert!(outcome.failed.is_empty(), "{:?}", outcome.failed);
    let updates = set.count(&input).by(outcome.verdict);
    let mut tallies = store.0.lock().unwrap();
    for update in updates {
        tallies
            .entry((update.counter, update.key))
            .or_insert_with(|| Tally::new(update.window, update.amount))
            .add(update.at, update.amount);
    }
    outcome
        .fired
        .iter()
        .map(|fired| fired.rule.id.clone())
        .collect()
}

#[test]
fn a_flood_is_seen_with_the_comment_after_it() {
    let set = load(
        r#"
counters:
  mine: { count: comment.submitted, per: [author.id], window: 60s }
rules:
  - { id: flood, when: 'count("mine") >= 3', then: { verdict: hold } }
  - { id: fast, when: 'rate("mine", "1s") > 0.08', then: { verdict: hold } }
"#,
    )
    .unwrap();
    let store = Store::default();
    for second in 0..3 {
        assert!(judge(&set, &store, "ana", "bonjour", second).is_empty());
    }
    assert_eq!(judge(&set, &store, "ana", "bonjour", 3), ["flood"]);
    assert!(judge(&set, &store, "ben", "bonjour", 3).is_empty());
    assert_eq!(judge(&set, &store, "ana", "bonjour", 4), ["flood"]);
    assert_eq!(judge(&set, &store, "ana", "bonjour", 5), ["flood", "fast"]);
    assert!(judge(&set, &store, "ana", "bonjour", 200).is_empty());
}

#[test]
fn sums_distinct_values_and_lists_in_keys() {
    let set = load(
        r#"
counters:
  letters: { sum: comment.length, per: [site.id], window: 1h }
  sharers: { distinct: author.id, per: [comment.link_sites], window: 1h }
  held: { count: comment.held, per: [author.id], window: 1d }
rules:
  - { id: long, when: 'sum("letters") > 100.0', then: { labels: [long] } }
  - { id: shared, when: 'distinct("sharers") >= 2', then: { verdict: hold } }
  - { id: again, when: 'count("held") > 0', then: { verdict: reject } }
"#,
    )
    .unwrap();
    let store = Store::default();
    let text = "voir https://www.a.example.co.uk/1 et https://b.example/2";
    assert!(judge(&set, &store, "ana", text, 1).is_empty());
    assert!(judge(&set, &store, "ana", text, 2).is_empty());
    // Twice by one author is one sharer, and 114 letters.
    assert_eq!(judge(&set, &store, "ben", text, 3), ["long"]);
    let other = "plutôt https://news.example.co.uk/";
    assert_eq!(judge(&set, &store, "eva", other, 4), ["long", "shared"]);
    assert_eq!(judge(&set, &store, "eva", "rien", 5), ["long", "again"]);
}

#[test]
fn an_edit_is_counted_as_one() {
    let set = load(
        r"
counters:
  new: { count: comment.submitted, window: 1h }
  edited: { count: comment.edited, window: 1h }
  rejected: { count: comment.rejected, window: 1h }
rules: []
",
    )
    .unwrap();
    let store = Store::default();
    let mut comment = input("ana", "texte", 1, &store);
    assert_eq!(set.count(&comment).by(Verdict::Approve).len(), 1);
    assert_eq!(set.count(&comment).by(Verdict::Reject).len(), 2);
    comment.revision = 2;
    let updates = set.count(&comment).by(Verdict::Approve);
    assert_eq!(updates.len(), 1);
    let names: Vec<String> = set.counters().map(|counter| counter.name).collect();
    assert_eq!(names, ["edited", "new", "rejected"]);
}

#[test]
fn a_counter_that_counts_something_else_is_another_one() {
    let id = |counter: &str| {
        let yaml = format!("counters:\n  c: {counter}\nrules: []\n");
        let store = Store::default();
        load(&yaml)
            .unwrap()
            .count(&input("ana", "texte", 1, &store))
            .by(Verdict::Approve)[0]
            .counter
    };
    let first = id("{ count: comment.submitted, per: [author.id], window: 1h }");
    assert_eq!(
        first,
        id("{ count: comment.submitted, per: [author.id], window: 60m }")
    );
    assert_ne!(
        first,
        id("{ count: comment.submitted, per: [site.id], window: 1h }")
    );
    assert_ne!(
        first,
        id("{ count: comment.submitted, per: [author.id], window: 2h }")
    );
    assert_ne!(
        first,
        id("{ sum: comment.length, per: [author.id], window: 1h }")
    );
}

#[test]
fn errors_name_the_place_and_the_remedy() {
    for (yaml, parts) in [
        (
            "counters:\n  c: { window: 1h }\nrules: []\n",
            ["stoa.yaml:2", "must have one of"],
        ),
        (
            "counters:\n  c: { count: comment.submited, window: 1h }\nrules: []\n",
            ["2:15", "did you mean `comment.submitted`"],
        ),
        (
            "counters:\n  c: { sum: author.id, window: 1h }\nrules: []\n",
            ["2:13", "of type string"],
        ),
        (
            "counters:\n  c: { count: comment.submitted, per: [author.ids], window: 1h }\nrules: []\n",
            ["unknown fact", "did you mean `author.id`"],
        ),
        (
            "counters:\n  c: { count: comment.submitted, window: 100d }\nrules: []\n",
            ["no window", "from `1s` to `90d`"],
        ),
        (
            "counters:\n  c: { count: comment.submitted, window: 1h }\nrules:\n  - { id: a, when: 'sum(\"c\") > 1.0', then: { verdict: hold } }\n",
            ["declared with `count`", "count(\"c\")"],
        ),
        (
            "counters:\n  c: { count: comment.submitted, window: 1h }\nrules:\n  - { id: a, when: 'count(\"d\") > 1', then: { verdict: hold } }\n",
            ["unknown counter `d`", "did you mean"],
        ),
    ] {
        let error = load(yaml).unwrap_err();
        for part in parts {
            assert!(error.contains(part), "{part} is not in:\n{error}");
        }
    }
}

#[test]
fn examples_state_what_counters_say() {
    let yaml = |value: u32| {
        format!(
            "counters:\n  mine: {{ count: comment.submitted, per: [author.id], window: 10m }}\nrules:\n  - id: flood\n    when: count(\"mine\") >= 10\n    then: {{ verdict: hold }}\n    examples:\n      match: [{{ text: encore, counters: {{ mine: {value} }} }}]\n      pass: [encore]\n"
        )
    };
    load(&yaml(12)).unwrap();
    let error = load(&yaml(2)).unwrap_err();
    assert!(
        error.contains("stoa.yaml:8") && error.contains("encore"),
        "{error}"
    );
}
