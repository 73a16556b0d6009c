//! `GET /admin/rules/diff`: what changed from one version to another, by file and by rule.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use stoa_daemon::openapi::{Gone, NotFound};

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use similar::TextDiff;
use stoa_daemon::Problem;
use stoa_daemon::auth::Role;
use stoa_rules::{RuleInfo, RuleSet};

use super::versions::{Missing, whole};
use crate::http::Admin;

/// How long files are compared before coarser differences will do.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// The hash of the version that it starts from.
    from: String,
    /// The hash of the other version; absent: what is live.
    to: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RuleSetDiff)]
pub(crate) struct Differences {
    from: String,
    to: String,
    files: Vec<FileChange>,
    /// Absent if one of the two can't be compiled by this version of the program.
    rules: Option<Vec<RuleChange>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DiffChange)]
enum Change {
    Added,
    Removed,
    Changed,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct FileChange {
    path: String,
    change: Change,
    /// A unified diff with three lines of context.
    diff: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct RuleChange {
    id: String,
    change: Change,
}

type Files = BTreeMap<String, Vec<u8>>;

/// Compares two rule sets that were live.
#[utoipa::path(
    get,
    path = "/admin/rules/diff",
    operation_id = "diff_rules",
    tag = "rules",
    params(Asked),
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "What differs.", body = Differences), NotFound, Gone),
)]
pub(crate) async fn diff(
    State(admin): State<Admin>,
    headers: HeaderMap,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Differences>, Problem> {
    admin.tokens.require(&headers, Role::Viewer)?;
    let Query(asked) = query?;
    let from = whole(&asked.from);
    let to = asked
        .to
        .as_deref()
        .map_or_else(|| admin.rules.live().set.hash().to_owned(), whole);
    let _compiling = admin.compiling.acquire().await;
    let outcome = admin
        .blocking(move |admin| {
            let old = match admin.version(&from)? {
                Ok(files) => files,
                Err(missing) => return Ok(Err((missing, from, "from"))),
            };
            let new = match admin.version(&to)? {
                Ok(files) => files,
                Err(missing) => return Ok(Err((missing, to, "to"))),
            };
            Ok(Ok(Differences {
                files: files(&old, &new),
                rules: rules(&old, &new),
                from,
                to,
            }))
        })
        .await?;
    let refused =
        |(missing, hash, field): (Missing, String, _)| missing.problem(&hash).with_field(field);
    outcome.map(Json).map_err(refused)
}

/// Finds what is in one of two maps, or differs; in the order of the keys.
fn changes<V>(
    old: &BTreeMap<String, V>,
    new: &BTreeMap<String, V>,
    same: impl Fn(&V, &V) -> bool,
) -> Vec<(String, Change)> {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let change = |key: &String| match (old.get(key), new.get(key)) {
        (None, _) => Some(Change::Added),
        (_, None) => Some(Change::Removed),
        (Some(old), Some(new)) => (!same(old, new)).then_some(Change::Changed),
    };
    keys.into_iter()
        .filter_map(|key| Some((key.clone(), change(key)?)))
        .collect()
}

fn files(old: &Files, new: &Files) -> Vec<FileChange> {
    let changed = changes(old, new, |old, new| old == new);
    let deadline = Instant::now() + PATIENCE;
    changed
        .into_iter()
        .map(|(path, change)| {
            let text = |files: &Files| {
                let bytes = files.get(&path).map(Vec::as_slice).unwrap_or_default();
                String::from_utf8_lossy(bytes).into_owned()
            };
            FileChange {
                diff: unified(&path, &text(old), &text(new), change, deadline),
                change,
                path,
            }
        })
        .collect()
}

fn unified(path: &str, old: &str, new: &str, change: Change, deadline: Instant) -> String {
    let name = |side: &str, is_none: bool| {
        if is_none {
            "/dev/null".to_owned()
        } else {
            format!("{side}/{path}")
        }
    };
    TextDiff::configure()
        .deadline(deadline)
        .diff_lines(old, new)
        .unified_diff()
        .header(
            &name("a", change == Change::Added),
            &name("b", change == Change::Removed),
        )
        .to_string()
}

/// What a rule is, but for where it stands.
fn of_rules(files: &Files) -> Option<BTreeMap<String, (RuleInfo, String)>> {
    let set = RuleSet::from_sources(files).ok()?;
    let rules = set.rules().map(|info| {
        let content = set.content(&info.id).unwrap_or_default().to_owned();
        let mut info = RuleInfo::clone(info);
        info.file.clear();
        info.line = 0;
        (info.id.clone(), (info, content))
    });
    Some(rules.collect())
}

fn rules(old: &Files, new: &Files) -> Option<Vec<RuleChange>> {
    let changed = changes(&of_rules(old)?, &of_rules(new)?, |old, new| old == new);
    let change = |(id, change)| RuleChange { id, change };
    Some(changed.into_iter().map(change).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)]) -> Files {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), text.as_bytes().to_vec());
        files.iter().map(owned).collect()
    }

    #[test]
    fn files_differ_by_lines() {
        let old = of(&[("a.txt", "one\ntwo\n"), ("b.txt", "b\n"), ("c.txt", "c\n")]);
        let new = of(&[
            ("a.txt", "one\nthree\n"),
            ("c.txt", "c\n"),
            ("d.txt", "d\n"),
        ]);
        let found: Vec<_> = files(&old, &new)
            .into_iter()
            .map(|file| (file.path, file.change, file.diff))
            .collect();
        let expected = [
            (
                "a.txt",
                Change::Changed,
                "--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+three\n",
            ),
            (
                "b.txt",
                Change::Removed,
                "--- a/b.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n",
            ),
            (
                "d.txt",
                Change::Added,
                "--- /dev/null\n+++ b/d.txt\n@@ -0,0 +1 @@\n+d\n",
            ),
        ];
        let expected =
            expected.map(|(path, change, diff)| (path.to_owned(), change, diff.to_owned()));
        assert_eq!(found, expected);
    }

    #[test]
    fn rules_differ_by_what_they_are_and_not_by_where_they_stand() {
        let rule = |id: &str, more: &str| {
            format!(
                "- {{ id: {id}, when: 'comment.text.hits(\"bad\")', then: {{ labels: [a] }}{more} }}\n"
            )
        };
        let set = |rules: &str, terms: &str| {
            let text = format!("lists: {{ bad: {{ terms: [{terms}] }} }}\nrules:\n{rules}");
            of(&[("stoa.yaml", &text)])
        };
        let two = rule("x", "") + &rule("y", "");
        let check = |new: &Files, expected: &[(&str, Change)]| {
            let found = rules(&set(&two, "bad"), new).unwrap();
            let found: Vec<_> = found
                .iter()
                .map(|rule| (rule.id.as_str(), rule.change))
                .collect();
            assert_eq!(found, expected);
        };
        check(&set(&(rule("y", "") + &rule("x", "")), "bad"), &[]);
        let explained = rule("x", ", description: Why") + &rule("z", "");
        let both = [
            ("x", Change::Changed),
            ("y", Change::Removed),
            ("z", Change::Added),
        ];
        check(&set(&explained, "bad"), &both);
        check(
            &set(&two, "bad, worse"),
            &[("x", Change::Changed), ("y", Change::Changed)],
        );
        assert!(rules(&set(&two, "bad"), &of(&[("stoa.yaml", "rules: [")])).is_none());
    }
}
