//! Loading: from files to a rule set that can judge, or everything that is wrong.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use crate::content;
use crate::diagnostic::{Diagnostic, Errors};
use crate::document::{self, Document};
use crate::evaluate::Index;
use crate::examples::{self, ExampleReport};
use crate::expr::on_large_stack;
use crate::list::{self, List, ListInfo};
use crate::rule::{self, Rule, RuleInfo};
use crate::source::{Files, Folder, Source, Sources};
use crate::text::matcher::Matcher;

/// The file at the root of a rule set.
const ROOT: &str = "stoa.yaml";

/// Rules of one rule set.
const RULES: usize = 10_000;

/// Errors that are told at once.
const ERRORS: usize = 100;

/// A rule set that was checked as a whole and can judge comments.
///
/// It is immutable and can be shared between threads.
#[derive(Debug)]
pub struct RuleSet {
    hash: String,
    sources: BTreeMap<String, Arc<Source>>,
    contents: BTreeMap<String, String>,
    pub(crate) lists: Vec<List>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) matcher: Matcher,
    pub(crate) index: Index,
}

impl RuleSet {
    /// Loads the rule set in a folder: `stoa.yaml` and the files that it names.
    ///
    /// Everything is checked, and the rules' examples are run. The errors are all that were found
    /// in the parts that could be read.
    pub fn load(dir: &Path) -> Result<Self, Errors> {
        Self::from_files(&Folder(dir))
    }

    /// Loads a rule set from files in memory, by their paths relative to the rule set's folder.
    pub fn from_sources(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, Errors> {
        Self::from_files(files)
    }

    fn from_files(files: &dyn Files) -> Result<Self, Errors> {
        let mut sources = Sources::new(files);
        let mut errors = Vec::new();
        let documents = documents(&mut sources, &mut errors)?;
        if !errors.is_empty() {
            // What an unreadable file declares would be missed everywhere else.
            return Err(sorted(errors));
        }
        let mut lists = Vec::new();
        for (source, document) in &documents {
            list::read(
                &document.lists,
                source,
                &mut sources,
                &mut lists,
                &mut errors,
            );
        }
        let rules = rules(&documents, &lists, &mut errors);
        let matcher = Matcher::new(&lists)
            .map_err(|message| {
                errors.push(about(ROOT, format!("the lists don't compile: {message}")));
            })
            .unwrap_or_default();
        let set = Self {
            hash: sources.hash(),
            sources: sources.read_files(),
            contents: content::hashes(&documents, &lists),
            index: Index::new(&rules, lists.len()),
            lists,
            rules,
            matcher,
        };
        if errors.is_empty() {
            let report = set.run_examples();
            let text = |file: &str| {
                documents
                    .iter()
                    .find(|(s, _)| s.path == file)
                    .map(|(s, _)| s)
            };
            errors.extend(
                report
                    .failures
                    .iter()
                    .map(|failure| failure.diagnostic(text(&failure.file))),
            );
        }
        if errors.is_empty() {
            Ok(set)
        } else {
            Err(sorted(errors))
        }
    }

    /// Returns the rule set's hash, `sha256:…`, over the canonical content of all files that it
    /// uses: their paths, and their text with line feeds as line ends and no byte order mark.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Returns the files that the rule set uses, by path, with their canonical text: given to
    /// [`RuleSet::from_sources`], they make the same rule set with the same hash.
    pub fn sources(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.sources
            .iter()
            .map(|(path, source)| (path.as_str(), source.text.as_str()))
    }

    /// Returns a hash over what decides when a rule fires and what it does: its conditions with
    /// the terms of the lists that they name, verdict, labels, mode, sites and languages.
    pub fn content(&self, rule: &str) -> Option<&str> {
        self.contents.get(rule).map(String::as_str)
    }

    /// Returns the rules in the order of the files.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &Arc<RuleInfo>> {
        self.rules.iter().map(|rule| &rule.info)
    }

    /// Returns the lists.
    pub fn lists(&self) -> impl Iterator<Item = ListInfo> + '_ {
        self.lists.iter().map(List::info)
    }

    /// Runs the examples of all rules, each by its own rule alone.
    pub fn run_examples(&self) -> ExampleReport {
        examples::run(self)
    }
}

fn about(file: &str, message: String) -> Diagnostic {
    Diagnostic {
        file: file.to_owned(),
        line: 0,
        column: 0,
        message,
        help: None,
        snippet: None,
    }
}

fn sorted(mut errors: Vec<Diagnostic>) -> Errors {
    errors.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    let more = errors.len().saturating_sub(ERRORS);
    errors.truncate(ERRORS);
    if more > 0 {
        errors.push(about(ROOT, format!("{more} more errors")));
    }
    Errors(errors)
}

type Documents = Vec<(Arc<Source>, Document)>;

/// Reads `stoa.yaml` and what it includes, each file once.
fn documents(sources: &mut Sources<'_>, errors: &mut Vec<Diagnostic>) -> Result<Documents, Errors> {
    let mut waiting = vec![sources.root(ROOT)?];
    let mut seen: HashSet<String> = HashSet::from([ROOT.to_owned()]);
    let mut documents = Documents::new();
    while let Some(source) = waiting.pop() {
        let document = match document::parse(&source) {
            Ok(document) => document,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        for include in document.include.iter().rev() {
            if !seen.insert(include.value.clone()) {
                errors.push(source.error(
                    include.place(),
                    format!("`{}` is included twice", include.value),
                    Some("include each file once".into()),
                ));
                continue;
            }
            match sources.named(&include.value, &source, include.place()) {
                Ok(included) => waiting.push(included),
                Err(error) => errors.push(error),
            }
        }
        documents.push((source, document));
    }
    Ok(documents)
}

fn rules(documents: &Documents, lists: &[List], errors: &mut Vec<Diagnostic>) -> Vec<Rule> {
    let compiled = on_large_stack(|| {
        let mut ids = HashSet::new();
        let mut errors = Vec::new();
        let mut rules = Vec::new();
        for (source, document) in documents {
            for entry in &document.rules {
                if rules.len() >= RULES {
                    errors.push(source.error(
                        entry.place(),
                        format!("more than {RULES} rules"),
                        None,
                    ));
                    return (rules, errors);
                }
                rules.extend(rule::compile(entry, source, lists, &mut ids, &mut errors));
            }
        }
        (rules, errors)
    });
    let Some((rules, found)) = compiled else {
        errors.push(about(ROOT, "the compiler of conditions stopped".to_owned()));
        return Vec::new();
    };
    errors.extend(found);
    rules
}
