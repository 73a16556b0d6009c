//! From documents to macros and rules.

use std::collections::HashSet;
use std::sync::Arc;

use super::documents::Documents;
use super::{ListPlaces, MacroText, ROOT, about};
use crate::counter::Counter;
use crate::diagnostic::Diagnostic;
use crate::document::Placed;
use crate::expr::macros::{self, MACROS, Macros};
use crate::expr::{Env, on_large_stack, place};
use crate::list::List;
use crate::rule::{self, Rule};
use crate::source::{Source, Sources};

/// Rules of one rule set.
const RULES: usize = 10_000;

/// What was compiled.
#[derive(Default)]
pub(super) struct Compiled {
    pub(super) rules: Vec<Rule>,
    pub(super) macros: Vec<MacroText>,
}

/// A macro and where it stands.
struct Definition<'d> {
    name: &'d str,
    text: &'d Placed<String>,
    source: &'d Source,
}

/// Compiles the macros and rules of all files; what is wrong goes to `errors`.
pub(super) fn all(
    documents: &Documents,
    lists: &[List],
    counters: &[Arc<Counter>],
    errors: &mut Vec<Diagnostic>,
) -> Compiled {
    let compiled = on_large_stack(|| {
        let mut errors = Vec::new();
        let definitions = definitions(documents, &mut errors);
        let texts: Vec<(String, String)> = definitions
            .iter()
            .map(|one| (one.name.to_owned(), one.text.value.clone()))
            .collect();
        let mut wrong = Vec::new();
        let macros = Macros::new(&texts, lists, counters, &mut wrong);
        for (number, error) in wrong {
            let Some(one) = definitions.get(number).filter(|_| !error.silent) else {
                continue;
            };
            let place = place::in_file(one.source, one.text, error.at);
            errors.push(one.source.error(place, error.message, error.help));
        }
        let rules = rules(documents, &Env::new(lists, counters, &macros), &mut errors);
        let macros = texts_of(&definitions, &macros, &rules);
        (Compiled { rules, macros }, errors)
    });
    let Some((compiled, found)) = compiled else {
        errors.push(about(ROOT, "the compiler of conditions stopped".to_owned()));
        return Compiled::default();
    };
    errors.extend(found);
    compiled
}

/// Collects the macros of all files, each name once.
fn definitions<'d>(documents: &'d Documents, errors: &mut Vec<Diagnostic>) -> Vec<Definition<'d>> {
    let mut definitions: Vec<Definition<'d>> = Vec::new();
    for (source, document) in documents {
        for (name, text) in &document.macros {
            if definitions.len() >= MACROS {
                errors.push(source.error(text.place(), format!("more than {MACROS} macros"), None));
                return definitions;
            }
            if let Err((message, help)) = macros::check_name(name) {
                errors.push(source.error(text.place(), message, Some(help)));
                continue;
            }
            if let Some(first) = definitions.iter().find(|one| one.name == name) {
                let (file, line) = (&first.source.path, first.text.place().0);
                errors.push(source.error(
                    text.place(),
                    format!("there is already a macro `{name}` in {file}:{line}"),
                    Some("give it another name".into()),
                ));
                continue;
            }
            definitions.push(Definition { name, text, source });
        }
    }
    definitions
}

fn texts_of(definitions: &[Definition<'_>], macros: &Macros, rules: &[Rule]) -> Vec<MacroText> {
    let mut used: HashSet<&str> = HashSet::new();
    for rule in rules {
        for condition in [Some(&rule.when), rule.unless.as_ref()]
            .into_iter()
            .flatten()
        {
            used.extend(condition.uses.iter().map(String::as_str));
        }
    }
    for name in macros.names() {
        used.extend(macros.uses(name).iter().map(String::as_str));
    }
    definitions
        .iter()
        .map(|one| MacroText {
            name: one.name.to_owned(),
            text: one.text.value.clone(),
            file: one.source.path.clone(),
            line: one.text.place().0,
            used: used.contains(one.name),
        })
        .collect()
}

fn rules(documents: &Documents, env: &Env<'_>, errors: &mut Vec<Diagnostic>) -> Vec<Rule> {
    let mut ids = rule::Ids::new();
    let mut rules = Vec::new();
    for (source, document) in documents {
        let context = rule::Context {
            source,
            env,
            sites: document.sites.as_ref().map(|sites| sites.value.as_slice()),
        };
        for entry in &document.rules {
            if rules.len() >= RULES {
                errors.push(source.error(entry.place(), format!("more than {RULES} rules"), None));
                return rules;
            }
            rules.extend(rule::compile(entry, &context, &mut ids, errors));
        }
    }
    rules
}

/// Returns where the lists and their terms stand.
pub(super) fn list_places(
    documents: &Documents,
    lists: &[List],
    sources: &mut Sources<'_>,
) -> Vec<ListPlaces> {
    lists
        .iter()
        .map(|list| {
            documents
                .iter()
                .find_map(|(source, document)| Some((source, document.lists.get(&list.name)?)))
                .map(|(source, entry)| {
                    let place = entry.place();
                    let inline = entry.value.terms.iter().flatten();
                    let mut lines: Vec<u32> = inline.map(|term| term.place().0).collect();
                    let mut terms = source.path.clone();
                    if let Some(file) = &entry.value.file
                        && let Ok(text) = sources.named(&file.value, source, file.place())
                    {
                        lines = term_lines(&text);
                        terms.clone_from(&text.path);
                    }
                    if lines.len() != list.terms.len() {
                        lines.clear();
                    }
                    ListPlaces {
                        file: source.path.clone(),
                        line: place.0,
                        terms,
                        lines,
                    }
                })
                .unwrap_or_default()
        })
        .collect()
}

/// Returns the lines of a list's file that have terms.
fn term_lines(source: &Arc<Source>) -> Vec<u32> {
    source
        .text
        .lines()
        .zip(1u32..)
        .map(|(line, number)| (line.trim(), number))
        .filter(|(line, _)| !line.is_empty() && !line.starts_with('#'))
        .map(|(_, number)| number)
        .collect()
}
