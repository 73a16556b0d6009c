//! What comes of a rule set and a comment.

#![expect(clippy::panic, reason = "a helper of tests may stop the test")]

use std::collections::BTreeMap;

use stoa_rules::{
    AuthorFacts, Input, Link, Mode, Outcome, ReportFacts, ReportReason, RuleSet, Sanction, Verdict,
};

fn load(files: &[(&str, &str)]) -> RuleSet {
    let files: BTreeMap<String, Vec<u8>> = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
        .collect();
    RuleSet::from_sources(&files).unwrap_or_else(|errors| panic!("{errors}"))
}

fn input(text: &str) -> Input<'_> {
    Input {
        site: "courrier",
        article: "a-1",
        comment: "c-1",
        text,
        html: false,
        links: &[],
        language: None,
        language_confidence: 0.0,
        author: AuthorFacts {
            id: "u-1",
            display_name: Some("Zoé"),
            ..AuthorFacts::default()
        },
        parent: None,
        depth: 0,
        depth_known: true,
        revision: 1,
        article_published_at: None,
        submitted_at: 0,
        now: 0,
        ..Input::neutral("", 0)
    }
}

/// Returns the spans of all rules that fired: start, end, text, list and term.
fn spans(outcome: &Outcome) -> Vec<(u32, u32, String, String)> {
    outcome
        .fired
        .iter()
        .flat_map(|fired| &fired.spans)
        .map(|span| {
            (
                span.start,
                span.end,
                span.text.clone(),
                span.term.clone().unwrap_or_default(),
            )
        })
        .collect()
}

#[test]
fn hits_give_the_original_characters_in_code_points() {
    let set = load(&[(
        "stoa.yaml",
        "lists:\n  bad: { terms: [élan, strasse, \"va là\", idiot] }\n  raw: { terms: [Exact], fold: none }\n  part: { terms: [cul], match: substring }\n  rx: { terms: ['b[ao]+h'], match: regex }\n  dom: { terms: [bit.ly], match: domain }\nrules:\n  - { id: a, when: 'comment.text.hits(\"bad\") || comment.text.hits(\"raw\") || comment.text.hits(\"rx\") || comment.links.hits(\"dom\") || comment.text.matches(\"x{3}\")', then: { verdict: hold } }\n  - { id: b, when: 'comment.text.hits(\"part\")', then: { labels: [part] } }\n",
    )]);
    let check = |text: &str, expected: &[(u32, u32, &str, &str)]| {
        let outcome = set.evaluate(&input(text));
        let found = spans(&outcome);
        let found: Vec<(u32, u32, &str, &str)> = found
            .iter()
            .map(|(s, e, text, term)| (*s, *e, text.as_str(), term.as_str()))
            .collect();
        assert_eq!(found, expected, "{text}");
    };
    check("rien", &[]);
    check("l'ÉLAN !", &[(2, 6, "ÉLAN", "élan")]);
    check("é l’e\u{301}lan", &[(4, 9, "e\u{301}lan", "élan")]);
    check("Die Straße", &[(4, 10, "Straße", "strasse")]);
    check("VA\u{a0}LÀ", &[(0, 5, "VA\u{a0}LÀ", "va là")]);
    check("idiots", &[]);
    check(
        "😀 idiot idiot",
        &[(2, 7, "idiot", "idiot"), (8, 13, "idiot", "idiot")],
    );
    check("exact Exact", &[(6, 11, "Exact", "Exact")]);
    check("véhicule", &[(4, 7, "cul", "cul")]);
    check("booh xxx", &[(0, 4, "booh", "b[ao]+h"), (5, 8, "xxx", "")]);
    check(
        "à https://bit.ly/x",
        &[(2, 18, "https://bit.ly/x", "bit.ly")],
    );
    check("à www.bit.ly", &[(2, 12, "www.bit.ly", "bit.ly")]);
    check("https://notbit.ly/x", &[]);
    let links = [Link {
        url: "http://bit.ly/1",
        text: Some("ici"),
    }];
    let outcome = set.evaluate(&Input {
        links: &links,
        ..input("c'est ici")
    });
    assert_eq!(spans(&outcome), [(6, 9, "ici".into(), "bit.ly".into())]);
}

#[test]
fn the_strictest_wins_and_shadow_never_acts() {
    let set = load(&[(
        "stoa.yaml",
        r"
rules:
  - { id: label, when: 'comment.length > 0', then: { labels: [z, a] } }
  - { id: hold, when: 'comment.text.contains(`h`)', then: { verdict: hold, labels: [a, h] }, reason: { code: first } }
  - { id: hold2, when: 'comment.text.contains(`h`)', then: { verdict: hold }, reason: { code: second } }
  - { id: reject, when: 'comment.text.contains(`r`)', unless: 'author.trusted', then: { verdict: reject }, reason: { code: third, ground: legal } }
  - { id: shadow, when: 'comment.text.contains(`s`)', then: { verdict: reject, labels: [no] }, mode: shadow }
"
        .replace('`', "\"")
        .as_str(),
    )]);
    let check = |text: &str, verdict, labels: &[&str], fired: &[&str], reason: Option<&str>| {
        let outcome = set.evaluate(&input(text));
        assert_eq!(outcome.verdict, verdict, "{text}");
        assert_eq!(outcome.labels, labels, "{text}");
        let ids: Vec<&str> = outcome.fired.iter().map(|f| f.rule.id.as_str()).collect();
        assert_eq!(ids, fired, "{text}");
        assert_eq!(
            outcome.reason.as_ref().map(|r| r.code.as_str()),
            reason,
            "{text}"
        );
        assert!(outcome.partial.is_empty(), "{text}");
        assert_eq!(outcome.evaluated + outcome.skipped, 5);
    };
    check("", Verdict::Approve, &[], &[], None);
    check("x", Verdict::Approve, &["a", "z"], &["label"], None);
    check(
        "h",
        Verdict::Hold,
        &["a", "h", "z"],
        &["label", "hold", "hold2"],
        Some("first"),
    );
    check(
        "hr",
        Verdict::Reject,
        &["a", "h", "z"],
        &["label", "hold", "hold2", "reject"],
        Some("third"),
    );
    check(
        "s",
        Verdict::Approve,
        &["a", "z"],
        &["label", "shadow"],
        None,
    );
    let trusted = AuthorFacts {
        id: "u",
        trusted: true,
        ..AuthorFacts::default()
    };
    assert_eq!(
        set.evaluate(&Input {
            author: trusted,
            ..input("r")
        })
        .verdict,
        Verdict::Approve
    );
}

#[test]
fn a_rule_that_fails_holds_the_comment_unless_it_is_in_shadow() {
    let set = load(&[(
        "stoa.yaml",
        "rules:\n  - { id: old, when: 'article.age > duration(\"1h\")', then: { labels: [x] } }\n  - { id: dark, when: '1 / author.held > 0', then: { verdict: reject }, mode: shadow }\n",
    )]);
    let outcome = set.evaluate(&input("x"));
    assert_eq!(outcome.verdict, Verdict::Hold);
    assert_eq!(outcome.partial, ["article.age", "rule:old"]);
    let failed: Vec<(&str, bool)> = outcome
        .failed
        .iter()
        .map(|f| (f.rule.id.as_str(), f.acted))
        .collect();
    assert_eq!(failed, [("old", true), ("dark", false)]);
    let known = Input {
        article_published_at: Some(0),
        ..input("x")
    };
    assert_eq!(set.evaluate(&known).partial, Vec::<String>::new());
}

#[test]
fn a_percentage_is_a_stable_share_of_the_threads() {
    let set = load(&[(
        "stoa.yaml",
        "rules:\n  - { id: part, when: 'true', then: { verdict: hold }, mode: 10% }\n  - { id: other, when: 'true', then: { verdict: hold }, mode: 10% }\n",
    )]);
    assert_eq!(
        set.rules().next().unwrap().mode,
        Mode::Percent { percent: 10 }
    );
    let threads: Vec<String> = (0..5_000).map(|n| format!("a-{n}")).collect();
    let acted = |thread: &str| -> Vec<bool> {
        let outcome = set.evaluate(&Input {
            article: thread,
            ..input("x")
        });
        assert_eq!(outcome.fired.len(), 2);
        for fired in &outcome.fired {
            // Where it is only recorded, the decision says so.
            let mark = fired.record().extra.get("acted").cloned();
            assert_eq!(mark, (!fired.acted).then(|| false.into()), "{thread}");
        }
        outcome.fired.iter().map(|fired| fired.acted).collect()
    };
    let acting: Vec<Vec<bool>> = threads.iter().map(|thread| acted(thread)).collect();
    let share = acting.iter().filter(|acted| acted[0]).count();
    assert!((400..600).contains(&share), "{share} of 5000");
    assert!(
        acting.iter().any(|acted| acted[0] != acted[1]),
        "rules pick threads apart"
    );
    assert!(
        threads
            .iter()
            .zip(&acting)
            .all(|(thread, before)| acted(thread) == *before)
    );
}

#[test]
fn rules_are_for_their_sites_and_languages() {
    let set = load(&[(
        "stoa.yaml",
        "rules:\n  - { id: site, sites: [courrier], when: 'true', then: { labels: [site] } }\n  - { id: fr, languages: [fr], when: 'true', then: { labels: [fr] } }\n",
    )]);
    let check = |site: &str, language: Option<&str>, confidence, expected: &[&str]| {
        let outcome = set.evaluate(&Input {
            site,
            language,
            language_confidence: confidence,
            ..input("x")
        });
        assert_eq!(outcome.labels, expected, "{site} {language:?}");
    };
    check("courrier", Some("fr"), 0.9, &["fr", "site"]);
    check("autre", Some("fr-CA"), 0.9, &["fr"]);
    check("autre", Some("de"), 0.9, &[]);
    check("autre", Some("de"), 0.2, &["fr"]);
    check("autre", None, 0.0, &["fr"]);
}

#[test]
fn rules_whose_lists_did_not_hit_are_not_evaluated() {
    let set = load(&[(
        "stoa.yaml",
        "lists: { a: { terms: [aaa] }, b: { terms: [bbb] } }\nrules:\n  - { id: one, when: 'comment.text.hits(\"a\") && author.held == 0', then: { labels: [one] } }\n  - { id: two, when: '(comment.text.hits(\"a\") || comment.text.hits(\"b\")) && true', then: { labels: [two] } }\n  - { id: not, when: '!comment.text.hits(\"a\")', then: { labels: [not] } }\n  - { id: count, when: 'comment.text.hit_count(\"b\") >= 2', then: { labels: [count] } }\n",
    )]);
    let check = |text: &str, evaluated, labels: &[&str]| {
        let outcome = set.evaluate(&input(text));
        assert_eq!(outcome.evaluated, evaluated, "{text}");
        assert_eq!(outcome.labels, labels, "{text}");
    };
    check("x", 1, &["not"]);
    check("aaa", 3, &["one", "two"]);
    check("bbb", 3, &["not", "two"]);
    check("bbb bbb", 3, &["count", "not", "two"]);
    // A flood of one list's hits hides no other list.
    let flood = "aaa ".repeat(10_000) + "bbb bbb";
    check(&flood, 4, &["count", "one", "two"]);
}

#[test]
fn the_hash_is_over_canonical_content_of_what_is_used() {
    let hash = |files: &[(&str, &str)]| load(files).hash().to_owned();
    let rule = "lists: { a: { file: a.txt } }\nrules: []\n";
    let one = hash(&[("stoa.yaml", rule), ("a.txt", "x\ny\n")]);
    assert!(one.starts_with("sha256:") && one.len() == 71);
    assert_eq!(
        one,
        hash(&[("stoa.yaml", rule), ("a.txt", "\u{feff}x\r\ny\r\n")])
    );
    assert_eq!(
        one,
        hash(&[
            ("stoa.yaml", rule),
            ("a.txt", "x\ny\n"),
            ("unused.txt", "z")
        ])
    );
    assert_ne!(one, hash(&[("stoa.yaml", rule), ("a.txt", "x\nz\n")]));
}

#[test]
fn files_on_disk_and_in_memory_are_the_same_rule_set() {
    let dir = tempfile::tempdir().unwrap();
    let root = "include: [more.yaml]\nlists: { a: { file: lists/a.txt } }\n";
    let more = "rules: [{ id: r, when: 'comment.text.hits(\"a\")', then: { verdict: hold } }]\n";
    std::fs::create_dir(dir.path().join("lists")).unwrap();
    for (path, text) in [
        ("stoa.yaml", root),
        ("more.yaml", more),
        ("lists/a.txt", "# c\n\nmot\n"),
    ] {
        std::fs::write(dir.path().join(path), text).unwrap();
    }
    let set = RuleSet::load(dir.path()).unwrap();
    let same = load(&[
        ("stoa.yaml", root),
        ("more.yaml", more),
        ("lists/a.txt", "# c\n\nmot\n"),
    ]);
    assert_eq!(set.hash(), same.hash());
    assert_eq!(set.rules().next().unwrap().file, "more.yaml");
    assert_eq!(set.lists().next().unwrap().terms, 1);
    assert_eq!(set.evaluate(&input("un mot")).verdict, Verdict::Hold);
}

#[test]
fn a_rule_set_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<RuleSet>();
    shared::<Outcome>();
}

#[test]
fn a_report_looks_at_the_rules_that_read_reports_alone() {
    let set = load(&[(
        "stoa.yaml",
        r#"
lists:
  bad: { terms: [scoundrel] }
macros:
  reported: comment.reports_weight >= 3.0
rules:
  - { id: insult, when: 'comment.text.hits("bad")', then: { verdict: reject }, reason: { code: x } }
  - { id: long, when: 'comment.length > 0', then: { labels: [any] } }
  - { id: often, when: reported, then: { verdict: hold } }
  - { id: spam, when: '"spam" in comment.report_reasons', then: { verdict: hold } }
  - { id: both, when: 'comment.text.hits("bad")', unless: 'comment.reports < 2', then: { verdict: reject }, reason: { code: x } }
  - { id: elsewhere, sites: [other], when: 'comment.reports > 0', then: { verdict: reject }, reason: { code: x } }
"#,
    )]);
    assert!(set.reads_reports());
    let fired = |text, on_report, reports: ReportFacts<'_>| -> Vec<String> {
        let mut input = input(text);
        (input.on_report, input.reports) = (on_report, reports);
        let mut begun = 0;
        let outcome = set.evaluate_observed(&input, &mut |_| begun += 1);
        assert_eq!(outcome.evaluated, begun);
        if on_report {
            assert!(begun <= 3, "{begun} rules were looked at");
        }
        let fired = outcome.fired.iter().map(|fired| fired.rule.id.clone());
        fired.collect()
    };
    let reports = |reporters, weight, reasons| ReportFacts {
        reporters,
        weight,
        reasons,
    };
    let (spam, other) = ([ReportReason::Spam], [ReportReason::Other]);
    let none = ReportFacts::default();
    assert_eq!(fired("a scoundrel", false, none), ["insult", "long"]);
    assert_eq!(
        fired("a scoundrel", false, reports(2, 3.0, &spam)),
        ["insult", "long", "often", "spam", "both"]
    );
    assert_eq!(
        fired("a scoundrel", true, reports(2, 3.0, &spam)),
        ["often", "spam", "both"]
    );
    assert_eq!(fired("fine", true, reports(2, 2.9, &spam)), ["spam"]);
    assert!(fired("fine", true, reports(2, 2.9, &other)).is_empty());

    let without = load(&[(
        "stoa.yaml",
        "rules:\n  - { id: a, when: 'comment.length > 0', then: { verdict: hold } }\n",
    )]);
    assert!(!without.reads_reports());
    let outcome = without.evaluate(&Input {
        on_report: true,
        ..input("fine")
    });
    assert_eq!((outcome.verdict, outcome.evaluated), (Verdict::Approve, 0));
}

#[test]
fn examples_state_reports() {
    let rule = |example: &str| {
        format!(
            "rules:\n  - id: a\n    when: 'comment.reports_weight > 2.5 && comment.report_reasons == [\"spam\", \"hate\"]'\n    then: {{ verdict: hold }}\n    examples: {{ match: [{{ text: x, reports: {example} }}] }}\n"
        )
    };
    let loads = |example: &str| {
        let files = BTreeMap::from([("stoa.yaml".to_owned(), rule(example).into_bytes())]);
        RuleSet::from_sources(&files)
            .map(|_| ())
            .map_err(|errors| errors.to_string())
    };
    loads("{ reporters: 3, reasons: [hate, spam] }").unwrap();
    let light = loads("{ reporters: 3, weight: 2.5, reasons: [hate, spam] }").unwrap_err();
    assert!(light.contains("does not fire"), "{light}");
    let unknown = loads("{ reporters: 3, reasons: [dislike] }").unwrap_err();
    assert!(unknown.contains("dislike"), "{unknown}");
}

#[test]
fn a_sanction_is_a_fact_and_examples_state_it() {
    let yaml = |example: &str| {
        format!(
            "rules:\n  - {{ id: shut, when: 'author.sanction in [\"ban\", \"suspend\"]', then: {{ verdict: reject }}, reason: {{ code: x }} }}\n  - id: any\n    when: author.sanctioned\n    then: {{ verdict: hold }}\n    examples: {{ match: [{{ text: x, author: {{ sanction: {example} }} }}], pass: [x, {{ text: x, author: {{ sanction: warn }} }}] }}\n"
        )
    };
    let set = load(&[("stoa.yaml", &yaml("premoderate"))]);
    for (sanction, verdict) in [
        (None, Verdict::Approve),
        (Some(Sanction::Warn), Verdict::Approve),
        (Some(Sanction::Premoderate), Verdict::Hold),
        (Some(Sanction::Suspend), Verdict::Reject),
        (Some(Sanction::Ban), Verdict::Reject),
    ] {
        let mut input = input("fine");
        input.author.sanction = sanction;
        assert_eq!(set.evaluate(&input).verdict, verdict, "{sanction:?}");
    }
    let files = BTreeMap::from([("stoa.yaml".to_owned(), yaml("lift").into_bytes())]);
    let errors = RuleSet::from_sources(&files).unwrap_err().to_string();
    assert!(errors.contains("leave `sanction` out"), "{errors}");
}
