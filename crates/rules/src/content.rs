//! What a rule consists of, as a hash: whether it could hit other comments than before.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::document::{Document, RuleEntry};
use crate::list::List;
use crate::source::Source;

/// Returns the content hash of each rule, by its id.
///
/// It covers what decides when a rule fires and what it does: conditions, verdict, labels, mode,
/// sites, languages, and the lists that its conditions name with all their terms. What it is
/// called, explained and tried with, and where it stands, is left out.
pub(crate) fn hashes(
    documents: &[(Arc<Source>, Document)],
    lists: &[List],
) -> BTreeMap<String, String> {
    // Many rules may use one list, and a list may have a million terms: each is hashed once.
    let lists: Vec<([String; 2], [u8; 32])> = lists
        .iter()
        .map(|list| {
            let names = ['"', '\''].map(|quote| format!("{quote}{}{quote}", list.name));
            (names, list_hash(list))
        })
        .collect();
    // Macros and counters are few: a rule that names any is held to change with all of them.
    let shared: Vec<(&String, String)> = documents
        .iter()
        .flat_map(|(_, document)| {
            let macros = document.macros.iter();
            let counters = document.counters.iter();
            macros
                .map(|(name, text)| (name, text.value.clone()))
                .chain(counters.map(|(name, counter)| (name, counter.value.written())))
        })
        .collect();
    let mut hashes = BTreeMap::new();
    for (_, document) in documents {
        let sites = document.sites.as_ref().map(|sites| sites.value.as_slice());
        for entry in &document.rules {
            let rule = &entry.value;
            let mut hash = rule_hash(rule, &lists);
            hash.all(sites.unwrap_or_default().iter().map(String::as_str));
            let unless = rule.unless.as_ref().map_or("", |text| text.value.as_str());
            let names = |name: &str| rule.when.value.contains(name) || unless.contains(name);
            if shared.iter().any(|(name, _)| names(name)) {
                hash.all(shared.iter().map(|(_, text)| text.as_str()));
                // A macro may name any list.
                for (_, digest) in &lists {
                    hash.add(digest);
                }
            }
            hashes.insert(rule.id.value.clone(), hash.text());
        }
    }
    hashes
}

fn rule_hash(rule: &RuleEntry, lists: &[([String; 2], [u8; 32])]) -> Parts {
    let mut hash = Parts::default();
    let unless = rule.unless.as_ref().map_or("", |text| text.value.as_str());
    let then = &rule.then.value;
    let verdict = then.verdict.as_ref().map_or("", |word| word.value.as_str());
    let mode = rule.mode.as_ref().map_or("live", |mode| mode.value.trim());
    for part in [&rule.id.value, &rule.when.value, unless, verdict, mode] {
        hash.add(part.as_bytes());
    }
    let labels = then.labels.iter().map(|label| label.value.as_str());
    hash.all(labels);
    hash.all(rule.sites.iter().map(|site| site.value.as_str()));
    hash.all(
        rule.languages
            .iter()
            .map(|language| language.value.as_str()),
    );
    // A condition names a list as a text of its own, so nothing else needs to be parsed here.
    for (names, digest) in lists {
        let names_it = |text: &str| names.iter().any(|name| text.contains(name.as_str()));
        if names_it(&rule.when.value) || names_it(unless) {
            hash.add(digest);
        }
    }
    for key in [&rule.expires, &rule.on_missing] {
        hash.add(key.as_ref().map_or("", |key| key.value.as_str()).as_bytes());
    }
    hash
}

fn list_hash(list: &List) -> [u8; 32] {
    let mut hash = Parts::default();
    for part in [&list.name, list.kind.as_str(), list.fold.as_str()] {
        hash.add(part.as_bytes());
    }
    for terms in [&list.terms, &list.except] {
        hash.add(&(terms.len() as u64).to_be_bytes());
        for term in terms {
            let accents = if term.accents { "accents" } else { "" };
            for part in [&term.text, term.kind.as_str(), term.fold.as_str(), accents] {
                hash.add(part.as_bytes());
            }
        }
    }
    hash.all(list.regexes.iter().map(regex::Regex::as_str));
    hash.0.finalize().into()
}

/// A hash over parts, each preceded by its length.
#[derive(Default)]
struct Parts(Sha256);

impl Parts {
    /// Returns the first half of the hash as hexadecimal digits.
    fn text(self) -> String {
        let mut text = String::with_capacity(32);
        for byte in self.0.finalize().iter().take(16) {
            text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        }
        text
    }

    fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    fn all<'a>(&mut self, parts: impl ExactSizeIterator<Item = &'a str>) {
        self.0.update((parts.len() as u64).to_be_bytes());
        for part in parts {
            self.add(part.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::RuleSet;

    const RULES: &str = r#"
lists:
  bad: { terms: [scoundrel] }
  other: { terms: [vermin] }
rules:
  - { id: a, when: 'comment.text.hits("bad")', then: { verdict: reject } }
  - { id: b, when: 'comment.length > 3', then: { labels: [long] } }
"#;

    fn load(rules: &str) -> RuleSet {
        let files = [("stoa.yaml".to_owned(), rules.as_bytes().to_vec())];
        RuleSet::from_sources(&files.into()).unwrap()
    }

    #[test]
    fn it_changes_with_what_a_rule_hits_and_does_and_with_nothing_else() {
        let before = load(RULES);
        let check = |from: &str, to: &str, changed: [bool; 2]| {
            let after = load(&RULES.replace(from, to));
            assert_ne!(before.hash(), after.hash(), "{from}");
            let differs = ["a", "b"].map(|id| before.content(id) != after.content(id));
            assert_eq!(differs, changed, "{from} -> {to}");
        };
        check("scoundrel", "rascal", [true, false]);
        check("vermin", "rat", [false, false]);
        check("rules:", "\n\nrules:", [false, false]);
        check("> 3", "> 4", [false, true]);
        check("verdict: reject", "verdict: hold", [true, false]);
        check("[long] }", "[long] }, mode: shadow", [false, true]);
        check("[long] }", "[long] }, sites: [courrier]", [false, true]);
        check("[long] }", "[long] }, description: Long.", [false, false]);
        assert_eq!(before.content("c"), None);
    }

    #[test]
    fn the_sources_give_the_same_rule_set() {
        let set = load(&RULES.replace('\n', "\r\n"));
        let files = set
            .sources()
            .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
            .collect();
        assert_eq!(RuleSet::from_sources(&files).unwrap().hash(), set.hash());
    }
}
