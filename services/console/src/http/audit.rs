//! The console's own journal: who did what, when and from where.

use askama::Template;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::days::{Edge, edge};
use super::page::{Fault, Shell, render};
use super::time::Moment;
use super::visit::Visit;
use super::{Desk, csv, links};
use crate::accounts::{Part, Written};

/// Entries of a page, and rows of a table.
const PAGE: usize = 50;
const ROWS: usize = 50_000;

/// What can be done, as the journal names it.
const ACTS: &[&str] = &[
    "signed_in",
    "sign_in_refused",
    "signed_out",
    "decided",
    "undone",
    "added",
    "changed",
    "link_made",
    "password_set",
    "settings_changed",
    "sanctioned",
    "escalated",
    "retried",
    "dropped",
    "sessions_ended",
    "second_step_set",
    "second_step_off",
    "code_used",
    "token_made",
    "token_ended",
    "token_used",
    "called",
    "linked",
    "texts_changed",
    "webhook",
];
/// What of an act is shown: nothing else is, lest a secret that an act may have gets on a page.
const SHOWN: &[&str] = &[
    "user",
    "case",
    "verdict",
    "reason",
    "version",
    "decision",
    "id",
    "name",
    "role",
    "sites",
    "disabled",
    "language",
    "theme",
    "blur",
    "site",
    "author",
    "sanction",
    "until",
    "escalated",
    "parked",
    "before",
    "after",
    "token",
    "expires",
    "n",
    "method",
    "path",
    "status",
    "issuer",
    "subject",
    "webhook",
    "act",
];

/// Which entries are asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    by: String,
    act: String,
    from: String,
    to: String,
    before: String,
}

/// An entry, for people.
struct Entry {
    seq: u64,
    at: Option<Moment>,
    by: Option<String>,
    from: Option<String>,
    act: String,
    details: Vec<(String, String)>,
}

/// What was done, with what of it is shown.
fn act(written: &Written) -> (String, Vec<(String, String)>) {
    let act = serde_json::to_value(&written.entry.act).unwrap_or_default();
    let (name, fields) = match &act {
        Value::String(name) => (name.clone(), &Value::Null),
        Value::Object(object) => match object.iter().next() {
            Some((name, fields)) => (name.clone(), fields),
            None => return Default::default(),
        },
        _ => return Default::default(),
    };
    let mut details = Vec::new();
    flatten("", fields, &mut details);
    (name, details)
}

fn flatten(before: &str, value: &Value, details: &mut Vec<(String, String)>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        if !SHOWN.contains(&key.as_str()) {
            continue;
        }
        let key = if before.is_empty() {
            key.clone()
        } else {
            format!("{before}.{key}")
        };
        match value {
            Value::Object(_) => flatten(&key, value, details),
            Value::Null => {}
            Value::String(text) => details.push((key, text.clone())),
            Value::Array(items) => {
                let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                details.push((key, texts.join(" ")));
            }
            // Moments are microseconds since 1970.
            Value::Number(micros) if key == "until" => {
                let at = micros.as_i64().map(Timestamp::from_microsecond);
                let at = at.and_then(Result::ok);
                details.push((key, at.map(|at| at.to_string()).unwrap_or_default()));
            }
            other => details.push((key, other.to_string())),
        }
    }
}

impl Entry {
    fn new(written: &Written, now: Timestamp) -> Self {
        let (act, details) = act(written);
        let origin = &written.entry.origin;
        Self {
            seq: written.seq,
            at: Moment::new(written.at.map(|at| at.to_string()).as_ref(), now),
            by: origin.by.clone(),
            from: origin.from.map(|from| from.to_string()),
            act,
            details,
        }
    }
}

/// Reads the entries that are asked for; nothing if a day is none.
async fn read(desk: &Desk, asked: &Asked, limit: usize) -> Result<Option<Part>, Fault> {
    let moment = |day: &str, end| {
        let at = edge(day, end).ok()?;
        Some(at.and_then(|at| at.parse::<Timestamp>().ok()))
    };
    let (Some(from), Some(to)) = (
        moment(&asked.from, Edge::First),
        moment(&asked.to, Edge::Last),
    ) else {
        return Ok(None);
    };
    let (by, name) = (asked.by.trim().to_owned(), asked.act.clone());
    let is_asked = move |written: &Written| {
        from.is_none_or(|from| written.at.is_some_and(|at| at >= from))
            && to.is_none_or(|to| written.at.is_some_and(|at| at < to))
            && (by.is_empty() || written.entry.origin.by.as_ref() == Some(&by))
            && (name.is_empty() || act(written).0 == name)
    };
    let before = asked.before.parse().ok();
    Ok(Some(desk.accounts.log(before, limit, is_asked).await?))
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Audit {
    shell: Shell,
    told: Option<String>,
    asked: Asked,
    /// What is said of the chain, and its last link.
    verified: String,
    head: Option<String>,
    entries: Vec<Entry>,
    next: Option<String>,
    table: String,
}

/// `GET /audit`
pub(super) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let now = desk.clock.now();
    let words = visit.words;
    let verified = desk.accounts.verified().await?;
    let part = read(&desk, &asked, PAGE).await?;
    let (status, told) = match part {
        Some(_) => (StatusCode::OK, None),
        None => (
            StatusCode::UNPROCESSABLE_ENTITY,
            Some(words.t("common-bad-day")),
        ),
    };
    let part = part.unwrap_or_default();
    let pairs = [
        ("by", asked.by.trim()),
        ("act", &asked.act),
        ("from", &asked.from),
        ("to", &asked.to),
    ];
    let next = part.next.map(|next| next.to_string());
    let next = next.map(|next| links::to(&["audit"], &[&pairs[..], &[("before", &next)]].concat()));
    let page = Audit {
        shell: Shell::new("audit-title", &visit),
        told,
        verified: match &verified {
            Some(verified) => words.n("audit-verified", verified.records),
            None => words.t("audit-damaged"),
        },
        head: verified.map(|verified| verified.head),
        entries: part
            .entries
            .iter()
            .map(|one| Entry::new(one, now))
            .collect(),
        next,
        table: links::to(&["audit.csv"], &pairs),
        asked,
    };
    Ok(render(status, &page))
}

/// `GET /audit.csv`: the newest entries, as a table.
pub(super) async fn table(
    State(desk): State<Desk>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let part = read(&desk, &asked, ROWS).await?.ok_or(Fault::NotFound)?;
    let mut table = csv::row(&["number", "time", "by", "from", "request", "act", "details"]);
    for written in &part.entries {
        let (act, details) = act(written);
        let origin = &written.entry.origin;
        let details: Vec<String> = details
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        table.push_str(&csv::row(&[
            &written.seq.to_string(),
            &written.at.map(|at| at.to_string()).unwrap_or_default(),
            origin.by.as_deref().unwrap_or_default(),
            &origin.from.map(|from| from.to_string()).unwrap_or_default(),
            origin.request.as_deref().unwrap_or_default(),
            &act,
            &details.join("; "),
        ]));
    }
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        ),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"audit.csv\""),
        ),
    ];
    Ok((headers, table).into_response())
}
