//! Transparency: the report of a year, and statements of reasons as files.

use askama::Template;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::days::{Edge, edge};
use super::page::{Fault, Shell, render};
use super::reason::category;
use super::visit::Visit;
use super::{Desk, links};
use crate::backend::{Counts, Year};
use crate::language::Words;

/// Pages of statements in a file.
const MOST: usize = 200;

/// Which report, or which statements.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    year: String,
    site: String,
    from: String,
    to: String,
    format: String,
}

/// A table of counts.
struct Table {
    title: String,
    rows: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "transparency.html")]
struct Page {
    shell: Shell,
    asked: Asked,
    tables: Vec<Table>,
    complete: bool,
    csv: String,
    json: String,
}

/// `GET /transparency`
pub(super) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(mut asked): Query<Asked>,
) -> Result<Response, Fault> {
    let now = desk.clock.now().to_zoned_datetime(TimeZone::UTC);
    if asked.year.parse::<i16>().is_err() {
        asked.year = now.year().to_string();
    }
    let path = ["admin", "transparency", &asked.year];
    let site = asked.site.trim();
    let query = [("site", site)];
    let query = if site.is_empty() { &[][..] } else { &query };
    let year: Year = desk.moderation.get(visit.user()?, &path, query).await?;
    let file = |format| {
        let asked = [
            ("year", asked.year.as_str()),
            ("site", site),
            ("format", format),
        ];
        links::to(&["transparency", "report"], &asked)
    };
    let page = Page {
        shell: Shell::new("transparency-title", &visit),
        complete: year.complete,
        csv: file("csv"),
        json: file("json"),
        tables: tables(&year, visit.words),
        asked,
    };
    Ok(render(StatusCode::OK, &page))
}

fn tables(year: &Year, words: Words) -> Vec<Table> {
    let counts = |title: &str, counts: &Counts, name: &dyn Fn(&str) -> String| Table {
        title: words.t(title),
        rows: counts
            .iter()
            .map(|(code, count)| (name(code), count.to_string()))
            .collect(),
    };
    let verdict = |code: &str| words.code("verdict", code);
    let restrictions = &year.decisions.restrictions;
    let mut moderators = counts(
        "transparency-moderators",
        &year.decisions.moderators,
        &verdict,
    );
    if year.decisions.undone != 0 {
        let undone = words.t("transparency-undone");
        moderators
            .rows
            .push((undone, year.decisions.undone.to_string()));
    }
    let mut appeals = counts("transparency-outcomes", &year.appeals.by_outcome, &|code| {
        words.code("appeal", code)
    });
    let received = words.t("transparency-received");
    let received = (received, year.appeals.received.to_string());
    appeals.rows.insert(0, received);
    let mut answered = counts("transparency-answered", &year.notices.answered, &verdict);
    for (table, median) in [
        (&mut appeals, year.appeals.median_seconds),
        (&mut answered, year.notices.median_seconds),
    ] {
        if let Some(seconds) = median {
            let hours = format!("{:.1}", hours(seconds));
            table.rows.push((words.t("transparency-median"), hours));
        }
    }
    vec![
        counts("transparency-rules", &year.decisions.rules, &verdict),
        moderators,
        counts("transparency-grounds", &restrictions.ground, &|code| {
            words.code("ground", code)
        }),
        counts("transparency-categories", &restrictions.category, &|code| {
            category(words, code)
        }),
        counts("transparency-detection", &restrictions.detection, &|code| {
            words.code("detection", code)
        }),
        counts(
            "transparency-automation",
            &restrictions.automation,
            &|code| words.code("automation", code),
        ),
        counts("transparency-notices", &year.notices.by_reason, &|code| {
            words.code("report", code)
        }),
        answered,
        appeals,
        counts("transparency-refused", &year.appeals.refused, &|code| {
            words.code("refusal", code)
        }),
        counts("transparency-sanctions", &year.sanctions, &|code| {
            words.code("sanction", code)
        }),
    ]
}

#[expect(
    clippy::cast_precision_loss,
    reason = "no median of a year is so long that it shows"
)]
fn hours(seconds: u64) -> f64 {
    seconds as f64 / 3_600.0
}

/// `GET /transparency/report`: the report as a file.
pub(super) async fn report(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let format = format(&asked);
    let path = ["admin", "transparency", asked.year.trim()];
    let mut query = vec![("format", format)];
    query.extend(Some(("site", asked.site.trim())).filter(|(_, site)| !site.is_empty()));
    let (text, _) = desk.moderation.text(visit.user()?, &path, &query).await?;
    Ok(file(text, "transparency", format))
}

/// `GET /transparency/statements`: statements of reasons as a file; as JSON a line is a batch that
/// the database takes.
pub(super) async fn statements(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    let is_day = |day: &String| edge(day, Edge::First).is_ok();
    if !is_day(&asked.from) || !is_day(&asked.to) {
        let told = crate::backend::Refusal::of(visit.words.t("common-bad-day"));
        return Err(Fault::Refused(told));
    }
    let format = format(&asked);
    let asks = [
        ("site", asked.site.trim()),
        ("from", asked.from.as_str()),
        ("to", asked.to.as_str()),
    ];
    let (mut all, mut cursor) = (String::new(), None::<String>);
    for place in 0..MOST {
        let mut query = vec![("format", format)];
        query.extend(asks.iter().filter(|(_, value)| !value.is_empty()));
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let path = ["admin", "statements"];
        let (page, next) = desk.moderation.text(user, &path, &query).await?;
        let next = if format == "json" {
            let (batch, next) = batch(&page);
            all.push_str(&batch);
            next
        } else {
            let rows = page.split_once("\r\n").map_or("", |(_, rows)| rows);
            all.push_str(if place == 0 { &page } else { rows });
            next
        };
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(file(all, "statements", format))
}

/// Returns a page's batch as a line, and where to go on.
fn batch(page: &str) -> (String, Option<String>) {
    let page: serde_json::Value = serde_json::from_str(page).unwrap_or_default();
    let next = page.get("next").and_then(serde_json::Value::as_str);
    let statements = page.get("statements").filter(|statements| {
        let statements = statements.as_array();
        statements.is_some_and(|statements| !statements.is_empty())
    });
    let line = statements.map(|statements| {
        let batch = serde_json::json!({"statements": statements});
        format!("{batch}\n")
    });
    (line.unwrap_or_default(), next.map(str::to_owned))
}

fn format(asked: &Asked) -> &'static str {
    if asked.format == "json" {
        "json"
    } else {
        "csv"
    }
}

fn file(text: String, name: &str, format: &str) -> Response {
    let kind = match format {
        "json" => "application/json",
        _ => "text/csv; charset=utf-8",
    };
    let name = format!("attachment; filename=\"{name}.{format}\"");
    let name = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, name),
    ];
    (headers, text).into_response()
}
