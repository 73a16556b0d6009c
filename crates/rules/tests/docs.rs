//! The tables of the guide are those of the engine. `UPDATE=1` writes them anew.

#![expect(clippy::unwrap_used, reason = "a helper of tests may stop the test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use stoa_rules::{FACTS, FUNCTIONS, LINTS, RuleSet};

/// Replaces what stands between a pair of marks.
fn put(guide: &str, mark: &str, table: &str) -> String {
    let (open, close) = (format!("<!-- {mark} -->"), format!("<!-- /{mark} -->"));
    let (before, rest) = guide.split_once(&open).unwrap();
    let (_, after) = rest.split_once(&close).unwrap();
    format!("{before}{open}\n{table}{close}{after}")
}

#[test]
fn the_guide_has_every_fact_function_and_lint() {
    let mut facts = String::from("| fact | type | unit | what it is |\n|---|---|---|---|\n");
    for fact in FACTS {
        let mark = if fact.optional { " ?" } else { "" };
        writeln!(
            facts,
            "| `{}`{mark} | {} | {} | {} |",
            fact.name,
            fact.ty(),
            fact.unit,
            fact.doc
        )
        .unwrap();
    }
    let mut functions = String::from("| function | what it answers |\n|---|---|\n");
    for function in FUNCTIONS {
        writeln!(functions, "| `{}` | {} |", function.signature, function.doc).unwrap();
    }
    let mut lints = String::from("| code | severity | what it tells |\n|---|---|---|\n");
    for lint in LINTS {
        let (code, severity, doc) = (lint.code, lint.severity.as_str(), lint.doc);
        writeln!(lints, "| `{code}` | {severity} | {doc} |").unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules.md");
    let guide = std::fs::read_to_string(&path).unwrap();
    let current = put(&put(&guide, "facts", &facts), "functions", &functions);
    let current = put(&current, "lints", &lints);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        current,
        "run the tests with UPDATE=1"
    );
}

#[test]
fn every_fact_can_be_read_and_every_function_is_known() {
    let load = |when: &str| {
        let yaml = format!(
            "rules:\n  - id: r\n    when: >-\n      {when}\n    then: {{ verdict: hold }}\n"
        );
        RuleSet::from_sources(&BTreeMap::from([(
            "stoa.yaml".to_owned(),
            yaml.into_bytes(),
        )]))
    };
    for fact in FACTS {
        let when = if fact.ty().to_string().starts_with("list") {
            format!("size({}) > 0", fact.name)
        } else {
            format!("{0} == {0}", fact.name)
        };
        load(&when).unwrap_or_else(|errors| panic!("{}: {errors}", fact.name));
    }
    for function in FUNCTIONS {
        let call = if function.name.contains('.') {
            format!("{}('a', 'b', 'c')", function.name)
        } else {
            format!("comment.text.{}(1, 2, 3)", function.name)
        };
        let errors = load(&call).unwrap_err();
        assert!(
            !errors.to_string().contains("unknown function"),
            "{}: {errors}",
            function.name
        );
    }
}

#[test]
fn the_guides_first_rule_loads() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules.md");
    let guide = std::fs::read_to_string(&path).unwrap();
    let yaml = guide
        .split("```yaml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let files = BTreeMap::from([
        ("stoa.yaml".to_owned(), yaml.as_bytes().to_vec()),
        ("lists/insults-fr.txt".to_owned(), b"connard\n".to_vec()),
    ]);
    let set = RuleSet::from_sources(&files).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(set.run_examples().run, 3);
}
