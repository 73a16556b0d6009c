//! `/admin/rules/lists`: the lists of the live rule set, their terms, and how terms are added and
//! removed: by a new version of the rule set.

use std::collections::{BTreeMap, BTreeSet};
use stoa_daemon::openapi::{NotFound, PreconditionFailed, PreconditionRequired};

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use stoa_daemon::Problem;
use stoa_daemon::auth::Role;
use stoa_rules::{ListHit, ListTerms, RuleSet};

use super::change::{activate, check_live, check_note, compile, required};
use super::{broken, editor, etag};
use crate::http::{Admin, limit, wrong};
use crate::versions::{How, Why};

/// Terms that are added or removed at once.
const MAX_TERMS: usize = 1_000;
/// Characters of a term, with its options.
const MAX_TERM: usize = 1_000;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// A text: lists answer with the terms that have it in them, or that are in it.
    q: Option<String>,
    /// Entries of a page.
    #[param(default = 50, minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ListPage)]
pub(crate) struct Listing {
    ruleset: String,
    lists: Vec<List>,
    /// What the text hits, if one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    hits: Option<Vec<ListHit>>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TermList)]
struct List {
    name: String,
    r#match: &'static str,
    fold: &'static str,
    language: Option<String>,
    /// Where it is declared.
    file: String,
    line: u32,
    /// The file of its terms; only lists with one can be changed term by term.
    terms_file: Option<String>,
    n_terms: usize,
    n_except: usize,
    /// Those that were looked for; all, up to the limit, of one list.
    #[serde(skip_serializing_if = "Option::is_none")]
    terms: Option<Vec<Term>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    except: Vec<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ListTerm)]
struct Term {
    /// As it is written, with its options.
    term: String,
    line: Option<u32>,
}

/// The terms of a list as they are written.
fn written(set: &RuleSet, list: &ListTerms) -> Vec<Term> {
    let file = list.terms_file.as_deref();
    let source = set.sources().find(|(path, _)| Some(*path) == file);
    let lines: Vec<&str> = source.map_or_else(Vec::new, |(_, text)| text.lines().collect());
    let terms = list.terms.iter().map(|(text, line)| {
        let place = line.and_then(|line| usize::try_from(line).ok()?.checked_sub(1));
        let written = place
            .and_then(|place| lines.get(place))
            .map(|line| line.trim());
        Term {
            term: written.unwrap_or(text).to_owned(),
            line: *line,
        }
    });
    terms.collect()
}

fn shown(list: &ListTerms) -> List {
    List {
        name: list.info.name.clone(),
        r#match: list.info.kind.as_str(),
        fold: list.info.fold.as_str(),
        language: list.info.language.clone(),
        file: list.file.clone(),
        line: list.line,
        terms_file: list.terms_file.clone(),
        n_terms: list.info.terms,
        n_except: list.except.len(),
        terms: None,
        except: Vec::new(),
    }
}

/// The lists of the live rule set, and the terms that are looked for.
#[utoipa::path(
    get,
    path = "/admin/rules/lists",
    operation_id = "list_lists",
    tag = "rules",
    params(Asked),
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "The lists.", body = Listing)),
)]
pub(crate) async fn list(
    State(admin): State<Admin>,
    headers: HeaderMap,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Listing>, Problem> {
    admin.tokens.require(&headers, Role::Viewer)?;
    let Query(asked) = query?;
    admin
        .blocking(move |admin| {
            let live = admin.rules.live();
            let set = &live.set;
            let text = asked.q.as_deref().map(str::trim);
            let text = text.filter(|text| !text.is_empty());
            let sought = text.map(str::to_lowercase);
            let most = limit(asked.limit);
            let lists = set.list_terms().map(|list| {
                let mut own = shown(&list);
                own.terms = sought.as_deref().map(|sought| {
                    let mut terms = written(set, &list);
                    terms.retain(|term| term.term.to_lowercase().contains(sought));
                    terms.truncate(most);
                    terms
                });
                own
            });
            Ok(Listing {
                ruleset: set.hash().to_owned(),
                lists: lists.collect(),
                hits: text.map(|text| set.list_hits(text)),
            })
        })
        .await
        .map(Json)
}

/// A list with its terms.
#[utoipa::path(
    get,
    path = "/admin/rules/lists/{list}",
    operation_id = "get_list",
    tag = "rules",
    params(("list" = String, Path, description = "Its name.")),
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "The list.", body = List, headers(("ETag" = String, description = "The rule set's hash."))), NotFound),
)]
pub(crate) async fn one(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    admin.tokens.require(&headers, Role::Viewer)?;
    let found = admin
        .blocking(move |admin| {
            let live = admin.rules.live();
            let list = live.set.list_terms().find(|list| list.info.name == name);
            Ok(list.map(|list| {
                let mut own = shown(&list);
                own.terms = Some(written(&live.set, &list));
                own.except = list.except;
                (live.set.hash().to_owned(), own)
            }))
        })
        .await?;
    let (hash, list) = found.ok_or_else(no_list)?;
    Ok(([(axum::http::header::ETAG, etag(&hash))], Json(list)).into_response())
}

fn no_list() -> Problem {
    Problem::not_found("the live rule set has no list of this name")
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ListChange)]
pub(crate) struct Change {
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
    note: Option<String>,
}

impl Change {
    fn check(&self) -> Result<(), Problem> {
        for (field, terms) in [("add", &self.add), ("remove", &self.remove)] {
            if terms.len() > MAX_TERMS {
                let detail = format!("send at most {MAX_TERMS} terms at a time");
                return Err(wrong(field, detail).with_limit(MAX_TERMS.to_string()));
            }
            for term in terms {
                let term = term.trim();
                if term.is_empty() || term.starts_with('#') || term.contains(['\n', '\r']) {
                    let detail = format!(
                        "`{term}` is no term: it is a line that is not empty and does not begin with `#`"
                    );
                    return Err(wrong(field, detail));
                }
                if term.chars().count() > MAX_TERM {
                    let detail = format!("a term has at most {MAX_TERM} characters");
                    return Err(wrong(field, detail).with_limit(MAX_TERM.to_string()));
                }
            }
        }
        if self.add.is_empty() && self.remove.is_empty() {
            return Err(wrong("add", "name terms to add or to remove"));
        }
        check_note(self.note.as_ref())
    }
}

/// Changes the lines of a file of terms; comments and order stay. The error is a term that is not
/// there.
fn edited(text: &str, add: &[String], remove: &[String]) -> Result<String, String> {
    let mut missing: BTreeSet<&str> = remove.iter().map(|term| term.trim()).collect();
    let gone: BTreeSet<&str> = missing.clone();
    let mut there = BTreeSet::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        let term = line.trim();
        if gone.contains(term) {
            missing.remove(term);
        } else {
            there.insert(term);
            lines.push(line);
        }
    }
    if let Some(term) = missing.first() {
        return Err((*term).to_owned());
    }
    for term in add.iter().map(|term| term.trim()) {
        if there.insert(term) {
            lines.push(term);
        }
    }
    let mut text = lines.join("\n");
    text.push('\n');
    Ok(text)
}

/// Adds and removes terms of a list, and makes the rule set with it live.
///
/// Up to 1000 terms at once.
#[utoipa::path(
    post,
    path = "/admin/rules/lists/{list}",
    operation_id = "change_list",
    tag = "rules",
    params(("list" = String, Path, description = "Its name."), ("If-Match" = Option<String>, Header, description = "The `ETag` of what was read, or `*`.")),
    request_body = Change,
    extensions(("x-role" = json!(Role::Editor)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "The rule set.", body = super::Shown), (status = 422, description = "The rule set has errors.", body = super::Broken, content_type = "application/problem+json"), PreconditionFailed, PreconditionRequired, NotFound),
)]
pub(crate) async fn change(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(name): Path<String>,
    body: Result<Json<Change>, JsonRejection>,
) -> Result<Response, Problem> {
    let principal = editor(&admin, &headers)?;
    let expected = required(&headers)?;
    check_live(&admin, &expected)?;
    let Json(change) = body?;
    change.check()?;
    let live = admin.rules.live();
    let list = live.set.list_terms().find(|list| list.info.name == name);
    let list = list.ok_or_else(no_list)?;
    let Some(file) = list.terms_file else {
        let detail = format!(
            "the terms of `{name}` stand in {}, line {}: change that file",
            list.file, list.line
        );
        return Err(Problem::conflict(detail).with_code("no_terms_file"));
    };
    let mut files: BTreeMap<String, Vec<u8>> = live
        .set
        .sources()
        .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
        .collect();
    let text = files.get(&file).map(|bytes| String::from_utf8_lossy(bytes));
    let text = edited(&text.unwrap_or_default(), &change.add, &change.remove).map_err(|term| {
        wrong("remove", format!("`{term}` is no line of {file}")).with_code("no_such_term")
    })?;
    files.insert(file, text.into_bytes());
    let set = match compile(&admin, files).await? {
        Ok(set) => set,
        Err(errors) => return Ok(broken(&errors)),
    };
    let why = Why {
        how: How::Put,
        by: principal.name,
        note: change.note,
    };
    activate(&admin, set, why, expected).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_and_removed_and_the_others_stay() {
        let own = |terms: &[&str]| -> Vec<String> {
            terms.iter().map(|term| (*term).to_owned()).collect()
        };
        let text = "# insults\none\n\n  two [prefix]\nthree\n";
        assert_eq!(
            edited(
                text,
                &own(&["four", "one", " five "]),
                &own(&["two [prefix]"])
            )
            .unwrap(),
            "# insults\none\n\nthree\nfour\nfive\n"
        );
        assert_eq!(edited(text, &[], &own(&["two"])).unwrap_err(), "two");
        assert_eq!(edited(text, &own(&["one"]), &[]).unwrap(), text);
    }
}
