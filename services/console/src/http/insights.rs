//! Insights: how the queue stands and what happened, as charts, tables and files.

use askama::Template;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::Desk;
use super::assets;
use super::chart::{Cell, Chart, Row};
use super::page::{Fault, Shell, render};
use super::time::Moment;
use super::visit::Visit;
use crate::accounts::User;
use crate::backend::rules::{Insights, RuleInsight};

/// Rules whose hits are drawn: those that hit most.
const DRAWN: usize = 6;

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    site: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    by: String,
    /// The table that is asked for as a file.
    #[serde(default)]
    table: String,
}

impl Asked {
    fn pairs(&self) -> Vec<(&'static str, &str)> {
        let fields = [
            ("site", self.site.as_str()),
            ("from", &self.from),
            ("to", &self.to),
            ("by", &self.by),
        ];
        let mut pairs = fields.to_vec();
        pairs.retain(|(_, value)| !value.is_empty());
        pairs
    }

    /// The address of a table as a file.
    fn file(&self, table: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.pairs()).append_pair("table", table);
        format!("/insights.csv?{}", query.finish())
    }
}

#[derive(Template)]
#[template(path = "insights.html")]
struct Page {
    shell: Shell,
    insights: Insights,
    site: String,
    oldest: Option<Moment>,
    /// Median and 90th percentile of how long cases waited.
    waited: Option<(String, String)>,
    charts: Vec<(Chart, Option<String>)>,
}

async fn ask(desk: &Desk, user: &User, asked: &Asked) -> Result<Insights, Fault> {
    let path = ["admin", "insights"];
    Ok(desk.moderation.get(user, &path, &asked.pairs()).await?)
}

/// `GET /insights`
pub(super) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let insights = ask(&desk, visit.user()?, &asked).await?;
    let shell = Shell::new("insights-title", &visit);
    let time = &insights.decision_time;
    let waited = time.median_seconds.zip(time.p90_seconds);
    let charts = Charts {
        shell: &shell,
        insights: &insights,
    };
    let file = |table: &str| Some(asked.file(table));
    let page = Page {
        oldest: Moment::new(insights.now.oldest.as_ref(), desk.clock.now()),
        waited: waited.map(|(median, p90)| (lasted(&shell, median), lasted(&shell, p90))),
        charts: vec![
            (charts.cases(), file("slots")),
            (charts.ended(), None),
            (charts.verdicts(), None),
            (charts.waited(), None),
            (charts.histogram(), None),
            (charts.hits(), file("rules")),
            (charts.overrides(), None),
            (charts.load(), file("moderators")),
        ],
        site: asked.site,
        shell,
        insights,
    };
    Ok(render(StatusCode::OK, &page))
}

/// A length of time in the unit that fits it.
fn lasted(shell: &Shell, seconds: f64) -> String {
    let (id, length) = match seconds {
        ..60.0 => ("insights-seconds", 1.0),
        60.0..7_200.0 => ("insights-minutes", 60.0),
        7_200.0..172_800.0 => ("insights-hours", 3_600.0),
        _ => ("insights-days", 86_400.0),
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "seconds of at most some days"
    )]
    let number = (seconds / length).round() as i64;
    shell.n(id, number)
}

struct Charts<'a> {
    shell: &'a Shell,
    insights: &'a Insights,
}

impl Charts<'_> {
    fn chart(&self, kind: &'static str, title: &str, head: &[&str], rows: Vec<Row>) -> Chart {
        Chart {
            kind,
            title: self.shell.t(title),
            summary: self.shell.t("chart-table"),
            head: head.iter().map(|id| self.shell.t(id)).collect(),
            rows,
            plain: 0,
        }
    }

    /// A chart with a row for each day or hour.
    fn over_time(
        &self,
        title: &str,
        head: &[&str],
        cells: impl Fn(usize, &crate::backend::rules::Slot) -> Vec<Cell>,
    ) -> Chart {
        let slots = self.insights.slots.iter().enumerate();
        let rows = slots.map(|(place, slot)| Row {
            label: slot.at.replace('T', " ").replace(":00Z", ""),
            at: Some(slot.at.clone()),
            cells: cells(place, slot),
        });
        let first = if self.insights.by == "hour" {
            "insights-hour"
        } else {
            "insights-day"
        };
        let head: Vec<&str> = std::iter::once(first).chain(head.iter().copied()).collect();
        self.chart("line", title, &head, rows.collect())
    }

    fn cases(&self) -> Chart {
        let head = [
            "insights-opened",
            "insights-closed",
            "insights-by-rules",
            "insights-reported",
            "insights-appealed",
        ];
        let mut chart = self.over_time("insights-cases", &head, |_, slot| {
            let (opened, closed) = (slot.opened, slot.closed);
            let ended = closed.approved + closed.rejected + other(closed);
            vec![
                (opened.rules + opened.reported + opened.appeal).into(),
                ended.into(),
                opened.rules.into(),
                opened.reported.into(),
                opened.appeal.into(),
            ]
        });
        chart.plain = 3;
        chart
    }

    fn ended(&self) -> Chart {
        let head = [
            "insights-approved",
            "insights-rejected",
            "insights-otherwise",
            "insights-undone",
        ];
        self.over_time("insights-ended", &head, |_, slot| {
            let closed = slot.closed;
            vec![
                closed.approved.into(),
                closed.rejected.into(),
                other(closed).into(),
                slot.undone.into(),
            ]
        })
    }

    fn verdicts(&self) -> Chart {
        let head = ["verdict-approve", "verdict-hold", "verdict-reject"];
        self.over_time("insights-verdicts", &head, |_, slot| {
            let verdicts = slot.verdicts;
            vec![
                verdicts.approve.into(),
                verdicts.hold.into(),
                verdicts.reject.into(),
            ]
        })
    }

    fn waited(&self) -> Chart {
        let head = ["insights-median", "insights-p90", "insights-decided"];
        let minutes = |seconds: Option<f64>| Cell(seconds.map(|s| (s / 6.0).round() / 10.0));
        let mut chart = self.over_time("insights-waited", &head, |_, slot| {
            let time = &slot.decision_time;
            vec![
                minutes(time.median_seconds),
                minutes(time.p90_seconds),
                time.count.into(),
            ]
        });
        chart.plain = 1;
        chart
    }

    fn histogram(&self) -> Chart {
        let bounds = &self.insights.bounds_seconds;
        let name = |place: usize| {
            let text = |bound: u64, id: &str| {
                #[expect(clippy::cast_precision_loss, reason = "seconds of at most a week")]
                let bound = lasted(self.shell, bound as f64);
                self.shell.with(id, "time", bound)
            };
            match (bounds.get(place), bounds.last()) {
                (Some(bound), _) => text(*bound, "insights-up-to"),
                (None, Some(last)) => text(*last, "insights-more-than"),
                (None, None) => String::new(),
            }
        };
        let buckets = self.insights.decision_time.buckets.iter().enumerate();
        let rows = buckets.map(|(place, count)| Row {
            label: name(place),
            at: None,
            cells: vec![(*count).into()],
        });
        let head = ["insights-time", "insights-decided"];
        self.chart("bars", "insights-histogram", &head, rows.collect())
    }

    /// The rules that hit most, in shadow or not.
    fn most(&self) -> Vec<&RuleInsight> {
        let mut rules: Vec<&RuleInsight> = self.insights.rules.iter().collect();
        rules.retain(|rule| rule.hits + rule.shadow_hits > 0);
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.hits + rule.shadow_hits));
        rules
    }

    fn hits(&self) -> Chart {
        let mut most = self.most();
        most.truncate(DRAWN);
        let at = |counts: &[u64], place: usize| counts.get(place).copied().unwrap_or_default();
        let mut chart = self.over_time("insights-hits", &[], |place, _| {
            most.iter()
                .map(|rule| at(&rule.hits_by_slot, place) + at(&rule.shadow_by_slot, place))
                .map(Cell::from)
                .collect()
        });
        chart.head.extend(most.iter().map(|rule| rule.rule.clone()));
        chart
    }

    fn overrides(&self) -> Chart {
        let judged = self.most().into_iter().filter(|rule| {
            let judged = [&rule.judged, &rule.shadow_judged];
            judged.iter().any(|judged| judged.override_rate.is_some())
        });
        let percent = |rate: Option<f64>| Cell(rate.map(|rate| (rate * 1_000.0).round() / 10.0));
        let rows = judged.map(|rule| Row {
            label: rule.rule.clone(),
            at: None,
            cells: vec![
                percent(rule.judged.override_rate),
                percent(rule.shadow_judged.override_rate),
                (rule.judged.approved + rule.judged.rejected).into(),
            ],
        });
        let head = [
            "rules-rule",
            "insights-override",
            "insights-override-shadow",
            "insights-decided",
        ];
        let mut chart = self.chart("bars", "insights-overrides", &head, rows.collect());
        chart.plain = 1;
        chart
    }

    fn load(&self) -> Chart {
        let each = self.insights.moderators.iter();
        let each = each.map(|one| (one.name.clone(), one.load));
        let total = self.shell.t("insights-total");
        let rows = each.chain([(total, self.insights.moderators_total)]);
        let rows = rows.map(|(label, load)| Row {
            label,
            at: None,
            cells: vec![
                load.approved.into(),
                load.rejected.into(),
                load.undone.into(),
            ],
        });
        let head = [
            "insights-moderator",
            "insights-approved",
            "insights-rejected",
            "insights-undone",
        ];
        let mut chart = self.chart("bars", "insights-load", &head, rows.collect());
        chart.plain = 1;
        chart
    }
}

fn other(closed: crate::backend::rules::Closed) -> u64 {
    closed.withdrawn + closed.superseded + closed.erased
}

/// `GET /insights.csv`: names of columns are for programs, and the same in every language.
pub(super) async fn file(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let insights = ask(&desk, visit.user()?, &asked).await?;
    let (name, rows) = match asked.table.as_str() {
        "rules" => ("rules", rules(&insights)),
        "moderators" => ("moderators", moderators(&insights)),
        "slots" => ("cases", slots(&insights)),
        _ => return Err(Fault::NotFound),
    };
    let name = format!("{name}-{}-{}.csv", insights.from, insights.to);
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        ),
        (
            header::CONTENT_DISPOSITION,
            disposition.map_err(|_| Fault::NotFound)?,
        ),
    ];
    Ok((headers, csv(&rows)).into_response())
}

/// Writes rows as RFC 4180. What a table program would take for a formula is marked as text.
fn csv(rows: &[Vec<String>]) -> String {
    let cell = |text: &String| {
        let is_number = text.parse::<f64>().is_ok();
        let is_formula = !is_number && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let text = if is_formula {
            format!("'{text}")
        } else {
            text.clone()
        };
        if text.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text
        }
    };
    let line = |row: &Vec<String>| row.iter().map(cell).collect::<Vec<_>>().join(",") + "\r\n";
    rows.iter().map(line).collect()
}

fn head(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn or_nothing(number: Option<f64>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

fn slots(insights: &Insights) -> Vec<Vec<String>> {
    let mut rows = vec![head(&[
        "at",
        "opened_rules",
        "opened_reported",
        "opened_appeal",
        "closed_approved",
        "closed_rejected",
        "closed_withdrawn",
        "closed_superseded",
        "closed_erased",
        "undone",
        "verdict_approve",
        "verdict_hold",
        "verdict_reject",
        "decided",
        "median_seconds",
        "p90_seconds",
    ])];
    for slot in &insights.slots {
        let (opened, closed, verdicts) = (slot.opened, slot.closed, slot.verdicts);
        let counts = [
            opened.rules,
            opened.reported,
            opened.appeal,
            closed.approved,
            closed.rejected,
            closed.withdrawn,
            closed.superseded,
            closed.erased,
            slot.undone,
            verdicts.approve,
            verdicts.hold,
            verdicts.reject,
            slot.decision_time.count,
        ];
        let mut row = vec![slot.at.clone()];
        row.extend(counts.iter().map(u64::to_string));
        row.push(or_nothing(slot.decision_time.median_seconds));
        row.push(or_nothing(slot.decision_time.p90_seconds));
        rows.push(row);
    }
    rows
}

fn rules(insights: &Insights) -> Vec<Vec<String>> {
    let mut rows = vec![head(&[
        "rule",
        "at",
        "hits",
        "shadow_hits",
        "override_rate",
        "shadow_override_rate",
    ])];
    for rule in &insights.rules {
        let total = [rule.hits, rule.shadow_hits].map(|count| count.to_string());
        let rates = [&rule.judged, &rule.shadow_judged];
        let rates = rates.map(|judged| or_nothing(judged.override_rate));
        let mut row = vec![rule.rule.clone(), "total".to_owned()];
        row.extend(total);
        row.extend(rates);
        rows.push(row);
        let counts = rule.hits_by_slot.iter().zip(&rule.shadow_by_slot);
        for (slot, (hits, shadow)) in insights.slots.iter().zip(counts) {
            if hits + shadow > 0 {
                let (hits, shadow) = (hits.to_string(), shadow.to_string());
                let empty = String::new();
                let (rule, at) = (rule.rule.clone(), slot.at.clone());
                rows.push(vec![rule, at, hits, shadow, empty.clone(), empty]);
            }
        }
    }
    rows
}

/// The row without a name is all of them together.
fn moderators(insights: &Insights) -> Vec<Vec<String>> {
    let each = insights.moderators.iter();
    let each = each.map(|one| (one.name.clone(), one.load));
    let mut rows = vec![head(&["moderator", "approved", "rejected", "undone"])];
    for (name, load) in each.chain([(String::new(), insights.moderators_total)]) {
        let mut row = vec![name];
        row.extend([load.approved, load.rejected, load.undone].map(|count| count.to_string()));
        rows.push(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        let rows = [
            vec!["=1+1".to_owned(), "-5".to_owned(), "a,b".to_owned()],
            vec!["@x".to_owned(), "say \"no\"".to_owned(), "-x".to_owned()],
        ];
        assert_eq!(
            csv(&rows),
            "'=1+1,-5,\"a,b\"\r\n'@x,\"say \"\"no\"\"\",'-x\r\n"
        );
    }
}
