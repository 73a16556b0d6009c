//! Exit codes, cases, lint and explanations, over rule sets on disk.

use super::*;

fn folder(yaml: Option<&str>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    if let Some(yaml) = yaml {
        std::fs::write(folder.path().join("stoa.yaml"), yaml).unwrap();
    }
    folder
}

fn set(folder: &tempfile::TempDir) -> SetArgs {
    SetArgs {
        folder: folder.path().to_owned(),
        json: true,
    }
}

fn assert_exit(command: RulesCommand, code: u8, what: &str) {
    let exit = run(&RulesArgs { command }).unwrap();
    assert_eq!(
        format!("{exit:?}"),
        format!("{:?}", ExitCode::from(code)),
        "{what}"
    );
}

fn rule(when: &str, example: &str) -> String {
    format!(
        "rules:\n  - id: long\n    when: {when}\n    then: {{ verdict: hold }}\n    \
         reason: {{ code: long }}\n    explain: {{ en: \"Long.\" }}\n    \
         examples: {{ match: [\"{example}\"] }}\n"
    )
}

/// An event with a body, in one line.
fn event(comment: &str, body: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{comment}","source":"/test","type":"stoa.comment.submitted.v1","data":{{"site":"s","article":"a","comment":"{comment}","author":{{"id":"u","joined_at":"2022-12-13T08:00:00Z"}},"body":"{body}","submitted_at":"2022-12-13T09:00:00Z"}}}}"#
    )
}

#[test]
fn exit_codes_tell_broken_from_failing() {
    let check = |yaml: Option<&str>, expected: [u8; 3]| {
        let folder = folder(yaml);
        let test = TestArgs {
            set: set(&folder),
            cases: None,
        };
        let lint = lint::LintArgs {
            set: set(&folder),
            strict: true,
        };
        let commands = [
            RulesCommand::Check(set(&folder)),
            RulesCommand::Test(test),
            RulesCommand::Lint(lint),
        ];
        for (command, code) in commands.into_iter().zip(expected) {
            assert_exit(command, code, &format!("{yaml:?}"));
        }
    };
    check(None, [78, 78, 78]);
    check(Some("rules: ["), [78, 78, 78]);
    check(Some(&rule("comment.lenght > 3", "abcdef")), [78, 78, 78]);
    check(Some(&rule("comment.length > 3", "ab")), [78, 1, 78]);
    check(Some(&rule("comment.length > 3", "abcdef")), [0, 0, 0]);
    let expired = rule("comment.length > 3", "abcdef") + "    expires: 2001-01-01\n";
    check(Some(&expired), [0, 0, 1]);
    // Notes are no reason to fail.
    check(
        Some("rules: [{ id: a, when: 'true', then: { labels: [x] }, examples: { match: [x] } }]\n"),
        [0, 0, 0],
    );
}

#[test]
fn cases_are_events_with_what_must_come_of_them() {
    let folder = folder(Some(&format!(
        "{}  - {{ id: new, when: 'author.age < duration(\"2h\") && author.approved == 10', then: {{ labels: [new] }} }}\n",
        rule("comment.length > 3", "abcdef")
    )));
    let cases = folder.path().join("cases.jsonl");
    let run = |lines: &[String]| {
        std::fs::write(&cases, lines.join("\n")).unwrap();
        let set = RuleSet::load(folder.path()).unwrap();
        cases::run(&set, &cases)
    };
    let case = |body: &str, expect: &str| {
        format!(r#"{{"event":{},"expect":{expect}}}"#, event("c-1", body))
    };
    let report = run(&[
        case("abc", r#"{"verdict":"approve"}"#),
        case(
            "abcd",
            r#"{"verdict":"hold","labels":["new"],"rules":["new","long"]}"#,
        ),
        String::new(),
        case(
            "abcd",
            r#"{"verdict":"approve","labels":[],"rules":["new"]}"#,
        ),
    ])
    .unwrap();
    let failed: Vec<(u64, &str, &str, &str)> = report
        .failures
        .iter()
        .map(|f| (f.line, f.what, f.expected.as_str(), f.got.as_str()))
        .collect();
    assert_eq!(report.run, 3);
    assert_eq!(
        failed,
        [
            (4, "verdict", "approve", "hold"),
            (4, "labels", "none", "new"),
            (4, "rules", "new", "long, new"),
        ]
    );
    let fails = |line: &str, expected: &str| {
        let error = format!("{:#}", run(&[line.to_owned()]).unwrap_err());
        assert!(error.contains(expected), "{error}");
    };
    fails("{", "cases.jsonl:1: a case is");
    fails(
        &case("x", r#"{"verdict":"held"}"#),
        "unknown verdict `held`",
    );
    fails(&case("x", r#"{"verdict":"hold","label":[]}"#), "a case is");
    fails(
        r#"{"event":{"specversion":"1.0"},"expect":{"verdict":"hold"}}"#,
        "cases.jsonl:1: ",
    );
    std::fs::write(&cases, case("abc", r#"{"verdict":"hold"}"#)).unwrap();
    let args = TestArgs {
        set: set(&folder),
        cases: Some(cases.clone()),
    };
    assert_exit(RulesCommand::Test(args), 1, "a case fails");
}

#[test]
fn an_explanation_says_why_each_rule_fired_or_did_not() {
    let folder = folder(Some(
        "lists: { bad: { terms: [laid] } }\n\
         rules:\n\
         - { id: quiet, when: 'author.new && author.held > 1', then: { verdict: hold } }\n\
         - { id: bad, when: 'comment.text.hits(\"bad\")', then: { verdict: reject } }\n",
    ));
    let set = RuleSet::load(folder.path()).unwrap();
    let subject = event::Subject::read(event("c-1", "c'est laid\u{202e}").as_bytes()).unwrap();
    let explanation = set.explain(&subject.input(&[]));
    let text = explain::to_text(&explanation);
    assert_eq!(
        text,
        "verdict: reject\ndecided by: bad\n\n\
         + bad (stoa.yaml:4): fired and acted\n    at 6..10 \"laid\" by \"laid\" of bad\n  when\n    \
         true                      comment.text.hits(\"bad\")\n\n\
         - quiet (stoa.yaml:3): its condition does not hold\n  when\n    \
         false                     author.new && author.held > 1\n    \
         false                       author.new\n    \
         not evaluated               author.held > 1\n    \
         not evaluated                 author.held\n"
    );
    let other = r#"{"specversion":"1.0","id":"1","source":"/t","type":"stoa.author.erased.v1","data":{"site":"s","author":"u","scope":"all","legal_basis":"x","requested_at":"2022-12-13T09:00:00Z"}}"#;
    let error = event::Subject::read(other.as_bytes()).unwrap_err();
    assert!(error.contains("has no comment to judge"), "{error}");
    let file = folder.path().join("event.json");
    std::fs::write(&file, event("c-1", "laid")).unwrap();
    let args = explain::ExplainArgs {
        set: self::set(&folder),
        event: file,
    };
    assert_exit(RulesCommand::Explain(args), 0, "explain");
}
