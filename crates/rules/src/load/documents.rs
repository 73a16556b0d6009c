//! `stoa.yaml` and the files that it includes.

use std::collections::HashMap;
use std::sync::Arc;

use super::ROOT;
use crate::diagnostic::{Diagnostic, Errors};
use crate::document::{self, Document};
use crate::source::{Source, Sources};

/// Files that an error's chain names.
const CHAIN: usize = 8;

/// The files, each with its text.
pub(super) type Documents = Vec<(Arc<Source>, Document)>;

/// Reads `stoa.yaml` and what it includes, each file once.
pub(super) fn read(
    sources: &mut Sources<'_>,
    errors: &mut Vec<Diagnostic>,
) -> Result<Documents, Errors> {
    let mut waiting = vec![sources.root(ROOT)?];
    // Each file with the one that includes it.
    let mut seen: HashMap<String, Option<String>> = HashMap::from([(ROOT.to_owned(), None)]);
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
            let path = &include.value;
            if let Some(by) = seen.get(path) {
                let by = by.as_deref().unwrap_or(ROOT);
                let (message, help) = match circle(&seen, &source.path, path) {
                    Some(chain) => (
                        format!("`{path}` includes itself: {chain}"),
                        "leave out one of these includes".to_owned(),
                    ),
                    None => (
                        format!("`{path}` is included twice"),
                        format!("include each file once; `{by}` includes it too"),
                    ),
                };
                errors.push(source.error(include.place(), message, Some(help)));
                continue;
            }
            seen.insert(path.clone(), Some(source.path.clone()));
            match sources.named(path, &source, include.place()) {
                Ok(included) => waiting.push(included),
                Err(error) => errors.push(error),
            }
        }
        if let Some(sites) = document
            .sites
            .as_ref()
            .filter(|sites| sites.value.is_empty())
        {
            errors.push(source.error(
                sites.place(),
                "`sites` names no site",
                Some("name one at least, or leave out `sites` for all".into()),
            ));
        }
        documents.push((source, document));
    }
    Ok(documents)
}

/// Returns how a file includes itself, if including it from `from` closes a circle.
fn circle(seen: &HashMap<String, Option<String>>, from: &str, to: &str) -> Option<String> {
    let mut chain = vec![from];
    while chain.last().is_some_and(|last| *last != to) {
        let last = chain.last()?;
        chain.push(seen.get(*last)?.as_deref()?);
    }
    chain.reverse();
    let mut shown: Vec<&str> = chain.iter().copied().take(CHAIN).collect();
    if chain.len() > CHAIN {
        shown.push("…");
    }
    shown.push(to);
    Some(shown.join(" → "))
}
