//! The editor of the rules. All that is typed is in the form: the version that it began with, and every file that
//! was changed. So nothing is lost by a restart, by the back button or by somebody who was faster.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use similar::TextDiff;

use super::super::page::{Fault, Shell, render};
use super::super::visit::Visit;
use super::super::{Desk, assets};
use super::backtest::{self, Watched};
use super::versions::{File, lines};
use super::{live, may_edit, short};
use crate::accounts::User;
use crate::backend::rules::{Checked, Diagnostic, Files, Tried, Version};
use crate::backend::{Answered, Question};

/// The file that every rule set has.
const ROOT: &str = "stoa.yaml";
/// What the names of fields begin with that have the text of a changed file.
const TEXT: &str = "text:";

/// Which file is shown.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    file: Option<String>,
}

/// What is being written.
struct Draft {
    /// The version that it began with.
    base: String,
    /// The file that is shown.
    file: String,
    /// The files of that version.
    old: Files,
    /// The files that differ from it.
    changed: Files,
}

impl Draft {
    /// Reads what a form has.
    async fn sent(desk: &Desk, visit: &Visit) -> Result<Self, Fault> {
        let base = visit.field("base").to_owned();
        let old = version(desk, visit.user()?, &base).await?;
        let plain = |text: &str| text.replace("\r\n", "\n");
        let mut changed: Files = visit
            .fields_of(TEXT)
            .map(|(path, text)| (path.to_owned(), plain(text)))
            .collect();
        changed.retain(|path, text| old.get(path) != Some(text));
        let file = visit.field("file").to_owned();
        Ok(Self {
            base,
            file,
            old,
            changed,
        })
    }

    /// All files, as they would be saved.
    fn files(&self) -> Files {
        let mut files = self.old.clone();
        files.extend(self.changed.clone());
        files
    }

    fn text(&self) -> &str {
        let changed = self.changed.get(&self.file);
        let text = changed.or_else(|| self.old.get(&self.file));
        text.map_or("", String::as_str)
    }

    /// What differs from the version that it began with.
    fn differences(&self) -> Vec<File> {
        let changed = self.changed.iter().map(|(path, text)| {
            let old = self.old.get(path);
            let diff = TextDiff::from_lines(old.map_or("", String::as_str), text.as_str());
            File {
                path: path.clone(),
                change: if old.is_some() { "changed" } else { "added" }.to_owned(),
                lines: lines(&diff.unified_diff().header("a", "b").to_string()),
            }
        });
        changed.collect()
    }
}

async fn version(desk: &Desk, user: &User, hash: &str) -> Result<Files, Fault> {
    let path = ["admin", "rules", "versions", hash];
    let version: Version = desk.moderation.get(user, &path, &[]).await?;
    Ok(version.files)
}

/// A text to try, and what is said of its author.
#[derive(Default)]
struct Attempt {
    text: String,
    language: String,
    approved: String,
    rejected: String,
    trusted: bool,
    sanction: String,
}

impl Attempt {
    fn sent(visit: &Visit) -> Self {
        let field = |name: &str| visit.field(name).trim().to_owned();
        Self {
            text: visit.field("try").replace("\r\n", "\n"),
            language: field("try-language"),
            approved: field("try-approved"),
            rejected: field("try-rejected"),
            trusted: field("try-trusted") == "yes",
            sanction: field("try-sanction"),
        }
    }

    fn comment(&self) -> Value {
        let mut author = Map::from_iter([("trusted".to_owned(), self.trusted.into())]);
        for (key, value) in [("approved", &self.approved), ("rejected", &self.rejected)] {
            let number = value.parse::<u64>().ok();
            author.extend(number.map(|number| (key.to_owned(), number.into())));
        }
        let said = |key: &str, value: &str| {
            let is_said = !value.is_empty();
            is_said.then(|| (key.to_owned(), Value::from(value)))
        };
        author.extend(said("sanction", &self.sanction));
        let mut comment = Map::from_iter([
            ("text".to_owned(), self.text.as_str().into()),
            ("author".to_owned(), author.into()),
        ]);
        comment.extend(said("language", &self.language));
        comment.into()
    }
}

/// What was found out about a draft.
#[derive(Default)]
struct Found {
    told: Option<String>,
    /// Whether somebody else made another version live.
    is_stale: bool,
    checked: Option<Checked>,
    tried: Option<Tried>,
    differences: Option<Vec<File>>,
    backtest: Option<Watched>,
    saved: bool,
}

impl Found {
    fn failing(&self) -> usize {
        let checked = self.checked.iter();
        let examples = checked.flat_map(|checked| &checked.examples);
        examples.filter(|example| !example.passes).count()
    }

    fn diagnostics(&self) -> &[Diagnostic] {
        let checked = self.checked.as_ref();
        checked.map_or(&[], |checked| checked.diagnostics.as_slice())
    }
}

struct Entry {
    path: String,
    is_shown: bool,
    is_changed: bool,
}

#[derive(Template)]
#[template(path = "edit.html")]
struct Page {
    shell: Shell,
    base: String,
    short: String,
    file: String,
    text: String,
    entries: Vec<Entry>,
    /// Files that were changed and are not shown.
    others: Vec<(String, String)>,
    attempt: Attempt,
    found: Found,
    /// The line and column that somebody wants to see.
    place: Option<(u32, u32)>,
    note: String,
    days: String,
    is_all: bool,
}

fn page_of(visit: &Visit, draft: Draft, found: Found) -> Page {
    let mut entries: BTreeMap<&String, Entry> = BTreeMap::new();
    for path in draft.old.keys().chain(draft.changed.keys()) {
        let entry = Entry {
            path: path.clone(),
            is_shown: *path == draft.file,
            is_changed: draft.changed.contains_key(path),
        };
        entries.insert(path, entry);
    }
    let days = visit.field("days");
    Page {
        shell: Shell::new("rules-edit", visit),
        short: short(&draft.base),
        text: draft.text().to_owned(),
        entries: entries.into_values().collect(),
        others: draft
            .changed
            .iter()
            .filter(|(path, _)| **path != draft.file)
            .map(|(path, text)| (path.clone(), text.clone()))
            .collect(),
        base: draft.base,
        file: draft.file,
        attempt: Attempt::sent(visit),
        found,
        place: None,
        note: visit.field("note").to_owned(),
        days: if days.is_empty() { "14" } else { days }.to_owned(),
        is_all: visit.user.as_ref().is_some_and(may_edit),
    }
}

/// `GET /rules/edit`
pub(crate) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    let base = live(&desk, user).await?.hash;
    let draft = Draft {
        old: version(&desk, user, &base).await?,
        file: asked.file.unwrap_or_else(|| ROOT.to_owned()),
        changed: Files::new(),
        base,
    };
    if !draft.old.contains_key(&draft.file) {
        return Err(Fault::NotFound);
    }
    let page = page_of(&visit, draft, Found::default());
    Ok(render(StatusCode::OK, &page))
}

async fn post(desk: &Desk, user: &User, path: &[&str], body: &Value) -> Result<Answered, Fault> {
    let question = Question {
        method: Method::POST,
        path,
        replaces: None,
        query: &[],
        body: Some(body),
    };
    Ok(desk.moderation.ask(user, question).await?)
}

async fn checked(desk: &Desk, user: &User, draft: &Draft) -> Result<Checked, Fault> {
    let body = json!({"files": draft.files()});
    let answered = post(desk, user, &["admin", "rules", "check"], &body).await?;
    Ok(answered.read()?)
}

/// `POST /rules/edit`: what a button of the editor does.
pub(crate) async fn act(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    let mut draft = Draft::sent(&desk, &visit).await?;
    let mut found = Found::default();
    let mut status = StatusCode::OK;
    let mut place = None;
    let (what, of) = visit
        .field("do")
        .split_once(':')
        .unwrap_or((visit.field("do"), ""));
    match what {
        "open" => draft.file = of.to_owned(),
        "show" => {
            let mut parts = of.splitn(3, ':');
            let mut number = || parts.next().and_then(|number| number.parse().ok());
            place = number().zip(number());
            parts.next().unwrap_or(ROOT).clone_into(&mut draft.file);
        }
        "add" => {
            let path = visit.field("new-file").trim().to_owned();
            if !path.is_empty() {
                draft.changed.entry(path.clone()).or_default();
                draft.file = path;
            }
        }
        "difference" => found.differences = Some(draft.differences()),
        "rebase" => {
            draft.base = live(&desk, user).await?.hash;
            draft.old = version(&desk, user, &draft.base).await?;
            found.differences = Some(draft.differences());
        }
        "try" => {
            let body = json!({"files": draft.files(), "comment": Attempt::sent(&visit).comment()});
            let answered = post(&desk, user, &["admin", "rules", "try"], &body).await?;
            match answered.code() {
                "" => found.tried = Some(answered.read()?),
                "invalid_rules" => {}
                _ => found.told = Some(answered.refusal().told(visit.words)),
            }
        }
        "backtest" => {
            let days = visit.field("days").parse::<u32>().unwrap_or_default();
            let body = json!({"files": draft.files(), "days": days});
            let answered = post(&desk, user, &["admin", "rules", "backtests"], &body).await?;
            match answered.code() {
                "" => found.backtest = Some(backtest::shown(&visit, answered.read()?)),
                "invalid_rules" => {}
                _ => found.told = Some(answered.refusal().told(visit.words)),
            }
        }
        "look" => {
            let seen = backtest::read(&desk, user, visit.field("backtest")).await?;
            found.backtest = Some(backtest::shown(&visit, seen));
        }
        "save" => status = save(&desk, &visit, &mut draft, &mut found, of).await?,
        _ => {}
    }
    if !found.saved {
        found.checked = Some(checked(&desk, user, &draft).await?);
    }
    let mut page = page_of(&visit, draft, found);
    page.place = place;
    Ok(render(status, &page))
}

/// Makes a draft live in place of the version that it began with.
async fn save(
    desk: &Desk,
    visit: &Visit,
    draft: &mut Draft,
    found: &mut Found,
    how: &str,
) -> Result<StatusCode, Fault> {
    let user = visit.user()?;
    let shadow = if how == "shadow" { "true" } else { "false" };
    let body = json!({"files": draft.files(), "note": visit.field("note").trim()});
    let question = Question {
        method: Method::PUT,
        path: &["admin", "rules"],
        replaces: Some(&draft.base),
        query: &[("shadow", shadow)],
        body: Some(&body),
    };
    let answered = desk.moderation.ask(user, question).await?;
    let status = answered.status;
    match answered.code() {
        "" => {
            let set: crate::backend::rules::RuleSet = answered.read()?;
            draft.base = set.hash;
            draft.old = version(desk, user, &draft.base).await?;
            draft.changed.clear();
            found.saved = true;
        }
        "rules_changed" => found.is_stale = true,
        "invalid_rules" => {}
        _ => found.told = Some(answered.refusal().told(visit.words)),
    }
    Ok(status)
}

#[derive(Template)]
#[template(path = "checked.html")]
struct Part {
    shell: Shell,
    file: String,
    found: Found,
}

/// `POST /rules/edit/check`: what is wrong with a draft, as a part of the page.
pub(crate) async fn check(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    let draft = Draft::sent(&desk, &visit).await?;
    let found = Found {
        checked: Some(checked(&desk, visit.user()?, &draft).await?),
        ..Found::default()
    };
    let part = Part {
        shell: Shell::new("rules-edit", &visit),
        file: draft.file,
        found,
    };
    Ok(render(StatusCode::OK, &part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_what_it_began_with_and_what_was_changed() {
        let of = |pairs: &[(&str, &str)]| -> Files {
            let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
            pairs.iter().map(owned).collect()
        };
        let draft = Draft {
            base: "sha256:0".to_owned(),
            file: "b".to_owned(),
            old: of(&[("a", "1\n2\n"), ("b", "3\n")]),
            changed: of(&[("a", "1\n4\n"), ("c", "5\n")]),
        };
        assert_eq!(
            draft.files(),
            of(&[("a", "1\n4\n"), ("b", "3\n"), ("c", "5\n")])
        );
        assert_eq!(draft.text(), "3\n");
        let told: Vec<_> = draft
            .differences()
            .into_iter()
            .map(|file| {
                let lines = file.lines.into_iter().map(|line| line.text);
                (file.path, file.change, lines.collect::<Vec<_>>().join("|"))
            })
            .collect();
        let one = |path: &str, change: &str, lines: &str| {
            (path.to_owned(), change.to_owned(), lines.to_owned())
        };
        assert_eq!(
            told,
            [
                one("a", "changed", "@@ -1,2 +1,2 @@| 1|-2|+4"),
                one("c", "added", "@@ -0,0 +1 @@|+5")
            ]
        );
    }
}
