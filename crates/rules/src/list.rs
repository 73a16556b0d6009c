//! Word lists: what a rule set declares, and the files of terms.

use std::collections::BTreeMap;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::document::ListEntry;
use crate::source::{Source, Sources};
use crate::text::via::Via;

/// Characters of one term: longer ones are a file of another kind.
const TERM_CHARS: usize = 256;

/// Terms of one rule set.
const TERMS: usize = 1_000_000;

/// Regular expressions of one list: they are tried one after the other.
const REGEXES: usize = 200;

/// Bytes that one compiled regular expression may take.
const REGEX_BYTES: usize = 1024 * 1024;

/// How a list's terms are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Match {
    /// As whole words or phrases.
    Word,
    /// At the beginning of words.
    Prefix,
    /// At the end of words.
    Suffix,
    /// Anywhere, inside words too.
    Substring,
    /// As the domain of a link, or a parent of it.
    Domain,
    /// As regular expressions over the text as it was written.
    Regex,
}

impl Match {
    const ALL: [(&'static str, Self); 6] = [
        ("word", Self::Word),
        ("prefix", Self::Prefix),
        ("suffix", Self::Suffix),
        ("substring", Self::Substring),
        ("domain", Self::Domain),
        ("regex", Self::Regex),
    ];

    /// Returns the name that rule sets use.
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, kind)| *kind == self)
            .map_or("word", |(name, _)| name)
    }
}

/// How much a text is levelled before a list is looked for in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Fold {
    /// Not at all: letter for letter.
    None,
    /// Case, accents, white space, typographic apostrophes and hyphens.
    Case,
    /// And what people do to a word to get it past a list; see [`VIAS`].
    Full,
}

impl Fold {
    const ALL: [(&'static str, Self); 3] = [
        ("none", Self::None),
        ("case", Self::Case),
        ("full", Self::Full),
    ];

    /// Returns the name that rule sets use.
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, fold)| *fold == self)
            .map_or("none", |(name, _)| name)
    }
}

/// A list, as tools show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListInfo {
    /// The name that conditions use.
    pub name: String,
    /// The language that its terms are in, for people and tools; it limits nothing.
    pub language: Option<String>,
    /// How its terms are looked for.
    pub kind: Match,
    /// How much the text is levelled before.
    pub fold: Fold,
    /// How many terms it has.
    pub terms: usize,
}

/// A list's terms and where they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListTerms {
    /// The list.
    pub info: ListInfo,
    /// The file that declares it.
    pub file: String,
    /// The line on which it does, from 1.
    pub line: u32,
    /// The file of its terms; none if they stand in its declaration.
    pub terms_file: Option<String>,
    /// Each term as it is looked for, and its line, if that is known.
    pub terms: Vec<(String, Option<u32>)>,
    /// What protects the hits that it covers.
    pub except: Vec<String>,
}

/// The names of what `full` folding undoes, as hits report them.
#[expect(clippy::indexing_slicing, reason = "the compiler runs it")]
pub const VIAS: [&str; 9] = {
    let mut names = [""; 9];
    let mut at = 0;
    while at < names.len() {
        names[at] = Via::ALL[at].1;
        at += 1;
    }
    names
};

/// A term of a list and how it is looked for.
#[derive(Clone, Debug)]
pub(crate) struct ListTerm {
    pub(crate) text: String,
    pub(crate) kind: Match,
    pub(crate) fold: Fold,
    /// Whether its accents matter.
    pub(crate) accents: bool,
}

/// A list with its terms.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) name: String,
    pub(crate) language: Option<String>,
    pub(crate) kind: Match,
    pub(crate) fold: Fold,
    pub(crate) terms: Vec<ListTerm>,
    /// What protects the hits that it covers.
    pub(crate) except: Vec<ListTerm>,
    pub(crate) regexes: Vec<Regex>,
}

impl List {
    /// Stands for a list that has errors, so that conditions that name it have none of their own.
    fn unread(name: &str, entry: &ListEntry) -> Self {
        let kind = entry
            .kind
            .as_ref()
            .and_then(|word| choose(&Match::ALL, &word.value).ok());
        Self {
            name: name.to_owned(),
            language: None,
            kind: kind.unwrap_or(Match::Word),
            fold: Fold::None,
            terms: Vec::new(),
            except: Vec::new(),
            regexes: Vec::new(),
        }
    }

    pub(crate) fn info(&self) -> ListInfo {
        ListInfo {
            name: self.name.clone(),
            language: self.language.clone(),
            kind: self.kind,
            fold: self.fold,
            terms: self.terms.len(),
        }
    }
}

/// A term and where it stands.
struct Term {
    text: String,
    source: Arc<Source>,
    place: (u32, u32),
}

/// Compiles a regular expression within the limits; the error is one phrase.
pub(crate) fn regex(pattern: &str, ignore_case: bool) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .case_insensitive(ignore_case)
        .size_limit(REGEX_BYTES)
        .dfa_size_limit(2 * REGEX_BYTES)
        .nest_limit(50)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                format!("it is larger than {} KiB when compiled", REGEX_BYTES / 1024)
            }
            error => error
                .to_string()
                .lines()
                .last()
                .unwrap_or("it is not valid")
                .trim()
                .replacen("error: ", "", 1),
        })
}

/// Reads all lists of a document; what is wrong goes to `errors`.
pub(crate) fn read(
    entries: &BTreeMap<String, crate::document::Placed<ListEntry>>,
    source: &Arc<Source>,
    sources: &mut Sources<'_>,
    lists: &mut Vec<List>,
    errors: &mut Vec<Diagnostic>,
) {
    for (name, entry) in entries {
        let place = entry.place();
        if lists.iter().any(|list| list.name == *name) {
            let message = format!("there is already a list `{name}`");
            errors.push(source.error(place, message, Some("give it another name".into())));
            continue;
        }
        match one(name, &entry.value, place, source, sources, errors) {
            Ok(list) => {
                let total: usize = lists.iter().map(|list| list.terms.len()).sum();
                if total + list.terms.len() > TERMS {
                    let message = format!("more than {TERMS} terms in all lists");
                    errors.push(source.error(place, message, None));
                    return;
                }
                lists.push(list);
            }
            Err(error) => {
                errors.push(error);
                lists.push(List::unread(name, &entry.value));
            }
        }
    }
}

fn one(
    name: &str,
    entry: &ListEntry,
    place: (u32, u32),
    source: &Arc<Source>,
    sources: &mut Sources<'_>,
    errors: &mut Vec<Diagnostic>,
) -> Result<List, Diagnostic> {
    let kind = match &entry.kind {
        None => Match::Word,
        Some(word) => choose(&Match::ALL, &word.value).map_err(|help| {
            source.error(
                word.place(),
                format!("unknown way to match `{}`", word.value),
                Some(help),
            )
        })?,
    };
    let fold = match &entry.fold {
        None if kind == Match::Regex => Fold::None,
        None => Fold::Case,
        Some(word) => choose(&Fold::ALL, &word.value).map_err(|help| {
            let message = format!("unknown folding `{}`", word.value);
            source.error(word.place(), message, Some(help))
        })?,
    };
    if kind == Match::Regex && fold == Fold::Full {
        let message = "regular expressions look at the text as it was written".to_owned();
        let help = "use `fold: none` or `fold: case`".to_owned();
        return Err(source.error(place, message, Some(help)));
    }
    let accents = match &entry.accents {
        None => false,
        Some(word) => {
            choose(&[("ignore", false), ("keep", true)], &word.value).map_err(|help| {
                let message = format!("unknown way to treat accents `{}`", word.value);
                source.error(word.place(), message, Some(help))
            })?
        }
    };
    let terms = terms(name, entry, place, source, sources)?;
    let mut list = List {
        name: name.to_owned(),
        language: entry.language.clone(),
        kind,
        fold,
        terms: Vec::with_capacity(terms.len()),
        except: Vec::new(),
        regexes: Vec::new(),
    };
    if kind == Match::Regex && terms.len() > REGEXES {
        let message = format!(
            "list `{name}` has {} regular expressions, the most is {REGEXES}",
            terms.len()
        );
        return Err(source.error(place, message, Some("join some with `|`".into())));
    }
    let usual = Usual {
        kind,
        fold,
        accents,
    };
    for term in terms {
        match usual.term(&term.text) {
            Ok((listed, compiled)) => {
                list.regexes.extend(compiled);
                list.terms.push(listed);
            }
            Err((message, help)) => errors.push(term.source.error(term.place, message, help)),
        }
    }
    for term in exceptions(entry, source, sources)? {
        let usual = Usual {
            kind: Match::Word,
            fold: Fold::Case,
            accents: false,
        };
        if matches!(kind, Match::Domain | Match::Regex) {
            let message = format!("list `{name}` of `{}` has exceptions", kind.as_str());
            let help = "only lists of words and phrases have `except`".to_owned();
            return Err(source.error(place, message, Some(help)));
        }
        match usual.term(&term.text) {
            Ok((listed, _)) => list.except.push(listed),
            Err((message, help)) => errors.push(term.source.error(term.place, message, help)),
        }
    }
    Ok(list)
}

/// Reads a list's terms, from its file or from where they stand.
fn terms(
    name: &str,
    entry: &ListEntry,
    place: (u32, u32),
    source: &Arc<Source>,
    sources: &mut Sources<'_>,
) -> Result<Vec<Term>, Diagnostic> {
    Ok(match (&entry.file, &entry.terms) {
        (Some(file), None) => {
            let listed = sources.named(&file.value, source, file.place())?;
            file_terms(&listed)
        }
        (None, Some(terms)) => terms
            .iter()
            .map(|term| Term {
                text: term.value.trim().to_owned(),
                source: Arc::clone(source),
                place: term.place(),
            })
            .collect(),
        (Some(_), Some(_)) => {
            let help = "keep either `file` or `terms`".to_owned();
            return Err(source.error(place, format!("list `{name}` has two sources"), Some(help)));
        }
        (None, None) => {
            let help = "add `file: lists/….txt` or `terms: […]`".to_owned();
            return Err(source.error(place, format!("list `{name}` has no terms"), Some(help)));
        }
    })
}

/// Reads the terms that protect what they cover.
fn exceptions(
    entry: &ListEntry,
    source: &Arc<Source>,
    sources: &mut Sources<'_>,
) -> Result<Vec<Term>, Diagnostic> {
    let mut terms: Vec<Term> = entry
        .except
        .iter()
        .map(|term| Term {
            text: term.value.trim().to_owned(),
            source: Arc::clone(source),
            place: term.place(),
        })
        .collect();
    if let Some(file) = &entry.except_file {
        let listed = sources.named(&file.value, source, file.place())?;
        terms.extend(file_terms(&listed));
    }
    Ok(terms)
}

/// How a list's terms are looked for, unless one says otherwise.
#[derive(Clone, Copy)]
struct Usual {
    kind: Match,
    fold: Fold,
    accents: bool,
}

impl Usual {
    /// Reads a term with its options, as in `scheiß [prefix, accents]`.
    fn term(self, written: &str) -> Result<(ListTerm, Option<Regex>), TermError> {
        let mut term = ListTerm {
            text: written.to_owned(),
            kind: self.kind,
            fold: self.fold,
            accents: self.accents,
        };
        if !matches!(self.kind, Match::Regex | Match::Domain)
            && let Some((text, options)) = written
                .strip_suffix(']')
                .and_then(|rest| rest.rsplit_once(" ["))
        {
            text.trim().clone_into(&mut term.text);
            for option in options.split(',').map(str::trim) {
                term.option(option)?;
            }
        }
        let compiled = check_term(&term.text, term.kind, term.fold)?;
        Ok((term, compiled))
    }
}

/// The options of a term.
const OPTIONS: [&str; 9] = [
    "word",
    "prefix",
    "suffix",
    "substring",
    "none",
    "case",
    "full",
    "accents",
    "no accents",
];

impl ListTerm {
    fn option(&mut self, option: &str) -> Result<(), TermError> {
        match option {
            "word" => self.kind = Match::Word,
            "prefix" => self.kind = Match::Prefix,
            "suffix" => self.kind = Match::Suffix,
            "substring" => self.kind = Match::Substring,
            "none" => self.fold = Fold::None,
            "case" => self.fold = Fold::Case,
            "full" => self.fold = Fold::Full,
            "accents" => self.accents = true,
            "no accents" => self.accents = false,
            _ => {
                let help = did_you_mean(option, OPTIONS)
                    .unwrap_or_else(|| format!("options are {}", OPTIONS.join(", ")));
                return Err((format!("unknown option `{option}` of a term"), Some(help)));
            }
        }
        Ok(())
    }
}

fn choose<T: Copy>(all: &[(&'static str, T)], word: &str) -> Result<T, String> {
    all.iter()
        .find(|(name, _)| *name == word)
        .map(|(_, value)| *value)
        .ok_or_else(|| {
            did_you_mean(word, all.iter().map(|(name, _)| *name)).unwrap_or_else(|| {
                let names: Vec<String> = all.iter().map(|(name, _)| format!("`{name}`")).collect();
                format!("use {}", names.join(" or "))
            })
        })
}

/// Reads the terms of a list file: one a line, blank lines and lines that begin with `#` apart.
fn file_terms(source: &Arc<Source>) -> Vec<Term> {
    source
        .text
        .lines()
        .zip(1u32..)
        .map(|(line, number)| (line.trim(), number))
        .filter(|(line, _)| !line.is_empty() && !line.starts_with('#'))
        .map(|(line, number)| Term {
            text: line.to_owned(),
            source: Arc::clone(source),
            place: (number, 1),
        })
        .collect()
}

type TermError = (String, Option<String>);

fn check_term(term: &str, kind: Match, fold: Fold) -> Result<Option<Regex>, TermError> {
    if term.is_empty() {
        return Err((
            "an empty term".into(),
            Some("it would hit every text".into()),
        ));
    }
    if term.chars().count() > TERM_CHARS && kind != Match::Regex {
        return Err((format!("a term of more than {TERM_CHARS} characters"), None));
    }
    match kind {
        Match::Regex => {
            let compiled = regex(term, fold == Fold::Case)
                .map_err(|error| (format!("not a valid regular expression: {error}"), None))?;
            if compiled.is_match("") {
                let help = "it would hit every text".to_owned();
                return Err((
                    "the regular expression matches the empty text".into(),
                    Some(help),
                ));
            }
            Ok(Some(compiled))
        }
        Match::Domain => {
            let plain = !term.contains(['/', ':', '@', ' ', '*']) && !term.starts_with('.');
            if plain && term.contains('.') {
                Ok(None)
            } else {
                let help =
                    "write the bare domain, such as `example.org`; it covers what is below it";
                Err((format!("`{term}` is not a domain"), Some(help.into())))
            }
        }
        Match::Word | Match::Prefix | Match::Suffix | Match::Substring => {
            if fold != Fold::None && crate::text::fold::fold_term(term).trim().is_empty() {
                let help = "it would hit every text".to_owned();
                return Err((
                    format!("nothing is left of `{term}` when it is folded"),
                    Some(help),
                ));
            }
            Ok(None)
        }
    }
}
