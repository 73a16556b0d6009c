//! The keys of rules and files: when, where and how a rule acts.

#![expect(clippy::panic, reason = "a helper of tests may stop the test")]

use std::collections::BTreeMap;

use stoa_rules::{Input, OnMissing, RuleSet, Verdict};

fn load(files: &[(&str, &str)]) -> RuleSet {
    let files: BTreeMap<String, Vec<u8>> = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
        .collect();
    RuleSet::from_sources(&files).unwrap_or_else(|errors| panic!("{errors}"))
}

const DAY: i64 = 86_400_000_000;

#[test]
fn a_rule_ends_at_its_time_as_of_the_event() {
    let set = load(&[(
        "stoa.yaml",
        "rules:\n- { id: date, when: 'true', then: { labels: [date] }, expires: 1970-01-03, examples: { match: [x], pass: [{ text: x, now: '1970-01-03T00:00:00Z' }] } }\n- { id: time, when: 'true', then: { labels: [time] }, expires: 1970-01-03T02:00:00+01:00 }\n",
    )]);
    let check = |now: i64, expected: &[&str]| {
        assert_eq!(
            set.evaluate(&Input::neutral("x", now)).labels,
            expected,
            "{now}"
        );
    };
    check(0, &["date", "time"]);
    check(2 * DAY - 1, &["date", "time"]);
    check(2 * DAY, &["time"]);
    check(2 * DAY + 3_600_000_000 - 1, &["time"]);
    check(2 * DAY + 3_600_000_000, &[]);
    assert!(set.rules().all(|rule| rule.is_expired(3 * DAY)));
}

#[test]
fn of_equally_strict_rules_the_one_with_the_highest_priority_gives_the_reason() {
    let set = load(&[(
        "stoa.yaml",
        "rules:\n\
         - { id: a, when: 'true', then: { verdict: hold }, reason: { code: a }, priority: -5 }\n\
         - { id: b, when: 'true', then: { verdict: hold }, reason: { code: b } }\n\
         - { id: c, when: 'comment.length > 1', then: { verdict: hold }, reason: { code: c }, priority: 7 }\n\
         - { id: d, when: 'comment.length > 1', then: { verdict: hold }, reason: { code: d }, priority: 7 }\n\
         - { id: e, when: 'comment.length > 2', then: { verdict: reject }, reason: { code: e }, priority: -1000, quota: 20, owner: ' team@news.example ' }\n",
    )]);
    let decided = |text: &str| {
        let outcome = set.evaluate(&Input::neutral(text, 0));
        outcome.reason.map(|reason| reason.code)
    };
    assert_eq!(decided("x").as_deref(), Some("b"));
    assert_eq!(decided("xx").as_deref(), Some("c"));
    assert_eq!(decided("xxx").as_deref(), Some("e"));
    let last = set.rules().last().unwrap();
    assert_eq!((last.quota, last.priority), (Some(20), -1000));
    assert_eq!(last.owner.as_deref(), Some("team@news.example"));
}

#[test]
fn a_rule_that_skips_does_not_hold_for_a_missing_fact() {
    let set = load(&[(
        "stoa.yaml",
        "rules:\n\
         - { id: skips, when: 'article.age > duration(\"1h\")', on_missing: skip, then: { verdict: reject } }\n\
         - { id: fails, when: '1 / author.held > 0', on_missing: skip, then: { labels: [x] } }\n",
    )]);
    let unknown = Input {
        article_published_at: None,
        ..Input::neutral("x", 0)
    };
    let outcome = set.evaluate(&unknown);
    let failed: Vec<(&str, bool)> = outcome
        .failed
        .iter()
        .map(|failure| (failure.rule.id.as_str(), failure.acted))
        .collect();
    // Only what is missing is skipped: a rule that can't be computed still holds.
    assert_eq!(failed, [("skips", false), ("fails", true)]);
    assert_eq!(outcome.partial, ["rule:fails"]);
    assert_eq!(outcome.verdict, Verdict::Hold);
    let mut rules = set.rules();
    assert_eq!(rules.next().unwrap().on_missing, OnMissing::Skip);
    let known = set.evaluate(&Input::neutral("x", 0));
    assert_eq!(known.verdict, Verdict::Reject);
}

#[test]
fn a_file_limits_its_rules_to_sites() {
    let set = load(&[
        (
            "stoa.yaml",
            "include: [courrier.yaml]\nrules:\n- { id: everywhere, when: 'true', then: { labels: [everywhere] } }\n",
        ),
        (
            "courrier.yaml",
            "sites: [courrier, gazette]\ninclude: [more.yaml]\nrules:\n- { id: both, when: 'true', then: { labels: [both] } }\n- { id: one, sites: [gazette, else], when: 'true', then: { labels: [one] } }\n",
        ),
        (
            "more.yaml",
            "rules:\n- { id: more, when: 'true', then: { labels: [more] } }\n",
        ),
    ]);
    let check = |site: &str, expected: &[&str]| {
        let input = Input {
            site,
            ..Input::neutral("x", 0)
        };
        assert_eq!(set.evaluate(&input).labels, expected, "{site}");
    };
    check("courrier", &["both", "everywhere", "more"]);
    check("gazette", &["both", "everywhere", "more", "one"]);
    check("else", &["everywhere", "more"]);
}

#[test]
fn macros_are_shared_between_files_and_each_other() {
    let set = load(&[
        (
            "stoa.yaml",
            "include: [more.yaml]\nmacros:\n  newcomer: fresh && author.approved < few\n  few: 3\n  shops: comment.links.filter(x, x.contains(shop))\n  abuse: body.hits('bad')\n  body: comment.text\nlists: { bad: { terms: [laid] } }\n\
             rules:\n\
             - { id: new, when: newcomer, then: { labels: [new] } }\n\
             - { id: shop, when: 'comment.link_domains.exists(d, d == \"a.example\" && shops.size() == 1)', then: { labels: [shop] } }\n\
             - { id: abuse, when: 'abuse && !newcomer', then: { labels: [abuse] } }\n",
        ),
        (
            "more.yaml",
            "macros: { fresh: \"author.age < duration('1d')\", shop: \"'shop'\" }\n",
        ),
    ]);
    let check = |text: &str, joined: i64, approved: u64, evaluated: u32, expected: &[&str]| {
        let mut input = Input::neutral(text, DAY);
        input.author.joined_at = Some(joined);
        input.author.first_seen = None;
        input.author.approved = approved;
        let outcome = set.evaluate(&input);
        assert_eq!(outcome.labels, expected, "{text} {joined}");
        assert_eq!(outcome.evaluated, evaluated, "{text}: {:?}", outcome.failed);
    };
    check("x", DAY - 1, 2, 2, &["new"]);
    check("x", DAY - 1, 3, 2, &[]);
    check(
        "https://a.example/shop https://b.example/",
        0,
        0,
        2,
        &["shop"],
    );
    // A list inside of a macro still says which rules need not be evaluated, and is shown.
    check("laid", 0, 0, 3, &["abuse"]);
    let outcome = set.evaluate(&Input::neutral("c'est laid", DAY));
    assert_eq!(outcome.fired[0].spans[0].text, "laid");
}

#[test]
fn in_list_looks_whole_texts_up_as_the_list_is_folded() {
    let set = load(&[(
        "stoa.yaml",
        "lists:\n  vips: { terms: [u-1, Éva] }\n  exact: { terms: [Éva], fold: none }\n  hosts: { terms: [Bit.ly], match: domain }\nrules:\n\
         - { id: vip, when: 'author.id.in_list(\"vips\") || author.name.in_list(\"vips\")', then: { labels: [vip] } }\n\
         - { id: exact, when: 'author.name.in_list(\"exact\")', then: { labels: [exact] } }\n\
         - { id: host, when: 'comment.link_domains.exists(d, d.in_list(\"hosts\"))', then: { labels: [host] } }\n",
    )]);
    let check = |id: &str, name: &str, text: &str, expected: &[&str]| {
        let mut input = Input::neutral(text, 0);
        input.author.id = id;
        input.author.display_name = Some(name);
        assert_eq!(set.evaluate(&input).labels, expected, "{id} {name}");
    };
    check("u-1", "", "", &["vip"]);
    check("u-11", "", "u-1", &[]);
    check("u", "EVA", "", &["vip"]);
    check("u", "Éva", "", &["exact", "vip"]);
    check("u", "Éva B", "https://bit.ly/x", &["host"]);
    check("u", "", "https://www.bit.ly/x", &[]);
}
