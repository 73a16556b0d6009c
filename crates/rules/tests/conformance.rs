//! The language is CEL where it is a subset of it: CEL's published conformance expressions.
//!
//! `tests/conformance/*.txt` hold them, all of the suites that concern us, in three groups: those
//! that must have their published value, those that the engine must refuse when a rule set is
//! loaded because it lacks a feature, each group of these under its reason, and those in which it
//! is known to differ.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests may stop the test"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use stoa_rules::{AuthorFacts, Input, RuleSet};

/// What a file says of an expression.
#[derive(Clone, Copy, PartialEq)]
enum Group {
    Supported,
    Refused,
    Differs,
}

struct Case {
    name: String,
    expression: String,
    expected: String,
    group: Group,
    reason: String,
}

/// What became of an expression.
#[derive(Debug, PartialEq)]
enum Answer {
    Value(bool),
    Fault(String),
    Refused(String),
}

/// Reads `name | expected | expression` lines; `\n` and the like stand for characters that don't
/// fit into a line, after `json ` alone.
fn cases(text: &str) -> Vec<Case> {
    let mut group = Group::Supported;
    let mut reason = String::new();
    let mut cases = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("## ") {
            (group, reason) = match rest.split_once(": ") {
                Some(("refused", reason)) => (Group::Refused, reason.to_owned()),
                Some(("differs", reason)) => (Group::Differs, reason.to_owned()),
                _ => (Group::Supported, String::new()),
            };
            continue;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut parts = line.splitn(3, " | ");
        let (name, expected, expression) = (
            parts.next().unwrap(),
            parts.next().unwrap_or_else(|| panic!("{line}")),
            parts.next().unwrap_or_else(|| panic!("{line}")),
        );
        let expression = match expression.strip_prefix("json ") {
            Some(text) => serde_json::from_str(text).unwrap(),
            None => expression.to_owned(),
        };
        cases.push(Case {
            name: name.to_owned(),
            expression,
            expected: expected.to_owned(),
            group,
            reason: reason.clone(),
        });
    }
    cases
}

fn evaluate(condition: &str) -> Answer {
    let when = serde_json::to_string(condition).unwrap();
    // YAML wants this one escaped, JSON does not.
    let when = when.replace('\u{7f}', "\\u007f");
    let yaml = format!("rules: [{{ id: r, when: {when}, then: {{ labels: [x] }} }}]\n");
    let files = BTreeMap::from([("stoa.yaml".to_owned(), yaml.into_bytes())]);
    let set = match RuleSet::from_sources(&files) {
        Ok(set) => set,
        Err(errors) => return Answer::Refused(errors.0.first().unwrap().message.clone()),
    };
    let outcome = set.evaluate(&Input {
        site: "s",
        article: "a",
        comment: "c",
        text: "",
        html: false,
        links: &[],
        language: None,
        language_confidence: 0.0,
        author: AuthorFacts::default(),
        parent: None,
        depth: 0,
        depth_known: true,
        revision: 1,
        article_published_at: None,
        submitted_at: 0,
        now: 0,
        ..Input::neutral("", 0)
    });
    match outcome.failed.first() {
        Some(failure) => Answer::Fault(failure.message.clone()),
        None => Answer::Value(!outcome.fired.is_empty()),
    }
}

impl Case {
    /// Evaluates the expression against what is expected of it.
    fn answer(&self) -> Answer {
        match self.expected.as_str() {
            "true" => evaluate(&self.expression),
            // A list with the value needs the value, of whatever type it is.
            "error" => evaluate(&format!("size([{}]) == 1", self.expression)),
            "unwritten" => evaluate(&format!("size([{}]) == 2", self.expression)),
            expected => evaluate(&format!("({}) == ({expected})", self.expression)),
        }
    }

    /// Tells whether an answer is as published; an error may be told when the rules are loaded.
    fn is_published(&self, answer: &Answer) -> bool {
        match answer {
            Answer::Value(value) => *value && self.expected != "error",
            Answer::Fault(_) | Answer::Refused(_) => self.expected == "error",
        }
    }
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

/// Reads all files, each with its name, in order.
fn suites() -> Vec<(String, Vec<Case>)> {
    let mut suites: Vec<(String, Vec<Case>)> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, cases(&std::fs::read_to_string(&path).unwrap()))
        })
        .collect();
    suites.sort_by(|a, b| a.0.cmp(&b.0));
    suites
}

#[test]
fn what_is_supported_has_the_published_value_and_the_rest_is_refused() {
    let mut wrong = Vec::new();
    for (suite, cases) in suites() {
        for case in &cases {
            let answer = case.answer();
            let right = match case.group {
                Group::Supported => case.is_published(&answer),
                Group::Refused => matches!(answer, Answer::Refused(_)),
                Group::Differs => !case.is_published(&answer),
            };
            if !right {
                wrong.push(format!(
                    "{suite}/{}: {}\n  expected {}, got {answer:?}",
                    case.name, case.expression, case.expected
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_overview_counts_what_is_supported_and_why_the_rest_is_not() {
    let mut supported = String::from("| suite | as published | refused |\n|---|---|---|\n");
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut total = 0;
    for (suite, cases) in suites() {
        let n = |group| cases.iter().filter(|case| case.group == group).count();
        total += n(Group::Supported);
        writeln!(
            supported,
            "| {suite} | {} | {} |",
            n(Group::Supported),
            n(Group::Refused)
        )
        .unwrap();
        assert_eq!(
            n(Group::Differs),
            0,
            "{suite}: a value that is not as published"
        );
        for case in cases.iter().filter(|case| case.group == Group::Refused) {
            *reasons.entry(case.reason.clone()).or_default() += 1;
        }
    }
    assert!(total >= 650, "{total} supported expressions");
    let mut refused = String::from("| refused, because it has | expressions |\n|---|---|\n");
    for (reason, n) in reasons {
        writeln!(refused, "| {reason} | {n} |").unwrap();
    }
    let text = format!(
        "# Conformance\n\nCEL's published conformance expressions, run by `tests/conformance.rs`.\n\
         {total} of them have the published value.\n\
         The others need what the rule language leaves out, and are refused when a rule set is loaded.\n\n\
         {supported}\n{refused}"
    );
    let path = folder().join("README.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&path).unwrap_or_default(),
        text,
        "run the tests with UPDATE=1"
    );
}
