//! Drafts: rule sets whose examples may fail, and what tools show of them.

use std::collections::BTreeMap;

use stoa_rules::{ExampleFacts, RuleSet, Verdict};

fn files(rules: &str, words: &str) -> BTreeMap<String, Vec<u8>> {
    BTreeMap::from([
        ("stoa.yaml".to_owned(), rules.as_bytes().to_vec()),
        ("words.txt".to_owned(), words.as_bytes().to_vec()),
    ])
}

const RULES: &str = r#"
lists:
  bad: { file: words.txt, except: [oafish] }
  own: { terms: [churl] }
rules:
  - id: insult
    when: comment.text.hits("bad") && author.approved < 5
    then: { verdict: hold }
    examples:
      match: [{ text: an oaf, author: { approved: 0 } }, nothing]
      pass: [{ text: an oaf, counters: { none: 1 } }]
"#;

#[test]
fn each_example_has_its_result_and_one_that_fails_refuses_the_set() {
    let files = files(RULES, "# words\noaf\n\nlout [prefix]\n");
    let draft = RuleSet::untested(&files).unwrap();
    let results: Vec<_> = draft
        .examples()
        .into_iter()
        .map(|one| (one.line, one.should_fire, one.passes(), one.answer))
        .collect();
    let fault = Err("there is no counter `none`".to_owned());
    assert_eq!(
        results,
        [
            (10, true, true, Ok(true)),
            (10, true, false, Ok(false)),
            (11, false, false, fault)
        ]
    );
    let errors = draft.check_examples().unwrap_err();
    assert_eq!(errors, RuleSet::from_sources(&files).unwrap_err());
    assert_eq!(errors.0.len(), 2);
    assert!(errors.0[0].snippet.is_some());
}

#[test]
fn a_text_is_judged_with_the_facts_that_an_example_may_state() {
    let draft = RuleSet::untested(&files(RULES, "oaf\n")).unwrap();
    let judge = |facts: &str| {
        let facts: ExampleFacts = serde_json::from_str(facts).unwrap();
        draft.with_example(&facts, "courrier", |input| {
            (input.site.to_owned(), draft.evaluate(input).verdict)
        })
    };
    let held = ("courrier".to_owned(), Verdict::Hold);
    assert_eq!(
        judge(r#"{"text": "an oaf", "author": {"approved": 4}}"#),
        Ok(held)
    );
    let passes = ("tribune".to_owned(), Verdict::Approve);
    assert_eq!(
        judge(r#"{"text": "an oaf", "site": "tribune"}"#),
        Ok(passes)
    );
    let refused = judge(r#"{"text": "x", "article_age": "old"}"#).unwrap_err();
    assert_eq!(refused, "`old` is not a length of time");
}

#[test]
fn lists_tell_their_terms_and_where_they_stand() {
    let draft = RuleSet::untested(&files(RULES, "# words\noaf\n\nlout [prefix]\n")).unwrap();
    let lists: Vec<_> = draft.list_terms().collect();
    let told: Vec<_> = lists
        .iter()
        .map(|list| {
            (
                list.info.name.as_str(),
                list.terms_file.as_deref(),
                list.line,
            )
        })
        .collect();
    assert_eq!(told, [("bad", Some("words.txt"), 3), ("own", None, 4)]);
    assert_eq!(
        lists[0].terms,
        [("oaf".to_owned(), Some(2)), ("lout".to_owned(), Some(4))]
    );
    assert_eq!(lists[0].except, ["oafish"]);
    assert_eq!(lists[1].terms, [("churl".to_owned(), Some(4))]);
}
