//! Scores: what a classifier outside says of a comment, as a number from 0 to 1.
//!
//! The engine asks nobody. It says which scores a comment's rules read
//! ([`RuleSet::scores_wanted`]), and its caller puts those that it has into
//! [`Input::scores`](crate::Input::scores). A score that is not there is missing, as a fact is:
//! each rule's `on_missing` says what that means.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Errors, did_you_mean};
use crate::evaluate::index;
use crate::expr::node::Node;
use crate::facts::Facts;
use crate::input::Input;
use crate::load::RuleSet;
use crate::rule::Rule;

/// Characters of a score's name.
const NAME: usize = 64;

/// Tells whether a score can have this name: lower-case letters, digits and `_`, a letter first.
pub fn is_score_name(name: &str) -> bool {
    name.len() <= NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// A rule that reads scores, by its place.
#[derive(Debug)]
pub(crate) struct Reader {
    place: usize,
    names: Vec<Arc<str>>,
}

/// Finds the rules that read scores.
pub(crate) fn readers(rules: &[Rule]) -> Vec<Reader> {
    let mut readers = Vec::new();
    for (place, rule) in rules.iter().enumerate() {
        let mut names = BTreeSet::new();
        rule.nodes(&mut |node| {
            if let Node::Score(name) = node {
                names.insert(Arc::clone(name));
            }
        });
        if !names.is_empty() {
            readers.push(Reader {
                place,
                names: names.into_iter().collect(),
            });
        }
    }
    readers
}

impl RuleSet {
    /// Returns the scores that conditions read, each with the ids of the rules that do.
    pub fn scores(&self) -> impl Iterator<Item = (&str, &str)> + '_ {
        self.readers.iter().flat_map(|reader| {
            let rule = self.rules.get(reader.place);
            let id = rule.map_or("", |rule| rule.info.id.as_str());
            reader.names.iter().map(move |name| (name.as_ref(), id))
        })
    }

    /// Refuses scores that are not among those that the caller can give.
    pub fn check_scores(&self, known: &[String]) -> Result<(), Errors> {
        let mut errors = Vec::new();
        for reader in &self.readers {
            let Some(rule) = self.rules.get(reader.place) else {
                continue;
            };
            for name in &reader.names {
                if known.iter().any(|known| known == name.as_ref()) {
                    continue;
                }
                let help = did_you_mean(name, known.iter().map(String::as_str))
                    .unwrap_or_else(|| "add one to the configuration, under `[[scorers]]`".into());
                errors.push(Diagnostic {
                    file: rule.info.file.clone(),
                    line: rule.info.line,
                    column: 0,
                    message: format!("rule `{}`: no scorer gives `{name}`", rule.info.id),
                    help: Some(help),
                    snippet: None,
                });
            }
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Errors(errors))
        }
    }

    /// Tells whether any condition reads a score.
    pub fn reads_scores(&self) -> bool {
        !self.readers.is_empty()
    }

    /// Returns the scores that judging a comment could read: those of the rules that its text, site
    /// and language don't rule out. What is known of its author and thread is not looked at, so
    /// that it can be asked before that is known.
    pub fn scores_wanted(&self, input: &Input<'_>) -> BTreeSet<Arc<str>> {
        let mut wanted = BTreeSet::new();
        let facts = Facts::new(input, &self.matcher);
        for reader in &self.readers {
            let possible = self
                .rules
                .get(reader.place)
                .is_some_and(|rule| rule.is_for(input) && index::is_possible(rule, &facts));
            if possible {
                wanted.extend(reader.names.iter().map(Arc::clone));
            }
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use stoa_proto::Verdict;

    use super::*;

    fn load(rules: &str) -> Result<RuleSet, Errors> {
        let files = BTreeMap::from([("stoa.yaml".to_owned(), rules.as_bytes().to_vec())]);
        RuleSet::from_sources(&files)
    }

    fn rule(when: &str, more: &str) -> String {
        format!(
            "lists:\n  bad: {{ match: word, terms: [scoundrel] }}\nrules:\n  - id: r\n    when: {when}\n    then: {{ verdict: reject }}\n    reason: {{ code: x }}\n    explain: {{ en: x }}\n    {more}\n"
        )
    }

    #[test]
    fn a_rule_reads_the_score_that_is_there() {
        let set = load(&rule("score(\"toxicity\") > 0.8", "")).unwrap();
        let neutral = Input::neutral("anything", 0);
        for (value, verdict) in [(0.9, Verdict::Reject), (0.8, Verdict::Approve)] {
            let scores = [("insult", 1.0), ("toxicity", value)];
            let outcome = set.evaluate(&Input {
                scores: &scores,
                ..neutral.clone()
            });
            assert_eq!(outcome.verdict, verdict, "{value}");
            assert!(outcome.partial.is_empty());
        }
    }

    #[test]
    fn a_missing_score_holds_or_is_skipped_as_the_rule_says() {
        for (more, verdict, partial) in [
            ("", Verdict::Hold, vec!["rule:r", "score:toxicity"]),
            ("on_missing: skip", Verdict::Approve, vec![]),
        ] {
            let set = load(&rule("score(\"toxicity\") > 0.8", more)).unwrap();
            let outcome = set.evaluate(&Input::neutral("anything", 0));
            assert_eq!(
                (outcome.verdict, outcome.partial),
                (verdict, partial.iter().map(|p| (*p).to_owned()).collect())
            );
            assert_eq!(outcome.failed.len(), 1);
        }
        // What decides without the score needs none.
        let set = load(&rule(
            "comment.text.hits(\"bad\") && score(\"toxicity\") > 0.8",
            "",
        ))
        .unwrap();
        let outcome = set.evaluate(&Input::neutral("anything", 0));
        assert_eq!(outcome.verdict, Verdict::Approve);
    }

    #[test]
    fn scores_are_wanted_where_the_text_does_not_rule_their_rule_out() {
        let set = load(&rule(
            "comment.text.hits(\"bad\") && score(\"toxicity\") > 0.8",
            "unless: score(\"joke\") > 0.5",
        ))
        .unwrap();
        let wanted = |text| {
            let wanted = set.scores_wanted(&Input::neutral(text, 0));
            wanted.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(wanted("You scoundrel!"), ["joke", "toxicity"]);
        assert!(wanted("Dear friend").is_empty());
        assert_eq!(
            set.scores().collect::<Vec<_>>(),
            [("joke", "r"), ("toxicity", "r")]
        );
        assert!(set.reads_scores());
        let elsewhere = load(&rule("score(\"toxicity\") > 0.8", "sites: [other]")).unwrap();
        assert!(elsewhere.scores_wanted(&Input::neutral("x", 0)).is_empty());
        assert!(
            !load(&rule("comment.length > 3", ""))
                .unwrap()
                .reads_scores()
        );
    }

    #[test]
    fn examples_state_scores() {
        let examples = |value: &str| {
            load(&rule(
                "score(\"toxicity\") > 0.8",
                &format!("examples: {{ match: [{{ text: x, scores: {{ toxicity: {value} }} }}] }}"),
            ))
        };
        examples("0.9").unwrap();
        let errors = examples("0.1").unwrap_err().to_string();
        assert!(errors.contains("does not fire"), "{errors}");
        let errors = load(&rule(
            "score(\"toxicity\") > 0.8",
            "examples: { match: [x] }",
        ));
        let errors = errors.unwrap_err().to_string();
        assert!(errors.contains("score `toxicity` is missing"), "{errors}");
    }

    #[test]
    fn a_name_that_no_score_can_have_is_an_error() {
        for (when, part) in [
            ("score(\"Toxicity!\") > 0.8", "is no name of a score"),
            ("score(comment.text) > 0.8", "takes a text in quotes"),
            ("score(\"toxicity\") == \"high\"", "double"),
        ] {
            let errors = load(&rule(when, "")).unwrap_err().to_string();
            assert!(errors.contains(part), "{errors}");
        }
    }
}
