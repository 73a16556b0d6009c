//! `GET /admin/transparency/{year}`: what the transparency report of a year needs, by the names of
//! articles 15 and 24 of the Digital Services Act.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use stoa_daemon::Problem;
use stoa_daemon::auth::{Principal, Role};

use super::statements::Format;
use super::{Admin, wrong};
use crate::dsa;
use crate::view::COUNTED;
use crate::view::tally::{DAY, Tally};

/// The years that can be asked for.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2200;

/// What is asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Of this site alone.
    site: Option<String>,
    /// What is answered.
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

type Counts = BTreeMap<String, i64>;

/// The report.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TransparencyReport)]
struct Report {
    year: i16,
    /// The site; absent: all that the token is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<String>,
    /// Whether the year is over.
    complete: bool,
    decisions: Decisions,
    notices: Notices,
    appeals: Appeals,
    /// What authors were put under (article 24, 1 b).
    #[schema(value_type = BTreeMap<String, i64>)]
    sanctions: Counts,
}

/// What was decided (article 15, 1 c and e).
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TransparencyDecisions)]
struct Decisions {
    /// By verdict: of rules, and of moderators.
    #[schema(value_type = BTreeMap<String, i64>)]
    rules: Counts,
    #[schema(value_type = BTreeMap<String, i64>)]
    moderators: Counts,
    /// Moderators' decisions that were undone.
    undone: i64,
    restrictions: Restrictions,
}

/// Decisions that hold or reject a comment.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TransparencyRestrictions)]
struct Restrictions {
    total: i64,
    #[schema(value_type = BTreeMap<String, i64>)]
    by_ground: Counts,
    #[schema(value_type = BTreeMap<String, i64>)]
    by_category: Counts,
    /// Who found what was restricted, and who decided.
    #[schema(value_type = BTreeMap<String, i64>)]
    by_detection: Counts,
    #[schema(value_type = BTreeMap<String, i64>)]
    by_automation: Counts,
}

/// Readers' reports (article 15, 1 b).
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TransparencyNotices)]
struct Notices {
    received: i64,
    #[schema(value_type = BTreeMap<String, i64>)]
    by_reason: Counts,
    /// Those that a moderator has answered, by verdict.
    #[schema(value_type = BTreeMap<String, i64>)]
    answered: Counts,
    median_seconds: Option<u64>,
}

/// Authors' appeals (article 15, 1 d).
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TransparencyAppeals)]
struct Appeals {
    received: i64,
    #[schema(value_type = BTreeMap<String, i64>)]
    by_outcome: Counts,
    /// Those that nobody had to decide, by why.
    #[schema(value_type = BTreeMap<String, i64>)]
    refused: Counts,
    median_seconds: Option<u64>,
}

/// What the transparency report of a year needs, by the names of the Digital Services Act.
#[utoipa::path(
    get,
    path = "/admin/transparency/{year}",
    operation_id = "get_transparency",
    tag = "reports",
    params(("year" = i16, Path, description = "The year, 2000 to 2200."), Asked),
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "The report.", content(
        (Report = "application/json"),
        (String = "text/csv"),
    ))),
)]
pub(super) async fn report(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(year): Path<String>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let principal = admin.tokens.require(&headers, Role::Viewer)?;
    let Query(asked) = query?;
    let year = year.parse::<i16>().ok().filter(|year| YEARS.contains(year));
    let year = year.ok_or_else(|| wrong("year", "send a year, such as 2026"))?;
    if let Some(site) = &asked.site {
        principal.require_site(site)?;
    }
    let format = asked.format;
    let report = admin
        .blocking(move |admin| admin.year(&principal, asked.site, year))
        .await?;
    Ok(match format {
        Format::Json => Json(report).into_response(),
        Format::Csv => csv(&report),
    })
}

/// Returns the first day of a year, counted from 1970.
fn first_day(year: i16) -> i64 {
    let day = jiff::civil::date(year, 1, 1).to_zoned_datetime(jiff::tz::TimeZone::UTC);
    day.map_or(i64::MAX, |day| {
        day.timestamp().as_microsecond().div_euclid(DAY)
    })
}

impl Admin {
    fn year(
        &self,
        principal: &Principal,
        site: Option<String>,
        year: i16,
    ) -> anyhow::Result<Report> {
        let (from, to) = (first_day(year), first_day(year + 1));
        let mut sum = Tally::default();
        let days = (from, String::new())..(to, String::new());
        for row in self.index.view.range(&COUNTED, days) {
            let ((_, own), tally) = row?;
            if site.as_ref().is_none_or(|site| *site == own) && principal.allows_site(&own) {
                sum.add(&tally);
            }
        }
        let counts = |name: &str| -> Counts {
            let below = sum.below(name);
            below.map(|(rest, n)| (rest.to_owned(), n)).collect()
        };
        let total = |counts: &Counts| counts.values().sum::<i64>();
        let by_reason = counts("notice/received");
        let by_ground = counts("ground");
        let now = self.context.clock.micros().div_euclid(DAY);
        Ok(Report {
            year,
            site,
            complete: now >= to,
            decisions: Decisions {
                rules: counts("verdict/rules"),
                moderators: counts("verdict/moderators"),
                undone: sum.get("undone"),
                restrictions: Restrictions {
                    total: total(&by_ground),
                    by_ground,
                    by_category: counts("category"),
                    by_detection: counts("detection"),
                    by_automation: counts("automation"),
                },
            },
            notices: Notices {
                received: total(&by_reason),
                by_reason,
                answered: counts("notice/answered"),
                median_seconds: sum.median("notice"),
            },
            appeals: Appeals {
                received: sum.get("appeal/received"),
                by_outcome: counts("appeal/outcome"),
                refused: counts("appeal/refused"),
                median_seconds: sum.median("appeal"),
            },
            sanctions: counts("sanction"),
        })
    }
}

/// Writes a report as CSV: a name as a path, and a value.
fn csv(report: &Report) -> Response {
    let mut rows = Vec::new();
    if let Ok(value) = serde_json::to_value(report) {
        flatten("", &value, &mut rows);
    }
    let mut text = String::new();
    dsa::csv::row(["name", "value"], &mut text);
    for (name, value) in &rows {
        dsa::csv::row([name.as_str(), value.as_str()], &mut text);
    }
    ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response()
}

fn flatten(name: &str, value: &serde_json::Value, rows: &mut Vec<(String, String)>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (field, value) in fields {
                let path = match name {
                    "" => field.clone(),
                    name => format!("{name}.{field}"),
                };
                flatten(&path, value, rows);
            }
        }
        serde_json::Value::Null => rows.push((name.to_owned(), String::new())),
        serde_json::Value::String(text) => rows.push((name.to_owned(), text.clone())),
        other => rows.push((name.to_owned(), other.to_string())),
    }
}
