//! The starter rule set: it loads, its examples hold, and ordinary sentences pass.

#![expect(clippy::panic, reason = "a helper of tests may stop the test")]

use std::path::Path;

use stoa_rules::{AuthorFacts, Finding, Input, RuleSet, Severity, Verdict};

fn starter() -> RuleSet {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../services/moderation-rules/rules");
    RuleSet::load(&dir).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn every_rule_explains_itself_and_has_examples_of_both_kinds() {
    let set = starter();
    assert!(set.rules().len() >= 15);
    for rule in set.rules() {
        for language in ["fr", "en", "de", "ru"] {
            assert!(
                rule.explain.contains_key(language),
                "{} in {language}",
                rule.id
            );
        }
        assert!(rule.reason.is_some(), "{}", rule.id);
        assert!(rule.description.is_some(), "{}", rule.id);
        assert!(rule.examples >= 2, "{}", rule.id);
    }
    let report = set.run_examples();
    assert!(report.failures.is_empty() && report.without.is_empty() && report.run > 80);
}

#[test]
fn its_lists_say_nothing_twice() {
    let findings = starter().lint(0);
    let bad = |one: &&Finding| one.severity != Severity::Note;
    let found: Vec<_> = findings.iter().filter(bad).collect();
    assert!(found.is_empty(), "{found:#?}");
    // What is written otherwise is found all the same.
    for text in ["du mißgeburt", "stück scheisse", "долбоеб", "хуи"] {
        let hits = starter().list_hits(text);
        assert!(!hits.is_empty(), "{text}");
    }
}

#[test]
fn ordinary_sentences_pass_and_abuse_does_not() {
    let set = starter();
    let check = |text: &str, expected: Verdict| {
        let input = Input {
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
                approved: 5,
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
        };
        let outcome = set.evaluate(&input);
        let fired: Vec<&str> = outcome
            .fired
            .iter()
            .map(|fired| fired.rule.id.as_str())
            .collect();
        assert_eq!(
            outcome.verdict, expected,
            "{text}: {fired:?} {:?}",
            outcome.partial
        );
    };
    for text in [
        "Un véhicule de la calculatrice, à Scunthorpe.",
        "L'assassin n'a pas encore été jugé.",
        "Le retard du train est minable, la douche était froide.",
        "Con la cabeza fría, el negro es un color.",
        "The class assessed the cockpit of the Essex bus.",
        "Die Lehrerin sagt: der Arzt kommt um 10 Uhr 30.",
        "Он оскорблял команду, но потребовал страховку.",
        "Хлеб употреблять, рубля не жалеть.",
        "Merci pour cet article, très clair. Je ne suis pas d'accord avec le titre.",
        "Rendez-vous le 12.05.2026 à 14h30, au 15 rue des Lilas, 75011 Paris.",
    ] {
        check(text, Verdict::Approve);
    }
    check("Mais quel connard, celui-là", Verdict::Hold);
    check("L’enculé !", Verdict::Hold);
    check("Иди нахуй отсюда", Verdict::Hold);
    check("Scheißausländer!", Verdict::Reject);
}
