//! `stoa export parquet`: articles, comments and decisions as tables, a group of rows at a time.

mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use stoa_archive::export::{ArticleOut, CommentOut, DecisionOut, Row};
use stoa_proto::{AuthorRole, By, Format, Time};

use self::table::{Cell, Table, Type};
use super::out::Out;
use super::{known, open};
use crate::output;

/// Exports articles, comments and decisions as Parquet.
#[derive(Debug, Args)]
pub(super) struct ParquetArgs {
    /// The archive's data folder, or the one of `stoa up`; the archive must be stopped.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Folder for articles.parquet, comments.parquet and decisions.parquet.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// This site alone.
    #[arg(long)]
    site: Option<String>,
    /// Replaces files that exist.
    #[arg(long)]
    force: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

const ARTICLES: &[(&str, Type)] = &[
    ("site", Type::Text),
    ("article", Type::Text),
    ("title", Type::Text),
    ("text", Type::Text),
    ("body", Type::Text),
    ("format", Type::Text),
    ("language", Type::Text),
    ("url", Type::Text),
    ("authors", Type::Texts),
    ("tags", Type::Texts),
    ("published_at", Type::Time),
    ("updated_at", Type::Time),
    ("removed", Type::Flag),
    ("erased", Type::Flag),
    ("comments", Type::Number),
    ("last_activity_at", Type::Time),
    ("record", Type::Number),
];

const COMMENTS: &[(&str, Type)] = &[
    ("site", Type::Text),
    ("article", Type::Text),
    ("comment", Type::Text),
    ("parent", Type::Text),
    ("revision", Type::Number),
    ("status", Type::Text),
    ("author", Type::Text),
    ("author_display_name", Type::Text),
    ("author_role", Type::Text),
    ("text", Type::Text),
    ("body", Type::Text),
    ("format", Type::Text),
    ("language", Type::Text),
    ("url", Type::Text),
    ("submitted_at", Type::Time),
    ("score", Type::Number),
    ("verdict", Type::Text),
    ("labels", Type::Texts),
    ("decided_at", Type::Time),
    ("decisions", Type::Number),
    ("reports", Type::Number),
    ("imported_from", Type::Text),
    ("imported_state", Type::Text),
    ("erased", Type::Flag),
    ("record", Type::Number),
];

const DECISIONS: &[(&str, Type)] = &[
    ("site", Type::Text),
    ("article", Type::Text),
    ("comment", Type::Text),
    ("revision", Type::Number),
    ("decision", Type::Text),
    ("verdict", Type::Text),
    ("labels", Type::Texts),
    ("rules", Type::Texts),
    ("by", Type::Text),
    ("ruleset", Type::Text),
    ("moderator", Type::Text),
    ("decided_at", Type::Time),
    ("supersedes", Type::Text),
    ("stands", Type::Flag),
    ("record", Type::Number),
];

/// Runs the command. It blocks.
pub(super) fn run(args: &ParquetArgs) -> anyhow::Result<ExitCode> {
    let export = open(&args.data)?;
    let sites = match &args.site {
        Some(site) => {
            known(&export, site)?;
            vec![site.clone()]
        }
        None => export.sites()?,
    };
    let dir = &args.out;
    std::fs::create_dir_all(dir).with_context(|| format!("can't make {}", dir.display()))?;
    let begin = |name: &str, columns| begin(dir, name, columns, args.force);
    let mut articles = begin("articles", ARTICLES)?;
    let mut comments = begin("comments", COMMENTS)?;
    let mut decisions = begin("decisions", DECISIONS)?;
    let bar = output::progress(0, "rows");
    for site in sites {
        export.rows(&site, &mut |row| {
            bar.inc(1);
            match row {
                Row::Article(row) => articles.push(&article(&row)),
                Row::Comment(row) => comments.push(&comment(&row)),
                Row::Decision(row) => decisions.push(&decision(&row)),
            }
        })?;
    }
    bar.finish_and_clear();
    let counts = [articles.rows(), comments.rows(), decisions.rows()];
    for table in [articles, comments, decisions] {
        table.finish()?.finish()?;
    }
    let [articles, comments, decisions] = counts;
    if args.json {
        output::json(&json!({
            "ok": true, "articles": articles, "comments": comments, "decisions": decisions,
        }))?;
    } else {
        output::line(&format!(
            "{articles} articles, {comments} comments and {decisions} decisions are in {}.",
            dir.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn begin(
    dir: &Path,
    name: &str,
    columns: &'static [(&str, Type)],
    force: bool,
) -> anyhow::Result<Table> {
    let out = Out::create(&dir.join(format!("{name}.parquet")), force)?;
    Table::begin(name, columns, out)
}

fn time(time: Option<&Time>) -> Cell<'static> {
    Cell::Time(time.map(Time::micros))
}

fn number(n: impl TryInto<i64>) -> Cell<'static> {
    Cell::Number(n.try_into().ok())
}

fn format(format: Format) -> &'static str {
    match format {
        Format::Plain => "plain",
        Format::Html => "html",
        Format::Markdown => "markdown",
    }
}

fn article(row: &ArticleOut) -> [Cell<'_>; ARTICLES.len()] {
    let data = row.data.as_ref();
    let text = data.map(|data| {
        let normalized = data.normalized.as_ref();
        normalized
            .and_then(|normalized| normalized.text.as_deref())
            .unwrap_or(&data.body)
    });
    [
        Cell::Text(Some(&row.site)),
        Cell::Text(Some(&row.article)),
        Cell::Text(data.map(|data| data.title.as_str())),
        Cell::Text(text),
        Cell::Text(data.map(|data| data.body.as_str())),
        Cell::Text(data.map(|data| format(data.format))),
        Cell::Text(data.and_then(|data| data.language.as_deref())),
        Cell::Text(data.and_then(|data| data.url.as_deref())),
        Cell::Texts(data.map_or_else(Vec::new, |data| texts(&data.authors))),
        Cell::Texts(data.map_or_else(Vec::new, |data| texts(&data.tags))),
        time(data.and_then(|data| data.published_at.as_ref())),
        time(data.and_then(|data| data.updated_at.as_ref())),
        Cell::Flag(row.removed),
        Cell::Flag(row.seq.is_some() && data.is_none()),
        number(row.comments),
        Cell::Time(row.last_activity),
        Cell::Number(row.seq.and_then(|seq| seq.try_into().ok())),
    ]
}

fn comment(row: &CommentOut) -> [Cell<'_>; COMMENTS.len()] {
    let data = row.data.as_ref();
    let author = data.map(|data| &data.author);
    let decision = row.decision.as_ref();
    let imported = data.and_then(|data| data.imported.as_ref());
    let role = |role| match role {
        AuthorRole::Reader => "reader",
        AuthorRole::Staff => "staff",
        AuthorRole::Moderator => "moderator",
    };
    let score = row.score.or(data.and_then(|data| data.score));
    [
        Cell::Text(Some(&row.site)),
        Cell::Text(Some(&row.article)),
        Cell::Text(Some(&row.comment)),
        Cell::Text(row.parent.as_deref()),
        Cell::Number(data.map(|data| data.revision.into())),
        Cell::Text(Some(row.status)),
        Cell::Text(author.map(|author| author.id.as_str())),
        Cell::Text(author.and_then(|author| author.display_name.as_deref())),
        Cell::Text(author.map(|author| role(author.role))),
        Cell::Text(data.map(stoa_proto::Comment::text)),
        Cell::Text(data.map(|data| data.body.as_str())),
        Cell::Text(data.map(|data| format(data.format))),
        Cell::Text(data.and_then(|data| data.known_language())),
        Cell::Text(data.and_then(|data| data.url.as_deref())),
        Cell::Time(row.submitted_at),
        Cell::Number(score),
        Cell::Text(decision.map(|decision| decision.verdict.as_str())),
        Cell::Texts(decision.map_or_else(Vec::new, |decision| texts(&decision.labels))),
        time(decision.map(|decision| &decision.decided_at)),
        number(row.decisions),
        number(row.reports),
        Cell::Text(imported.map(|imported| imported.from.as_str())),
        Cell::Text(imported.map(|imported| imported.state.as_str())),
        Cell::Flag(data.is_none()),
        number(row.seq),
    ]
}

fn decision(row: &DecisionOut) -> [Cell<'_>; DECISIONS.len()] {
    let data = &row.data;
    let (by, ruleset, moderator) = match &data.by {
        By::Rules { ruleset } => ("rules", Some(ruleset.as_str()), None),
        By::Moderator { id } => ("moderator", None, Some(id.as_str())),
    };
    [
        Cell::Text(Some(&data.site)),
        Cell::Text(Some(&data.article)),
        Cell::Text(Some(&data.comment)),
        number(data.revision),
        Cell::Text(Some(&data.decision)),
        Cell::Text(Some(data.verdict.as_str())),
        Cell::Texts(texts(&data.labels)),
        Cell::Texts(data.rules.iter().map(|rule| rule.id.as_str()).collect()),
        Cell::Text(Some(by)),
        Cell::Text(ruleset),
        Cell::Text(moderator),
        time(Some(&data.decided_at)),
        Cell::Text(data.supersedes.as_deref()),
        Cell::Flag(row.stands),
        number(row.seq),
    ]
}

fn texts(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_names_every_column() {
        let docs = include_str!("../../../docs/export.md");
        for (table, columns) in [
            ("articles", ARTICLES),
            ("comments", COMMENTS),
            ("decisions", DECISIONS),
        ] {
            let heading = format!("### {table}.parquet\n");
            let section = docs.split(&heading).nth(1).unwrap();
            let section = section.split("\n#").next().unwrap();
            let listed: Vec<&str> = section
                .lines()
                .filter_map(|line| line.strip_prefix("| `"))
                .collect();
            let expected: Vec<String> = columns
                .iter()
                .map(|(name, of)| format!("{name}` | {} |", of.shown()))
                .collect();
            assert_eq!(listed.len(), expected.len(), "{table}");
            for (listed, expected) in listed.iter().zip(expected) {
                assert!(
                    listed.starts_with(&expected),
                    "{table}: {listed}, {expected}"
                );
            }
        }
    }
}
