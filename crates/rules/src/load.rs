//! Loading: from files to a rule set that can judge, or everything that is wrong.

mod compile;
mod documents;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::content;
use crate::counter::{self, Counter};
use crate::diagnostic::{Diagnostic, Errors};
use crate::document::ExampleFacts;
use crate::evaluate::index::Index;
use crate::examples::{self, ExampleFailure, ExampleReport, ExampleResult};
use crate::input::Input;
use crate::list::{self, List, ListInfo, ListTerms};
use crate::rule::{Rule, RuleInfo};
use crate::score;
use crate::source::{Files, Folder, Source, Sources};
use crate::text::matcher::Matcher;

/// The file at the root of a rule set.
const ROOT: &str = "stoa.yaml";

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
    pub(crate) counters: Vec<Arc<Counter>>,
    /// The names of the facts that conditions and counters read.
    pub(crate) read: BTreeSet<&'static str>,
    pub(crate) rules: Vec<Rule>,
    /// The rules that read scores.
    pub(crate) readers: Vec<score::Reader>,
    pub(crate) matcher: Matcher,
    pub(crate) index: Index,
    pub(crate) macros: Vec<MacroText>,
    pub(crate) places: Vec<ListPlaces>,
}

/// A shared macro as it is written.
#[derive(Debug)]
pub(crate) struct MacroText {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) file: String,
    pub(crate) line: u32,
    /// Whether a condition or another macro names it.
    pub(crate) used: bool,
}

/// Where a list is declared, and where its terms stand.
#[derive(Debug, Default)]
pub(crate) struct ListPlaces {
    pub(crate) file: String,
    pub(crate) line: u32,
    /// The file of the terms.
    pub(crate) terms: String,
    /// The line of each term; empty if they are not known.
    pub(crate) lines: Vec<u32>,
}

impl RuleSet {
    /// Loads the rule set in a folder: `stoa.yaml` and the files that it names.
    ///
    /// Everything is checked, and the rules' examples are run. The errors are all that were found
    /// in the parts that could be read.
    pub fn load(dir: &Path) -> Result<Self, Errors> {
        Self::tested(&Folder(dir))
    }

    /// Loads a rule set from files in memory, by their paths relative to the rule set's folder.
    pub fn from_sources(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, Errors> {
        Self::tested(files)
    }

    /// Loads a draft from files in memory: its examples are not run.
    pub fn untested(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, Errors> {
        Self::from_files(files)
    }

    fn tested(files: &dyn Files) -> Result<Self, Errors> {
        let set = Self::from_files(files)?;
        set.check_examples()?;
        Ok(set)
    }

    fn from_files(files: &dyn Files) -> Result<Self, Errors> {
        let mut sources = Sources::new(files);
        let mut errors = Vec::new();
        let documents = documents::read(&mut sources, &mut errors)?;
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
        let mut counters = Vec::new();
        for (source, document) in &documents {
            counter::read(&document.counters, source, &mut counters, &mut errors);
        }
        let compiled = compile::all(&documents, &lists, &counters, &mut errors);
        let matcher = Matcher::new(&lists)
            .map_err(|message| {
                errors.push(about(ROOT, format!("the lists don't compile: {message}")));
            })
            .unwrap_or_default();
        let hash = sources.hash();
        let set = Self {
            hash,
            places: compile::list_places(&documents, &lists, &mut sources),
            sources: sources.read_files(),
            contents: content::hashes(&documents, &lists),
            index: Index::new(&compiled.rules, lists.len()),
            lists,
            read: counter::facts_read(&compiled.rules, &counters),
            counters,
            readers: score::readers(&compiled.rules),
            rules: compiled.rules,
            macros: compiled.macros,
            matcher,
        };
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

    /// Returns the lists with their terms, in the order of [`RuleSet::lists`].
    pub fn list_terms(&self) -> impl Iterator<Item = ListTerms> + '_ {
        let none = ListPlaces::default();
        self.lists.iter().enumerate().map(move |(index, list)| {
            let places = self.places.get(index).unwrap_or(&none);
            let lines = places.lines.iter().copied().map(Some);
            let lines = lines.chain(std::iter::repeat(None));
            let terms = list.terms.iter().map(|term| term.text.clone());
            ListTerms {
                info: list.info(),
                file: places.file.clone(),
                line: places.line,
                terms_file: (places.terms != places.file).then(|| places.terms.clone()),
                terms: terms.zip(lines).collect(),
                except: list.except.iter().map(|term| term.text.clone()).collect(),
            }
        })
    }

    /// Runs the examples of all rules, each by its own rule alone.
    pub fn run_examples(&self) -> ExampleReport {
        examples::run(self)
    }

    /// Runs the examples of all rules, and answers what became of each.
    pub fn examples(&self) -> Vec<ExampleResult> {
        examples::results(self).collect()
    }

    /// Refuses a rule set whose examples fail.
    pub fn check_examples(&self) -> Result<(), Errors> {
        let report = self.run_examples();
        if report.failures.is_empty() {
            return Ok(());
        }
        let diagnostic =
            |failure: &ExampleFailure| failure.diagnostic(self.sources.get(&failure.file));
        Err(sorted(report.failures.iter().map(diagnostic).collect()))
    }

    /// Makes what the engine is told of a comment with the facts that an example may state; `site`
    /// is its site if they name none. The error says which of them can't be used.
    pub fn with_example<T>(
        &self,
        facts: &ExampleFacts,
        site: &str,
        use_it: impl FnOnce(&Input<'_>) -> T,
    ) -> Result<T, String> {
        examples::with_input(self, facts, site, use_it)
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
