//! What the targets share: rule sets from memory, a comment with every fact, and what must hold of
//! any outcome.

use std::collections::BTreeMap;

use stoa_rules::{AuthorFacts, Errors, Input, Link, Outcome, RuleSet};

/// Loads a rule set of a `stoa.yaml` and a `list.txt`.
pub fn load(yaml: &str, list: &[u8]) -> Result<RuleSet, Errors> {
    RuleSet::from_sources(&BTreeMap::from([
        ("stoa.yaml".to_owned(), yaml.as_bytes().to_vec()),
        ("list.txt".to_owned(), list.to_vec()),
    ]))
}

/// Judges a text, and checks that it is judged the same way again and that spans say what is there.
pub fn judge(set: &RuleSet, text: &str) -> Outcome {
    let links = [Link {
        url: "https://www.example.org/a?b=c",
        text: Some("example.com"),
    }];
    let input = Input {
        site: "site",
        article: "article",
        comment: "comment",
        text,
        html: true,
        links: &links,
        language: Some("fr"),
        language_confidence: 0.8,
        author: AuthorFacts {
            id: "author",
            display_name: Some(text.get(..text.len().min(64)).unwrap_or("name")),
            approved: 3,
            rejected: 1,
            joined_at: Some(1_700_000_000_000_000),
            ..AuthorFacts::default()
        },
        parent: Some("parent"),
        depth: 2,
        ..Input::neutral(text, 1_767_268_800_000_000)
    };
    let outcome = set.evaluate(&input);
    let again = set.evaluate(&input);
    assert_eq!(outcome.verdict, again.verdict);
    assert_eq!(outcome.partial, again.partial);
    let chars: Vec<char> = text.chars().collect();
    for span in outcome.fired.iter().flat_map(|fired| &fired.spans) {
        let own = &chars[span.start as usize..span.end as usize];
        assert!(!own.is_empty());
        assert!(own.iter().take(256).copied().eq(span.text.chars()));
    }
    outcome
}
