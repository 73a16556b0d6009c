//! Backtests: how far one is, and what it found.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::super::chart::{Chart, Row};
use super::super::page::{Fault, Shell, render, see};
use super::super::visit::Visit;
use super::super::{Desk, assets};
use super::{percent, segment};
use crate::accounts::User;
use crate::backend::rules::{Backtest, Report, Score};

/// The verdicts in the order in which tables have them.
const VERDICTS: [&str; 3] = ["approve", "hold", "reject"];

/// A cell of the table of verdicts.
struct Cell {
    count: u64,
    /// Whether the verdict stays.
    stays: bool,
}

/// How well two sets agree with moderators: live and draft.
struct Agreement {
    name: String,
    live: String,
    draft: String,
}

struct Example {
    link: Option<String>,
    site: String,
    comment: String,
    live_rules: String,
    draft_rules: String,
}

struct Kind {
    live: String,
    draft: String,
    flips: u64,
    examples: Vec<Example>,
}

/// What was found, for people.
struct Findings {
    report: Report,
    matrix: Vec<(String, Vec<Cell>)>,
    agreement: Vec<Agreement>,
    charts: Vec<Chart>,
    kinds: Vec<Kind>,
}

/// A backtest as a part of a page.
#[derive(Template)]
#[template(path = "backtest-part.html")]
pub(super) struct Watched {
    shell: Shell,
    id: String,
    link: String,
    state: String,
    by: String,
    done: u64,
    total: u64,
    findings: Option<Findings>,
}

// Its own template has escaped what is in it.
impl askama::filters::HtmlSafe for Watched {}

impl Watched {
    /// Its id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    fn is_running(&self) -> bool {
        self.state == "running"
    }
}

/// Reads a backtest.
pub(super) async fn read(desk: &Desk, user: &User, id: &str) -> Result<Backtest, Fault> {
    let path = ["admin", "rules", "backtests", id];
    Ok(desk.moderation.get(user, &path, &[]).await?)
}

/// Shows a backtest.
pub(super) fn shown(visit: &Visit, backtest: Backtest) -> Watched {
    let shell = Shell::new("rules-backtest", visit);
    Watched {
        link: link(&backtest.id),
        findings: backtest.report.map(|report| findings(&shell, report)),
        id: backtest.id,
        state: backtest.state,
        by: backtest.by,
        done: backtest.progress.done,
        // None is known before the first look.
        total: backtest.progress.total.max(1),
        shell,
    }
}

fn link(id: &str) -> String {
    format!("/rules/backtests/{}", segment(id))
}

fn findings(shell: &Shell, report: Report) -> Findings {
    let name = |verdict: &str| shell.code("verdict", verdict);
    let count = |live: &str, draft: &str| {
        let row = report.matrix.get(live);
        row.and_then(|row| row.get(draft))
            .copied()
            .unwrap_or_default()
    };
    let matrix = VERDICTS.map(|live| {
        let cells = VERDICTS.map(|draft| Cell {
            count: count(live, draft),
            stays: live == draft,
        });
        (name(live), cells.into())
    });
    let agreement = |id: &str, of: fn(&Score) -> Option<f64>, strict: bool| {
        let side = |side: &crate::backend::rules::Side| {
            let score = if strict {
                side.strict_scores
            } else {
                side.scores
            };
            percent(score.as_ref().and_then(of))
        };
        Agreement {
            name: shell.t(id),
            live: side(&report.live),
            draft: side(&report.draft),
        }
    };
    let kinds = report.samples.iter().map(|kind| Kind {
        live: name(&kind.live),
        draft: name(&kind.draft),
        flips: kind.flips,
        examples: kind
            .comments
            .iter()
            .map(|one| Example {
                // A comment that was never held has no case to look at.
                link: one
                    .case
                    .as_ref()
                    .filter(|_| kind.live == "hold")
                    .map(|case| format!("/cases/{}", segment(case))),
                site: one.site.clone(),
                comment: one.comment.clone(),
                live_rules: one.live_rules.join(", "),
                draft_rules: one.draft_rules.join(", "),
            })
            .collect(),
    });
    Findings {
        matrix: matrix.into(),
        agreement: vec![
            agreement("rules-precision", |score| score.precision, false),
            agreement("rules-recall", |score| score.recall, false),
            agreement("rules-precision-strict", |score| score.precision, true),
            agreement("rules-recall-strict", |score| score.recall, true),
        ],
        charts: vec![
            by_day(shell, &report),
            by_rule(shell, &report),
            hits(shell, &report),
        ],
        kinds: kinds.collect(),
        report,
    }
}

fn by_day(shell: &Shell, report: &Report) -> Chart {
    let rows = report.by_day.iter().map(|day| Row {
        label: day.name.clone(),
        at: Some(day.name.clone()),
        cells: vec![day.stricter.into(), day.milder.into(), day.comments.into()],
    });
    let head = [
        "insights-day",
        "rules-stricter",
        "rules-milder",
        "rules-comments",
    ];
    Chart {
        kind: "line",
        title: shell.t("rules-flips-by-day"),
        summary: shell.t("chart-table"),
        head: head.iter().map(|id| shell.t(id)).collect(),
        rows: rows.collect(),
        plain: 1,
    }
}

fn by_rule(shell: &Shell, report: &Report) -> Chart {
    let rows = report.flips_by_rule.iter().map(|rule| Row {
        label: rule.rule.clone(),
        at: None,
        cells: vec![rule.stricter.into(), rule.milder.into()],
    });
    let head = ["rules-rule", "rules-stricter", "rules-milder"];
    Chart {
        kind: "bars",
        title: shell.t("rules-flips-by-rule"),
        summary: shell.t("chart-table"),
        head: head.iter().map(|id| shell.t(id)).collect(),
        rows: rows.collect(),
        plain: 0,
    }
}

/// What each rule hits in both sets; those that hit nothing are left out.
fn hits(shell: &Shell, report: &Report) -> Chart {
    let mut rules: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
    for (place, side) in [&report.live, &report.draft].into_iter().enumerate() {
        for rule in side.rules.iter().filter(|rule| rule.hits > 0) {
            let counts = rules.entry(&rule.id).or_default();
            if let Some(count) = counts.get_mut(place) {
                *count = rule.hits;
            }
        }
    }
    let rows = rules.into_iter().map(|(rule, counts)| Row {
        label: rule.to_owned(),
        at: None,
        cells: counts.map(Into::into).into(),
    });
    let head = ["rules-rule", "rules-live-set", "rules-draft"];
    Chart {
        kind: "bars",
        title: shell.t("rules-hits"),
        summary: shell.t("chart-table"),
        head: head.iter().map(|id| shell.t(id)).collect(),
        rows: rows.collect(),
        plain: 0,
    }
}

/// How it is shown.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    /// Whether as a part of another page.
    #[serde(default)]
    part: String,
}

#[derive(Template)]
#[template(path = "backtest.html")]
struct Page {
    shell: Shell,
    backtest: Watched,
}

/// `GET /rules/backtests/{backtest}`
pub(crate) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let backtest = read(&desk, visit.user()?, &id).await?;
    let backtest = shown(&visit, backtest);
    if !asked.part.is_empty() {
        return Ok(render(StatusCode::OK, &backtest));
    }
    let shell = Shell::new("rules-backtest", &visit);
    Ok(render(StatusCode::OK, &Page { shell, backtest }))
}

/// `POST /rules/backtests/{backtest}/cancel`
pub(crate) async fn cancel(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let path = ["admin", "rules", "backtests", &id];
    let _: IgnoredAny = desk.moderation.delete(visit.user()?, &path).await?;
    Ok(see(&link(&id)))
}
